package rete

// pattern is a positive condition: a fact of a type that passes the tests.
type pattern struct {
	typ   string
	as    string
	tests []Test
}

// negation holds while no combination of facts satisfies its elements.
type negation struct{ elems []Element }

// binding names a computed value.
type binding struct {
	name string
	fn   Func
}

// condition tests what is bound so far.
type condition struct{ fn Func }

func (pattern) element()   {}
func (negation) element()  {}
func (binding) element()   {}
func (condition) element() {}

// Match is a fact of type typ, bound to the name as, that passes every test.
// An empty name binds nothing; the fact is part of the match all the same.
func Match(typ, as string, tests ...Test) Element { return pattern{typ, as, tests} }

// Not holds while no combination of facts satisfies the elements. It nests to
// any depth; names bound inside are not seen outside.
func Not(elems ...Element) Element { return negation{elems} }

// Let names the value that f computes; an error of f is no match.
func Let(name string, f Func) Element { return binding{name, f} }

// Where is a condition over what is bound before it.
func Where(f Func) Element { return condition{f} }

// op is the kind of a test.
//
// The order of the kinds is part of the order of tests: equality comes first, being
// what a memory is found by.
type op uint8

const (
	opEq op = iota
	opNe
	opIn
	opLess
	opLessEq
	opGreater
	opGreaterEq
	opJoinEq
	opFunc
)

var opNames = [...]string{"==", "!=", "in", "<", "<=", ">", ">=", "==", "func"}

// Eq holds when the field equals the constant.
func Eq(field string, value any) Test { return Test{op: opEq, field: field, value: value} }

// Ne holds when the field is there and does not equal the constant.
func Ne(field string, value any) Test { return Test{op: opNe, field: field, value: value} }

// In holds when the field equals one of the constants.
func In(field string, values ...any) Test { return Test{op: opIn, field: field, value: values} }

// Less holds when the field is less than the constant.
func Less(field string, value any) Test { return Test{op: opLess, field: field, value: value} }

// LessEq holds when the field is at most the constant.
func LessEq(field string, value any) Test { return Test{op: opLessEq, field: field, value: value} }

// Greater holds when the field is greater than the constant.
func Greater(field string, value any) Test { return Test{op: opGreater, field: field, value: value} }

// GreaterEq holds when the field is at least the constant.
func GreaterEq(field string, value any) Test {
	return Test{op: opGreaterEq, field: field, value: value}
}

// JoinEq holds when the field equals otherField of the fact bound to otherName,
// or, with otherField "", the value that [Let] bound to otherName. It is a hash
// join; naming the pattern itself compares two fields of one fact.
func JoinEq(field, otherName, otherField string) Test {
	return Test{op: opJoinEq, field: field, other: Ref{otherName, otherField}}
}

// Check is a function test inside a pattern. It is run once per fact when its
// Reads name only the pattern, and once per combination otherwise.
func Check(f Func) Test { return Test{op: opFunc, fn: &f} }
