package packs

import (
	"testing"
	"time"

	"github.com/trimtab/trimtab/source/sourcetest"
)

func TestTables(t *testing.T) {
	for _, s := range []*embedded{Prices().(*embedded), InstanceTypes().(*embedded)} {
		broken := &embedded{s.name, s.fact, []byte("a,b\n\"")}
		sourcetest.Run(t, sourcetest.Case{Good: s, Bad: broken, Now: time.Unix(0, 0)})
	}
}

// Every figure says where it is from, and no two facts have one key.
func TestTablesAreSourced(t *testing.T) {
	prices := map[string]bool{}
	batch, err := Prices().Gather(t.Context(), time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range batch.Facts {
		sku, _ := f.Fields["sku"].(string)
		if prices[sku] || f.Fields["source"] == nil || f.Fields["as_of"] == nil {
			t.Errorf("%v stands twice, or without source or date", f.Fields)
		}
		prices[sku] = true
	}
	if batch, err = InstanceTypes().Gather(t.Context(), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	for _, f := range batch.Facts {
		for _, name := range []string{"name", "smaller", "successor", "arm"} {
			if other, ok := f.Fields[name].(string); ok && !prices[other] {
				t.Errorf("%v: %s %s has no price", f.Fields, name, other)
			}
		}
	}
}
