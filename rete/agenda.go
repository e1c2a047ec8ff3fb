package rete

import (
	"cmp"
	"container/heap"
	"fmt"
)

// Strategy orders matches of equal priority on the agenda.
type Strategy uint8

// The strategies, as CLIPS defines them. A batch is their measure of age; among
// matches of one batch the order is that of production IDs, then of facts.
const (
	Depth   Strategy = iota // matches of later batches first
	Breadth                 // matches of earlier batches first
)

// strategies are the names and orders by Strategy. An order decides between
// matches of equal priority, and leaves ties to agenda.Less.
var strategies = [...]struct {
	name  string
	order func(a, b *match) int
}{
	Depth:   {"depth", func(a, b *match) int { return cmp.Compare(b.born, a.born) }},
	Breadth: {"breadth", func(a, b *match) int { return cmp.Compare(a.born, b.born) }},
}

// ParseStrategy finds a strategy by its name: depth or breadth.
func ParseStrategy(name string) (Strategy, error) {
	for i, s := range strategies {
		if s.name == name {
			return Strategy(i), nil
		}
	}
	return 0, fmt.Errorf("%w %q", ErrStrategy, name)
}

// String is the name of the strategy.
func (s Strategy) String() string {
	if int(s) >= len(strategies) {
		return fmt.Sprintf("strategy(%d)", uint8(s))
	}
	return strategies[s].name
}

// agenda holds the matches that wait to fire, the next one on top of a heap.
//
// A heap rather than a sorted list: a run of a million firings takes the best and
// adds a few each time, and never asks for the whole order.
type agenda struct {
	heap  []*match
	order func(a, b *match) int
}

// add puts a match on. It must not be on already.
func (a *agenda) add(m *match) { heap.Push((*agendaHeap)(a), m) }

// remove takes a match off if it is on.
func (a *agenda) remove(m *match) {
	if m.place > 0 {
		heap.Remove((*agendaHeap)(a), m.place-1)
	}
}

// next takes the match that fires next, or gives nil.
func (a *agenda) next() *match {
	if len(a.heap) == 0 {
		return nil
	}
	return heap.Pop((*agendaHeap)(a)).(*match)
}

// before is the whole order: priority, strategy, production, facts. Nothing in
// it depends on the order in which productions were loaded or nodes visited.
func (a *agenda) before(x, y *match) bool {
	if c := cmp.Compare(y.node.prog.Priority, x.node.prog.Priority); c != 0 {
		return c < 0
	}
	if c := a.order(x, y); c != 0 {
		return c < 0
	}
	return byProduction(x, y) < 0
}

// agendaHeap is the agenda for package heap, which keeps each match's place.
type agendaHeap agenda

// Len is how many matches wait.
func (h *agendaHeap) Len() int { return len(h.heap) }

// Less is the agenda's order, which is total: two matches of one production differ
// in a fact.
func (h *agendaHeap) Less(i, j int) bool { return (*agenda)(h).before(h.heap[i], h.heap[j]) }

// Swap keeps the places, by which remove finds a match in constant time.
func (h *agendaHeap) Swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.heap[i].place, h.heap[j].place = i+1, j+1
}

// Push puts a match behind the others; package heap moves it to its place.
func (h *agendaHeap) Push(x any) {
	m := x.(*match)
	h.heap = append(h.heap, m)
	m.place = len(h.heap)
}

// Pop takes the last one off, where package heap has put the match to remove. The
// slot is cleared, or the array would keep the match and its facts alive.
func (h *agendaHeap) Pop() any {
	last := len(h.heap) - 1
	m := h.heap[last]
	h.heap[last] = nil
	h.heap = h.heap[:last]
	m.place = 0
	return m
}
