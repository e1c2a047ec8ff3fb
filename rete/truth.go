package rete

import (
	"cmp"
	"slices"
)

// Truth maintenance. A derived fact stands while a support stands that does not
// rest on the fact itself. Every derived fact has a rank, and the invariant is
// that it has a support all of whose facts are stated or of a lower rank: by
// induction on ranks it is then well-founded. A fact that loses a support and
// keeps one of lower rank needs no search; for the others the facts that rest on
// them are searched, proved anew from outside, and ranked in the order of proof.
// Everything works from lists: a chain of derivations may be as long as it likes.

// conclusion is what a match supports. Most matches of most rule sets conclude
// little, so it stands beside the match rather than in it.
type conclusion struct {
	match    matchID
	end      *prodEnd
	facts    []factID // of the match
	supports []*support
	rests    []*link[*conclusion] // among the rests of facts, while it has supports
	cut      uint64               // the batch in which it last lost its supports
}

// support is one match's reason for one fact, with the values it gave.
type support struct {
	by     *conclusion
	fact   factID
	values []symbol
}

// ground is what a fact rests on and what rests on it.
type ground struct {
	supports []*support // the best first; never changed in place
	aliases  []Handle   // of facts merged into it; never changed in place
	rank     uint64     // 0: no well-founded order is known
	rests    bag[*conclusion]
	suspect  suspicion
}

// suspicion is what is known of a fact while truth is maintained.
//
// It lies in the fact rather than in a map: a search may mark a hundred thousand
// facts, each asked for often.
type suspicion uint8

const (
	trusted suspicion = iota
	suspected
	proved
)

// savedGround is what a rollback restores.
type savedGround struct {
	supports []*support
	aliases  []Handle
	rank     uint64
}

// save keeps what a batch changes; nil for a fact without grounds.
func (g *ground) save() *savedGround {
	if g == nil {
		return nil
	}
	return &savedGround{g.supports, g.aliases, g.rank}
}

// restore is the opposite of save.
func (g *ground) restore(old *savedGround) {
	if g != nil && old != nil {
		g.supports, g.aliases, g.rank = old.supports, old.aliases, old.rank
	}
}

// ground gives a fact's grounds, making them if need be.
func (s *store) ground(id factID) *ground {
	g := s.grounds[id]
	if g == nil {
		g = &ground{}
		s.grounds[id] = g
	}
	return g
}

// bySupport orders supports of one fact, the winner first.
func (s *Session) bySupport(a, b *support) int {
	if c := cmp.Compare(b.by.end.prog.Priority, a.by.end.prog.Priority); c != 0 {
		return c
	}
	return s.net.byProduction(a.by.match, b.by.match)
}

// conclusion is what a match supports, made if need be.
func (s *Session) conclusion(id matchID) *conclusion {
	c := s.conclusions[id]
	if c == nil {
		m := s.net.matches.at(id)
		e := s.net.endOf(m)
		c = &conclusion{match: id, end: e, facts: e.facts(m.token)}
		s.conclusions[id] = c
		m.state |= concluded
	}
	return c
}

// wasCut tells whether a match lost its supports in this batch.
func (s *Session) wasCut(id matchID) bool {
	return s.net.matches.at(id).state.has(concluded) && s.conclusions[id].cut == s.batch.number
}

// minus is the list without some of its members; the list itself stays.
func minus(list, gone []*support) []*support {
	return slices.DeleteFunc(slices.Clone(list), func(x *support) bool { return slices.Contains(gone, x) })
}

// release takes supports of a match back.
func (s *Session) release(c *conclusion, gone []*support) {
	if len(gone) == 0 {
		return
	}
	c.supports = minus(c.supports, gone)
	for _, sup := range gone {
		g := s.store.ground(sup.fact)
		g.supports = minus(g.supports, []*support{sup})
		s.store.lose(sup.fact)
	}
	s.root(c)
}

// root keeps the facts' lists of the matches that rest on them.
func (s *Session) root(c *conclusion) {
	switch {
	case len(c.supports) > 0 && c.rests == nil:
		for _, f := range c.facts {
			c.rests = append(c.rests, s.store.ground(f).rests.add(c))
		}
	case len(c.supports) == 0:
		for _, l := range c.rests {
			l.remove()
		}
		c.rests = nil
	}
}

// maintain looks at the facts that lost something: they take the values of
// their next best support, or fall.
func (s *Session) maintain() {
	if len(s.store.lost) == 0 {
		return
	}
	list := s.store.lost
	s.store.lost = nil
	var suspects []factID
	for _, id := range list {
		f := s.store.facts.at(id)
		if f.handle == 0 || !f.state.has(lost) {
			continue // of a batch that was rolled back
		}
		f.state &^= lost
		s.store.refresh(id)
		if f.state.derived() && !s.ranked(id) {
			suspects = append(suspects, id)
		}
	}
	if len(suspects) > 0 {
		s.prove(s.resting(suspects))
	}
}

// ranked tells whether the fact has a support of lower rank.
//
// It is the cheap question, asked first: most facts that lose a support have another
// one from below, and need no search. It may say no of a fact that stands; then the
// search says yes.
func (s *Session) ranked(id factID) bool {
	g := s.store.grounds[id]
	return slices.ContainsFunc(g.supports, func(sup *support) bool {
		return !slices.ContainsFunc(sup.by.facts, func(f factID) bool {
			state := s.store.facts.at(f).state
			return !state.has(live) || !state.has(stated) && s.store.grounds[f].rank >= g.rank
		})
	})
}

// resting is the set of derived facts that rest on the suspects, and themselves;
// each is marked.
func (s *Session) resting(suspects []factID) []factID {
	var all []factID
	suspect := func(id factID) {
		if s.store.facts.at(id).state.derived() {
			if g := s.store.grounds[id]; g.suspect == trusted {
				g.suspect = suspected
				all = append(all, id)
			}
		}
	}
	for _, id := range suspects {
		suspect(id)
	}
	for i := 0; i < len(all); i++ {
		s.store.grounds[all[i]].rests.each(func(c *conclusion) {
			for _, sup := range c.supports {
				suspect(sup.fact)
			}
		})
	}
	return all
}

// prove lets stand what follows from facts outside of the marked set, ranks it
// in the order of proof, and lets the rest fall.
//
// This computes the least fixpoint within the marked set, the well-founded part of
// what is left (Doyle, "A Truth Maintenance System", 1979, calls it a well-founded
// support). A ring that only supports itself has no first fact to prove, and falls
// as a whole, in one pass.
func (s *Session) prove(all []factID) {
	var list []factID
	try := func(id factID) {
		g := s.store.grounds[id]
		if g.suspect == suspected && slices.ContainsFunc(g.supports, s.supported) {
			g.suspect = proved
			s.store.ranks++
			g.rank = s.store.ranks
			list = append(list, id)
		}
	}
	for _, id := range all {
		try(id)
	}
	for i := 0; i < len(list); i++ {
		s.store.grounds[list[i]].rests.each(func(c *conclusion) {
			for _, sup := range c.supports {
				try(sup.fact)
			}
		})
	}
	for _, id := range all {
		if s.store.grounds[id].suspect == suspected {
			s.fall(id)
		}
	}
	for _, id := range all {
		// In a loop of its own: others are asked for until the last fact is decided.
		s.store.grounds[id].suspect = trusted
	}
}

// supported tells whether no fact of the match is gone, or suspected and unproved.
func (s *Session) supported(sup *support) bool {
	return !slices.ContainsFunc(sup.by.facts, func(f factID) bool {
		if !s.store.facts.at(f).state.has(live) {
			return true
		}
		g := s.store.grounds[f]
		return g != nil && g.suspect == suspected
	})
}

// fall takes all supports from a fact that nothing outside holds up.
//
// The matches that concluded it are noted as cut: should one of them come back
// within the batch, it must conclude again.
func (s *Session) fall(id factID) {
	g := s.store.grounds[id]
	for _, sup := range g.supports {
		c := sup.by
		c.supports = minus(c.supports, []*support{sup})
		c.cut = s.batch.number
		s.root(c)
	}
	g.supports = nil
	s.store.refresh(id)
}

// derive makes values a match's conclusion. It replaces what the match concluded
// before for that fact.
func (b *batch) derive(c *conclusion, typ string, fields Fields) (*support, error) {
	t, err := b.typ(typ)
	if err != nil {
		return nil, err
	}
	row := b.row(t, 0)
	if err := b.fill(t, row, fields); err != nil {
		return nil, err
	}
	st := &b.s.store
	id, back := st.existing(t, row)
	if t.typ.Bag {
		id, back = c.equal(st, t, row), 0
	}
	sup := &support{by: c, values: slices.Clone(row)}
	if id == 0 {
		id = b.claim(t, row, back)
	}
	sup.fact = id
	st.touch(id)
	g := st.ground(id)
	was := st.facts.at(id).state.has(live)
	g.supports = append(slices.DeleteFunc(slices.Clone(g.supports), func(x *support) bool { return x.by == c }), sup)
	slices.SortFunc(g.supports, b.s.bySupport)
	switch {
	case back != 0:
		// Facts that rest on it may have ranks that mean nothing now: it is searched.
		g.rank = 0
		st.lose(id)
	case !was:
		st.ranks++
		g.rank = st.ranks
	}
	st.refresh(id)
	b.contest(id, g, sup)
	return sup, nil
}

// equal is the fact of a bag that the match supports with these values, or 0.
func (c *conclusion) equal(st *store, t *factTable, row []symbol) factID {
	for _, sup := range c.supports {
		if st.tableOf(sup.fact) == t && st.same(sup.values, row) {
			return sup.fact
		}
	}
	return 0
}

// contest reports a conclusion that contradicts another.
func (b *batch) contest(id factID, g *ground, sup *support) {
	st := &b.s.store
	typ := st.tableOf(id).typ
	if typ.Contested {
		return
	}
	best := g.supports[0]
	winner, loser := best.by.end.prog.ID, sup.by.end.prog.ID
	against := best.values
	switch {
	case st.facts.at(id).state.has(stated):
		winner, against = "", st.row(id)
	case best == sup:
		i := slices.IndexFunc(g.supports, func(x *support) bool { return !st.same(x.values, sup.values) })
		if i < 0 {
			return
		}
		loser, against = g.supports[i].by.end.prog.ID, g.supports[i].values
	}
	if !st.same(against, sup.values) {
		b.conflicts = append(b.conflicts, Conflict{typ.Name, st.handle(id), winner, loser})
	}
}
