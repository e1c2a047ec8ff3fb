package monitor

import (
	"context"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// blind is a tracker whose search does not show a ticket, as one without its label.
type blind struct {
	tracker.Tracker
	fetched int
	gone    bool
	hidden  bool            // its project cannot be seen
	older   []tracker.Issue // that the search shows instead
}

func (b *blind) Changed(context.Context, string, time.Time) (tracker.Changes, error) {
	return tracker.Changes{Issues: b.older}, nil
}

func (b *blind) Find(ctx context.Context, sought []tracker.Sought) ([]tracker.Issue, error) {
	switch {
	case b.hidden:
		return nil, &tracker.Error{Kind: tracker.Forbidden}
	case b.gone:
		return nil, nil
	}
	return b.Tracker.Find(ctx, sought)
}

func (b *blind) Fetch(ctx context.Context, ids []string) ([]tracker.Issue, error) {
	b.fetched++
	if b.gone {
		return nil, nil
	}
	return b.Tracker.Fetch(ctx, ids)
}

// TestSweep: once a day every ticket is read by its id, and one that is not there is told
// of once and left alone.
func TestSweep(t *testing.T) {
	d := newDesk(t)
	b := &blind{Tracker: d.board}
	d.job.Trackers["b"] = b
	d.pull()
	d.people(tracker.Change{Status: tracker.InProgress})
	d.pull()
	if b.fetched != 0 {
		t.Fatal("swept before a day was over")
	}
	d.clock.Advance(sweepEvery)
	if r := d.pull(); r.Changed != 1 || r.Missing != 0 {
		t.Errorf("%+v", r)
	}
	d.workflow(trimtab.InProgress)
	b.gone, b.hidden = true, true
	for _, missing := range []int{1, 0, 0} {
		d.clock.Advance(sweepEvery)
		if r := d.pull(); r.Missing != missing || len(r.Events) != missing || r.Gone != 0 {
			t.Errorf("%+v, want %d missing", r, missing)
		}
		d.workflow(trimtab.InProgress)
	}
	b.gone, b.hidden = false, false
	d.clock.Advance(sweepEvery)
	if r := d.pull(); r.Changed != 0 || b.fetched != 5 {
		t.Errorf("%+v, %d fetches", r, b.fetched)
	}
}

// TestDeleted: three looks over a day that do not find a ticket, in a project that can be
// seen, prove that it is deleted. A look that finds it begins the count anew.
func TestDeleted(t *testing.T) {
	d := newDesk(t)
	b := &blind{Tracker: d.board}
	d.job.Trackers["b"] = b
	d.pull()
	looks := func(wait time.Duration, gone bool) *Report {
		b.gone = gone
		d.clock.Advance(wait)
		return d.pull()
	}
	looks(sweepEvery, true)
	looks(suspectEvery, true)
	looks(suspectEvery, false)
	looks(sweepEvery, true)
	looks(suspectEvery, true)
	if r := looks(suspectEvery, true); r.Gone != 0 {
		t.Fatal("buried before a day was over")
	}
	d.workflow(trimtab.Ticketed)
	if r := looks(suspectEvery, true); r.Gone != 1 {
		t.Fatalf("%+v", r)
	}
	d.workflow(trimtab.Held)
	if e := d.episode(); e.Ticket != 0 {
		t.Errorf("it still has ticket %d", e.Ticket)
	}
}

// TestOlderState: what a search shows that lags behind does not undo what was read since.
func TestOlderState(t *testing.T) {
	d := newDesk(t)
	d.pull()
	old, err := d.board.Fetch(t.Context(), []string{d.issue.ID})
	d.check(err)
	d.people(tracker.Change{Status: tracker.Done})
	d.pull()
	d.workflow(trimtab.DoneClaimed)
	d.job.Trackers["b"] = &blind{Tracker: d.board, older: old}
	d.clock.Advance(time.Hour)
	if r := d.pull(); r.Changed != 0 {
		t.Errorf("%+v", r)
	}
	d.workflow(trimtab.DoneClaimed)
}
