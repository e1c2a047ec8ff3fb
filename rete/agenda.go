package rete

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
)

// Strategy orders matches of equal priority on the agenda.
type Strategy uint8

// The strategies, as the CLIPS Basic Programming Guide defines them (section 5.3).
// A batch is their measure of age; among matches of one batch, or otherwise equal,
// the order is that of production IDs, then of facts.
const (
	Depth      Strategy = iota // matches of later batches first
	Breadth                    // matches of earlier batches first
	Simplicity                 // productions with fewer tests first
	Complexity                 // productions with more tests first
	Lex                        // by the facts that changed last, the latest compared first
	Mea                        // by the fact of the first pattern, then as Lex
	Random                     // by a hash of Config.Seed and the match
)

// strategies are the names and orders by Strategy. An order decides between
// matches of equal priority, and leaves ties to agenda.before.
var strategies = [...]struct {
	name  string
	order func(a, b *activation) int
}{
	Depth:      {"depth", byDepth},
	Breadth:    {"breadth", func(a, b *activation) int { return cmp.Compare(a.born, b.born) }},
	Simplicity: {"simplicity", func(a, b *activation) int { return cmp.Or(cmp.Compare(a.weight, b.weight), byDepth(a, b)) }},
	Complexity: {"complexity", func(a, b *activation) int { return cmp.Or(cmp.Compare(b.weight, a.weight), byDepth(a, b)) }},
	Lex:        {"lex", byRecency},
	Mea:        {"mea", func(a, b *activation) int { return cmp.Or(cmp.Compare(b.first, a.first), byRecency(a, b)) }},
	Random:     {"random", func(a, b *activation) int { return cmp.Compare(a.first, b.first) }},
}

func byDepth(a, b *activation) int { return cmp.Compare(b.born, a.born) }

// byRecency compares the ages of facts, the youngest first; of two that agree as
// far as one goes, the longer is first, then the one with more tests.
func byRecency(a, b *activation) int {
	return cmp.Or(slices.Compare(b.ages, a.ages), cmp.Compare(b.weight, a.weight))
}

// Strategies are the names of all strategies, the default first.
func Strategies() []string {
	names := make([]string, len(strategies))
	for i, s := range strategies {
		names[i] = s.name
	}
	return names
}

// ParseStrategy finds a strategy by its name: depth, breadth, simplicity,
// complexity, lex, mea or random.
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

// activation is a match on the agenda, with what orders it.
type activation struct {
	match     matchID
	stamp     uint32 // that of the match, or the match has gone from the agenda
	priority  int
	born      uint64
	*standing // of strategies that ask for more
}

// standing is what the strategies other than Depth and Breadth look at.
type standing struct {
	weight int      // of Simplicity and its kin: the tests of the production
	first  uint64   // of Mea: the age of the first fact; of Random: the lot
	ages   []uint64 // of Lex and Mea: of the facts, the youngest first
}

// queue holds the activations of one agenda group, the next one on top of a heap.
//
// A heap rather than a sorted list: a run of a million firings takes the best and
// adds a few each time, and never asks for the whole order. What goes before its
// turn is left where it is and passed over, which takes constant time; when half the
// heap is of that kind it is thrown out.
type queue struct {
	heap []activation
	size int // without those that are to be passed over
}

// agenda holds the matches that wait to fire, by group.
type agenda struct {
	net    *network
	order  func(a, b *activation) int
	main   queue
	groups map[string]*queue
	turns  []string // the groups that take their turns unasked, in order; "" is main
	focus  []string // the groups that were asked for, the last first in turn
	size   int
	stamps uint32 // given out: a record of a match that is used again gets another
}

// queue is that of a group.
func (a *agenda) queue(group string) *queue {
	if group == "" {
		return &a.main
	}
	q := a.groups[group]
	if q == nil {
		if a.groups == nil {
			a.groups = map[string]*queue{}
		}
		q = &queue{}
		a.groups[group] = q
	}
	return q
}

// add puts a match on. It must not be on already.
func (a *agenda) add(group string, x activation) {
	q := a.queue(group)
	q.heap = append(q.heap, x)
	a.up(q, len(q.heap)-1)
	q.size++
	a.size++
}

// passed tells that an activation of the group is to be passed over.
func (a *agenda) passed(group string) {
	q := a.queue(group)
	q.size--
	a.size--
	if len(q.heap) < 2*q.size+64 {
		return
	}
	q.heap = slices.DeleteFunc(q.heap, func(x activation) bool { return a.stale(&x) })
	for i := len(q.heap)/2 - 1; i >= 0; i-- {
		a.down(q, i)
	}
}

// stale tells whether the match went from the agenda, or came again.
func (a *agenda) stale(x *activation) bool {
	m := a.net.matches.at(x.match)
	return m.stamp != x.stamp || !m.state.has(waiting)
}

// take takes the next of a group, or gives 0.
func (a *agenda) take(q *queue) matchID {
	for len(q.heap) > 0 {
		x := q.heap[0]
		last := len(q.heap) - 1
		q.heap[0] = q.heap[last]
		q.heap[last] = activation{}
		q.heap = q.heap[:last]
		a.down(q, 0)
		if !a.stale(&x) {
			q.size--
			a.size--
			return x.match
		}
	}
	return 0
}

// next takes the match that fires next, or gives 0: of the group in focus, which
// loses the focus when it has none left, then of the groups in their order.
func (a *agenda) next() matchID {
	for len(a.focus) > 0 {
		if id := a.take(a.queue(a.focus[len(a.focus)-1])); id != 0 {
			return id
		}
		a.focus = a.focus[:len(a.focus)-1]
	}
	if a.turns == nil {
		return a.take(&a.main)
	}
	for _, g := range a.turns {
		if id := a.take(a.queue(g)); id != 0 {
			return id
		}
	}
	return 0
}

// before is the whole order: priority, strategy, production, facts. Nothing in
// it depends on the order in which productions were loaded or nodes visited.
func (a *agenda) before(x, y *activation) bool {
	if x.priority != y.priority {
		return x.priority > y.priority
	}
	if c := a.order(x, y); c != 0 {
		return c < 0
	}
	return a.net.byProduction(x.match, y.match) < 0
}

// up and down keep the heap (Williams, Algorithm 232, 1964), whose order holds among
// those that are not to be passed over: up steps over one that is, since below it
// there may be others that come sooner than the newcomer.
func (a *agenda) up(q *queue, i int) {
	for above := i; above > 0; {
		above = (above - 1) / 2
		if a.stale(&q.heap[above]) {
			continue
		}
		if !a.before(&q.heap[i], &q.heap[above]) {
			return
		}
		q.heap[i], q.heap[above] = q.heap[above], q.heap[i]
		i = above
	}
}

func (a *agenda) down(q *queue, i int) {
	for {
		below := 2*i + 1
		if below >= len(q.heap) {
			return
		}
		if right := below + 1; right < len(q.heap) && a.sooner(&q.heap[right], &q.heap[below]) {
			below = right
		}
		if !a.sooner(&q.heap[below], &q.heap[i]) {
			return
		}
		q.heap[i], q.heap[below] = q.heap[below], q.heap[i]
		i = below
	}
}

// sooner is before, with what is to be passed over first.
func (a *agenda) sooner(x, y *activation) bool { return a.stale(x) || !a.stale(y) && a.before(x, y) }

// activate makes the activation of a match and puts it on the agenda, unless
// another one of its exclusive group goes first.
func (s *Session) activate(id matchID) {
	m := s.net.matches.at(id)
	e := s.net.endOf(m)
	if !e.simple && s.holds(id, e) {
		return
	}
	s.agenda.stamps++
	m.stamp = s.agenda.stamps
	m.state |= waiting
	m.state &^= parked
	x := activation{match: id, stamp: m.stamp, born: m.born, priority: e.priority}
	if e.simple && s.cfg.Strategy <= Breadth {
		s.agenda.add("", x)
		return
	}
	x.standing = &standing{weight: e.chain.weight}
	if e.chain.salience != nil {
		x.priority = s.salience(e, m.token)
	}
	switch s.cfg.Strategy {
	case Lex, Mea:
		s.ages(&x, e, m.token)
	case Random:
		x.first = s.lot(e, m.token)
	}
	s.agenda.add(e.prog.Group, x)
}

// unwait takes a match off the agenda if it is on.
func (s *Session) unwait(id matchID) {
	m := s.net.matches.at(id)
	if m.state.has(waiting) {
		m.state &^= waiting
		group := ""
		if e := s.net.endOf(m); !e.simple {
			group = e.prog.Group
		}
		s.agenda.passed(group)
	}
	s.unpark(id)
}

var errSalience = errors.New("a salience is a whole number")

// salience computes the priority of a match. One that cannot be computed is that of
// the production, and reported.
func (s *Session) salience(e *prodEnd, t tokenID) int {
	sym, ok := s.net.value(&e.tally, e.chain.salience, t)
	if ok {
		if n, is := s.store.syms.value(sym).(int64); is {
			return int(n)
		}
		s.net.noteAt(&e.tally, e.prog.Salience.Label, errSalience)
	}
	return e.prog.Priority
}

// ages notes when the facts of a match last changed.
func (s *Session) ages(x *activation, e *prodEnd, t tokenID) {
	for i := range e.chain.facts {
		x.ages = append(x.ages, s.age(e.factAt(t, i)))
	}
	if s.cfg.Strategy == Mea && len(x.ages) > 0 {
		x.first = x.ages[0]
	}
	slices.SortFunc(x.ages, func(a, b uint64) int { return cmp.Compare(b, a) })
}

// lot is the random number of a match: it depends on nothing but the match and the
// seed.
func (s *Session) lot(e *prodEnd, t tokenID) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s", s.cfg.Seed, e.name(t))
	return h.Sum64()
}
