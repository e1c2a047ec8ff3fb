package rete_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/trimtab/trimtab/rete"
)

// parkMiller is the generator of the workloads: the same numbers everywhere.
type parkMiller int64

func (p *parkMiller) next(n int64) int64 {
	*p = *p * 48271 % 2147483647
	return int64(*p) % n
}

var benchTypes = []rete.Type{
	{Name: "item", Fields: []rete.Field{{Name: "id"}, {Name: "kind"}}},
	{Name: "attr", Fields: []rete.Field{{Name: "id"}, {Name: "on"}}},
}

func benchRules(n int) []rete.Production {
	rules := make([]rete.Production, n)
	for i := range rules {
		rules[i] = rete.Production{
			ID: fmt.Sprintf("r%07d", i),
			When: []rete.Element{
				rete.Match("item", "i", rete.Eq("kind", i)),
				rete.Match("attr", "a", rete.JoinEq("id", "i", "id"), rete.Eq("on", 1)),
			},
			Then: func(*rete.Firing) error { return nil },
		}
	}
	return rules
}

// BenchmarkB1 replaces one item and runs, with N rules over a thousand
// attributes: each change fires once.
func BenchmarkB1(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint("rules=", n), func(b *testing.B) {
			base, err := rete.Compile(benchTypes, benchRules(n))
			if err != nil {
				b.Fatal(err)
			}
			s := rete.NewSession(base, rete.Config{})
			tx := s.Begin()
			for id := range 1000 {
				_, err = tx.Assert("attr", rete.Fields{"id": id, "on": 1})
			}
			if err = errors.Join(err, tx.Commit()); err != nil {
				b.Fatal(err)
			}
			b1(b, s, int64(n))
		})
	}
}

func b1(b *testing.B, s *rete.Session, rules int64) {
	random, firings := parkMiller(42), 0
	var old rete.Handle
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		tx := s.Begin()
		if old != 0 {
			_ = tx.Retract(old)
		}
		h, err := tx.Assert("item", rete.Fields{"id": i % 1000, "kind": random.next(rules)})
		if err = errors.Join(err, tx.Commit()); err != nil {
			b.Fatal(err)
		}
		report, err := s.Run(context.TODO())
		if err != nil {
			b.Fatal(err)
		}
		old, firings = h, firings+report.Firings
	}
	if firings != b.N {
		b.Fatalf("%d firings for %d changes", firings, b.N)
	}
}
