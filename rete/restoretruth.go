package rete

import "slices"

// conclusions reads what matches support. What those supported that are no more is
// lost.
func (r *restorer) conclusions() {
	for n := r.count(4); n > 0 && r.err == nil; n-- {
		i := r.num()
		if !r.check(i > 0 && i <= uint64(len(r.past)), "a conclusion of no match") {
			return
		}
		var c *conclusion
		if id := r.past[i-1].id; id != 0 {
			r.check(r.s.conclusions[id] == nil, "conclusions twice")
			c = r.s.conclusion(id)
		}
		for n := r.count(2); n > 0 && r.err == nil; n-- {
			r.support(c)
		}
		if c != nil {
			r.s.root(c)
		}
	}
	for id, g := range r.st.grounds {
		if r.st.facts.at(id).state.derived() && g.best() == nil {
			r.st.lose(id)
		}
	}
}

// support reads a fact and the values that a match gave it.
func (r *restorer) support(c *conclusion) {
	st := r.st
	id := factID(r.num())
	shows := r.flags(1) != 0
	if !r.check(uint32(id) < st.facts.next && st.facts.at(id).state.has(live), "a conclusion of no fact") {
		return
	}
	t := st.tableOf(id)
	values := slices.Clone(st.row(id))
	if !shows {
		r.row(t.typ, values)
	}
	switch {
	case !r.check(st.sameIdentity(t, values, st.row(id)), "a conclusion of another fact"):
	case c == nil:
		st.lose(id)
	case r.check(c.find(id) == nil, "a conclusion twice"):
		sup := &support{by: c, fact: id, values: values}
		c.add(sup)
		st.ground(id).add(r.s, sup)
	}
}

// follow lets what is new come to the agenda and what has no reason any more fall.
func (r *restorer) follow() error {
	s := r.s
	if !r.changed && len(r.fresh)+len(r.st.lost) == 0 {
		return nil
	}
	s.begin()
	for i := range r.past {
		p := &r.past[i]
		if p.id == 0 || p.state != parked || s.locks[s.lockOf[p.id]].holder != 0 {
			continue // the holder is there
		}
		s.net.matches.at(p.id).state &^= parked
		delete(s.lockOf, p.id)
		s.activate(p.id)
	}
	for name, l := range s.locks {
		if l.holder == 0 {
			delete(s.locks, name)
		}
	}
	for _, id := range r.fresh {
		s.wait(id)
	}
	err := s.settle()
	s.endBatch()
	return err
}
