// Package sourcetest is the suite that every source passes: what a scan relies
// on, whatever the data come from.
package sourcetest

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
)

// Case is a source under test. Good has data; Bad must fail (a missing or
// damaged file).
type Case struct {
	Good, Bad source.Source
	Now       time.Time
}

// Run runs the suite.
func Run(t *testing.T, c Case) {
	t.Run("gathers the same twice", func(t *testing.T) { testRepeatable(t, c) })
	t.Run("gives only the facts that it names", func(t *testing.T) { testTypes(t, c) })
	t.Run("fails with a code, a sentence and a next step", func(t *testing.T) { testFailure(t, c) })
	t.Run("stops when it is told to", func(t *testing.T) { testCancel(t, c) })
}

func testRepeatable(t *testing.T, c Case) {
	first, err := c.Good.Gather(t.Context(), c.Now)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Facts) == 0 || first.Rows == 0 {
		t.Fatalf("no facts in %d rows", first.Rows)
	}
	second, err := c.Good.Gather(t.Context(), c.Now)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, second) {
		t.Error("two readings of the same data differ")
	}
}

func testTypes(t *testing.T, c Case) {
	batch, err := c.Good.Gather(t.Context(), c.Now)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]source.Type{}
	if typed, ok := c.Good.(source.Typed); ok {
		for _, typ := range typed.Types() {
			declared[typ.Name] = typ
		}
	}
	for _, f := range batch.Facts {
		if !slices.Contains(c.Good.Facts(), f.Type) {
			t.Fatalf("a fact of type %s, which the source does not name", f.Type)
		}
		if typ, ok := declared[f.Type]; ok {
			checkFields(t, typ, f)
		}
	}
}

// checkFields: a declared type is kept, with no field more and no needed one less.
func checkFields(t *testing.T, typ source.Type, f source.Fact) {
	t.Helper()
	known := map[string]bool{}
	for _, field := range typ.Fields {
		known[field.Name] = true
		optional := field.Type[len(field.Type)-1] == '?'
		if _, ok := f.Fields[field.Name]; !ok && !optional {
			t.Errorf("%s lacks %s: %v", typ.Name, field.Name, f.Fields)
		}
	}
	for name := range f.Fields {
		if !known[name] {
			t.Errorf("%s has the undeclared field %s", typ.Name, name)
		}
	}
}

func testFailure(t *testing.T, c Case) {
	batch, err := c.Bad.Gather(t.Context(), c.Now)
	if err == nil {
		t.Fatalf("gathered %d facts from nothing", len(batch.Facts))
	}
	if code := trimtab.CodeOf(err); code == trimtab.Internal {
		t.Errorf("%v has no code", err)
	}
	if trimtab.NextOf(err) == "" {
		t.Errorf("%v names no next step", err)
	}
}

func testCancel(t *testing.T, c Case) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Good.Gather(ctx, c.Now); err == nil {
		t.Error("a cancelled gathering gave a batch")
	}
}
