// Package distribute is the job that files every recommendation once, as a
// ticket on the right board, and carries later writes to it.
//
// It works from an outbox, in the order that survives being killed anywhere:
// the intent is committed with the decision (plan), "sent" is committed before
// the call, the ticket carries a marker. A write whose outcome is not known is
// set aside, looked up by its marker, left to settle, and only then sent again;
// so a killed process, a lost answer or a failing tracker loses no ticket and
// makes none twice. What a later write brings is merged with the ticket as it is when
// it is read for it (push.go). People tie tickets that exist to recommendations, and
// decide conflicts (bind.go, resolve.go).
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
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
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
	// Components, Parent and Fields are set on every ticket, and Due from its filing on.
	Components []string
	Parent     string
	Fields     map[string]any
	Due        time.Duration
	Checklist  bool   // one ticket for each owner and rule
	Text       *Text  // of its tickets; nil is the built-in one
	Page       string // where people open Trimtab's pages; "" for nowhere
	Freeze     []Span // when it takes no new tickets
	Open       int    // the most open tickets that it has; 0 is no limit
	// Words are by field (assignee, priority, summary) what its tickets say, where that is not
	// what they would.
	Words map[string]Word
}

// Word gives what a field should say of a recommendation instead of a value.
type Word func(rec *trimtab.Recommendation, value string) (string, error)

// Span is from the beginning of From to the end of To, both days.
type Span struct{ From, To time.Time }

// covers reports whether a time is in the span.
func (s Span) covers(t time.Time) bool {
	return !t.Before(s.From) && t.Before(s.To.AddDate(0, 0, 1))
}

// Job is a configured distributor.
type Job struct {
	Store    *store.Store
	Trackers map[string]tracker.Tracker
	Boards   map[string]Board
	Policy   Policy
	Fields   map[string]merge.Rule    // how fields of tickets are merged; what is missing by [merge.Defaults]
	Settle   map[string]time.Duration // by tracker: how long an unknown outcome is left before it is sent again
	Life     lifecycle.Policy
	Rules    func() []RuleText // the rules at work, for the rollout of new ones; may be nil
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

// Request says what a run may do.
type Request struct {
	Approved bool // file even more than the brake allows
	Unblock  bool // try blocked writes again
}

// Workflow is the distribution as a durable run.
func (j *Job) Workflow() durable.Workflow {
	return durable.NewWorkflow("distribute", 1, j.Flow, Steps()...)
}

// Steps are the steps of a distribution, for workflows that have one in them.
func Steps() []durable.Registered {
	return []durable.Registered{
		durable.Declare[struct{}, int]("unblock"), durable.Declare[bool, planned]("plan"),
		durable.Declare[bool, load]("brake"), durable.Declare[int64, struct{}]("release"),
		durable.Declare[string, sent]("send"), durable.Declare[struct{}, left]("count"),
	}
}

// planned is what is kept of the plan.
type planned struct {
	Planned int
	Held    map[string]int
}

// sent is what was sent to a tracker since the step began in this process.
type sent struct{ Filed, Adopted, Written int }

// left is what is still in the outbox.
type left struct {
	Waiting, Blocked int
	Problems         []string
}

// Run plans and sends everything that is due, or ends a distribution that was
// interrupted.
func (j *Job) Run(ctx context.Context, approved bool) (*Report, error) {
	return durable.Once[*Report](ctx, j.Store.Runs(), j.Clock, j.Workflow(), Request{Approved: approved})
}

// Flow plans and sends everything that is due; the trackers do not wait for one another. A
// plan that is larger than the brake allows waits for somebody's approval, and with it
// everything that is to be written.
func (j *Job) Flow(f *durable.Flow, in Request) (*Report, error) {
	report := &Report{Held: map[string]int{}}
	if in.Unblock {
		// Before the rest, which then tries them again.
		if _, err := durable.NewStep("unblock", func(ctx context.Context, _ struct{}) (int, error) { return j.Unblock(ctx) }).Do(f, struct{}{}); err != nil {
			return report, err
		}
	}
	plan := durable.NewStepTx("plan", func(_ context.Context, tx *store.Tx, _ bool) (planned, error) { return j.plan(tx, f.ID()) })
	p, err := plan.Do(f, in.Approved)
	report.Planned, report.Held = p.Planned, orEmpty(p.Held)
	if err != nil {
		return report, err
	}
	if err := j.passBrake(f, in.Approved); err != nil {
		return report, err
	}
	if err := j.sendAll(f, report); err != nil {
		return report, err
	}
	count := durable.NewStep("count", func(ctx context.Context, _ struct{}) (left, error) { return j.leftOver(ctx) })
	l, err := count.Do(f, struct{}{})
	report.Waiting, report.Blocked, report.Problems = l.Waiting, l.Blocked, l.Problems
	return report, err
}

func orEmpty(held map[string]int) map[string]int {
	if held == nil {
		return map[string]int{}
	}
	return held
}

// sendAll brings the outbox to every tracker, each in a job of its own.
func (j *Job) sendAll(f *durable.Flow, report *Report) error {
	log := j.Log.With("run", fmt.Sprintf("distribute-%d", f.ID()))
	names := slices.Sorted(maps.Keys(j.Trackers))
	results, err := durable.Side(f, "tracker", names, func(f *durable.Flow, i int) (sent, error) {
		send := durable.NewStep("send", func(ctx context.Context, name string) (sent, error) {
			s := &sender{job: j, name: name, tracker: j.Trackers[name], log: log.With("tracker", name)}
			err := s.run(ctx)
			return s.sent, err
		})
		return send.Do(f, names[i])
	})
	if err != nil {
		return err
	}
	var failed error
	for _, r := range results {
		report.Filed += r.Out.Filed
		report.Adopted += r.Out.Adopted
		report.Written += r.Out.Written
		if r.Err != nil {
			failed = errors.Join(failed, fmt.Errorf("tracker %s: %w", r.Item, r.Err))
		}
	}
	if failed == nil {
		return nil
	}
	return trimtab.Errorf(trimtab.Outside, "%w", failed).
		WithNext("nothing is lost: run `trimtab distribute` again when the tracker answers")
}

// leftOver counts what is still in the outbox and makes an error of what a
// person must mend.
func (j *Job) leftOver(ctx context.Context) (l left, err error) {
	var unfinished []*store.Op
	err = j.Store.Read(ctx, func(tx *store.Tx) (err error) {
		unfinished, err = tx.Unfinished()
		return err
	})
	if err != nil {
		return l, err
	}
	for _, op := range unfinished {
		if op.State == store.OpBlocked {
			l.Blocked++
			l.Problems = append(l.Problems, op.Error)
			continue
		}
		l.Waiting++
	}
	if l.Blocked == 0 {
		return l, nil
	}
	return l, trimtab.Errorf(trimtab.Partial, "%d writes are blocked: %s", l.Blocked, l.Problems[0]).
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
