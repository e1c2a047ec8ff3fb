package rete

import (
	"iter"
	"slices"
)

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

// Matches gives the live matches of a production in the order of their facts.
func (s *Session) Matches(production string) iter.Seq[Matched] {
	p := s.nodes[production]
	if p == nil {
		return func(func(Matched) bool) {}
	}
	return s.matchSeq(p, s.listOf(p))
}

// matchSeq gives matches of a production in order, but those that go while the
// caller looks at others.
func (s *Session) matchSeq(p *prodNode, list []matchID) iter.Seq[Matched] {
	slices.SortFunc(list, s.net.byProduction)
	return func(yield func(Matched) bool) {
		for _, id := range list {
			m := s.net.matches.at(id)
			there := m.end != 0 && m.state.has(listed) && s.net.endOf(m).node == p
			if there && !yield(s.matched(id)) {
				return
			}
		}
	}
}

// listOf are the live matches of a production.
func (s *Session) listOf(p *prodNode) []matchID {
	list := make([]matchID, 0, p.size)
	for id := p.head; id != 0; id = s.net.matches.at(id).next {
		list = append(list, id)
	}
	return list
}

// matched copies a match for those outside.
func (s *Session) matched(id matchID) Matched {
	m := s.net.matches.at(id)
	e := s.net.endOf(m)
	return Matched{
		Production: e.prog.ID, Bind: e.bindings(m.token), Facts: e.factList(m.token),
		Values: e.values(m.token), Fired: m.state.has(fired),
	}
}

// Supports gives all live supports of a fact, the best first: the one whose
// values the fact shows unless it is stated.
func (s *Session) Supports(h Handle) []Support {
	var list []Support
	for _, sup := range s.store.grounds[s.store.find(h)].ranking(s) {
		list = append(list, s.support(sup))
	}
	return list
}

// support copies a support for those outside.
func (s *Session) support(sup *support) Support {
	e := sup.by.end
	t := s.net.matches.at(sup.by.match).token
	return Support{
		Production: e.prog.ID, Priority: e.prog.Priority, Bind: e.bindings(t),
		Facts: e.factList(t), Values: s.store.fields(s.store.tableOf(sup.fact).typ, sup.values),
	}
}

// Why explains a fact as a tree of supports; nil if there is no such fact.
//
// The walk is breadth first and from a list: a chain of derivations may be longer
// than any stack, and a fact that many others rest on is explained once.
func (s *Session) Why(h Handle) *Justification {
	root := s.store.find(h)
	if root == 0 {
		return nil
	}
	why := map[factID]*Justification{}
	var todo []factID
	explain := func(id factID) *Justification {
		j := &Justification{Fact: Fact{s.store.version(id)}, Stated: s.store.facts.at(id).state.has(stated), Again: why[id] != nil}
		if !j.Again {
			why[id] = j
			todo = append(todo, id)
		}
		return j
	}
	tree := explain(root)
	for i := 0; i < len(todo); i++ {
		for _, sup := range s.store.grounds[todo[i]].ranking(s) {
			r := Reason{Support: s.support(sup)}
			for _, f := range sup.by.facts {
				r.Because = append(r.Because, explain(f))
			}
			why[todo[i]].Reasons = append(why[todo[i]].Reasons, r)
		}
	}
	return tree
}
