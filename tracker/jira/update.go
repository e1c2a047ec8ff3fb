package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira/governor"
	"github.com/trimtab/trimtab/tracker/jira/markup"
)

// issuePath is the address of an issue or of something below it.
func (c *Client) issuePath(id string, rest ...string) string {
	return c.path(append([]string{"issue", url.PathEscape(id)}, rest...)...)
}

// write is a call that changes an issue.
func (w *writing) write(method string, body any, rest ...string) call {
	return call{method: method, path: w.client.issuePath(w.before.ID, rest...), body: body, issue: w.before.ID, project: w.before.project()}
}

// put is the call that failures of the whole change name.
func (w *writing) put() call { return w.write(http.MethodPut, nil) }

// writing is a change on its way to one issue.
type writing struct {
	client *Client
	change tracker.Change
	goal   goal     // of the status, when that is to change
	been   []string // the statuses on the way to it, the first among them
	at     status   // where the move has come to
	owner  *owner   // nil when the assignee stays
	before *issue   // as it was read before anything was written
}

// Update implements [tracker.Tracker]: the status first, because a workflow may
// lock the fields of a closed ticket only after them; then the fields in one
// request, then the comment and the links.
func (c *Client) Update(ctx context.Context, id string, decide func(tracker.Issue) tracker.Change) (tracker.Issue, error) {
	before, err := c.one(ctx, id)
	if err != nil {
		return tracker.Issue{}, err
	}
	w := &writing{client: c, change: decide(c.shown(before)), before: before}
	wrote, err := w.run(ctx)
	if err != nil {
		return tracker.Issue{}, w.whose(ctx, err)
	}
	after := before
	if wrote {
		if after, err = c.one(ctx, before.ID); err != nil {
			return tracker.Issue{}, w.doubt(err)
		}
		if err := w.verify(after); err != nil {
			return tracker.Issue{}, err
		}
	}
	return c.shown(after), nil
}

// doubt is the error of reading back: what was written stays written, and
// saying it again does no harm.
func (w *writing) doubt(err error) error {
	if tracker.KindOf(err) != tracker.Retry {
		return err
	}
	return w.client.failed(w.put(), tracker.Ambiguous, 0, "written, but not read back", err)
}

// needed are the permissions on a project without which no write to its tickets works.
var needed = []string{"BROWSE_PROJECTS", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS"}

// whose tells a ticket that refuses us, as an archived one, from a project that does: one
// ticket must not stop the writes to all others.
func (w *writing) whose(ctx context.Context, err error) error {
	var e *tracker.Error
	if !errors.As(err, &e) || e.Kind != tracker.Forbidden || e.Status == 0 {
		return err
	}
	project := w.before.project()
	have, asked := w.client.permits(ctx, project, needed)
	if asked != nil || slices.ContainsFunc(needed, func(name string) bool { return !have[name] }) {
		w.client.site.tell(ctx, w.client, w.put(), governor.Outcome{Status: e.Status, Rejected: []string{project}})
		return err
	}
	alone := *e
	alone.Kind, alone.Message = tracker.Retry, e.Message+" It is this ticket alone: the account may edit in project "+project+"."
	return &alone
}

// permits asks what the account may do in a project.
func (c *Client) permits(ctx context.Context, project string, names []string) (map[string]bool, error) {
	var mine struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	query := url.Values{"projectKey": {project}, "permissions": {strings.Join(names, ",")}}
	err := c.do(ctx, call{method: http.MethodGet, path: c.path("mypermissions"), query: query, reads: true}, &mine)
	have := make(map[string]bool, len(names))
	for name, p := range mine.Permissions {
		have[name] = p.Have
	}
	return have, err
}

// run writes what is not so already and reports whether it wrote anything.
func (w *writing) run(ctx context.Context) (bool, error) {
	// Asked before anything is written: an unknown owner must leave the ticket whole.
	if err := w.findOwner(ctx); err != nil {
		return false, err
	}
	moved, err := w.move(ctx)
	if err != nil {
		return false, err
	}
	edited, err := w.edit(ctx)
	if err != nil {
		return false, err
	}
	// Last, because a comment speaks of what has been done.
	said, err := w.say(ctx)
	if err != nil {
		return false, err
	}
	// Links stand on no screen and fail for reasons of their own: what matters more is done.
	linked, err := w.link(ctx)
	return moved || edited || said || linked, err
}

// findOwner looks up a new assignee. Unlike at creation, an unknown one is an
// error: nothing else would tell that the assignee did not change.
func (w *writing) findOwner(ctx context.Context) error {
	name := w.change.Assignee
	if name == nil {
		return nil
	}
	// Who has it already needs no look-up, and may be nobody who can be assigned any
	// more.
	if u := w.before.Fields.Assignee; *name == "" || u != nil && (strings.EqualFold(u.Email, *name) || w.client.edition.users.id(u) == *name) {
		w.owner = &owner{id: w.client.assignee(w.before)}
		if *name == "" {
			w.owner.id = ""
		}
		return nil
	}
	found, err := w.client.owner(ctx, w.before.project(), *name)
	if err != nil {
		return err
	}
	if found.id == "" {
		return w.client.failed(w.put(), tracker.Rejected, 0, found.note, nil)
	}
	w.owner = &found
	return nil
}

// edit writes fields and labels in one request. Labels go as verbs, so that
// those which a person sets meanwhile survive.
func (w *writing) edit(ctx context.Context) (bool, error) {
	fields := map[string]any{}
	now := &w.before.Fields
	// Compared as Jira keeps it, cut to one line, or each repeat would write again.
	if s := w.change.Summary; s != nil && summaryOf(*s) != now.Summary {
		fields["summary"] = summaryOf(*s)
	}
	if b := w.change.Block; b != nil {
		text := w.client.edition.text
		if md := tracker.SetBlock(text.shown(now.Description), tracker.Managed(*b)); !text.is(md, now.Description) {
			fields["description"] = text.write(md)
		}
	}
	if w.owner != nil && w.owner.id != w.client.assignee(w.before) {
		// null takes it from everybody; leaving the field out would change nothing.
		fields["assignee"] = nil
		if w.owner.id != "" {
			fields["assignee"] = w.client.edition.users.reference(w.owner.id)
		}
	}
	verbs := w.labelVerbs()
	if len(fields) == 0 && len(verbs) == 0 {
		return false, nil
	}
	body := map[string]any{"historyMetadata": history(w.change.Op)}
	if len(fields) > 0 {
		body["fields"] = fields
	}
	if len(verbs) > 0 {
		body["update"] = map[string]any{"labels": verbs}
	}
	return true, w.client.do(ctx, w.write(http.MethodPut, body), nil)
}

// labelVerbs lists what to add and remove, as far as it is not so already.
func (w *writing) labelVerbs() []map[string]string {
	var verbs []map[string]string
	for _, label := range labelsOf(w.change.AddLabels) {
		if !slices.Contains(w.before.Fields.Labels, label) {
			verbs = append(verbs, map[string]string{"add": label})
		}
	}
	for _, label := range labelsOf(w.change.RemoveLabels) {
		if slices.Contains(w.before.Fields.Labels, label) {
			verbs = append(verbs, map[string]string{"remove": label})
		}
	}
	return verbs
}

// say adds the comment, unless one of this write is there: then an earlier try
// got through although its answer did not.
func (w *writing) say(ctx context.Context) (bool, error) {
	if w.change.Comment == "" {
		return false, nil
	}
	said, err := w.said(ctx)
	if err != nil || said {
		return false, err
	}
	body := map[string]any{
		"body": w.client.edition.text.write(w.change.Comment), "properties": []map[string]any{{"key": propertyKey, "value": property{Op: w.change.Op}}},
	}
	return true, w.client.do(ctx, w.write(http.MethodPost, body, "comment"), nil)
}

// comments is a page of an issue's comments.
type comments struct {
	Comments []struct {
		Properties []struct {
			Key   string   `json:"key"`
			Value property `json:"value"`
		} `json:"properties"`
	} `json:"comments"`
	Total int `json:"total"`
}

// said looks for a comment of this write, newest first, since a try that is
// repeated is seldom old.
func (w *writing) said(ctx context.Context) (bool, error) {
	// A write without a name cannot be told from another.
	if w.change.Op == "" {
		return false, nil
	}
	for start := 0; start < pageSize*maxPages; start += pageSize {
		var page comments
		query := url.Values{"expand": {"properties"}, "orderBy": {"-created"}, "startAt": {fmt.Sprint(start)}, "maxResults": {fmt.Sprint(pageSize)}}
		k := call{method: http.MethodGet, path: w.client.issuePath(w.before.ID, "comment"), query: query, reads: true}
		if err := w.client.do(ctx, k, &page); err != nil {
			return false, err
		}
		for _, comment := range page.Comments {
			for _, p := range comment.Properties {
				if p.Key == propertyKey && p.Value.Op == w.change.Op {
					return true, nil
				}
			}
		}
		if len(page.Comments) == 0 || start+pageSize >= page.Total {
			return false, nil
		}
	}
	return false, nil
}

// verify looks for fields that are as they were: Jira says 204 even where a
// screen or a workflow has swallowed one. A field that is neither as it was nor
// as it was to be has been changed by a person meanwhile; that is no failure,
// and the monitor will find it.
func (w *writing) verify(after *issue) error {
	var swallowed []string
	note := func(wrong bool, field string) {
		if wrong {
			swallowed = append(swallowed, field)
		}
	}
	c, was, is := w.change, &w.before.Fields, &after.Fields
	stuck := c.Status != tracker.NoStatus && !w.client.reached(w.goal, after) && slices.Contains(w.been, is.Status.Name)
	note(stuck, fmt.Sprintf("status (it is %q)", is.Status.Name))
	note(c.Summary != nil && summaryOf(*c.Summary) != is.Summary && is.Summary == was.Summary, "summary")
	// Only words are compared: Jira may arrange a document anew.
	format := w.client.edition.text
	text := markup.Words(format.read(is.Description))
	swallowedBlock := c.Block != nil && !strings.Contains(text, markup.Words(format.tree(tracker.Managed(*c.Block)))) && markup.Words(format.read(was.Description)) == text
	note(swallowedBlock, "description")
	note(w.owner != nil && w.owner.id != w.client.assignee(after) && w.client.assignee(after) == w.client.assignee(w.before), "assignee")
	for _, label := range labelsOf(c.AddLabels) {
		note(!slices.Contains(is.Labels, label) && !slices.Contains(was.Labels, label), "label "+label)
	}
	for _, label := range labelsOf(c.RemoveLabels) {
		note(slices.Contains(is.Labels, label) && slices.Contains(was.Labels, label), "label "+label)
	}
	if len(swallowed) == 0 {
		return nil
	}
	k := w.put()
	return w.client.failed(k, tracker.Rejected, 0, "Jira accepted the change but did not make it: "+strings.Join(swallowed, ", "), nil)
}
