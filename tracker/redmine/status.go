package redmine

import (
	"context"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/internal/rest"
)

// notDone are names of closed statuses that say that nothing was done.
var notDone = []string{
	"Rejected", "Won't Do", "Won't Fix", "Declined", "Duplicate", "Cancelled", "Canceled", "Abandoned", "Invalid", "Obsolete",
	"Not a Bug", "Cannot Reproduce",
}

// busy are names of open statuses that say that somebody is at it. The first that a
// Redmine has is what is asked for.
var busy = []string{"In Progress", "Assigned", "Doing", "Started"}

func isOneOf(names []string, name string) bool {
	name = strings.ReplaceAll(name, "’", "'")
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// status is a status of Redmine's. They come in the order that an administrator gave.
type status struct {
	ID     int    `json:"id"`
	Name   string `json:"name"`
	Closed bool   `json:"is_closed"`
}

// statusOf translates a status: by the mapping of its project where that names it, else
// by whether it is closed.
func (c *Client) statusOf(project string, is status, all []status) tracker.Status {
	mapping := c.cfg.Status[project]
	for _, s := range rest.Statuses {
		if name := mapping[string(s)]; name != "" && strings.EqualFold(name, is.Name) {
			return s
		}
	}
	first := slices.IndexFunc(all, func(s status) bool { return !s.Closed })
	switch {
	// Names are only guessed at where the mapping does not say what wont_do is.
	case is.Closed && mapping[string(tracker.WontDo)] == "" && isOneOf(notDone, is.Name):
		return tracker.WontDo
	case is.Closed:
		return tracker.Done
	case first >= 0 && all[first].ID == is.ID:
		return tracker.Open
	}
	return tracker.InProgress
}

// goal is the status that stands for a canonical one in a project.
func (c *Client) goal(ctx context.Context, project string, want tracker.Status) (status, error) {
	all, err := c.statuses(ctx)
	if err != nil {
		return status{}, err
	}
	fits := c.fitting(project, want, all)
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i], nil
	}
	message := "Redmine has no status for " + string(want)
	if name := c.cfg.Status[project][string(want)]; name != "" {
		message = "Redmine has no status " + name + ", to which " + string(want) + " is mapped in project " + project
	}
	return status{}, c.failed(get("/issue_statuses.json", nil), tracker.Rejected, 0, message+"; it has: "+names(all), nil)
}

// fitting tells the statuses that stand for a canonical one; the first is taken.
func (c *Client) fitting(project string, want tracker.Status, all []status) func(status) bool {
	if name := c.cfg.Status[project][string(want)]; name != "" {
		return func(s status) bool { return strings.EqualFold(s.Name, name) }
	}
	// "In Progress" rather than the second in the order, which may be anything.
	for _, name := range busy {
		named := func(s status) bool { return strings.EqualFold(s.Name, name) && c.statusOf(project, s, all) == want }
		if want == tracker.InProgress && slices.ContainsFunc(all, named) {
			return named
		}
	}
	same := func(s status) bool { return c.statusOf(project, s, all) == want }
	// Where Redmine cannot tell why a ticket ended, ended is all there is.
	if want == tracker.WontDo && !slices.ContainsFunc(all, same) {
		return func(s status) bool { return s.Closed }
	}
	return same
}

func names(all []status) string {
	list := make([]string, len(all))
	for i, s := range all {
		list[i] = s.Name
	}
	return strings.Join(list, ", ")
}
