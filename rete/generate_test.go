package rete_test

import (
	"fmt"
	"math"
	"slices"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
	"github.com/trimtab/trimtab/rete/internal/naive"
)

// The generators make each element twice: for the matcher and for its twin. The
// domains are small, so that facts meet and tests hold often enough.

var testTypes = []rete.Type{
	{Name: "A", Fields: []rete.Field{{Name: "x", Optional: true}, {Name: "y", Optional: true}}},
	{Name: "B", Key: []string{"k"}, Fields: []rete.Field{{Name: "k"}, {Name: "x", Optional: true}, {Name: "y", Optional: true}}},
	{Name: "C", Fields: []rete.Field{{Name: "x"}}},
}

var fieldsOf = map[string][]string{
	"A": {"x", "y"}, "B": {"k", "x", "y"}, "C": {"x"}, "D0": {"x", "y"}, "D1": {"x", "y"}, "K": {"k", "v"},
}

// optional are the types whose fields beside the key may be absent.
var optional = map[string]bool{"A": true, "B": true}

var anyValue = rapid.SampledFrom([]any{
	int64(0), int64(1), int64(2), int64(1), 1.0, math.Copysign(0, -1), math.NaN(), "1", "a",
})

// pair is one element in both forms.
type pair struct {
	matcher rete.Element
	twin    naive.Elem
}

func split(pairs []pair) (ours []rete.Element, twins []naive.Elem) {
	for _, p := range pairs {
		ours, twins = append(ours, p.matcher), append(twins, p.twin)
	}
	return ours, twins
}

// named is what may be referred to: a fact by field, or a value.
type named struct{ name, typ string }

// generator draws productions; names are unique within one.
type generator struct {
	t      *rapid.T
	next   int
	types  []string // of patterns and facts
	denied []string // of patterns inside of negations; nil: the same
}

func (g *generator) name(prefix string) string {
	g.next++
	return fmt.Sprint(prefix, g.next)
}

func (g *generator) int(label string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(g.t, label) }

// elements draws n elements and what they bind.
func (g *generator) elements(n, nesting int, scope []named) ([]pair, []named) {
	var pairs []pair
	for range n {
		var p pair
		switch kind := g.int("kind", 0, 9); {
		case kind < 5:
			p, scope = g.pattern(scope)
		case kind < 8 && nesting > 0:
			deny := *g
			if g.denied != nil {
				deny.types = g.denied
			}
			inner, _ := deny.elements(g.int("inner", 1, 3), nesting-1, slices.Clone(scope))
			g.next = deny.next
			ours, twins := split(inner)
			p = pair{rete.Not(ours...), naive.Not{Elems: twins}}
		case len(scope) == 0:
			p, scope = g.pattern(scope)
		case kind == 8:
			p, scope = g.let(scope)
		default:
			p = g.where(scope)
		}
		pairs = append(pairs, p)
	}
	return pairs, scope
}

func (g *generator) pattern(scope []named) (pair, []named) {
	typ := rapid.SampledFrom(g.types).Draw(g.t, "type")
	name := g.name("f")
	ours, twin := []rete.Test{}, naive.Pattern{Type: typ, As: name}
	inner := append(slices.Clone(scope), named{name, typ})
	for range g.int("tests", 0, 2) {
		a, b := g.test(name, typ, inner)
		ours, twin.Tests = append(ours, a), append(twin.Tests, b)
	}
	return pair{rete.Match(typ, name, ours...), twin}, inner
}

// test draws a test on a pattern; the scope ends with the pattern itself.
func (g *generator) test(self, typ string, scope []named) (rete.Test, naive.Test) {
	field := rapid.SampledFrom(fieldsOf[typ]).Draw(g.t, "field")
	v := anyValue.Draw(g.t, "value")
	twin := naive.Test{Field: field, Value: v}
	switch g.int("test", 0, 8) {
	case 0:
		twin.Op = "!="
		return rete.Ne(field, v), twin
	case 1:
		w := anyValue.Draw(g.t, "other")
		twin.Op, twin.Value = "in", []any{v, w}
		return rete.In(field, v, w), twin
	case 2:
		twin.Op = "<"
		return rete.Less(field, v), twin
	case 3:
		twin.Op = ">="
		return rete.GreaterEq(field, v), twin
	case 4, 5, 6:
		other := rapid.SampledFrom(scope).Draw(g.t, "with")
		twin.Op, twin.Name = "==", other.name
		if other.typ != "" {
			twin.Other = rapid.SampledFrom(fieldsOf[other.typ]).Draw(g.t, "its")
		}
		return rete.JoinEq(field, twin.Name, twin.Other), twin
	case 7:
		return g.check(self, field, scope)
	}
	twin.Op = "=="
	return rete.Eq(field, v), twin
}

// check draws a function test that compares the field with one in scope.
func (g *generator) check(self, field string, scope []named) (rete.Test, naive.Test) {
	other := rapid.SampledFrom(scope).Draw(g.t, "against")
	twin := naive.Test{Op: "<=", Field: field, Name: other.name}
	if other.typ != "" {
		twin.Other = rapid.SampledFrom(fieldsOf[other.typ]).Draw(g.t, "its")
	}
	f := rete.Func{
		Label: fmt.Sprint(self, ".", field, "<=", twin.Name, ".", twin.Other),
		Reads: []rete.Ref{{Name: self, Field: field}, {Name: twin.Name, Field: twin.Other}},
	}
	f.Test = func(env rete.Env) (bool, error) {
		a, err := read(env, self, field)
		if err != nil {
			return false, err
		}
		b, err := read(env, twin.Name, twin.Other)
		if err != nil {
			return false, err
		}
		return atMost(a, b), nil
	}
	return rete.Check(f), twin
}

func atMost(a, b any) bool {
	f := naive.Fact{Type: "A", Fields: map[string]any{"x": a}}
	p := naive.Pattern{Type: "A", Tests: []naive.Test{{Op: "<=", Field: "x", Value: b}}}
	return len(naive.Matches([]naive.Elem{p}, []naive.Fact{f})) > 0
}

func read(env rete.Env, name, field string) (any, error) {
	if field == "" {
		v, _ := env.Value(name)
		return v, nil
	}
	f, _ := env.Fact(name)
	v, ok := f.Get(field)
	if !ok {
		return nil, rete.ErrAbsent
	}
	return v, nil
}

func readTwin(env naive.Env, name, field string) (any, bool) {
	if field == "" {
		v, ok := env.Values[name]
		return v, ok
	}
	v, ok := env.Facts[name].Fields[field]
	return v, ok
}

// ref draws something that is in scope.
func (g *generator) ref(scope []named) (name, field string) {
	n := rapid.SampledFrom(scope).Draw(g.t, "ref")
	if n.typ == "" {
		return n.name, ""
	}
	return n.name, rapid.SampledFrom(fieldsOf[n.typ]).Draw(g.t, "ref field")
}

func (g *generator) let(scope []named) (pair, []named) {
	from, field := g.ref(scope)
	name := g.name("v")
	ours := rete.Let(name, rete.Func{
		Label: from + "." + field,
		Reads: []rete.Ref{{Name: from, Field: field}},
		Value: func(env rete.Env) (any, error) { return read(env, from, field) },
	})
	twin := naive.Let{Name: name, F: func(env naive.Env) (any, bool) { return readTwin(env, from, field) }}
	return pair{ours, twin}, append(slices.Clone(scope), named{name, ""})
}

func (g *generator) where(scope []named) pair {
	from, field := g.ref(scope)
	v := anyValue.Draw(g.t, "limit")
	ours := rete.Where(rete.Func{
		Label: fmt.Sprintf("%s.%s<=%T%v", from, field, v, v),
		Reads: []rete.Ref{{Name: from, Field: field}},
		Test: func(env rete.Env) (bool, error) {
			x, err := read(env, from, field)
			return err == nil && atMost(x, v), err
		},
	})
	return pair{ours, naive.Where{F: func(env naive.Env) bool {
		x, ok := readTwin(env, from, field)
		return ok && atMost(x, v)
	}}}
}

// fields draws the fields of a fact; optional ones may be missing.
func (g *generator) fields(typ string) rete.Fields {
	fields := rete.Fields{}
	for _, name := range fieldsOf[typ] {
		switch {
		case name == "k":
			fields[name] = int64(g.int("key", 0, 3))
		case !optional[typ] || g.int("given", 0, 3) > 0:
			fields[name] = anyValue.Draw(g.t, name)
		}
	}
	return fields
}

// factsOf are a session's facts in the twin's form.
func factsOf(s *rete.Session) []naive.Fact {
	var list []naive.Fact
	for f := range s.Facts() {
		list = append(list, naive.Fact{Type: f.Type(), ID: uint64(f.Handle()), Fields: f.Fields()})
	}
	return list
}
