package rete_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
	"github.com/trimtab/trimtab/rete/internal/naive"
)

// program draws productions of all kinds, that derive, state and take back, and note
// in trace what fires.
func (g *generator) program(trace *[]string) []rete.Production {
	var list []rete.Production
	for i := range g.int("rules", 1, 6) {
		level := g.int("level", 0, len(levels)-1)
		g.types, g.denied, g.ways = levels[level].matches, levels[level].denies, 1
		pairs, scope := g.elements(g.int("elements", 1, 3), 1, nil)
		when, _ := split(pairs)
		typ := levels[level].derives
		sources := g.sources(typ, scope)
		p := rete.Production{
			ID: fmt.Sprint("r", i), When: when, Priority: g.int("priority", -1, 1), NoLoop: g.int("no loop", 0, 3) == 0,
			Reads: readsOf(sources), Then: deriving(typ, sources, trace),
			Group: rapid.SampledFrom([]string{"", "", "", "g", "h"}).Draw(g.t, "group"),
		}
		if g.int("salience", 0, 2) == 0 && len(scope) > 0 {
			p.Salience, _ = g.value(scope)
		}
		if g.int("exclusive", 0, 2) == 0 {
			p.Exclusive.Group = rapid.SampledFrom([]string{"e", "f"}).Draw(g.t, "exclusive group")
			if len(scope) > 0 && g.int("per", 0, 2) > 0 {
				p.Exclusive.Per, _ = g.value(scope)
			}
		}
		p.Then = g.then(p.Then)
		list = append(list, p)
	}
	return list
}

// then sometimes does more than derive.
func (g *generator) then(derive func(*rete.Firing) error) func(*rete.Firing) error {
	switch kind := g.int("then", 0, 9); kind {
	case 0:
		return func(c *rete.Firing) error { return errors.Join(derive(c), errors.New("no")) }
	case 1:
		return func(c *rete.Firing) error { c.Halt(); return derive(c) }
	case 2:
		return func(c *rete.Firing) error { c.Focus("h"); c.Focus("g"); return derive(c) }
	case 3:
		return func(c *rete.Firing) error {
			_, err := c.Assert("C", rete.Fields{"x": 7})
			return errors.Join(err, derive(c))
		}
	}
	return derive
}

// step is something that happens to a session. What it is about is drawn before, so
// that the same happens to two.
type step func(s *rete.Session) error

func (g *generator) step() step {
	if g.int("step", 0, 5) == 0 {
		now := time.Unix(int64(g.int("now", -1, 4)), 0)
		return func(s *rete.Session) error { return s.SetClock(now) }
	}
	var changes []func(*rete.Session, *rete.Tx) error
	for range g.int("changes", 1, 5) {
		changes = append(changes, g.changing())
	}
	rollback := g.int("rollback", 0, 5) == 0
	return func(s *rete.Session) error {
		tx := s.Begin()
		for _, change := range changes {
			if err := change(s, tx); err != nil {
				return err
			}
		}
		if rollback {
			tx.Rollback()
			return nil
		}
		return tx.Commit()
	}
}

// changing draws a change; of a fact if there is one.
func (g *generator) changing() func(*rete.Session, *rete.Tx) error {
	g.types = []string{"A", "A", "B", "C", "D0", "K"}
	typ := rapid.SampledFrom(g.types).Draw(g.t, "type")
	fields := g.fields(typ)
	op, pick := g.int("change", 0, 5), g.int("pick", 0, 1000)
	end := time.Unix(int64(g.int("end", 0, 4)), 0)
	return func(s *rete.Session, tx *rete.Tx) error {
		facts := slices.DeleteFunc(slices.Collect(s.Facts()), rete.Fact.Derived)
		if len(facts) == 0 || op < 3 {
			_, err := tx.Assert(typ, fields)
			return err
		}
		f := facts[pick%len(facts)]
		switch {
		case op == 3:
			return tx.Retract(f.Handle())
		case op == 4:
			return tx.ExpireAt(f.Handle(), end)
		case f.Type() == typ && typ != "B" && typ != "K":
			if err := tx.Update(f.Handle(), fields); !errors.Is(err, rete.ErrDerived) {
				return err
			}
		}
		return nil
	}
}

// described says everything about a session that can be asked.
func described(s *rete.Session) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.Size(), s.Now().UnixNano())
	for f := range s.Facts() {
		fmt.Fprintln(&b, uint64(f.Handle()), naive.Fact{Type: f.Type(), Fields: f.Fields()}.Text(), f.Derived())
		if f.Derived() {
			explain(&b, s.Why(f.Handle()), " ")
		}
	}
	for _, id := range s.Base().Productions() {
		for m := range s.Matches(id) {
			fmt.Fprintln(&b, id, m.Bind, m.Fired)
		}
	}
	return b.String()
}

// explain writes a tree of reasons.
func explain(b *strings.Builder, j *rete.Justification, indent string) {
	fmt.Fprintln(b, indent, uint64(j.Fact.Handle()), j.Stated, j.Again)
	for _, r := range j.Reasons {
		fmt.Fprintln(b, indent, r.Production, r.Priority, r.Bind, naive.Fact{Fields: r.Values}.Text())
		for _, because := range r.Because {
			explain(b, because, indent+" ")
		}
	}
}

// fires runs a session and says what fired, and what the run reports.
func fires(s *rete.Session, trace *[]string, n int) string {
	*trace = nil
	r, err := s.RunLimit(context.TODO(), n)
	var failed []string
	for _, err := range r.Errors {
		failed = append(failed, err.Error())
	}
	return fmt.Sprint(*trace, err, r.Firings, r.Agenda, r.Halted, r.Fired, r.Derived, r.Withdrawn, failed, r.Conflicts, r.AbsentReads)
}

// fataler is what tests of both kinds have.
type fataler interface {
	Helper()
	Fatal(...any)
}

func snapshotOf(t fataler, s *rete.Session) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := s.Snapshot(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func restore(t fataler, base *rete.Base, cfg rete.Config, snapshot []byte) *rete.Session {
	t.Helper()
	s, err := rete.Restore(base, cfg, bytes.NewReader(snapshot))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckInvariants(); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRestoredGoesOn: a session that is cut anywhere between two firings goes on
// elsewhere as it does itself.
func TestRestoredGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var trace []string
		var now int64
		g := &generator{t: t, now: &now}
		productions := g.program(&trace)
		cfg := rete.Config{Strategy: rete.Strategy(g.int("strategy", 0, 6)), Seed: 7}
		if g.int("groups", 0, 1) == 0 {
			cfg.Groups = []string{"g", "h"}
		}
		s := newSession(t, productions, cfg)
		for range g.int("before", 1, 6) {
			if err := g.step()(s); err != nil {
				t.Fatal(err)
			}
			fires(s, &trace, g.int("firings", 0, 4))
		}
		restored := cut(t, s, productions, cfg)
		for range g.int("after", 1, 5) {
			n := g.int("firings", 0, 8)
			if a, b := fires(s, &trace, n), fires(restored, &trace, n); a != b {
				t.Fatalf("fires and reports\n%s\nrestored\n%s", a, b)
			}
			if a, b := described(s), described(restored); a != b {
				t.Fatalf("after firings\n%s\nrestored\n%s", a, b)
			}
			step := g.step()
			if err := errors.Join(step(s), step(restored), restored.CheckInvariants()); err != nil {
				t.Fatal(err)
			}
			if a, b := described(s), described(restored); a != b {
				t.Fatalf("after changes\n%s\nrestored\n%s", a, b)
			}
		}
		if a, b := snapshotOf(t, s), snapshotOf(t, restored); !bytes.Equal(a, b) {
			t.Fatalf("a later snapshot is\n%q\nrestored\n%q", a, b)
		}
		vacate(t, restored)
	})
}

// cut restores a session in a base of its own and compares.
func cut(t *rapid.T, s *rete.Session, productions []rete.Production, cfg rete.Config) *rete.Session {
	t.Helper()
	base, err := rete.Compile(derivedTypes, productions)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := snapshotOf(t, s)
	restored := restore(t, base, cfg, snapshot)
	if a, b := described(s), described(restored); a != b {
		t.Fatalf("restored\n%s\nof\n%s", b, a)
	}
	if again := snapshotOf(t, restored); !bytes.Equal(snapshot, again) {
		t.Fatalf("a snapshot\n%q\nis written as\n%q", snapshot, again)
	}
	return restored
}
