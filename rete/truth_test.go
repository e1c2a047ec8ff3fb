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
)

// owners writes who owns item 1 and how it is known: "high derived", or nothing.
func owner(s *rete.Session) string {
	f, ok := s.Lookup("owner", rete.Fields{"id": 1})
	if !ok {
		return ""
	}
	who, _ := f.Get("who")
	if f.Derived() {
		return fmt.Sprint(who, " derived")
	}
	return fmt.Sprint(who)
}

// voting are rules of which each says who owns what when its flag is set.
func voting(priorities map[string]int) []rete.Production {
	var rules []rete.Production
	for who, priority := range priorities {
		rules = append(rules, rete.Production{
			ID: who, Priority: priority,
			When: []rete.Element{flagged(who), rete.Match("item", "i")}, Then: owning("owner", who),
		})
	}
	return rules
}

// TestNextBestTakesOver: whatever comes and goes, the fact shows a statement if
// there is one, then the support of highest priority, then that of the first rule
// by id; and it stands as long as any of them does.
func TestNextBestTakesOver(t *testing.T) {
	priorities := map[string]int{"a": 0, "b": 5, "c": 5, "d": -1}
	base, err := rete.Compile(transcriptTypes, voting(priorities))
	if err != nil {
		t.Fatal(err)
	}
	order := []string{"b", "c", "a", "d"}
	rapid.Check(t, func(t *rapid.T) {
		s := rete.NewSession(base, rete.Config{Strategy: rete.Strategy(rapid.IntRange(0, 1).Draw(t, "strategy"))})
		set, stated := map[string]bool{}, false
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			tx := s.Begin()
			var err error
			switch what := rapid.SampledFrom([]string{"a", "b", "c", "d", "state", "a", "b", "c", "d"}).Draw(t, "what"); {
			case what == "state" && stated:
				f, _ := s.Lookup("owner", rete.Fields{"id": 1})
				stated, err = false, tx.Retract(f.Handle())
			case what == "state":
				_, err = tx.Assert("owner", rete.Fields{"id": 1, "who": "me"})
				stated = true
			case set[what]:
				f, _ := s.Lookup("flag", rete.Fields{"name": what})
				err = tx.Retract(f.Handle())
				set[what] = false
			default:
				_, err = tx.Assert("flag", rete.Fields{"name": what})
				set[what] = true
			}
			_, err2 := tx.Assert("item", rete.Fields{"id": 1})
			if err := errors.Join(err, err2, tx.Commit()); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Run(context.TODO()); err != nil {
				t.Fatal(err)
			}
			want := ""
			if i := slices.IndexFunc(order, func(who string) bool { return set[who] }); i >= 0 {
				want = order[i] + " derived"
			}
			if stated {
				want = "me"
			}
			if got := owner(s); got != want {
				t.Fatalf("owned by %q, want %q; flags %v", got, want, set)
			}
			if f, ok := s.Lookup("owner", rete.Fields{"id": 1}); ok {
				var by []string
				for _, sup := range s.Supports(f.Handle()) {
					by = append(by, sup.Production)
				}
				there := slices.DeleteFunc(slices.Clone(order), func(who string) bool { return !set[who] })
				if !slices.Equal(by, there) {
					t.Fatalf("supported by %v, want %v", by, there)
				}
			}
		}
	})
}

// TestConflictsAreReported once for each loser, whoever came first.
func TestConflictsAreReported(t *testing.T) {
	for _, flags := range [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "a", "c"}} {
		s := newRules(t, rete.Config{}, voting(map[string]int{"a": 0, "b": 5, "c": 1})...)
		state(t, s, "item", rete.Fields{"id": 1})
		var said []string
		for _, flag := range flags {
			state(t, s, "flag", rete.Fields{"name": flag})
			for _, c := range runAll(t, s).Conflicts {
				said = append(said, c.Winner+" over "+c.Loser)
			}
		}
		if owner(s) != "b derived" {
			t.Errorf("%v: %s", flags, owner(s))
		}
		if len(said) != 2 {
			t.Errorf("%v: conflicts %q", flags, said)
		}
	}
	s := newRules(t, rete.Config{}, voting(map[string]int{"a": 0})...)
	state(t, s, "item", rete.Fields{"id": 1})
	state(t, s, "flag", rete.Fields{"name": "a"})
	state(t, s, "owner", rete.Fields{"id": 1, "who": "a"})
	if report := runAll(t, s); len(report.Conflicts) != 0 {
		t.Errorf("agreement is reported: %+v", report.Conflicts)
	}
	state(t, s, "owner", rete.Fields{"id": 1, "who": "me"})
	if report := runAll(t, s); len(report.Conflicts) != 1 || report.Conflicts[0].Winner != "" || report.Conflicts[0].Loser != "a" {
		t.Errorf("a statement against a: %+v", report.Conflicts)
	}
}

// TestMergedFacts: an update that makes two facts equal makes both handles name
// one; with a derived fact it becomes a statement.
func TestMergedFacts(t *testing.T) {
	s := newRules(t, rete.Config{}, rete.Production{ID: "p", When: []rete.Element{rete.Match("item", "i")}, Then: deriveFlag("a")})
	item := state(t, s, "item", rete.Fields{"id": 1})
	runAll(t, s)
	b := state(t, s, "flag", rete.Fields{"name": "b"})
	derived, _ := s.Lookup("flag", rete.Fields{"name": "a"})
	change(t, s, func(tx *rete.Tx) error { return tx.Update(b, rete.Fields{"name": "a"}) })
	if f, ok := s.Get(b); !ok || f.Handle() != derived.Handle() || f.Derived() {
		t.Errorf("merged into %v, derived %v", f.Handle(), f.Derived())
	}
	change(t, s, func(tx *rete.Tx) error { return tx.Retract(item) })
	if _, ok := s.Get(b); !ok {
		t.Error("the statement fell with the support")
	}
	change(t, s, func(tx *rete.Tx) error { return tx.Retract(b) })
	for _, h := range []rete.Handle{b, derived.Handle()} {
		if _, ok := s.Get(h); ok {
			t.Errorf("handle %d names something", h)
		}
	}
	// a fact that is supported too cannot move away from what its supports say
	state(t, s, "item", rete.Fields{"id": 1})
	h := state(t, s, "flag", rete.Fields{"name": "a"})
	runAll(t, s)
	tx := s.Begin()
	if err := tx.Update(h, rete.Fields{"name": "c"}); !errors.Is(err, rete.ErrDerived) {
		t.Error(err)
	}
	tx.Rollback()
}

// TestHandlesAreNeverUsedAgain: a handle that was given out, even in a batch that
// was rolled back or a firing that failed, names no later fact.
func TestHandlesAreNeverUsedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSession(t, nil, rete.Config{})
		dead := map[rete.Handle]bool{}
		live := map[rete.Handle]int64{}
		for range rapid.IntRange(1, 20).Draw(t, "batches") {
			tx := s.Begin()
			added := map[rete.Handle]int64{}
			var gone []rete.Handle
			for range rapid.IntRange(1, 3).Draw(t, "changes") {
				x := rapid.Int64Range(0, 5).Draw(t, "x")
				h, err := tx.Assert("C", rete.Fields{"x": x})
				if err != nil {
					t.Fatal(err)
				}
				if dead[h] {
					t.Fatalf("handle %d again", h)
				}
				added[h] = x
				if rapid.Bool().Draw(t, "retract") {
					if err := tx.Retract(h); err != nil {
						t.Fatal(err)
					}
					gone = append(gone, h)
				}
			}
			if rapid.Bool().Draw(t, "rollback") {
				tx.Rollback()
				for h := range added {
					if _, was := live[h]; !was {
						dead[h] = true
					}
				}
			} else {
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				for h, x := range added {
					live[h] = x
				}
				for _, h := range gone {
					// asserting it again in the batch brings it back under its name
					if _, there := s.Get(h); !there {
						delete(live, h)
						dead[h] = true
					}
				}
			}
			for h, x := range live {
				if f, ok := s.Get(h); !ok || intField(f, "x") != x {
					t.Fatalf("handle %d names %v, want x = %d", h, f.Fields(), x)
				}
			}
			for h := range dead {
				if _, ok := s.Get(h); ok {
					t.Fatalf("handle %d came back", h)
				}
			}
		}
	})
}

// TestFailedFiringLeavesNothing: facts, names and order after a firing that
// failed are what they were, whatever it did before it failed.
func TestFailedFiringLeavesNothing(t *testing.T) {
	snapshot := func(s *rete.Session) string {
		var lines []string
		for f := range s.Facts() {
			lines = append(lines, fmt.Sprint(f.Handle(), f.Type(), f.Fields(), f.Derived()))
		}
		return strings.Join(lines, "\n")
	}
	fail := errors.New("no")
	var actions []func(*rete.Firing) error
	s := newRules(t, rete.Config{}, rete.Production{
		ID: "try", When: []rete.Element{rete.Match("item", "i")}, Reads: []rete.Ref{{Name: "i", Field: "x"}},
		Then: func(c *rete.Firing) error {
			for _, do := range actions {
				if err := do(c); err != nil {
					return err
				}
			}
			return fail
		},
	}, rete.Production{ID: "keep", Priority: 9, When: []rete.Element{flagged("go")}, Then: deriveFlag("kept")})
	h := state(t, s, "item", rete.Fields{"id": 1, "x": 0})
	state(t, s, "flag", rete.Fields{"name": "go"})
	tag := state(t, s, "tag", rete.Fields{"id": 1, "text": "a"})
	other := state(t, s, "tag", rete.Fields{"id": 1, "text": "b"})
	runAll(t, s)
	all := []func(*rete.Firing) error{
		func(c *rete.Firing) error { return c.Update(tag, rete.Fields{"text": "b"}) },
		func(c *rete.Firing) error { return c.Retract(other) },
		func(c *rete.Firing) error { _, err := c.Assert("tag", rete.Fields{"id": 2}); return err },
		func(c *rete.Firing) error { _, err := c.Assert("flag", rete.Fields{"name": "kept"}); return err },
		func(c *rete.Firing) error { _, err := c.Derive("flag", rete.Fields{"name": "go"}); return err },
		func(c *rete.Firing) error { _, err := c.Derive("flag", rete.Fields{"name": "new"}); return err },
		func(c *rete.Firing) error { return c.Update(h, rete.Fields{"y": 3}) },
		func(c *rete.Firing) error {
			f, _ := s.Lookup("flag", rete.Fields{"name": "go"})
			return c.Retract(f.Handle())
		},
	}
	for x := 1; x < 1<<len(all); x++ {
		change(t, s, func(tx *rete.Tx) error { return tx.Update(h, rete.Fields{"x": x}) })
		before := snapshot(s)
		actions = nil
		for i, do := range all {
			if x&(1<<i) != 0 {
				actions = append(actions, do)
			}
		}
		report := runAll(t, s)
		if after := snapshot(s); after != before || len(report.Errors) != 1 {
			t.Fatalf("actions %b left\n%s\nbefore\n%s\n(%v)", x, after, before, report.Errors)
		}
		if f, _ := s.Get(tag); f.Handle() != tag {
			t.Fatalf("actions %b: the tag is called %d", x, f.Handle())
		}
	}
}
