package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// Check implements [tracker.Tracker]: the credentials, the clock, each project, its
// permissions, its statuses and the mapping to them, the accounts of mapped owners,
// and what a new issue of each type must and can have.
func (c *Client) Check(ctx context.Context, samples []tracker.Draft) ([]tracker.Problem, error) {
	var at time.Time
	k := call{method: http.MethodGet, path: c.path("myself"), reads: true, clock: &at}
	if err := c.do(ctx, k, nil); tracker.KindOf(err) == tracker.Unauthorized {
		return []tracker.Problem{{Fatal: true, Message: "Jira refuses the credentials: " + err.Error(), Next: c.edition.credentials}}, nil
	} else if err != nil {
		return nil, err
	}
	problems, err := c.checkClock(ctx, at)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range samples {
		// Boards of one project share its answers: each project is asked once, each
		// sample by itself.
		ch := &checker{client: c, sample: &samples[i]}
		project := samples[i].Project
		if !seen[project] {
			if err := ch.project(ctx); err != nil {
				return nil, err
			}
		}
		seen[project] = true
		// Without the project everything below would only fail again.
		if !ch.fatal() {
			if err := ch.draft(ctx); err != nil {
				return nil, err
			}
		}
		problems = append(problems, ch.problems...)
	}
	return problems, nil
}

// maxSkew is how far the clocks of the machine and of Jira may be apart.
const maxSkew = 2 * time.Minute

// checkClock compares the clocks. What has changed is asked for by Jira's alone, but
// pauses, leases and snoozes go by the machine's.
func (c *Client) checkClock(ctx context.Context, at time.Time) ([]tracker.Problem, error) {
	if at.IsZero() {
		var err error
		if at, err = c.Now(ctx); err != nil {
			return nil, err
		}
	}
	ahead := c.cfg.Now().Sub(at)
	if ahead.Abs() <= maxSkew {
		return nil, nil
	}
	way := "ahead of"
	if ahead < 0 {
		way = "behind"
	}
	return []tracker.Problem{{
		Message: fmt.Sprintf("clock skew: this machine is %s %s Jira", ahead.Abs().Round(time.Minute), way),
		Next:    "keep the machine's clock by NTP; if it is right, tell the administrator of Jira",
	}}, nil
}

// checker gathers the problems of one sample.
type checker struct {
	client   *Client
	sample   *tracker.Draft
	problems []tracker.Problem
}

// note adds a problem; a fatal one means that no ticket could be filed there.
func (ch *checker) note(fatal bool, message, next string) {
	ch.problems = append(ch.problems, tracker.Problem{Target: ch.sample.Target, Fatal: fatal, Message: message, Next: next})
}

func (ch *checker) fatal() bool {
	return slices.ContainsFunc(ch.problems, func(p tracker.Problem) bool { return p.Fatal })
}

// get reads something of a project; missing means that Jira does not show it.
func (ch *checker) get(ctx context.Context, path string, query url.Values, out any) (missing bool, err error) {
	return ch.untold(ch.client.do(ctx, call{method: http.MethodGet, path: path, query: query, reads: true}, out))
}

// untold tells a refusal from a failure.
func (ch *checker) untold(err error) (missing bool, _ error) {
	var e *tracker.Error
	if errors.As(err, &e) && (e.Kind == tracker.Missing || e.Kind == tracker.Forbidden || e.Kind == tracker.Rejected) {
		return true, nil
	}
	return false, err
}

// project looks at what all boards of a project share.
func (ch *checker) project(ctx context.Context) error {
	var project struct {
		Archived bool `json:"archived"`
	}
	key := ch.sample.Project
	missing, err := ch.get(ctx, ch.client.path("project", url.PathEscape(key)), nil, &project)
	switch {
	case err != nil:
		return err
	case missing:
		account := cmp.Or(ch.client.cfg.Email, "the account")
		ch.note(true, fmt.Sprintf("there is no project %q that this account can see", key), "check the key, and that "+account+" may browse the project")
		return nil
	case project.Archived:
		ch.note(true, fmt.Sprintf("the project %s is archived", key), "restore it or route to another board")
		return nil
	}
	for _, look := range []func(context.Context) error{ch.permissions, ch.statuses, ch.resolution, ch.transitions, ch.owners} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// permission is one that the client uses, with what does not work without it.
type permission struct{ name, without string }

// wanted are the permissions; the first two it cannot do without.
var wanted = []permission{
	{"BROWSE_PROJECTS", "no ticket can be read"},
	{"CREATE_ISSUES", "no ticket can be filed"},
	{"EDIT_ISSUES", "tickets stay as they were filed"},
	{"TRANSITION_ISSUES", "tickets keep their status"},
	{"RESOLVE_ISSUES", "tickets get no resolution"},
	{"ADD_COMMENTS", "nothing is said on tickets"},
	{"ASSIGN_ISSUES", "tickets get no assignee"},
	{"LINK_ISSUES", "tickets are not linked"},
	{"SCHEDULE_ISSUES", "tickets get no due date"},
}

// permissions asks Jira what the account may do, which is better than finding
// out by the first ticket of a Monday.
func (ch *checker) permissions(ctx context.Context) error {
	// Jira refuses the whole question for one name that it does not know; then there is
	// no answer, and the first write tells.
	names := make([]string, len(wanted))
	for i, p := range wanted {
		names[i] = p.name
	}
	mine, err := ch.client.permits(ctx, ch.sample.Project, names)
	if missing, err := ch.untold(err); err != nil || missing {
		return err
	}
	for i, p := range wanted {
		needed := p.name != "SCHEDULE_ISSUES" || !ch.sample.Due.IsZero()
		if needed && !mine[p.name] {
			ch.note(i < 2, fmt.Sprintf("the account lacks the permission %s in project %s: %s", p.name, ch.sample.Project, p.without), "grant it in the project's permission scheme")
		}
	}
	return nil
}

// statuses looks for those that the mapping names, and for the categories that
// stand for what is not mapped.
func (ch *checker) statuses(ctx context.Context) error {
	var kinds []struct {
		Statuses []status `json:"statuses"`
	}
	missing, err := ch.get(ctx, ch.client.path("project", url.PathEscape(ch.sample.Project), "statuses"), nil, &kinds)
	if err != nil || missing {
		return err
	}
	// Each issue type may have a workflow of its own; one that has the status is
	// enough. Jira does not mind the case of names.
	names, categories := map[string]string{}, map[string]bool{}
	for _, kind := range kinds {
		for _, s := range kind.Statuses {
			names[strings.ToLower(s.Name)], categories[s.Category.Key] = s.Name, true
		}
	}
	project, all := ch.sample.Project, strings.Join(slices.Sorted(maps.Values(names)), ", ")
	for _, canonical := range []tracker.Status{tracker.Done, tracker.InProgress, tracker.Open, tracker.WontDo} {
		g := ch.client.goal(project, canonical)
		switch {
		case g.name != "" && names[strings.ToLower(g.name)] == "":
			ch.note(false, fmt.Sprintf("project %s has no status %q, to which %s is mapped", project, g.name, canonical), "its statuses are "+all)
		case g.name == "" && canonical != tracker.WontDo && len(names) > 0 && !categories[g.category]:
			ch.note(false, fmt.Sprintf("project %s has no status that means %s", project, canonical), "map it to one of its statuses: "+all)
		}
	}
	return nil
}

// resolution looks for the one that the mapping names.
func (ch *checker) resolution(ctx context.Context) error {
	g := ch.client.goal(ch.sample.Project, tracker.WontDo)
	// One that is not mapped is tried and left out: no site must have it.
	if !g.strict {
		return nil
	}
	var all []option
	missing, err := ch.get(ctx, ch.client.path("resolution"), nil, &all)
	if err != nil || missing {
		return err
	}
	if !slices.ContainsFunc(all, func(o option) bool { return strings.EqualFold(o.Name, g.resolution) }) {
		ch.note(false, fmt.Sprintf("the site has no resolution %q, to which wont_do of project %s is mapped", g.resolution, ch.sample.Project),
			"its resolutions are "+strings.Join(labels(all), ", "))
	}
	return nil
}

// transitions looks whether the newest issue of the project can be moved: of a
// workflow, Jira shows only the edges out of the status of an issue.
func (ch *checker) transitions(ctx context.Context) error {
	found, err := ch.client.edition.latest(ch.client, ctx, "project = "+quote(ch.sample.Project)+" ORDER BY created DESC, key DESC")
	if err != nil || len(found) == 0 {
		return err
	}
	w := &writing{client: ch.client, before: &found[0]}
	edges, err := w.transitions(ctx)
	// It was deleted or hidden a moment ago, which is no fault of the site.
	if tracker.KindOf(err) == tracker.Missing {
		return nil
	}
	if err == nil && len(edges) == 0 {
		ch.note(false, fmt.Sprintf("the workflow of project %s offers this account no transition of %s out of %q", ch.sample.Project, found[0].Key, found[0].Fields.Status.Name),
			"check the conditions of its transitions")
	}
	return err
}

// owners looks whether the accounts of mapped owners can be assigned.
func (ch *checker) owners(ctx context.Context) error {
	c, find := ch.client, ch.client.edition.users.find
	for _, name := range slices.Sorted(maps.Keys(c.cfg.Users)) {
		id := c.cfg.Users[name]
		// By the last of the parameters, which takes an id.
		users, err := c.assignable(ctx, ch.sample.Project, find[len(find)-1], id)
		if kind := tracker.KindOf(err); kind == tracker.Missing || kind == tracker.Rejected || kind == tracker.Forbidden {
			users, err = nil, nil
		}
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(users, func(u user) bool { return c.edition.users.id(&u) == id }) {
			ch.note(false, fmt.Sprintf("the owner %q is mapped to the account %q, which cannot be assigned in project %s", name, id, ch.sample.Project),
				"map the owner to another account, or give this one access")
		}
	}
	return nil
}

// draft plans the sample as it would be filed.
func (ch *checker) draft(ctx context.Context) error {
	// The same plan as at creation, so that both say the same.
	p, err := ch.client.plan(ctx, ch.sample)
	if err != nil {
		return err
	}
	for _, one := range p.problems {
		ch.note(one.fatal, one.message, one.next)
	}
	return nil
}
