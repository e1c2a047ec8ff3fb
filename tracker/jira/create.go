package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/trimtab/trimtab/tracker"
)

const bulkPath = "/rest/api/3/issue/bulk"

// optional fields are left out, with a note, where a project refuses them: the
// ticket is worth more.
var optional = []string{"assignee", "priority"}

// filing is one draft on its way.
type filing struct {
	draft   *tracker.Draft
	fields  map[string]any
	result  *tracker.Result
	refused map[string]string // what Jira said against each field
}

// Create implements [tracker.Tracker].
func (c *Client) Create(ctx context.Context, drafts []tracker.Draft) ([]tracker.Result, error) {
	if len(drafts) > tracker.MaxBatch {
		return nil, c.failed(call{method: http.MethodPost, path: bulkPath}, tracker.Rejected, 0, fmt.Sprintf("%d drafts in one call", len(drafts)), nil)
	}
	if len(drafts) == 0 {
		return nil, nil
	}
	results := make([]tracker.Result, len(drafts))
	filings := make([]*filing, len(drafts))
	for i := range drafts {
		f, err := c.prepare(ctx, &drafts[i], &results[i])
		if err != nil {
			return nil, err // nothing was written yet
		}
		filings[i] = f
	}
	// The call as a whole failed, perhaps after Jira acted: its kind says so, and the
	// caller looks for the markers before it files again.
	if err := c.file(ctx, filings); err != nil {
		return nil, err
	}
	c.fileBarer(ctx, filings)
	c.readBack(ctx, filings)
	return results, nil
}

// prepare looks up what a draft needs and writes its fields.
func (c *Client) prepare(ctx context.Context, d *tracker.Draft, result *tracker.Result) (*filing, error) {
	fields := map[string]any{
		"project": map[string]string{"key": d.Project}, "issuetype": named{typeOf(d.Target)}, "summary": summaryOf(d.Summary),
		"description": document(d.Description), "labels": labelsOf(append(slices.Clone(d.Labels), string(d.Marker), installationLabel(d.Installation))),
	}
	// Absent, not empty: a board without priorities has no such field to set.
	if d.Priority != "" {
		fields["priority"] = named{d.Priority}
	}
	if d.Assignee != "" {
		found, err := c.owner(ctx, d.Project, d.Assignee)
		if err != nil {
			return nil, err
		}
		if found.id != "" {
			fields["assignee"] = map[string]string{"accountId": found.id}
		} else {
			result.Notes = append(result.Notes, found.note)
		}
	}
	return &filing{draft: d, fields: fields, result: result}, nil
}

// history names a write in the issue's history, which is how the monitor knows
// our own changes.
func history(op string) map[string]any {
	return map[string]any{
		"type": "trimtab", "description": "Trimtab", "extraData": map[string]string{"op": op},
		"generator": map[string]string{"id": "trimtab", "type": "application", "displayName": "Trimtab"},
	}
}

// update is the element of a draft. Label, property and history go in with the
// creation itself: there is no moment in which the ticket exists without them.
func (f *filing) update() map[string]any {
	return map[string]any{
		"fields": f.fields, "historyMetadata": history(f.draft.Op),
		"properties": []map[string]any{{"key": propertyKey, "value": property{Marker: f.draft.Marker, Op: f.draft.Op}}},
	}
}

// created is the answer to a bulk creation. Issues is without gaps: it skips
// the elements that Errors names.
type created struct {
	Issues []ref          `json:"issues"`
	Errors []elementError `json:"errors"`
}

// ref names an issue that was created.
type ref struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// elementError says which element of the request failed and why. The number is
// a pointer because 0 is an element too.
type elementError struct {
	Status  int       `json:"status"`
	Element *int      `json:"failedElementNumber"`
	What    complaint `json:"elementErrors"`
}

// file sends drafts in one call and gives each its result.
func (c *Client) file(ctx context.Context, filings []*filing) error {
	updates := make([]map[string]any, len(filings))
	for i, f := range filings {
		updates[i] = f.update()
	}
	k := call{method: http.MethodPost, path: bulkPath, body: map[string]any{"issueUpdates": updates}, accept: elementwise}
	var answer created
	if err := c.do(ctx, k, &answer); err != nil {
		return err
	}
	// An answer that does not add up is worse than none: a key given to the wrong
	// draft would bind a ticket to somebody else's finding for good.
	refused := map[int]elementError{}
	for _, e := range answer.Errors {
		if e.Element == nil || *e.Element < 0 || *e.Element >= len(filings) {
			return c.failed(k, tracker.Ambiguous, 0, "an error names no element: "+e.What.String(), nil)
		}
		refused[*e.Element] = e
	}
	nameless := slices.ContainsFunc(answer.Issues, func(i ref) bool { return i.ID == "" || i.Key == "" })
	if nameless || len(answer.Issues)+len(refused) != len(filings) {
		return c.failed(k, tracker.Ambiguous, 0, fmt.Sprintf("%d issues and %d errors for %d drafts", len(answer.Issues), len(refused), len(filings)), nil)
	}
	// Issues come in the order of the drafts, without those that were refused.
	next := 0
	for i, f := range filings {
		// A second try, barer, must not keep the refusal of the first.
		f.result.Err = nil
		if e, ok := refused[i]; ok {
			f.result.Err, f.refused = c.refuse(k, e), e.What.Errors
			continue
		}
		f.result.Issue.ID, f.result.Issue.Key = answer.Issues[next].ID, answer.Issues[next].Key
		next++
	}
	return nil
}

// elementwise reports whether a refusal explains each element: where all of
// them fail, Jira says 400 in the same words as 201.
func elementwise(status int, body []byte) bool {
	var answer created
	return status == http.StatusBadRequest && json.Unmarshal(body, &answer) == nil &&
		slices.ContainsFunc(answer.Errors, func(e elementError) bool { return e.Element != nil })
}

// refuse judges the refusal of one element.
func (c *Client) refuse(k call, e elementError) *tracker.Error {
	kind, status := tracker.Rejected, e.Status
	switch {
	case status == http.StatusForbidden:
		kind = tracker.Forbidden
	case status == http.StatusTooManyRequests:
		kind = tracker.Retry
	// Even of one element: Jira may have made it before it stumbled.
	case status >= 500:
		kind = tracker.Ambiguous
	}
	refused := c.failed(k, kind, status, e.What.String(), nil)
	if kind == tracker.Retry {
		// An element has no headers of its own that could name a pause.
		refused.RetryAfter = minPause
	}
	return refused
}

// fileBarer sends those again whose optional fields were refused, without
// them. A refused element was not created, so this files nothing twice.
func (c *Client) fileBarer(ctx context.Context, filings []*filing) {
	var again []*filing
	for _, f := range filings {
		if f.result.Err != nil && f.result.Err.Kind == tracker.Rejected && f.strip() {
			again = append(again, f)
		}
	}
	if len(again) == 0 {
		return
	}
	var e *tracker.Error
	// These alone are in doubt; the others have their keys and must keep them.
	if errors.As(c.file(ctx, again), &e) {
		for _, f := range again {
			f.result.Err = e
		}
	}
}

// strip takes refused optional fields out and reports whether any was.
func (f *filing) strip() bool {
	stripped := false
	for field, why := range f.refused {
		if _, sent := f.fields[field]; sent && slices.Contains(optional, field) {
			delete(f.fields, field)
			f.result.Notes = append(f.result.Notes, "the "+field+" could not be set: "+why)
			stripped = true
		}
	}
	return stripped
}

// readBack completes what was created with what Jira made of it. The tickets
// exist: when this fails, the draft says what is known.
func (c *Client) readBack(ctx context.Context, filings []*filing) {
	var ids []string
	for _, f := range filings {
		if f.result.Err == nil {
			ids = append(ids, f.result.Issue.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	// By id, past the search: its index is minutes behind and would miss all of them.
	issues, err := c.fetch(ctx, ids)
	byID := make(map[string]*issue, len(issues))
	for i := range issues {
		byID[issues[i].ID] = &issues[i]
	}
	for _, f := range filings {
		if found, ok := byID[f.result.Issue.ID]; ok {
			f.result.Issue = c.shown(found)
		} else if f.result.Err == nil {
			f.assume(c, err)
		}
	}
}

// assume fills in a result from its draft.
func (f *filing) assume(c *Client, err error) {
	made, d := &f.result.Issue, f.draft
	// Open is a guess that the monitor corrects; the key is not.
	made.URL, made.Project, made.Marker, made.Status = c.browse(made.Key), d.Project, d.Marker, tracker.Open
	made.Summary, made.Description = summaryOf(d.Summary), d.Description
	made.Labels, made.Created = labelsOf(d.Labels), c.cfg.Now().UTC()
	made.Updated = made.Created
	note := "the new ticket could not be read back"
	if err != nil {
		note += ": " + err.Error()
	}
	f.result.Notes = append(f.result.Notes, note)
}
