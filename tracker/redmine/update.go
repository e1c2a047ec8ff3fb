package redmine

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// writing is a change on its way to one issue.
type writing struct {
	client   *Client
	change   tracker.Change
	before   *issue // as it was read before anything was written
	after    *issue // as it was read last
	project  *project
	ours     ours
	goal     status // of the status, when that is to change
	owner    int    // to be assigned; 0 is nobody
	hands    bool   // the assignee changes
	priority int    // to be set; 0 leaves it
}

// Update implements [tracker.Tracker]: the fields in one request, then, once they are
// seen to be written, the comment and the links. Nothing that is so already is sent:
// Redmine would call the issue changed. Each write is read back.
func (c *Client) Update(ctx context.Context, id string, decide func(tracker.Issue) tracker.Change) (tracker.Issue, error) {
	before, err := c.one(ctx, id)
	if err != nil {
		return tracker.Issue{}, err
	}
	now, err := c.showOne(ctx, before)
	if err != nil {
		return tracker.Issue{}, err
	}
	w := &writing{client: c, change: decide(now), before: before, after: before}
	for _, step := range []func(context.Context) error{w.prepare, w.edit, w.say, w.link, w.leadBack} {
		if err := step(ctx); err != nil {
			return tracker.Issue{}, err
		}
	}
	if w.after == before {
		return now, nil
	}
	now, err = c.showOne(ctx, w.after)
	return now, w.doubt(err)
}

// put is a call that changes the issue.
func (w *writing) put(fields map[string]any) call {
	return call{method: http.MethodPut, path: fmt.Sprintf("/issues/%d.json", w.before.ID), body: map[string]any{"issue": fields}}
}

// send writes and reads the issue back.
func (w *writing) send(ctx context.Context, k call) error {
	if _, err := w.client.do(ctx, k, nil); err != nil {
		return err
	}
	after, err := w.client.one(ctx, strconv.Itoa(w.before.ID))
	if err == nil {
		w.after = after
	}
	return w.doubt(err)
}

// doubt is the error of reading back: what was written stays written, and saying it again
// does no harm.
func (w *writing) doubt(err error) error {
	if tracker.KindOf(err) != tracker.Retry {
		return err
	}
	return w.client.failed(w.put(nil), tracker.Ambiguous, 0, "written, but not read back", err)
}

// prepare looks up what the change names, before anything is written.
func (w *writing) prepare(ctx context.Context) (err error) {
	if w.ours, err = w.client.ourFields(ctx); err != nil {
		return err
	}
	if w.project, err = w.client.projectOf(ctx, w.before.Project.ID); err != nil {
		return err
	}
	if w.change.Status != tracker.NoStatus {
		if w.goal, err = w.client.goal(ctx, w.project.Identifier, w.change.Status); err != nil {
			return err
		}
	}
	if err := w.findPriority(ctx); err != nil {
		return err
	}
	return w.findOwner(ctx)
}

// findPriority looks up a new priority. An issue always has one: none leaves it.
func (w *writing) findPriority(ctx context.Context) error {
	name, has := w.change.Priority, w.before.Priority
	if name == nil || *name == "" || has != nil && strings.EqualFold(has.Name, *name) {
		return nil
	}
	all, err := w.client.priorities(ctx)
	if err != nil {
		return err
	}
	if w.priority = named(*name, all); w.priority == 0 {
		return w.client.failed(w.put(nil), tracker.Rejected, 0, fmt.Sprintf("there is no priority %q: Redmine has: %s", *name, words(all)), nil)
	}
	return nil
}

// findOwner looks up a new assignee. Unlike at creation, an unknown one is an error:
// nothing else would tell that the assignee did not change.
func (w *writing) findOwner(ctx context.Context) error {
	name, has := w.change.Assignee, w.before.Assignee
	if name == nil {
		return nil
	}
	if *name == "" {
		w.hands = has != nil
		return nil
	}
	// Who has it already needs no look-up, and may be nobody who can be assigned any more.
	if is, err := w.client.ownerName(ctx, has); err != nil || strings.EqualFold(is, *name) {
		return err
	}
	id, note, err := w.client.owner(ctx, w.project, *name)
	if err != nil {
		return err
	}
	if id == 0 {
		return w.client.failed(w.put(nil), tracker.Rejected, 0, note, nil)
	}
	w.owner, w.hands = id, has == nil || has.ID != id
	return nil
}

// moves reports whether the status is to change.
func (w *writing) moves(ctx context.Context) (bool, error) {
	if w.change.Status == tracker.NoStatus || w.before.Status.ID == w.goal.ID {
		return false, nil
	}
	all, err := w.client.statuses(ctx)
	return err == nil && w.client.statusOf(w.project.Identifier, w.before.Status, all) != w.change.Status, err
}

// origin is the second field as it is to be.
func (w *writing) origin() string {
	is := readOrigin(w.before.value(w.ours.origin))
	is = is.with(labelsOf(w.change.AddLabels), labelsOf(w.change.RemoveLabels))
	if s := w.change.Stamp; s != nil {
		is = is.stamped(*s, w.before.value(w.ours.marker), w.change.Op)
	}
	return is.String()
}

// edit writes the fields that differ, and sees to it that they are written.
func (w *writing) edit(ctx context.Context) error {
	moves, err := w.moves(ctx)
	if err != nil {
		return err
	}
	fields, custom := w.plain(), w.custom()
	if moves {
		fields["status_id"] = w.goal.ID
	}
	if len(custom) > 0 {
		fields["custom_fields"] = customFields(custom)
	}
	if len(fields) == 0 {
		return nil
	}
	if err := w.send(ctx, w.put(fields)); err != nil {
		return err
	}
	return w.verify(fields, custom, w.after)
}

// plain are the fields that differ, but for the status. They are compared as Redmine
// keeps them, or each repeat would write again.
func (w *writing) plain() map[string]any {
	fields := map[string]any{}
	if s := w.change.Summary; s != nil && subjectOf(*s) != w.before.Subject {
		fields["subject"] = subjectOf(*s)
	}
	if b := w.change.Block; b != nil {
		if text, differs := w.client.text.setBlock(w.before.Description, *b); differs {
			fields["description"] = text
		}
	}
	if w.priority > 0 {
		fields["priority_id"] = w.priority
	}
	if w.hands {
		fields["assigned_to_id"] = w.owner
		if w.owner == 0 {
			fields["assigned_to_id"] = ""
		}
	}
	return fields
}

// custom are our fields that differ.
func (w *writing) custom() map[int]any {
	custom := map[int]any{}
	if s := w.change.Stamp; s != nil && w.before.value(w.ours.marker) != string(s.Marker) {
		custom[w.ours.marker] = string(s.Marker)
	}
	if origin := w.origin(); origin != readOrigin(w.before.value(w.ours.origin)).String() {
		custom[w.ours.origin] = origin
	}
	if back := w.change.Backlink; back.ID != "" && w.ours.backlink > 0 && w.before.value(w.ours.backlink) != back.URL {
		custom[w.ours.backlink] = back.URL
	}
	return custom
}

// verify looks for fields that are as they were: Redmine says 204 even where the
// workflow, a role or a tracker has kept one from changing. A field that is neither as it
// was nor as it was to be has been changed by a person meanwhile; that is no failure, and
// the monitor will find it.
func (w *writing) verify(fields map[string]any, custom map[int]any, is *issue) error {
	var swallowed []string
	for _, f := range w.compared(is) {
		want, sent := fields[f.key]
		if sent && f.is == f.was && !f.so(want) {
			swallowed = append(swallowed, f.name)
		}
	}
	cfg := w.client.cfg
	for id, name := range map[int]string{w.ours.marker: cfg.Marker, w.ours.origin: cfg.Origin, w.ours.backlink: cfg.Backlink} {
		if want, sent := custom[id]; sent && is.value(id) != want && is.value(id) == w.before.value(id) {
			swallowed = append(swallowed, fmt.Sprintf("custom field %q", name))
		}
	}
	if len(swallowed) == 0 {
		return nil
	}
	slices.Sort(swallowed)
	return w.client.failed(w.put(nil), tracker.Rejected, 0, "Redmine accepted the change but did not make it: "+strings.Join(swallowed, ", "), nil)
}

// compared is a field as it was and as it is.
type compared struct{ key, name, was, is string }

// so reports whether the field is as it was to be.
func (f compared) so(want any) bool { return f.is == tidy(fmt.Sprint(want)) }

func (w *writing) compared(is *issue) []compared {
	was := w.before
	status := fmt.Sprintf("status (it is %q and not %q; from there the workflow lets this account go to: %s)", is.Status.Name, w.goal.Name, names(is.Allowed))
	return []compared{
		{"status_id", status, strconv.Itoa(was.Status.ID), strconv.Itoa(is.Status.ID)},
		{"subject", "subject", was.Subject, is.Subject},
		{"description", "description", tidy(was.Description), tidy(is.Description)},
		{"assigned_to_id", "assignee", idOf(was.Assignee), idOf(is.Assignee)},
		{"priority_id", "priority", idOf(was.Priority), idOf(is.Priority)},
	}
}

// idOf is the number that an issue has where it points at nothing, or at something.
func idOf(r *ref) string {
	if r == nil {
		return ""
	}
	return strconv.Itoa(r.ID)
}
