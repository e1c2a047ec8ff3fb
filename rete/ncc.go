package rete

// nccSpec is a negated conjunction, or the existence of one: several elements, or
// one that is no pattern, in each of the ways that a disjunction inside gives.
type nccSpec struct {
	chains [][]step
	depth  int // of the owner token
	exists bool
	sig    string
}

// newNccSpec names the negation by what is inside of it.
func newNccSpec(chains [][]step, depth int, exists bool) *nccSpec {
	return &nccSpec{chains: chains, depth: depth, exists: exists, sig: gateName(exists) + "(" + chainSigs(chains) + ")"}
}

// nccNode lets a token through while the sub-network below its owner token holds
// no complete match. The sub-network starts at the owner tokens themselves, not
// at the memory above: its results are there before the gate is first settled,
// whatever the order in which nodes are visited.
//
// Doorenbos's node has a partner at the end of the sub-network and a buffer of
// results that wait for their owner (CMU-CS-95-113, section 2.8), because there the
// order of the two paths is not sure. Here the sub-network hangs below the owner
// token, so that a result finds its owner by going up its own chain.
type nccNode struct {
	part
	gate *gate
	subs []*memory // where the sub-network ends
}

// attach implements [step]. The parts of the sub-network are counted for the
// production like any others, so that each goes with its last user.
func (s *nccSpec) attach(b *builder, in *memory) *memory {
	fresh := false
	n := in.join(b, s.sig, func(p part) (node, *part) {
		fresh = true
		n := &nccNode{part: p, gate: newGate(in, s.exists)}
		n.node = n
		return n, &n.part
	}).(*nccNode)
	for _, chain := range s.chains {
		mem := n.gate.own
		for _, step := range chain {
			mem = step.attach(b, mem)
		}
		if fresh {
			n.watch(mem)
		}
	}
	return n.gate.out
}

func (s *nccSpec) signature() string { return s.sig }

// watch counts the complete matches of a sub-network.
func (n *nccNode) watch(mem *memory) {
	e := &nccEnd{gate: n.gate, levels: mem.depth - n.gate.own.depth}
	n.subs = append(n.subs, mem)
	mem.ends = append(mem.ends, e)
	for t := mem.head; t != 0; t = mem.net.tokens.at(t).mate {
		e.added(t)
	}
}

// leftAdd implements [node]. Adding the owner token runs the sub-network; only
// then does the gate look whether anything matched.
func (n *nccNode) leftAdd(t tokenID) {
	n.gate.settle(n.gate.own.add(t, 0, 0, 0))
}

// detach comes last, when the parts of the sub-network are gone: its owner tokens
// are above them.
func (n *nccNode) detach() {
	n.gate.own.clear()
	n.gate.out.close()
	n.gate.own.close()
	n.in.leave(&n.part)
}

// nccEnd counts the complete matches of a sub-network for their owners.
type nccEnd struct {
	gate   *gate
	levels int32
}

// added implements [end].
func (e *nccEnd) added(t tokenID) { e.gate.count(e.gate.net.up(t, e.levels)) }

// dropped implements [end].
func (e *nccEnd) dropped(t tokenID) { e.gate.ease(e.gate.net.up(t, e.levels)) }
