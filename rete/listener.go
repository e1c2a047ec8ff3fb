package rete

import "slices"

// EventKind says what happened.
type EventKind uint8

// The events that a [Listener] is told.
const (
	FactAdded    EventKind = iota // Fact came to stand
	FactChanged                   // Fact has other values than Old
	FactRemoved                   // Old is gone
	MatchAdded                    // Production matches and waits on the agenda
	MatchRemoved                  // Production matches no longer
	Fired                         // Production fired and logged Logs; its changes follow
	Failed                        // Production failed with Err; its changes are undone
)

// Event is one thing that happened in a session. Which fields are set depends on
// Kind.
type Event struct {
	Kind       EventKind
	Fact, Old  Fact
	Production string
	Bind       Bind
	Logs       []string
	Err        error
}

// Listener is told what happens, in order. It must not call the session.
type Listener interface{ Event(Event) }

// ListenerFunc is a function as a [Listener].
type ListenerFunc func(Event)

// Event calls the function.
func (f ListenerFunc) Event(e Event) { f(e) }

// tellFacts counts and tells the net changes of a wave.
func (s *Session) tellFacts(deltas []delta) {
	for i := range deltas {
		d := &deltas[i]
		after := s.store.facts.at(d.fact).state.derived()
		if after && !d.was {
			s.report.Derived++
		}
		if d.state.has(shownDerived) && !d.is {
			s.report.Withdrawn++
		}
		if s.cfg.Listener != nil {
			s.tellFact(d, after)
		}
		if s.aging() {
			s.noteChange(d.fact)
		}
	}
}

// tellFact tells the listener of one net change.
func (s *Session) tellFact(d *delta, derived bool) {
	e := Event{Kind: FactChanged}
	switch {
	case !d.was:
		e.Kind = FactAdded
	case !d.is:
		e.Kind = FactRemoved
	}
	if d.was {
		e.Old = Fact{s.store.makeVersion(d.fact, s.store.before(&d.touch), d.state.has(shownDerived))}
	}
	if d.is {
		e.Fact = Fact{s.store.version(d.fact)}
	}
	s.cfg.Listener.Event(e)
}

// noteChange makes a fact the youngest.
func (s *Session) noteChange(id factID) {
	s.changes++
	s.changedAt(id, s.changes)
}

// changedAt notes when a fact changed.
func (s *Session) changedAt(id factID, when uint64) {
	for int(id) >= len(s.lastChange) {
		s.lastChange = append(s.lastChange, make([]uint64, max(64, len(s.lastChange)))...)
	}
	s.lastChange[id] = when
}

// age tells when a fact last changed: a larger number is later.
func (s *Session) age(id factID) uint64 { return s.lastChange[id] }

// tellMatches tells of matches in an order that does not depend on the network's.
func (s *Session) tellMatches(kind EventKind, list []matchID) {
	if s.cfg.Listener == nil {
		return
	}
	slices.SortFunc(list, s.net.byProduction)
	for _, id := range list {
		m := s.net.matches.at(id)
		e := s.net.endOf(m)
		s.cfg.Listener.Event(Event{Kind: kind, Production: e.prog.ID, Bind: e.bindings(m.token)})
	}
}
