package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
)

// queued files three wishes: creations with a comment each, the second for a recommendation
// that was dismissed in the meantime.
func queued(tx *store.Tx) error {
	for i, workflow := range []trimtab.Workflow{trimtab.Ticketed, trimtab.Dismissed, trimtab.InProgress} {
		e := episode(fmt.Sprint("k", i))
		e.State.Workflow = workflow
		if err := tx.SaveEpisode(e); err != nil {
			return err
		}
		link := &store.Link{Episode: e.ID, Marker: trimtab.Marker(fmt.Sprint("tt-", i)), Tracker: "b", Board: fmt.Sprint("board", i), State: store.LinkWanted}
		if err := tx.SaveLink(link); err != nil {
			return err
		}
		for _, kind := range []store.OpKind{store.OpCreate, store.OpComment} {
			if err := tx.Plan(link.ID, kind, store.OpPayload{Summary: "s", Comment: "c"}, at(1)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Nothing is handed out before the brake has released it; then creations and the rest,
// each in their order, but nothing for stopped boards or for what is not wanted now.
func testQueue(t *testing.T, s *state) {
	s.write(queued)
	q := store.Queue{Tracker: "b", Until: at(100)}
	s.write(func(tx *store.Tx) error {
		before, err := tx.DueCreations(q, 10)
		braked, failed := tx.Unreleased()
		if ids := idsOf(braked); len(before) != 0 || !slices.Equal(ids, []int64{1, 2, 4, 5, 6}) || braked[0].Payload.Summary != "" {
			t.Errorf("%v, %v, %+v", before, ids, braked[0])
		}
		for id := range int64(6) {
			failed = errors.Join(failed, tx.Release(id+1))
		}
		return errors.Join(err, failed)
	})
	s.read(func(tx *store.Tx) error {
		creations, err := tx.DueCreations(q, 10)
		first, err2 := tx.DueCreations(q, 1)
		writes, err3 := tx.DueWrites(q)
		n, err4 := tx.CountCreations(q)
		links, err5 := tx.LinksToCreate(q)
		if !slices.Equal(idsOf(creations), []int64{1, 5}) || !slices.Equal(idsOf(first), []int64{1}) || !slices.Equal(idsOf(writes), []int64{2, 4, 6}) {
			t.Errorf("%v, %v, %v", idsOf(creations), idsOf(first), idsOf(writes))
		}
		if n != 2 || len(links) != 2 || !links[1] || !links[3] || creations[0].Payload.Summary != "s" || writes[0].Payload.Comment != "c" {
			t.Errorf("%d, %v, %+v", n, links, writes[0])
		}
		return errors.Join(err, err2, err3, err4, err5)
	})
	q.Stopped = []string{"board0", "board1"}
	s.read(func(tx *store.Tx) error {
		creations, err := tx.DueCreations(q, 10)
		writes, err2 := tx.DueWrites(q)
		if !slices.Equal(idsOf(creations), []int64{5}) || !slices.Equal(idsOf(writes), []int64{6}) {
			t.Errorf("%v, %v", idsOf(creations), idsOf(writes))
		}
		return errors.Join(err, err2)
	})
}

// What has to wait is not handed out before its time, nor to another tracker.
func testQueueWaits(t *testing.T, s *state) {
	s.write(queued)
	s.write(func(tx *store.Tx) error {
		op, err := tx.Op(5)
		if err != nil {
			return err
		}
		op.NotBefore = at(200)
		return errors.Join(tx.SaveOp(op), tx.Release(5), tx.Release(6))
	})
	for _, c := range []struct {
		tracker string
		until   time.Time
		want    int
	}{{"b", at(199), 0}, {"b", at(200), 1}, {"c", at(200), 0}} {
		s.read(func(tx *store.Tx) error {
			n, err := tx.CountCreations(store.Queue{Tracker: c.tracker, Until: c.until})
			if n != c.want {
				t.Errorf("%s until %s: %d", c.tracker, c.until, n)
			}
			return err
		})
	}
}

// The keys before a time are those of creations that were sent before it, on one board.
func testKeysBefore(t *testing.T, s *state) {
	s.write(queued)
	s.write(func(tx *store.Tx) error {
		for i, id := range []int64{1, 5} {
			op, err := tx.Op(id)
			if err != nil {
				return err
			}
			link, err := tx.Link(op.Link)
			if err != nil {
				return err
			}
			key := fmt.Sprintf("FIN-%d", i+1)
			ticket := &store.Ticket{CreatedAt: at(1), Status: trimtab.TicketCreated, Tracker: "b", Board: link.Board, RemoteID: key, Key: key}
			op.State, op.SentAt = store.OpDone, at(100*int64(i+1))
			if err := errors.Join(tx.AddTicket(ticket, link), tx.SaveOp(op)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		board string
		sent  time.Time
		want  []string
	}{{"board0", at(100), nil}, {"board0", at(101), []string{"FIN-1"}}, {"board2", at(200), nil}, {"board2", at(300), []string{"FIN-2"}}} {
		s.read(func(tx *store.Tx) error {
			keys, err := tx.KeysBefore("b", c.board, c.sent)
			if !slices.Equal(keys, c.want) {
				t.Errorf("%s before %s: %v", c.board, c.sent, keys)
			}
			return err
		})
	}
}

func idsOf(ops []*store.Op) (ids []int64) {
	for _, op := range ops {
		ids = append(ids, op.ID)
	}
	return ids
}
