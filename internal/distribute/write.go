package distribute

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// write carries the other writes to tickets that exist. Each ticket is a lane:
// its writes go out in the order in which they were decided, so one that waits
// or fails lets the later ones wait ("reopened" must not be said before it is).
// The lanes do not wait for one another.
func (s *sender) write(ctx context.Context) error {
	var planned []*store.Op
	var stuck map[int64]bool // links whose next write has to wait
	err := s.job.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if stuck, err = tx.LinksToCreate(s.queue(endOfTime)); err != nil {
			return err
		}
		planned, err = tx.DueWrites(s.queue(endOfTime))
		return err
	})
	if err != nil {
		return err
	}
	now := s.job.Clock.Now()
	for _, op := range planned {
		if stuck[op.Link] || op.NotBefore.After(now) || s.stopped(op) {
			stuck[op.Link] = true
			continue
		}
		if err := s.writeOne(ctx, op); err != nil {
			return err
		}
		stuck[op.Link] = op.State != store.OpDone
	}
	return nil
}

// writeOne makes one write: what of it still is to be done is decided when the ticket has
// been read, and noted in one transaction when it has been read back.
func (s *sender) writeOne(ctx context.Context, op *store.Op) error {
	p, err := s.prepare(ctx, op)
	if err != nil {
		return err
	}
	if p.link.State == store.LinkWanted {
		return s.unfiled(ctx, op)
	}
	if p.link.State != store.LinkFiled && op.Kind != store.OpRelease {
		op.State, op.Error = store.OpDone, "its ticket is "+string(p.link.State)
		return s.save(ctx, op)
	}
	if err := s.markSent(ctx, []*store.Op{op}); err != nil {
		return err
	}
	if op.Kind == store.OpWithdraw {
		return s.withdraw(ctx, op, p.link, p.change)
	}
	issue, err := s.tracker.Update(ctx, p.link.RemoteID, p.decide)
	if tracker.KindOf(err) == tracker.Rejected && p.writes(merge.Assignee) {
		// An owner whom the tracker does not know must not hold back the rest.
		p.refuse(merge.Assignee, err)
		issue, err = s.tracker.Update(ctx, p.link.RemoteID, p.decide)
	}
	if err != nil {
		return s.writeFailed(ctx, op, err)
	}
	s.sent.Written++
	return s.job.Store.Write(ctx, func(tx *store.Tx) error { return p.settle(tx, issue) })
}

// unfiled ends a write to a ticket that is not there: its creation was given up before it
// was sent. If it may have been sent, the write waits until that is known.
func (s *sender) unfiled(ctx context.Context, op *store.Op) error {
	return s.job.Store.Write(ctx, func(tx *store.Tx) error {
		ops, err := tx.OpsOf(op.Link)
		if err != nil || slices.ContainsFunc(ops, func(o *store.Op) bool { return o.Kind == store.OpCreate && o.State != store.OpPlanned }) {
			return err
		}
		op.State, op.Error = store.OpDone, "its ticket was not filed"
		return tx.SaveOp(op)
	})
}

// withdraw closes a second ticket. The link is about the first one, and stays as it is.
func (s *sender) withdraw(ctx context.Context, op *store.Op, link *store.Link, change tracker.Change) error {
	change.Status = tracker.WontDo
	change.Link = tracker.Link{Relation: tracker.Duplicates, To: link.RemoteID}
	if _, err := s.tracker.Update(ctx, op.Payload.Remote, tracker.Set(change)); err != nil {
		return s.writeFailed(ctx, op, err)
	}
	s.sent.Written++
	op.State, op.Error = store.OpDone, ""
	return s.save(ctx, op)
}

// statusFor is the status to write. The workflow may have moved on since the
// write was decided (a person was quicker): then only the comment is said.
func (s *sender) statusFor(kind store.OpKind, w trimtab.Workflow) tracker.Status {
	status := merge.StatusOf(w)
	wanted := kind == store.OpReopen && !status.Closed() || kind == store.OpClose && status == tracker.Done && s.job.Policy.CloseTickets
	if !wanted {
		return tracker.NoStatus
	}
	return status
}

// missingPause is how long a write to a ticket waits that is not there.
const missingPause = time.Hour

// writeFailed judges a failed write. Saying the same again does no harm, so an
// unknown outcome is simply tried again later.
func (s *sender) writeFailed(ctx context.Context, op *store.Op, cause error) error {
	op.Error = cause.Error()
	kind := tracker.KindOf(cause)
	switch kind {
	case tracker.Retry, tracker.Ambiguous:
		s.later(op, cause)
	case tracker.Unauthorized:
		op.State = store.OpPlanned
	case tracker.Forbidden:
		op.State = store.OpPlanned
		s.forbidden([]*store.Op{op}, cause)
	case tracker.Missing: // deleted or hidden: the monitor finds out, and ends what cannot be written
		op.State, op.NotBefore = store.OpPlanned, s.job.Clock.Now().Add(missingPause)
	default:
		op.State = store.OpBlocked
	}
	if err := s.save(context.WithoutCancel(ctx), op); err != nil {
		return err
	}
	s.log.Warn("write failed", "kind", kind, "op", op.ID, "error", cause)
	if kind == tracker.Unauthorized || ctx.Err() != nil {
		return fmt.Errorf("write to a ticket: %w", cause)
	}
	return nil
}
