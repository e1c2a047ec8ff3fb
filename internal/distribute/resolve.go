package distribute

import (
	"context"
	"errors"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
)

// Resolution is a person's word about a conflict.
type Resolution struct {
	Conflict int64        `json:"conflict"`
	Take     merge.Winner `json:"take"` // tracker, trimtab
	Actor    string       `json:"actor,omitempty"`
}

// Resolve decides a conflict that waits for a person. Where the tracker wins, its value is
// taken by the next pull; where Trimtab does, its newest value is written by the next
// distribution.
func (j *Job) Resolve(ctx context.Context, in Resolution) (c *store.Conflict, err error) {
	if in.Take != merge.TrackerWins && in.Take != merge.TrimtabWins {
		return nil, trimtab.Errorf(trimtab.Invalid, "take %q is none of tracker, trimtab", in.Take)
	}
	err = j.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.Conflict(in.Conflict); err != nil {
			return err
		}
		if !c.Open() {
			return trimtab.Errorf(trimtab.Invalid, "conflict %d was decided by %s: %s", c.ID, c.DecidedBy, c.Winner)
		}
		link, err := tx.Link(c.Link)
		if err != nil {
			return err
		}
		now := j.Clock.Now()
		c.Decide(string(in.Take), actorOf(in.Actor), now)
		err = errors.Join(tx.SaveConflict(c), tx.Note(link.Episode, now, c.DecidedBy, "decided a conflict", c.Field+": "+c.Winner))
		if link.State != store.LinkFiled {
			return err
		}
		if in.Take == merge.TrimtabWins {
			op := &store.Op{Link: link.ID, Kind: store.OpForce, Payload: store.OpPayload{Only: []string{c.Field}}, CreatedAt: now, Released: true}
			return errors.Join(err, tx.PlanOp(op))
		}
		return errors.Join(err, j.yield(tx, link, c.Field))
	})
	return c, err
}

// yield lets the tracker's value of a field stand: ours is taken for what both had agreed on,
// so that theirs is a change, which the next look takes.
func (j *Job) yield(tx *store.Tx, link *store.Link, field string) error {
	about, err := tx.About(link)
	if err != nil {
		return err
	}
	said, err := j.Sayings(tx, link, about)
	if err != nil {
		return err
	}
	said[merge.Status] = string(merge.StatusOf(store.WorkflowOf(about)))
	ours, ok := said[field]
	if !ok {
		ours = link.Base[field].Ours
	}
	link.Base[field] = merge.Agreed{Ours: ours, Theirs: ours}
	delete(link.Sync.Wrote, field)
	return errors.Join(tx.SaveLink(link), tx.Hint(link.Tracker, link.RemoteID, j.Clock.Now()))
}
