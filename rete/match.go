package rete

import (
	"encoding/binary"
	"slices"
)

// matchID numbers a match.
type matchID uint32

// match is one complete match of a production and its history. It outlives its
// token: when a batch takes the match apart and makes it again, the new token
// gets the old match, so that only a net change fires again.
//
// Refraction is a property of the match and not of its token: a token is taken apart
// whenever one of its facts changes in a field that the production reads, and the
// match decides whether that was an event (see rejoin).
type match struct {
	born  uint64 // the batch that put it on the agenda
	token tokenID
	other matchID // of another production, of the same token
	next  matchID // of the production
	prev  matchID
	end   uint32
	stamp uint32 // tells its activation from older ones
	state matchState
}

// matchState says what became of a match.
type matchState uint8

const (
	listed    matchState = 1 << iota // it is among the production's matches
	gone                             // its token went in this batch
	fired                            // since it last changed
	waiting                          // on the agenda
	parked                           // another match of its exclusive group goes first
	concluded                        // something rests on it, see conclusion
)

// has tells whether a flag is set.
func (s matchState) has(flag matchState) bool { return s&flag != 0 }

// end is the production's chain that the match completes.
func (n *network) endOf(m *match) *prodEnd { return n.prods.at(m.end) }

// factAt is the fact of the i-th pattern. The token may be dead, as long as the
// batch lasts.
func (e *prodEnd) factAt(t tokenID, i int) factID {
	n := e.net
	return n.tokens.at(n.up(t, e.up[i])).fact
}

// valueAt is the i-th value that the production names.
func (e *prodEnd) valueAt(t tokenID, i int) symbol {
	n := e.net
	return n.tokens.at(n.up(t, e.chain.depth-int32(e.chain.values[i].depth))).value
}

// facts are those of the match's patterns.
func (e *prodEnd) facts(t tokenID) []factID {
	facts := make([]factID, len(e.chain.facts))
	for i := range facts {
		facts[i] = e.factAt(t, i)
	}
	return facts
}

// hash is that of the facts of a match, and of the groups that it is about.
func (e *prodEnd) hash(t tokenID) uint32 {
	h := e.id
	for i := range e.up {
		h = mix(h, uint32(e.factAt(t, i)))
	}
	for _, i := range e.chain.groups {
		h = mix(h, uint32(e.net.store.syms.canon(e.valueAt(t, i))))
	}
	return h
}

// same tells whether two tokens of the production have the same facts and groups.
func (e *prodEnd) same(a, b tokenID) bool {
	for i := range e.chain.facts {
		if e.factAt(a, i) != e.factAt(b, i) {
			return false
		}
	}
	for _, i := range e.chain.groups {
		if !e.net.store.syms.identical(e.valueAt(a, i), e.valueAt(b, i)) {
			return false
		}
	}
	return true
}

// name tells the match from all others of the session, also of other batches.
func (e *prodEnd) name(t tokenID) string {
	buf := binary.AppendUvarint([]byte(e.prog.ID), uint64(len(e.chain.facts)))
	for i := range e.chain.facts {
		buf = binary.BigEndian.AppendUint64(buf, uint64(e.net.store.handle(e.factAt(t, i))))
	}
	for i := range e.chain.groups {
		buf = append(buf, e.groupAt(t, i)...)
	}
	return string(append(buf, byte(e.chain.number)))
}

// changed tells whether a value, or a field that the production reads, is not what
// it was when the batch began: then it is another match to the rule. A value can
// change while every fact stays: when it was computed from the clock.
func (e *prodEnd) changed(old, now tokenID) bool {
	st := e.net.store
	for i := range e.chain.values {
		if !st.syms.identical(e.valueAt(old, i), e.valueAt(now, i)) {
			return true
		}
	}
	for i, b := range e.chain.facts {
		if st.changedIn(e.factAt(now, i), b.reads) {
			return true
		}
	}
	return false
}

// changedIn tells whether the batch changed one of the fields.
func (s *store) changedIn(id factID, reads *fieldSet) bool {
	t := s.firstTouch(id)
	if t == nil {
		return false
	}
	d := delta{touch: *t}
	return s.differ(&d) && d.changed.meets(reads)
}

// bindings tells which fact each name is bound to.
func (e *prodEnd) bindings(t tokenID) Bind {
	bind := Bind{}
	for i, b := range e.chain.facts {
		if b.name != "" {
			bind[b.name] = e.net.store.handle(e.factAt(t, i))
		}
	}
	return bind
}

// factList are the facts as the network has them.
func (e *prodEnd) factList(t tokenID) []Fact {
	facts := make([]Fact, len(e.chain.facts))
	for i := range facts {
		facts[i] = Fact{e.net.store.shownVersion(e.factAt(t, i))}
	}
	return facts
}

// values copies what Let and aggregates named.
func (e *prodEnd) values(t tokenID) map[string]any {
	values := make(map[string]any, len(e.chain.values))
	for i, b := range e.chain.values {
		values[b.name] = cloneValue(e.net.store.syms.value(e.valueAt(t, i)))
	}
	return values
}

// compareFacts orders matches of one production by their facts: by key where the
// type has one, by handle otherwise.
func (e *prodEnd) compareFacts(a, b tokenID) int {
	st := e.net.store
	x, y := e.differing(a, b)
	if x == y {
		return 0
	}
	if t := st.tableOf(x); t.typ.keyed {
		for _, k := range t.typ.key {
			if c := st.syms.compareTotal(st.get(x, k), st.get(y, k)); c != 0 {
				return c
			}
		}
	}
	return st.byHandle(x, y)
}

// differing are the first facts in which two tokens differ, 0 if they do not. It
// goes up only to where the two part: matches that wait together mostly share what
// is above.
func (e *prodEnd) differing(a, b tokenID) (x, y factID) {
	n := e.net
	for a != b {
		s, t := n.tokens.at(a), n.tokens.at(b)
		if s.fact != t.fact {
			x, y = s.fact, t.fact
		}
		a, b = s.parent, t.parent
	}
	return x, y
}

// byProduction orders matches whatever order they came in: by production, by
// branch, by facts, by values.
func (n *network) byProduction(a, b matchID) int {
	x, y := n.matches.at(a), n.matches.at(b)
	ex, ey := n.endOf(x), n.endOf(y)
	if ex != ey {
		return ex.compare(ey)
	}
	if c := ex.compareFacts(x.token, y.token); c != 0 {
		return c
	}
	for i := range ex.chain.values {
		if c := n.store.syms.compareTotal(ex.valueAt(x.token, i), ey.valueAt(y.token, i)); c != 0 {
			return c
		}
	}
	return 0
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
	for _, id := range n.vanished {
		m := n.matches.at(id)
		m.state |= gone
		n.endOf(m).gone++
	}
	s.went = append(s.went, n.vanished...)
	fresh := s.fresh[:0]
	for _, id := range n.appeared {
		// A token can appear and die in one wave, when a gate further up shuts; it
		// was never a match.
		if n.tokens.at(n.matches.at(id).token).dead {
			n.matches.release(id)
			continue
		}
		if at, news := s.appear(id); news {
			fresh = append(fresh, at)
		}
	}
	if s.cfg.Listener != nil { // which is told in an order that is not the network's
		slices.SortFunc(n.vanished, n.byProduction)
	}
	for _, id := range n.vanished {
		if n.matches.at(id).state.has(gone) {
			s.vanish(id)
			s.passed = append(s.passed, id)
		}
	}
	n.appeared, n.vanished = n.appeared[:0], n.vanished[:0]
	s.tellMatches(MatchAdded, fresh)
	s.fresh = fresh[:0]
}

// appear gives a complete token its match; news tells whether there was none.
func (s *Session) appear(id matchID) (at matchID, news bool) {
	n := s.net
	m := n.matches.at(id)
	e := n.endOf(m)
	if old := s.returning(e, m.token); old != 0 {
		return old, s.rejoin(old, id)
	}
	s.list(id)
	s.wait(id)
	return id, true
}

// returning finds the match that went in this batch and is here again.
func (s *Session) returning(e *prodEnd, t tokenID) matchID {
	if e.gone == 0 {
		return 0
	}
	s.fileGone()
	h := e.hash(t)
	for id, at := s.gone.first(h); id != 0; id, at = s.gone.next(h, at) {
		if m := s.net.matches.at(matchID(id)); m.end == e.id && e.same(m.token, t) {
			s.gone.remove(h, id)
			e.gone--
			return matchID(id)
		}
	}
	return 0
}

// fileGone files the matches that went by their facts, when the first one is asked
// for: most never are.
func (s *Session) fileGone() {
	for _, id := range s.went {
		m := s.net.matches.at(id)
		s.gone.insert(s.net.endOf(m).hash(m.token), uint32(id))
	}
	s.went = s.went[:0]
}

// list adds a match to those of its production.
func (s *Session) list(id matchID) {
	n := s.net
	m := n.matches.at(id)
	p := n.endOf(m).node
	m.state |= listed
	m.next, m.prev = p.head, 0
	if p.head != 0 {
		n.matches.at(p.head).prev = id
	}
	p.head = id
	p.size++
	s.matches++
}

// unlist takes a match from those of its production.
func (s *Session) unlist(id matchID) {
	n := s.net
	m := n.matches.at(id)
	p := n.endOf(m).node
	m.state &^= listed
	if m.next != 0 {
		n.matches.at(m.next).prev = m.prev
	}
	if m.prev != 0 {
		n.matches.at(m.prev).next = m.next
	} else {
		p.head = m.next
	}
	p.size--
	s.matches--
}

// rejoin gives a match that vanished and appeared in one batch its new token, and
// decides whether it fires again: if a field it reads changed, or if meanwhile it
// lost what it supported.
func (s *Session) rejoin(old, id matchID) (news bool) {
	n := s.net
	m, made := n.matches.at(old), n.matches.at(id)
	e := n.endOf(m)
	was := m.token
	m.token, m.other = made.token, made.other
	m.state &^= gone
	n.replace(made.token, id, old)
	n.matches.release(id)
	// Several waves may belong to one batch: in an earlier one the match was let go
	// of, and its supports fell.
	news = !m.state.has(listed)
	if news {
		s.list(old)
	}
	again := s.wasCut(old) || e.changed(was, m.token)
	switch {
	case again && m.state.has(fired) && s.ownLoop(e.node):
	case again:
		s.unwait(old)
		s.wait(old)
	case !m.state.has(fired|waiting|parked) && e.then != nil:
		s.activate(old)
	}
	if news && m.state.has(fired) {
		s.lock(old, e) // which it lost with its place
	}
	return news
}

// replace puts one match of a token in the place of another.
func (n *network) replace(t tokenID, id, by matchID) {
	tok := n.tokens.at(t)
	if matchID(tok.extra) == id {
		tok.extra = uint32(by)
		return
	}
	at := matchID(tok.extra)
	for n.matches.at(at).other != id {
		at = n.matches.at(at).other
	}
	n.matches.at(at).other = by
}

// ownLoop tells whether the changes are those of a firing of the match's own
// NoLoop production.
func (s *Session) ownLoop(p *prodNode) bool {
	return p.prog.NoLoop && s.firing != nil && s.firing.end.node == p
}

// wait puts a match on the agenda as one of this batch.
func (s *Session) wait(id matchID) {
	m := s.net.matches.at(id)
	m.state &^= fired
	m.born = s.batch.number
	if s.net.endOf(m).then != nil { // a query does not fire
		s.activate(id)
	}
}

// vanish lets go of a match, and of what it supported. Its record is kept until the
// batch ends.
func (s *Session) vanish(id matchID) {
	n := s.net
	m := n.matches.at(id)
	if !m.state.has(listed) {
		return // a match that came back and went again in this batch
	}
	s.unlist(id)
	s.unwait(id)
	if m.state.has(concluded) {
		c := s.conclusions[id]
		if len(c.supports) > 0 {
			c.cut = s.batch.number
			s.countDefeat(id)
			s.releaseAll(c)
		}
	}
	s.free(id)
	s.tellMatches(MatchRemoved, []matchID{id})
}

// forgetGone frees the matches that did not come back in the batch.
func (s *Session) forgetGone() {
	if len(s.passed) == 0 {
		return
	}
	for _, id := range s.passed {
		if m := s.net.matches.at(id); m.state.has(gone) {
			s.net.endOf(m).gone--
			if m.state.has(concluded) {
				delete(s.conclusions, id)
			}
			s.net.matches.release(id)
		}
	}
	s.passed, s.went = s.passed[:0], s.went[:0]
	if s.gone.used > 0 {
		s.gone.clear()
	}
}
