package rete

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// match is one complete match of a production and its history. It outlives its
// token: when a batch takes the match apart and makes it again, the new token
// gets the old match, so that only a net change fires again.
//
// Refraction is a property of the match and not of its token: a token is taken apart
// whenever one of its facts changes in a field that the production reads, and the
// match decides whether that was an event (see rejoin).
type match struct {
	node  *prodNode
	token *token // nil while it does not match
	facts []*entry
	seen  []*version // the facts as they were when it last came to the agenda
	known []any      // the values of Let then
	id    string     // the handles of facts
	born  uint64     // the batch that put it on the agenda
	fired bool
	place int // on the agenda, from 1; 0 when not on it

	supports []*support
	rests    []*link[*match] // among the rests of facts, while it has supports
	cut      uint64          // the batch in which it last lost its supports
}

// bind takes the facts from the token.
func (m *match) bind(t *token) {
	m.token = t
	m.facts = m.facts[:0]
	for _, b := range m.node.prog.facts {
		m.facts = append(m.facts, t.at(b.depth).fact)
	}
}

// handles names the match among those of its production.
//
// Fixed width, so that no two lists of handles read the same.
func (m *match) handles() string {
	buf := make([]byte, 0, 8*len(m.facts))
	for _, e := range m.facts {
		buf = binary.BigEndian.AppendUint64(buf, uint64(e.handle))
	}
	return string(buf)
}

// look remembers the facts and values as they are.
func (m *match) look() {
	m.seen, m.known = m.seen[:0], m.known[:0]
	for _, e := range m.facts {
		m.seen = append(m.seen, e.shown)
	}
	for _, b := range m.node.prog.values {
		m.known = append(m.known, m.token.at(b.depth).value)
	}
}

// changed tells whether a value, or a field that the production reads, differs
// from what was remembered. A value can change while every fact stays: when it
// was computed from the clock.
func (m *match) changed() bool {
	for i, b := range m.node.prog.values {
		if !identical(m.known[i], m.token.at(b.depth).value) {
			return true
		}
	}
	for i, b := range m.node.prog.facts {
		if m.seen[i] != m.facts[i].shown && changes(m.seen[i].values, m.facts[i].shown.values).meets(*b.reads) {
			return true
		}
	}
	return false
}

// bindings tells which fact each name is bound to.
func (m *match) bindings() Bind {
	bind := Bind{}
	for i, b := range m.node.prog.facts {
		if b.name != "" {
			bind[b.name] = m.facts[i].handle
		}
	}
	return bind
}

// factList are the facts as the network has them.
func (m *match) factList() []Fact {
	facts := make([]Fact, len(m.facts))
	for i, e := range m.facts {
		facts[i] = Fact{e.shown}
	}
	return facts
}

// values copies what Let named.
func (m *match) values() map[string]any {
	values := map[string]any{}
	for _, b := range m.node.prog.values {
		values[b.name] = cloneValue(m.token.at(b.depth).value)
	}
	return values
}

// compareFacts orders matches of one production by their facts: by key where the
// type has one, by handle otherwise.
func (m *match) compareFacts(o *match) int {
	for i, a := range m.facts {
		b := o.facts[i]
		if a == b {
			continue
		}
		if c := slices.CompareFunc(a.key, b.key, compareTotal); c != 0 {
			return c
		}
		return byHandle(a, b)
	}
	return 0
}

// byProduction orders matches whatever order they came in.
func byProduction(a, b *match) int {
	if c := cmp.Compare(a.node.prog.ID, b.node.prog.ID); c != 0 {
		return c
	}
	return a.compareFacts(b)
}

// matchID names a match for as long as its production stays.
type matchID struct {
	node *prodNode
	id   string
}

// revise takes the network's news of a wave: it gives matches that were made
// again their history, puts new ones on the agenda and lets go of what is gone.
//
// The order matters. First all that vanished is set aside, then what appeared claims
// its history from there, and only what nobody claimed is gone. Done match by match,
// a fact that leaves one memory and enters another within a wave would withdraw
// conclusions that it then brings back.
func (s *Session) revise() {
	n := s.net
	vanished, appeared := n.vanished, n.appeared
	n.vanished, n.appeared = nil, nil
	for _, m := range vanished {
		m.token = nil
		s.gone[matchID{m.node, m.id}] = m
	}
	var fresh []*match
	for _, t := range appeared {
		// A token can appear and die in one wave, when a gate further up shuts; it
		// was never a match.
		if !t.dead {
			fresh = append(fresh, s.appear(t)...)
		}
	}
	for _, m := range vanished {
		if m.token == nil {
			s.vanish(m)
		}
	}
	s.tellMatches(MatchAdded, fresh)
}

// appear gives a complete token its match, and returns it if it is new.
func (s *Session) appear(t *token) []*match {
	m := t.match
	m.bind(t)
	m.id = m.handles()
	name := matchID{m.node, m.id}
	if old := s.gone[name]; old != nil {
		delete(s.gone, name)
		t.match = old
		old.bind(t)
		return s.rejoin(old)
	}
	m.node.matches[m.id] = m
	s.matches++
	s.wait(m)
	return []*match{m}
}

// rejoin decides whether a match that vanished and appeared in one batch fires
// again: if a field it reads changed, or if meanwhile it lost what it supported.
func (s *Session) rejoin(m *match) []*match {
	// Several waves may belong to one batch: in an earlier one the match was let go
	// of, and its supports fell.
	left := m.node.matches[m.id] != m
	if left {
		m.node.matches[m.id] = m
		s.matches++
	}
	again := m.cut == s.batch || m.changed()
	switch {
	case again && m.fired && s.ownLoop(m):
		m.look()
	case again:
		s.agenda.remove(m)
		s.wait(m)
	case !m.fired && m.place == 0:
		s.agenda.add(m)
	}
	if left {
		return []*match{m}
	}
	return nil
}

// ownLoop tells whether the changes are those of a firing of the match's own
// NoLoop production.
func (s *Session) ownLoop(m *match) bool {
	return m.node.prog.NoLoop && s.firing != nil && s.firing.node == m.node
}

// wait puts a match on the agenda as one of this batch.
func (s *Session) wait(m *match) {
	m.fired, m.born = false, s.batch
	m.look()
	s.agenda.add(m)
}

// vanish lets go of a match, and of what it supported. It is kept by name until
// the batch ends.
func (s *Session) vanish(m *match) {
	if m.node.matches[m.id] != m {
		return // a match that came back and went again in this batch
	}
	delete(m.node.matches, m.id)
	s.matches--
	s.agenda.remove(m)
	if len(m.supports) > 0 {
		m.cut = s.batch
		s.release(m, m.supports)
		s.countDefeat(m)
	}
	s.tellMatches(MatchRemoved, []*match{m})
}
