package redmine

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// Check implements [tracker.Tracker]: the key, our fields and their filters, each project,
// what the account may do there, the statuses of the mapping, and each sample as it
// would be filed.
func (c *Client) Check(ctx context.Context, samples []tracker.Draft) ([]tracker.Problem, error) {
	c.forget("statuses", "priorities", "fields", "ours", "issue fields")
	ch := &checker{client: c}
	if _, err := c.do(ctx, get("/users/current.json", url.Values{"include": {"memberships"}}), &ch.me); tracker.KindOf(err) == tracker.Unauthorized {
		ch.note(tracker.Target{}, true, "Redmine refuses the key: "+err.Error(), "make a new key under \"My account\", and let an administrator switch the REST API on")
		return ch.problems, nil
	} else if err != nil {
		return nil, err
	}
	if err := ch.fields(ctx); err != nil || ch.fatal() {
		return ch.problems, err
	}
	seen := map[string]bool{}
	for i := range samples {
		project := samples[i].Project
		c.forget("project/"+project, "members/"+project)
		p, err := c.plan(ctx, &samples[i])
		if err != nil {
			return nil, err
		}
		ch.problems = append(ch.problems, p.problems...)
		if seen[project] {
			continue
		}
		seen[project] = true
		if err := ch.project(ctx, samples[i].Target); err != nil {
			return nil, err
		}
	}
	return ch.problems, nil
}

// project looks at what the plan of a draft does not.
func (ch *checker) project(ctx context.Context, t tracker.Target) error {
	found, err := ch.client.project(ctx, t.Project)
	if refusedToShow(err) || t.Project == "" {
		return nil // the plan has said so
	}
	if err != nil {
		return err
	}
	for _, look := range []func(context.Context, *project, tracker.Target) error{ch.permissions, ch.statuses, ch.shown} {
		if err := look(ctx, found, t); err != nil {
			return err
		}
	}
	return nil
}

// checker gathers problems.
type checker struct {
	client   *Client
	problems []tracker.Problem
	ours     ours
	me       struct {
		User struct {
			Login       string `json:"login"`
			Admin       bool   `json:"admin"`
			Memberships []struct {
				Project ref   `json:"project"`
				Roles   []ref `json:"roles"`
			} `json:"memberships"`
		} `json:"user"`
	}
}

// note adds a problem; a fatal one means that no ticket could be filed there.
func (ch *checker) note(t tracker.Target, fatal bool, message, next string) {
	ch.problems = append(ch.problems, tracker.Problem{Target: t, Fatal: fatal, Message: message, Next: next})
}

func (ch *checker) fatal() bool {
	return slices.ContainsFunc(ch.problems, func(p tracker.Problem) bool { return p.Fatal })
}

// fields looks whether our fields can be found and searched. A filter that Redmine
// ignores would make every look-up read all issues, and is refused.
func (ch *checker) fields(ctx context.Context) (err error) {
	c := ch.client
	if ch.ours, err = c.ourFields(ctx); tracker.KindOf(err) == tracker.Rejected {
		ch.note(tracker.Target{}, true, err.Error(), "an administrator adds it: Administration, Custom fields, Issues, format Text, \"Used as a filter\"")
		return nil
	} else if err != nil {
		return err
	}
	for _, f := range []struct {
		id          int
		name, value string
	}{{ch.ours.marker, c.cfg.Marker, "tt-none"}, {ch.ours.origin, c.cfg.Origin, "^tt-none "}} {
		_, shown, err := c.list(ctx, url.Values{cf(f.id): {f.value}, "limit": {"1"}})
		if err == nil && shown > 0 {
			err = c.ignored(f.name)
		}
		if refusedToShow(err) {
			ch.note(tracker.Target{}, true, err.Error(), "switch on \"Used as a filter\", and let the account's roles see the field")
		} else if err != nil {
			return err
		}
	}
	return nil
}

// permission is one that the client uses, with what does not work without it.
type permission struct {
	name, without string
	fatal         bool
}

var wanted = []permission{
	{"view_issues", "no ticket can be read", true},
	{"add_issues", "no ticket can be filed", true},
	{"edit_issues", "tickets stay as they were filed", false},
	{"add_issue_notes", "nothing is said on tickets", false},
	{"manage_issue_relations", "tickets are not linked", false},
	{"manage_subtasks", "tickets get no parent", false},
}

// permissions gathers what the roles of the account allow, which is better than finding
// out by the first ticket of a Monday.
func (ch *checker) permissions(ctx context.Context, p *project, t tracker.Target) error {
	if ch.me.User.Admin {
		return nil
	}
	var roles []ref
	for _, m := range ch.me.User.Memberships {
		if m.Project.ID == p.ID {
			roles = append(roles, m.Roles...)
		}
	}
	if len(roles) == 0 {
		ch.note(t, false, fmt.Sprintf("the account %s is no member of the project %s: what it may do there cannot be seen", ch.me.User.Login, p.Identifier), "make it a member")
		return nil
	}
	var allowed []string
	for _, r := range roles {
		var answer struct {
			Role struct {
				Permissions []string `json:"permissions"`
			} `json:"role"`
		}
		if _, err := ch.client.do(ctx, get("/roles/"+strconv.Itoa(r.ID)+".json", nil), &answer); err != nil {
			return err
		}
		allowed = append(allowed, answer.Role.Permissions...)
	}
	for _, want := range wanted {
		if !slices.Contains(allowed, want.name) {
			ch.note(t, want.fatal, fmt.Sprintf("the account %s lacks the permission %s in the project %s: %s", ch.me.User.Login, want.name, p.Identifier, want.without),
				"give it to the role "+words(roles))
		}
	}
	return nil
}

// statuses looks whether the mapping names statuses that there are.
func (ch *checker) statuses(ctx context.Context, p *project, t tracker.Target) error {
	all, err := ch.client.statuses(ctx)
	if err != nil {
		return err
	}
	mapping := ch.client.cfg.Status[p.Identifier]
	for _, s := range slices.Sorted(maps.Keys(mapping)) {
		if !slices.ContainsFunc(all, func(is status) bool { return strings.EqualFold(is.Name, mapping[s]) }) {
			ch.note(t, false, fmt.Sprintf("the status map of project %s names %q for %s, which Redmine does not have", p.Identifier, mapping[s], s), "it has: "+names(all))
		}
	}
	return nil
}

// shown looks whether issues of the type have our fields: without them Redmine drops the
// marker silently. An administrator sees it in the settings of the field, others in the
// newest issue of the type, if there is one.
func (ch *checker) shown(ctx context.Context, p *project, t tracker.Target) error {
	kind := named(t.Type, p.Types)
	if kind == 0 {
		return nil
	}
	all, err := ch.client.fields(ctx)
	if err != nil {
		return err
	}
	newest, _, err := ch.client.list(ctx, url.Values{"project_id": {strconv.Itoa(p.ID)}, "tracker_id": {strconv.Itoa(kind)}, "sort": {"id:desc"}, "limit": {"1"}})
	if err != nil {
		return err
	}
	for id, name := range map[int]string{ch.ours.marker: ch.client.cfg.Marker, ch.ours.origin: ch.client.cfg.Origin} {
		off := slices.ContainsFunc(all, func(f field) bool {
			return f.ID == id && !slices.ContainsFunc(f.Types, func(r ref) bool { return r.ID == kind })
		})
		// An issue of a parent project's query may be of a project below it.
		if len(newest) > 0 && newest[0].Project.ID == p.ID && !newest[0].has(id) {
			off = true
		}
		if off {
			ch.note(t, true, fmt.Sprintf("issues of the tracker %s in the project %s do not have the custom field %q", t.Type, p.Identifier, name),
				"assign the field to the tracker and the project, and let the account's roles see it")
		}
	}
	return nil
}
