package distribute

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// opName names a write of an epoch in the tracker's own history, so that an echo can be
// told from a person's change, a comment is said once, and an old copy of the state finds
// out that another one has gone on.
func opName(epoch, id int64) string {
	if epoch <= 1 {
		return "op-" + strconv.FormatInt(id, 10)
	}
	return fmt.Sprintf("op-%d-%d", epoch, id)
}

// readOpName undoes [opName]; ok is false for what is none.
func readOpName(name string) (epoch, id int64, ok bool) {
	rest, found := strings.CutPrefix(name, "op-")
	first, second, both := strings.Cut(rest, "-")
	if !both {
		first, second = "1", rest
	}
	epoch, epochErr := strconv.ParseInt(first, 10, 64)
	id, idErr := strconv.ParseInt(second, 10, 64)
	return epoch, id, found && epochErr == nil && idErr == nil
}

func (s *sender) opID(op *store.Op) string { return opName(s.epoch, op.ID) }

// witness asks the tracker for its newest ticket. One that this state has not filed says
// that the state was restored from a backup, or that a copy of it is at work elsewhere:
// it would file what is filed already, and take back what it does not know of.
func (s *sender) witness(ctx context.Context) error {
	newest, err := s.tracker.Newest(ctx, s.job.Store.Installation())
	if err != nil || newest == nil {
		return err
	}
	known := false
	err = s.job.Store.Read(ctx, func(tx *store.Tx) (err error) {
		known, err = s.filedHere(tx, newest)
		return err
	})
	if err != nil || known {
		return err
	}
	return trimtab.Errorf(trimtab.Invalid, "the newest ticket, %s, was not filed from this state: it was restored from a backup, or a copy of it is at work", newest.Key).
		WithNext("make sure that no other copy runs, then `trimtab recover --from-tracker`; nothing is written until then")
}

// filedHere reports whether a ticket is one that this state has sent.
func (s *sender) filedHere(tx *store.Tx, issue *tracker.Issue) (bool, error) {
	epoch, id, ok := readOpName(issue.Op)
	if !ok { // somebody has removed the ticket's property; its marker is left
		link, err := tx.LinkByMarker(issue.Marker)
		return link != nil, err
	}
	if epoch != s.epoch {
		return epoch < s.epoch, nil
	}
	op, err := tx.Op(id)
	if err != nil || op == nil || op.SentAt.IsZero() {
		return false, err
	}
	link, err := tx.Link(op.Link)
	return err == nil && (issue.Marker == "" || issue.Marker == link.Marker), err
}

// adopt takes tickets for creations that the tracker has already, in a state that was
// recovered: it does not know all that was filed. It gives what is left to be made.
func (s *sender) adopt(ctx context.Context, batch []*store.Op) ([]*store.Op, error) {
	if s.epoch <= 1 || len(batch) == 0 {
		return batch, nil
	}
	links, err := s.linksOf(ctx, batch)
	if err != nil {
		return nil, err
	}
	found, err := s.findAll(ctx, batch, links)
	if err != nil {
		return nil, err
	}
	var left []*store.Op
	for _, op := range batch {
		issue, ok := found[links[op.ID].Marker]
		if !ok && s.hidden(op) {
			continue
		}
		if !ok {
			left = append(left, op)
			continue
		}
		s.sent.Adopted++
		if err := s.filed(ctx, op, links[op.ID], issue, foundAgain, nil); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// Recovery says what a recovery found.
type Recovery struct {
	Tickets int // of the installation, on all trackers
	Known   int // that the state has
	Adopted int // that it was about to file
	Unknown int // of recommendations that it does not have (any more)
	Epoch   int64
}

// Recover looks up on the trackers what they have of this installation, takes over what
// the state did not know, and begins an epoch: from then on each creation is looked up
// first, and every older copy of the state refuses to write.
func (j *Job) Recover(ctx context.Context) (*Recovery, error) {
	r := &Recovery{}
	for name, t := range j.Trackers {
		changes, err := t.Changed(ctx, j.Store.Installation(), time.Time{})
		if err != nil {
			return nil, fmt.Errorf("tracker %s: %w", name, err)
		}
		s := &sender{job: j, name: name, tracker: t, log: j.Log.With("tracker", name)}
		for _, issue := range changes.Issues {
			if err := s.recover(ctx, issue, r); err != nil {
				return nil, fmt.Errorf("tracker %s: ticket %s: %w", name, issue.Key, err)
			}
		}
	}
	return r, j.Store.Write(ctx, func(tx *store.Tx) error {
		epoch, _, err := tx.Epoch()
		if err != nil {
			return err
		}
		// What people did since the backup is asked for again.
		for name := range j.Trackers {
			if err := tx.SaveWatermark("tracker "+name, store.Watermark{}); err != nil {
				return err
			}
		}
		r.Epoch = max(r.Epoch, epoch) + 1
		return tx.Recovered(r.Epoch, j.Clock.Now())
	})
}

// recover brings one ticket and the state together.
func (s *sender) recover(ctx context.Context, issue tracker.Issue, r *Recovery) error {
	r.Tickets++
	if epoch, _, ok := readOpName(issue.Op); ok {
		r.Epoch = max(r.Epoch, epoch)
	}
	link, op, err := s.creationOf(ctx, issue.Marker)
	switch {
	case err != nil:
		return err
	case link == nil:
		r.Unknown++
	case link.State == store.LinkWanted && op != nil:
		r.Adopted++
		return s.filed(ctx, op, link, issue, foundAgain, nil)
	default:
		r.Known++
	}
	return nil
}

// creationOf reads the link of a marker and the write that makes its ticket.
func (s *sender) creationOf(ctx context.Context, marker trimtab.Marker) (link *store.Link, op *store.Op, err error) {
	err = s.job.Store.Read(ctx, func(tx *store.Tx) error {
		if link, err = tx.LinkByMarker(marker); err != nil || link == nil {
			return err
		}
		ops, err := tx.OpsOf(link.ID)
		for _, o := range ops {
			if o.Kind == store.OpCreate {
				op = o
			}
		}
		return err
	})
	return link, op, err
}
