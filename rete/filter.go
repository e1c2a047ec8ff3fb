package rete

import "fmt"

// whereSpec is a condition over what is bound.
type whereSpec struct{ call call }

// whereNode lets the tokens through for which the condition holds.
type whereNode struct {
	part
	call call
	out  *memory
}

// attach implements [step].
func (s *whereSpec) attach(b *builder, in *memory) *memory {
	n := in.join(s.signature(), func(p part) node {
		n := &whereNode{part: p, call: s.call, out: in.net.newMemory()}
		in.net.watch(n, s.call)
		return n
	}).(*whereNode)
	b.parts = append(b.parts, n)
	return n.out
}

func (s *whereSpec) signature() string { return "where " + s.call.sig }

// holds runs the condition; one that fails does not hold.
func (n *whereNode) holds(t *token) bool {
	return n.out.net.passes(&n.tally, &n.call, t, nil, 0)
}

// leftAdd implements [node]. The token that passes gets one of its own in out:
// every node fills a memory of its own, so that nodes below need not know which
// kind is above.
func (n *whereNode) leftAdd(t *token) {
	if n.holds(t) {
		n.out.add(t, nil, nil)
	}
}

// retime evaluates the condition again for every token.
func (n *whereNode) retime() {
	n.in.tokens.each(func(t *token) {
		below := t.kidIn(n.out)
		switch holds := n.holds(t); {
		case holds && below == nil:
			n.out.add(t, nil, nil)
		case !holds && below != nil:
			below.drop()
		}
	})
}

// detach drops what passed.
func (n *whereNode) detach() {
	n.out.clear()
	n.out.net.unwatch(n, n.call)
	n.in.leave(n, n.sig)
}

// letSpec names a computed value.
type letSpec struct{ call call }

// letNode extends each token by a value; a token without one does not pass.
type letNode struct {
	part
	call call
	out  *memory
}

// attach implements [step].
func (s *letSpec) attach(b *builder, in *memory) *memory {
	n := in.join(s.signature(), func(p part) node {
		n := &letNode{part: p, call: s.call, out: in.net.newMemory()}
		in.net.watch(n, s.call)
		return n
	}).(*letNode)
	b.parts = append(b.parts, n)
	return n.out
}

func (s *letSpec) signature() string { return fmt.Sprintf("let %s", s.call.sig) }

// leftAdd implements [node].
func (n *letNode) leftAdd(t *token) {
	if v, ok := n.out.net.value(&n.tally, &n.call, t); ok {
		n.out.add(t, nil, v)
	}
}

// retime computes the value again for every token.
func (n *letNode) retime() {
	n.in.tokens.each(func(t *token) {
		below := t.kidIn(n.out)
		v, ok := n.out.net.value(&n.tally, &n.call, t)
		if below != nil && ok && identical(v, below.value) {
			return
		}
		if below != nil {
			below.drop()
		}
		if ok {
			n.out.add(t, nil, v)
		}
	})
}

// detach drops the values.
func (n *letNode) detach() {
	n.out.clear()
	n.out.net.unwatch(n, n.call)
	n.in.leave(n, n.sig)
}

// kidIn is the token's child in a memory, if there is one.
func (t *token) kidIn(m *memory) *token {
	for l := t.kids.head; l != nil; l = l.next {
		if l.item.mem == m {
			return l.item
		}
	}
	return nil
}
