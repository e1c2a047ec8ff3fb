package rete

// Exclusive groups. Of all matches of a group with the same key only the first on
// the agenda fires; while it stands the others are parked, and when it goes they
// are back on the agenda.

// lockName names what at most one match may hold.
type lockName struct {
	group string
	per   symbol
}

// lock is held by the match that fired.
type lock struct {
	holder matchID
	parked []matchID
	places map[matchID]int // of those parked
}

// park lets a match wait for the lock.
func (l *lock) park(id matchID) {
	if l.places == nil {
		l.places = map[matchID]int{}
	}
	l.places[id] = len(l.parked)
	l.parked = append(l.parked, id)
}

// unpark takes a match out. Their order does not matter: they go back to the agenda.
func (l *lock) unpark(id matchID) {
	at, there := l.places[id]
	if !there {
		return
	}
	last := len(l.parked) - 1
	moved := l.parked[last]
	l.parked[at], l.places[moved] = moved, at
	l.parked = l.parked[:last]
	delete(l.places, id)
}

// holds tells whether another match holds the lock of this one, which is then
// parked.
func (s *Session) holds(id matchID, e *prodEnd) bool {
	if e.prog.Exclusive.Group == "" {
		return false
	}
	name := s.lockName(id, e)
	l := s.locks[name]
	if l == nil || l.holder == 0 || l.holder == id {
		return false
	}
	if m := s.net.matches.at(id); !m.state.has(parked) {
		m.state |= parked
		l.park(id)
	}
	return true
}

// lockName is the match's lock; one whose key changed leaves its old lock.
func (s *Session) lockName(id matchID, e *prodEnd) lockName {
	name := lockName{group: e.prog.Exclusive.Group}
	if e.chain.per != nil {
		sym, _ := s.net.value(&e.tally, e.chain.per, s.net.matches.at(id).token)
		name.per = s.store.syms.canon(sym)
	}
	if old, there := s.lockOf[id]; there && old != name {
		s.free(id)
	}
	s.lockOf[id] = name
	return name
}

// lock gives a match that fires its lock.
func (s *Session) lock(id matchID, e *prodEnd) {
	if e.prog.Exclusive.Group == "" {
		return
	}
	name := s.lockName(id, e)
	if s.locks[name] == nil {
		s.locks[name] = &lock{}
	}
	s.locks[name].holder = id
}

// unpark takes a match out of its lock's waiting list.
func (s *Session) unpark(id matchID) {
	m := s.net.matches.at(id)
	if !m.state.has(parked) {
		return
	}
	m.state &^= parked
	if l := s.locks[s.lockOf[id]]; l != nil {
		l.unpark(id)
	}
}

// free lets go of the lock that a match holds: the others are back on the agenda,
// as old as they are. Of those that went in the same wave nothing more can be asked.
func (s *Session) free(id matchID) {
	name, there := s.lockOf[id]
	if !there {
		return
	}
	s.unpark(id)
	delete(s.lockOf, id)
	l := s.locks[name]
	if l == nil || l.holder != id {
		return
	}
	delete(s.locks, name)
	for _, other := range l.parked {
		m := s.net.matches.at(other)
		if m.state &^= parked; !m.state.has(gone) {
			s.activate(other)
		}
	}
}
