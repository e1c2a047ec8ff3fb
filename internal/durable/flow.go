package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// Flow is what a workflow does its work through. It may be used by several goroutines
// of the same run.
type Flow struct {
	*execution
	scope string // of the job it belongs to, with a slash; "" for the run itself
}

// Context ends when the run is cancelled, lost, or its worker stops.
func (f *Flow) Context() context.Context { return f.ctx }

// ID is the run's number.
func (f *Flow) ID() int64 { return f.run.ID }

// Resumed reports whether some of the run was done before it came here.
func (f *Flow) Resumed() bool { return f.resumed }

// Halted is why nothing more may be done here, nil while something may: the run is not
// ours any more, was cancelled, or its worker stops. A workflow that goes on after an
// error asks first.
func (f *Flow) Halted() error { return f.halted() }

// Progress says how far something is, for people. It is kept with the next commit.
func (f *Flow) Progress(what string, done, total int) { f.count(what, done, total) }

// Now is the time of day, the same whenever the run asks under that name.
func (f *Flow) Now(name string) (time.Time, error) {
	return clockStep.Item(f, name, struct{}{})
}

// clockStep reads the clock that the engine was given. Every workflow has it.
var clockStep = NewStep("now", func(ctx context.Context, _ struct{}) (time.Time, error) {
	return executionOf(ctx).engine.cfg.Clock.Now().UTC().Truncate(time.Millisecond), nil
})

// Sleep waits for a span, counted from when it was first asked for, however often the
// run is begun anew meanwhile. A long wait gives up the worker.
func (f *Flow) Sleep(name string, d time.Duration) error {
	t, err := f.timer("timer "+name, d)
	if err != nil {
		return err
	}
	if err := f.until(t.NextAt, "", fmt.Sprintf("timer %s, until %s", name, t.NextAt.Format(time.RFC3339))); err != nil {
		return err
	}
	if t.Outcome == StepDone {
		return nil
	}
	t.Outcome, t.EndedAt = StepDone, t.NextAt
	return f.keep(t)
}

// timer finds the timer of that name, or sets it.
func (f *Flow) timer(name string, d time.Duration) (*Record, error) {
	t, err := f.enter(task{name: f.scope + name}, KindTimer)
	if err != nil || !t.NextAt.IsZero() {
		return t, err
	}
	return t, f.commit(func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		t.StartedAt, t.NextAt, t.Outcome = now, now.Add(d), StepPending
		return tx.SaveRecord(t)
	})
}

// Signal waits for a signal from outside ([Operator.Signal]) and gives what came with
// it; the first of a name counts. Whoever looks at the run is shown why it waits; "" is
// the signal's name. With a limit the error is [context.DeadlineExceeded] when it does
// not come in time; 0 waits for ever.
func (f *Flow) Signal(name, why string, limit time.Duration) (json.RawMessage, error) {
	var end time.Time
	if limit > 0 {
		t, err := f.timer("limit "+name, limit)
		if err != nil {
			return nil, err
		}
		end = t.NextAt
	}
	got, err := f.signalled(name)
	if err != nil || got != nil {
		return got, err
	}
	why = or(why, "signal "+name)
	if !end.IsZero() {
		why += ", at most until " + end.Format(time.RFC3339)
	}
	if err := f.until(or(end, never), name, why); err != nil {
		return nil, err
	}
	return nil, trimtab.Errorf(trimtab.Outside, "wait for signal %s: %w", name, context.DeadlineExceeded)
}

// signalled looks for a signal; it may have come while the run was at work.
func (f *Flow) signalled(name string) (json.RawMessage, error) {
	var got json.RawMessage
	err := f.engine.cfg.Log.Read(f.ctx, func(tx Tx) error {
		records, err := tx.Records(f.run.ID)
		for _, r := range records {
			if r.Kind == KindSignal && r.Name == signalRecord(name) {
				got = r.Output
			}
		}
		return err
	})
	if err != nil {
		return nil, f.failed(err)
	}
	return got, nil
}

// signalRecord is the name of a signal's record; signals belong to the whole run.
func signalRecord(name string) string { return "signal " + name }

// sub is the flow of a job.
func (f *Flow) sub(job string) *Flow {
	return &Flow{execution: f.execution, scope: f.scope + job + "/"}
}

// checkName refuses what would be mistaken for a path.
func checkName(name string) error {
	if name == "" || strings.ContainsAny(name, "/[]") {
		return trimtab.Errorf(trimtab.Internal, "a job or an item cannot be called %q", name)
	}
	return nil
}
