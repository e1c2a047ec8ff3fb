package rete

import "fmt"

// nccSpec is a negated conjunction: several elements, or one that is no pattern.
type nccSpec struct {
	steps []step
	depth int // of the owner token
	sig   string
}

// newNccSpec names the negation by what is inside of it.
func newNccSpec(steps []step, depth int) *nccSpec {
	s := &nccSpec{steps: steps, depth: depth}
	s.sig = fmt.Sprintf("not %q", signatures(steps))
	return s
}

// nccNode lets a token through while the sub-network below its owner token holds
// no complete match. The sub-network starts at the owner tokens themselves, not
// at the memory above: its results are there before the gate first opens,
// whatever the order in which nodes are visited.
//
// Doorenbos's node has a partner at the end of the sub-network and a buffer of
// results that wait for their owner (CMU-CS-95-113, section 2.8), because there the
// order of the two paths is not sure. Here the sub-network hangs below the owner
// token, so that a result finds its owner by going up its own chain.
type nccNode struct {
	part
	gate *gate
}

// attach implements [step]. The parts of the sub-network are counted for the
// production like any others, so that each goes with its last user.
func (s *nccSpec) attach(b *builder, in *memory) *memory {
	n := in.join(s.sig, func(p part) node {
		return &nccNode{part: p, gate: newGate(in.net)}
	}).(*nccNode)
	b.parts = append(b.parts, n)
	mem := n.gate.own
	for _, step := range s.steps {
		mem = step.attach(b, mem)
	}
	end := mem.join("ncc", func(p part) node {
		end := &nccEnd{part: p, gate: n.gate, depth: s.depth, results: in.net.newMemory()}
		end.results.forget = end.forget
		return end
	})
	b.parts = append(b.parts, end)
	return n.gate.out
}

func (s *nccSpec) signature() string { return s.sig }

// leftAdd implements [node]. Adding the owner token runs the sub-network; only
// then does the gate look whether anything blocks it.
func (n *nccNode) leftAdd(t *token) {
	n.gate.open(n.gate.own.add(t, nil, nil))
}

// detach comes last, when the parts of the sub-network are gone: its owner tokens
// are above them.
func (n *nccNode) detach() {
	n.gate.own.clear()
	n.in.leave(n, n.sig)
}

// nccEnd takes the complete matches of the sub-network and blocks their owners.
type nccEnd struct {
	part
	gate    *gate
	depth   int
	results *memory
}

// leftAdd implements [node]: one complete match more.
func (n *nccEnd) leftAdd(t *token) {
	n.results.add(t, nil, nil)
	n.gate.shut(t.at(n.depth))
}

// forget is told of each complete match that goes.
func (n *nccEnd) forget(result *token) { n.gate.ease(result.at(n.depth)) }

// detach takes the results back, which opens the gates; those that are going
// themselves do not mind.
func (n *nccEnd) detach() {
	n.results.clear()
	n.in.leave(n, n.sig)
}
