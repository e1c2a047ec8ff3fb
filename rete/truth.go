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

// support is one match's reason for one fact, with the values it gave.
type support struct {
	match  *match
	entry  *entry
	values []any
}

// bySupport orders supports of one fact, the winner first.
func bySupport(a, b *support) int {
	if c := cmp.Compare(b.match.node.prog.Priority, a.match.node.prog.Priority); c != 0 {
		return c
	}
	return byProduction(a.match, b.match)
}

// ground is what is known of a fact under suspicion.
//
// It lives in the fact rather than in a map: a search may mark a hundred thousand
// facts, each asked for often.
type ground struct{ proved bool }

// release takes supports of a match back.
func (s *Session) release(m *match, supports []*support) {
	gone := slices.Clone(supports)
	m.supports = slices.DeleteFunc(slices.Clone(m.supports), func(x *support) bool { return slices.Contains(gone, x) })
	for _, sup := range gone {
		e := sup.entry
		e.supports = slices.DeleteFunc(slices.Clone(e.supports), func(x *support) bool { return x == sup })
		s.store.lose(e)
	}
	s.root(m)
}

// root keeps the facts' lists of the matches that rest on them.
func (s *Session) root(m *match) {
	switch {
	case len(m.supports) > 0 && m.rests == nil:
		for _, e := range m.facts {
			m.rests = append(m.rests, e.rests.add(m))
		}
	case len(m.supports) == 0:
		for _, l := range m.rests {
			l.remove()
		}
		m.rests = nil
	}
}

// maintain looks at the facts that lost something: they take the values of
// their next best support, or fall.
func (s *Session) maintain() {
	lost := s.store.lost
	s.store.lost = nil
	var suspects []*entry
	for _, e := range lost {
		e.lost = false
		s.store.refresh(e)
		if e.cur != nil && e.stated == nil && !e.ranked() {
			suspects = append(suspects, e)
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
func (e *entry) ranked() bool {
	return slices.ContainsFunc(e.supports, func(sup *support) bool {
		return !slices.ContainsFunc(sup.match.facts, func(f *entry) bool {
			return f.cur == nil || f.stated == nil && f.rank >= e.rank
		})
	})
}

// resting is the set of derived facts that rest on the suspects, and themselves;
// each is marked.
func (s *Session) resting(suspects []*entry) []*entry {
	var all []*entry
	suspect := func(e *entry) {
		if e.mark == nil && e.stated == nil && e.cur != nil {
			e.mark = &ground{}
			all = append(all, e)
		}
	}
	for _, e := range suspects {
		suspect(e)
	}
	for i := 0; i < len(all); i++ {
		all[i].rests.each(func(m *match) {
			for _, sup := range m.supports {
				suspect(sup.entry)
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
func (s *Session) prove(all []*entry) {
	var proved []*entry
	try := func(e *entry) {
		if e.mark != nil && !e.mark.proved && slices.ContainsFunc(e.supports, (*support).holds) {
			e.mark.proved = true
			s.store.ranks++
			e.rank = s.store.ranks
			proved = append(proved, e)
		}
	}
	for _, e := range all {
		try(e)
	}
	for i := 0; i < len(proved); i++ {
		proved[i].rests.each(func(m *match) {
			for _, sup := range m.supports {
				try(sup.entry)
			}
		})
	}
	for _, e := range all {
		if !e.mark.proved {
			s.fall(e)
		}
	}
	for _, e := range all {
		// In a loop of its own: holds asks for the marks of others until the last
		// fact is decided.
		e.mark = nil
	}
}

// holds tells whether no fact of the match is gone, or marked and unproved.
func (sup *support) holds() bool {
	return !slices.ContainsFunc(sup.match.facts, func(f *entry) bool {
		return f.cur == nil || f.mark != nil && !f.mark.proved
	})
}

// fall takes all supports from a fact that nothing outside holds up.
//
// The matches that concluded it are noted as cut: should one of them come back
// within the batch, it must conclude again.
func (s *Session) fall(e *entry) {
	for _, sup := range e.supports {
		m := sup.match
		m.supports = slices.DeleteFunc(slices.Clone(m.supports), func(x *support) bool { return x == sup })
		m.cut = s.batch
		s.root(m)
	}
	e.supports = nil
	s.store.refresh(e)
}

// derive makes values a match's conclusion. It replaces what the match concluded
// before for that fact.
func (b *batch) derive(m *match, typ string, fields Fields) (*support, error) {
	t, err := b.typ(typ)
	if err != nil {
		return nil, err
	}
	values, err := t.overlay(nil, fields)
	if err != nil {
		return nil, err
	}
	e, gone := b.existing(t, t.identityOf(values))
	if e == nil {
		e = b.claim(t, values, gone)
	}
	b.save(e)
	sup := &support{match: m, entry: e, values: values}
	e.supports = slices.DeleteFunc(slices.Clone(e.supports), func(x *support) bool { return x.match == m })
	e.supports = append(e.supports, sup)
	slices.SortFunc(e.supports, bySupport)
	b.rank(e, gone != nil)
	b.refresh(e)
	b.contest(e, sup)
	return sup, nil
}

// rank ranks a fact that comes to stand. One that went in this batch and comes
// back may have facts resting on it whose ranks mean nothing now: it is searched.
func (b *batch) rank(e *entry, back bool) {
	st := &b.s.store
	switch {
	case back:
		e.rank = 0
		st.lose(e)
	case e.cur == nil:
		st.ranks++
		e.rank = st.ranks
	}
}

// contest reports a conclusion that contradicts another.
func (b *batch) contest(e *entry, sup *support) {
	if e.table.typ.Contested {
		return
	}
	best := e.supports[0]
	winner, loser := best.match.node.prog.ID, sup.match.node.prog.ID
	against := best.values
	switch {
	case e.stated != nil:
		winner, against = "", e.stated
	case best == sup:
		i := slices.IndexFunc(e.supports, func(x *support) bool { return !identicalAll(x.values, sup.values) })
		if i < 0 {
			return
		}
		loser, against = e.supports[i].match.node.prog.ID, e.supports[i].values
	}
	if !identicalAll(against, sup.values) {
		b.conflicts = append(b.conflicts, Conflict{e.table.typ.Name, e.handle, winner, loser})
	}
}
