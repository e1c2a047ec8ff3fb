package monitor

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
)

// desk is a state with one filed ticket, its board, and a monitor.
type desk struct {
	t     *testing.T
	store *store.Store
	board *board.Board
	clock *clock.Manual
	job   *Job
	issue tracker.Issue
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, clock: clock.At(time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC))}
	var err error
	if d.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "trimtab.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.store.Close() })
	d.board = board.New(board.Config{Projects: []string{"FIN"}, Now: d.clock.Now}, &board.Memory{})
	both := merge.Rule{Direction: merge.Both, Conflict: merge.TrackerWins}
	d.job = &Job{
		Store: d.store, Trackers: map[string]tracker.Tracker{"b": d.board}, Overlap: 5 * time.Minute, Life: lifecycle.DefaultPolicy(),
		Fields: map[string]merge.Rule{"status": both, "assignee": both, "priority": both, "summary": both},
		Clock:  d.clock, Log: slog.New(slog.DiscardHandler),
	}
	d.file()
	return d
}

func (d *desk) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// file writes what the scan and the distributor would have.
func (d *desk) file() {
	d.t.Helper()
	marker := trimtab.MarkerOf(d.store.Installation(), "k", 1)
	results, err := d.board.Create(context.Background(), []tracker.Draft{{
		Target: tracker.Target{Project: "FIN"}, Marker: marker, Installation: d.store.Installation(), Summary: "Stop vm", Assignee: "ann",
	}})
	d.check(err)
	d.issue = results[0].Issue
	money := trimtab.Money{Amount: decimal.NewFromInt(60), Currency: "USD"}
	d.check(d.store.Write(context.Background(), func(tx *store.Tx) error {
		e := &store.Episode{Key: "k", Number: 1, Action: "stop", Resource: "vm"}
		step := store.Step{Actor: "test", At: d.clock.Now(), Policy: d.job.Life}
		_, first := tx.Advance(e, lifecycle.Seen{At: d.clock.Now(), Savings: money, Cost: money}, step)
		_, second := tx.Advance(e, lifecycle.Granted{At: d.clock.Now()}, step)
		link := &store.Link{Episode: e.ID, Marker: marker, Tracker: "b", Board: "fin", Base: merge.AgreedOn(d.issue)}
		ticket := &store.Ticket{CreatedAt: d.issue.Created, Status: trimtab.TicketCreated, Tracker: "b", Board: "fin", RemoteID: d.issue.ID, Key: d.issue.Key, Assignee: "ann"}
		return errors.Join(first, second, tx.SaveLink(link), tx.AddTicket(ticket, link))
	}))
}

// people change the ticket a minute later.
func (d *desk) people(c tracker.Change) {
	d.t.Helper()
	d.clock.Advance(time.Minute)
	_, err := d.board.Update(context.Background(), d.issue.ID, tracker.Set(c))
	d.check(err)
}

func (d *desk) pull() *Report {
	d.t.Helper()
	report, err := d.job.Run(context.Background())
	d.check(err)
	return report
}

func (d *desk) episode() (e *store.Episode) {
	d.t.Helper()
	d.check(d.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		e, err = tx.Episode(1)
		return err
	}))
	return e
}

func (d *desk) workflow(want trimtab.Workflow) {
	d.t.Helper()
	if got := d.episode().State.Workflow; got != want {
		d.t.Errorf("workflow %s, want %s", got, want)
	}
}

func TestFollowsPeople(t *testing.T) {
	d := newDesk(t)
	if r := d.pull(); r.Changed != 0 {
		t.Errorf("our own ticket is no news: %+v", r)
	}
	d.people(tracker.Change{Status: tracker.InProgress})
	d.pull()
	d.workflow(trimtab.InProgress)
	d.people(tracker.Change{Status: tracker.Done})
	if r := d.pull(); r.Changed != 1 || !slices.Equal(r.Events, []string{"FIN-1: in_progress → done_claimed"}) {
		t.Errorf("%+v", r)
	}
	d.workflow(trimtab.DoneClaimed)
	d.people(tracker.Change{Status: tracker.Open})
	d.pull()
	d.workflow(trimtab.Ticketed)
	d.people(tracker.Change{Status: tracker.WontDo})
	d.pull()
	d.workflow(trimtab.Dismissed)
	if r := d.pull(); r.Changed != 0 {
		t.Errorf("a second pull hears nothing new: %+v", r)
	}
}

func TestReassigned(t *testing.T) {
	d := newDesk(t)
	ben := "ben"
	d.people(tracker.Change{Assignee: &ben})
	if r := d.pull(); !slices.Equal(r.Events, []string{"FIN-1: assigned to ben"}) {
		t.Errorf("%+v", r)
	}
	d.workflow(trimtab.Ticketed)
}

// A reopening of ours is on its way while the ticket still shows "done": that
// is not news, and must not claim the fix a second time.
func TestOwnWriteOnItsWay(t *testing.T) {
	d := newDesk(t)
	d.people(tracker.Change{Status: tracker.Done})
	d.pull()
	d.clock.Advance(30 * 24 * time.Hour)
	d.check(d.store.Write(t.Context(), func(tx *store.Tx) error {
		e, err := tx.Episode(1)
		if err != nil {
			return err
		}
		seen := lifecycle.Seen{At: d.clock.Now(), Savings: e.State.Savings, After: lifecycle.Measurement{Days: 20, Window: 14}}
		_, err = tx.Advance(e, seen, store.Step{Actor: "scan", At: d.clock.Now(), Policy: d.job.Life})
		return err
	}))
	d.workflow(trimtab.InProgress)
	d.people(tracker.Change{AddLabels: []string{"looked-at"}})
	d.pull()
	d.workflow(trimtab.InProgress)
	d.people(tracker.Change{Status: tracker.WontDo}) // somebody is quicker than our write
	if r := d.pull(); r.Conflicts != 1 {
		t.Errorf("both sides changed the status: %+v", r)
	}
	d.workflow(trimtab.Dismissed)
}

// The watermark stays when the pull is not taken in: nothing is lost.
func TestKilledPullIsAskedAgain(t *testing.T) {
	d := newDesk(t)
	d.pull()
	d.people(tracker.Change{Status: tracker.InProgress})
	errKilled := errors.New("killed")
	d.store.Jam(func(store.Door) error { return errKilled })
	if _, err := d.job.Run(t.Context()); err == nil {
		t.Fatal("the pull should have died")
	}
	d.store.Jam(nil)
	d.workflow(trimtab.Ticketed)
	d.clock.Advance(time.Hour)
	d.pull()
	d.workflow(trimtab.InProgress)
}

// Two changes within one tick of the tracker's clock are both heard.
func TestSameTick(t *testing.T) {
	d := newDesk(t)
	d.people(tracker.Change{Status: tracker.InProgress})
	d.pull()
	_, err := d.board.Update(t.Context(), d.issue.ID, tracker.Set(tracker.Change{Status: tracker.Done}))
	d.check(err)
	d.pull()
	d.workflow(trimtab.DoneClaimed)
}

// A second ticket of one marker is found once, also when it was there before the first was
// noted, and one that has nothing to do with us is left alone.
func TestSecondTicket(t *testing.T) {
	for name, around := range map[string]func(tracker.Tracker) tracker.Tracker{
		"named by the search": func(b tracker.Tracker) tracker.Tracker { return b },
		"not named by it":     func(b tracker.Tracker) tracker.Tracker { return mute{b} },
	} {
		t.Run(name, func(t *testing.T) { secondTicket(t, around) })
	}
}

// mute is a tracker whose search does not say which write made a ticket.
type mute struct{ tracker.Tracker }

func (m mute) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	c, err := m.Tracker.Changed(ctx, installation, since)
	for i := range c.Issues {
		c.Issues[i].Op = ""
	}
	return c, err
}

func secondTicket(t *testing.T, around func(tracker.Tracker) tracker.Tracker) {
	d := newDesk(t)
	d.pull()
	d.clock.Advance(time.Minute)
	rows := &board.Memory{Blind: true}
	second := board.New(board.Config{Projects: []string{"FIN"}, Now: d.clock.Now}, rows)
	marker := trimtab.MarkerOf(d.store.Installation(), "k", 1)
	for i, m := range []trimtab.Marker{"other", marker, marker, marker} {
		draft := tracker.Draft{Target: tracker.Target{Project: "FIN"}, Marker: m, Installation: d.store.Installation(), Op: "op-1", Summary: "x"}
		if i == 3 { // somebody has cloned it
			draft.Op = ""
		}
		_, err := second.Create(t.Context(), []tracker.Draft{draft})
		d.check(err)
	}
	d.job.Trackers["b"] = around(second)
	relink := func(state store.LinkState, remote string) {
		d.check(d.store.Write(t.Context(), func(tx *store.Tx) error {
			link, err := tx.LinkByMarker(marker)
			link.State, link.RemoteID = state, remote
			return errors.Join(err, tx.SaveLink(link))
		}))
	}
	relink(store.LinkWanted, "")
	if r := d.pull(); r.Duplicates != 0 {
		t.Errorf("before the first is noted nobody can tell which is the second: %+v", r)
	}
	relink(store.LinkFiled, "2")
	for i, want := range []int{1, 0} {
		d.clock.Advance(10 * time.Minute) // beyond the overlap
		if r := d.pull(); r.Duplicates != want {
			t.Errorf("pull %d: %+v", i, r)
		}
	}
	d.check(d.store.Read(t.Context(), func(tx *store.Tx) error {
		n, err := tx.Duplicates()
		ops, failed := tx.Unfinished()
		if n != 1 || len(ops) != 1 || ops[0].Kind != store.OpWithdraw || ops[0].Payload.Remote != "3" {
			t.Errorf("%d, %+v", n, ops)
		}
		return errors.Join(err, failed)
	}))
}

// late is a tracker whose search shows nothing yet.
type late struct{ tracker.Tracker }

func (l late) Changed(context.Context, string, time.Time) (tracker.Changes, error) {
	return tracker.Changes{}, nil
}

// TestHints: what a webhook hints at is read past a search that lags behind, once, and
// hints about other people's issues cost nothing.
func TestHints(t *testing.T) {
	d := newDesk(t)
	d.pull()
	d.people(tracker.Change{Status: tracker.InProgress})
	d.job.Trackers["b"] = late{d.board}
	d.pull()
	d.workflow(trimtab.Ticketed)
	d.check(d.store.Write(t.Context(), func(tx *store.Tx) error {
		for delivery, issue := range map[string]string{"d-1": d.issue.ID, "d-2": "4711"} {
			if fresh, err := tx.Receive("b", delivery, issue, d.clock.Now()); err != nil || !fresh {
				t.Errorf("%t, %v", fresh, err)
			}
		}
		fresh, err := tx.Receive("b", "d-1", d.issue.ID, d.clock.Now())
		if fresh {
			t.Error("a delivery came twice and was new twice")
		}
		return err
	}))
	if r := d.pull(); r.Changed != 1 {
		t.Errorf("%+v", r)
	}
	d.workflow(trimtab.InProgress)
	d.check(d.store.Read(t.Context(), func(tx *store.Tx) error {
		hints, err := tx.Hints("b")
		if len(hints) != 0 {
			t.Errorf("%v are still to be followed", hints)
		}
		return err
	}))
}

// TestHintOfWhatIsKnown: a hint of our own asks for another look at a ticket that the search
// still shows as it was when it was last heard.
func TestHintOfWhatIsKnown(t *testing.T) {
	d := newDesk(t)
	ben := "ben"
	d.people(tracker.Change{Assignee: &ben})
	d.pull()
	d.check(d.store.Write(t.Context(), func(tx *store.Tx) error {
		link, err := tx.LinkByMarker(d.issue.Marker)
		link.Base[merge.Assignee] = merge.Agreed{Ours: "ann", Theirs: "ann"}
		return errors.Join(err, tx.SaveLink(link), tx.Hint("b", d.issue.ID, d.clock.Now()))
	}))
	if r := d.pull(); r.Changed != 1 {
		t.Errorf("%+v", r)
	}
}

// TestAskedAboutStatus: what we say of a status that a person is asked about is what the
// recommendation has come to, not what was once agreed on.
func TestAskedAboutStatus(t *testing.T) {
	d := newDesk(t)
	d.pull()
	conflict := &store.Conflict{Field: merge.Status, Base: "open", Ours: "done", Theirs: "wont_do"}
	d.check(d.store.Write(t.Context(), func(tx *store.Tx) error {
		e, err := tx.Episode(1)
		e.State.Workflow = trimtab.AutoResolved
		link, errLink := tx.LinkByMarker(d.issue.Marker)
		conflict.Link = link.ID
		return errors.Join(err, errLink, tx.SaveEpisode(e), tx.SaveConflict(conflict))
	}))
	d.people(tracker.Change{Status: tracker.WontDo})
	d.pull()
	d.people(tracker.Change{Status: tracker.Open})
	d.pull()
	d.check(d.store.Read(t.Context(), func(tx *store.Tx) error {
		open, err := tx.OpenConflicts(conflict.Link)
		if len(open) != 1 {
			t.Error("nobody is asked any more, and one side is done and the other open")
		}
		return err
	}))
}

// TestMovedAndDismissed: who moves a ticket and then asks for its dismissal gets that, though
// both are heard together.
func TestMovedAndDismissed(t *testing.T) {
	d := newDesk(t)
	d.pull()
	d.people(tracker.Change{Status: tracker.InProgress})
	d.people(tracker.Change{Comment: "/dismiss 90d it is needed"})
	d.pull()
	d.workflow(trimtab.Dismissed)
}

// TestOldTicketReopened: opening the ticket of an ended episode changes nothing when a
// later one is about the same thing; the pull goes on.
func TestOldTicketReopened(t *testing.T) {
	d := newDesk(t)
	d.people(tracker.Change{Status: tracker.Done})
	d.pull()
	d.check(d.store.Write(t.Context(), func(tx *store.Tx) error {
		old, err := tx.LatestEpisode("k")
		if err != nil {
			return err
		}
		old.State.Workflow = trimtab.Verified
		next := &store.Episode{Key: old.Key, Number: old.Number + 1, Action: old.Action, Resource: old.Resource, Rules: old.Rules}
		next.State.Workflow, next.State.Condition = trimtab.New, trimtab.Present
		return errors.Join(tx.SaveEpisode(old), tx.SaveEpisode(next))
	}))
	d.people(tracker.Change{Status: tracker.Open})
	d.pull()
	d.check(d.store.Read(t.Context(), func(tx *store.Tx) error {
		latest, err := tx.LatestEpisode("k")
		if err != nil {
			return err
		}
		old, err := tx.EpisodeBefore(latest)
		if err == nil && old.State.Workflow != trimtab.Verified {
			t.Errorf("the old episode is %s", old.State.Workflow)
		}
		return err
	}))
}
