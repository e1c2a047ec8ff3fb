// Package distribute is the job that files every recommendation once, as a
// ticket on the right board, and carries later writes to it.
//
// It works from an outbox, in the order that survives being killed anywhere:
// the intent is committed with the decision (plan), "sent" is committed before
// the call, the ticket carries a marker. A write whose outcome is not known is
// set aside, looked up by its marker, left to settle, and only then sent again;
// so a killed process, a lost answer or a failing tracker loses no ticket and
// makes none twice.
package distribute

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// Board is where tickets go.
type Board struct {
	Name    string
	Tracker string
	Project string
	Type    string
	Labels  []string
}

// Job is a configured distributor.
type Job struct {
	Store    *store.Store
	Trackers map[string]tracker.Tracker
	Boards   map[string]Board
	Policy   Policy
	Settle   map[string]time.Duration // by tracker: how long an unknown outcome is left before it is sent again
	Life     lifecycle.Policy
	Clock    clock.Clock
	Log      *slog.Logger
	Notify   func(Event) // told of every ticket filed or found again; may be nil
}

// Event is something that a watcher of the job may show.
type Event struct {
	What  string // "filed", "found again"
	Key   string
	URL   string
	Board string
	Notes []string
}

// Report says what a run did.
type Report struct {
	Planned  int // tickets newly asked for
	Filed    int
	Adopted  int            // found by marker after an unknown outcome
	Written  int            // other writes
	Held     map[string]int // why → how many
	Waiting  int            // writes left for a later run
	Blocked  int
	Problems []string
}

// Run plans and sends everything that is due. A plan that the brake refuses is
// an error, and what was decided before is sent all the same.
func (j *Job) Run(ctx context.Context, approved bool) (*Report, error) {
	report := &Report{Held: map[string]int{}}
	braked := j.plan(ctx, report, approved)
	if braked != nil && trimtab.CodeOf(braked) != trimtab.Invalid {
		return report, braked
	}
	log := j.Log.With("run", "distribute-"+j.Clock.Now().Format("20060102T150405.000"))
	var failed error
	for _, name := range slices.Sorted(maps.Keys(j.Trackers)) {
		s := &sender{job: j, name: name, tracker: j.Trackers[name], report: report, log: log.With("tracker", name)}
		if err := s.run(ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("tracker %s: %w", name, err))
		}
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
	}
	if failed != nil {
		return report, trimtab.Errorf(trimtab.Outside, "%w", failed).
			WithNext("nothing is lost: run `trimtab distribute` again when the tracker answers")
	}
	return report, errors.Join(braked, j.leftOver(ctx, report))
}

// leftOver counts what is still in the outbox and makes an error of what a
// person must mend.
func (j *Job) leftOver(ctx context.Context, report *Report) error {
	var unfinished []*store.Op
	err := j.Store.Read(ctx, func(tx *store.Tx) (err error) {
		unfinished, err = tx.Unfinished()
		return err
	})
	if err != nil {
		return err
	}
	for _, op := range unfinished {
		if op.State == store.OpBlocked {
			report.Blocked++
			report.Problems = append(report.Problems, op.Error)
			continue
		}
		report.Waiting++
	}
	if report.Blocked == 0 {
		return nil
	}
	return trimtab.Errorf(trimtab.Partial, "%d writes are blocked: %s", report.Blocked, report.Problems[0]).
		WithNext("mend what the message names; `trimtab check` shows what boards lack, `trimtab distribute --unblock` tries again")
}

// Unblock puts blocked writes back into the outbox, after somebody has mended
// what blocked them.
func (j *Job) Unblock(ctx context.Context) (int, error) {
	n := 0
	err := j.Store.Write(ctx, func(tx *store.Tx) error {
		unfinished, err := tx.Unfinished()
		if err != nil {
			return err
		}
		for _, op := range unfinished {
			if op.State != store.OpBlocked {
				continue
			}
			op.State, op.Error, op.Attempts, op.NotBefore = store.OpPlanned, "", 0, time.Time{}
			if err := tx.SaveOp(op); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}
