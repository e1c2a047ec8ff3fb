package rete_test

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
)

// Reachability is the hard case of truth maintenance: many facts support each
// other in rings, and only what is stated holds a ring up.
var reachTypes = []rete.Type{
	{Name: "Node", Fields: []rete.Field{{Name: "n"}}},
	{Name: "Edge", Fields: []rete.Field{{Name: "from"}, {Name: "to"}}},
	{Name: "Flip", Fields: []rete.Field{{Name: "n"}}},
}

var reachRules = []rete.Production{
	{
		ID: "reach",
		When: []rete.Element{
			rete.Match("Node", "a"),
			rete.Match("Edge", "e", rete.JoinEq("from", "a", "n")),
		},
		Then: func(c *rete.Firing) error {
			e, _ := c.Fact("e")
			to, _ := e.Get("to")
			_, err := c.Derive("Node", rete.Fields{"n": to})
			return err
		},
	},
	{ // takes the statement of a node back and concludes it in the same breath
		ID: "flip", Priority: 1,
		When: []rete.Element{
			rete.Match("Flip", "f"),
			rete.Match("Node", "a", rete.JoinEq("n", "f", "n")),
			rete.Match("Edge", "e", rete.JoinEq("to", "f", "n")),
			rete.Match("Node", "b", rete.JoinEq("n", "e", "from")),
		},
		Then: func(c *rete.Firing) error {
			a, _ := c.Fact("a")
			if !a.Derived() {
				if err := c.Retract(a.Handle()); err != nil {
					return err
				}
			}
			_, err := c.Derive("Node", a.Fields())
			return err
		},
	},
}

func reachFrom(stated []int64, edges [][2]int64) []int64 {
	reached := slices.Clone(stated)
	for i := 0; i < len(reached); i++ {
		for _, e := range edges {
			if e[0] == reached[i] && !slices.Contains(reached, e[1]) {
				reached = append(reached, e[1])
			}
		}
	}
	slices.Sort(reached)
	return slices.Compact(reached)
}

func intField(f rete.Fact, name string) int64 {
	v, _ := f.Get(name)
	return v.(int64)
}

func checkReach(t *rapid.T, s *rete.Session) {
	t.Helper()
	var stated, got []int64
	var edges [][2]int64
	for f := range s.FactsOf("Node") {
		got = append(got, intField(f, "n"))
		if !f.Derived() {
			stated = append(stated, intField(f, "n"))
		}
	}
	for f := range s.FactsOf("Edge") {
		edges = append(edges, [2]int64{intField(f, "from"), intField(f, "to")})
	}
	slices.Sort(got)
	if want := reachFrom(stated, edges); !slices.Equal(got, want) {
		t.Fatalf("reached %v, the twin %v; stated %v, edges %v", got, want, stated, edges)
	}
}

func TestRingsFallWithTheirOutsideSupport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, err := rete.Compile(reachTypes, reachRules)
		if err != nil {
			t.Fatal(err)
		}
		s := rete.NewSession(base, rete.Config{})
		node := rapid.Int64Range(0, 4)
		for range rapid.IntRange(1, 12).Draw(t, "batches") {
			tx := s.Begin()
			for range rapid.IntRange(1, 4).Draw(t, "changes") {
				changeGraph(t, s, tx, node)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Run(context.TODO()); err != nil {
				t.Fatal(err)
			}
			checkReach(t, s)
		}
	})
}

func changeGraph(t *rapid.T, s *rete.Session, tx *rete.Tx, node *rapid.Generator[int64]) {
	var typ string
	var fields rete.Fields
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0, 1:
		typ, fields = "Node", rete.Fields{"n": node.Draw(t, "n")}
	case 2:
		typ, fields = "Flip", rete.Fields{"n": node.Draw(t, "n")}
	default:
		typ, fields = "Edge", rete.Fields{"from": node.Draw(t, "from"), "to": node.Draw(t, "to")}
	}
	// What is there goes, what is not comes, so that about half is there.
	if f, ok := s.Lookup(typ, fields); ok && !f.Derived() {
		if err := tx.Retract(f.Handle()); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := tx.Assert(typ, fields); err != nil {
		t.Fatal(err)
	}
}
