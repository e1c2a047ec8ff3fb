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
	before, err := c.one(ctx, id, whole)
	if err != nil {
		return tracker.Issue{}, err
	}
	now, err := c.told(ctx, before)
	if err != nil {
		return tracker.Issue{}, err
	}
	w := &writing{client: c, change: decide(now), before: before}
	wrote, err := w.run(ctx)
	if err != nil {
		return tracker.Issue{}, w.whose(ctx, err)
	}
	if !wrote {
		return now, nil
	}
	after, err := c.one(ctx, before.ID, whole)
	if err != nil {
		return tracker.Issue{}, w.doubt(err)
	}
	if err := w.verify(after); err != nil {
		return tracker.Issue{}, err
	}
	now, err = c.told(ctx, after)
	return now, w.doubt(err)
}

// lost reports whether our part of the description is still as it was and should not be.
// Only words are compared: Jira may arrange a document anew.
func (w *writing) lost(block string, after *issue) bool {
	text := w.client.edition.text
	words := func(md string) string { return markup.Words(text.merge(text.pieces(md))) }
	was, is := text.block(w.before.Fields.Description), text.block(after.Fields.Description)
	wanted, same := text.setBlock(w.before.Fields.Description, block)
	return !same && wanted != nil && words(is) == words(was) && words(is) != words(block)
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
	if err := w.refresh(ctx, moved); err != nil {
		return false, w.doubt(err)
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

// refresh reads the description again if getting to a status has taken a while: of all
// fields it alone is written with what people have put into it.
func (w *writing) refresh(ctx context.Context, moved bool) error {
	if !moved || w.change.Block == nil {
		return nil
	}
	now, err := w.client.one(ctx, w.before.ID, slim)
	if err == nil {
		w.before.Fields.Description = now.Fields.Description
	}
	return err
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

// edit writes fields, labels and the property in one request. Labels go as verbs, so that
// those which a person sets meanwhile survive.
func (w *writing) edit(ctx context.Context) (bool, error) {
	body := map[string]any{}
	if fields := w.fields(); len(fields) > 0 {
		body["fields"] = fields
	}
	if verbs := w.labelVerbs(); len(verbs) > 0 {
		body["update"] = map[string]any{"labels": verbs}
	}
	if s := w.change.Stamp; s != nil && s.Marker != "" && w.before.property().Marker != s.Marker {
		body["properties"] = []map[string]any{{"key": propertyKey, "value": property{Marker: s.Marker, Op: w.change.Op}}}
	}
	if len(body) > 0 {
		body["historyMetadata"] = signed(w.change.Op)
		if err := w.client.do(ctx, w.write(http.MethodPut, body), nil); err != nil {
			return false, err
		}
	}
	dropped, err := w.dropProperty(ctx)
	return len(body) > 0 || dropped, err
}

// fields are those that are not so already.
func (w *writing) fields() map[string]any {
	fields, c, now := map[string]any{}, w.change, &w.before.Fields
	// Compared as Jira keeps it, cut to one line, or each repeat would write again.
	if c.Summary != nil && summaryOf(*c.Summary) != now.Summary {
		fields["summary"] = summaryOf(*c.Summary)
	}
	if c.Block != nil {
		if text, same := w.client.edition.text.setBlock(now.Description, *c.Block); !same {
			fields["description"] = text
		}
	}
	if c.Priority != nil && !strings.EqualFold(*c.Priority, w.before.priority()) {
		fields["priority"] = nil
		if *c.Priority != "" {
			fields["priority"] = named{*c.Priority}
		}
	}
	if w.owner != nil && w.owner.id != w.client.assignee(w.before) {
		// null takes it from everybody; leaving the field out would change nothing.
		fields["assignee"] = nil
		if w.owner.id != "" {
			fields["assignee"] = w.client.edition.users.reference(w.owner.id)
		}
	}
	return fields
}

// labels are those to be added and to be removed, as the issue was before.
func (w *writing) labels() (add, remove []string) {
	add, remove = w.change.AddLabels, w.change.RemoveLabels
	if s := w.change.Stamp; s != nil {
		stamp, others := stampLabels(*s, w.before.Fields.Labels)
		add, remove = slices.Concat(add, stamp), slices.Concat(remove, others)
	}
	return labelsOf(add), labelsOf(remove)
}

// labelVerbs lists what to add and remove, as far as it is not so already.
func (w *writing) labelVerbs() []map[string]string {
	var verbs []map[string]string
	add, remove := w.labels()
	for _, label := range add {
		if !slices.Contains(w.before.Fields.Labels, label) {
			verbs = append(verbs, map[string]string{"add": label})
		}
	}
	for _, label := range remove {
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
	var made comment
	k := w.write(http.MethodPost, body, "comment")
	if err := w.client.do(ctx, k, &made); err != nil {
		return true, err
	}
	if made.ID == "" {
		return true, w.client.failed(k, tracker.Ambiguous, 0, "the answer names no comment", nil)
	}
	return true, nil
}

// said looks for a comment of this write, newest first, since a try that is
// repeated is seldom old.
func (w *writing) said(ctx context.Context) (bool, error) {
	// A write without a name cannot be told from another.
	if w.change.Op == "" {
		return false, nil
	}
	for start := 0; start < pageSize*maxPages; start += pageSize {
		page, err := w.client.comments(ctx, w.before.ID, start)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(page.Comments, func(k comment) bool { return k.op() == w.change.Op }) {
			return true, nil
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
	note(c.Block != nil && w.lost(*c.Block, after), "description")
	stays := after.priority() == w.before.priority()
	note(c.Priority != nil && stays && !strings.EqualFold(*c.Priority, after.priority()), "priority")
	note(w.owner != nil && w.owner.id != w.client.assignee(after) && w.client.assignee(after) == w.client.assignee(w.before), "assignee")
	add, remove := w.labels()
	for _, label := range add {
		note(!slices.Contains(is.Labels, label) && !slices.Contains(was.Labels, label), "label "+label)
	}
	for _, label := range remove {
		note(slices.Contains(is.Labels, label) && slices.Contains(was.Labels, label), "label "+label)
	}
	stamp := c.Stamp
	note(stamp != nil && after.property().Marker != stamp.Marker && after.property() == w.before.property(), "property "+propertyKey)
	if len(swallowed) == 0 {
		return nil
	}
	k := w.put()
	return w.client.failed(k, tracker.Rejected, 0, "Jira accepted the change but did not make it: "+strings.Join(swallowed, ", "), nil)
}
