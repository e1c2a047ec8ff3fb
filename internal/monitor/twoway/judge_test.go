package twoway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// row is a link with all that belongs to it, and its ticket.
type row struct {
	link      *store.Link
	episode   *store.Episode
	ops       []*store.Op
	conflicts []*store.Conflict
	lines     []store.Line
	ticket    *ticket
}

// open is a conflict that waits for a person; nil without one.
func (r *row) open(field string) *store.Conflict {
	for _, c := range r.conflicts {
		if c.Field == field && c.Open() {
			return c
		}
	}
	return nil
}

// told reports whether a conflict of a field is known since a time.
func (r *row) told(field string, since time.Time) bool {
	return slices.ContainsFunc(r.conflicts, func(c *store.Conflict) bool {
		return c.Field == field && (c.Open() || !c.At.Before(since.Truncate(time.Second)) || c.DecidedAt.After(since))
	})
}

// rows reads the state and the place.
func (w *world) rows() (all []*row) {
	w.t.Helper()
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		for i := range w.things {
			r, err := rowOf(tx, keyOf(i))
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return nil
	}))
	ids := make([]string, len(all))
	for i, r := range all {
		ids[i] = r.link.RemoteID
	}
	read, err := w.place.read(ids)
	w.check(err)
	for _, r := range all {
		if r.ticket = read[r.link.RemoteID]; r.ticket == nil {
			w.t.Fatalf("%s: %s has no ticket: %+v", w.story, r.episode.Resource, r.link)
		}
	}
	return all
}

func rowOf(tx *store.Tx, key trimtab.Key) (*row, error) {
	r := &row{}
	var err error
	if r.episode, err = tx.LatestEpisode(key); err != nil {
		return nil, err
	}
	if r.link, err = tx.LinkOf(r.episode.ID); err != nil {
		return nil, err
	}
	if r.link == nil {
		return nil, fmt.Errorf("%s has no link", r.episode.Resource)
	}
	if r.ops, err = tx.OpsOf(r.link.ID); err != nil {
		return nil, err
	}
	if r.conflicts, err = tx.ConflictsOf(r.link.ID); err != nil {
		return nil, err
	}
	r.lines, err = tx.Timeline(r.episode.ID)
	return r, err
}

// judge holds everything against everything.
func (w *world) judge(t *testing.T) []*row {
	t.Helper()
	made, all := w.place.made(), w.rows()
	for _, r := range all {
		v := &verdict{row: r}
		if n := made[string(r.link.Marker)]; n > 1 {
			v.wrong("%d tickets of one marker", n)
		}
		for _, o := range r.ops {
			if o.State != store.OpDone {
				v.wrong("%s is %s: %s", o.Kind, o.State, o.Error)
			}
		}
		w.judgeSides(v)
		w.judgeStatus(v)
		w.judgeEdits(v)
		w.judgeWords(v)
		w.judgeComments(v)
		w.judgeAsked(v)
		if len(v.all) > 0 && w.shown < 5 {
			w.shown++
			t.Errorf("%s (%s): %s%s", r.ticket.Key, r.episode.Resource, strings.Join(v.all, "; "), r.tell())
		}
	}
	return all
}

// verdict is what is wrong with one ticket.
type verdict struct {
	*row
	all []string
}

func (v *verdict) wrong(format string, args ...any) {
	v.all = append(v.all, fmt.Sprintf(format, args...))
}

// judgeSides: both sides say the same, or the difference is known and wanted.
func (w *world) judgeSides(v *verdict) {
	for _, field := range merge.Fields {
		base, theirs := v.link.Base[field], merge.Theirs(v.ticket.Issue)[field]
		if _, drifts := v.link.Sync.Drift[field]; drifts {
			if v.open(field) == nil && w.fields[field].Direction != merge.Out {
				v.wrong("%s drifts by the rule %s", field, w.fields[field])
			}
			continue
		}
		if base.Theirs != theirs {
			v.wrong("%s was agreed on as %q, the tracker has %q", field, base.Theirs, theirs)
		}
		if base.Ours != base.Theirs && w.fields[field].Direction != merge.In && !same(field, base) && !v.refused(field) && !w.left(v, field) {
			v.wrong("of %s ours is %q, theirs %q, and it is not left", field, base.Ours, base.Theirs)
		}
	}
}

// refused: the tracker has not taken our value, and people were told.
func (r *row) refused(field string) bool {
	return slices.ContainsFunc(r.lines, func(l store.Line) bool { return strings.Contains(l.Detail, field+" was refused") })
}

// left: a lost value of what is only written is said and done with, and where a site cannot
// say why a ticket ended, ended is all there is.
func (w *world) left(v *verdict, field string) bool {
	base := v.link.Base[field]
	if field == merge.Status {
		return tracker.Status(base.Ours).Closed() && tracker.Status(base.Theirs).Closed()
	}
	return w.fields[field].Direction == merge.Out && v.told(field, beginning)
}

// same: labels of ours that people took off are still ours, and each tracker words our text
// in its own way.
func same(field string, base merge.Agreed) bool {
	return field == merge.Labels || field == merge.Description
}

// judgeStatus: the workflow and the ticket are both open or both closed, but for
//   - a ticket that policy leaves open, since it only comments;
//   - what is snoozed: a person may close its ticket and the life does not say what that is;
//   - a conflict that waits for a person.
func (w *world) judgeStatus(v *verdict) {
	here, there := merge.StatusOf(v.episode.State.Workflow), v.ticket.Status
	switch {
	case here.Closed() == there.Closed():
	case !w.closes && v.episode.State.Workflow == trimtab.AutoResolved:
	case v.episode.State.Workflow == trimtab.Snoozed:
	case v.open(merge.Status) != nil:
	default:
		v.wrong("%s here, %s there", v.episode.State.Workflow, v.ticket.StatusName)
	}
}

// judgeEdits: what a person has set is there, or a person has set it anew, or it is told as a
// conflict, or what we wrote was decided when it was known.
func (w *world) judgeEdits(v *verdict) {
	last := map[string]entry{} // people's, by field
	was := map[string]string{} // before them
	gone := map[string]bool{}
	for _, e := range v.ticket.history {
		switch {
		case !slices.Contains([]string{merge.Status, merge.Summary, merge.Assignee, merge.Priority}, e.field):
		case e.op == "":
			if last[e.field].field == "" || gone[e.field] {
				was[e.field] = e.from
			}
			last[e.field], gone[e.field] = e, false
		case last[e.field].to == was[e.field]: // they took it back
		case last[e.field].field != "" && e.to != last[e.field].to && !gone[e.field]:
			gone[e.field] = !v.knew(last[e.field], e)
		}
	}
	is := merge.Theirs(v.ticket.Issue)
	is[merge.Status] = v.ticket.StatusName
	for field, e := range last {
		if gone[field] && is[field] != e.to && !v.told(field, e.at) {
			v.wrong("%s set %s to %q at %s, it is %q", e.author, field, e.to, e.at, is[field])
		}
	}
}

// knew reports whether our write of a status was decided when a person's edit had been taken
// in: so the timeline tells, whose lines stand in the order in which they were written.
func (r *row) knew(theirs, ours entry) bool {
	op := r.opNamed(ours.op)
	if theirs.field != merge.Status || op == nil {
		return false
	}
	heard, decided := -1, -1
	for i, l := range r.lines {
		if l.What == "status changed" && l.At.Equal(theirs.at.Truncate(time.Millisecond)) {
			heard = i
		}
		// An older write that was still waiting says what has been decided since.
		if l.At.Equal(op.CreatedAt) && strings.Contains(l.What, "→") || l.Actor == "scan" && moved(l.What) && !l.At.After(ours.at) {
			decided = i
		}
	}
	return heard >= 0 && heard < decided
}

// moved reports whether a line tells of another workflow, and not only of another condition.
func moved(what string) bool {
	from, to, ok := strings.Cut(what, " → ")
	from, _, _ = strings.Cut(from, "/")
	to, _, _ = strings.Cut(to, "/")
	return ok && from != to
}

// opNamed finds the write that an entry of the history names.
func (r *row) opNamed(name string) *store.Op {
	for _, o := range r.ops {
		if strings.HasSuffix(name, fmt.Sprint("-", o.ID)) || name == fmt.Sprint(o.ID) {
			return o
		}
	}
	return nil
}

// judgeWords: what people have written around our text is there, and in it too unless that is
// told; labels that they put on are there, and those that they took off are not.
func (w *world) judgeWords(v *verdict) {
	for _, d := range w.words[v.link.RemoteID] {
		if d.what != before && d.what != after && d.what != inside {
			continue
		}
		if !strings.Contains(v.ticket.Description, d.value) && !v.told(merge.Description, beginning) {
			v.wrong("the %s %q is lost", d.what, d.value)
		}
	}
	wanted := map[string]bool{}
	for _, e := range v.ticket.history {
		if e.field != merge.Labels || e.op != "" {
			continue
		}
		from, to := strings.Fields(e.from), strings.Fields(e.to)
		for _, l := range slices.Concat(from, to) {
			if is := slices.Contains(to, l); is != slices.Contains(from, l) && (l == "saving" || strings.HasPrefix(l, "p-")) {
				wanted[l] = is
			}
		}
	}
	for l, is := range wanted {
		if slices.Contains(v.ticket.Labels, l) != is {
			v.wrong("label %s is there: %v, and a person wanted %v", l, !is, is)
		}
	}
}

// judgeComments: each word of a person is heard once, ours never, and each command answered
// once.
func (w *world) judgeComments(v *verdict) {
	answered := 0
	for _, said := range v.ticket.said {
		heard := 0
		for _, l := range v.lines {
			if l.What == "commented" && l.Detail == said.text && l.At.Equal(said.at.Truncate(time.Millisecond)) {
				heard++
			}
		}
		want := 0 // two people may say the same in one moment
		for _, other := range v.ticket.said {
			if !other.ours && other.text == said.text && other.at.Equal(said.at) {
				want++
			}
		}
		if heard != want {
			v.wrong("%q was heard %d times, want %d", said.text, heard, want)
		}
		answer := func(word string) bool { return strings.HasPrefix(said.text, word) }
		if said.ours && slices.ContainsFunc([]string{"Snoozed until", "Dismissed", "That could not be done"}, answer) {
			answered++
		}
	}
	if asked := w.asks[v.link.RemoteID]; answered != asked {
		v.wrong("%d commands, %d answers", asked, answered)
	}
}

// judgeAsked: a person is asked only where a rule says so, or about a quarrel, and once.
func (w *world) judgeAsked(v *verdict) {
	asked := map[string]bool{}
	for _, c := range v.conflicts {
		if !c.Open() {
			continue
		}
		if w.fields[c.Field].Conflict != merge.Ask && c.Why != "it was changed back every time" {
			v.wrong("a person is asked about %s, whose rule is %s: %s", c.Field, w.fields[c.Field], c.Why)
		}
		if asked[c.Field] {
			v.wrong("a person is asked about %s twice", c.Field)
		}
		asked[c.Field] = true
	}
}

// tell is what happened to a ticket, for whoever looks for the fault.
func (r *row) tell() string {
	var b strings.Builder
	for _, e := range r.ticket.history {
		fmt.Fprintf(&b, "\n  there %s %q %s: %.60q → %.60q", e.at.Format("02 15:04:05.000"), e.op, e.field, e.from, e.to)
	}
	for _, l := range r.lines {
		fmt.Fprintf(&b, "\n  here  %s %s: %s: %.120s", l.At.Format("02 15:04:05.000"), l.Actor, l.What, l.Detail)
	}
	for _, o := range r.ops {
		fmt.Fprintf(&b, "\n  op %d %s %s of %s: %s", o.ID, o.Kind, o.State, o.CreatedAt.Format("02 15:04:05.000"), o.Error)
	}
	for _, c := range r.conflicts {
		fmt.Fprintf(&b, "\n  conflict %s %s: %q was %.40q ours %.40q theirs %.40q: %q", c.At.Format("02 15:04:05.000"), c.Field, c.Why, c.Base, c.Ours, c.Theirs, c.Winner)
	}
	fmt.Fprintf(&b, "\n  base %+v, drift %v", r.link.Base, r.link.Sync.Drift)
	return b.String()
}

// changes are what we had to write: every write that was decided, but for the creations.
func changes(all []*row) (n int) {
	for _, r := range all {
		for _, o := range r.ops {
			if o.Kind != store.OpCreate {
				n++
			}
		}
	}
	return n
}
