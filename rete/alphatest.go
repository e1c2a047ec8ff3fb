package rete

import (
	"fmt"
	"slices"
	"strings"
)

// alphaTest is a condition on one fact alone.
//
// Tests that are data rather than functions can be compared, and so be sorted,
// shared and dispatched by hash. Whatever a rule's author writes as a function
// stands at the end of the list and runs last.
type alphaTest struct {
	op    op
	field int
	value any
	key   key
	never bool         // the constant is NaN: nothing equals it
	keys  map[key]bool // of In
	other int          // of a comparison of two fields of the fact
	call  *call
	label string
	sig   string
}

// alphaSpec is a type with tests, in an order that does not depend on how the
// production wrote them: equal specifications share one memory.
type alphaSpec struct {
	typ   *typeInfo
	tests []alphaTest
	timed bool
	sig   string
}

// sign orders the tests and drops repetitions, so that two patterns with the same
// tests are one specification.
func (s *alphaSpec) sign() {
	slices.SortFunc(s.tests, func(a, b alphaTest) int { return strings.Compare(a.sig, b.sig) })
	s.tests = slices.CompactFunc(s.tests, func(a, b alphaTest) bool { return a.sig == b.sig })
	sigs := make([]string, len(s.tests))
	for i, t := range s.tests {
		sigs[i] = t.sig
	}
	s.sig = fmt.Sprintf("%s %q", s.typ.Name, sigs)
}

// dispatch is the first equality with a constant: the memory is then found by
// the hash of the field's value.
func (s *alphaSpec) dispatch() (field int, k key, ok bool) {
	for _, t := range s.tests {
		if t.op == opEq && !t.never {
			return t.field, t.key, true
		}
	}
	return 0, key{}, false
}

// newAlphaTest compiles a test on data.
func newAlphaTest(t Test, field int) (alphaTest, error) {
	a := alphaTest{op: t.op, field: field, label: fmt.Sprintf("%s %s %v", t.field, opNames[t.op], t.value)}
	v, err := normalise(t.value)
	if err != nil {
		return a, err
	}
	a.value = v
	k, joins := keyOf(v)
	a.key, a.never = k, !joins
	if t.op == opIn {
		a.keys = map[key]bool{}
		for _, x := range v.([]any) {
			if k, joins := keyOf(x); joins {
				a.keys[k] = true
			}
		}
	}
	a.sig = fmt.Sprintf("%d %d %q", t.op, field, k.append(nil))
	return a, nil
}

// sameFact compares two fields of one fact.
func sameFact(field, other int, t Test) alphaTest {
	return alphaTest{
		op: opJoinEq, field: field, other: other,
		label: t.field + " == " + t.other.Field,
		sig:   fmt.Sprintf("%d %d %d", opJoinEq, field, other),
	}
}

// alphaTest runs one test on one fact.
func (n *network) alphaTest(t *alphaTest, e *entry) (bool, error) {
	if t.op == opFunc {
		n.env = env{n, t.call, nil, e, 0}
		return t.call.fn.Test(&n.env)
	}
	v, ok := e.shown.get(t.field)
	if !ok {
		return false, ErrAbsent
	}
	return t.holds(v, e.shown)
}

// holds runs a test that is data on a value that is there.
func (t *alphaTest) holds(v any, fact *version) (bool, error) {
	switch t.op {
	case opLess, opLessEq, opGreater, opGreaterEq:
		c, ok, err := compare(v, t.value)
		return ok && t.op.accepts(c), err
	case opJoinEq:
		w, ok := fact.get(t.other)
		if !ok {
			return false, ErrAbsent
		}
		a, joins := keyOf(v)
		b, _ := keyOf(w)
		return joins && a == b, nil
	}
	k, joins := keyOf(v)
	switch t.op {
	case opEq:
		return joins && k == t.key, nil
	case opIn:
		return joins && t.keys[k], nil
	}
	return !joins || k != t.key, nil // NaN differs from everything
}

// accepts tells whether the outcome of a comparison satisfies an ordering test.
func (o op) accepts(c int) bool {
	switch o {
	case opLess:
		return c < 0
	case opLessEq:
		return c <= 0
	case opGreater:
		return c > 0
	}
	return c >= 0
}
