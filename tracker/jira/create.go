package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/internal/rest"
	"github.com/trimtab/trimtab/tracker/jira/governor"
)

// filing is one draft on its way.
type filing struct {
	draft   *tracker.Draft
	plan    *plan
	result  *tracker.Result
	refused map[string]string // what Jira said against each field
}

// Create implements [tracker.Tracker]. What a draft lacks is said of it alone,
// before anything is sent; the others of its batch go out.
func (c *Client) Create(ctx context.Context, drafts []tracker.Draft) ([]tracker.Result, error) {
	if len(drafts) > tracker.MaxBatch {
		return nil, c.failed(c.creation(nil), tracker.Rejected, 0, fmt.Sprintf("%d drafts in one call", len(drafts)), nil)
	}
	results := make([]tracker.Result, len(drafts))
	var filings []*filing
	for i := range drafts {
		p, err := c.plan(ctx, &drafts[i])
		if err != nil {
			return nil, err // nothing was written yet
		}
		results[i].Notes, results[i].Err = p.notes(), cmp.Or(p.refusal(c), c.forbidden(ctx, drafts[i].Project))
		if results[i].Err == nil {
			filings = append(filings, &filing{draft: &drafts[i], plan: p, result: &results[i]})
		}
	}
	if len(filings) == 0 {
		return results, nil
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

// forbidden is the error of a project that has refused the account a moment ago;
// the drafts of others go out. It is nil if the project has not.
func (c *Client) forbidden(ctx context.Context, project string) *tracker.Error {
	hold, is := c.site.forbids(ctx, c, project)
	if !is {
		return nil
	}
	e := c.failed(c.creation(nil), tracker.Forbidden, 0, "not sent: "+hold.Why, nil)
	e.RetryAfter = max(hold.Until.Sub(c.cfg.Now()), rest.MinPause)
	return e
}

// creation is the call that files drafts.
func (c *Client) creation(updates []map[string]any) call {
	return call{method: http.MethodPost, path: c.path("issue/bulk"), body: map[string]any{"issueUpdates": updates}, accept: elementwise, creates: true}
}

// signature is the type of what our writes say of themselves in a history.
const signature = "trimtab"

// signed names a write in the issue's history, which is how the monitor knows
// our own changes.
func signed(op string) map[string]any {
	return map[string]any{
		"type": signature, "description": "Trimtab", "extraData": map[string]string{"op": op},
		"generator": map[string]string{"id": "trimtab", "type": "application", "displayName": "Trimtab"},
	}
}

// update is the element of a draft. Label, property and history go in with the
// creation itself: there is no moment in which the ticket exists without them.
func (f *filing) update() map[string]any {
	return map[string]any{
		"fields": f.plan.fields, "historyMetadata": signed(f.draft.Op),
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
	k := c.creation(updates)
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
	c.noteForbidden(ctx, k, filings, refused)
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

// noteForbidden leaves projects alone for a while that have refused the account.
func (c *Client) noteForbidden(ctx context.Context, k call, filings []*filing, refused map[int]elementError) {
	var projects []string
	for i, e := range refused {
		if project := filings[i].draft.Project; e.Status == http.StatusForbidden && !slices.Contains(projects, project) {
			projects = append(projects, project)
		}
	}
	if len(projects) > 0 {
		c.site.tell(ctx, c, k, governor.Outcome{Status: http.StatusCreated, Rejected: projects})
	}
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
		refused.RetryAfter = rest.MinPause
	}
	return refused
}

// fileBarer sends those again whose optional fields were refused, without
// them. A refused element was not created, so this files nothing twice.
func (c *Client) fileBarer(ctx context.Context, filings []*filing) {
	var again []*filing
	for _, f := range filings {
		// What was known of the screen is old, or this would have been seen before.
		if len(f.refused) > 0 {
			c.screens.drop(screenKey(f.draft.Target))
			c.known.drop("types/" + f.draft.Project)
		}
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

// strip takes refused fields out, unless a ticket must have them, and reports
// whether any was.
func (f *filing) strip() bool {
	stripped := false
	for _, id := range slices.Sorted(maps.Keys(f.refused)) {
		name, sent := f.plan.names[id]
		if sent && !f.plan.screen.required[id] {
			delete(f.plan.fields, id)
			delete(f.plan.names, id)
			f.result.Notes = append(f.result.Notes, "the "+strings.ToLower(name)+" could not be set: "+f.refused[id])
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
	issues, err := c.edition.fetch(c, ctx, ids, slim)
	byID := make(map[string]*issue, len(issues))
	for i := range issues {
		byID[issues[i].ID] = &issues[i]
	}
	for _, f := range filings {
		if found, ok := byID[f.result.Issue.ID]; ok {
			f.result.Issue = c.shown(found)
			f.compare(found)
		} else if f.result.Err == nil {
			f.assume(c, err)
		}
	}
}

// compare notes which fields Jira has accepted and not kept.
func (f *filing) compare(made *issue) {
	is := &made.Fields
	lost := map[string]bool{
		"assignee": is.Assignee == nil, "priority": is.Priority == nil, "components": len(is.Components) == 0, "duedate": is.Due == "",
		"parent": is.Parent == nil,
	}
	for _, id := range slices.Sorted(maps.Keys(f.plan.names)) {
		if lost[id] {
			f.result.Notes = append(f.result.Notes, "Jira accepted the "+strings.ToLower(f.plan.names[id])+" but did not keep it")
		}
	}
}

// assume fills in a result from its draft.
func (f *filing) assume(c *Client, err error) {
	made, d := &f.result.Issue, f.draft
	// Open is a guess that the monitor corrects; the key is not.
	made.URL, made.Project, made.Marker, made.Status = c.browse(made.Key), d.Project, d.Marker, tracker.Open
	made.Summary, made.Description = summaryOf(d.Summary), d.Description
	made.Block, _ = tracker.Block(d.Description)
	if f.plan.fields["assignee"] != nil {
		made.Assignee = d.Assignee
	}
	// When it last changed stays open: by our clock that can be later than by Jira's, and
	// what a search then shows would pass for old.
	made.Labels, made.Stamped, made.Created = labelsOf(d.Labels), true, c.cfg.Now().UTC()
	note := "the new ticket could not be read back"
	if err != nil {
		note += ": " + err.Error()
	}
	f.result.Notes = append(f.result.Notes, note)
}
