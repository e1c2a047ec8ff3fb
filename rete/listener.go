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

// tell tells the listener, if there is one.
func (s *Session) tell(e Event) {
	if s.cfg.Listener != nil {
		s.cfg.Listener.Event(e)
	}
}

// tellFacts counts and tells the net changes of a wave.
func (s *Session) tellFacts(deltas []delta) {
	for _, d := range deltas {
		e := Event{Fact: Fact{d.new}, Old: Fact{d.old}}
		switch {
		case d.old == nil:
			e.Kind = FactAdded
		case d.new == nil:
			e.Kind = FactRemoved
		default:
			e.Kind = FactChanged
		}
		before, after := e.Old.Derived(), e.Fact.Derived()
		if after && d.old == nil {
			s.report.Derived++
		}
		if before && d.new == nil {
			s.report.Withdrawn++
		}
		s.tell(e)
	}
}

// tellMatches tells of matches in an order that does not depend on the network's.
func (s *Session) tellMatches(kind EventKind, list []*match) {
	if s.cfg.Listener == nil {
		return
	}
	slices.SortFunc(list, byProduction)
	for _, m := range list {
		s.tell(Event{Kind: kind, Production: m.node.prog.ID, Bind: m.bindings()})
	}
}
