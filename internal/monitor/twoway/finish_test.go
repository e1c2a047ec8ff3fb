package twoway

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
)

// finish judges a world that has come to rest, and what becomes of it then.
func (w *world) finish(t *testing.T) {
	t.Helper()
	all := w.judge(t)
	w.report(t, all)
	if t.Failed() {
		return
	}
	w.quiet(t)
	w.resolve(t)
	if t.Failed() {
		t.Logf("%s", w.story)
	}
}

// report says what a seed has come to, and holds the calls to their bounds.
func (w *world) report(t *testing.T, all []*row) {
	now, ours := w.place.counts(), changes(all)
	won := map[string]int{}
	for _, r := range all {
		for _, c := range r.conflicts {
			won[c.Winner]++
		}
	}
	t.Logf("%s\n%d tickets, %d things that people did to them and %d to others, %d changes of ours, %d writes and %d comments (%.2f writes a change), conflicts %v, %d kills, %d failed runs of %d, %d calls",
		w.story, len(all), w.theirs, w.strange, ours, now.writes, now.said, float64(now.writes)/float64(max(1, ours)), won, w.kills, w.failures, w.runs, now.calls)
	if w.strange < 20*w.theirs {
		t.Errorf("only %d changes of others", w.strange)
	}
	if n := w.place.strangers() - w.before; n > 0 {
		t.Errorf("%d answers showed what is none of ours", n)
	}
	if most := 2*ours + 3*w.failures + 3*w.kills; now.writes > most {
		t.Errorf("%d writes for %d changes", now.writes, ours)
	}
	if most := 20*w.runs + 12*(ours+w.theirs) + 6*len(all); now.calls > most {
		t.Errorf("%d calls, more than %d", now.calls, most)
	}
}

// quiet: while nobody does anything, nothing is written; and what others do costs no call.
func (w *world) quiet(t *testing.T) {
	t.Helper()
	was, began := w.times(), w.place.counts()
	w.walk()
	idle := w.place.counts()
	w.busy(500)
	w.walk()
	end := w.place.counts()
	if began.writes != end.writes || began.said != end.said {
		t.Errorf("an echo: %+v, then %+v", began, end)
	}
	if idle.calls-began.calls != end.calls-idle.calls {
		t.Errorf("%d calls when nobody did anything, %d when others did", idle.calls-began.calls, end.calls-idle.calls)
	}
	if is := w.times(); !maps.Equal(was, is) {
		t.Error("tickets have moved on although nobody has touched them")
	}
}

// times are when the tickets last changed.
func (w *world) times() map[string]string {
	all := map[string]string{}
	for _, r := range w.rows() {
		all[r.link.RemoteID] = fmt.Sprint(r.ticket.updated.UnixNano())
	}
	return all
}

// resolve lets a person decide every conflict, one for each side in turn.
func (w *world) resolve(t *testing.T) {
	t.Helper()
	n := 0
	for _, r := range w.rows() {
		for _, c := range r.conflicts {
			if !c.Open() {
				continue
			}
			take := []merge.Winner{merge.TrackerWins, merge.TrimtabWins}[n%2]
			_, err := w.dist.Resolve(t.Context(), distribute.Resolution{Conflict: c.ID, Take: take, Actor: "kim"})
			w.check(err)
			n++
		}
	}
	if n == 0 {
		return
	}
	w.walk()
	w.walk()
	for _, r := range w.judge(t) {
		if i := slices.IndexFunc(r.conflicts, (*store.Conflict).Open); i >= 0 {
			t.Errorf("%s: a person is asked again about %s: %s", r.ticket.Key, r.conflicts[i].Field, r.tell())
		}
	}
}
