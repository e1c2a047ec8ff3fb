package rete

import "slices"

// Truth maintenance. A derived fact stands while a support stands that does not
// rest on the fact itself. Every derived fact has a rank, and the invariant is
// that it has a support all of whose facts are stated or of a lower rank: by
// induction on ranks it is then well-founded. A fact that loses a support and
// keeps one of lower rank needs no search; for the others the facts that rest on
// them are searched, proved anew from outside, and ranked in the order of proof.
// Everything works from lists: a chain of derivations may be as long as it likes.

// ground is what a fact rests on and what rests on it.
type ground struct {
	supports []*support // a heap, the best on top
	aliases  []Handle   // of facts merged into it
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

// savedGround is what a rollback restores. Supports are not among it: before the
// network hears of a batch they only change by what derive notes.
type savedGround struct {
	aliases []Handle // which only grow while they are kept here
	rank    uint64
}

// save keeps what a batch changes; nil for a fact without grounds.
func (g *ground) save() *savedGround {
	if g == nil {
		return nil
	}
	return &savedGround{g.aliases, g.rank}
}

// restore is the opposite of save.
func (g *ground) restore(old *savedGround) {
	if g != nil && old != nil {
		g.aliases, g.rank = old.aliases, old.rank
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

// wasCut tells whether a match lost its supports in this batch.
func (s *Session) wasCut(id matchID) bool {
	return s.net.matches.at(id).state.has(concluded) && s.conclusions[id].cut == s.batch.number
}

// maintain looks at the facts that lost something: they take the values of
// their next best support, or fall.
func (s *Session) maintain() {
	if len(s.store.lost) == 0 {
		return
	}
	list := s.store.lost
	s.store.lost = nil
	slices.Sort(list) // the order decides which record, and so which handle, is used next
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
	stand := func(id factID) {
		if g := s.store.grounds[id]; g.suspect == suspected {
			g.suspect = proved
			s.store.ranks++
			g.rank = s.store.ranks
			list = append(list, id)
		}
	}
	for _, id := range all {
		if slices.ContainsFunc(s.store.grounds[id].supports, func(sup *support) bool { return s.supported(sup.by) }) {
			stand(id)
		}
	}
	// From here on a match counts when the last of its facts is proved, and is asked
	// once for each of them: to ask each fact for all its supports would be quadratic.
	for i := 0; i < len(list); i++ {
		s.store.grounds[list[i]].rests.each(func(c *conclusion) {
			if !s.supported(c) {
				return
			}
			for _, sup := range c.supports {
				stand(sup.fact)
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
func (s *Session) supported(c *conclusion) bool {
	return !slices.ContainsFunc(c.facts, func(f factID) bool {
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
		c.drop(sup)
		c.cut = s.batch.number
		s.root(c)
	}
	g.supports = nil
	s.store.refresh(id)
}
