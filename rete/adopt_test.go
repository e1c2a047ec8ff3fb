package rete_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
	"github.com/trimtab/trimtab/rete/internal/naive"
)

// TestAdoptEqualsFreshSession: whatever rules were there before, a session that
// has adopted others matches, derives and weighs what a session does that has
// known no rules but those.
func TestAdoptEqualsFreshSession(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t}
		var trace []string
		all, _, _ := g.rules(&trace)
		pick := func() []rete.Production {
			return slices.DeleteFunc(slices.Clone(all), func(rete.Production) bool { return rapid.Bool().Draw(t, "out") })
		}
		cfg := rete.Config{MaxFirings: 20000}
		moved := newSession(t, pick(), cfg)
		g.types = []string{"A", "A", "B", "C"}
		for range rapid.IntRange(1, 5).Draw(t, "reloads") {
			g.batch(moved)
			if rapid.Bool().Draw(t, "run") {
				runWell(t, moved)
			}
			rules := pick()
			base, err := rete.Compile(derivedTypes, rules)
			if err != nil {
				t.Fatal(err)
			}
			if err := moved.Adopt(base); err != nil {
				t.Fatal(err)
			}
			runWell(t, moved)
			fresh := rete.NewSession(base, cfg)
			tx := fresh.Begin()
			for f := range moved.Facts() {
				if f.Derived() {
					continue
				}
				if _, err := tx.Assert(f.Type(), f.Fields()); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			runWell(t, fresh)
			if a, b := valuesOf(moved), valuesOf(fresh); !slices.Equal(a, b) {
				t.Fatalf("facts and matches\n%s\na fresh session has\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
			}
			if a, b := moved.Size(), fresh.Size(); a != b {
				t.Fatalf("%+v, a fresh session has %+v", a, b)
			}
		}
	})
}

func runWell(t *rapid.T, s *rete.Session) {
	t.Helper()
	report, err := s.Run(context.TODO())
	if err != nil || len(report.Errors) > 0 {
		t.Fatal(err, report.Errors)
	}
}

// valuesOf writes facts and matches without their handles, which tell of the
// past. Which of two rules of one priority words a key is left out with it: ties
// are broken by facts, and those without a key by their handles.
func valuesOf(s *rete.Session) []string {
	var out []string
	write := func(f rete.Fact) string {
		fields := f.Fields()
		if f.Type() == "K" {
			delete(fields, "v")
		}
		// By value: what comes back as an equal one keeps its form, -0 or 0.
		return fmt.Sprint(naive.Fact{Type: f.Type(), Fields: fields}.Text(), f.Derived())
	}
	for f := range s.Facts() {
		out = append(out, write(f))
	}
	for _, id := range s.Base().Productions() {
		for m := range s.Matches(id) {
			text := id
			for _, f := range m.Facts {
				text += " " + write(f)
			}
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out
}

// TestWithAndWithout make new bases and leave the old one as it was.
func TestWithAndWithout(t *testing.T) {
	one, two := rete.Production{ID: "one", When: anyItem, Then: nothing}, rete.Production{ID: "two", When: anyItem, Then: nothing}
	base, err := rete.Compile(transcriptTypes, []rete.Production{one})
	if err != nil {
		t.Fatal(err)
	}
	extra := rete.Type{Name: "extra", Fields: []rete.Field{{Name: "x"}}}
	more, err := base.With([]rete.Type{extra, transcriptTypes[0]}, []rete.Production{two})
	if err != nil {
		t.Fatal(err)
	}
	less, err := more.Without("one")
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range []*rete.Base{base, more, less} {
		want := [][]string{{"one"}, {"one", "two"}, {"two"}}[i]
		if got := b.Productions(); !slices.Equal(got, want) {
			t.Errorf("base %d has %v, want %v", i, got, want)
		}
	}
	if _, ok := base.Type("extra"); ok {
		t.Error("a type came into the old base")
	}
	if typ, ok := less.Type("extra"); !ok || typ.Name != "extra" || len(typ.Fields) != 1 {
		t.Errorf("type %+v", typ)
	}
	for name, err := range map[string]error{
		"declared twice":                     errOf(base.With(nil, []rete.Production{one})),
		"declared twice with other fields":   errOf(base.With([]rete.Type{{Name: "item"}}, nil)),
		"no such production":                 errOf(base.Without("one", "three", "four")),
		"production four: no such produc":    errOf(base.Without("three", "four")),
		"production one: no such production": errOf(base.Without("one", "one")),
	} {
		var ce *rete.CompileError
		if err == nil || !strings.Contains(err.Error(), name) || !errors.As(err, &ce) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := base.Productions(); !slices.Equal(got, []string{"one"}) {
		t.Errorf("after the errors the base has %v", got)
	}
}

func errOf(_ *rete.Base, err error) error { return err }

// TestMaxFiringsNamesTheBusiest, most first and no more than five, and the next
// run goes on where this one was cut short.
func TestMaxFiringsNamesTheBusiest(t *testing.T) {
	var rules []rete.Production
	for i := range 7 {
		rules = append(rules, rete.Production{
			ID: fmt.Sprint("p", i), Priority: -i,
			When: []rete.Element{rete.Match("item", "i", rete.Less("x", 2*(i+1)))}, Then: increment,
		})
	}
	rules = append(rules, rete.Production{ID: "for-ever", Priority: -9, When: anyItem, Reads: []rete.Ref{{Name: "i", Field: "x"}}, Then: increment})
	s := newRules(t, rete.Config{MaxFirings: 40}, rules...)
	state(t, s, "item", rete.Fields{"id": 1, "x": 0})
	report, err := s.Run(t.Context())
	var max *rete.MaxFiringsError
	if !errors.As(err, &max) || max.Limit != 40 || !slices.Equal(max.Busiest, []string{"for-ever", "p0", "p1", "p2", "p3"}) {
		t.Fatalf("%v", err)
	}
	if report.Firings != 40 || report.Fired.Of("for-ever") != 26 {
		t.Errorf("%d firings, %v", report.Firings, report.Fired)
	}
	for f := range s.FactsOf("item") {
		if x := intField(f, "x"); x != 40 {
			t.Errorf("x = %d after 40 firings", x)
		}
	}
	if report, err := s.RunLimit(t.Context(), 3); err != nil || report.Firings != 3 || report.Agenda != 1 {
		t.Errorf("%v, %+v", err, report)
	}
}

// TestNothingHappened: batches that come to nothing are no events, and tell no
// one.
func TestNothingHappened(t *testing.T) {
	heard := 0
	s := newRules(t, rete.Config{Listener: rete.ListenerFunc(func(rete.Event) { heard++ })}, transcriptRules(t, []string{"see-x", "see-y", "untagged"})...)
	h := state(t, s, "item", rete.Fields{"id": 1, "x": 1})
	runAll(t, s)
	heard = 0
	for name, do := range map[string]func(tx *rete.Tx) error{
		"nothing":             func(*rete.Tx) error { return nil },
		"the same again":      func(tx *rete.Tx) error { _, err := tx.Assert("item", rete.Fields{"id": 1, "x": 1}); return err },
		"part of it":          func(tx *rete.Tx) error { _, err := tx.Assert("item", rete.Fields{"id": 1.0}); return err },
		"an equal number":     func(tx *rete.Tx) error { return tx.Update(h, rete.Fields{"x": 1.0}) },
		"no field":            func(tx *rete.Tx) error { return tx.Update(h, nil) },
		"absent stays absent": func(tx *rete.Tx) error { return tx.Update(h, rete.Fields{"y": rete.Absent}) },
		"forth and back": func(tx *rete.Tx) error {
			return errors.Join(tx.Update(h, rete.Fields{"x": 9}), tx.Update(h, rete.Fields{"x": 1}))
		},
		"come and gone": func(tx *rete.Tx) error {
			t, err := tx.Assert("tag", rete.Fields{"id": 1})
			return errors.Join(err, tx.Retract(t))
		},
		"gone and come": func(tx *rete.Tx) error {
			err := tx.Retract(h)
			_, err2 := tx.Assert("item", rete.Fields{"id": 1, "x": 1})
			return errors.Join(err, err2)
		},
	} {
		change(t, s, do)
		if report := runAll(t, s); report.Firings != 0 || heard != 0 {
			t.Errorf("%s: %d firings, %d events", name, report.Firings, heard)
		}
		heard = 0
	}
	if f, ok := s.Get(h); !ok || intField(f, "x") != 1 {
		t.Error("the fact lost its name")
	}
}
