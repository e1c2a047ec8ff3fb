package rete

import (
	"errors"
	"time"
)

// network is the matcher of one session. It knows facts by their shown state and
// tells which matches appeared and vanished; the session makes sense of that.
//
// Changes come in waves: a list of net changes of facts is applied, gates open, and
// the matches that appeared and vanished are read off. What follows from them, facts
// that fall, is the next wave (see Session.settle).
type network struct {
	now    time.Time
	top    *memory // holds the empty token
	roots  map[string]*alphaRoot
	facts  func(typ string) []*entry // the facts shown, for nodes that are new
	timed  []retimer
	freed  []*token // gates that may open at the end of the wave
	noted  []*tally
	env    env // of the function that runs
	nodes  int
	tokens int

	appeared []*token
	vanished []*match
}

// delta is the net change of one fact.
type delta struct {
	entry    *entry
	old, new *version // nil: not there
}

// retimer is a node with a function that looks at the clock.
type retimer interface{ retime() }

// newNetwork makes a network without productions. The empty token at the top is
// what the first element of every production extends.
func newNetwork(facts func(string) []*entry) *network {
	n := &network{roots: map[string]*alphaRoot{}, facts: facts}
	n.top = n.newMemory()
	n.top.add(nil, nil, nil)
	n.tokens = 0 // the empty token is part of no match
	return n
}

// newMemory makes a memory that is part of the network.
func (n *network) newMemory() *memory { return &memory{net: n} }

// root gives the entry for a type, which stays once it is there.
func (n *network) root(typ string) *alphaRoot {
	r := n.roots[typ]
	if r == nil {
		r = &alphaRoot{bySig: map[string]*alphaMemory{}, byField: map[int]map[key][]*alphaMemory{}}
		n.roots[typ] = r
	}
	return r
}

// apply brings a wave of net changes into the memories. Everything that leaves
// does so before anything comes, so that no token ever joins an old state of one
// fact with a new state of another.
func (n *network) apply(deltas []delta) {
	var left []*alphaItem
	changed := make([]fieldSet, len(deltas))
	for i, d := range deltas {
		if d.old != nil && d.new != nil {
			changed[i] = changes(d.old.values, d.new.values)
		}
		d.entry.shown = d.new
		left = d.entry.leave(changed[i], left)
	}
	for _, item := range left {
		item.drop()
	}
	for i, d := range deltas {
		if d.new != nil {
			n.enter(d, changed[i])
		}
	}
	n.release()
}

// leave takes the fact out of the memories that see the change: all of them when
// it goes.
func (e *entry) leave(changed fieldSet, left []*alphaItem) []*alphaItem {
	for i := len(e.items) - 1; i >= 0; i-- {
		item := e.items[i]
		if e.shown == nil || item.mem.mask.meets(changed) {
			item.unhook()
			left = append(left, item)
		}
	}
	return left
}

// enter takes the fact into the memories whose tests it now passes. A memory that
// does not see the change is as it was.
func (n *network) enter(d delta, changed fieldSet) {
	root := n.roots[d.entry.table.typ.Name]
	if root == nil {
		return
	}
	root.candidates(d.entry, func(mem *alphaMemory) {
		if d.old != nil && !mem.mask.meets(changed) {
			return
		}
		if mem.passes(d.entry) {
			mem.add(d.entry)
		}
	})
}

// release opens the gates that lost their last blocker and did not get another.
// What passes may shut gates further down, and so free others.
//
// Opening at once would be right in the end and wrong on the way: between the fact
// that goes and the one that comes, both in this wave, a match would exist that no
// state of the facts has.
func (n *network) release() {
	for len(n.freed) > 0 {
		freed := n.freed
		n.freed = nil
		for _, o := range freed {
			if !o.dead {
				o.owner.gate.open(o)
			}
		}
	}
}

// setClock evaluates everything again that looks at the clock.
func (n *network) setClock(now time.Time) {
	n.now = now
	for _, t := range n.timed {
		t.retime()
	}
	n.release()
}

// retime tries every fact of the type again.
func (m *alphaMemory) retime() {
	for _, e := range m.net.facts(m.spec.typ.Name) {
		item := e.itemIn(m)
		switch passes := m.passes(e); {
		case passes && item == nil:
			m.add(e)
		case !passes && item != nil:
			item.unhook()
			item.drop()
		}
	}
}

// itemIn is the membership of the fact in a memory; facts are in few.
func (e *entry) itemIn(m *alphaMemory) *alphaItem {
	for _, item := range e.items {
		if item.mem == m {
			return item
		}
	}
	return nil
}

// watch and unwatch keep the list of nodes that the clock concerns, in the order
// of creation: what is above comes first.
func (n *network) watch(r retimer, c call) {
	if c.fn.Timed {
		n.timed = append(n.timed, r)
	}
}

// unwatch forgets a node that goes.
func (n *network) unwatch(r retimer, c call) {
	if c.fn.Timed {
		n.timed = without(n.timed, r)
	}
}

// tally counts what goes wrong at one node. It is attributed to productions only
// when a report is made.
//
// A node does not know for whom it works: a failure in a shared node is one failure
// and is told of every production that uses the node. Counting there keeps the hot
// path free of names.
type tally struct {
	absent int
	failed []TestError
	noted  bool
}

// note counts a test or value that could not be computed.
func (n *network) note(t *tally, label string, err error) {
	if !t.noted {
		t.noted = true
		n.noted = append(n.noted, t)
	}
	if errors.Is(err, ErrAbsent) {
		t.absent++
		return
	}
	for i := range t.failed {
		if t.failed[i].Test == label && t.failed[i].Err.Error() == err.Error() {
			t.failed[i].Count++
			return
		}
	}
	t.failed = append(t.failed, TestError{Test: label, Count: 1, Err: err})
}
