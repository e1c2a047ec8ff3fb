package rete

// How a restored session finds the history of its matches. The network makes them
// anew from the facts; they are known again by production, branch, facts and groups.

// pastMatch is a match as the snapshot has it.
type pastMatch struct {
	id     matchID // that it has now; 0 if it is no more
	end    *prodEnd
	facts  int // where in restorer.facts
	groups int
	state  matchState // fired, waiting or parked
	holds  bool       // the lock
	per    symbol     // of the lock
	born   uint64
	place  *activation // on the agenda, if that does not follow from the rest
}

// pastEnd is one way through a production of the snapshot.
type pastEnd struct {
	end           *prodEnd // nil if the production is no more
	facts, groups uint64
	detailed      bool
}

// productions reads the productions with their matches.
func (r *restorer) productions() {
	kept, written := 0, r.count(6)
	for n := written; n > 0 && r.err == nil; n-- {
		id, fingerprint, total := r.text(), r.text(), r.num()
		derives := r.texts()
		ends := readList(&r.snapshotReader, func() pastEnd {
			return pastEnd{nil, r.atMost(1 << 20), r.atMost(1 << 20), r.flags(1) != 0}
		})
		if node := r.s.nodes[id]; node != nil && node.prog.fingerprint() == fingerprint && r.attribute(node, ends) {
			kept++
			node.total = int(total)
			node.derives = make(map[string]struct{}, len(derives))
			for _, typ := range derives {
				node.derives[typ] = struct{}{}
			}
		}
		for n := r.count(3); n > 0 && r.err == nil; n-- {
			r.pastMatch(ends)
		}
	}
	r.changed = kept < max(written, len(r.s.base.programs))
}

// attribute finds the ways through a production that is still there.
func (r *restorer) attribute(node *prodNode, ends []pastEnd) bool {
	if !r.check(len(ends) == len(node.ends), "branches are missing") {
		return false
	}
	for i, e := range node.ends {
		x := &ends[i]
		same := x.facts == uint64(len(e.chain.facts)) && x.groups == uint64(len(e.chain.groups)) && x.detailed == r.s.detailed(e)
		if !r.check(same, "a branch is another one") {
			return false
		}
		x.end = e
	}
	return true
}

// pastMatch reads a match.
func (r *restorer) pastMatch(ends []pastEnd) {
	branch := r.num()
	if !r.check(branch < uint64(len(ends)), "no such branch") {
		return
	}
	e := ends[branch]
	p := pastMatch{end: e.end, facts: len(r.facts), groups: len(r.groups)}
	for n := e.facts; n > 0 && r.err == nil; n-- {
		r.facts = append(r.facts, factID(r.atMost(1<<handleBits-1)))
	}
	for n := e.groups; n > 0 && r.err == nil; n-- {
		r.groups = append(r.groups, r.text())
	}
	flags := r.flags(4)
	p.state = [...]matchState{1: fired, 2: waiting, 4: parked, 7: 0}[flags&7]
	p.holds = flags&8 != 0
	if !r.check(p.state != 0 && !(p.holds && p.state == parked), "a match neither waits nor has fired") {
		return
	}
	if p.state != fired {
		p.born = r.number - r.atMost(r.number)
	}
	if p.holds || p.state == parked {
		p.per = r.syms.canon(r.symbol())
	}
	if p.state == waiting && e.detailed {
		p.place = r.activation(e)
	}
	r.past = append(r.past, p)
	if p.end != nil {
		r.index.insert(r.hash(&p), uint32(len(r.past)))
	}
}

// activation reads what orders a match that waits.
func (r *restorer) activation(e pastEnd) *activation {
	x := &activation{priority: int(r.int()), standing: &standing{}}
	if r.s.aging() {
		x.first = r.num()
		for n := e.facts; n > 0 && r.err == nil; n-- {
			x.ages = append(x.ages, r.num())
		}
	}
	return x
}

// hash is that of a match in the snapshot.
func (r *restorer) hash(p *pastMatch) uint32 {
	h := p.end.id
	for i := range p.end.chain.facts {
		h = mix(h, uint32(r.facts[p.facts+i]))
	}
	for i := range p.end.chain.groups {
		h = mix(h, r.syms.hash(r.groups[p.groups+i]))
	}
	return h
}

// hashNow is the same of a match that the network made.
func (r *restorer) hashNow(e *prodEnd, t tokenID) uint32 {
	h := e.id
	for i := range e.chain.facts {
		h = mix(h, uint32(e.factAt(t, i)))
	}
	for i := range e.chain.groups {
		h = mix(h, r.syms.hash(e.groupAt(t, i)))
	}
	return h
}

// match shows the facts to the network and gives the matches their history. What
// there was none of is new.
func (r *restorer) match() {
	if r.err != nil {
		return
	}
	s, n := r.s, r.s.net
	s.deltas = r.st.deltas(s.deltas[:0])
	if err := s.apply(); err != nil {
		r.fail(err)
		return
	}
	for _, id := range n.appeared {
		m := n.matches.at(id)
		if n.tokens.at(m.token).dead {
			n.matches.release(id)
			continue
		}
		s.list(id)
		e := n.endOf(m)
		if p := r.find(e, m.token); p != nil {
			p.id = id
		} else if m.born = r.number; e.then != nil {
			r.fresh = append(r.fresh, id)
		}
	}
	n.appeared = n.appeared[:0]
	for i := range r.past {
		if p := &r.past[i]; p.id != 0 {
			r.remember(p)
		}
	}
}

// find finds the history of a match, which is nobody else's.
func (r *restorer) find(e *prodEnd, t tokenID) *pastMatch {
	h := r.hashNow(e, t)
	for i, at := r.index.first(h); i != 0; i, at = r.index.next(h, at) {
		if p := &r.past[i-1]; p.end == e && p.id == 0 && r.same(p, t) {
			return p
		}
	}
	return nil
}

// same tells whether a match of the snapshot is one that the network made.
func (r *restorer) same(p *pastMatch, t tokenID) bool {
	for i := range p.end.chain.facts {
		if p.end.factAt(t, i) != r.facts[p.facts+i] {
			return false
		}
	}
	for i := range p.end.chain.groups {
		if p.end.groupAt(t, i) != r.groups[p.groups+i] {
			return false
		}
	}
	return true
}

// remember gives a match its history.
func (r *restorer) remember(p *pastMatch) {
	m := r.s.net.matches.at(p.id)
	m.state |= p.state
	m.born = p.born
	if p.holds || p.state == parked {
		r.lock(p)
	}
	if p.state == waiting {
		r.wait(p)
	}
}

// lock puts a match where it was in its exclusive group.
func (r *restorer) lock(p *pastMatch) {
	s := r.s
	name := lockName{p.end.prog.Exclusive.Group, p.per}
	if !r.check(name.group != "", "a lock of no group") {
		return
	}
	l := s.locks[name]
	if l == nil {
		l = &lock{}
		s.locks[name] = l
	}
	s.lockOf[p.id] = name
	switch {
	case !p.holds:
		l.park(p.id)
	case r.check(l.holder == 0, "a lock twice"):
		l.holder = p.id
	}
}

// wait puts a match where it was on the agenda, whatever its place would be by now.
func (r *restorer) wait(p *pastMatch) {
	s := r.s
	m := s.net.matches.at(p.id)
	s.agenda.stamps++
	m.stamp = s.agenda.stamps
	x := activation{match: p.id, stamp: m.stamp, born: p.born, priority: p.end.priority}
	group := ""
	if p.place != nil {
		group = p.end.prog.Group
		x.priority, x.standing = p.place.priority, p.place.standing
		x.weight = p.end.chain.weight
	}
	if s.cfg.Strategy == Random {
		x.first = s.lot(p.end, m.token) // which is not written: it depends on the Seed
	}
	s.agenda.add(group, x)
}
