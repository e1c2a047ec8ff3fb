package rete_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
	"github.com/trimtab/trimtab/rete/internal/naive"
)

// Derived types stand on levels: D0 follows from stated facts and from itself,
// D1 from everything and the absence of D0, K from everything and the absence of
// both. So there is exactly one well-founded set of facts.
var derivedTypes = append([]rete.Type{
	{Name: "D0", Fields: []rete.Field{{Name: "x"}, {Name: "y"}}},
	{Name: "D1", Fields: []rete.Field{{Name: "x"}, {Name: "y"}}},
	{Name: "K", Key: []string{"k"}, Fields: []rete.Field{{Name: "k"}, {Name: "v"}}},
}, testTypes...)

var levels = []struct {
	derives         string
	matches, denies []string
}{
	{"D0", []string{"A", "B", "D0", "D0"}, []string{"A", "B", "C"}},
	{"D1", []string{"A", "D0", "D1", "D1"}, []string{"A", "C", "D0"}},
	{"K", []string{"A", "D0", "D1"}, []string{"B", "D0", "D1"}},
}

// source is where a derived field comes from: what is bound, or a constant.
type source struct {
	name, field string
	value       any
}

// rules draws rules that derive, in both forms, and counts their firings by
// facts in trace.
func (g *generator) rules(trace *[]string) ([]rete.Production, []naive.Rule, map[string]int) {
	var ours []rete.Production
	var twins []naive.Rule
	priorities := map[string]int{}
	g.bag = true // the twin concludes in an order of its own
	for i := range g.int("rules", 1, 6) {
		g.ways = 1
		level := g.int("level", 0, len(levels)-1)
		g.types, g.denied = levels[level].matches, levels[level].denies
		pairs, scope := g.elements(g.int("elements", 1, 3), 1, nil)
		when, twinWhen := split(pairs)
		typ := levels[level].derives
		sources := g.sources(typ, scope)
		p := rete.Production{
			ID: fmt.Sprint("r", i), When: when, Priority: g.int("priority", -1, 1),
			Reads: readsOf(sources), Then: deriving(typ, sources, trace),
		}
		priorities[p.ID] = p.Priority
		ours = append(ours, p)
		twins = append(twins, naive.Rule{ID: p.ID, Level: level, When: twinWhen, Derive: derivingTwin(typ, sources)})
	}
	return ours, twins, priorities
}

func (g *generator) sources(typ string, scope []named) map[string]source {
	sources := map[string]source{}
	for _, field := range fieldsOf[typ] {
		src := source{value: int64(g.int("constant", 0, 1))}
		if field != "k" && len(scope) > 0 && g.int("bound", 0, 2) > 0 {
			src.name, src.field = g.ref(scope)
		}
		sources[field] = src
	}
	return sources
}

func readsOf(sources map[string]source) []rete.Ref {
	var refs []rete.Ref
	for _, src := range sources {
		if src.name != "" {
			refs = append(refs, rete.Ref{Name: src.name, Field: src.field})
		}
	}
	return refs
}

func deriving(typ string, sources map[string]source, trace *[]string) func(*rete.Firing) error {
	return func(c *rete.Firing) error {
		*trace = append(*trace, fmt.Sprint(c.Production(), c.Bind()))
		fields := rete.Fields{}
		for field, src := range sources {
			fields[field] = src.value
			if src.name == "" {
				continue
			}
			v, err := read(c, src.name, src.field)
			if err != nil {
				return nil // nothing follows from what is not there
			}
			fields[field] = v
		}
		_, err := c.Derive(typ, fields)
		return err
	}
}

func derivingTwin(typ string, sources map[string]source) func(naive.Env) []naive.Fact {
	return func(env naive.Env) []naive.Fact {
		f := naive.Fact{Type: typ, Fields: map[string]any{}}
		for field, src := range sources {
			f.Fields[field] = src.value
			if src.name == "" {
				continue
			}
			v, ok := readTwin(env, src.name, src.field)
			if !ok {
				return nil
			}
			f.Fields[field] = v
		}
		return []naive.Fact{f}
	}
}

// TestDerivedEqualsFixpoint: after every run the facts are those of the twin's
// fixpoint over what is stated, through cycles, negations, retractions and
// statements of derived facts.
func TestDerivedEqualsFixpoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t}
		var trace []string
		productions, twins, priorities := g.rules(&trace)
		s := newSession(t, productions, rete.Config{Strategy: rete.Strategy(g.int("strategy", 0, 1)), MaxFirings: 20000})
		g.types = []string{"A", "A", "B", "C", "D0", "D1"}
		for range g.int("batches", 1, 6) {
			g.batch(s)
			if g.int("run", 0, 3) == 0 {
				continue // several batches before a run
			}
			report, err := s.Run(context.TODO())
			if err != nil || len(report.Errors) > 0 {
				t.Fatal(err, report.Errors)
			}
			compareFixpoint(t, s, twins, priorities)
		}
	})
}

func newSession(t *rapid.T, productions []rete.Production, cfg rete.Config) *rete.Session {
	base, err := rete.Compile(derivedTypes, productions)
	if err != nil {
		t.Fatal(err)
	}
	return rete.NewSession(base, cfg)
}

func compareFixpoint(t *rapid.T, s *rete.Session, twins []naive.Rule, priorities map[string]int) {
	t.Helper()
	var stated, unkeyed []naive.Fact
	for f := range s.Facts() {
		fact := naive.Fact{Type: f.Type(), Fields: f.Fields()}
		if !f.Derived() {
			stated = append(stated, fact)
		}
		if f.Type() != "K" {
			unkeyed = append(unkeyed, fact)
		}
	}
	var want []naive.Fact
	for _, f := range naive.Fixpoint(stated, twins) {
		if f.Type != "K" {
			want = append(want, f)
		}
	}
	if a, b := texts(unkeyed), texts(want); !slices.Equal(a, b) {
		t.Fatalf("facts\n%v\nthe twin\n%v", a, b)
	}
	compareWinners(t, s, winners(want, twins, priorities))
}

// winners are the values that may stand for each key: those of the best rule.
func winners(facts []naive.Fact, twins []naive.Rule, priorities map[string]int) map[string][]string {
	best, rule := map[string][]string{}, map[string]string{}
	for _, r := range twins {
		if levels[r.Level].derives != "K" {
			continue
		}
		for _, env := range naive.Matches(r.When, facts) {
			for _, f := range r.Derive(env) {
				k := fmt.Sprint(f.Fields["k"])
				old, taken := rule[k]
				if !taken || priorities[r.ID] > priorities[old] {
					best[k], rule[k] = nil, r.ID
				}
				if rule[k] == r.ID {
					best[k] = append(best[k], f.Text())
				}
			}
		}
	}
	return best
}

func compareWinners(t *rapid.T, s *rete.Session, best map[string][]string) {
	t.Helper()
	n := 0
	for f := range s.FactsOf("K") {
		n++
		v, _ := f.Get("k")
		text := naive.Fact{Type: "K", Fields: f.Fields()}.Text()
		if !slices.Contains(best[fmt.Sprint(v)], text) {
			t.Fatalf("%s won, the twin has %v", text, best)
		}
		first := naive.Fact{Type: "K", Fields: s.Supports(f.Handle())[0].Values}.Text()
		if first != text {
			t.Fatalf("%s stands, its best support says %s", text, first)
		}
	}
	if n != len(best) {
		t.Fatalf("%d keys, the twin has %v", n, best)
	}
}
