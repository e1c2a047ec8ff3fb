package rete_test

import (
	"errors"
	"testing"

	"github.com/trimtab/trimtab/rete"
)

// errBoom is what actions of these tests panic with.
var errBoom = errors.New("boom")

// runPanicking runs the session and gives what it panicked with, nil if it did
// not.
func runPanicking(t *testing.T, s *rete.Session) (caught any) {
	t.Helper()
	defer func() { caught = recover() }()
	_, err := s.Run(t.Context())
	t.Errorf("the run came back with %v", err)
	return nil
}

// TestPanicOfAnAction goes on to the caller, and leaves a session that can be
// used: the firing is undone, counts as fired, and nothing is busy.
func TestPanicOfAnAction(t *testing.T) {
	mood := "calm"
	s := newRules(t, rete.Config{}, rete.Production{
		ID: "moody", When: anyItem, Reads: []rete.Ref{{Name: "i", Field: "x"}},
		Then: func(c *rete.Firing) error {
			if _, err := c.Derive("flag", rete.Fields{"name": mood}); err != nil {
				return err
			}
			if mood == "angry" {
				panic(errBoom)
			}
			return nil
		},
	}, rete.Production{ID: "other", Priority: -1, When: anyItem, Then: nothing})
	h := state(t, s, "item", rete.Fields{"id": 1, "x": 1})
	runAll(t, s)
	if _, ok := s.Lookup("flag", rete.Fields{"name": "calm"}); !ok {
		t.Fatal("nothing was derived")
	}

	mood = "angry"
	change(t, s, func(tx *rete.Tx) error { return tx.Update(h, rete.Fields{"x": 2}) })
	if got := runPanicking(t, s); got != errBoom {
		t.Fatalf("panicked with %v", got)
	}
	for _, name := range []string{"calm", "angry"} {
		if _, ok := s.Lookup("flag", rete.Fields{"name": name}); ok {
			t.Errorf("%s stands after the panic", name)
		}
	}
	if report := runAll(t, s); report.Fired.Of("other") != 0 || report.Fired.Of("moody") != 1 {
		t.Errorf("the firing that panicked did not count as one: %v", report.Fired)
	}

	mood = "happy"
	change(t, s, func(tx *rete.Tx) error { return tx.Update(h, rete.Fields{"x": 3}) })
	if report := runAll(t, s); report.Derived != 1 || len(report.Errors) != 0 {
		t.Errorf("the session goes on with %+v", report)
	}
	if err := s.Adopt(s.Base()); err != nil {
		t.Error("still busy:", err)
	}
}

// TestPanicEndsTheFiring: a firing that was kept is of no use after the panic,
// as after a return.
func TestPanicEndsTheFiring(t *testing.T) {
	var kept *rete.Firing
	s := newRules(t, rete.Config{}, rete.Production{ID: "p", Then: func(c *rete.Firing) error {
		kept = c
		panic(errBoom)
	}})
	if got := runPanicking(t, s); got != errBoom {
		t.Fatalf("panicked with %v", got)
	}
	if _, err := kept.Assert("flag", rete.Fields{"name": "late"}); !errors.Is(err, rete.ErrClosed) {
		t.Error("the firing that panicked is still open:", err)
	}
	if n := s.Size().Facts; n != 0 {
		t.Errorf("%d facts", n)
	}
}

// change makes one batch of a session.
func change(t *testing.T, s *rete.Session, do func(*rete.Tx) error) {
	t.Helper()
	tx := s.Begin()
	if err := errors.Join(do(tx), tx.Commit()); err != nil {
		t.Fatal(err)
	}
}
