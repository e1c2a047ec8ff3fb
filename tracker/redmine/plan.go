package redmine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// plan is a draft in Redmine's words.
type plan struct {
	draft    *tracker.Draft
	fields   map[string]any // of the issue; custom fields apart
	custom   map[int]any
	optional map[string]string // what a ticket can do without: the key in fields, and its name
	names    map[int]string    // of optional custom fields
	origin   origin
	notes    []string
	problems []tracker.Problem // fatal ones keep the draft from being sent
}

// planning is a draft on its way to a plan.
type planning struct {
	client  *Client
	draft   *tracker.Draft
	project *project
	plan    *plan
}

// plan translates a draft. An error is one of asking Redmine; what is wrong with the
// draft stands in the plan.
func (c *Client) plan(ctx context.Context, d *tracker.Draft) (*plan, error) {
	p := &planning{client: c, draft: d, plan: &plan{
		draft: d, fields: map[string]any{}, custom: map[int]any{}, optional: map[string]string{}, names: map[int]string{},
	}}
	var err error
	p.project, err = c.project(ctx, d.Project)
	if refusedToShow(err) || err == nil && d.Project == "" {
		p.problem(true, fmt.Sprintf("there is no project %q that this account can see", d.Project), "name it by its identifier, the word in its address, and make the account a member")
		return p.plan, nil
	}
	if err != nil {
		return nil, err
	}
	ours, err := c.ourFields(ctx)
	if err != nil {
		return nil, err
	}
	p.target()
	p.plan.origin = origin{installation: installationWord(d.Installation), op: wordOf(d.Op), labels: labelsOf(d.Labels)}
	p.plan.custom[ours.marker], p.plan.custom[ours.origin] = string(d.Marker), p.plan.origin.String()
	p.plan.fields["subject"], p.plan.fields["description"] = subjectOf(d.Summary), c.text.describe(d.Description)
	for _, set := range []func(context.Context) error{p.assignee, p.priority, p.details, p.customFields} {
		if err := set(ctx); err != nil {
			return nil, err
		}
	}
	return p.plan, nil
}

func (p *planning) problem(fatal bool, message, next string) {
	p.plan.problems = append(p.plan.problems, tracker.Problem{Target: p.draft.Target, Fatal: fatal, Message: message, Next: next})
	if !fatal {
		p.plan.notes = append(p.plan.notes, message)
	}
}

// target is the project and the tracker, as Redmine calls a type of issue.
func (p *planning) target() {
	d := p.draft
	if p.project.Identifier != d.Project {
		p.problem(true, fmt.Sprintf("the project %q is known as %q", d.Project, p.project.Identifier), "name it by its identifier")
	}
	if p.project.Status > 1 {
		p.problem(true, fmt.Sprintf("the project %s is closed or archived", d.Project), "reopen it or route to another board")
	}
	p.plan.fields["project_id"] = p.project.ID
	if d.Type == "" {
		return // the project's first
	}
	if id := named(d.Type, p.project.Types); id > 0 {
		p.plan.fields["tracker_id"] = id
		return
	}
	p.problem(true, fmt.Sprintf("the project %s has no tracker %q", d.Project, d.Type), "it has: "+words(p.project.Types))
}

func words(all []ref) string {
	list := make([]string, len(all))
	for i, one := range all {
		list[i] = one.Name
	}
	return strings.Join(list, ", ")
}

// set fills a field that a ticket can do without.
func (p *planning) set(key, name string, value any) {
	p.plan.fields[key], p.plan.optional[key] = value, name
}

func (p *planning) assignee(ctx context.Context) error {
	if p.draft.Assignee == "" {
		return nil
	}
	id, note, err := p.client.owner(ctx, p.project, p.draft.Assignee)
	if id > 0 {
		p.set("assigned_to_id", "assignee", id)
	}
	if note != "" {
		p.problem(false, note, "make the owner a member of the project, or map the owner to an account")
	}
	return err
}

func (p *planning) priority(ctx context.Context) error {
	name := p.draft.Priority
	if name == "" {
		return nil
	}
	all, err := p.client.priorities(ctx)
	if err != nil {
		return err
	}
	if id := named(name, all); id > 0 {
		p.set("priority_id", "priority", id)
		return nil
	}
	p.problem(false, fmt.Sprintf("there is no priority %q", name), "Redmine has: "+words(all))
	return nil
}

// details are the category, the due date and the parent.
func (p *planning) details(context.Context) error {
	for i, name := range p.draft.Components {
		switch id := named(name, p.project.Categories); {
		case i > 0:
			p.problem(false, fmt.Sprintf("an issue has one category: %q is left out", name), "name one component")
		case id == 0:
			p.problem(false, fmt.Sprintf("the project %s has no category %q", p.draft.Project, name), "add it in the settings of the project")
		default:
			p.set("category_id", "category", id)
		}
	}
	if !p.draft.Due.IsZero() {
		p.set("due_date", "due date", p.draft.Due.Format(time.DateOnly))
	}
	if p.draft.Parent == "" {
		return nil
	}
	if id, err := strconv.Atoi(strings.TrimPrefix(p.draft.Parent, "#")); err == nil && id > 0 {
		p.set("parent_issue_id", "parent", id)
	} else {
		p.problem(false, fmt.Sprintf("the parent %q is no number of an issue", p.draft.Parent), "write it as #123")
	}
	return nil
}

// customFields fills further fields, by the names that people see.
func (p *planning) customFields(ctx context.Context) error {
	if len(p.draft.Fields) == 0 {
		return nil
	}
	all, err := p.client.allFields(ctx)
	if err == nil && len(all) == 0 { // to no administrator issues show fields that projects do not
		all, err = recall(ctx, p.client, "issue fields", p.client.issueFields)
	}
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.draft.Fields)) {
		id := cmp.Or(named(name, p.project.Fields, all), number(name))
		if id == 0 {
			p.problem(false, fmt.Sprintf("no custom field %q can be seen", name), "add it to the project, or name it by its number")
			continue
		}
		p.plan.custom[id], p.plan.names[id] = valueOf(p.draft.Fields[name]), name
	}
	return nil
}

// valueOf writes a value as Redmine takes it: texts and lists of texts.
func valueOf(value any) any {
	switch v := value.(type) {
	case []string:
		return v
	case []any:
		list := make([]string, len(v))
		for i := range v {
			list[i] = fmt.Sprint(v[i])
		}
		return list
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}
