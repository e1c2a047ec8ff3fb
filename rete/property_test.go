package rete_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
	"github.com/trimtab/trimtab/rete/internal/naive"
)

// production draws a production of the test types with its twin's condition.
func (g *generator) production(id string) (rete.Production, []naive.Elem) {
	pairs, _ := g.elements(g.int("elements", 1, 4), 2, nil)
	ours, twins := split(pairs)
	return rete.Production{ID: id, When: ours, Then: func(*rete.Firing) error { return nil }}, twins
}

// TestMatchesEqualTwin: after every batch the match set is that of the naive
// evaluator, whatever was asserted, updated and retracted, and in whatever way
// the productions nest.
func TestMatchesEqualTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, types: []string{"A", "B", "C"}}
		twins := map[string][]naive.Elem{}
		var productions []rete.Production
		for i := range g.int("productions", 1, 3) {
			id := fmt.Sprint("p", i)
			p, twin := g.production(id)
			productions, twins[id] = append(productions, p), twin
		}
		base, err := rete.Compile(testTypes, productions)
		if err != nil {
			t.Fatal(err)
		}
		s := rete.NewSession(base, rete.Config{})
		empty := s.Size()
		for range g.int("batches", 1, 8) {
			g.batch(s)
			compareMatches(t, s, twins)
		}
		g.clear(s)
		if got := s.Size(); got != empty {
			t.Fatalf("an emptied session holds %+v, a new one %+v", got, empty)
		}
	})
}

// TestAdoptEqualsTwin: productions that come and go match what is there, and
// leave nothing behind.
func TestAdoptEqualsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, types: []string{"A", "B", "C"}}
		base, err := rete.Compile(testTypes, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := rete.NewSession(base, rete.Config{})
		twins := map[string][]naive.Elem{}
		for i := range g.int("steps", 1, 8) {
			if ids := base.Productions(); len(ids) > 0 && g.int("remove", 0, 2) == 0 {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				base, err = base.Without(id)
				delete(twins, id)
			} else {
				id := fmt.Sprint("p", i)
				p, twin := g.production(id)
				twins[id] = twin
				base, err = base.With(nil, []rete.Production{p})
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Adopt(base); err != nil {
				t.Fatal(err)
			}
			compareMatches(t, s, twins)
			g.batch(s)
			compareMatches(t, s, twins)
		}
		base, _ = base.Without(base.Productions()...)
		if err := s.Adopt(base); err != nil {
			t.Fatal(err)
		}
		if got := s.Size(); got.Nodes+got.Tokens+got.Matches != 0 {
			t.Fatalf("without productions the session holds %+v", got)
		}
	})
}

// batch draws a batch of changes and commits it, or now and then rolls it back.
func (g *generator) batch(s *rete.Session) {
	before := texts(factsOf(s))
	tx := s.Begin()
	for range g.int("changes", 1, 6) {
		g.change(s, tx)
	}
	if g.int("rollback", 0, 5) > 0 {
		if err := tx.Commit(); err != nil {
			g.t.Fatal(err)
		}
		return
	}
	tx.Rollback()
	if after := texts(factsOf(s)); !slices.Equal(before, after) {
		g.t.Fatalf("rollback left\n%v\nof\n%v", after, before)
	}
}

func (g *generator) change(s *rete.Session, tx *rete.Tx) {
	facts := slices.Collect(s.Facts())
	facts = slices.DeleteFunc(facts, rete.Fact.Derived)
	op := g.int("change", 0, 4)
	if len(facts) == 0 || op < 2 {
		typ := rapid.SampledFrom(g.types).Draw(g.t, "type")
		if _, err := tx.Assert(typ, g.fields(typ)); err != nil {
			g.t.Fatal(err)
		}
		return
	}
	f := rapid.SampledFrom(facts).Draw(g.t, "fact")
	if op == 4 {
		if err := tx.Retract(f.Handle()); err != nil {
			g.t.Fatal(err)
		}
		return
	}
	fields := g.fields(f.Type())
	delete(fields, "k")
	if g.int("clear", 0, 4) == 0 && optional[f.Type()] {
		fields["x"] = rete.Absent
	}
	_ = tx.Update(f.Handle(), fields) // refused for a fact that is derived as well
}

func (g *generator) clear(s *rete.Session) {
	tx := s.Begin()
	for f := range s.Facts() {
		if err := tx.Retract(f.Handle()); err != nil {
			g.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		g.t.Fatal(err)
	}
}

func compareMatches(t *rapid.T, s *rete.Session, twins map[string][]naive.Elem) {
	t.Helper()
	facts := factsOf(s)
	for id, when := range twins {
		var want, got []string
		for _, env := range naive.Matches(when, facts) {
			ids := make([]uint64, len(env.Order))
			for i, f := range env.Order {
				ids[i] = f.ID
			}
			want = append(want, fmt.Sprint(ids))
		}
		for m := range s.Matches(id) {
			ids := make([]uint64, len(m.Facts))
			for i, f := range m.Facts {
				ids[i] = uint64(f.Handle())
			}
			got = append(got, fmt.Sprint(ids))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Fatalf("%s matches\n%v\nthe twin\n%v\nfacts %v", id, got, want, facts)
		}
	}
}

func texts(facts []naive.Fact) []string {
	list := make([]string, len(facts))
	for i, f := range facts {
		list[i] = f.Text()
	}
	slices.Sort(list)
	return list
}
