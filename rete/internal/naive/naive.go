// Package naive evaluates productions the obvious way: it tries every
// combination of facts, remembers nothing and indexes nothing. It is the twin
// that the matcher is tested against, so it shares no code with it.
package naive

import (
	"maps"
	"slices"
)

// Fact is a fact with the fields that are there.
type Fact struct {
	Type   string
	ID     uint64 // tells facts of equal content apart; 0 if of no interest
	Fields map[string]any
}

// Env is what is bound: facts by pattern name, values by name. Two matches of a
// production are the same if their Order and Branches and, where it accumulates
// by groups, the groups' values are.
type Env struct {
	Facts    map[string]Fact
	Values   map[string]any
	Order    []Fact // of the patterns, in order
	Branches []int  // taken of each [Any], in order
}

// Elem is an element of a condition: [Pattern], [Not], [Exists], [ForAll], [Any],
// [Accumulate], [Let], [Where] or [Having].
type Elem any

// Pattern is a fact of a type that passes the tests.
type Pattern struct {
	Type, As string
	Tests    []Test
}

// Test compares a field with a constant, or, with Name set, with a value or
// another fact's field.
type Test struct {
	Op    string // == != in < <= > >=
	Field string
	Value any
	Name  string
	Other string
}

// Not holds when nothing satisfies the elements.
type Not struct{ Elems []Elem }

// Exists holds when something satisfies the elements: one match, however many
// ways there are.
type Exists struct{ Elems []Elem }

// ForAll holds when the elements hold for every fact of the pattern.
type ForAll struct {
	Match   Pattern
	Satisfy []Elem
}

// Any is satisfied in as many ways as its branches are, all together.
type Any struct{ Branches [][]Elem }

// Let names a value; false means that there is none.
type Let struct {
	Name string
	F    func(Env) (any, bool)
}

// Where is a condition.
type Where struct{ F func(Env) bool }

// Having tests the fields of a fact that is bound already or, with the tests'
// Field empty, a value.
type Having struct {
	Name  string
	Tests []Test
}

// Matches are all ways to satisfy the elements.
func Matches(elems []Elem, facts []Fact) []Env { return extend(Env{}, elems, facts) }

// extend satisfies the elements one after the other.
func extend(env Env, elems []Elem, facts []Fact) []Env {
	envs := []Env{env}
	for _, e := range elems {
		var next []Env
		for _, env := range envs {
			next = append(next, satisfy(env, e, facts)...)
		}
		envs = next
	}
	return envs
}

// satisfy is env in each way that the element allows.
func satisfy(env Env, elem Elem, facts []Fact) []Env {
	switch e := elem.(type) {
	case Pattern:
		return match(env, e, facts)
	case Not:
		return only(env, !holds(env, e.Elems, facts))
	case Exists:
		return only(env, holds(env, e.Elems, facts))
	case ForAll:
		missed := func(found Env) bool { return !holds(found, e.Satisfy, facts) }
		return only(env, !slices.ContainsFunc(match(env, e.Match, facts), missed))
	case Any:
		return branch(env, e, facts)
	case Accumulate:
		return accumulate(env, e, facts)
	case Let:
		v, ok := e.F(env)
		return only(env.withValue(e.Name, v), ok)
	case Where:
		return only(env, e.F(env))
	case Having:
		return only(env, e.holds(env))
	}
	panic("naive: an element of no known kind")
}

// only is env if it may stay.
func only(env Env, stays bool) []Env {
	if !stays {
		return nil
	}
	return []Env{env}
}

func holds(env Env, elems []Elem, facts []Fact) bool { return len(extend(env, elems, facts)) > 0 }

// match tries every fact.
func match(env Env, p Pattern, facts []Fact) []Env {
	var all []Env
	for _, f := range facts {
		if next := env.withFact(p.As, f); f.Type == p.Type && passes(p, f, next) {
			all = append(all, next)
		}
	}
	return all
}

func branch(env Env, e Any, facts []Fact) []Env {
	var all []Env
	for i, elems := range e.Branches {
		taken := env.clone()
		taken.Branches = append(taken.Branches, i)
		all = append(all, extend(taken, elems, facts)...)
	}
	return all
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

func (h Having) holds(env Env) bool {
	for _, t := range h.Tests {
		v, ok := env.get(h.Name, t.Field)
		if !ok || !t.holds(v, env) {
			return false
		}
	}
	return true
}

// get is a value or, if none has that name, a fact's field.
func (e Env) get(name, field string) (any, bool) {
	if v, ok := e.Values[name]; ok {
		return v, true
	}
	v, ok := e.Facts[name].Fields[field]
	return v, ok
}

func (e Env) clone() Env {
	next := Env{Facts: map[string]Fact{}, Values: map[string]any{}, Order: slices.Clone(e.Order), Branches: slices.Clone(e.Branches)}
	maps.Copy(next.Facts, e.Facts)
	maps.Copy(next.Values, e.Values)
	return next
}

func (e Env) withFact(name string, f Fact) Env {
	next := e.clone()
	next.Facts[name] = f
	next.Order = append(next.Order, f)
	return next
}

func (e Env) withValue(name string, v any) Env {
	next := e.clone()
	next.Values[name] = v
	return next
}
