package rete_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/rete"
)

// TestCompileSaysEverythingAtOnce: each mistake is an error of its own that
// names the production or the type.
func TestCompileSaysEverythingAtOnce(t *testing.T) {
	yes := func(rete.Env) (bool, error) { return true, nil }
	fn := func(name, field string) rete.Func {
		return rete.Func{Label: name + field, Reads: []rete.Ref{{Name: name, Field: field}}, Test: yes}
	}
	match := rete.Match("item", "i")
	cases := map[string][]rete.Element{
		`unknown fact type "itme"`:                {rete.Match("itme", "i")},
		"item has no field z":                     {rete.Match("item", "i", rete.Eq("z", 1))},
		`"j" is not bound here`:                   {rete.Match("item", "i", rete.JoinEq("x", "j", "x"))},
		"i is of type item and has no field z":    {match, rete.Match("tag", "t", rete.JoinEq("id", "i", "z"))},
		"i is bound twice":                        {match, rete.Match("tag", "i")},
		"a field cannot equal a whole fact":       {match, rete.Match("tag", "t", rete.JoinEq("id", "i", ""))},
		"an empty negation never holds":           {rete.Not()},
		`"t" is not bound here`:                   {rete.Not(rete.Match("tag", "t")), rete.Where(fn("t", "id"))},
		`the value "" is nameless or bound twice`: {rete.Let("", rete.Func{Label: "v", Value: func(rete.Env) (any, error) { return nil, nil }})},
		"the value v has no Value":                {rete.Let("v", rete.Func{Label: "v"})},
		`the condition "w" has no Test`:           {rete.Where(rete.Func{Label: "w"})},
		"an element is nil":                       {nil},
		"value of a kind that facts cannot hold":  {rete.Match("item", "i", rete.Eq("x", struct{}{}))},
		"v is a value and has no field x":         {match, rete.Let("v", rete.Func{Label: "v", Value: func(rete.Env) (any, error) { return nil, nil }}), rete.Where(fn("v", "x"))},
	}
	var productions []rete.Production
	for want, when := range cases {
		productions = append(productions, rete.Production{ID: want, When: when, Then: nothing})
	}
	productions = append(productions, rete.Production{ID: "twice", Then: nothing}, rete.Production{ID: "twice", Then: nothing}, rete.Production{})
	types := append(slices.Clone(transcriptTypes),
		rete.Type{Name: "bad", Key: []string{"k", "o"}, Fields: []rete.Field{{Name: "f"}, {Name: "f"}, opt("o")}},
		rete.Type{Name: "tag"},
		rete.Type{},
	)
	_, err := rete.Compile(types, productions)
	if err == nil {
		t.Fatal("no error")
	}
	for want := range cases {
		if !strings.Contains(err.Error(), "production "+want+": ") || strings.Count(err.Error(), want) < 2 {
			t.Errorf("nothing says %q", want)
		}
	}
	for _, want := range []string{
		"twice: declared twice", "a production needs an ID", "a production needs a Then", "a type needs a name",
		"type bad: key field k is not declared", "type bad: key field o cannot be optional",
		`type bad: field "f" is nameless or declared twice`, "type tag: declared twice with other fields",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing says %q", want)
		}
	}
	var ce *rete.CompileError
	if !errors.As(err, &ce) {
		t.Error("not a CompileError")
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestReadsOfThenAreChecked(t *testing.T) {
	_, err := rete.Compile(transcriptTypes, []rete.Production{{
		ID: "p", When: anyItem, Then: nothing, Reads: []rete.Ref{{Name: "i", Field: "x"}, {Name: "i"}, {Name: "q", Field: "x"}},
	}})
	if err == nil || !strings.Contains(err.Error(), `"q" is not bound here`) {
		t.Error(err)
	}
}

// TestJoinsFollowEquality: the tests that are data agree on what equals what.
func TestJoinsFollowEquality(t *testing.T) {
	s := newRules(t, rete.Config{},
		rete.Production{ID: "same", Then: nothing, When: []rete.Element{
			rete.Match("item", "i"), rete.Match("tag", "t", rete.JoinEq("text", "i", "x"), rete.JoinEq("id", "i", "id")),
		}},
		rete.Production{ID: "self", Then: nothing, When: []rete.Element{rete.Match("item", "i", rete.JoinEq("x", "i", "y"))}},
		rete.Production{ID: "const", Then: nothing, When: []rete.Element{rete.Match("item", "i", rete.Eq("x", math.NaN()))}},
		rete.Production{ID: "ne", Then: nothing, When: []rete.Element{rete.Match("item", "i", rete.Ne("x", 1))}},
		rete.Production{ID: "range", Then: nothing, When: []rete.Element{
			rete.Match("item", "i", rete.Greater("x", 0), rete.LessEq("x", 1), rete.In("x", 1, "a")),
		}},
	)
	for i, x := range []any{1.0, math.NaN(), "1", rete.Absent} {
		state(t, s, "item", rete.Fields{"id": i, "x": x, "y": x})
		state(t, s, "tag", rete.Fields{"id": float64(i), "text": x})
	}
	for id, want := range map[string]int{"same": 2, "self": 2, "const": 0, "ne": 2, "range": 1} {
		n := 0
		for range s.Matches(id) {
			n++
		}
		if n != want {
			t.Errorf("%s matches %d times, want %d", id, n, want)
		}
	}
	report := runAll(t, s)
	for _, id := range []string{"same", "self", "const", "ne", "range"} {
		if report.AbsentReads[id] == 0 {
			t.Errorf("%s read no absent field", id)
		}
	}
}
