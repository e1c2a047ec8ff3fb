package twoway

import (
	"context"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/store"
)

// TestQuarrel: a rule of the site undoes each of our writes. After four in an hour a person
// is asked, and nothing more is written.
func TestQuarrel(t *testing.T) {
	for _, kind := range []string{"cloud", "data center"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, kind, 1)
			w.fields[merge.Summary] = merge.Rule{Direction: merge.Both, Conflict: merge.TrimtabWins}
			w.fields[merge.Status] = merge.Rule{Direction: merge.Both, Conflict: merge.TrimtabWins}
			w.start()
			w.see(4)
			fault, err := sandbox.NamedFault("automation-revert")
			w.check(err)
			w.place.(*jiraPlace).site.Inject(fault)
			for round := range 12 {
				w.write(func(tx *store.Tx) error { return w.differ(tx, round) })
				w.live(func(ctx context.Context) error { _, err := w.dist.Run(ctx, true); return err })
				w.live(func(ctx context.Context) error { _, err := w.mon.Run(ctx); return err })
				w.clock.Advance(2 * time.Minute)
			}
			w.judgeQuarrel(t)
		})
	}
}

// differ lets a scan say something else of one resource, and end another and find it again.
func (w *world) differ(tx *store.Tx, round int) error {
	w.clock.Advance(time.Second)
	if err := w.conclude(tx, 0, seen{savings: 100 + 50*round, owner: people[0], priority: "Medium", label: "idle"}); err != nil {
		return err
	}
	if round%3 == 2 {
		return w.conclude(tx, 1, seen{savings: 100, owner: people[0], priority: "Medium", label: "idle"})
	}
	e, err := tx.LatestEpisode(keyOf(1))
	if err != nil {
		return err
	}
	_, err = tx.Advance(e, lifecycle.Missed{At: w.clock.Now(), Reason: "condition_cleared"}, w.step("scan"))
	return err
}

// judgeQuarrel counts our writes of each field in every hour.
func (w *world) judgeQuarrel(t *testing.T) {
	asked := 0
	for _, r := range w.rows() {
		wrote := map[string][]time.Time{}
		for _, e := range r.ticket.history {
			if e.op != "" && (e.field == merge.Summary || e.field == merge.Status) {
				wrote[e.field] = append(wrote[e.field], e.at)
			}
		}
		for field, times := range wrote {
			for i := 4; i < len(times); i++ {
				if times[i].Sub(times[i-4]) < time.Hour {
					t.Errorf("%s: %s was written five times in an hour: %s", r.ticket.Key, field, r.tell())
					break
				}
			}
		}
		for _, c := range r.conflicts {
			if c.Open() {
				asked++
			}
		}
	}
	if asked == 0 {
		t.Error("nobody is asked")
	}
	end := w.place.counts()
	w.walk()
	w.walk()
	if now := w.place.counts(); now.writes != end.writes {
		t.Errorf("it goes on: %+v, then %+v", end, now)
	}
}
