package packs

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
)

//go:embed prices.csv
var pricesFile []byte

//go:embed instance_types.csv
var instanceTypesFile []byte

// Prices are the built-in list prices as a source of Price facts: few, each with
// its source and date. A deployment's own source of Price takes their place.
func Prices() source.Source { return &embedded{"builtin-prices", "Price", pricesFile} }

// InstanceTypes are the built-in machine sizes as a source of InstanceType facts.
func InstanceTypes() source.Source {
	return &embedded{"builtin-instance-types", "InstanceType", instanceTypesFile}
}

// embedded is a table in the binary: its columns are the fields, an empty cell
// is an absent one. Amounts stay text, which the fact type reads exactly.
type embedded struct {
	name, fact string
	data       []byte
}

var (
	_ source.Source = (*embedded)(nil)
	_ source.Typed  = (*embedded)(nil)
)

// Name implements [source.Source].
func (e *embedded) Name() string { return e.name }

// Facts implements [source.Source].
func (e *embedded) Facts() []string { return []string{e.fact} }

// Types implements [source.Typed].
func (e *embedded) Types() []source.Type {
	all, err := Types()
	if err != nil {
		return nil // said when the packs are loaded
	}
	for _, t := range all {
		if t.Name == e.fact {
			return []source.Type{t}
		}
	}
	return nil
}

// Gather implements [source.Source]. A price list is true as of the reading: the
// date of each figure stands in the fact.
func (e *embedded) Gather(ctx context.Context, _ time.Time) (*source.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(e.data)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, trimtab.Errorf(trimtab.Outside, "%s cannot be read: %v", e.name, err).WithNext("give %s by a source of your own", e.fact)
	}
	batch := &source.Batch{Rows: int64(len(rows) - 1)}
	doubles := e.doubles()
	for _, row := range rows[1:] {
		fields := map[string]any{}
		for i, name := range rows[0] {
			if row[i] == "" {
				continue
			}
			fields[name] = row[i]
			if n, err := strconv.ParseFloat(row[i], 64); err == nil && doubles[name] {
				fields[name] = n
			}
		}
		batch.Facts = append(batch.Facts, source.Fact{Type: e.fact, Fields: fields})
	}
	return batch, nil
}

// doubles names the fields that are measured: a fact takes no text for these.
func (e *embedded) doubles() map[string]bool {
	names := map[string]bool{}
	for _, t := range e.Types() {
		for _, f := range t.Fields {
			names[f.Name] = f.Type == "double"
		}
	}
	return names
}
