package rete

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// productions writes the productions in order of IDs, with their matches.
func (w *snapshotWriter) productions() {
	writeList(w, w.s.base.programs, func(p *program) {
		node := w.s.nodes[p.ID]
		w.text(p.ID)
		w.text(node.prog.fingerprint())
		w.count(node.total)
		w.texts(slices.Sorted(maps.Keys(node.derives)))
		writeList(w, node.ends, func(e *prodEnd) {
			w.count(len(e.chain.facts))
			w.count(len(e.chain.groups))
			w.flags(w.s.detailed(e))
		})
		var list []matchID
		if node.prog.Then != nil { // nothing is to be known of the matches of a query
			list = w.s.listOf(node)
			slices.SortFunc(list, w.s.net.byProduction)
		}
		writeList(w, list, w.match)
	})
}

// fingerprint is what a production must have in common with another to go on with its
// matches: what its history means depends on it.
func (p *program) fingerprint() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %d %q %q %t %t", p.Version, p.Priority, p.Group, p.Exclusive.Group, p.NoLoop, p.Salience.Value != nil)
	for _, c := range p.chains {
		fmt.Fprintf(&b, " %d", len(c.groups))
		for _, f := range c.facts {
			fmt.Fprintf(&b, " %q", f.typ.Name)
		}
	}
	return b.String()
}

// detailed tells whether a match's place on the agenda does not follow from when it
// came there.
func (s *Session) detailed(e *prodEnd) bool { return !e.simple || s.cfg.Strategy > Breadth }

// match writes a match: what it is, and what became of it.
func (w *snapshotWriter) match(id matchID) {
	s := w.s
	m := s.net.matches.at(id)
	e := s.net.endOf(m)
	w.written++
	w.numbers[id] = w.written
	w.count(e.chain.number)
	for i := range e.chain.facts {
		w.num(uint64(e.factAt(m.token, i)))
	}
	for i := range e.chain.groups {
		w.text(e.groupAt(m.token, i))
	}
	holds := s.holder(id)
	w.flags(m.state.has(fired), m.state.has(waiting), m.state.has(parked), holds)
	if !m.state.has(fired) {
		w.num(s.batch.number - m.born)
	}
	if holds || m.state.has(parked) {
		w.symbol(s.lockOf[id].per)
	}
	if m.state.has(waiting) && s.detailed(e) {
		w.activation(w.activationOf(id))
	}
}

// groupAt is the i-th group of a match, in a form that all equal values share.
func (e *prodEnd) groupAt(t tokenID, i int) string {
	k, _ := keyOf(e.net.store.syms.value(e.valueAt(t, e.chain.groups[i])))
	return string(k.append(nil))
}

// holder tells whether a match holds a lock.
func (s *Session) holder(id matchID) bool {
	name, there := s.lockOf[id]
	if !there {
		return false
	}
	l := s.locks[name]
	return l != nil && l.holder == id
}

// activationOf finds a match on the agenda.
func (w *snapshotWriter) activationOf(id matchID) *activation {
	if w.detail == nil {
		w.detail = map[matchID]*activation{}
		a := &w.s.agenda
		w.note(&a.main)
		for _, q := range a.groups {
			w.note(q)
		}
	}
	return w.detail[id]
}

// note notes the activations of a queue.
func (w *snapshotWriter) note(q *queue) {
	for i := range q.heap {
		if x := &q.heap[i]; !w.s.agenda.stale(x) {
			w.detail[x.match] = x
		}
	}
}

// activation writes what orders a match that waits. The lot of Random follows from
// the match and the seed.
func (w *snapshotWriter) activation(x *activation) {
	w.int(int64(x.priority))
	if w.s.aging() {
		w.num(x.first)
		for _, age := range x.ages {
			w.num(age)
		}
	}
}

// conclusions writes what matches support, in the order in which they came to.
func (w *snapshotWriter) conclusions() {
	var list []*conclusion
	for _, c := range w.s.conclusions {
		if len(c.supports) > 0 {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *conclusion) int { return cmp.Compare(a.rooted, b.rooted) })
	writeList(w, list, func(c *conclusion) {
		w.num(uint64(w.numbers[c.match]))
		writeList(w, c.supports, w.support)
	})
}

// support writes a fact and the values that a match gave it.
func (w *snapshotWriter) support(sup *support) {
	shows := slices.Equal(sup.values, w.s.store.row(sup.fact))
	w.num(uint64(sup.fact))
	w.flags(shows)
	if !shows {
		w.symbols(sup.values)
	}
}
