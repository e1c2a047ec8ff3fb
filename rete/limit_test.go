package rete_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/rete"
)

// refused checks that a session is of no use any more, and that looking at it does
// no harm.
func refused(t *testing.T, s *rete.Session, want error) {
	t.Helper()
	tx := s.Begin()
	_, err := tx.Assert("item", rete.Fields{"id": "late"})
	_, runErr := s.Run(t.Context())
	_, queryErr := s.Query("of", "ann")
	_, whyErr := s.WhyNot("pairs", nil)
	for what, err := range map[string]error{
		"assert": err, "commit": tx.Commit(), "run": runErr, "clock": s.SetClock(time.Unix(9, 0)),
		"adopt": s.Adopt(s.Base()), "query": queryErr, "why not": whyErr, "draw": s.WriteDOT(io.Discard),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for f := range s.Facts() {
		s.Why(f.Handle())
		s.Supports(f.Handle())
	}
	for _, id := range s.Base().Productions() {
		_ = slices.Collect(s.Matches(id))
		s.Levels(id)
	}
	s.Costs()
	s.Size()
	if err := s.Close(); err != nil {
		t.Error("close:", err)
	}
	if err := s.Begin().Commit(); !errors.Is(err, rete.ErrSessionClosed) {
		t.Error("after close:", err)
	}
}

// limited is what a LimitError must say.
func limited(t *testing.T, err error, what string, limit int, productions ...string) error {
	t.Helper()
	var le *rete.LimitError
	if !errors.As(err, &le) {
		t.Fatalf("no limit was passed: %v", err)
	}
	if le.What != what || le.Limit != limit || !slices.Equal(le.Productions, productions) {
		t.Errorf("%v", le)
	}
	return le
}

var (
	pairs = rete.Production{ID: "pairs", Then: nothing, When: []rete.Element{rete.Match("item", "i"), rete.Match("item", "j")}}
	grow  = rete.Production{ID: "grow", When: anyItem, Then: func(c *rete.Firing) error {
		_, err := c.Assert("item", rete.Fields{"id": get(c, "i", "id").(int64) + 1})
		return err
	}}
	lonely = rete.Production{ID: "alone", Then: nothing, When: []rete.Element{rete.Match("tag", "t")}}
)

func TestLimitOfFacts(t *testing.T) {
	s := newRules(t, rete.Config{Limits: rete.Limits{Facts: 10}}, grow, lonely)
	state(t, s, "item", rete.Fields{"id": 1})
	report, err := s.Run(t.Context())
	if report.Firings != 10 {
		t.Errorf("%d firings", report.Firings)
	}
	refused(t, s, limited(t, err, "facts", 10, "grow"))

	s = newRules(t, rete.Config{Limits: rete.Limits{Facts: 2}}, lonely)
	tx := s.Begin()
	for id := range 3 {
		if _, err := tx.Assert("item", rete.Fields{"id": id}); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, s, limited(t, tx.Commit(), "facts", 2))
}

func TestLimitOfTokens(t *testing.T) {
	s := newRules(t, rete.Config{Limits: rete.Limits{Tokens: 200}}, pairs, grow, lonely)
	state(t, s, "item", rete.Fields{"id": 1})
	_, err := s.Run(t.Context())
	refused(t, s, limited(t, err, "tokens", 200, "pairs"))

	s = newRules(t, rete.Config{Limits: rete.Limits{Tokens: 200}}, pairs)
	tx := s.Begin()
	for id := range 20 {
		if _, err := tx.Assert("item", rete.Fields{"id": id}); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, s, limited(t, tx.Commit(), "tokens", 200, "pairs"))
}

// TestLimitsAreNotPassed by what goes again, nor by what just fits.
func TestLimitsAreNotPassed(t *testing.T) {
	s := newRules(t, rete.Config{Limits: rete.Limits{Facts: 3, Tokens: 12}}, pairs)
	for i := range 50 {
		tx := s.Begin()
		for id := range 3 {
			if _, err := tx.Assert("item", rete.Fields{"id": fmt.Sprint(i, id)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(i, err)
		}
		tx = s.Begin()
		for f := range s.Facts() {
			if err := tx.Retract(f.Handle()); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(i, err)
		}
	}
}

// TestLimitsElsewhere: tokens come also with the clock and with productions.
func TestLimitsElsewhere(t *testing.T) {
	late := rete.Production{ID: "late", Then: nothing, When: []rete.Element{
		rete.Match("item", "i"), rete.Match("item", "j"), rete.Where(rete.Func{
			Label: "now is late", Timed: true,
			Test: func(env rete.Env) (bool, error) { return env.Now().Year() > 2000, nil },
		}),
	}}
	fill := func(s *rete.Session) {
		for id := range 4 {
			state(t, s, "item", rete.Fields{"id": id})
		}
	}
	s := newRules(t, rete.Config{Limits: rete.Limits{Tokens: 22}}, late)
	fill(s)
	refused(t, s, limited(t, s.SetClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), "tokens", 22, "late"))

	s = newRules(t, rete.Config{Limits: rete.Limits{Tokens: 10}})
	fill(s)
	more, err := s.Base().With(nil, []rete.Production{pairs})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, s, limited(t, s.Adopt(more), "tokens", 10, "pairs"))

	none := func(id string) rete.Production {
		return rete.Production{ID: id, Then: nothing, When: []rete.Element{rete.Not(flagged(id))}}
	}
	s = newRules(t, rete.Config{Limits: rete.Limits{Tokens: 3}}, none("a"), none("b"))
	_, err = s.Run(t.Context())
	refused(t, s, limited(t, err, "tokens", 3, "b"))
}

func TestClose(t *testing.T) {
	s := newRules(t, rete.Config{}, pairs, grow)
	state(t, s, "item", rete.Fields{"id": 1})
	tx := s.Begin()
	if err := s.Close(); !errors.Is(err, rete.ErrBusy) {
		t.Error("close in a batch:", err)
	}
	tx.Rollback()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	refused(t, s, rete.ErrSessionClosed)
	if size := s.Size(); size != (rete.Size{}) {
		t.Errorf("a closed session holds %+v", size)
	}
}
