package rete_test

import (
	"errors"
	"testing"

	"github.com/trimtab/trimtab/rete"
)

// TestMemoryIsLimited: a rule without end stops when it holds too much, and is named.
func TestMemoryIsLimited(t *testing.T) {
	s := newRules(t, rete.Config{Limits: rete.Limits{Bytes: 2 << 20}}, rete.Production{
		ID: "spread", When: []rete.Element{rete.Match("tag", "t")},
		Then: func(c *rete.Firing) error {
			_, err := c.Assert("tag", rete.Fields{"id": get(c, "t", "id").(int64) + 1})
			return err
		},
	})
	before := s.Memory()
	state(t, s, "tag", rete.Fields{"id": 0})
	_, err := s.Run(t.Context())
	var le *rete.LimitError
	if !errors.As(err, &le) || le.What != "bytes" || len(le.Productions) != 1 || le.Productions[0] != "spread" {
		t.Fatalf("the run ended with %v", err)
	}
	if after := s.Memory(); after <= before || after < 2<<20 {
		t.Errorf("%d bytes, before %d", after, before)
	}
	if _, err := s.Run(t.Context()); !errors.As(err, &le) {
		t.Errorf("the session goes on with %v", err)
	}
}
