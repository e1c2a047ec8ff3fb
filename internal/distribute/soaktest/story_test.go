package soaktest

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/store"
)

// check ends the test at an error of the test's own.
func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", w.name, err)
	}
}

// write changes the state as another part of Trimtab would.
func (w *world) write(fn func(*store.Tx) error) {
	w.t.Helper()
	w.check(w.store.Write(context.Background(), fn))
}

// see lets a scan conclude n new recommendations.
func (w *world) see(n int) {
	w.t.Helper()
	for n > 0 {
		some := min(n, 5000)
		w.write(func(tx *store.Tx) error {
			for i := range some {
				if err := w.conclude(tx, w.things+i, 100); err != nil {
					return err
				}
			}
			return nil
		})
		w.things, n = w.things+some, n-some
	}
}

func resourceOf(i int) string { return fmt.Sprintf("vm-%07d", i) }

func dollars(n int) trimtab.Money {
	return trimtab.Money{Amount: decimal.NewFromInt(int64(n)), Currency: "USD"}
}

// conclude lets a scan see a recommendation, for the first time or again.
func (w *world) conclude(tx *store.Tx, i, savings int) error {
	resource, now := resourceOf(i), w.clock.Now()
	key := trimtab.KeyOf("i", "stop", resource, "")
	e, err := tx.LatestEpisode(key)
	if err != nil {
		return err
	}
	rec := &trimtab.Recommendation{
		CreatedAt: now, Action: "stop", Subject: trimtab.Subject{Resource: resource}, Title: "Stop " + resource, Savings: dollars(savings),
		MonthlyCost: dollars(savings), Board: []string{"fin", "ops"}[i%2], Owner: trimtab.Owner{Name: "ann@example.com", Source: "tag owner"},
		Reasons: []trimtab.Reason{{Rule: "p/r"}},
	}
	if e == nil {
		e = &store.Episode{Key: key, Number: 1, Action: "stop", Resource: resource, Owner: rec.Owner.Name, Board: rec.Board, Rules: []string{"p/r"}}
	}
	seen := lifecycle.Seen{At: now, Savings: rec.Savings, Cost: rec.MonthlyCost}
	if _, err := tx.Advance(e, seen, store.Step{Actor: "scan", At: now, Policy: lifecycle.DefaultPolicy()}); err != nil {
		return err
	}
	if _, err := tx.AddRecommendation(rec, 1, e); err != nil {
		return err
	}
	return tx.SaveEpisode(e)
}

// scan looks at everything again: of some the savings have changed, some are gone, and
// some of those are there again.
func (w *world) scan(gone bool) {
	w.clock.Advance(time.Minute) // no two scans are of one moment
	now := w.clock.Now()
	w.write(func(tx *store.Tx) error {
		for i := range w.things {
			if i%7 != 0 || !gone {
				if err := w.conclude(tx, i, 100+60*w.draws.IntN(2)*((i+1)%2)); err != nil {
					return err
				}
				continue
			}
			e, err := tx.LatestEpisode(trimtab.KeyOf("i", "stop", resourceOf(i), ""))
			if err != nil {
				return err
			}
			missed := lifecycle.Missed{At: now, Reason: "condition_cleared"}
			if _, err := tx.Advance(e, missed, store.Step{Actor: "scan", At: now, Policy: lifecycle.DefaultPolicy()}); err != nil {
				return err
			}
		}
		return nil
	})
}

// people work on some tickets, as they do. What the site does not let them do they leave.
func (w *world) people(some int) {
	all := w.site.Issues("")
	for range min(some, len(all)) {
		issue := all[w.draws.IntN(len(all))]
		who := []string{"acc-ann", "acc-ben"}[w.draws.IntN(2)]
		text := fmt.Sprintf("by hand %d", w.draws.IntN(1000))
		switch w.draws.IntN(7) {
		case 0:
			_ = w.site.Transition(issue.Key, "In Progress", "", who)
		case 1:
			_ = w.site.Transition(issue.Key, "Done", []string{"", "Won't Do"}[w.draws.IntN(2)], who)
		case 2:
			_ = w.site.Transition(issue.Key, "To Do", "", who)
		case 3:
			_ = w.site.Edit(issue.Key, sandbox.Edited{Summary: &text}, who)
		case 4:
			_ = w.site.Edit(issue.Key, sandbox.Edited{Labels: append(issue.Labels, "by-"+who)}, who)
		case 5:
			_ = w.site.Assign(issue.Key, who, who)
		default:
			_ = w.site.Comment(issue.Key, text, who)
		}
	}
}

// walk runs the distributor and then the monitor, as `trimtab run` does. What they say is
// logged: it must hold no secret either.
func (w *world) walk() {
	for _, job := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := w.dist.Run(ctx, true); return err },
		func(ctx context.Context) error { _, err := w.mon.Run(ctx); return err },
	} {
		w.live(job)
	}
	w.clock.Advance(10 * time.Minute)
}

// live runs a job in a process that may die, or be told to stop, in its middle.
func (w *world) live(job func(context.Context) error) {
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	if w.deadly > 0 && w.draws.IntN(3) < 2 {
		var politely context.CancelFunc
		if w.draws.IntN(4) == 0 {
			politely = stop
		}
		w.mortal.dieAt(1+w.draws.IntN(w.deadly), politely)
	}
	w.runs++
	err := job(ctx)
	if err != nil {
		_, _ = fmt.Fprintln(w.logs, "job:", err, fmt.Sprintf("%+v", err))
	}
	if w.mortal.isDead() || ctx.Err() != nil {
		w.kills++
		w.start()
	}
	w.mortal.reset()
}

// calm lets everything come to rest after the faults: people put the site in order,
// blocked writes are tried again, and nothing fails any more.
func (w *world) calm() {
	w.deadly = 0
	for range 6 {
		w.walk()
		w.clock.Advance(20 * time.Minute)
	}
	w.clock.Advance(24 * time.Hour) // until everything is looked at by its id
	w.walk()
	w.walk()
}
