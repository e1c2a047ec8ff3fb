package naive

import (
	"math"
	"testing"
)

// The twin is trusted because it is simple; these say that it is not vacuous.

func TestMatchesByHand(t *testing.T) {
	a := func(x any) Fact { return Fact{Type: "A", Fields: map[string]any{"x": x}} }
	facts := []Fact{a(int64(1)), a(1.0), a("1"), {Type: "A"}, {Type: "B"}}
	pair := []Elem{
		Pattern{Type: "A", As: "p"},
		Pattern{Type: "A", As: "q", Tests: []Test{{Op: "==", Field: "x", Name: "p", Other: "x"}}},
	}
	if n := len(Matches(pair, facts)); n != 5 { // 1 with 1.0 both ways, each with itself
		t.Errorf("%d pairs", n)
	}
	lonely := []Elem{pair[0], Not{Elems: []Elem{pair[1]}}}
	if n := len(Matches(lonely, facts)); n != 1 {
		t.Errorf("%d without a partner", n)
	}
	if n := len(Matches([]Elem{Not{Elems: []Elem{Pattern{Type: "C"}}}}, facts)); n != 1 {
		t.Errorf("%d matches of an absence", n)
	}
}

func TestEqualByHand(t *testing.T) {
	if Equal(math.NaN(), math.NaN()) || Equal(int64(1), "1") || !Equal(0.0, math.Copysign(0, -1)) {
		t.Error("equality is not that of the rules")
	}
}

func TestFixpointByHand(t *testing.T) {
	grow := func(env Env) []Fact {
		n := env.Facts["f"].Fields["n"].(int64)
		return []Fact{{Type: "N", Fields: map[string]any{"n": min(n+1, 3)}}}
	}
	none := []Elem{Not{Elems: []Elem{Pattern{Type: "N", Tests: []Test{{Op: "==", Field: "n", Value: int64(3)}}}}}}
	rules := []Rule{
		{ID: "alarm", Level: 1, When: none, Derive: func(Env) []Fact { return []Fact{{Type: "Alarm"}} }},
		{ID: "grow", When: []Elem{Pattern{Type: "N", As: "f"}}, Derive: grow},
	}
	if facts := Fixpoint([]Fact{{Type: "N", Fields: map[string]any{"n": int64(0)}}}, rules); len(facts) != 4 {
		t.Errorf("fixpoint %v", facts)
	}
	if facts := Fixpoint(nil, rules); len(facts) != 1 || facts[0].Type != "Alarm" {
		t.Errorf("fixpoint of nothing %v", facts)
	}
}
