// Package naive evaluates productions the obvious way: it tries every
// combination of facts, remembers nothing and indexes nothing. It is the twin
// that the matcher is tested against, so it shares no code with it.
package naive

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Fact is a fact with the fields that are there.
type Fact struct {
	Type   string
	ID     uint64 // tells facts of equal content apart; 0 if of no interest
	Fields map[string]any
}

// Env is what is bound: facts by pattern name, values by name.
type Env struct {
	Facts  map[string]Fact
	Values map[string]any
	Order  []Fact // of the patterns, in order
}

// Elem is an element of a condition: [Pattern], [Not], [Let] or [Where].
type Elem any

// Pattern is a fact of a type that passes the tests.
type Pattern struct {
	Type, As string
	Tests    []Test
}

// Test compares a field with a constant, or, with Name set, with another field
// or a value.
type Test struct {
	Op    string // == != in < <= > >=
	Field string
	Value any
	Name  string
	Other string
}

// Not holds when nothing satisfies the elements.
type Not struct{ Elems []Elem }

// Let names a value; false means that there is none.
type Let struct {
	Name string
	F    func(Env) (any, bool)
}

// Where is a condition.
type Where struct{ F func(Env) bool }

// Matches are all ways to satisfy the elements.
func Matches(elems []Elem, facts []Fact) []Env { return extend(Env{}, elems, facts) }

// extend satisfies the elements one after the other, trying every fact for every
// pattern.
func extend(env Env, elems []Elem, facts []Fact) []Env {
	if len(elems) == 0 {
		return []Env{env}
	}
	rest := elems[1:]
	switch e := elems[0].(type) {
	case Pattern:
		var all []Env
		for _, f := range facts {
			if next := env.with(e.As, f); f.Type == e.Type && passes(e, f, next) {
				all = append(all, extend(next, rest, facts)...)
			}
		}
		return all
	case Not:
		if len(extend(env, e.Elems, facts)) > 0 {
			return nil
		}
	case Let:
		v, ok := e.F(env)
		if !ok {
			return nil
		}
		env = env.with("", Fact{})
		env.Order = env.Order[:len(env.Order)-1]
		env.Values[e.Name] = v
	case Where:
		if !e.F(env) {
			return nil
		}
	}
	return extend(env, rest, facts)
}

// with copies the environment and adds a fact.
func (e Env) with(name string, f Fact) Env {
	next := Env{Facts: map[string]Fact{}, Values: map[string]any{}}
	for k, v := range e.Facts {
		next.Facts[k] = v
	}
	for k, v := range e.Values {
		next.Values[k] = v
	}
	next.Facts[name] = f
	next.Order = append(append(next.Order, e.Order...), f)
	return next
}

func passes(p Pattern, f Fact, env Env) bool {
	for _, t := range p.Tests {
		v, ok := f.Fields[t.Field]
		if !ok || !t.holds(v, env) {
			return false
		}
	}
	return true
}

func (t Test) holds(v any, env Env) bool {
	want := t.Value
	if t.Name != "" {
		var ok bool
		if want, ok = env.Values[t.Name]; !ok {
			if want, ok = env.Facts[t.Name].Fields[t.Other]; !ok {
				return false
			}
		}
	}
	switch t.Op {
	case "==":
		return Equal(v, want)
	case "!=":
		return !Equal(v, want)
	case "in":
		for _, w := range want.([]any) {
			if Equal(v, w) {
				return true
			}
		}
		return false
	}
	return ordered(t.Op, v, want)
}

// Equal is equality of values: numbers by value, NaN equals nothing.
func Equal(a, b any) bool {
	x, xnum := number(a)
	y, ynum := number(b)
	if xnum || ynum {
		return xnum && ynum && x == y
	}
	return fmt.Sprintf("%T %v", a, a) == fmt.Sprintf("%T %v", b, b)
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// ordered compares numbers with numbers and strings with strings.
func ordered(op string, a, b any) bool {
	x, xnum := number(a)
	y, ynum := number(b)
	c := 0
	if xnum && ynum {
		if math.IsNaN(x) || math.IsNaN(y) {
			return false
		}
		switch {
		case x < y:
			c = -1
		case x > y:
			c = 1
		}
	} else {
		s, sok := a.(string)
		t, tok := b.(string)
		if !sok || !tok {
			return false
		}
		c = strings.Compare(s, t)
	}
	return op == "<" && c < 0 || op == "<=" && c <= 0 || op == ">" && c > 0 || op == ">=" && c >= 0
}

// Rule concludes facts from matches. Rules of a lower Level are settled before
// those of a higher one look.
type Rule struct {
	ID     string
	Level  int
	When   []Elem
	Derive func(Env) []Fact
}

// Fixpoint is what follows from stated facts: level by level, all rules of a
// level until nothing is new. Only rules whose negations look at lower levels
// have one.
func Fixpoint(stated []Fact, rules []Rule) []Fact {
	facts := append([]Fact(nil), stated...)
	have := map[string]bool{}
	for _, f := range facts {
		have[f.Text()] = true
	}
	top := 0
	for _, r := range rules {
		top = max(top, r.Level)
	}
	for level := 0; level <= top; level++ {
		for grown := true; grown; {
			grown = false
			for _, f := range step(level, facts, rules) {
				if !have[f.Text()] {
					have[f.Text()] = true
					facts = append(facts, f)
					grown = true
				}
			}
		}
	}
	return facts
}

// step is what the rules of one level conclude from the facts so far.
func step(level int, facts []Fact, rules []Rule) []Fact {
	var all []Fact
	for _, r := range rules {
		if r.Level != level {
			continue
		}
		for _, env := range Matches(r.When, facts) {
			all = append(all, r.Derive(env)...)
		}
	}
	return all
}

// Text is the content of a fact: equal facts have equal texts.
func (f Fact) Text() string {
	names := make([]string, 0, len(f.Fields))
	for name := range f.Fields {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(f.Type)
	for _, name := range names {
		v := f.Fields[name]
		if x, ok := number(v); ok {
			v = x + 0 // 1 and 1.0 are one number, and so are 0 and -0
		}
		fmt.Fprintf(&b, " %s=%T:%v", name, v, v)
	}
	return b.String()
}
