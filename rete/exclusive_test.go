package rete_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/trimtab/trimtab/rete"
)

// TestLocksSurviveSweeps: the key of a lock may be a value that nothing else has.
func TestLocksSurviveSweeps(t *testing.T) {
	p := one("only", 0)
	p.Exclusive.Per = rete.Func{Label: "text of i.y", Reads: []rete.Ref{{Name: "i", Field: "y"}}, Value: func(env rete.Env) (any, error) {
		i, _ := env.Fact("i")
		y, _ := i.Get("y")
		return fmt.Sprint("key ", y), nil
	}}
	s := newRules(t, rete.Config{}, p)
	for id := range 20 {
		state(t, s, "item", rete.Fields{"id": id, "y": id / 2})
	}
	if report := runAll(t, s); report.Firings != 10 {
		t.Fatalf("%d firings for 10 keys", report.Firings)
	}
	for round := range 4 { // many strings that come and go
		change(t, s, func(tx *rete.Tx) error {
			var err error
			for i := range 5000 {
				_, e := tx.Assert("flag", rete.Fields{"name": fmt.Sprint("name ", round, " ", i)})
				err = errors.Join(err, e)
			}
			return err
		})
		change(t, s, func(tx *rete.Tx) error {
			var err error
			for f := range s.FactsOf("flag") {
				err = errors.Join(err, tx.Retract(f.Handle()))
			}
			return err
		})
		if err := s.CheckInvariants(); err != nil {
			t.Fatal(err)
		}
	}
	for id := 20; id < 40; id++ {
		state(t, s, "item", rete.Fields{"id": id, "y": id / 2})
	}
	if report := runAll(t, s); report.Firings != 10 {
		t.Errorf("%d firings for 10 new keys", report.Firings)
	}
}
