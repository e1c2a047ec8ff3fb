package main

import (
	"strings"

	"github.com/trimtab/trimtab/rete"
)

// rule is a production as data: Trimtab and CLIPS are given the same one, each
// in its own language, so that neither runs an easier program.
type rule struct {
	name     string
	priority int
	when     []clause
	then     []deed
	reads    []at // fields beyond those of then that a firing looks at
	tally    int  // which count its firings add to
	// own are further elements that CLIPS has no like of, in the words of Trimtab.
	own []rete.Element
}

// clause is one fact that must, or with absent must not, be there.
type clause struct {
	typ, as string
	absent  bool
	tests   []test
}

// test relates a field to constants or to a field of an earlier clause.
type test struct {
	field    string
	relation relation
	to       []any // int, string or at
}

// relation is how a field stands to its operands.
type relation int

const (
	equal relation = iota
	differs
	greater
	less
	among
)

// at is a field of an earlier clause, written "clause.field".
type at string

// parts are the clause and the field.
func (a at) parts() (as, field string) {
	as, field, _ = strings.Cut(string(a), ".")
	return as, field
}

// plus is a field and a constant added to it.
type plus struct {
	to at
	by int
}

// schema is a fact type.
type schema struct {
	name   string
	key    string // the field that is its identity; "" for none
	fields []string
}

// fact, no and the relations below make rules read like rules.
func fact(typ, as string, tests ...test) clause { return clause{typ: typ, as: as, tests: tests} }

func no(typ, as string, tests ...test) clause {
	return clause{typ: typ, as: as, tests: tests, absent: true}
}

func eq(field string, to any) test    { return test{field, equal, []any{to}} }
func ne(field string, to any) test    { return test{field, differs, []any{to}} }
func gt(field string, to any) test    { return test{field, greater, []any{to}} }
func lt(field string, to any) test    { return test{field, less, []any{to}} }
func in(field string, to ...any) test { return test{field, among, to} }

// deed is one thing that a firing does.
type deed struct {
	verb   verb
	on     string // a type for assert, a clause for update and retract
	values []setting
	call   *function
}

// verb is the kind of a deed.
type verb int

const (
	assert verb = iota
	update
	retract
	halt
	calculate
)

// setting is a field and what it is set to: int, string, at or plus.
type setting struct {
	field string
	value any
}

// function computes a fact of a type from points, in both languages.
type function struct {
	name  string // of the CLIPS function, which asserts the fact itself
	clips string // its definition
	row   func(args []int) []scalar
}

func put(typ string, values ...setting) deed { return deed{verb: assert, on: typ, values: values} }
func set(as string, values ...setting) deed  { return deed{verb: update, on: as, values: values} }
func drop(as string) deed                    { return deed{verb: retract, on: as} }

// refs are all fields of earlier clauses that the deed looks at.
func (d deed) refs() []at {
	var refs []at
	for _, s := range d.values {
		switch v := s.value.(type) {
		case at:
			refs = append(refs, v)
		case plus:
			refs = append(refs, v.to)
		}
	}
	return refs
}
