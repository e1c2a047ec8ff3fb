package monitor

import (
	"context"
	"errors"
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

// kim changes the ticket a minute later.
func (d *desk) kim(c tracker.Change) {
	d.t.Helper()
	d.clock.Advance(time.Minute)
	_, err := d.board.By("kim").Update(context.Background(), d.issue.ID, tracker.Set(c))
	d.check(err)
}

// lines are the timeline but for its beginning.
func (d *desk) lines() (lines []string) {
	d.t.Helper()
	d.check(d.store.Read(context.Background(), func(tx *store.Tx) error {
		all, err := tx.Timeline(1)
		for _, l := range all[2:] {
			lines = append(lines, strings.TrimSpace(l.Actor+": "+l.What+" "+l.Detail))
		}
		return err
	}))
	return lines
}

// ops are the writes that wait.
func (d *desk) ops() (all []string) {
	d.t.Helper()
	d.check(d.store.Read(context.Background(), func(tx *store.Tx) error {
		ops, err := tx.OpsOf(1)
		for _, o := range ops {
			all = append(all, strings.TrimSpace(string(o.Kind)+" "+o.Payload.Comment))
		}
		return err
	}))
	return all
}

func (d *desk) conflicts() (all []*store.Conflict) {
	d.t.Helper()
	d.check(d.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		all, err = tx.ConflictsOf(1)
		return err
	}))
	return all
}

func (d *desk) link() (l *store.Link) {
	d.t.Helper()
	d.check(d.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		l, err = tx.Link(1)
		return err
	}))
	return l
}

func text(s string) *string { return &s }

// TestHears: what people do stands in the timeline once, with who did it and which rule
// decided; what we do is told where it is done.
func TestHears(t *testing.T) {
	d := newDesk(t)
	d.kim(tracker.Change{Summary: text("Idle"), Comment: "I will look."})
	d.people(tracker.Change{Op: "op-7", Comment: "Ours."})
	d.pull()
	d.clock.Advance(time.Minute)
	d.pull()
	want := []string{`kim: summary changed "Stop vm" → "Idle" (both, tracker)`, "kim: commented I will look."}
	if got := d.lines(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if base := d.link().Base[merge.Summary]; base != (merge.Agreed{Ours: "Idle", Theirs: "Idle", Taken: true}) {
		t.Errorf("%+v", base)
	}
}

// TestObeys: a comment can put a recommendation off, and is answered.
func TestObeys(t *testing.T) {
	d := newDesk(t)
	d.kim(tracker.Change{Comment: "Not now.\n/snooze 30d until the migration"})
	d.pull()
	d.workflow(trimtab.Snoozed)
	until := d.episode().State.Until.Format(time.DateOnly)
	d.kim(tracker.Change{Comment: "/snooze"})
	d.pull()
	d.kim(tracker.Change{Comment: "/dismiss a licence binds us"})
	d.pull()
	d.workflow(trimtab.Dismissed)
	if e := d.episode(); e.State.Reason != "a licence binds us" || e.State.Author != "kim" {
		t.Errorf("%+v", e.State)
	}
	ops := d.ops()
	for i, want := range []string{"comment Snoozed until " + until, "comment That could not be done: it does not say for how long", "dismiss Dismissed by kim"} {
		if i >= len(ops) || !strings.HasPrefix(ops[i], want) {
			t.Errorf("%q, want %s", ops, want)
		}
	}
	d.kim(tracker.Change{Comment: "/snooze 10d"})
	d.pull()
	d.workflow(trimtab.Dismissed)
	if ops := d.ops(); len(ops) != 4 || !strings.Contains(ops[3], "the recommendation is dismissed") {
		t.Errorf("%q", ops)
	}
}

// TestAudit: a write of ours that went over an edit that nobody had heard of is told.
func TestAudit(t *testing.T) {
	block := func(outside, inside string) string { return tracker.Managed(inside) + "\n" + outside }
	cases := []struct {
		name  string
		edits []tracker.Edit
		lost  bool
	}{
		{"over a person's", []tracker.Edit{{Field: "summary", Author: "kim", From: "a", To: "b"}, {Field: "summary", Op: "op-1", From: "b", To: "c"}}, true},
		{"over one that they took back", []tracker.Edit{{Field: "summary", From: "a", To: "b"}, {Field: "summary", From: "b", To: "a"}, {Field: "summary", Op: "op-1", From: "a", To: "c"}}, false},
		{"with the same", []tracker.Edit{{Field: "summary", From: "a", To: "c"}, {Field: "summary", Op: "op-1", From: "c", To: "c"}}, false},
		{"before a person's", []tracker.Edit{{Field: "summary", Op: "op-1", From: "a", To: "b"}, {Field: "summary", From: "b", To: "c"}}, false},
		{"of another field", []tracker.Edit{{Field: "summary", From: "a", To: "b"}, {Field: "assignee", Op: "op-1", From: "b", To: "c"}}, false},
		{"of a set", []tracker.Edit{{Field: "labels", From: "a", To: "a b"}, {Field: "labels", Op: "op-1", From: "a b", To: "a b c"}}, false},
		{"around our part", []tracker.Edit{{Field: "description", From: block("x", "1"), To: block("y", "1")}, {Field: "description", Op: "op-1", From: block("y", "1"), To: block("y", "2")}}, false},
		{"around our part, and gone", []tracker.Edit{{Field: "description", From: block("x", "1"), To: block("y", "1")}, {Field: "description", Op: "op-1", From: block("y", "1"), To: block("x", "2")}}, true},
		{"in our part", []tracker.Edit{{Field: "description", From: block("x", "1"), To: block("x", "9")}, {Field: "description", Op: "op-1", From: block("x", "9"), To: block("x", "2")}}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			for i := range c.edits {
				c.edits[i].ID, c.edits[i].At = fmt.Sprint(100+i), d.clock.Now()
			}
			d.job.Trackers["b"] = told{d.board, c.edits}
			for range 2 {
				d.people(tracker.Change{AddLabels: []string{d.clock.Now().Format("150405")}})
				d.pull()
			}
			got := d.conflicts()
			if (len(got) == 1) != c.lost || len(got) > 1 {
				t.Fatalf("%+v", got)
			}
			if c.lost && (got[0].Winner != "trimtab" || got[0].Open()) {
				t.Errorf("%+v", got[0])
			}
		})
	}
}

// told is a tracker with another history.
type told struct {
	tracker.Tracker
	edits []tracker.Edit
}

func (x told) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	c, err := x.Tracker.Changed(ctx, installation, since)
	for i := range c.Issues {
		c.Issues[i].Edits = x.edits
	}
	return c, err
}

// TestConflictWaits: a field that a person is asked about stays as it is, however often it
// is looked at, until both sides say the same.
func TestConflictWaits(t *testing.T) {
	d := newDesk(t)
	d.job.Fields = map[string]merge.Rule{merge.Summary: {Direction: merge.Both, Conflict: merge.Ask}}
	d.job.Sayings = func(*store.Tx, *store.Link, []*store.Episode) (map[string]string, error) {
		return map[string]string{merge.Summary: "Ours"}, nil
	}
	d.check(d.store.Write(t.Context(), func(tx *store.Tx) error { return tx.RefreshOnce(&store.Op{Link: 1, CreatedAt: d.clock.Now()}) }))
	for _, theirs := range []string{"Theirs", "Theirs too", "Ours"} {
		d.kim(tracker.Change{Summary: &theirs})
		d.pull()
		got := d.conflicts()
		told := map[string]string{"Theirs": "Theirs", "Theirs too": "Theirs too", "Ours": "Theirs too"}[theirs]
		if len(got) != 1 || got[0].Open() != (theirs != "Ours") || got[0].Theirs != told {
			t.Fatalf("after %q: %+v", theirs, got[0])
		}
		if drift := d.link().Sync.Drift[merge.Summary]; (drift == "") != (theirs == "Ours") {
			t.Errorf("after %q it drifts: %q", theirs, drift)
		}
	}
}

// TestPutsLabelsBack: once, since who takes them off again means it.
func TestPutsLabelsBack(t *testing.T) {
	d := newDesk(t)
	bare := unstamped{d.board}
	d.job.Trackers["b"] = bare
	for range 3 {
		d.kim(tracker.Change{AddLabels: []string{d.clock.Now().Format("150405")}})
		d.pull()
	}
	if ops := d.ops(); !slices.Equal(ops, []string{"stamp"}) {
		t.Errorf("%q", ops)
	}
	d.clock.Advance(restampEvery)
	d.kim(tracker.Change{Comment: "x"})
	d.pull()
	if ops := d.ops(); len(ops) != 2 {
		t.Errorf("%q", ops)
	}
}

// unstamped is a tracker whose tickets have lost what they are found by.
type unstamped struct{ tracker.Tracker }

func (x unstamped) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	c, err := x.Tracker.Changed(ctx, installation, since)
	for i := range c.Issues {
		c.Issues[i].Stamped = false
	}
	return c, err
}

// TestMoved: a ticket that somebody moves to the project of another board is that one's.
func TestMoved(t *testing.T) {
	d := newDesk(t)
	d.job.Boards = map[string]Board{"fin": {Tracker: "b", Project: "FIN"}, "ops": {Tracker: "b", Project: "OPS", CannotTell: true}}
	d.job.Trackers["b"] = moved{d.board}
	d.kim(tracker.Change{Status: tracker.Done})
	d.pull()
	var ticket *store.Ticket
	d.check(d.store.Read(t.Context(), func(tx *store.Tx) (err error) {
		ticket, err = tx.Ticket(1)
		return err
	}))
	if d.link().Board != "ops" || ticket.Board != "ops" || ticket.Key != "OPS-1" || !d.episode().State.CannotTell {
		t.Errorf("%+v, %+v", d.link(), ticket)
	}
}

// moved is a tracker whose tickets were moved to another project.
type moved struct{ tracker.Tracker }

func (x moved) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	c, err := x.Tracker.Changed(ctx, installation, since)
	for i := range c.Issues {
		c.Issues[i].Project, c.Issues[i].Key = "OPS", strings.Replace(c.Issues[i].Key, "FIN", "OPS", 1)
	}
	return c, err
}

// TestLegacy: a ticket from before fields were kept agrees with whatever it says, and its
// old comments command nothing.
func TestLegacy(t *testing.T) {
	d := newDesk(t)
	d.kim(tracker.Change{Comment: "/dismiss long ago"})
	d.check(d.store.Write(t.Context(), func(tx *store.Tx) error {
		link, err := tx.Link(1)
		link.Base = map[string]merge.Agreed{merge.Status: {Ours: "open", Theirs: "open"}}
		link.Sync, link.Updated = store.Sync{}, d.clock.Now().Add(time.Second)
		return errors.Join(err, tx.SaveLink(link))
	}))
	d.clock.Advance(time.Minute)
	d.kim(tracker.Change{Summary: text("Idle")})
	d.pull()
	d.workflow(trimtab.Ticketed)
	if base := d.link().Base[merge.Summary]; base != (merge.Agreed{Ours: "Idle", Theirs: "Idle"}) {
		t.Errorf("%+v", base)
	}
}

// TestRegret: a value of a person's that was left alone, and that a write went over whose
// process died before it could tell, is told when the write is heard.
func TestRegret(t *testing.T) {
	d := newDesk(t)
	d.job.Fields = map[string]merge.Rule{merge.Summary: {Direction: merge.Out, Conflict: merge.Newest}}
	d.kim(tracker.Change{Summary: text("Theirs")})
	d.pull()
	if drift := d.link().Sync.Drift[merge.Summary]; drift != "Theirs" {
		t.Fatalf("drift %q", drift)
	}
	d.job.Sayings = func(*store.Tx, *store.Link, []*store.Episode) (map[string]string, error) {
		return map[string]string{merge.Summary: "Ours"}, nil
	}
	d.check(d.store.Write(t.Context(), func(tx *store.Tx) error { return tx.RefreshOnce(&store.Op{Link: 1, CreatedAt: d.clock.Now()}) }))
	d.people(tracker.Change{Op: "op-1", Summary: text("Ours")})
	for range 2 {
		d.clock.Advance(time.Minute)
		d.pull()
	}
	if got := d.conflicts(); len(got) != 1 || got[0].Theirs != "Theirs" || got[0].Ours != "Ours" || got[0].Winner != "trimtab" || got[0].Author != "kim" {
		t.Errorf("%+v", got)
	}
	if drift := d.link().Sync.Drift[merge.Summary]; drift != "" {
		t.Errorf("it still drifts: %q", drift)
	}
}
