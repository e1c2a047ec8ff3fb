package rete_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
	"github.com/trimtab/trimtab/rete/internal/naive"
)

// production draws a production of the test types with its twin's condition.
func (g *generator) production(id string) (rete.Production, []naive.Elem) {
	g.ways = 2
	pairs, _ := g.elements(g.int("elements", 1, 4), 2, nil)
	ours, twins := split(pairs)
	return rete.Production{ID: id, When: ours, Then: func(*rete.Firing) error { return nil }}, twins
}

// TestMatchesEqualTwin: after every batch the match set is that of the naive
// evaluator, whatever was asserted, updated and retracted, and in whatever way
// the productions nest.
func TestMatchesEqualTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var now int64
		g := &generator{t: t, types: []string{"A", "B", "C"}, now: &now}
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
		if err := s.SetClock(time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		for range g.int("batches", 1, 8) {
			g.batch(s)
			g.tick(s)
			compareMatches(t, s, twins)
		}
		compareFresh(t, base, s, twins)
		g.clear(s)
		empty := rete.NewSession(base, rete.Config{})
		if err := empty.SetClock(s.Now()); err != nil {
			t.Fatal(err)
		}
		if got := s.Size(); got != empty.Size() {
			t.Fatalf("an emptied session holds %+v, a new one %+v", got, empty.Size())
		}
		vacate(t, s)
	})
}

// TestAdoptEqualsTwin: productions that come and go match what is there, and
// leave nothing behind.
func TestAdoptEqualsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var now int64
		g := &generator{t: t, types: []string{"A", "B", "C"}, now: &now}
		base, err := rete.Compile(testTypes, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := rete.NewSession(base, rete.Config{})
		if err := s.SetClock(time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		twins := map[string][]naive.Elem{}
		for i := range g.int("steps", 1, 8) {
			g.adopt(s, fmt.Sprint("p", i), twins)
			compareMatches(t, s, twins)
			g.batch(s)
			g.tick(s)
			compareMatches(t, s, twins)
		}
		vacate(t, s)
	})
}

// adopt takes a production out, or adds one.
func (g *generator) adopt(s *rete.Session, id string, twins map[string][]naive.Elem) {
	base := s.Base()
	var err error
	if ids := base.Productions(); len(ids) > 0 && g.int("remove", 0, 2) == 0 {
		id := rapid.SampledFrom(ids).Draw(g.t, "id")
		base, err = base.Without(id)
		delete(twins, id)
	} else {
		p, twin := g.production(id)
		twins[id] = twin
		base, err = base.With(nil, []rete.Production{p})
	}
	if err := errors.Join(err, s.Adopt(base)); err != nil {
		g.t.Fatal(err)
	}
}

// tick moves the clock now and then, also back.
func (g *generator) tick(s *rete.Session) {
	if g.int("tick", 0, 2) > 0 {
		return
	}
	*g.now = int64(g.int("now", -1, 4))
	if err := s.SetClock(time.Unix(*g.now, 0)); err != nil {
		g.t.Fatal(err)
	}
}

// vacate takes every production and fact out and checks that nothing is left.
func vacate(t *rapid.T, s *rete.Session) {
	t.Helper()
	base, err := s.Base().Without(s.Base().Productions()...)
	if err := errors.Join(err, s.Adopt(base), s.CheckInvariants()); err != nil {
		t.Fatal(err)
	}
	if got := s.Size(); got.Nodes+got.Tokens+got.Matches != 0 {
		t.Fatalf("without productions the session holds %+v", got)
	}
	tx := s.Begin()
	for f := range s.Facts() {
		if err := tx.Retract(f.Handle()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tx.Commit(), s.CheckInvariants(), s.CheckEmpty()); err != nil {
		t.Fatal(err)
	}
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

// compareMatches compares the matches of every production with the twin's, by
// facts and values. Matches that differ in nothing but the branches of disjunctions
// count one by one.
func compareMatches(t *rapid.T, s *rete.Session, twins map[string][]naive.Elem) {
	t.Helper()
	if err := s.CheckInvariants(); err != nil {
		t.Fatal(err)
	}
	compareSets(t, s, twins, plainly)
}

// compareFresh compares a session that is told the productions when all facts are
// there. There values have the form in which they were given: in a session that saw
// one become an equal one, 1 become 1.0 in another place, a result that is unchanged
// keeps its old form.
func compareFresh(t *rapid.T, base *rete.Base, s *rete.Session, twins map[string][]naive.Elem) {
	t.Helper()
	bare, err := base.Without(base.Productions()...)
	if err != nil {
		t.Fatal(err)
	}
	fresh := rete.NewSession(bare, rete.Config{})
	if err := fresh.SetClock(s.Now()); err != nil {
		t.Fatal(err)
	}
	tx := fresh.Begin()
	for f := range s.Facts() {
		if _, err := tx.Assert(f.Type(), f.Fields()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tx.Commit(), fresh.Adopt(base), fresh.CheckInvariants()); err != nil {
		t.Fatal(err)
	}
	compareSets(t, fresh, twins, exactly)
}

func compareSets(t *rapid.T, s *rete.Session, twins map[string][]naive.Elem, write func(name string, v any) string) {
	t.Helper()
	facts := factsOf(s)
	for id, when := range twins {
		var want, got []string
		for _, env := range naive.Matches(when, facts) {
			ids := make([]uint64, len(env.Order))
			for i, f := range env.Order {
				ids[i] = f.ID
			}
			want = append(want, matchText(ids, env.Values, write))
		}
		for m := range s.Matches(id) {
			ids := make([]uint64, len(m.Facts))
			for i, f := range m.Facts {
				ids[i] = uint64(f.Handle())
			}
			got = append(got, matchText(ids, m.Values, write))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Fatalf("%s matches\n%v\nthe twin\n%v\nfacts %v", id, got, want, facts)
		}
	}
}

// matchText is a match in words.
func matchText(ids []uint64, values map[string]any, write func(name string, v any) string) string {
	text := fmt.Sprint(ids)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text += " " + name + "=" + write(name, values[name])
	}
	return text
}

// plainly writes numbers without their kind: equal values read alike.
func plainly(_ string, v any) string {
	switch x := v.(type) {
	case int64:
		return fmt.Sprint(float64(x))
	case float64:
		return fmt.Sprint(x + 0) // -0 is 0
	case []any:
		words := make([]string, len(x))
		for i, v := range x {
			words[i] = plainly("", v)
		}
		return fmt.Sprint(words)
	}
	return fmt.Sprintf("%T:%v", v, v)
}

// exactly writes values with their kind. Groups have the form of whichever member
// came first, and zero may be that of nothing, before an inner result came.
func exactly(name string, v any) string {
	if name[0] == 'g' || v == int64(0) || v == 0.0 {
		return plainly(name, v)
	}
	if list, is := v.([]any); is {
		words := make([]string, len(list))
		for i, v := range list {
			words[i] = exactly(name, v)
		}
		slices.Sort(words) // equal values of one fact are in no order
		return fmt.Sprint(words)
	}
	return fmt.Sprintf("%T:%v", v, v)
}

func texts(facts []naive.Fact) []string {
	list := make([]string, len(facts))
	for i, f := range facts {
		list[i] = f.Text()
	}
	slices.Sort(list)
	return list
}

// TestEqualBranches: branches that say the same count one by one, wherever they
// stand.
func TestEqualBranches(t *testing.T) {
	item := []rete.Element{rete.Match("A", "f")}
	twin := []naive.Elem{naive.Pattern{Type: "A", As: "f"}}
	either, anyTwin := rete.Any(item, item, item), naive.Any{Branches: [][]naive.Elem{twin, twin, twin}}
	of := func(env naive.Env) (any, bool) { return readTwin(env, "f", "x") }
	when := map[string][]rete.Element{
		"matches": {either},
		"inside": {rete.Accumulate(rete.Accumulation{From: []rete.Element{either}, Let: []rete.Aggregate{
			{Name: "n1", Op: rete.Count}, {Name: "n2", Op: rete.Sum, Of: rete.Read("f", "x")}, {Name: "n3", Op: rete.Collect, Of: rete.Read("f", "x")},
		}})},
		"not": {rete.Not(either)},
	}
	twins := map[string][]naive.Elem{
		"matches": {anyTwin},
		"inside": {naive.Accumulate{From: []naive.Elem{anyTwin}, Aggs: []naive.Agg{
			{Name: "n1", Op: "count"}, {Name: "n2", Op: "sum", F: of}, {Name: "n3", Op: "collect", F: of},
		}}},
		"not": {naive.Not{Elems: []naive.Elem{anyTwin}}},
	}
	var productions []rete.Production
	for id, elems := range when {
		productions = append(productions, rete.Production{ID: id, When: elems, Then: nothing})
	}
	base, err := rete.Compile(testTypes, productions)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, types: []string{"A"}}
		s := rete.NewSession(base, rete.Config{})
		for range g.int("batches", 1, 5) {
			g.batch(s)
			compareMatches(t, s, twins)
		}
		vacate(t, s)
	})
}
