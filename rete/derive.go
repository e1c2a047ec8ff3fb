package rete

import "slices"

// derivation is a support that the batch made, and the one of the same match and
// fact that it replaced.
type derivation struct{ made, replaced *support }

// support makes values a match's reason for a fact, in the place of what it gave
// before.
func (b *batch) support(c *conclusion, id factID, values []symbol) *support {
	sup := &support{by: c, fact: id, made: b.number, values: values}
	old := c.find(id)
	if old == nil {
		c.add(sup)
		b.s.store.ground(id).add(b.s, sup)
	} else {
		old.replace(b.s, sup)
	}
	b.derived = append(b.derived, derivation{sup, old})
	return sup
}

// replace puts a support of the same match and fact in the place of another.
func (sup *support) replace(s *Session, by *support) {
	s.store.grounds[sup.fact].put(by, int(sup.inFact))
	sup.by.put(by, int(sup.inMatch))
}

// underive takes back what the batch derived, the last first.
func (b *batch) underive() {
	for _, d := range slices.Backward(b.derived) {
		if d.replaced != nil {
			d.made.replace(b.s, d.replaced)
			continue
		}
		d.made.by.drop(d.made)
		b.s.store.grounds[d.made.fact].drop(b.s, d.made)
	}
	b.settled()
}

// settled forgets what was derived: it stands now.
func (b *batch) settled() {
	clear(b.derived)
	b.derived = reuse(b.derived)
}

// derive makes values a match's conclusion. It replaces what the match concluded
// before for that fact.
func (b *batch) derive(c *conclusion, typ string, fields Fields) (Handle, error) {
	t, err := b.typ(typ)
	if err != nil {
		return 0, err
	}
	row := b.row(t, 0)
	if err := b.fill(t, row, fields); err != nil {
		return 0, err
	}
	return b.deriveRow(c, t, row), nil
}

// deriveShape is [Firing.DeriveRow].
func (b *batch) deriveShape(c *conclusion, shape *Shape, values []Value) (Handle, error) {
	t, err := b.shaped(shape)
	if err != nil {
		return 0, err
	}
	row := b.row(t, 0)
	if err := b.setShape(t, row, shape, values); err != nil {
		return 0, err
	}
	if shape.missing != "" {
		return 0, &FactError{Type: t.typ.Name, Field: shape.missing, Err: ErrMissingField}
	}
	return b.deriveRow(c, t, row), nil
}

// deriveRow concludes a complete row.
func (b *batch) deriveRow(c *conclusion, t *factTable, row []symbol) Handle {
	st := &b.s.store
	var id, back factID
	if t.typ.Bag {
		id = c.equal(st, t, row, b.number)
	} else {
		id, back = st.existing(t, row)
	}
	if id == 0 {
		id = b.claim(t, row, back)
	}
	st.touch(id)
	was := st.facts.at(id).state.has(live)
	sup := b.support(c, id, slices.Clone(row))
	g := st.grounds[id]
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
	return st.handle(id)
}

// contest reports a conclusion that contradicts another: the one that is the best
// without it.
func (b *batch) contest(id factID, g *ground, sup *support) {
	st := &b.s.store
	typ := st.tableOf(id).typ
	if typ.Contested {
		return
	}
	best := g.best()
	winner, loser, against := best.by.end.prog.ID, sup.by.end.prog.ID, best.values
	switch {
	case st.facts.at(id).state.has(stated):
		winner, against = "", st.row(id)
	case best == sup:
		second := g.second(b.s)
		if second == nil {
			return
		}
		loser, against = second.by.end.prog.ID, second.values
	}
	if !st.same(against, sup.values) {
		b.conflicts = append(b.conflicts, Conflict{typ.Name, st.handle(id), winner, loser})
	}
}

// conclude drops what a match concluded before and did not again, and remembers
// which types its production derives, to tell later whether it concludes what it
// denies.
func (s *Session) conclude(c *conclusion) {
	for i := len(c.supports) - 1; i >= 0; i-- {
		if sup := c.supports[i]; sup.made != s.batch.number {
			s.release(sup)
		}
	}
	s.root(c)
	for _, sup := range c.supports {
		p := c.end.node
		if p.derives == nil {
			p.derives = map[string]struct{}{}
		}
		p.derives[s.store.tableOf(sup.fact).typ.Name] = struct{}{}
	}
	s.batch.settled()
	c.spare = nil
}

// release takes a support back.
func (s *Session) release(sup *support) {
	sup.by.drop(sup)
	s.store.grounds[sup.fact].drop(s, sup)
	s.store.lose(sup.fact)
}

// releaseAll takes back everything that a match concluded.
func (s *Session) releaseAll(c *conclusion) {
	for n := len(c.supports); n > 0; n-- {
		s.release(c.supports[n-1])
	}
	s.root(c)
}

// root keeps the facts' lists of the matches that rest on them.
func (s *Session) root(c *conclusion) {
	switch {
	case len(c.supports) > 0 && c.rooted == 0:
		s.store.ranks++
		c.rooted = s.store.ranks
		for _, f := range c.facts {
			c.rests = append(c.rests, s.store.ground(f).rests.add(c))
		}
	case len(c.supports) == 0:
		for _, l := range c.rests {
			l.remove()
		}
		c.rests, c.byFact, c.rooted = nil, nil, 0
	}
}
