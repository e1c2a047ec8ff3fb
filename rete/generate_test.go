package rete_test

import (
	"fmt"
	"math"
	"slices"
	"time"

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
	ways   int      // how many disjunctions there may still be
	types  []string // of patterns and facts
	denied []string // of patterns inside of negations; nil: the same
	now    *int64   // the clock, if tests may look at it
	bag    bool     // facts are in no order: nothing is collected
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
		p, scope = g.element(nesting, scope)
		pairs = append(pairs, p)
	}
	return pairs, scope
}

// element draws one element. What needs something bound is a pattern where nothing
// is.
func (g *generator) element(nesting int, scope []named) (pair, []named) {
	kind := g.int("kind", 0, 13)
	switch {
	case kind >= 5 && kind < 8 && nesting > 0:
		return g.negation(nesting, scope), scope
	case kind == 8 && nesting > 0 && g.ways > 0:
		return g.any(nesting, scope)
	case kind >= 12 && nesting > 0:
		return g.accumulate(nesting, scope)
	case kind < 9 || len(scope) == 0:
		return g.pattern(scope)
	case kind == 9:
		return g.let(scope)
	case kind == 10:
		return g.having(scope), scope
	}
	return g.where(scope), scope
}

// denying is the generator of what is inside of a negation; sync takes it back.
func (g *generator) denying() *generator {
	deny := *g
	if g.denied != nil {
		deny.types = g.denied
	}
	return &deny
}

func (g *generator) sync(inner *generator) { g.next, g.ways = inner.next, inner.ways }

// negation draws a Not, an Exists or a ForAll.
func (g *generator) negation(nesting int, scope []named) pair {
	deny := g.denying()
	defer g.sync(deny)
	kind := g.int("negation", 0, 6)
	if kind == 6 {
		m, inner := deny.pattern(slices.Clone(scope))
		satisfy, _ := deny.elements(g.int("satisfy", 1, 2), nesting-1, inner)
		ours, twins := split(satisfy)
		return pair{rete.ForAll(m.matcher, ours...), naive.ForAll{Match: m.twin.(naive.Pattern), Satisfy: twins}}
	}
	inner, _ := deny.elements(g.int("inner", 1, 3), nesting-1, slices.Clone(scope))
	ours, twins := split(inner)
	if kind > 3 {
		return pair{rete.Exists(ours...), naive.Exists{Elems: twins}}
	}
	return pair{rete.Not(ours...), naive.Not{Elems: twins}}
}

// any draws a disjunction; sometimes all branches bind one name, which is then seen
// afterwards.
func (g *generator) any(nesting int, scope []named) (pair, []named) {
	g.ways--
	var ours [][]rete.Element
	var twins [][]naive.Elem
	shared := named{}
	if g.int("shared", 0, 1) == 0 {
		shared = named{g.name("f"), rapid.SampledFrom(g.types).Draw(g.t, "type")}
	}
	for range g.int("branches", 1, 3) {
		inner := slices.Clone(scope)
		var pairs []pair
		if shared.name != "" {
			var p pair
			p, inner = g.patternOf(shared, inner)
			pairs = append(pairs, p)
		}
		more, _ := g.elements(g.int("branch", 1-len(pairs), 2), nesting-1, inner)
		a, b := split(append(pairs, more...))
		ours, twins = append(ours, a), append(twins, b)
	}
	if shared.name != "" {
		scope = append(slices.Clone(scope), shared)
	}
	return pair{rete.Any(ours...), naive.Any{Branches: twins}}, scope
}

func (g *generator) pattern(scope []named) (pair, []named) {
	return g.patternOf(named{g.name("f"), rapid.SampledFrom(g.types).Draw(g.t, "type")}, scope)
}

func (g *generator) patternOf(self named, scope []named) (pair, []named) {
	ours, twin := []rete.Test{}, naive.Pattern{Type: self.typ, As: self.name}
	inner := append(slices.Clone(scope), self)
	for range g.int("tests", 0, 3) {
		a, b := g.test(self, inner)
		ours, twin.Tests = append(ours, a), append(twin.Tests, b)
	}
	return pair{rete.Match(self.typ, self.name, ours...), twin}, inner
}

// comparisons are the tests that compare, with a constant and with a reference.
var comparisons = []struct {
	op    string
	plain func(field string, v any) rete.Test
	join  func(field, name, other string) rete.Test
}{
	{"==", rete.Eq, rete.JoinEq},
	{"!=", rete.Ne, rete.JoinNe},
	{"<", rete.Less, rete.JoinLess},
	{"<=", rete.LessEq, rete.JoinLessEq},
	{">", rete.Greater, rete.JoinGreater},
	{">=", rete.GreaterEq, rete.JoinGreaterEq},
}

// test draws a test on a pattern; the scope ends with the pattern itself.
func (g *generator) test(self named, scope []named) (rete.Test, naive.Test) {
	field := rapid.SampledFrom(fieldsOf[self.typ]).Draw(g.t, "field")
	switch kind := g.int("test", 0, 9); {
	case kind < 4:
		return g.join("==", field, scope)
	case kind == 4:
		return g.check(self.name, field, scope)
	case kind < 7:
		return g.join(rapid.SampledFrom(comparisons).Draw(g.t, "op").op, field, scope)
	}
	return g.constant(field)
}

// constant draws a test of a field against constants.
func (g *generator) constant(field string) (rete.Test, naive.Test) {
	v := anyValue.Draw(g.t, "value")
	if g.int("in", 0, 5) == 0 {
		w := anyValue.Draw(g.t, "other")
		return rete.In(field, v, w), naive.Test{Op: "in", Field: field, Value: []any{v, w}}
	}
	c := rapid.SampledFrom(comparisons).Draw(g.t, "op")
	return c.plain(field, v), naive.Test{Op: c.op, Field: field, Value: v}
}

// join draws a test of a field against something in scope.
func (g *generator) join(op, field string, scope []named) (rete.Test, naive.Test) {
	name, other := g.ref(scope)
	twin := naive.Test{Op: op, Field: field, Name: name, Other: other}
	for _, c := range comparisons {
		if c.op == op {
			return c.join(field, name, other), twin
		}
	}
	panic("no comparison " + op)
}

// having draws tests of something bound.
func (g *generator) having(scope []named) pair {
	n := rapid.SampledFrom(scope).Draw(g.t, "having")
	twin := naive.Having{Name: n.name}
	var ours []rete.Test
	for range g.int("tests", 1, 2) {
		field := ""
		if n.typ != "" {
			field = rapid.SampledFrom(fieldsOf[n.typ]).Draw(g.t, "field")
		}
		ask := g.constant
		if g.int("with", 0, 1) == 0 {
			ask = func(field string) (rete.Test, naive.Test) {
				return g.join(rapid.SampledFrom(comparisons).Draw(g.t, "op").op, field, scope)
			}
		}
		a, b := ask(field)
		ours, twin.Tests = append(ours, a), append(twin.Tests, b)
	}
	return pair{rete.Having(n.name, ours...), twin}
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
	name := g.name("v")
	ours, twin := g.value(scope)
	return pair{rete.Let(name, ours), naive.Let{Name: name, F: twin}}, append(slices.Clone(scope), named{name, ""})
}

// value draws a function that gives what is in scope, or now and then the clock.
func (g *generator) value(scope []named) (rete.Func, func(naive.Env) (any, bool)) {
	from, field := g.ref(scope)
	twin := func(env naive.Env) (any, bool) { return readTwin(env, from, field) }
	switch kind := g.int("value", 0, 4); {
	case kind == 0 && g.now != nil:
		now := g.now
		return g.halfOfNow(), func(naive.Env) (any, bool) { return *now / 2, true }
	case kind < 3:
		return rete.Read(from, field), twin
	}
	return rete.Func{
		Label: "func " + from + "." + field,
		Reads: []rete.Ref{{Name: from, Field: field}},
		Value: func(env rete.Env) (any, error) { return read(env, from, field) },
	}, twin
}

// halfOfNow draws a function of the clock, which may say when it changes.
func (g *generator) halfOfNow() rete.Func {
	f := rete.Func{Label: "now/2", Timed: true, Value: func(env rete.Env) (any, error) { return env.Now().Unix() / 2, nil }}
	if g.int("until", 0, 1) == 0 {
		f.Label += " until"
		f.Until = func(env rete.Env) (time.Time, bool) { return time.Unix(env.Now().Unix()+1, 0), true }
	}
	return f
}

func (g *generator) where(scope []named) pair {
	ours, twin := g.condition(scope)
	return pair{rete.Where(ours), naive.Where{F: twin}}
}

// condition draws a function that compares what is in scope with a constant or the
// clock.
func (g *generator) condition(scope []named) (rete.Func, func(naive.Env) bool) {
	from, field := g.ref(scope)
	limit := anyValue.Draw(g.t, "limit")
	ours := rete.Func{Label: fmt.Sprintf("%s.%s<=%T%v", from, field, limit, limit), Reads: []rete.Ref{{Name: from, Field: field}}}
	now := g.now
	if ours.Timed = now != nil && g.int("timed", 0, 2) == 0; ours.Timed {
		ours.Label = from + "." + field + "<=now"
		if g.int("until", 0, 1) == 0 {
			ours.Label += " until"
			ours.Until = func(env rete.Env) (time.Time, bool) {
				x, err := read(env, from, field)
				at, is := x.(int64)
				if f, too := x.(float64); too {
					at, is = int64(f), f == f
				}
				return time.Unix(at, 0), err == nil && is
			}
		}
	}
	ours.Test = func(env rete.Env) (bool, error) {
		v := limit
		if ours.Timed {
			v = env.Now().Unix()
		}
		x, err := read(env, from, field)
		return err == nil && atMost(x, v), err
	}
	return ours, func(env naive.Env) bool {
		v := limit
		if ours.Timed {
			v = *now
		}
		x, ok := readTwin(env, from, field)
		return ok && atMost(x, v)
	}
}

var aggregates = []rete.AggregateOp{
	rete.Count, rete.Sum, rete.Min, rete.Max, rete.Avg, rete.Distinct, rete.Collect, rete.P50, rete.P90, rete.P95, rete.P99, rete.Count, rete.Sum,
}

// accumulate draws an accumulation, whose groups and results are seen afterwards.
func (g *generator) accumulate(nesting int, scope []named) (pair, []named) {
	deny := g.denying()
	from, inner := deny.elements(g.int("from", 1, 2), nesting-1, slices.Clone(scope))
	var ours rete.Accumulation
	var twin naive.Accumulate
	ours.From, twin.From = split(from)
	after := slices.Clone(scope)
	for range g.int("by", 0, 5) / 2 {
		if len(inner) == 0 {
			break
		}
		name := deny.name("g")
		of, twinOf := deny.value(inner)
		ours.By = append(ours.By, rete.Group{Name: name, Of: of})
		twin.By = append(twin.By, naive.Let{Name: name, F: twinOf})
		after = append(after, named{name, ""})
	}
	for range g.int("aggregates", 1, 2) {
		a, b := deny.aggregate(inner)
		ours.Let, twin.Aggs = append(ours.Let, a), append(twin.Aggs, b)
		after = append(after, named{a.Name, ""})
	}
	g.sync(deny)
	return pair{rete.Accumulate(ours), twin}, after
}

// aggregate draws one result. Where nothing is bound there is only counting.
func (g *generator) aggregate(scope []named) (rete.Aggregate, naive.Agg) {
	ours := rete.Aggregate{Name: g.name("n"), Op: rapid.SampledFrom(aggregates).Draw(g.t, "op")}
	if len(scope) == 0 || g.bag && ours.Op == rete.Collect {
		ours.Op = rete.Count
	}
	twin := naive.Agg{Name: ours.Name, Op: ours.Op.String()}
	if ours.Op != rete.Count || len(scope) > 0 && g.int("of", 0, 1) == 0 {
		ours.Of, twin.F = g.value(scope)
	}
	if len(scope) > 0 && g.int("if", 0, 3) == 0 {
		ours.If, twin.If = g.condition(scope)
	}
	return ours, twin
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
