package deploy

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// teamColumns are what a table of teams can have; the first two it must.
var teamColumns = []string{"team", "project", "lead", "accounts", "tags", "cap"}

// teams reads a table in which each row is a board with a team's project. What all rows
// share stands in the deployment file, and is in like.
func (r *reader) teams(n strictyaml.Node, like Board) {
	path := r.d.Resolve(r.text(n))
	file, err := os.Open(path)
	if err != nil {
		n.Errorf("the table of teams cannot be read: %v", err)
		return
	}
	defer func() { _ = file.Close() }() // it was only read
	t := &teamTable{reader: r, node: n, path: filepath.Base(path), csv: csv.NewReader(file), like: like}
	t.csv.TrimLeadingSpace = true
	t.read()
}

// teamTable reads one table.
type teamTable struct {
	reader *reader
	node   strictyaml.Node
	path   string
	csv    *csv.Reader
	like   Board
	column map[string]int
	line   int
}

// bad notes a mistake with its place in the table.
func (t *teamTable) bad(format string, args ...any) *strictyaml.Diagnostic {
	return t.node.Errorf("%s:%d: "+format, append([]any{t.path, t.line}, args...)...)
}

func (t *teamTable) read() {
	for {
		row, err := t.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.node.Errorf("%s: %v", t.path, err)
			return
		}
		t.line, _ = t.csv.FieldPos(0)
		if t.column == nil {
			if !t.head(row) {
				return
			}
			continue
		}
		t.row(row)
	}
	if t.column == nil {
		t.node.Errorf("%s is empty", t.path).WithHint("its first line names the columns: %s", strings.Join(teamColumns, ","))
	}
}

// head reads the names of the columns.
func (t *teamTable) head(row []string) bool {
	t.column = map[string]int{}
	ok := true
	for i, name := range row {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if _, twice := t.column[name]; twice || !slices.Contains(teamColumns, name) {
			t.bad("there is no column %q, or it is there twice", name).Suggest(name, teamColumns)
			ok = false
		}
		t.column[name] = i
	}
	for _, name := range teamColumns[:2] {
		if _, there := t.column[name]; !there {
			t.bad("the column %q is missing", name)
			ok = false
		}
	}
	return ok
}

// cell is a value of a row; "" where the table has no such column.
func (t *teamTable) cell(row []string, name string) string {
	i, ok := t.column[name]
	if !ok {
		return ""
	}
	return strings.TrimSpace(row[i])
}

// row makes a board of a row.
func (t *teamTable) row(row []string) {
	b := t.like
	b.Name, b.Project = t.cell(row, "team"), t.cell(row, "project")
	if lead := t.cell(row, "lead"); lead != "" {
		b.Lead = lead
	}
	b.Claims = Claims{Accounts: many(t.cell(row, "accounts")), Tags: t.tags(t.cell(row, "tags"))}
	switch {
	case b.Name == "" || b.Project == "":
		t.bad("a team needs a name and a project")
	case slices.Contains(t.reader.boardNames(), b.Name):
		t.bad("there are two boards named %q", b.Name)
	case len(b.Claims.Accounts)+len(b.Claims.Tags) == 0:
		t.node.Warnf("%s:%d: nothing leads to the team %s: it has neither accounts nor tags", t.path, t.line, b.Name)
	}
	if text := t.cell(row, "cap"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			t.bad("a cap is a number of open tickets, not %q", text)
		}
		b.Open = n
	}
	t.reader.d.Boards = append(t.reader.d.Boards, b)
}

// many splits at spaces and semicolons.
func many(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ';' })
}

// tags reads name=value, any of which is enough.
func (t *teamTable) tags(text string) map[string]string {
	tags := map[string]string{}
	for _, pair := range strings.Split(text, ";") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			t.bad("%q is no tag: write name=value", pair)
			continue
		}
		tags[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return tags
}
