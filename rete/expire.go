package rete

import (
	"container/heap"
	"time"
)

// Expiry. A stated fact can be given an end; when the clock reaches it the fact is
// retracted, in the batch that sets the clock.

// expiry is the end of a fact.
type expiry struct {
	at     time.Time
	handle Handle
}

// expiries are the ends to come, the next one first; ends that were changed stay and
// are passed over.
type expiries struct {
	heap expiryHeap
	ends map[Handle]time.Time
}

type expiryHeap []expiry

func (h expiryHeap) Len() int { return len(h) }
func (h expiryHeap) Less(i, j int) bool {
	if c := h[i].at.Compare(h[j].at); c != 0 {
		return c < 0
	}
	return h[i].handle < h[j].handle
}
func (h expiryHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *expiryHeap) Push(x any)   { *h = append(*h, x.(expiry)) }
func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// ExpireAt retracts a stated fact when the session's clock reaches an instant,
// which replaces one given before; the zero time is never. An instant that has come
// already counts at the next [Session.SetClock].
func (tx *Tx) ExpireAt(h Handle, at time.Time) error {
	b, err := tx.batch()
	if err != nil {
		return err
	}
	id, err := b.stating(h)
	if err != nil {
		return err
	}
	h = b.s.store.handle(id)
	x := &b.s.expiries
	b.ends = append(b.ends, expiry{x.ends[h], h})
	if at.IsZero() {
		delete(x.ends, h)
		return nil
	}
	if x.ends == nil {
		x.ends = map[Handle]time.Time{}
	}
	x.ends[h] = at
	heap.Push(&x.heap, expiry{at, h})
	return nil
}

// restore gives facts the ends that they had before a batch that is undone.
func (x *expiries) restore(ends []expiry) {
	for i := len(ends) - 1; i >= 0; i-- {
		if e := ends[i]; e.at.IsZero() {
			delete(x.ends, e.handle)
		} else {
			x.ends[e.handle] = e.at // the heap still has it
		}
	}
}

// expire retracts the facts whose end has come.
func (s *Session) expire(now time.Time) {
	x := &s.expiries
	for len(x.heap) > 0 && !x.heap[0].at.After(now) {
		e := heap.Pop(&x.heap).(expiry)
		if at, there := x.ends[e.handle]; !there || !at.Equal(e.at) {
			continue
		}
		delete(x.ends, e.handle)
		_ = s.batch.retract(e.handle) // it may have gone, or be derived by now
	}
}
