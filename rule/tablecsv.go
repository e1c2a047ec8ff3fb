package rule

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// csvLines reads a table written as CSV: a line of column names, then the rows.
// Mistakes are told at n, with the line of the table.
func csvLines(n strictyaml.Node, text, file string) []line {
	in := csv.NewReader(strings.NewReader(text))
	in.TrimLeadingSpace, in.Comment, in.LazyQuotes = true, '#', true
	head, err := in.Read()
	if err != nil {
		n.Errorf("%sthe table has no line of column names", file)
		return nil
	}
	var out []line
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		row, _ := in.FieldPos(0)
		if err != nil {
			n.Errorf("%s%v", file, err)
			return out
		}
		l := line{node: n, cells: map[string]inCell{}}
		for i, name := range head {
			name = strings.TrimSpace(name)
			place := fmt.Sprintf("%sline %d, column %s: ", file, row, name)
			report := func(_ int, f fault) {
				d := n.Errorf("%s%s", place, f.message)
				d.Nearest, d.Hint = f.nearest, f.hint
			}
			l.cells[name] = inCell{text: fields[i], plain: fields[i], node: n, report: report}
			l.order = append(l.order, name)
		}
		out = append(out, l)
	}
}

// numeral is a number as a text has it.
func numeral(text string) json.Number { return json.Number(strings.TrimSpace(text)) }

// open reads a file that a pack names, relative to the pack.
func (c *compiler) open(pack, name string) ([]byte, error) {
	if c.options.Open == nil {
		return nil, errors.New("files beside a pack cannot be read here")
	}
	if path.IsAbs(name) || strings.HasPrefix(path.Clean(name), "..") {
		return nil, errors.New("it must lie beside the pack, or below")
	}
	c.beside = append(c.beside, Beside{pack, path.Clean(name)})
	return c.options.Open(pack, path.Clean(name))
}
