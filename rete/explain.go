package rete

// Matched is one live match of a production.
type Matched struct {
	Production string
	Bind       Bind
	Facts      []Fact         // the facts of its patterns, in the order of When
	Values     map[string]any // what Let named
	Fired      bool           // false while it waits on the agenda
}

// Support is one reason of a derived fact: the match, and the values it gave.
type Support struct {
	Production string
	Priority   int
	Bind       Bind
	Facts      []Fact
	Values     Fields
}

// Justification says why a fact stands.
type Justification struct {
	Fact   Fact
	Stated bool
	// Again marks a fact that the tree explains elsewhere; its Reasons are there.
	Again   bool
	Reasons []Reason
}

// Reason is one support of a fact with the justification of what it rests on.
type Reason struct {
	Support
	Because []*Justification
}

// Supports gives all live supports of a fact, the best first: the one whose
// values the fact shows unless it is stated.
func (s *Session) Supports(h Handle) []Support { return nil }

// Why explains a fact as a tree of supports; nil if there is no such fact.
func (s *Session) Why(h Handle) *Justification { return nil }
