package jira

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// plan is what a draft becomes in its project, and what stands in its way.
type plan struct {
	screen   *screen
	fields   map[string]any
	names    map[string]string // of the fields, as people see them
	problems []problem
}

// essential fields are part of every ticket: without them it cannot be found
// again or says nothing.
var essential = []string{"project", "issuetype", "summary", "description", "labels"}

// plan writes the fields of a draft and holds them against the screen.
func (c *Client) plan(ctx context.Context, d *tracker.Draft) (*plan, error) {
	s, err := c.screen(ctx, d.Target)
	if err != nil {
		return nil, err
	}
	p := &plan{screen: s, names: map[string]string{}, fields: map[string]any{
		"project": map[string]string{"key": d.Project}, "issuetype": named{s.target.Type}, "summary": summaryOf(d.Summary),
		"description": c.edition.text.description(d.Description),
		"labels":      labelsOf(append(slices.Clone(d.Labels), string(d.Marker), installationLabel(d.Installation))),
	}}
	// Nothing of a project that is not there can be looked up.
	if s.problem != nil {
		p.problems = append(p.problems, *s.problem)
		return p, nil
	}
	if err := p.assign(ctx, c, d); err != nil {
		return nil, err
	}
	for _, w := range wishes(d) {
		if err := p.wish(ctx, c, w); err != nil {
			return nil, err
		}
	}
	p.complete()
	return p, nil
}

// wish is a field that a draft wants set.
type wish struct {
	id, name string // one of the two
	value    any
}

// wishes are the fields of a draft beside the essential ones, in one order.
func wishes(d *tracker.Draft) []wish {
	var all []wish
	// Absent, not empty: a board without priorities has no such field to set.
	if d.Priority != "" {
		all = append(all, wish{id: "priority", value: d.Priority})
	}
	if len(d.Components) > 0 {
		all = append(all, wish{id: "components", value: d.Components})
	}
	if !d.Due.IsZero() {
		all = append(all, wish{id: "duedate", value: d.Due})
	}
	if d.Parent != "" {
		all = append(all, wish{id: "parent", value: d.Parent})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Fields)) {
		all = append(all, wish{name: name, value: d.Fields[name]})
	}
	return all
}

// system are the schemas of fields that every site has, for screens that Jira
// does not show.
var system = map[string]field{
	"priority":   {ID: "priority", Name: "Priority", Schema: schema{Type: "priority"}},
	"components": {ID: "components", Name: "Components", Schema: schema{Type: "array", Items: "component"}},
	"duedate":    {ID: "duedate", Name: "Due date", Schema: schema{Type: "date"}},
	"parent":     {ID: "parent", Name: "Parent", Schema: schema{Type: "issuelink"}},
}

// assign looks up the owner. One whom Jira does not know leaves the ticket open.
func (p *plan) assign(ctx context.Context, c *Client, d *tracker.Draft) error {
	if d.Assignee == "" {
		return nil
	}
	// A look-up for a field that is not there would cost a call for nothing.
	if p.screen.known && p.screen.byID("assignee") == nil {
		p.leave("assignee", "it is not on "+p.screen.where(), "add it to the screen")
		return nil
	}
	found, err := c.owner(ctx, d.Project, d.Assignee)
	switch {
	case err != nil:
		return err
	case found.id == "":
		p.problems = append(p.problems, problem{message: found.note, next: "map the owner to an account of the tracker"})
	default:
		p.fields["assignee"], p.names["assignee"] = c.edition.users.reference(found.id), "assignee"
	}
	return nil
}

// leave notes that a field of the draft is left out.
func (p *plan) leave(name, why, next string) {
	p.problems = append(p.problems, problem{message: "the " + name + " could not be set: " + why, next: next})
}

// wish sets a field, or says why not: a field that is not there is left out, a
// value that is not allowed keeps the draft back, since the ticket might land
// where nobody looks for it.
func (p *plan) wish(ctx context.Context, c *Client, w wish) error {
	f, err := p.find(ctx, c, w)
	if f == nil || err != nil {
		return err
	}
	value, bad, err := c.value(ctx, p.screen.target.Project, f, w.value)
	switch {
	case err != nil:
		return err
	// People come and go, and a rule's priority is the word of whoever wrote the rule:
	// neither holds a ticket up.
	case bad != nil && (f.Schema.Type == "user" || f.ID == "priority") && !f.Required:
		p.leave(f.Name, bad.why, bad.next)
	case bad != nil:
		p.problems = append(p.problems, problem{
			true, fmt.Sprintf("project %s, type %s: the field %q: %s", p.screen.target.Project, p.screen.target.Type, f.Name, bad.why), bad.next,
		})
	// Its schema differs by site, what it takes does not.
	case f.ID == "parent" || f.Schema.System == "parent":
		p.fields[f.ID], p.names[f.ID] = map[string]string{"key": textOf(w.value)}, f.Name
	default:
		p.fields[f.ID], p.names[f.ID] = value, f.Name
	}
	return nil
}

// find looks a wished field up on the screen; nil means that it is left out, with
// a note.
func (p *plan) find(ctx context.Context, c *Client, w wish) (*field, error) {
	s := p.screen
	if w.id != "" {
		return p.findSystem(w.id), nil
	}
	f, twice := s.byName(w.name)
	if twice {
		p.leave(fmt.Sprintf("field %q", w.name), "several fields of "+s.where()+" are called so", "name it by its id, like customfield_10010")
		return nil, nil
	}
	if f != nil {
		return f, nil
	}
	// The site's own list tells a wrong name from a screen without the field.
	all, err := c.siteFields(ctx)
	if err != nil {
		return nil, err
	}
	if f, _ = (&screen{fields: all}).byName(w.name); f == nil {
		p.leave(fmt.Sprintf("field %q", w.name), "the site has no field of this name", "check its name")
		return nil, nil
	}
	if s.known {
		p.leave(fmt.Sprintf("field %q", w.name), "it is not on "+s.where(), "add it to the screen")
		return nil, nil
	}
	return f, nil
}

// findSystem finds a field that every site has. Data Center keeps an epic in a
// field of its own.
func (p *plan) findSystem(id string) *field {
	f := p.screen.byID(id)
	if f == nil && id == "parent" {
		at := slices.IndexFunc(p.screen.fields, func(f field) bool { return strings.HasSuffix(f.Schema.Custom, ":gh-epic-link") })
		if at >= 0 {
			return &p.screen.fields[at]
		}
	}
	// Then it is tried, and left out if it is refused.
	if f == nil && !p.screen.known {
		usual := system[id]
		return &usual
	}
	if f == nil {
		p.leave(strings.ToLower(system[id].Name), "it is not on "+p.screen.where(), "add it to the screen")
	}
	return f
}

// complete looks for what the screen demands and the draft does not have, and for
// what every ticket has and the screen lacks.
func (p *plan) complete() {
	s := p.screen
	if !s.known {
		return
	}
	for _, f := range s.fields {
		// Jira sets the reporter from the account of the token.
		_, set := p.fields[f.ID]
		if f.Required && !f.HasDefault && !set && f.ID != "reporter" {
			p.problems = append(p.problems, problem{
				true, fmt.Sprintf("a new %s in project %s needs the field %q, which is not set", s.target.Type, s.target.Project, f.Name),
				"give it a value among the fields of the board, or a default in Jira, or make it optional",
			})
		}
	}
	// Project and type are how the screen was found.
	for _, id := range essential[2:] {
		if s.byID(id) == nil {
			p.problems = append(p.problems, problem{true, fmt.Sprintf("the field %s is not on %s", id, s.where()), "add it to the project's create screen"})
		}
	}
}

// refusal is the error of a draft that cannot be filed as it is; nil if it can.
func (p *plan) refusal(c *Client) *tracker.Error {
	var why []string
	for _, one := range p.problems {
		if one.fatal {
			why = append(why, one.message+"; "+one.next)
		}
	}
	if len(why) == 0 {
		return nil
	}
	return c.failed(call{method: "POST", path: c.path("issue/bulk")}, tracker.Rejected, 0, "not sent: "+strings.Join(why, ". "), nil)
}

// notes are what is left out of the ticket.
func (p *plan) notes() []string {
	var all []string
	for _, one := range p.problems {
		if !one.fatal {
			all = append(all, one.message)
		}
	}
	return all
}
