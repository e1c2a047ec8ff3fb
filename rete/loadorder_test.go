package rete_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
)

// TestLoadOrderDoesNotMatter: the same facts give the same firings and events in the
// same order, however the productions were ordered when they were compiled, by
// every strategy, with groups, saliences and exclusive groups.
func TestLoadOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t}
		var trace []string
		productions, _, _ := g.rules(&trace)
		g.types, g.denied = []string{"A", "B", "C", "D0"}, nil
		for i := range g.int("ordered", 0, 4) {
			productions = append(productions, g.ordered(fmt.Sprint("s", i)))
		}
		cfg := rete.Config{
			Strategy: rete.Strategy(g.int("strategy", 0, int(rete.Random))), Groups: []string{"first", "", "last"},
			Seed: uint64(g.int("seed", 0, 3)), MaxFirings: 5000,
		}
		g.types = []string{"A", "A", "B", "C", "D0", "D1"}
		var batches [][]stated
		for range g.int("batches", 1, 5) {
			var batch []stated
			for range g.int("facts", 1, 4) {
				typ := rapid.SampledFrom(g.types).Draw(t, "type")
				batch = append(batch, stated{typ, g.fields(typ), g.int("retract", 0, 3) == 0})
			}
			batches = append(batches, batch)
		}
		first := heard(t, productions, cfg, batches)
		second := heard(t, rapid.Permutation(productions).Draw(t, "order"), cfg, batches)
		if !slices.Equal(first, second) {
			t.Fatalf("by %s events\n%v\nin another order of rules\n%v", cfg.Strategy, first, second)
		}
	})
}

// ordered draws a production with everything that bears on the order of firings.
func (g *generator) ordered(id string) rete.Production {
	g.ways = 1
	pairs, scope := g.elements(g.int("elements", 1, 3), 1, nil)
	when, _ := split(pairs)
	p := rete.Production{
		ID: id, When: when, Priority: g.int("priority", -1, 1),
		Group: rapid.SampledFrom([]string{"", "first", "last", "asleep"}).Draw(g.t, "group"),
	}
	focus := g.int("focus", 0, 2) == 0
	p.Then = func(c *rete.Firing) error {
		if focus {
			c.Focus("asleep")
		}
		return nil
	}
	if len(scope) > 0 && g.int("salience", 0, 1) == 0 {
		p.Salience, _ = g.value(scope)
	}
	if len(scope) > 0 && g.int("exclusive", 0, 1) == 0 {
		p.Exclusive.Group = "x"
		p.Exclusive.Per, _ = g.value(scope)
	}
	return p
}

// stated is a fact to state, after the oldest one was taken back or not.
type stated struct {
	typ     string
	fields  rete.Fields
	retract bool
}

// heard are the events of a session that is told batches of facts.
func heard(t *rapid.T, productions []rete.Production, cfg rete.Config, batches [][]stated) []string {
	t.Helper()
	var events []string
	cfg.Listener = rete.ListenerFunc(func(e rete.Event) { events = append(events, e.String()) })
	s := newSession(t, productions, cfg)
	for i, batch := range batches {
		tx := s.Begin()
		for _, x := range batch {
			if x.retract {
				for f := range s.Facts() {
					if !f.Derived() {
						_ = tx.Retract(f.Handle()) // it may be gone in this batch
						break
					}
				}
			}
			if _, err := tx.Assert(x.typ, x.fields); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 || i == len(batches)-1 {
			if _, err := s.RunLimit(context.TODO(), 40*(i+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return events
}

// TestSessionsShareBases: many sessions run at the same time over bases that are
// made from one another while they do, and adopt them.
func TestSessionsShareBases(t *testing.T) {
	ids := []string{
		"own-low", "double", "untagged", "tagged-or-owned", "over-five", "derive-total", "x-over-y", "smaller", "of",
		"owner-all-tagged", "most-of-sums", "expire", "by-x", "low", "high", "word-of", "count-and-sum",
	}
	base, err := rete.Compile(transcriptTypes, transcriptRules(t, ids[:5]))
	if err != nil {
		t.Fatal(err)
	}
	rules := transcriptRules(t, ids)
	var wait sync.WaitGroup
	sizes := make([]rete.Size, 6)
	for worker := range sizes {
		wait.Go(func() {
			s := rete.NewSession(base, rete.Config{Strategy: rete.Strategy(worker)})
			for i := range 40 {
				next := base
				if i%3 > 0 {
					var err error
					if next, err = base.With(nil, rules[5:5+i%13]); err != nil {
						t.Error(err)
						return
					}
				}
				if err := errors.Join(s.Adopt(next), work(s, i)); err != nil {
					t.Error(err)
					return
				}
			}
			if err := s.CheckInvariants(); err != nil {
				t.Error(err)
			}
			sizes[worker] = s.Size()
		})
	}
	wait.Wait()
	for _, size := range sizes {
		if size != sizes[0] {
			t.Errorf("sessions with the same past hold %+v", sizes)
		}
	}
}

// work states some facts, runs and asks.
func work(s *rete.Session, i int) error {
	tx := s.Begin()
	_, err := tx.Assert("item", rete.Fields{"id": i % 17, "x": i, "y": i % 3})
	_, err2 := tx.Assert("tag", rete.Fields{"id": i % 5, "text": fmt.Sprint(i)})
	_, err3 := tx.Assert("line", rete.Fields{"who": fmt.Sprint(i % 4), "n": i})
	if err := errors.Join(err, err2, err3, tx.Commit()); err != nil {
		return err
	}
	_, err = s.Run(context.Background())
	for m := range s.Matches("tagged-or-owned") {
		_ = m.Bind.String()
	}
	return err
}
