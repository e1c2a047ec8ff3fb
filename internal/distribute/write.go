package distribute

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// writeOne makes one write and moves the base on, in the transaction that
// notes it as done.
func (s *sender) writeOne(ctx context.Context, op *store.Op) error {
	link, change, err := s.change(ctx, op)
	if err != nil {
		return err
	}
	if link.State == store.LinkWanted {
		return s.unfiled(ctx, op)
	}
	if link.State != store.LinkFiled {
		op.State, op.Error = store.OpBlocked, "its ticket is "+string(link.State)
		return s.save(ctx, op)
	}
	if err := s.markSent(ctx, []*store.Op{op}); err != nil {
		return err
	}
	if op.Kind == store.OpWithdraw {
		return s.withdraw(ctx, op, link, change)
	}
	issue, err := s.tracker.Update(ctx, link.RemoteID, change)
	if err != nil {
		return s.writeFailed(ctx, op, err)
	}
	s.sent.Written++
	return s.job.Store.Write(ctx, func(tx *store.Tx) error {
		ticket, err := tx.Ticket(link.Ticket)
		if err != nil {
			return err
		}
		ticket.UpdatedAt = issue.Updated
		link.Base, link.Updated = agreed(link.Base, issue, change), issue.Updated
		op.State, op.Error = store.OpDone, ""
		return errors.Join(tx.SaveTicket(ticket), tx.SaveLink(link), tx.SaveOp(op))
	})
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
	if _, err := s.tracker.Update(ctx, op.Payload.Remote, change); err != nil {
		return s.writeFailed(ctx, op, err)
	}
	s.sent.Written++
	op.State, op.Error = store.OpDone, ""
	return s.save(ctx, op)
}

// agreed moves the base on by what this write set, and by nothing else: what a
// person changed in the meantime is for the monitor to find.
func agreed(base map[string]string, issue tracker.Issue, change tracker.Change) map[string]string {
	next := make(map[string]string, len(base))
	for k, v := range base {
		next[k] = v
	}
	if change.Status != tracker.NoStatus && issue.Status == change.Status {
		next["status"] = string(issue.Status)
	}
	return next
}

// change is what an op writes, made of the newest state.
func (s *sender) change(ctx context.Context, op *store.Op) (link *store.Link, change tracker.Change, err error) {
	change = tracker.Change{Op: s.opID(op), Comment: op.Payload.Comment}
	err = s.job.Store.Read(ctx, func(tx *store.Tx) error {
		if link, err = tx.Link(op.Link); err != nil {
			return err
		}
		about, err := tx.About(link)
		if err != nil {
			return err
		}
		switch op.Kind {
		case store.OpReopen, store.OpClose:
			change.Status = s.statusFor(op.Kind, store.WorkflowOf(about))
			better, err := outranker(tx, about[0])
			if err != nil {
				return err
			}
			if better != nil && better.RemoteID != "" && better.Tracker == link.Tracker && better.RemoteID != link.RemoteID {
				change.Link = tracker.Link{Relation: tracker.Relates, To: better.RemoteID}
			}
		case store.OpRecall:
			change.Status = tracker.WontDo
		case store.OpLink:
			s.linked(op, link, about[0], &change)
		case store.OpRefresh:
			return refreshed(tx, about, s.job.Boards[link.Board], &change)
		}
		return nil
	})
	return link, change, err
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

// refreshed writes our text anew from the newest recommendations.
func refreshed(tx *store.Tx, about []*store.Episode, board Board, change *tracker.Change) error {
	var text string
	if board.Checklist {
		payload, err := renderChecklist(tx, about, board)
		if err != nil {
			return err
		}
		text = payload.Description
	} else {
		rec, err := tx.Recommendation(about[0].Last)
		if err != nil {
			return err
		}
		if text, err = describe(rec, board); err != nil {
			return err
		}
	}
	change.Description = &text
	return nil
}

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
