package rete_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// timed is a function over the clock; the label must tell two of them apart.
func timed(label string, refs []rete.Ref, holds func(env rete.Env, at func(name string) time.Duration) bool) rete.Func {
	return rete.Func{Label: label, Timed: true, Reads: refs, Test: func(env rete.Env) (bool, error) {
		absent := false
		at := func(name string) time.Duration {
			f, _ := env.Fact(name)
			v, ok := f.Get("at")
			if !ok {
				absent = true
				return 0
			}
			return v.(time.Duration)
		}
		yes := holds(env, at)
		if absent {
			return false, rete.ErrAbsent
		}
		return yes, nil
	}}
}

func refsTo(names ...string) []rete.Ref {
	var refs []rete.Ref
	for _, n := range names {
		refs = append(refs, rete.Ref{Name: n, Field: "at"})
	}
	return refs
}

func sinceEpoch(env rete.Env) time.Duration { return env.Now().Sub(epoch) }

// clockRules have the clock in every place where a function can stand.
func clockRules() []rete.Production {
	due := timed("i.at <= now", refsTo("i"), func(env rete.Env, at func(string) time.Duration) bool {
		return at("i") <= sinceEpoch(env)
	})
	dueJ := timed("j.at <= now", refsTo("j"), func(env rete.Env, at func(string) time.Duration) bool {
		return at("j") <= sinceEpoch(env)
	})
	both := timed("i.at + j.at <= now", refsTo("i", "j"), func(env rete.Env, at func(string) time.Duration) bool {
		return at("i")+at("j") <= sinceEpoch(env)
	})
	half := rete.Func{Label: "now / 2", Timed: true, Value: func(env rete.Env) (any, error) {
		return sinceEpoch(env) / 2, nil
	}}
	item, other := rete.Match("item", "i"), rete.Match("item", "j")
	sameX := rete.JoinEq("x", "i", "x")
	return []rete.Production{
		{ID: "alone", Then: nothing, When: []rete.Element{rete.Match("item", "i", rete.Check(due))}},
		{ID: "second", Then: nothing, When: []rete.Element{rete.Match("item", "i", rete.Check(due)), rete.Match("item", "j", sameX)}},
		{ID: "joined", Then: nothing, When: []rete.Element{item, rete.Match("item", "j", sameX, rete.Check(both))}},
		{ID: "after", Then: nothing, When: []rete.Element{item, other, rete.Where(both)}},
		{ID: "not-one", Then: nothing, When: []rete.Element{item, rete.Not(rete.Match("item", "j", sameX, rete.Check(dueJ)))}},
		{ID: "not-joined", Then: nothing, When: []rete.Element{item, rete.Not(rete.Match("item", "j", rete.Check(both)))}},
		{ID: "not-all", Then: nothing, When: []rete.Element{item, rete.Not(other, rete.Where(both))}},
		{ID: "forall", Then: nothing, When: []rete.Element{rete.Not(item, rete.Not(rete.Match("item", "j", sameX, rete.Check(dueJ))))}},
		{ID: "value", Then: nothing, When: []rete.Element{rete.Let("half", half), rete.Match("item", "i", rete.JoinEq("at", "half", ""))}},
	}
}

// matchesOf writes every live match of a session.
func matchesOf(s *rete.Session) []string {
	var out []string
	for _, id := range s.Base().Productions() {
		for m := range s.Matches(id) {
			text := id
			for _, f := range m.Facts {
				v, _ := f.Get("id")
				text += fmt.Sprint(" ", v)
			}
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out
}

// TestClockEqualsFreshSession: after any moves of the clock, forth and back, and
// changes in between, the matches are those of a session that has known no other
// time.
func TestClockEqualsFreshSession(t *testing.T) {
	base, err := rete.Compile(transcriptTypes, clockRules())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		moved := rete.NewSession(base, rete.Config{})
		facts := map[int]rete.Fields{}
		handles := map[int]rete.Handle{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			now := epoch.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "now")))
			if err := moved.SetClock(now); err != nil {
				t.Fatal(err)
			}
			tx := moved.Begin()
			id := rapid.IntRange(0, 3).Draw(t, "id")
			if facts[id] != nil && rapid.Bool().Draw(t, "retract") {
				err = tx.Retract(handles[id])
				delete(facts, id)
			} else {
				f := rete.Fields{"id": id, "x": rapid.IntRange(0, 1).Draw(t, "x"), "at": rete.Absent}
				if rapid.IntRange(0, 5).Draw(t, "given") > 0 {
					f["at"] = time.Duration(rapid.IntRange(0, 4).Draw(t, "at"))
				}
				facts[id] = f
				handles[id], err = tx.Assert("item", f)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			fresh := rete.NewSession(base, rete.Config{})
			if err := fresh.SetClock(now); err != nil {
				t.Fatal(err)
			}
			fill := fresh.Begin()
			for _, f := range facts {
				if _, err := fill.Assert("item", f); err != nil {
					t.Fatal(err)
				}
			}
			if err := fill.Commit(); err != nil {
				t.Fatal(err)
			}
			if a, b := matchesOf(moved), matchesOf(fresh); !slices.Equal(a, b) {
				t.Fatalf("at %v\n%q\na fresh session has\n%q", now.Sub(epoch), a, b)
			}
			if a, b := moved.Size(), fresh.Size(); a != b {
				t.Fatalf("%+v, a fresh session has %+v", a, b)
			}
		}
	})
}

// TestClockFiresWhatChanged: a match that the clock leaves as it is does not fire
// again, one with another value does, and what it derived follows.
func TestClockFiresWhatChanged(t *testing.T) {
	hour := rete.Func{Label: "hours", Timed: true, Value: func(env rete.Env) (any, error) {
		return int64(sinceEpoch(env) / time.Hour), nil
	}}
	s := newRules(t, rete.Config{}, rete.Production{
		ID: "hours", When: []rete.Element{rete.Match("item", "i"), rete.Let("h", hour)},
		Then: func(c *rete.Firing) error {
			h, _ := c.Value("h")
			_, err := c.Derive("owner", rete.Fields{"id": get(c, "i", "id"), "who": h})
			return err
		},
	})
	state(t, s, "item", rete.Fields{"id": 1})
	for _, step := range []struct {
		after   time.Duration
		firings int
		who     int64
	}{
		{0, 1, 0}, {time.Minute, 0, 0}, {time.Hour, 1, 1}, {time.Hour + time.Second, 0, 1}, {5 * time.Hour, 1, 5}, {0, 1, 0},
	} {
		if err := s.SetClock(epoch.Add(step.after)); err != nil {
			t.Fatal(err)
		}
		report, err := s.Run(context.TODO())
		if err != nil || report.Firings != step.firings {
			t.Errorf("after %v: %d firings, want %d (%v)", step.after, report.Firings, step.firings, err)
		}
		f, _ := s.Lookup("owner", rete.Fields{"id": 1})
		if who, _ := f.Get("who"); who != step.who || !f.Derived() {
			t.Errorf("after %v: derived %v, want %d", step.after, who, step.who)
		}
	}
	if !s.Now().Equal(epoch) {
		t.Errorf("now is %v", s.Now())
	}
}

// TestClockOfAFiring: an action sees the session's clock.
func TestClockOfAFiring(t *testing.T) {
	var seen time.Time
	s := newRules(t, rete.Config{}, rete.Production{ID: "p", Then: func(c *rete.Firing) error {
		seen = c.Now()
		return nil
	}})
	if err := s.SetClock(epoch); err != nil {
		t.Fatal(err)
	}
	runAll(t, s)
	if !seen.Equal(epoch) {
		t.Errorf("the action saw %v", seen)
	}
}
