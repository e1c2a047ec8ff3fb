package rete

import (
	"encoding/binary"
	"fmt"
	"time"
)

// call is a compiled function: where in a token's chain the names that it reads
// are bound.
type call struct {
	fn    *Func
	names []name
	plain *ref // what [Read] reads
	sig   string
}

// name is one name that a function sees.
type name struct {
	text  string
	depth int
	value bool // bound by Let
}

// env is what a function sees: a chain of tokens and, in a test inside a
// pattern, the fact that is tried.
//
// There is one for the whole network, filled anew for each call: a function runs to
// its end before the next begins, and an allocation for each test would be most of
// the cost of matching.
type env struct {
	net       *network
	call      *call
	tok       tokenID
	candidate factID
	depth     int  // of the candidate
	alone     bool // there is nothing but the candidate
}

var _ Env = (*env)(nil)

// find looks a name up among those that the function reads. They are so few that
// a map would be slower.
func (e *env) find(text string, value bool) (name, bool) {
	for _, n := range e.call.names {
		if n.text == text && n.value == value {
			return n, true
		}
	}
	return name{}, false
}

// Fact implements [Env].
func (e *env) Fact(text string) (Fact, bool) {
	n, ok := e.find(text, false)
	if !ok {
		return Fact{}, false
	}
	if e.alone || e.candidate != 0 && n.depth == e.depth {
		return Fact{e.net.store.version(e.candidate)}, true
	}
	return Fact{e.net.store.version(e.net.tokens.at(e.net.at(e.tok, n.depth)).fact)}, true
}

// Value implements [Env].
func (e *env) Value(text string) (any, bool) {
	n, ok := e.find(text, true)
	if !ok {
		return nil, false
	}
	return e.net.store.syms.value(e.net.tokens.at(e.net.at(e.tok, n.depth)).value), true
}

// Now implements [Env].
func (e *env) Now() time.Time { return e.net.now }

// passes runs a condition; what it fails with is noted and no match.
func (n *network) passes(notes **tally, c *call, t tokenID, candidate factID, depth int) bool {
	n.env = env{net: n, call: c, tok: t, candidate: candidate, depth: depth}
	ok, err := c.fn.Test(&n.env)
	if err != nil {
		n.noteAt(notes, c.fn.Label, err)
		return false
	}
	return ok
}

// passAll runs conditions in order up to the first that fails.
func (n *network) passAll(notes **tally, calls []call, t tokenID, candidate factID, depth int) bool {
	for i := range calls {
		if !n.passes(notes, &calls[i], t, candidate, depth) {
			return false
		}
	}
	return true
}

// value computes what a function gives for a token, normalised like a field's
// value.
func (n *network) value(notes **tally, c *call, t tokenID) (symbol, bool) {
	if c.plain != nil {
		sym := n.read(*c.plain, t)
		if sym == symAbsent {
			n.noteAt(notes, c.fn.Label, ErrAbsent)
		}
		return sym, sym != symAbsent
	}
	n.env = env{net: n, call: c, tok: t}
	v, err := c.fn.Value(&n.env)
	if err == nil {
		v, err = normalise(v)
	}
	if err == nil && v == Absent {
		err = ErrAbsent
	}
	if err != nil {
		n.noteAt(notes, c.fn.Label, err)
		return symAbsent, false
	}
	return n.store.syms.intern(v), true
}

// until tells whether the function says when its result may change.
func (c *call) until() bool { return c.fn.Timed && c.fn.Until != nil }

// sign names a function so that two are taken for one only when label, reads and
// places agree.
func (c *call) sign() {
	buf := binary.AppendUvarint(nil, uint64(len(c.fn.Label)))
	buf = append(buf, c.fn.Label...)
	for _, r := range c.fn.Reads {
		buf = append(append(append(append(buf, r.Name...), 0), r.Field...), 0)
	}
	buf = append(buf, 0)
	for _, n := range c.names {
		buf = binary.AppendUvarint(append(append(buf, n.text...), 0), uint64(n.depth)<<1)
	}
	buf = fmt.Append(buf, c.fn.Timed)
	c.sig = string(buf)
}
