package rete

import (
	"container/heap"
	"time"
)

// due are the instants at which a node's results may change, the next one first. It
// notes numbers of facts or tokens; one that has gone since, or is another's by now,
// is evaluated again in vain, which does no harm.
type due struct {
	heap  dueHeap
	known bool // the function says when: see Func.Until
}

// dueAt is one of them.
type dueAt struct {
	at time.Time
	id uint32
}

type dueHeap []dueAt

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueAt)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// note asks a function that was just evaluated when its result may change.
func (d *due) note(n *network, c *call, id uint32) {
	if !d.known {
		return
	}
	if at, changes := c.fn.Until(&n.env); changes && at.After(n.now) {
		heap.Push(&d.heap, dueAt{at, id})
	}
}

// take gives what is due, each once; all is set when everything must be looked at:
// the function does not say, or the clock was set back.
func (d *due) take(n *network) (ids []uint32, all bool) {
	if !d.known || n.now.Before(n.before) {
		d.heap = d.heap[:0]
		return nil, true
	}
	seen := map[uint32]bool{}
	for len(d.heap) > 0 && !d.heap[0].at.After(n.now) {
		x := heap.Pop(&d.heap).(dueAt)
		if !seen[x.id] {
			seen[x.id] = true
			ids = append(ids, x.id)
		}
	}
	return ids, false
}

// eachDue calls f for every token of the memory that is due.
func (m *memory) eachDue(d *due, f func(tokenID)) {
	ids, all := d.take(m.net)
	if all {
		m.each(f)
		return
	}
	for _, id := range ids {
		if id < m.net.tokens.next {
			if tok := m.net.tokens.at(tokenID(id)); !tok.dead && tok.memory == m.id {
				f(tokenID(id))
			}
		}
	}
}
