package rule

import (
	"fmt"
	"strings"
	"testing"
)

// tableRule is a rule with a decision table over VM.
func tableRule(hit, rest string) string {
	return `apiVersion: trimtab/v1
pack: p
params: {limit: {type: int, default: 5}}
rules:
  - id: r
    when: [{match: VM, as: vm}]
    table:
      hit: ` + hit + `
      inputs: {n: vm.n, acc: vm.account}
      outputs: {size: string, factor: decimal}
` + rest + `    then: [{log: 'vm.id + " " + size + " " + string(factor)'}]
    tests: [{name: t, given: [], expect: []}]
`
}

const sizeRows = `      rows:
        - {n: '< 2', acc: 'x, y', size: small, factor: 0.10}
        - {n: '>= 2 && n < params.limit', size: middle, factor: '= decimal(n) / 10'}
        - {n: '2, 3', acc: '-', size: two, factor: 2}
        - {n: '>= 5', acc: '!= "x"', size: large, factor: 1}
`

func TestTables(t *testing.T) {
	facts := []Fact{machine("a", "x", 1, nil), machine("b", "y", 4, nil), machine("c", "y", 9, nil), machine("d", "x", 9, nil)}
	two := append(facts, machine("e", "x", 2, nil))
	for name, c := range map[string]struct {
		hit, rows string
		facts     []Fact
		want      string
	}{
		"unique":   {"unique", sizeRows, facts, "a small 0.1, b middle 0.4, c large 1"},
		"first":    {"first", sizeRows, two, "a small 0.1, b middle 0.4, c large 1, e middle 0.2"},
		"collect":  {"collect", sizeRows, two, "a small 0.1, b middle 0.4, c large 1, e middle 0.2, e two 2"},
		"csv":      {"first", "      csv: |\n        n,acc,size,factor\n        < 3,x,few,0.5\n        -,,many,1\n", facts, "a few 0.5, b many 1, c many 1, d many 1"},
		"priority": {"priority", strings.NewReplacer("factor: 2}", "factor: 2, priority: 7}").Replace(sizeRows), two, "a small 0.1, b middle 0.4, c large 1, e two 2"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(logged(t, []string{elementTypes, tableRule(c.hit, c.rows)}, c.facts...), ", "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestUniqueTellsOfTwoRows rather than to take one of them.
func TestUniqueTellsOfTwoRows(t *testing.T) {
	_, out := run1(t, load(t, elementTypes, tableRule("unique", sizeRows)), machine("e", "x", 2, nil))
	if len(out.Logs) != 0 || len(out.Errors) != 1 || !strings.Contains(out.Errors[0].Message, "rows 2 and 3: several rows match") {
		t.Errorf("%+v %+v", out.Logs, out.Errors)
	}
}

func TestTableMistakes(t *testing.T) {
	for rows, want := range map[string]string{
		"      rows: [{n: '< x', size: a, factor: 1}]\n":     `unknown name "x"`,
		"      rows: [{m: '< 1', size: a, factor: 1}]\n":     `the table has no column "m"`,
		"      rows: [{n: '< 1', size: a, factor: many}]\n":  "factor",
		"      rows: [{n: '< 1', size: a}]\n":                "the row gives no factor",
		"      rows: [{n: 'n + 1', size: a, factor: 1}]\n":   "a cell of an input is a test, not an int",
		"      rows: [{n: '< 1', size: '= n', factor: 1}]\n": "size is a string, not an int",
		"      rows: []\n": "a table needs at least one row",
		"      csv: |\n        n,size,factor\n        < z,a,1\n": `line 2, column n: unknown name "z"`,
		"      csv: |\n        n,size,factor\n        1,a\n":     "wrong number of fields",
		"      from: other.csv\n":                                "cannot be read",
		"      rows: [{size: a, factor: 1}]\n      csv: x\n":     "rows and csv cannot both give the rows of a table",
	} {
		_, err := tryLoad(elementTypes, tableRule("first", rows))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nwant %q, got %v", rows, want, err)
		}
	}
}

// TestTableInputMistake: an input that does not compile is told of, with whatever
// else is wrong.
func TestTableInputMistake(t *testing.T) {
	const pack = `apiVersion: trimtab/v1
pack: p
facts: {T: {fields: {a: int}}}
rules:
  - id: r
    when: [{match: T, as: x}]
    table: {inputs: {n: x.b}, outputs: {o: int}, rows: [{n: , o: 1}, {n: 2, o: many}]}
    then: [{log: o}]
`
	_, err := Load(Options{Files: []File{{"p.yaml", []byte(pack)}}})
	if err == nil || !strings.Contains(err.Error(), `no field "b"`) || !strings.Contains(err.Error(), "o: ") || strings.Contains(err.Error(), "null") {
		t.Errorf("%v", err)
	}
}

// TestGaps: what a table has no row for, and what it has two for, each proved by
// values.
func TestGaps(t *testing.T) {
	for name, c := range map[string]struct{ hit, rows, want string }{
		"gaps":      {"first", "      rows: [{n: '< 2', size: a, factor: 1}, {n: '> 2', acc: 'x', size: b, factor: 1}]\n", `gap n = 2, acc = "x"; gap n = 2, acc = "(any other)"; gap n = 3, acc = "(any other)"`},
		"whole":     {"unique", "      rows: [{n: '< 2', size: a, factor: 1}, {n: '>= 2', size: b, factor: 1}]\n", ""},
		"overlap":   {"unique", "      rows: [{n: '<= 2', size: a, factor: 1}, {n: '>= 2', size: b, factor: 1}]\n", `rows [1 2] n = 2, acc = "(any other)"`},
		"param":     {"unique", "      rows: [{n: '< params.limit', size: a, factor: 1}, {n: '> params.limit', size: b, factor: 1}]\n", `gap n = 5, acc = "(any other)"`},
		"unreached": {"first", "      rows: [{n: '< 5', size: a, factor: 1}, {n: '< 3', size: b, factor: 1}, {size: c, factor: 1}]\n", "unreached [2]"},
	} {
		t.Run(name, func(t *testing.T) {
			s := load(t, elementTypes, tableRule(c.hit, c.rows))
			r, _ := s.Rule("p/r")
			table := r.when[len(r.when)-1].table
			gaps, overlaps, complete := table.gaps()
			var got []string
			for _, g := range gaps {
				got = append(got, "gap "+g.inputs)
			}
			for _, o := range overlaps {
				got = append(got, fmt.Sprint("rows ", o.rows, " ", o.inputs))
			}
			if rows := table.unreached(); len(rows) > 0 {
				got = append(got, fmt.Sprint("unreached ", rows))
			}
			if text := strings.Join(got, "; "); text != c.want || !complete {
				t.Errorf("got  %s (%v)\nwant %s", text, complete, c.want)
			}
		})
	}
}
