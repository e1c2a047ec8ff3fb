package durable

import (
	"context"
	"sync"
	"time"
)

type contextKey struct{}

// inStep is what the context of an attempt carries.
type inStep struct {
	*execution
	beat func()
}

// executionOf finds the run that a step belongs to.
func executionOf(ctx context.Context) *execution {
	if s, ok := ctx.Value(contextKey{}).(*inStep); ok {
		return s.execution
	}
	return nil
}

// FenceOf gives the check that a transaction of a step has to pass before it commits;
// nil outside of a step. Whoever owns the database asks for it, so that a step's own
// transactions are fenced, too.
func FenceOf(ctx context.Context) func(Tx) error {
	x := executionOf(ctx)
	if x == nil {
		return nil
	}
	return x.fenceStep
}

// RunOf is the number of the run that a step belongs to; 0 outside of a step.
func RunOf(ctx context.Context) int64 {
	if x := executionOf(ctx); x != nil {
		return x.run.ID
	}
	return 0
}

// Beat says that a step has come further, and for people how far it is; total 0 says
// nothing of that. It is kept with the step's next transaction, and is then progress that
// no later crash takes back. Outside of a step it does nothing.
func Beat(ctx context.Context, what string, done, total int) {
	s, ok := ctx.Value(contextKey{}).(*inStep)
	if !ok {
		return
	}
	s.beat()
	s.mu.Lock()
	s.beaten = true
	s.mu.Unlock()
	if total > 0 {
		s.count(what, done, total)
	}
}

// attemptContext is what an attempt is given: it ends with the run, after the policy's
// time, or when the heart stops.
func (f *Flow) attemptContext(p Policy) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(f.ctx)
	s := &inStep{execution: f.execution, beat: func() {}}
	stop := func() {}
	if p.Timeout > 0 {
		t := time.AfterFunc(p.Timeout, func() { cancel(context.DeadlineExceeded) })
		stop = func() { t.Stop() }
	}
	if p.Heartbeat > 0 {
		watch := watchHeart(p.Heartbeat, func() { cancel(ErrStalled) })
		s.beat = watch.beat
		before := stop
		stop = func() { before(); watch.stop() }
	}
	ctx = context.WithValue(ctx, contextKey{}, s)
	if f.engine.cfg.Around != nil {
		ctx = f.engine.cfg.Around(ctx, f.lease)
	}
	return ctx, func() { stop(); cancel(nil) }
}

// heart calls dead when it has not been beaten for too long.
type heart struct {
	mu    sync.Mutex
	timer *time.Timer
	limit time.Duration
}

func watchHeart(limit time.Duration, dead func()) *heart {
	return &heart{timer: time.AfterFunc(limit, dead), limit: limit}
}

func (h *heart) beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer.Reset(h.limit)
}

func (h *heart) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer.Stop()
}

// Lease is the right to act for a run, as far as this process can tell by its own clock
// that never steps.
type Lease struct {
	mu     sync.Mutex
	until  time.Time // monotonic
	margin time.Duration
	ctx    context.Context
}

// Err is nil while a write to the outside may be begun: the run is ours, and will be for
// at least the margin. A write that is begun later could arrive when somebody else has
// the run.
func (l *Lease) Err() error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Until(l.until) < l.margin {
		return ErrFenced
	}
	return nil
}

// renew moves the end on; began is when the renewal was asked for.
func (l *Lease) renew(began time.Time, span time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = began.Add(span)
}
