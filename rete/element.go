package rete

// pattern is a positive condition: a fact of a type that passes the tests.
type pattern struct {
	typ   string
	as    string
	tests []Test
}

// negation holds while no combination of facts satisfies its elements, or with
// exists while one does.
type negation struct {
	elems  []Element
	exists bool
}

// disjunction holds once for each branch that holds.
type disjunction struct{ branches [][]Element }

// binding names a computed value.
type binding struct {
	name string
	fn   Func
}

// condition tests what is bound so far.
type condition struct{ fn Func }

// having tests something bound before with tests that are data.
type having struct {
	name  string
	tests []Test
}

func (pattern) element()      {}
func (negation) element()     {}
func (disjunction) element()  {}
func (binding) element()      {}
func (condition) element()    {}
func (having) element()       {}
func (Accumulation) element() {}

// Match is a fact of type typ, bound to the name as, that passes every test.
// An empty name binds nothing; the fact is part of the match all the same.
func Match(typ, as string, tests ...Test) Element { return pattern{typ, as, tests} }

// Not holds while no combination of facts satisfies the elements. It nests to
// any depth; names bound inside are not seen outside.
func Not(elems ...Element) Element { return negation{elems: elems} }

// Exists holds while at least one combination of facts satisfies the elements,
// once, however many do. Names bound inside are not seen outside.
func Exists(elems ...Element) Element { return negation{elems: elems, exists: true} }

// ForAll holds while for every fact that m matches the other elements hold too: it
// is Not(m, Not(satisfy...)).
func ForAll(m Element, satisfy ...Element) Element { return Not(m, Not(satisfy...)) }

// Any holds once for each branch that holds, as if the production were written once
// for each. A name is seen afterwards only if every branch binds it.
func Any(branches ...[]Element) Element { return disjunction{branches} }

// Let names the value that f computes; an error of f is no match.
func Let(name string, f Func) Element { return binding{name, f} }

// Where is a condition over what is bound before it.
func Where(f Func) Element { return condition{f} }

// Having tests a fact or value bound before with tests that are data, which is
// faster than [Where]: Having("total", Greater("", 100)). The field is "" for a
// value.
func Having(name string, tests ...Test) Element { return having{name, tests} }

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
	opJoinNe
	opJoinLess
	opJoinLessEq
	opJoinGreater
	opJoinGreaterEq
	opFunc
)

var opNames = [...]string{"==", "!=", "in", "<", "<=", ">", ">=", "==", "!=", "<", "<=", ">", ">=", "func"}

// joins tells whether the test compares with something bound.
func (o op) joins() bool { return o >= opJoinEq && o <= opJoinGreaterEq }

// plain is the same comparison with a constant.
func (o op) plain() op {
	return [...]op{opEq, opNe, opLess, opLessEq, opGreater, opGreaterEq}[o-opJoinEq]
}

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
	return joinTest(opJoinEq, field, otherName, otherField)
}

// JoinNe holds when both fields are there and differ; see [JoinEq].
func JoinNe(field, otherName, otherField string) Test {
	return joinTest(opJoinNe, field, otherName, otherField)
}

// JoinLess holds when the field is less than the other; see [JoinEq].
func JoinLess(field, otherName, otherField string) Test {
	return joinTest(opJoinLess, field, otherName, otherField)
}

// JoinLessEq holds when the field is at most the other; see [JoinEq].
func JoinLessEq(field, otherName, otherField string) Test {
	return joinTest(opJoinLessEq, field, otherName, otherField)
}

// JoinGreater holds when the field is greater than the other; see [JoinEq].
func JoinGreater(field, otherName, otherField string) Test {
	return joinTest(opJoinGreater, field, otherName, otherField)
}

// JoinGreaterEq holds when the field is at least the other; see [JoinEq].
func JoinGreaterEq(field, otherName, otherField string) Test {
	return joinTest(opJoinGreaterEq, field, otherName, otherField)
}

// joinTest compares a field with something bound before.
func joinTest(o op, field, name, other string) Test {
	return Test{op: o, field: field, other: Ref{name, other}}
}

// Check is a function test inside a pattern. It is run once per fact when its
// Reads name only the pattern, and once per combination otherwise.
func Check(f Func) Test { return Test{op: opFunc, fn: &f} }

// Read is the value of a field of the fact bound to a name, or with field "" of the
// value bound to it, as a [Func]: what an aggregate adds up or groups by. The
// engine reads it without a call.
func Read(name, field string) Func {
	return Func{
		Label: name + "." + field, Reads: []Ref{{name, field}}, plain: true,
		Value: func(env Env) (any, error) {
			if field == "" {
				v, ok := env.Value(name)
				if !ok {
					return nil, ErrAbsent
				}
				return v, nil
			}
			f, _ := env.Fact(name)
			v, ok := f.Get(field)
			if !ok {
				return nil, ErrAbsent
			}
			return v, nil
		},
	}
}
