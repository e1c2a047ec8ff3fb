package rete

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// alphaTest is a condition on one fact alone, as a production has it.
//
// Tests that are data rather than functions can be compared, and so be sorted,
// shared and dispatched by hash. Whatever a rule's author writes as a function
// stands at the end of the list and runs last.
type alphaTest struct {
	op    op
	field int
	value any // normalised; of In the list
	other int // of a comparison of two fields of the fact
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

// until tells whether every timed test says when its result may change.
func (s *alphaSpec) until() bool {
	for i := range s.tests {
		if t := &s.tests[i]; t.op == opFunc && t.call.fn.Timed && !t.call.until() {
			return false
		}
	}
	return true
}

// sign orders the tests and drops repetitions, so that two patterns with the same
// tests are one specification.
func (s *alphaSpec) sign() {
	if len(s.tests) > 1 {
		slices.SortFunc(s.tests, func(a, b alphaTest) int { return strings.Compare(a.sig, b.sig) })
		s.tests = slices.CompactFunc(s.tests, func(a, b alphaTest) bool { return a.sig == b.sig })
	}
	buf := append([]byte(s.typ.Name), 0)
	for i := range s.tests {
		buf = binary.AppendUvarint(buf, uint64(len(s.tests[i].sig)))
		buf = append(buf, s.tests[i].sig...)
	}
	s.sig = string(buf)
}

// newAlphaTest compiles a test on data.
func newAlphaTest(t Test, field int) (alphaTest, error) {
	a := alphaTest{op: t.op, field: field}
	v, err := normalise(t.value)
	if err != nil {
		return a, err
	}
	a.value = v
	k, _ := keyOf(v)
	a.sig = string(k.append(binary.BigEndian.AppendUint16([]byte{byte(t.op)}, uint16(field))))
	return a, nil
}

// sameFact compares two fields of one fact.
func sameFact(field, other int, t Test) alphaTest {
	sig := binary.BigEndian.AppendUint16([]byte{byte(t.op)}, uint16(field))
	return alphaTest{op: t.op, field: field, other: other, sig: string(binary.BigEndian.AppendUint16(sig, uint16(other)))}
}

// text says the test in words, for reports.
func (t *alphaTest) text(typ *typeInfo) string {
	switch {
	case t.op == opFunc:
		return t.label
	case t.op.joins():
		return fmt.Sprintf("%s %s %s", typ.Fields[t.field].Name, opNames[t.op], typ.Fields[t.other].Name)
	}
	return fmt.Sprintf("%s %s %v", typ.Fields[t.field].Name, opNames[t.op], t.value)
}

// constTest is a test as a session runs it: its constant is a symbol there.
type constTest struct {
	*alphaTest
	sym  symbol
	syms []symbol // of In, canonical
}

// constTests brings the constants of a specification into a session.
func constTests(syms *symbols, spec *alphaSpec) []constTest {
	if len(spec.tests) == 0 {
		return nil
	}
	tests := make([]constTest, len(spec.tests))
	for i := range tests {
		t := &spec.tests[i]
		tests[i].alphaTest = t
		switch {
		case t.op == opIn:
			for _, x := range t.value.([]any) {
				if sym := syms.canon(syms.intern(x)); sym.joins() {
					tests[i].syms = append(tests[i].syms, sym)
				}
			}
			slices.Sort(tests[i].syms)
		case t.op != opFunc && !t.op.joins():
			tests[i].sym = syms.intern(t.value)
		}
	}
	return tests
}

// alphaTest runs one test on one fact.
func (n *network) alphaTest(t *constTest, id factID, row []symbol) (bool, error) {
	if t.op == opFunc {
		n.env = env{net: n, call: t.call, candidate: id, alone: true}
		return t.call.fn.Test(&n.env)
	}
	if t.op.joins() {
		return n.store.syms.holds(t.op.plain(), row[t.field], row[t.other])
	}
	return n.store.syms.test(t, row[t.field])
}

// test holds a value against the constant of a test.
func (s *symbols) test(t *constTest, v symbol) (bool, error) {
	if t.op != opIn {
		return s.holds(t.op, v, t.sym)
	}
	if v == symAbsent {
		return false, ErrAbsent
	}
	_, in := slices.BinarySearch(t.syms, s.canon(v))
	return in && v.joins(), nil
}

// holds runs a comparison of two values; absent ones fail with [ErrAbsent].
func (s *symbols) holds(o op, a, b symbol) (bool, error) {
	if a == symAbsent || b == symAbsent {
		return false, ErrAbsent
	}
	switch o {
	case opEq:
		return s.equal(a, b), nil
	case opNe:
		return !s.equal(a, b), nil // NaN differs from everything
	}
	c, ok, err := s.compare(a, b)
	return ok && o.accepts(c), err
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
