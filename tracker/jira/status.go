package jira

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// The keys of Jira's status categories: the only part of a status that means
// the same on every site.
const (
	categoryNew  = "new"
	categoryBusy = "indeterminate"
	categoryDone = "done"
)

// notDone are names, of resolutions and of closed statuses, that say that
// nothing was done. The first is what is asked for.
var notDone = []string{
	"Won't Do", "Won't Fix", "Wont Do", "Wont Fix", "Declined", "Rejected", "Duplicate", "Cannot Reproduce", "Incomplete", "Cancelled",
	"Canceled", "Abandoned", "Invalid", "Not a Bug", "Not Doing", "Obsolete", "Known Error",
}

// isNotDone compares names as people write them, with either apostrophe.
func isNotDone(name string) bool {
	name = strings.ReplaceAll(name, "’", "'")
	return slices.ContainsFunc(notDone, func(n string) bool { return strings.EqualFold(n, name) })
}

// goal is a status to be reached, in a project's own words: a name, or else a
// category.
type goal struct {
	status     tracker.Status
	name       string
	category   string
	resolution string // to be set on the way in
	strict     bool   // the mapping names the resolution: without it the goal is missed
}

// goal translates a canonical status for a project.
func (c *Client) goal(project string, s tracker.Status) goal {
	g := goal{status: s, name: c.cfg.Status[project][string(s)]}
	switch s {
	case tracker.Open:
		g.category = categoryNew
	case tracker.InProgress:
		g.category = categoryBusy
	case tracker.Done:
		g.category = categoryDone
	case tracker.WontDo:
		g.category, g.resolution = categoryDone, notDone[0]
		if g.name != "" {
			g.name, g.resolution, g.strict = splitStatus(g.name)
		}
	}
	return g
}

// splitStatus takes "Name/Resolution" apart.
func splitStatus(mapped string) (name, resolution string, both bool) {
	// The last one: names of statuses do contain slashes.
	i := strings.LastIndexByte(mapped, '/')
	if i < 0 {
		return mapped, "", false
	}
	return mapped[:i], mapped[i+1:], true
}

// fits reports whether a status is the goal, its resolution left aside.
func (g goal) fits(s status) bool {
	if g.name != "" {
		return strings.EqualFold(g.name, s.Name)
	}
	return s.Category.Key == g.category
}

// reached reports whether an issue is where the goal is. Where nothing is
// mapped and a site cannot say why a ticket ended, ended is all there is.
func (c *Client) reached(g goal, i *issue) bool {
	is := c.statusOf(i)
	return is == g.status || g.status == tracker.WontDo && g.name == "" && is == tracker.Done
}

// statusOf translates the status of an issue: by the mapping of its project
// where that names it, else by category, resolution and name.
func (c *Client) statusOf(i *issue) tracker.Status {
	resolution := ""
	if i.Fields.Resolution != nil {
		resolution = i.Fields.Resolution.Name
	}
	is, mapping := i.Fields.Status, c.cfg.Status[i.project()]
	// wont_do is asked first: it may share its status with done, and only the
	// resolution tells them apart.
	wontName, wontResolution, both := splitStatus(mapping[string(tracker.WontDo)])
	if wontName != "" && strings.EqualFold(wontName, is.Name) && (!both || strings.EqualFold(wontResolution, resolution)) {
		return tracker.WontDo
	}
	for _, s := range []tracker.Status{tracker.Open, tracker.InProgress} {
		if name := mapping[string(s)]; name != "" && strings.EqualFold(name, is.Name) {
			return s
		}
	}
	// The mapping of done comes before the categories, since a site may call a status
	// done that its category calls busy.
	done := mapping[string(tracker.Done)]
	switch {
	case done != "" && strings.EqualFold(done, is.Name):
		return ended(wontName == "", resolution, "")
	case is.Category.Key == categoryDone:
		return ended(wontName == "", resolution, is.Name)
	case is.Category.Key == categoryNew:
		return tracker.Open
	case is.Category.Key == categoryBusy:
		return tracker.InProgress
	}
	// Jira has a fourth category, for statuses of which it says nothing.
	return tracker.Unclear
}

// ended says how a closed ticket ended. Names are only guessed at where the
// project's mapping does not say what wont_do is.
func ended(guess bool, names ...string) tracker.Status {
	if guess && slices.ContainsFunc(names, isNotDone) {
		return tracker.WontDo
	}
	return tracker.Done
}
