package rete

import (
	"iter"
	"maps"
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
	var list []*match
	if n := s.nodes[production]; n != nil {
		list = slices.SortedFunc(maps.Values(n.matches), byProduction)
	}
	return func(yield func(Matched) bool) {
		for _, m := range list {
			if m.token != nil && !yield(m.public()) {
				return
			}
		}
	}
}

// public copies the match for those outside.
func (m *match) public() Matched {
	return Matched{
		Production: m.node.prog.ID, Bind: m.bindings(), Facts: m.factList(),
		Values: m.values(), Fired: m.fired,
	}
}

// Supports gives all live supports of a fact, the best first: the one whose
// values the fact shows unless it is stated.
func (s *Session) Supports(h Handle) []Support {
	e := s.store.find(h)
	if e == nil {
		return nil
	}
	list := make([]Support, len(e.supports))
	for i, sup := range e.supports {
		list[i] = sup.public()
	}
	return list
}

// public copies the support for those outside.
func (sup *support) public() Support {
	p := sup.match.node.prog
	return Support{
		Production: p.ID, Priority: p.Priority, Bind: sup.match.bindings(),
		Facts: sup.match.factList(), Values: sup.entry.table.typ.fieldsOf(sup.values),
	}
}

// Why explains a fact as a tree of supports; nil if there is no such fact.
//
// The walk is breadth first and from a list: a chain of derivations may be longer
// than any stack, and a fact that many others rest on is explained once.
func (s *Session) Why(h Handle) *Justification {
	root := s.store.find(h)
	if root == nil {
		return nil
	}
	why := map[*entry]*Justification{}
	var todo []*entry
	explain := func(e *entry) *Justification {
		j := &Justification{Fact: Fact{e.cur}, Stated: e.stated != nil, Again: why[e] != nil}
		if !j.Again {
			why[e] = j
			todo = append(todo, e)
		}
		return j
	}
	tree := explain(root)
	for i := 0; i < len(todo); i++ {
		for _, sup := range todo[i].supports {
			r := Reason{Support: sup.public()}
			for _, e := range sup.match.facts {
				r.Because = append(r.Because, explain(e))
			}
			why[todo[i]].Reasons = append(why[todo[i]].Reasons, r)
		}
	}
	return tree
}
