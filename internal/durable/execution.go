package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
)

// execution is one claim of a run, at work in this process.
type execution struct {
	engine  *Engine
	run     Run // as it was claimed
	flow    Workflow
	ctx     context.Context
	cancel  context.CancelCauseFunc
	lease   *Lease
	resumed bool
	ended   chan struct{} // closed when the work here is over

	mu       sync.Mutex
	records  map[string]*Record
	used     map[string]bool
	stopped  error  // why nothing more may be done here; ErrSuspended is not among them
	sleep    *Slept // what the parts of it that have nothing to do wait for
	progress Progress
	beaten   bool // a step said that it came further, and that is not kept yet
}

// task is a step that a workflow asks for.
type task struct {
	name, base, shape string
	input             json.RawMessage
	policy            Policy
	inTx              bool
	began             time.Time // of the attempt
	call              func(context.Context, Tx) (any, error)
}

// maxKept is how much of an input is written down for people to see; its hash covers
// all of it.
const maxKept = 64 << 10

// enter finds the record of a task, or makes one. The same name twice would give the
// second task the first one's result.
func (x *execution) enter(t task, kind Kind) (*Record, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stopped != nil {
		return nil, x.stopped
	}
	if x.used[t.name] {
		return nil, trimtab.Errorf(trimtab.Internal, "%q is used twice in run %d; give each item a name of its own", t.name, x.run.ID)
	}
	x.used[t.name] = true
	r, ok := x.records[t.name]
	if !ok {
		r = &Record{Run: x.run.ID, Name: t.name, Kind: kind, Shape: t.shape, Hash: digest(t.input)}
		if len(t.input) <= maxKept {
			r.Input = t.input
		}
		return r, nil
	}
	if r.Hash != digest(t.input) {
		return nil, x.stopLocked(&misfitError{fmt.Sprintf("step %q was done with another input", t.name)})
	}
	copied := *r
	return &copied, nil
}

// misfitError is that the records of a run do not fit the code.
type misfitError struct{ why string }

// Error is the sentence.
func (m *misfitError) Error() string { return changed(m.why) }

// stop ends the work here for a reason that is no outcome of the run.
func (x *execution) stop(why error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.stopLocked(why)
}

func (x *execution) stopLocked(why error) error {
	if x.stopped == nil {
		x.stopped = why
	}
	x.cancel(x.stopped)
	return x.stopped
}

// lostError is that the database cannot be used.
type lostError struct{ err error }

// Error is the cause's.
func (l *lostError) Error() string { return l.err.Error() }

// Unwrap gives the cause.
func (l *lostError) Unwrap() error { return l.err }

// failed tells an error that ends the work here from one that is a step's own; nil if
// it is the step's own.
func (x *execution) failed(err error) error {
	switch {
	case errors.Is(err, ErrFenced):
		return x.stop(ErrFenced)
	case x.engine.cfg.Log.Lost(err):
		return x.stop(&lostError{err})
	case x.ctx.Err() != nil:
		return x.stop(context.Cause(x.ctx))
	}
	return err
}

// perform gives a task's result: the one that is kept, or that of doing it now.
func (f *Flow) perform(t task) (json.RawMessage, *Failure, error) {
	if f.flow.steps[t.base] != t.shape {
		return nil, nil, trimtab.Errorf(trimtab.Internal, "workflow %s does not list step %q with these types", f.flow.name, t.base)
	}
	r, err := f.enter(t, KindStep)
	if err != nil {
		return nil, nil, err
	}
	for {
		switch r.Outcome {
		case StepDone, StepFailed:
			return r.Output, r.Error, nil
		case StepRetrying:
			why := fmt.Sprintf("step %s, which failed %d times", t.name, r.Attempts)
			if err := f.until(r.NextAt, "", why); err != nil {
				return nil, nil, err
			}
		}
		if err := f.attempt(t, r); err != nil {
			return nil, nil, err
		}
	}
}

// attempt does a task once and keeps how it went. An attempt that was cut off counts
// for nothing.
func (f *Flow) attempt(t task, r *Record) error {
	if f.ctx.Err() != nil {
		return f.stop(context.Cause(f.ctx))
	}
	ctx, end := f.attemptContext(t.policy)
	defer end()
	t.began = time.Now()
	var out any
	var err error
	if t.inTx {
		err = f.commit(func(tx Tx) (err error) {
			if out, err = guarded(func() (any, error) { return t.call(ctx, tx) }); err != nil && trimtab.CodeOf(err) != trimtab.Partial {
				return &stepError{err}
			}
			return f.keepResult(tx, t, r, out, err)
		})
		var own *stepError
		if err == nil || !errors.As(err, &own) {
			return err
		}
		err = own.err
	} else {
		out, err = guarded(func() (any, error) { return t.call(ctx, nil) })
	}
	return f.settle(ctx, t, r, out, err)
}

// stepError marks an error of a step's own inside of a transaction.
type stepError struct{ err error }

// Error is the step's.
func (s *stepError) Error() string { return s.err.Error() }

// settle keeps how an attempt went.
func (f *Flow) settle(ctx context.Context, t task, r *Record, out any, err error) error {
	if err != nil {
		if f.ctx.Err() != nil || errors.Is(err, ErrFenced) || f.engine.cfg.Log.Lost(err) {
			return f.failed(err)
		}
		// Its own limits end only the attempt.
		if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
			err = trimtab.Errorf(trimtab.Outside, "step %s: %w", t.name, cause)
		}
	}
	return f.commit(func(tx Tx) error { return f.keepResult(tx, t, r, out, err) })
}

// keepResult writes a result or a failure into the record, in the caller's transaction.
func (f *Flow) keepResult(tx Tx, t task, r *Record, out any, err error) error {
	now, clockErr := tx.Now()
	if clockErr != nil {
		return clockErr
	}
	r.Attempts++
	r.StartedAt, r.EndedAt = now.Add(-time.Since(t.began)).Truncate(time.Millisecond), now
	r.Error = failureOf(err)
	r.Outcome, r.NextAt = StepDone, time.Time{}
	if err != nil && r.Error.Code != trimtab.Partial {
		at, again := t.policy.Retry.next(r.Error, r.Attempts, askedPause(err), now, r.Run, r.Name)
		r.Outcome, r.NextAt = StepFailed, at
		if again {
			r.Outcome = StepRetrying
		}
		out = nil
	}
	if out != nil {
		written, err := json.Marshal(out)
		if err != nil {
			return trimtab.Errorf(trimtab.Internal, "write down the output of step %s: %w", t.name, err)
		}
		r.Output = written
	}
	return tx.SaveRecord(r)
}

// keep writes records.
func (x *execution) keep(records ...*Record) error {
	return x.commit(func(tx Tx) error {
		for _, r := range records {
			if err := tx.SaveRecord(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// commit is a fenced transaction. What was done must be written even when the run is
// being stopped, so it does not end with the run's context.
func (x *execution) commit(fn func(Tx) error) error {
	err := x.engine.cfg.Log.Write(context.WithoutCancel(x.ctx), func(tx Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return x.fence(tx)
	})
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrFenced) {
		return x.stop(ErrFenced)
	}
	if x.engine.cfg.Log.Lost(err) {
		return x.stop(&lostError{err})
	}
	return err
}

// fence refuses to commit for a worker that has lost the run, and notes the progress. It
// comes last in a transaction, so that the row is kept from others for a short time.
func (x *execution) fence(tx Tx) error {
	return x.pass(tx, Progressed{Epoch: x.run.Epoch, Progress: x.counted()})
}

// fenceStep is the fence of a step's own transactions. They are no progress of the run
// unless the step says so ([Beat]): one that kills its process may write before it does.
func (x *execution) fenceStep(tx Tx) error {
	x.mu.Lock()
	beaten := x.beaten
	x.beaten = false
	x.mu.Unlock()
	if beaten {
		return x.fence(tx)
	}
	return x.pass(tx, Held{Epoch: x.run.Epoch})
}

// pass brings an event of the worker to the run, in its transaction.
func (x *execution) pass(tx Tx, e Event) error {
	run, err := tx.Run(x.run.ID)
	if err != nil {
		return err
	}
	next, err := x.engine.cfg.Rules.Step(*run, e)
	if err != nil {
		return err
	}
	// The row is read and kept from others; most steps change nothing of it.
	if run.Crashes == next.Crashes && maps.Equal(run.Progress, next.Progress) {
		return nil
	}
	return tx.Save(&next)
}

// count notes progress.
func (x *execution) count(what string, done, total int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.progress[what] = Count{done, total}
}

func (x *execution) counted() Progress {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.progress)
}

// until returns when a time has come. A short wait is waited out; a long one, or one for
// a signal, suspends the run.
func (f *Flow) until(at time.Time, awaits, why string) error {
	var now time.Time
	err := f.engine.cfg.Log.Read(f.ctx, func(tx Tx) (err error) {
		now, err = tx.Now()
		return err
	})
	if err != nil {
		return f.failed(err)
	}
	left := at.Sub(now)
	if left <= 0 {
		return nil
	}
	if awaits == "" && left <= f.engine.cfg.Inline {
		if err := f.engine.cfg.Clock.Sleep(f.ctx, left); err != nil {
			return f.failed(err)
		}
		return nil
	}
	f.suspend(Slept{Until: at, Awaits: awaits, Why: why}, now)
	return ErrSuspended
}

// suspend notes what a part of the run waits for; the run wakes for the first of them.
func (x *execution) suspend(s Slept, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.sleep == nil {
		x.sleep = &s
		return
	}
	if s.Until.Before(x.sleep.Until) {
		x.sleep.Until = s.Until
	}
	// Two signals at once: it looks again soon, since a run is woken by one name only.
	if s.Awaits != "" && x.sleep.Awaits != "" && s.Awaits != x.sleep.Awaits {
		x.sleep.Until = now.Add(x.engine.cfg.Poll)
	}
	x.sleep.Awaits = or(x.sleep.Awaits, s.Awaits)
	x.sleep.Why += "; " + s.Why
}

// guarded turns a panic into an error: one run must not take the others with it.
func guarded(fn func() (any, error)) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, trimtab.Errorf(trimtab.Internal, "panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

// work runs the function and keeps how it ended.
func (x *execution) work() {
	defer x.cancel(nil)
	out, err := guarded(func() (any, error) { return x.flow.fn(&Flow{execution: x}, x.run.Input) })
	x.mu.Lock()
	stopped, slept := x.stopped, x.sleep
	x.mu.Unlock()
	if errors.Is(stopped, ErrFenced) || errors.As(stopped, new(*lostError)) {
		return // it is not ours, or the database is away: whoever claims it next goes on
	}
	// Bounded, not cancelled: a worker that is stopping still says so.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), x.engine.cfg.Lease)
	defer cancel()
	run, failed := x.engine.apply(ctx, x, func(now time.Time) Event { return x.ending(now, out, err, stopped, slept) })
	if failed != nil {
		x.engine.log().Error("the end of a run could not be kept; it goes on from its last step", "run", x.run.ID, "error", failed)
		return
	}
	x.engine.observe(Note{Run: run, What: string(run.Status)})
}

// ending is the event by which a claim ends.
func (x *execution) ending(now time.Time, out any, err, stopped error, slept *Slept) Event {
	epoch := x.run.Epoch
	var misfit *misfitError
	switch {
	case errors.As(stopped, &misfit):
		return Misfit{Epoch: epoch, Now: now, Why: misfit.Error()}
	case errors.Is(stopped, ErrCancelled):
		return Returned{Epoch: epoch, Now: now, Failure: failureOf(ErrCancelled)}
	case stopped != nil:
		return Interrupted{Epoch: epoch, Now: now}
	case slept != nil && errors.Is(err, ErrSuspended):
		slept.Epoch = epoch
		return *slept
	}
	return x.returned(now, out, err)
}

// returned is the end of the function itself.
func (x *execution) returned(now time.Time, out any, err error) Event {
	written, writeErr := json.Marshal(out)
	if writeErr != nil {
		written, err = nil, errors.Join(err, trimtab.Errorf(trimtab.Internal, "write down the output: %w", writeErr))
	}
	return Returned{
		Epoch: x.run.Epoch, Now: now, Output: written, Failure: failureOf(err), Partial: trimtab.CodeOf(err) == trimtab.Partial,
	}
}
