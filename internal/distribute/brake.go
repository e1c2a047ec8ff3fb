package distribute

import (
	"context"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/store"
)

// Brake stops a run that would create, close or edit more than max(Tickets, Share of the
// open tickets) until somebody approves; zero Tickets is no brake.
type Brake struct {
	Tickets int
	Share   decimal.Decimal
}

// limit is how many tickets a run may touch without being asked.
func (b Brake) limit(open int) int {
	return max(b.Tickets, int(b.Share.Mul(decimal.NewFromInt(int64(open))).IntPart()))
}

// load is what the outbox holds that no run has released.
type load struct {
	Create, Close, Edit int
	Tickets             int   // that these touch
	Limit               int   // of the brake
	Last                int64 // the newest write
	Braked              bool
}

// String is for the person who is asked.
func (l load) String() string {
	var does []string
	for _, part := range []struct {
		verb string
		n    int
	}{{"create", l.Create}, {"close", l.Close}, {"edit", l.Edit}} {
		if part.n > 0 {
			does = append(does, fmt.Sprintf("%s %d", part.verb, part.n))
		}
	}
	return fmt.Sprintf("it would %s tickets, more than the brake of %d", strings.Join(does, ", "), l.Limit)
}

// passBrake releases what is in the outbox, if need be after somebody has approved it.
// What is approved is what was there when it was asked: the signal names its last write.
func (j *Job) passBrake(f *durable.Flow, approved bool) error {
	brake := durable.NewStepTx("brake", func(_ context.Context, tx *store.Tx, approved bool) (load, error) { return j.brake(tx, approved) })
	l, err := brake.Do(f, approved)
	if err != nil || !l.Braked {
		return err
	}
	if _, err := f.Signal(fmt.Sprintf("%s %d", Approval, l.Last), l.String(), 0); err != nil {
		return err
	}
	release := durable.NewStepTx("release", func(_ context.Context, tx *store.Tx, last int64) (struct{}, error) {
		return struct{}{}, j.release(tx, last)
	})
	_, err = release.Do(f, l.Last)
	return err
}

// Approval begins the name of the signal that a braked run waits for.
const Approval = "approve"

// brake weighs what no run has released. What is within the limit is released at once.
func (j *Job) brake(tx *store.Tx, approved bool) (load, error) {
	ops, err := j.unreleased(tx)
	if err != nil {
		return load{}, err
	}
	open, err := tx.OpenTickets()
	if err != nil {
		return load{}, err
	}
	l := weigh(ops)
	l.Limit = j.Policy.Brake.limit(open)
	l.Braked = !approved && j.Policy.Brake.Tickets > 0 && l.Tickets > l.Limit
	if l.Braked {
		j.Log.Warn("the brake is on", "create", l.Create, "close", l.Close, "edit", l.Edit, "limit", l.Limit)
		return l, nil
	}
	return l, j.release(tx, l.Last)
}

// unreleased lists what waits for the brake; what is for a paused board waits for that.
func (j *Job) unreleased(tx *store.Tx) ([]*store.Op, error) {
	ops, err := tx.Unreleased()
	if err != nil {
		return nil, err
	}
	paused, err := pausedBoards(tx, j.Clock.Now())
	var free []*store.Op
	for _, op := range ops {
		if _, stopped := paused[op.Board]; !stopped {
			free = append(free, op)
		}
	}
	return free, err
}

// weigh counts the tickets that writes touch, each under the heaviest thing that is done
// to it.
func weigh(ops []*store.Op) (l load) {
	heaviest := map[int64]int{}
	for _, op := range ops {
		heaviest[op.Link] = max(heaviest[op.Link], weight(op.Kind))
		l.Last = max(l.Last, op.ID)
	}
	for _, w := range heaviest {
		switch w {
		case weight(store.OpCreate):
			l.Create++
		case weight(store.OpClose):
			l.Close++
		default:
			l.Edit++
		}
	}
	l.Tickets = len(heaviest)
	return l
}

// weight orders kinds of writes by what they do to people.
func weight(kind store.OpKind) int {
	switch kind {
	case store.OpCreate:
		return 3
	case store.OpClose:
		return 2
	}
	return 1
}

// release lets everything up to a write be sent that does not wait for its board.
func (j *Job) release(tx *store.Tx, last int64) error {
	ops, err := j.unreleased(tx)
	if err != nil {
		return err
	}
	for _, op := range ops {
		if op.ID > last {
			break
		}
		if err := tx.Release(op.ID); err != nil {
			return err
		}
	}
	return nil
}
