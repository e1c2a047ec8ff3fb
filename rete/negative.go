package rete

// gate lets a token through while nothing blocks it. Negations of both kinds
// keep one token for each token from above, its owner token, and one below it
// in out as long as the gate is open.
//
// A gate that loses its last blocker opens only at the end of the wave of
// changes (see network.release): facts that come in the same wave may block it
// again, and what it would have let through need never exist.
//
// Both kinds of negation are built on it: the negative node of CMU-CS-95-113,
// section 2.7, counts facts, and the negated conjunction of section 2.8 counts
// matches of its sub-network. What differs is who shuts the gate.
type gate struct {
	net *network
	own *memory // owner tokens
	out *memory
}

// owner is the state of an owner token.
type owner struct {
	gate     *gate
	blockers int
	blocks   bag[*block] // of a negative node: one for each fact that blocks
	through  *token      // in out, while the gate is open
}

// newGate makes the memories of a negation below one memory.
func newGate(net *network) *gate {
	g := &gate{net: net, own: net.newMemory(), out: net.newMemory()}
	g.own.gate = g
	return g
}

// open lets the owner token through if nothing blocks it and it is not through
// already.
func (g *gate) open(o *token) {
	if o.owner.blockers == 0 && o.owner.through == nil {
		o.owner.through = g.out.add(o, nil, nil)
	}
}

// shut counts one more blocker.
func (g *gate) shut(o *token) {
	o.owner.blockers++
	if t := o.owner.through; t != nil {
		o.owner.through = nil
		t.drop()
	}
}

// ease counts one blocker less.
func (g *gate) ease(o *token) {
	if o.dead {
		return
	}
	if o.owner.blockers--; o.owner.blockers == 0 {
		g.net.freed = append(g.net.freed, o)
	}
}

// block is one fact that keeps one gate shut.
//
// It hangs on both sides, so that it goes with the fact and with the token in
// constant time: the negative join result of section 2.7.
type block struct {
	owner *token
	place *link[*block] // among the blocks of the fact's alpha item
	kin   *link[*block] // among the owner's
}

// lift is called when the fact goes.
func (b *block) lift() {
	b.place.remove()
	b.kin.remove()
	b.owner.owner.gate.ease(b.owner)
}

// negSpec is a negation of a single pattern.
type negSpec struct{ joinSpec }

// negativeNode lets a token through while no fact goes with it.
type negativeNode struct {
	part
	hinge
	gate *gate
}

// attach implements [step]. The hinge joins the owner tokens, not those above: a
// fact that comes later must find the gates that it shuts.
func (s *negSpec) attach(b *builder, in *memory) *memory {
	n := in.join(s.signature(), func(p part) node {
		g := newGate(in.net)
		n := &negativeNode{part: p, gate: g, hinge: newHinge(&s.joinSpec, g.own)}
		n.right.joins = append(n.right.joins, n)
		g.own.forget = n.forget
		return n
	}).(*negativeNode)
	return b.took(n, n.right, *s.reads, n.gate.out)
}

func (s *negSpec) signature() string { return "not " + s.sig }

// leftAdd implements [node].
func (n *negativeNode) leftAdd(t *token) {
	o := n.gate.own.add(t, nil, nil)
	n.facts(o, &n.tally).each(func(item *alphaItem) { n.try(o, item) })
	n.gate.open(o)
}

// rightAdd implements [rightNode].
func (n *negativeNode) rightAdd(item *alphaItem) {
	n.tokens(item).each(func(o *token) { n.try(o, item) })
}

// try lets the fact block the gate if the tests that no index can decide hold.
func (n *negativeNode) try(o *token, item *alphaItem) {
	if !n.net.passAll(&n.tally, n.spec.checks, o, item.entry, n.spec.depth) {
		return
	}
	b := &block{owner: o}
	b.place = item.blocks.add(b)
	b.kin = o.owner.blocks.add(b)
	n.gate.shut(o)
}

// forget takes an owner token's blocks out of the facts that made them.
func (n *negativeNode) forget(o *token) {
	o.owner.blocks.each(func(b *block) { b.place.remove() })
}

// detach drops the owner tokens, and with them what they let through.
func (n *negativeNode) detach() {
	n.gate.own.clear()
	n.close(n)
	n.in.leave(n, n.sig)
}
