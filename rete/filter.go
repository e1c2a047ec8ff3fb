package rete

import "encoding/binary"

// whereSpec is a condition over what is bound.
type whereSpec struct{ call call }

// whereNode lets the tokens through for which the condition holds.
type whereNode struct {
	part
	call *call
	out  *memory
	due  due
}

// attach implements [step].
func (s *whereSpec) attach(b *builder, in *memory) *memory {
	return in.join(b, s.signature(), func(p part) (node, *part) {
		n := &whereNode{part: p, call: &s.call, out: in.net.newMemory(in.depth + 1)}
		n.due.known = n.call.until()
		n.node = n
		in.net.watch(n, n.call)
		return n, &n.part
	}).(*whereNode).out
}

func (s *whereSpec) signature() string { return "where " + s.call.sig }

// holds runs the condition; one that fails does not hold.
func (n *whereNode) holds(t tokenID) bool {
	n.work.Tests++
	ok := n.in.net.passes(&n.tally, n.call, t, 0, 0)
	n.due.note(n.in.net, n.call, uint32(t))
	return ok
}

// leftAdd implements [node]. The token that passes gets one of its own in out:
// every node fills a memory of its own, so that nodes below need not know which
// kind is above.
func (n *whereNode) leftAdd(t tokenID) {
	if n.holds(t) {
		n.work.Tokens++
		n.out.add(t, 0, 0, 0)
	}
}

// retime evaluates the condition again for the tokens that are due.
func (n *whereNode) retime() {
	n.in.eachDue(&n.due, func(t tokenID) {
		below := n.in.net.kidIn(t, n.out)
		switch holds := n.holds(t); {
		case holds && below == 0:
			n.out.add(t, 0, 0, 0)
		case !holds && below != 0:
			n.in.net.drop(below)
		}
	})
}

// detach drops what passed.
func (n *whereNode) detach() {
	n.out.close()
	n.in.net.unwatch(n, n.call)
	n.in.leave(&n.part)
}

// havingSpec tests something bound with tests that are data.
type havingSpec struct {
	tests []havingTest
	sig   string
}

// havingTest compares what a reference names with a constant or another reference.
type havingTest struct {
	op    op
	left  ref
	right ref // of a join
	value *alphaTest
	label string
}

// sign names the tests.
func (s *havingSpec) sign() {
	buf := []byte("having ")
	for _, t := range s.tests {
		buf = appendTest(buf, t.op, t.left.field, t.left)
		if t.value != nil {
			buf = append(binary.AppendUvarint(buf, uint64(len(t.value.sig))), t.value.sig...)
			continue
		}
		buf = appendTest(buf, t.op, 0, t.right)
	}
	s.sig = string(buf)
}

// havingNode lets the tokens through for which the tests hold.
type havingNode struct {
	part
	spec  *havingSpec
	tests []constTest
	out   *memory
}

// attach implements [step].
func (s *havingSpec) attach(b *builder, in *memory) *memory {
	return in.join(b, s.sig, func(p part) (node, *part) {
		n := &havingNode{part: p, spec: s, out: in.net.newMemory(in.depth + 1)}
		for i := range s.tests {
			n.tests = append(n.tests, constTests(&in.net.store.syms, &alphaSpec{tests: s.constant(i)})...)
		}
		n.node = n
		in.net.consts[n] = n.tests
		return n, &n.part
	}).(*havingNode).out
}

// constant is the i-th test as one on a fact would be, with a place holder for a
// join.
func (s *havingSpec) constant(i int) []alphaTest {
	if s.tests[i].value == nil {
		return []alphaTest{{op: opFunc}}
	}
	return []alphaTest{*s.tests[i].value}
}

func (s *havingSpec) signature() string { return s.sig }

// holds runs the tests in order up to the first that fails.
func (n *havingNode) holds(t tokenID) bool {
	net := n.in.net
	n.work.Tests++
	for i := range n.spec.tests {
		h := &n.spec.tests[i]
		var ok bool
		var err error
		switch left := net.read(h.left, t); {
		case h.value == nil:
			ok, err = net.store.syms.holds(h.op.plain(), left, net.read(h.right, t))
		default:
			ok, err = net.store.syms.test(&n.tests[i], left)
		}
		if err != nil {
			net.noteAt(&n.tally, h.label, err)
		}
		if !ok || err != nil {
			return false
		}
	}
	return true
}

// leftAdd implements [node].
func (n *havingNode) leftAdd(t tokenID) {
	if n.holds(t) {
		n.work.Tokens++
		n.out.add(t, 0, 0, 0)
	}
}

// detach drops what passed.
func (n *havingNode) detach() {
	n.out.close()
	delete(n.in.net.consts, n)
	n.in.leave(&n.part)
}

// letSpec names a computed value.
type letSpec struct{ call call }

// letNode extends each token by a value; a token without one does not pass.
type letNode struct {
	part
	call *call
	out  *memory
	due  due
}

// attach implements [step].
func (s *letSpec) attach(b *builder, in *memory) *memory {
	return in.join(b, s.signature(), func(p part) (node, *part) {
		n := &letNode{part: p, call: &s.call, out: in.net.newMemory(in.depth + 1)}
		n.due.known = n.call.until()
		n.node = n
		in.net.watch(n, n.call)
		return n, &n.part
	}).(*letNode).out
}

func (s *letSpec) signature() string { return "let " + s.call.sig }

// leftAdd implements [node].
func (n *letNode) leftAdd(t tokenID) {
	n.work.Tests++
	if v, ok := n.compute(t); ok {
		n.work.Tokens++
		n.out.add(t, 0, 0, v)
	}
}

// compute gives the value of a token.
func (n *letNode) compute(t tokenID) (symbol, bool) {
	v, ok := n.in.net.value(&n.tally, n.call, t)
	n.due.note(n.in.net, n.call, uint32(t))
	return v, ok
}

// retime computes the value again for the tokens that are due.
func (n *letNode) retime() {
	net := n.in.net
	n.in.eachDue(&n.due, func(t tokenID) {
		below := net.kidIn(t, n.out)
		v, ok := n.compute(t)
		if below != 0 && ok && net.store.syms.identical(v, net.tokens.at(below).value) {
			return
		}
		if below != 0 {
			net.drop(below)
		}
		if ok {
			n.out.add(t, 0, 0, v)
		}
	})
}

// detach drops the values.
func (n *letNode) detach() {
	n.out.close()
	n.in.net.unwatch(n, n.call)
	n.in.leave(&n.part)
}

// each calls f for every token; f may drop what is below the token.
func (m *memory) each(f func(tokenID)) {
	for t := m.head; t != 0; {
		next := m.net.tokens.at(t).mate
		f(t)
		t = next
	}
}

// kidIn is the token's child in a memory, if there is one.
func (n *network) kidIn(t tokenID, m *memory) tokenID {
	kid := n.tokens.at(t).kids
	for kid != 0 && n.tokens.at(kid).memory != m.id {
		kid = n.tokens.at(kid).kin
	}
	return kid
}
