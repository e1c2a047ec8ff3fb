package rete

// gate lets a token through while nothing blocks it, or with exists while
// something does. Negations of both kinds keep one token for each token from above,
// its owner token, and one below it in out as long as the gate is open.
//
// A gate that loses its last match changes only at the end of the wave of changes
// (see network.release): facts that come in the same wave may match again, and
// what it would have let through need never exist.
//
// Both kinds of negation are built on it: the negative node of CMU-CS-95-113,
// section 2.7, counts facts, and the negated conjunction of section 2.8 counts
// matches of its sub-network. What differs is who counts.
type gate struct {
	net    *network
	own    *memory // owner tokens
	out    *memory
	exists bool
	hinge  *hinge // of a negation of a single pattern
}

// ownerID numbers the state of an owner token.
type ownerID uint32

// owner is the state of an owner token.
type owner struct {
	matches int32
	block   blockID // of a negative node: the fact that matches
	through tokenID // in out, while the gate is open
	queued  bool    // in network.freed

	settling bool
}

// newGate makes the memories of a negation below one memory.
func newGate(in *memory, exists bool) *gate {
	g := &gate{net: in.net, own: in.net.newMemory(in.depth + 1), out: in.net.newMemory(in.depth + 2), exists: exists}
	g.own.gate = g
	return g
}

// newOwner makes the state of an owner token.
func (n *network) newOwner() uint32 {
	id, _ := n.owners.alloc()
	return uint32(id)
}

// dropOwner forgets it, and takes its block out of the fact that made it.
func (n *network) dropOwner(extra uint32) {
	if b := n.owners.at(ownerID(extra)).block; b != 0 {
		n.unhookBlock(b)
		n.blocks.release(b)
	}
	n.owners.release(ownerID(extra))
}

// owner is the state of an owner token.
func (n *network) owner(t tokenID) *owner { return n.owners.at(ownerID(n.tokens.at(t).extra)) }

// settle opens or shuts the gate as the matches say. A negation of a single pattern
// looks for another fact first, if it lost its own.
func (g *gate) settle(t tokenID) {
	o := g.net.owner(t)
	if g.hinge != nil && o.matches == 0 && g.hinge.right.size > 0 {
		o.settling = true // the gate changes once, below
		g.hinge.eachFact(t)
		o.settling = false
	}
	open := (o.matches > 0) == g.exists
	switch {
	case open && o.through == 0:
		o.through = g.out.add(t, 0, 0, 0)
	case !open && o.through != 0:
		through := o.through
		o.through = 0
		g.net.drop(through)
	}
}

// count counts one more match; the first changes the gate.
func (g *gate) count(t tokenID) {
	o := g.net.owner(t)
	if o.matches++; o.matches > 1 || o.settling {
		return
	}
	g.settle(t)
}

// ease counts one match less.
func (g *gate) ease(t tokenID) {
	if g.net.tokens.at(t).dead {
		return
	}
	o := g.net.owner(t)
	if o.matches--; o.matches == 0 && !o.queued {
		o.queued = true
		g.net.freed = append(g.net.freed, t)
	}
}

// blockID numbers a block.
type blockID uint32

// block is the fact that matches for one gate.
//
// It hangs on both sides, so that it goes with the fact and with the token in
// constant time: the negative join result of section 2.7. There every fact that
// matches is kept; here one is, as a witness, and another is looked for when it
// goes: whether a second one matches is asked only then.
type block struct {
	owner      tokenID
	item       itemID
	next, prev blockID // of the fact's item
}

// block notes that a fact matches for an owner token.
func (n *network) block(t tokenID, item itemID) {
	id, b := n.blocks.alloc()
	i, o := n.items.at(item), n.owner(t)
	*b = block{owner: t, item: item, next: i.blocks}
	if i.blocks != 0 {
		n.blocks.at(i.blocks).prev = id
	}
	i.blocks, o.block = id, id
}

// unhookBlock takes a block out of the list of its fact.
func (n *network) unhookBlock(id blockID) {
	b := n.blocks.at(id)
	if b.next != 0 {
		n.blocks.at(b.next).prev = b.prev
	}
	if b.prev != 0 {
		n.blocks.at(b.prev).next = b.next
	} else {
		n.items.at(b.item).blocks = b.next
	}
}

// lift takes a block away whose fact goes.
func (n *network) lift(id blockID) {
	n.unhookBlock(id)
	owner := n.blocks.at(id).owner
	n.owner(owner).block = 0
	n.blocks.release(id)
	n.memories.at(n.tokens.at(owner).memory).gate.ease(owner)
}

// negSpec is a negation, or an existence, of a single pattern.
type negSpec struct {
	joinSpec
	exists bool
}

// negativeNode lets a token through while no fact goes with it.
type negativeNode struct {
	part
	hinge hinge
	gate  *gate
}

// attach implements [step]. The hinge joins the owner tokens, not those above: a
// fact that comes later must find the gates that it shuts.
func (s *negSpec) attach(b *builder, in *memory) *memory {
	n := in.join(b, s.signature(), func(p part) (node, *part) {
		n := &negativeNode{part: p, gate: newGate(in, s.exists)}
		n.node = n
		n.hinge.hang(&n.part, &s.joinSpec, n.gate.own, n)
		n.hinge.patient, n.gate.hinge = true, &n.hinge
		return n, &n.part
	}).(*negativeNode)
	return b.took(n.hinge.right, s.reads, n.gate.out)
}

func (s *negSpec) signature() string { return gateName(s.exists) + s.sig }

// gateName begins the signature of a gate.
func gateName(exists bool) string {
	if exists {
		return "exists "
	}
	return "not "
}

// leftAdd implements [node].
func (n *negativeNode) leftAdd(t tokenID) {
	o := n.gate.own.add(t, 0, 0, 0)
	n.hinge.hears(o)
	n.gate.settle(o)
}

// pair lets the fact be the owner's witness, if it has none and the tests that no
// index can decide hold.
func (n *negativeNode) pair(o tokenID, id itemID) (enough bool) {
	net := n.hinge.net
	if net.owner(o).block != 0 {
		return true
	}
	if !n.hinge.passes(o, net.items.at(id).fact) {
		return false
	}
	net.block(o, id)
	n.gate.count(o)
	return true
}

// detach drops the owner tokens, and with them what they let through.
func (n *negativeNode) detach() {
	n.gate.own.clear()
	n.hinge.close()
	n.gate.out.close()
	n.gate.own.close()
	n.in.leave(&n.part)
}
