package rule

import (
	"slices"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// line is a row as it was written: cells by column.
type line struct {
	node  strictyaml.Node
	cells map[string]inCell
	order []string
}

// inCell is a cell with its place.
type inCell struct {
	text   string
	plain  any // as YAML has it; the text in a CSV file
	node   strictyaml.Node
	report reporter
}

// tableRows are the rows of a table, from YAML or CSV.
func (b *builder) tableRows(fs strictyaml.Fields) []line {
	given := slices.DeleteFunc(slices.Clone(tableMapping.OneOf), func(k string) bool { return !fs.Has(k) })
	if len(given) > 1 {
		fs.Key(given[1]).Errorf("%s and %s cannot both give the rows of a table", given[0], given[1])
	}
	switch {
	case fs.Has("csv"):
		return csvLines(fs.Get("csv"), fs.Get("csv").Text(), "")
	case fs.Has("from"):
		n := fs.Get("from")
		data, err := b.c.open(fs.File().Name(), n.Text())
		if err != nil {
			n.Errorf("the table %s cannot be read: %v", n.Text(), err)
			return nil
		}
		return csvLines(n, string(data), n.Text()+": ")
	}
	var out []line
	for _, n := range fs.Need("rows").Items() {
		l := line{node: n, cells: map[string]inCell{}}
		for _, e := range n.Entries() {
			name := e.Key.Text()
			if e.Value.Kind() != strictyaml.Scalar && e.Value.Kind() != strictyaml.Null {
				e.Value.Errorf("a cell is one value, not a %s", e.Value.Kind()).WithHint(`write several as '"a", "b"'`)
				continue
			}
			cell := inCell{plain: e.Value.Plain(), node: e.Key, report: at(e.Value)}
			if e.Value.Kind() == strictyaml.Scalar {
				cell.text = e.Value.Text() // nothing stands for any value
			}
			l.cells[name] = cell
			l.order = append(l.order, name)
		}
		out = append(out, l)
	}
	return out
}
