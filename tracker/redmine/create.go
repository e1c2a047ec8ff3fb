package redmine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab/tracker"
)

// maxFailures is how many creations in a row may fail without a reason before the rest
// of a batch is left for later.
const maxFailures = 3

// Create implements [tracker.Tracker], one request for each draft: Redmine has no other
// way. What a draft lacks is said of it alone.
func (c *Client) Create(ctx context.Context, drafts []tracker.Draft) ([]tracker.Result, error) {
	if len(drafts) > tracker.MaxBatch {
		return nil, c.failed(creation(nil), tracker.Rejected, 0, fmt.Sprintf("%d drafts in one call", len(drafts)), nil)
	}
	plans := make([]*plan, len(drafts))
	for i := range drafts {
		var err error
		if plans[i], err = c.plan(ctx, &drafts[i]); err != nil {
			return nil, err // nothing was written yet
		}
	}
	b := &batch{client: c, results: make([]tracker.Result, len(drafts))}
	for i, p := range plans {
		b.results[i].Notes, b.results[i].Err = p.notes, p.refusal(c)
		if b.results[i].Err != nil {
			continue
		}
		if b.stopped != nil {
			b.results[i].Err = c.failed(creation(nil), tracker.Retry, 0, "not sent, since another draft failed", b.stopped)
			b.results[i].Err.RetryAfter = b.stopped.RetryAfter
			continue
		}
		if err := b.file(ctx, p, &b.results[i]); err != nil {
			return nil, err
		}
	}
	return b.results, nil
}

// refusal is the error of a draft that cannot be sent.
func (p *plan) refusal(c *Client) *tracker.Error {
	for _, one := range p.problems {
		if one.Fatal {
			return c.failed(creation(nil), tracker.Rejected, 0, "not sent: "+one.Message+": "+one.Next, nil)
		}
	}
	return nil
}

// creation is the call that files a ticket.
func creation(p *plan) call {
	k := call{method: http.MethodPost, path: "/issues.json"}
	if p == nil {
		return k
	}
	fields := maps.Clone(p.fields)
	fields["custom_fields"] = customFields(p.custom)
	k.body = map[string]any{"issue": fields}
	return k
}

// customFields writes values by the numbers of their fields, in order.
func customFields(values map[int]any) []map[string]any {
	var list []map[string]any
	for _, id := range slices.Sorted(maps.Keys(values)) {
		list = append(list, map[string]any{"id": id, "value": values[id]})
	}
	return list
}

// batch is the drafts of one call on their way.
type batch struct {
	client  *Client
	results []tracker.Result
	sent    int            // requests that may have filed something
	failed  int            // in a row, without a reason
	stopped *tracker.Error // why no more are sent
}

// file sends one draft. Its error is that of the call as a whole, of which nothing has
// been filed; later failures are told of the draft, and the others are left for later.
func (b *batch) file(ctx context.Context, p *plan, result *tracker.Result) error {
	made, err := b.post(ctx, p)
	var e *tracker.Error
	if errors.As(err, &e) && e.Status == http.StatusUnprocessableEntity && p.strip() {
		// What was refused was not made, so this files nothing twice.
		refused := e
		if made, err = b.post(ctx, p); err == nil {
			p.notes = append(p.notes, "filed without what is optional, because Redmine refused: "+refused.Message)
		}
	}
	if errors.As(err, &e) {
		return b.judge(e, result)
	}
	b.sent++
	b.failed = 0
	result.Notes = append(p.notes, p.lost(made)...)
	b.show(ctx, p, made, result)
	return nil
}

func (b *batch) post(ctx context.Context, p *plan) (*issue, error) {
	var answer struct {
		Issue issue `json:"issue"`
	}
	k := creation(p)
	_, err := b.client.do(ctx, k, &answer)
	if err == nil && answer.Issue.ID == 0 {
		err = b.client.failed(k, tracker.Ambiguous, 0, "the answer names no issue", nil)
	}
	return &answer.Issue, err
}

// judge tells the failure of one draft from one of all. Those not filed yet may then
// only be said to be tried later: any other kind would block each of them.
func (b *batch) judge(e *tracker.Error, result *tracker.Result) error {
	ofAll := e.Kind == tracker.Unauthorized || e.Kind == tracker.Withheld || e.Kind == tracker.Retry
	if ofAll && b.sent == 0 {
		return e
	}
	switch e.Kind {
	case tracker.Ambiguous:
		b.sent++
		b.failed++
		// No answer at all will not come for the next one either.
		if e.Status == 0 || b.failed >= maxFailures {
			b.stopped = e
		}
	case tracker.Missing: // the project, a moment after it was read
		e.Kind = tracker.Rejected
	case tracker.Unauthorized, tracker.Withheld, tracker.Retry:
		b.stopped = e
		later := *e
		later.Kind = tracker.Retry
		e = &later
	}
	result.Err = e
	return nil
}

// strip takes out what a ticket can do without, and reports whether there was any.
// Redmine words its refusals in the language of the account, so that they do not tell
// which field they are about.
func (p *plan) strip() bool {
	stripped := len(p.optional)+len(p.names) > 0
	for key := range p.optional {
		delete(p.fields, key)
	}
	for id := range p.names {
		delete(p.custom, id)
	}
	p.optional, p.names = nil, nil
	return stripped
}

// lost notes what Redmine has accepted and not kept.
func (p *plan) lost(made *issue) []string {
	gone := map[string]bool{
		"assigned_to_id": made.Assignee == nil, "category_id": made.Category == nil, "due_date": made.Due == "", "parent_issue_id": made.Parent == nil,
		"priority_id": made.Priority == nil || fmt.Sprint(made.Priority.ID) != fmt.Sprint(p.fields["priority_id"]),
	}
	var notes []string
	for _, key := range slices.Sorted(maps.Keys(p.optional)) {
		if gone[key] {
			notes = append(notes, "Redmine accepted the "+p.optional[key]+" but did not keep it")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.custom)) {
		if name := cmp.Or(p.names[id], "custom field "+strconv.Itoa(id)); !made.has(id) {
			notes = append(notes, "Redmine accepted "+name+" but did not keep it: the field is not one of the tracker "+made.Type.Name+" in this project")
		}
	}
	return notes
}

// show gives a draft its ticket. The ticket exists: when reading fails, what is known
// is said.
func (b *batch) show(ctx context.Context, p *plan, made *issue, result *tracker.Result) {
	shown, err := b.client.showOne(ctx, made)
	if err != nil {
		id := strconv.Itoa(made.ID)
		shown = tracker.Issue{
			ID: id, Key: "#" + id, URL: b.client.base.JoinPath("issues", id).String(), Project: p.draft.Project, Marker: p.draft.Marker,
			Status: tracker.Open, StatusName: made.Status.Name, Summary: made.Subject, Description: b.client.text.read(made.Description),
			Block:  b.client.text.block(made.Description),
			Labels: p.origin.labels, Op: p.origin.op, Created: made.Created.UTC(), Updated: made.Updated.UTC(),
		}
		result.Notes = append(result.Notes, "the new ticket could not be read back: "+err.Error())
	}
	result.Issue = shown
}
