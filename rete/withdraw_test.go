package rete_test

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
)

// withdrawTypes: a source says of which numbers something follows.
var withdrawTypes = []rete.Type{
	{Name: "source", Key: []string{"id"}, Fields: []rete.Field{{Name: "id"}, opt("gives"), opt("fails"), opt("step")}},
	{Name: "keyed", Key: []string{"n"}, Fields: []rete.Field{{Name: "n"}, opt("by")}},
	{Name: "plain", Fields: []rete.Field{{Name: "n"}}},
	{Name: "bag", Bag: true, Fields: []rete.Field{{Name: "n"}}},
	{Name: "end", Key: []string{"n"}, Contested: true, Fields: []rete.Field{{Name: "n"}, opt("by")}},
}

func newWithdraw(t testing.TB, cfg rete.Config, rules ...rete.Production) *rete.Session {
	t.Helper()
	base, err := rete.Compile(withdrawTypes, rules)
	if err != nil {
		t.Fatal(err)
	}
	return rete.NewSession(base, cfg)
}

// many is how much is supported: what takes the square of it runs into the tests'
// limit. The race detector makes all of it ten times slower and gets a tenth.
var many = func() int {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 10_000
	}
	return 100_000
}()

// supporting derives one fact from every source.
var supporting = rete.Production{ID: "one", When: []rete.Element{rete.Match("source", "s")}, Then: func(c *rete.Firing) error {
	_, err := c.Derive("end", rete.Fields{"n": 1, "by": get(c, "s", "id")})
	return err
}}

// TestManySupportsOfOneFact come and go, all in one batch or one after the other,
// the best first and the best last.
func TestManySupportsOfOneFact(t *testing.T) {
	n := many
	for _, strategy := range []rete.Strategy{rete.Depth, rete.Breadth} {
		s := newWithdraw(t, rete.Config{Strategy: strategy}, supporting)
		handles := sourcesUpTo(t, s, n)
		runAll(t, s)
		end, _ := s.Lookup("end", rete.Fields{"n": 1})
		if got := len(s.Supports(end.Handle())); got != n {
			t.Fatalf("%d supports, want %d", got, n)
		}
		for i, h := range handles[:n/2] {
			change(t, s, func(tx *rete.Tx) error { return tx.Retract(h) })
			if by := get1(s, end, "by"); by != int64(i+1) {
				t.Fatalf("by %v, want %d", by, i+1)
			}
		}
		change(t, s, func(tx *rete.Tx) (err error) {
			for _, h := range slices.Backward(handles[n/2:]) {
				err = errors.Join(err, tx.Retract(h))
			}
			return err
		})
		if size := s.Size(); size.Facts != 0 {
			t.Fatalf("%+v left", size)
		}
	}
}

// sourcesUpTo states n sources, each in a batch of its own.
func sourcesUpTo(t testing.TB, s *rete.Session, n int) []rete.Handle {
	t.Helper()
	var handles []rete.Handle
	for i := range n {
		tx := s.Begin()
		h, err := tx.Assert("source", rete.Fields{"id": i})
		if err := errors.Join(err, tx.Commit()); err != nil {
			t.Fatal(err)
		}
		handles = append(handles, h)
	}
	return handles
}

// get1 reads a field of a fact as it is now.
func get1(s *rete.Session, f rete.Fact, field string) any {
	now, _ := s.Get(f.Handle())
	v, _ := now.Get(field)
	return v
}

// TestManyFactsOfOneMatch come, are replaced by as many others, and go.
func TestManyFactsOfOneMatch(t *testing.T) {
	n := many
	for _, typ := range []string{"keyed", "plain", "bag"} {
		s := newWithdraw(t, rete.Config{}, rete.Production{
			ID: "all", When: []rete.Element{rete.Match("source", "s")}, Reads: []rete.Ref{{Name: "s", Field: "step"}},
			Then: func(c *rete.Firing) error {
				from := get(c, "s", "step").(int64)
				for i := range int64(n) {
					if _, err := c.Derive(typ, rete.Fields{"n": from + i}); err != nil {
						return err
					}
				}
				return nil
			},
		})
		state(t, s, "source", rete.Fields{"id": 1, "step": 0})
		first := runAll(t, s)
		h := state(t, s, "source", rete.Fields{"id": 1, "step": n / 2})
		second := runAll(t, s)
		change(t, s, func(tx *rete.Tx) error { return tx.Retract(h) })
		third := runAll(t, s)
		got := [5]int{first.Derived, second.Derived, second.Withdrawn, third.Withdrawn, s.Size().Facts}
		if want := [5]int{n, n / 2, n / 2, n, 0}; got != want {
			t.Errorf("%d of %s: %v, want %v", n, typ, got, want)
		}
	}
}

// TestManyMergedFacts: as many handles become names of one fact.
func TestManyMergedFacts(t *testing.T) {
	n := many
	s := newWithdraw(t, rete.Config{})
	change(t, s, func(tx *rete.Tx) (err error) {
		for i := range n {
			h, err1 := tx.Assert("plain", rete.Fields{"n": i})
			err = errors.Join(err, err1, tx.Update(h, rete.Fields{"n": 0}))
		}
		return err
	})
	if got := s.Size().Facts; got != 1 {
		t.Errorf("%d facts", got)
	}
}

// TestManyEqualFactsOfABag come and go.
func TestManyEqualFactsOfABag(t *testing.T) {
	s := newWithdraw(t, rete.Config{})
	change(t, s, func(tx *rete.Tx) (err error) {
		for range many {
			_, err1 := tx.Assert("bag", rete.Fields{"n": 1})
			err = errors.Join(err, err1)
		}
		return err
	})
	first, ok := s.Lookup("bag", rete.Fields{"n": 1})
	for f := range s.Facts() {
		if !ok || f.Handle() != first.Handle() {
			t.Fatalf("%v is found, %v is the first", first, f)
		}
		break
	}
	if _, ok := s.Lookup("bag", rete.Fields{"n": 2}); ok {
		t.Error("found what is not there")
	}
	change(t, s, func(tx *rete.Tx) (err error) {
		for f := range s.Facts() {
			err = errors.Join(err, tx.Retract(f.Handle()))
		}
		return err
	})
	if got := s.Size().Facts; got != 0 {
		t.Errorf("%d facts are left", got)
	}
}

// TestManyWaitForALock, and go before it is their turn.
func TestManyWaitForALock(t *testing.T) {
	fired := int64(-1)
	s := newWithdraw(t, rete.Config{Strategy: rete.Breadth}, rete.Production{
		ID: "one", When: []rete.Element{rete.Match("source", "s")}, Exclusive: rete.Exclusive{Group: "one"},
		Then: func(c *rete.Firing) error { fired = get(c, "s", "id").(int64); return nil },
	})
	handles := sourcesUpTo(t, s, many)
	runAll(t, s)
	change(t, s, func(tx *rete.Tx) (err error) {
		for _, h := range handles[1 : many-1] {
			err = errors.Join(err, tx.Retract(h))
		}
		return err
	})
	runAll(t, s)
	if fired != 0 {
		t.Errorf("%d fired while the first held the lock", fired)
	}
	change(t, s, func(tx *rete.Tx) error { return tx.Retract(handles[0]) })
	runAll(t, s)
	if fired != int64(many-1) {
		t.Errorf("%d fired after the first", fired)
	}
}

// TestABagKeepsEachConclusion: equal conclusions of one match in a bag are several
// facts, also when the match fires again.
func TestABagKeepsEachConclusion(t *testing.T) {
	s := newWithdraw(t, rete.Config{}, rete.Production{
		ID: "twice", When: []rete.Element{rete.Match("source", "s")}, Reads: []rete.Ref{{Name: "s", Field: "step"}},
		Then: func(c *rete.Firing) error {
			for _, n := range []int{7, 7, 8} {
				if _, err := c.Derive("bag", rete.Fields{"n": n}); err != nil {
					return err
				}
			}
			return nil
		},
	})
	var before []string
	for step := range 3 {
		state(t, s, "source", rete.Fields{"id": 1, "step": step})
		runAll(t, s)
		var now []string
		for f := range s.FactsOf("bag") {
			now = append(now, fmt.Sprint(f))
		}
		if len(now) != 3 || step > 0 && !slices.Equal(before, now) {
			t.Fatalf("%v, before %v", now, before)
		}
		before = now
	}
}

// TestSupportsAreExact: whatever fires, fails and goes, a fact has the supports of
// the matches that last concluded it, best first, and shows the values of the first.
func TestSupportsAreExact(t *testing.T) {
	fail := errors.New("no")
	give := func(c *rete.Firing) error {
		for _, n := range get(c, "s", "gives").([]any) {
			if _, err := c.Derive("end", rete.Fields{"n": n, "by": fmt.Sprint(c.Production(), get(c, "s", "id"))}); err != nil {
				return err
			}
		}
		if get(c, "s", "fails") == true {
			return fail
		}
		return nil
	}
	reads := []rete.Ref{{Name: "s", Field: "gives"}, {Name: "s", Field: "fails"}}
	when := []rete.Element{rete.Match("source", "s")}
	rules := []rete.Production{
		{ID: "a", When: when, Reads: reads, Then: give},
		{ID: "b", Priority: 1, When: when, Reads: reads, Then: give},
	}
	rapid.Check(t, func(t *rapid.T) {
		base, err := rete.Compile(withdrawTypes, rules)
		if err != nil {
			t.Fatal(err)
		}
		s := rete.NewSession(base, rete.Config{})
		given := map[int64]map[int64]bool{}
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			tx := s.Begin()
			for range rapid.IntRange(1, 4).Draw(t, "changes") {
				id := rapid.Int64Range(0, 12).Draw(t, "id")
				if f, ok := s.Lookup("source", rete.Fields{"id": id}); ok && rapid.IntRange(0, 3).Draw(t, "retract") == 0 {
					if err := tx.Retract(f.Handle()); err != nil {
						t.Fatal(err)
					}
					delete(given, id)
					continue
				}
				gives := rapid.SliceOfN(rapid.Int64Range(0, 20), 0, 30).Draw(t, "gives")
				fails := rapid.IntRange(0, 4).Draw(t, "fails") == 0
				if _, err := tx.Assert("source", rete.Fields{"id": id, "gives": gives, "fails": fails}); err != nil {
					t.Fatal(err)
				}
				given[id] = map[int64]bool{}
				for _, n := range gives {
					given[id][n] = !fails
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkSupports(t, s, given)
		}
	})
}

// checkSupports compares with who gave what.
func checkSupports(t *rapid.T, s *rete.Session, given map[int64]map[int64]bool) {
	for n := range int64(21) {
		var want, got []string
		for _, rule := range []string{"b", "a"} {
			for id := range int64(13) {
				if given[id][n] {
					want = append(want, fmt.Sprint(rule, id))
				}
			}
		}
		f, ok := s.Lookup("end", rete.Fields{"n": n})
		for _, sup := range s.Supports(f.Handle()) {
			got = append(got, sup.Values["by"].(string))
		}
		if !slices.Equal(got, want) || ok != (len(want) > 0) || ok && get1(s, f, "by") != want[0] {
			t.Fatalf("%d is supported by %v and says %v; want %v", n, got, f, want)
		}
	}
}

func BenchmarkWithdraw(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint("supports-", n), func(b *testing.B) {
			for b.Loop() {
				s := newWithdraw(b, rete.Config{}, supporting)
				handles := sourcesUpTo(b, s, n)
				if _, err := s.Run(b.Context()); err != nil {
					b.Fatal(err)
				}
				tx := s.Begin()
				for _, h := range handles {
					if err := tx.Retract(h); err != nil {
						b.Fatal(err)
					}
				}
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/support")
		})
	}
}
