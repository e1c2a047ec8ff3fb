package durable

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
)

// Call asks for a run, or finds the unfinished one that has the key, follows it to its
// end, and gives its output and its error. A run that is parked is an error.
func Call[Out any](ctx context.Context, e *Engine, req Request) (out Out, err error) {
	id, _, err := e.Submit(ctx, req)
	if err != nil {
		return out, err
	}
	run, err := e.Follow(ctx, id)
	if err != nil {
		return out, err
	}
	return ResultOf[Out](run)
}

// ErrWaits says that a run has no result yet: it waits for somebody to say something.
var ErrWaits = errors.New("waits")

// ResultOf reads what a run came to.
func ResultOf[Out any](run *Run) (out Out, err error) {
	if run.Status == Parked {
		return out, trimtab.Errorf(trimtab.Partial, "run %d is parked: %s", run.ID, run.Reason).
			WithNext("`trimtab runs show %d` shows it; then `trimtab runs resume %d` or `trimtab runs cancel %d`", run.ID, run.ID, run.ID)
	}
	if run.Indefinite() {
		return out, trimtab.Errorf(trimtab.Partial, "run %d %w: %s", run.ID, ErrWaits, run.Reason).WithNext("`trimtab runs show %d` shows it", run.ID)
	}
	out, err = read[Out](run.ID, "output", run.Output)
	if err != nil {
		return out, err
	}
	return out, run.Error.Err()
}

// InputOf reads what a run was asked for.
func InputOf[In any](run *Run) (In, error) { return read[In](run.ID, "input", run.Input) }

func read[T any](id int64, what string, written json.RawMessage) (v T, err error) {
	if len(written) > 0 {
		if err := json.Unmarshal(written, &v); err != nil {
			return v, trimtab.Errorf(trimtab.Internal, "read the %s of run %d: %w", what, id, err)
		}
	}
	return v, nil
}

// Once is [Call] on an engine that is there for this call alone. Where the log is
// exclusive no other engine may work on it meanwhile.
func Once[Out any](ctx context.Context, log Log, c clock.Clock, w Workflow, input any) (out Out, err error) {
	e, err := New(Config{Log: log, Clock: c, Worker: Name()}, w)
	if err != nil {
		return out, err
	}
	return Call[Out](ctx, e, Request{Workflow: w.name, Key: w.name, Input: input})
}
