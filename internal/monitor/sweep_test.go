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
	older   []tracker.Issue // that the search shows instead
}

func (b *blind) Changed(context.Context, string, time.Time) ([]tracker.Issue, error) {
	return b.older, nil
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
	b.gone = true
	for _, missing := range []int{1, 0} {
		d.clock.Advance(sweepEvery)
		if r := d.pull(); r.Missing != missing || len(r.Events) != missing {
			t.Errorf("%+v, want %d missing", r, missing)
		}
		d.workflow(trimtab.InProgress)
	}
	b.gone = false
	d.clock.Advance(sweepEvery)
	if r := d.pull(); r.Changed != 0 || b.fetched != 4 {
		t.Errorf("%+v, %d fetches", r, b.fetched)
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
