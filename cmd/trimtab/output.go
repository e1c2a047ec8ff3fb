package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"charm.land/lipgloss/v2"
	lgtable "charm.land/lipgloss/v2/table"
)

// table is a result: one name a column, one slice a row. The names are those of
// the JSON output and stay.
type table struct {
	names []string
	rows  [][]any
	// more is said below the table for people; JSON and CSV leave it out.
	more string
}

func (t *table) add(values ...any) { t.rows = append(t.rows, values) }

// print writes a result the way that -o asks for. Nothing is cut: a terminal
// wraps, a pipe gets all of it.
func (e *environment) print(t table) error {
	switch e.output {
	case "json":
		return e.printJSON(t)
	case "csv":
		return e.printCSV(t)
	}
	// No borders: columns of plain text can be cut and searched.
	text := lgtable.New().Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderHeader(false).BorderColumn(false).Wrap(false).StyleFunc(e.style).Headers(t.names...)
	for _, row := range t.rows {
		text.Row(texts(row)...)
	}
	// Headings over nothing would look like a mistake.
	if len(t.rows) > 0 {
		for line := range strings.Lines(text.String()) {
			fmt.Fprintln(e.out, strings.TrimRight(line, " \n"))
		}
	}
	if t.more != "" {
		fmt.Fprintln(e.out, t.more)
	}
	return nil
}

// style pads columns; headings are bold on a terminal, unless NO_COLOR is set.
func (e *environment) style(row, _ int) lipgloss.Style {
	style := lipgloss.NewStyle().PaddingRight(2)
	if row == lgtable.HeaderRow && isTerminal(e.out) && os.Getenv("NO_COLOR") == "" {
		return style.Bold(true)
	}
	return style
}

// texts writes values as people read them; JSON keeps their types.
func texts(row []any) []string {
	all := make([]string, len(row))
	for i, v := range row {
		all[i] = fmt.Sprint(v)
	}
	return all
}

// printJSON gives one object a row, under the names of the columns.
func (e *environment) printJSON(t table) error {
	// Made, not nil: no results are [] for a script, never null.
	objects := make([]map[string]any, 0, len(t.rows))
	for _, row := range t.rows {
		object := make(map[string]any, len(row))
		for i, v := range row {
			object[t.names[i]] = v
		}
		objects = append(objects, object)
	}
	return e.writeJSON(objects)
}

func (e *environment) writeJSON(v any) error {
	enc := json.NewEncoder(e.out)
	enc.SetIndent("", "  ")
	// It goes to a terminal or a script: <, > and & stay legible.
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printCSV quotes as RFC 4180 does; the first row are the names.
func (e *environment) printCSV(t table) error {
	w := csv.NewWriter(e.out)
	if err := w.Write(t.names); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := w.Write(texts(row)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
