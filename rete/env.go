package rete

import (
	"fmt"
	"time"
)

// call is a compiled function: where in a token's chain the names that it reads
// are bound.
type call struct {
	fn    *Func
	names []name
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
	tok       *token
	candidate *entry
	depth     int // of the candidate
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
	if e.candidate != nil && n.depth == e.depth {
		return Fact{e.candidate.shown}, true
	}
	return Fact{e.tok.at(n.depth).fact.shown}, true
}

// Value implements [Env].
func (e *env) Value(text string) (any, bool) {
	n, ok := e.find(text, true)
	if !ok {
		return nil, false
	}
	return e.tok.at(n.depth).value, true
}

// Now implements [Env].
func (e *env) Now() time.Time { return e.net.now }

// passes runs a condition; what it fails with is noted and no match.
func (n *network) passes(notes *tally, c *call, t *token, candidate *entry, depth int) bool {
	n.env = env{n, c, t, candidate, depth}
	ok, err := c.fn.Test(&n.env)
	if err != nil {
		n.note(notes, c.fn.Label, err)
		return false
	}
	return ok
}

// passAll runs conditions in order up to the first that fails.
func (n *network) passAll(notes *tally, calls []call, t *token, candidate *entry, depth int) bool {
	for i := range calls {
		if !n.passes(notes, &calls[i], t, candidate, depth) {
			return false
		}
	}
	return true
}

// value computes what a Let names, normalised like a field's value.
func (n *network) value(notes *tally, c *call, t *token) (any, bool) {
	n.env = env{n, c, t, nil, 0}
	v, err := c.fn.Value(&n.env)
	if err == nil {
		v, err = normalise(v)
	}
	if err == nil && v == Absent {
		err = ErrAbsent
	}
	if err != nil {
		n.note(notes, c.fn.Label, err)
		return nil, false
	}
	return v, true
}

// sign names a function so that two are taken for one only when label, reads and
// places agree.
func (c *call) sign() {
	c.sig = fmt.Sprintf("%q %v %v %v", c.fn.Label, c.fn.Reads, c.names, c.fn.Timed)
}

func (c call) signature() string { return c.sig }
