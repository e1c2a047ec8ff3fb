package rete

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
