package rete_test

import (
	"testing"

	"github.com/trimtab/trimtab/rete"
)

// TestSteadyStateAllocatesNothing: a change through rows, and a run that fires
// nothing, make no garbage.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	s := newRules(t, rete.Config{}, transcriptRules(t, []string{"untagged", "see-x"})...)
	items, err := s.Base().Shape("item", "id", "x")
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	change := func() {
		tx := s.Begin()
		n--
		_, _ = tx.AssertRow(items, rete.Int(1), rete.Int(n)) // below what see-x looks for
		_ = tx.Commit()
		_, _ = s.Run(t.Context())
	}
	change()
	if got := testing.AllocsPerRun(100, change); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
