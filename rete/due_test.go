package rete_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
)

var dueStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// expiring is the test i.at > now, which says when it ends; calls counts its
// evaluations.
func expiring(calls *int, says bool) rete.Func {
	at := func(env rete.Env) (time.Time, bool) {
		i, _ := env.Fact("i")
		v, ok := i.Get("at")
		end, _ := v.(time.Time)
		return end, ok
	}
	f := rete.Func{
		Label: "i.at > now", Timed: true, Reads: []rete.Ref{{Name: "i", Field: "at"}},
		Test: func(env rete.Env) (bool, error) {
			*calls++
			end, ok := at(env)
			if !ok {
				return false, rete.ErrAbsent
			}
			return end.After(env.Now()), nil
		},
	}
	if says {
		f.Until = at
	}
	return f
}

// TestClockCostsWhatIsDue: a test that says when it changes is not asked before.
func TestClockCostsWhatIsDue(t *testing.T) {
	for _, inside := range []bool{true, false} {
		calls := 0
		s := newRules(t, rete.Config{}, rete.Production{ID: "p", Then: nothing, When: timedWhen(expiring(&calls, true), inside)})
		if err := s.SetClock(dueStart); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			state(t, s, "item", rete.Fields{"id": i, "at": dueStart.Add(time.Duration(i+1) * time.Minute)})
		}
		calls = 0
		if err := s.SetClock(dueStart.Add(10 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		if n := s.Size().Matches; calls != 10 || n != 990 {
			t.Errorf("inside %v: %d evaluations, %d matches", inside, calls, n)
		}
	}
}

// timedWhen puts a test inside a pattern, or behind it.
func timedWhen(f rete.Func, inside bool) []rete.Element {
	if inside {
		return []rete.Element{rete.Match("item", "i", rete.Check(f))}
	}
	return []rete.Element{rete.Match("item", "i"), rete.Where(f)}
}

// TestDueEqualsAll: whatever the clock does, also backwards, what is due is what
// changes.
func TestDueEqualsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls, inside := 0, rapid.Bool().Draw(t, "inside")
		var sessions []*rete.Session
		for _, says := range []bool{true, false} {
			base, err := rete.Compile(transcriptTypes, []rete.Production{{ID: "p", Then: nothing, When: timedWhen(expiring(&calls, says), inside)}})
			if err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, rete.NewSession(base, rete.Config{}))
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			at := dueStart.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "minute")) * time.Minute)
			if rapid.Bool().Draw(t, "clock") {
				for _, s := range sessions {
					if err := s.SetClock(at); err != nil {
						t.Fatal(err)
					}
				}
			} else {
				id := rapid.IntRange(0, 5).Draw(t, "id")
				for _, s := range sessions {
					tx := s.Begin()
					if _, err := tx.Assert("item", rete.Fields{"id": id, "at": at}); err != nil {
						t.Fatal(err)
					}
					if err := tx.Commit(); err != nil {
						t.Fatal(err)
					}
				}
			}
			var got [2]string
			for i, s := range sessions {
				for m := range s.Matches("p") {
					got[i] += fmt.Sprint(m.Bind)
				}
				if err := s.CheckInvariants(); err != nil {
					t.Fatal(err)
				}
			}
			if got[0] != got[1] {
				t.Fatalf("what is due gives %s, everything %s", got[0], got[1])
			}
		}
	})
}
