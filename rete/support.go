package rete

import (
	"cmp"
	"slices"
)

// conclusion is what a match supports. Most matches of most rule sets conclude
// little, so it stands beside the match rather than in it.
type conclusion struct {
	match    matchID
	end      *prodEnd
	facts    []factID // of the match
	supports []*support
	byFact   map[factID]*support   // of supports, when there are many
	spare    map[uint32][]*support // of bags, not concluded again yet in this firing
	spareOf  uint64                // the batch of that firing
	rests    []*link[*conclusion]  // among the rests of facts, while it has supports
	rooted   uint64                // when rests came to be, among conclusions; 0: there are none
	cut      uint64                // the batch in which it last lost its supports
}

// support is one match's reason for one fact, with the values it gave.
type support struct {
	by      *conclusion
	fact    factID
	made    uint64 // the batch that concluded it
	inFact  int32  // its place among the fact's supports
	inMatch int32  // and among the match's
	values  []symbol
}

// bySupport orders supports of one fact, the winner first.
//
// Only what a match is never without decides: a value that Let named may change
// while the match stands, and would disturb the heap.
func (s *Session) bySupport(a, b *support) int {
	if c := cmp.Compare(b.by.end.prog.Priority, a.by.end.prog.Priority); c != 0 {
		return c
	}
	if a.by.end != b.by.end {
		return a.by.end.compare(b.by.end)
	}
	e := a.by.end
	x, y := s.net.matches.at(a.by.match).token, s.net.matches.at(b.by.match).token
	if c := e.compareFacts(x, y); c != 0 {
		return c
	}
	for _, i := range e.chain.groups {
		if c := s.store.syms.compareTotal(e.valueAt(x, i), e.valueAt(y, i)); c != 0 {
			return c
		}
	}
	return 0
}

// compare orders the ways through productions.
func (e *prodEnd) compare(f *prodEnd) int {
	return cmp.Or(cmp.Compare(e.prog.ID, f.prog.ID), cmp.Compare(e.chain.number, f.chain.number))
}

// best is the support that the fact shows, or nil.
func (g *ground) best() *support {
	if g == nil || len(g.supports) == 0 {
		return nil
	}
	return g.supports[0]
}

// second is the best support but one, or nil: on a heap it is right below the best.
func (g *ground) second(s *Session) *support {
	switch {
	case len(g.supports) < 2:
		return nil
	case len(g.supports) > 2 && s.bySupport(g.supports[2], g.supports[1]) < 0:
		return g.supports[2]
	}
	return g.supports[1]
}

// ranking are the supports of a fact in order, the best first.
func (g *ground) ranking(s *Session) []*support {
	if g == nil {
		return nil
	}
	return slices.SortedFunc(slices.Values(g.supports), s.bySupport)
}

// add adds a support to those of its fact.
func (g *ground) add(s *Session, sup *support) {
	g.supports = append(g.supports, sup)
	g.put(sup, len(g.supports)-1)
	g.up(s, sup.inFact)
}

// drop takes a support away from its fact.
func (g *ground) drop(s *Session, sup *support) {
	at, last := sup.inFact, len(g.supports)-1
	moved := g.supports[last]
	g.supports[last] = nil
	g.supports = g.supports[:last]
	if moved != sup {
		g.put(moved, int(at))
		g.up(s, at)
		g.down(s, moved.inFact)
	}
}

// put notes where in the heap a support is.
func (g *ground) put(sup *support, at int) {
	g.supports[at] = sup
	sup.inFact = int32(at)
}

// up and down keep the heap, as those of the agenda do.
func (g *ground) up(s *Session, i int32) {
	for i > 0 {
		above := (i - 1) / 2
		if s.bySupport(g.supports[i], g.supports[above]) >= 0 {
			return
		}
		g.swap(i, above)
		i = above
	}
}

func (g *ground) down(s *Session, i int32) {
	for {
		below := 2*i + 1
		if int(below) >= len(g.supports) {
			return
		}
		if right := below + 1; int(right) < len(g.supports) && s.bySupport(g.supports[right], g.supports[below]) < 0 {
			below = right
		}
		if s.bySupport(g.supports[below], g.supports[i]) >= 0 {
			return
		}
		g.swap(below, i)
		i = below
	}
}

func (g *ground) swap(i, j int32) {
	x, y := g.supports[i], g.supports[j]
	g.put(x, int(j))
	g.put(y, int(i))
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

// few is how many supports of a match are looked through one by one.
const few = 8

// find gives the match's support of a fact, or nil.
func (c *conclusion) find(id factID) *support {
	if len(c.supports) <= few {
		i := slices.IndexFunc(c.supports, func(x *support) bool { return x.fact == id })
		if i < 0 {
			return nil
		}
		return c.supports[i]
	}
	if c.byFact == nil {
		c.byFact = make(map[factID]*support, len(c.supports))
		for _, sup := range c.supports {
			c.byFact[sup.fact] = sup
		}
	}
	return c.byFact[id]
}

// add adds a support to those of its match.
func (c *conclusion) add(sup *support) {
	c.supports = append(c.supports, nil)
	c.put(sup, len(c.supports)-1)
}

// drop takes a support away from its match.
func (c *conclusion) drop(sup *support) {
	last := len(c.supports) - 1
	moved := c.supports[last]
	c.supports[last] = nil
	c.supports = c.supports[:last]
	delete(c.byFact, sup.fact)
	if moved != sup {
		c.put(moved, int(sup.inMatch))
	}
}

// put notes where among those of the match a support is.
func (c *conclusion) put(sup *support, at int) {
	c.supports[at] = sup
	sup.inMatch = int32(at)
	if c.byFact != nil {
		c.byFact[sup.fact] = sup
	}
}

// equal takes the fact of a bag that the match supports with these values and has
// not concluded again in this firing; 0 if there is none.
func (c *conclusion) equal(st *store, t *factTable, row []symbol, firing uint64) factID {
	if c.spareOf != firing {
		c.spareOf, c.spare = firing, map[uint32][]*support{}
		for _, sup := range c.supports {
			if t := st.tableOf(sup.fact); t.typ.Bag && sup.made != firing {
				h := st.identity(t, sup.values)
				c.spare[h] = append(c.spare[h], sup)
			}
		}
	}
	h := st.identity(t, row)
	list := c.spare[h]
	for i := len(list) - 1; i >= 0; i-- {
		if id := list[i].fact; st.tableOf(id) == t && st.same(list[i].values, row) {
			c.spare[h] = slices.Delete(list, i, i+1)
			return id
		}
	}
	return 0
}
