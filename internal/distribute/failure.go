package distribute

import (
	"context"
	"errors"
	"time"

	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// callFailed judges a call that failed as a whole. A call that did nothing
// goes back; one that may have acted is set aside; wrong credentials stop the
// tracker, because nothing else will work either.
func (s *sender) callFailed(ctx context.Context, batch []*store.Op, cause error) error {
	kind := tracker.KindOf(cause)
	now := s.job.Clock.Now()
	for _, op := range batch {
		op.Error = cause.Error()
		switch kind {
		case tracker.Ambiguous:
			op.State, op.SettledAt = store.OpUnknown, now
			op.Attempts++
		case tracker.Rejected, tracker.Missing:
			op.State = store.OpBlocked
		case tracker.Retry:
			s.later(op, cause)
		case tracker.Forbidden:
			op.State = store.OpPlanned
			s.forbidden(batch, cause)
		default:
			op.State = store.OpPlanned
		}
	}
	// The outcome must be kept even when the caller has given up waiting.
	if err := s.save(context.WithoutCancel(ctx), batch...); err != nil {
		return err
	}
	s.log.Warn("call failed", "kind", kind, "writes", len(batch), "error", cause)
	switch {
	case ctx.Err() != nil:
		return cause
	case kind == tracker.Rejected, kind == tracker.Missing, kind == tracker.Ambiguous, kind == tracker.Forbidden:
		return nil // blocked for a person, looked up in the next round, or told of in the end
	case kind == tracker.Retry && retryAfter(cause) > 0:
		return nil // due again when the tracker said
	}
	return cause
}

// forbidden stops a project that refuses us, and no other. When several are in one call
// each is tried apart.
func (s *sender) forbidden(batch []*store.Op, cause error) {
	projects := map[string]bool{}
	for _, op := range batch {
		projects[s.project(op)] = true
	}
	for project := range projects {
		if len(projects) > 1 {
			s.alone[project] = true
			continue
		}
		s.refused[project] = cause
	}
}

// retryAfter is the pause that the tracker asked for, 0 if it named none.
func retryAfter(cause error) time.Duration {
	var e *tracker.Error
	if errors.As(cause, &e) {
		return e.RetryAfter
	}
	return 0
}

// elementFailed judges one draft of a call that otherwise went well.
func (s *sender) elementFailed(ctx context.Context, op *store.Op, cause *tracker.Error) error {
	op.Error = cause.Error()
	switch cause.Kind {
	case tracker.Retry:
		s.later(op, cause)
	case tracker.Ambiguous:
		op.State, op.SettledAt = store.OpUnknown, s.job.Clock.Now()
		op.Attempts++
	case tracker.Forbidden:
		op.State = store.OpPlanned
		s.forbidden([]*store.Op{op}, cause)
	default:
		op.State = store.OpBlocked
	}
	return s.save(ctx, op)
}

// later plans a write again after a growing pause, or the one that the tracker
// asked for; after MaxAttempts failures it is blocked, so that nothing is tried
// for ever.
func (s *sender) later(op *store.Op, cause error) {
	op.Attempts++
	s.again(op)
	pause := max(min(time.Second<<min(op.Attempts, 8), 5*time.Minute), retryAfter(cause))
	op.NotBefore = s.job.Clock.Now().Add(pause)
}
