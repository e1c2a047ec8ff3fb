package rete_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/rete"
)

// newRules compiles rules over the transcripts' types.
func newRules(t *testing.T, cfg rete.Config, rules ...rete.Production) *rete.Session {
	t.Helper()
	base, err := rete.Compile(transcriptTypes, rules)
	if err != nil {
		t.Fatal(err)
	}
	return rete.NewSession(base, cfg)
}

func nothing(*rete.Firing) error { return nil }

// state asserts one fact in a batch of its own.
func state(t *testing.T, s *rete.Session, typ string, fields rete.Fields) rete.Handle {
	t.Helper()
	tx := s.Begin()
	h, err := tx.Assert(typ, fields)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return h
}

func runAll(t *testing.T, s *rete.Session) rete.Report {
	t.Helper()
	report, err := s.Run(context.TODO())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestOneBatchAtATime(t *testing.T) {
	s := newRules(t, rete.Config{})
	tx := s.Begin()
	if _, err := s.Begin().Assert("flag", rete.Fields{"name": "a"}); !errors.Is(err, rete.ErrBusy) {
		t.Error("second batch:", err)
	}
	if _, err := s.Run(context.TODO()); !errors.Is(err, rete.ErrBusy) {
		t.Error("run:", err)
	}
	if err := s.SetClock(time.Time{}); !errors.Is(err, rete.ErrBusy) {
		t.Error("clock:", err)
	}
	if err := s.Adopt(s.Base()); !errors.Is(err, rete.ErrBusy) {
		t.Error("adopt:", err)
	}
	tx.Rollback()
	if err := tx.Commit(); !errors.Is(err, rete.ErrClosed) {
		t.Error("commit after rollback:", err)
	}
	if err := s.Begin().Commit(); err != nil {
		t.Error("next batch:", err)
	}
}

func TestFiringIsOverWhenThenReturns(t *testing.T) {
	var kept *rete.Firing
	var s *rete.Session
	s = newRules(t, rete.Config{}, rete.Production{ID: "keep", Then: func(c *rete.Firing) error {
		kept = c
		return s.Begin().Commit()
	}})
	if report := runAll(t, s); len(report.Errors) != 1 || !errors.Is(report.Errors[0], rete.ErrBusy) {
		t.Error("a batch inside of a firing:", report.Errors)
	}
	if _, err := kept.Derive("flag", rete.Fields{"name": "late"}); !errors.Is(err, rete.ErrClosed) {
		t.Error("derive:", err)
	}
	if _, err := kept.Assert("flag", rete.Fields{"name": "late"}); !errors.Is(err, rete.ErrClosed) {
		t.Error("assert:", err)
	}
	if err := errors.Join(kept.Update(1, nil), kept.Retract(1)); !errors.Is(err, rete.ErrClosed) {
		t.Error("update, retract:", err)
	}
}

func TestFactsAreSnapshots(t *testing.T) {
	s := newRules(t, rete.Config{})
	given := []any{int64(1)}
	h := state(t, s, "item", rete.Fields{"id": 1, "x": given})
	given[0] = int64(2)
	before, _ := s.Get(h)
	before.Fields()["x"].([]any)[0] = int64(3)
	tx := s.Begin()
	if err := tx.Update(h, rete.Fields{"x": "new"}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := before.Fields()["x"].([]any)[0]; got != int64(1) {
		t.Errorf("the old fact shows %v", got)
	}
	if after, _ := s.Get(h); after.Fields()["x"] != "new" || after.Handle() != h || after.Type() != "item" {
		t.Errorf("the new fact shows %v", after.Fields())
	}
}

func TestZeroFactIsNoFact(t *testing.T) {
	var f rete.Fact
	if _, ok := f.Get("x"); ok || f.Valid() || f.Handle() != 0 || f.Type() != "" || f.Fields() != nil || f.Derived() {
		t.Error("the zero fact is something")
	}
}

func TestConvertAppliesEverywhere(t *testing.T) {
	upper := func(v any) (any, error) {
		s, ok := v.(string)
		if !ok {
			return nil, errors.New("not a string")
		}
		return "<" + s + ">", nil
	}
	types := []rete.Type{{Name: "T", Key: []string{"id"}, Fields: []rete.Field{{Name: "id", Convert: upper}}}}
	base, err := rete.Compile(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := rete.NewSession(base, rete.Config{})
	h := state(t, s, "T", rete.Fields{"id": "a"})
	if f, ok := s.Lookup("T", rete.Fields{"id": "a"}); !ok || f.Handle() != h || f.Fields()["id"] != "<a>" {
		t.Errorf("found %v %v", f.Fields(), ok)
	}
	_, err = s.Begin().Assert("T", rete.Fields{"id": 1})
	var fe *rete.FactError
	if !errors.As(err, &fe) || fe.Type != "T" || fe.Field != "id" {
		t.Errorf("wrong kind: %v", err)
	}
}

// TestUnreadFieldsAreNotSeen: a change of a field that no production reads does
// not reach its functions.
func TestUnreadFieldsAreNotSeen(t *testing.T) {
	calls := 0
	s := newRules(t, rete.Config{}, rete.Production{ID: "x", Then: nothing, When: []rete.Element{
		rete.Match("item", "i", rete.Check(rete.Func{
			Label: "i.x", Reads: []rete.Ref{{Name: "i", Field: "x"}},
			Test: func(rete.Env) (bool, error) { calls++; return true, nil },
		})),
	}})
	h := state(t, s, "item", rete.Fields{"id": 1, "x": 1})
	tx := s.Begin()
	if err := errors.Join(tx.Update(h, rete.Fields{"y": 2}), tx.Commit()); err != nil {
		t.Fatal(err)
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
	for m := range s.Matches("x") {
		if y, _ := m.Facts[0].Get("y"); y != int64(2) {
			t.Errorf("the match shows y = %v", y)
		}
	}
}

func TestFunctionsSeeOnlyWhatTheyRead(t *testing.T) {
	s := newRules(t, rete.Config{}, rete.Production{ID: "p", Then: nothing, When: []rete.Element{
		rete.Match("item", "i"),
		rete.Match("tag", "t", rete.Check(rete.Func{
			Label: "peek", Reads: []rete.Ref{{Name: "t", Field: "id"}},
			Test: func(env rete.Env) (bool, error) {
				_, seen := env.Fact("i")
				_, own := env.Fact("t")
				_, value := env.Value("t")
				return !seen && own && !value, nil
			},
		})),
	}})
	state(t, s, "item", rete.Fields{"id": 1})
	state(t, s, "tag", rete.Fields{"id": 1})
	if n := len(slices.Collect(s.Matches("p"))); n != 1 {
		t.Errorf("%d matches", n)
	}
}

// TestEqualConditionsAreShared: productions with equal tests, in whatever order
// they write them, use the same nodes.
func TestEqualConditionsAreShared(t *testing.T) {
	when := func(tests ...rete.Test) []rete.Element {
		return []rete.Element{
			rete.Match("item", "i", tests...),
			rete.Not(rete.Match("tag", "t", rete.JoinEq("id", "i", "id"))),
		}
	}
	one := rete.Production{ID: "one", Then: nothing, When: when(rete.Eq("x", 1), rete.Less("y", 2))}
	two := rete.Production{ID: "two", Then: nothing, When: when(rete.Less("y", 2), rete.Eq("x", 1.0), rete.Eq("x", 1))}
	alone, both := newRules(t, rete.Config{}, one).Size(), newRules(t, rete.Config{}, one, two).Size()
	if both.Nodes != alone.Nodes+1 {
		t.Errorf("one production has %d nodes, two alike have %d", alone.Nodes, both.Nodes)
	}
}

// TestLongChainsFall: truth maintenance works from lists, however long a chain
// of derivations is.
func TestLongChainsFall(t *testing.T) {
	const length = 20_000
	s := newRules(t, rete.Config{}, rete.Production{
		ID: "next", When: []rete.Element{rete.Match("tag", "t", rete.Less("id", length))},
		Then: func(c *rete.Firing) error {
			_, err := c.Derive("tag", rete.Fields{"id": get(c, "t", "id").(int64) + 1})
			return err
		},
	}, rete.Production{ID: "back", When: []rete.Element{rete.Match("tag", "t", rete.Eq("id", length))}, Then: func(c *rete.Firing) error {
		_, err := c.Derive("tag", rete.Fields{"id": 1})
		return err
	}})
	h := state(t, s, "tag", rete.Fields{"id": 0})
	if report := runAll(t, s); report.Derived != length {
		t.Fatalf("derived %d", report.Derived)
	}
	tx := s.Begin()
	if err := errors.Join(tx.Retract(h), tx.Commit()); err != nil {
		t.Fatal(err)
	}
	if size := s.Size(); size.Facts != 0 {
		t.Errorf("%d facts stand on themselves", size.Facts)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.TODO())
	s := newRules(t, rete.Config{}, rete.Production{ID: "p", When: anyItem, Then: func(*rete.Firing) error { cancel(); return nil }})
	state(t, s, "item", rete.Fields{"id": 1})
	state(t, s, "item", rete.Fields{"id": 2})
	report, err := s.Run(ctx)
	if !errors.Is(err, context.Canceled) || report.Firings != 1 || report.Agenda != 1 {
		t.Errorf("%v after %d firings, agenda %d", err, report.Firings, report.Agenda)
	}
}

// TestRingOfDenialsEnds without a small limit: the ring is found out.
func TestRingOfDenialsEnds(t *testing.T) {
	s := newRules(t, rete.Config{}, transcriptRules(t, []string{"not-a-gives-b", "not-b-gives-c", "not-c-gives-a"})...)
	report, err := s.Run(context.TODO())
	var ue *rete.UnstratifiedError
	if !errors.As(err, &ue) || report.Firings > 1000 {
		t.Errorf("%v after %d firings", err, report.Firings)
	}
}

// TestStratifiedRunsAreNotAccused, however often priorities make them change
// their mind.
func TestStratifiedRunsAreNotAccused(t *testing.T) {
	const n = 400
	toggle := rete.Production{
		ID: "toggle", Priority: -1,
		When: []rete.Element{rete.Match("item", "i", rete.Less("x", n))},
		Then: func(c *rete.Firing) error {
			i, _ := c.Fact("i")
			x := get(c, "i", "x").(int64)
			return c.Update(i.Handle(), rete.Fields{"x": x + 1, "y": x % 2})
		},
	}
	odd := rete.Production{ID: "odd", When: []rete.Element{rete.Match("item", "i", rete.Eq("y", 1))}, Then: deriveFlag("odd")}
	even := rete.Production{ID: "even", When: []rete.Element{rete.Not(flagged("odd"))}, Then: deriveFlag("even")}
	s := newRules(t, rete.Config{}, toggle, odd, even)
	state(t, s, "item", rete.Fields{"id": 1, "x": 0, "y": 0})
	if report := runAll(t, s); report.Fired.Of("even") < n/2 {
		t.Errorf("fired %v", report.Fired)
	}
}

func TestUnknownStrategy(t *testing.T) {
	if _, err := rete.ParseStrategy("luck"); !errors.Is(err, rete.ErrStrategy) {
		t.Error(err)
	}
	if _, err := newRules(t, rete.Config{Strategy: 9}).Run(context.TODO()); !errors.Is(err, rete.ErrStrategy) {
		t.Error(err)
	}
}

// TestBaseIsShared by sessions that run at the same time.
func TestBaseIsShared(t *testing.T) {
	base, err := rete.Compile(transcriptTypes, transcriptRules(t, []string{"own-low", "double", "untagged"}))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			s := rete.NewSession(base, rete.Config{})
			for i := range 50 {
				tx := s.Begin()
				_, err := tx.Assert("item", rete.Fields{"id": i, "x": i})
				if err = errors.Join(err, tx.Commit()); err != nil {
					t.Error(err)
				}
			}
			if report, err := s.Run(context.TODO()); err != nil || report.Fired.Of("double") != 25 {
				t.Error(err, report.Fired)
			}
		})
	}
	wait.Wait()
}

func TestListenerHearsMatches(t *testing.T) {
	var heard []string
	listen := rete.ListenerFunc(func(e rete.Event) {
		switch e.Kind {
		case rete.MatchAdded:
			heard = append(heard, "+"+e.Production)
		case rete.MatchRemoved:
			heard = append(heard, "-"+e.Production)
		}
	})
	s := newRules(t, rete.Config{Listener: listen}, transcriptRules(t, []string{"untagged", "see-y", "no-items"})...)
	state(t, s, "item", rete.Fields{"id": 1})
	state(t, s, "tag", rete.Fields{"id": 1})
	want := "[+no-items -no-items +see-y +untagged -untagged]"
	if got := fmt.Sprint(heard); got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
}

// TestAdoptKeepsVersions: a production compiled anew with the same Version does
// not fire again; without one it does.
func TestAdoptKeepsVersions(t *testing.T) {
	compile := func(version string) *rete.Base {
		base, err := rete.Compile(transcriptTypes, []rete.Production{{ID: "p", Version: version, When: anyItem, Then: nothing}})
		if err != nil {
			t.Fatal(err)
		}
		return base
	}
	s := rete.NewSession(compile("1"), rete.Config{})
	state(t, s, "item", rete.Fields{"id": 1})
	for _, step := range []struct {
		version string
		firings int
	}{{"1", 1}, {"1", 0}, {"2", 1}, {"", 1}, {"", 1}} {
		if err := s.Adopt(compile(step.version)); err != nil {
			t.Fatal(err)
		}
		if report := runAll(t, s); report.Firings != step.firings {
			t.Errorf("version %q: %d firings, want %d", step.version, report.Firings, step.firings)
		}
	}
}

func TestAdoptRefusesOtherTypes(t *testing.T) {
	s := newRules(t, rete.Config{})
	state(t, s, "flag", rete.Fields{"name": "a"})
	other, err := rete.Compile([]rete.Type{{Name: "flag", Fields: []rete.Field{{Name: "colour"}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Adopt(other); err == nil {
		t.Error("facts of a type that changed were adopted")
	}
	if n := s.Size().Facts; n != 1 || s.Base() == other {
		t.Error("the refused base left a trace")
	}
}
