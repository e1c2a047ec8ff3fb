package rule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// table is a decision table: inputs that are computed once, rows that test them,
// and outputs that the row gives. In then, inputs and outputs are values by their
// names.
//
// The words (input and output columns, unary tests, hit policies) are those of
// decision tables in OMG's Decision Model and Notation 1.3, chapter 8.
type table struct {
	node    strictyaml.Node
	hit     string
	inputs  []column
	outputs []column
	rows    []*row
	at      string // the hidden value that holds the number of the row
}

// column is a named input or output.
type column struct {
	name string
	of   *expr     // of an input
	typ  valueType // of an output
	used *bool
}

// row is one line of the table.
type row struct {
	node     strictyaml.Node
	cells    []*expr // by input; nil where any value will do
	values   []cell  // by output
	priority int
}

// cell is an output: a value, or an expression.
type cell struct {
	val any
	e   *expr
}

// maxRows bounds a table. Rows are tried one after the other for every fact.
const maxRows = 10_000

// hitPolicies say what happens when several rows match.
var hitPolicies = []string{"unique", "first", "collect", "priority"}

// readTable compiles the table of a rule, which follows its when.
func (b *builder) readTable() {
	n := b.fs.Get("table")
	if n.IsZero() {
		return
	}
	fs := n.Fields(tableMapping.Names()...)
	if n.Kind() != strictyaml.Mapping {
		return
	}
	t := &table{node: n, hit: "unique", at: "row of the table"}
	if hit := fs.Get("hit"); !hit.IsZero() {
		t.hit = hit.Text()
		if !slices.Contains(hitPolicies, t.hit) {
			hit.Errorf("hit policy %q is not known", t.hit).Suggest(t.hit, hitPolicies)
		}
	}
	b.readInputs(t, fs.Need("inputs"))
	b.readOutputs(t, fs.Need("outputs"))
	lines := b.tableRows(fs)
	if len(lines) > maxRows {
		n.Errorf("a table has at most %d rows; these are %d", maxRows, len(lines)).WithHint("let a source give them as facts, and match those")
		lines = lines[:1]
	}
	for _, line := range lines {
		b.readRow(t, line)
	}
	if len(lines) == 0 {
		n.Errorf("a table needs at least one row")
	}
	for i := range t.outputs {
		o := &t.outputs[i]
		l := &let{node: fs.Get("outputs")}
		o.used = &l.used
		b.scope = b.scope.with(name{name: o.name, cel: o.typ.cel(), used: o.used})
	}
	b.when = append(b.when, &condition{kind: "table", node: n, table: t})
}

// readInputs compiles the columns that are tested.
func (b *builder) readInputs(t *table, n strictyaml.Node) {
	if n.Kind() == strictyaml.Mapping && len(n.Entries()) == 0 {
		n.Errorf("a table needs at least one input")
	}
	for _, e := range n.Entries() {
		if !b.canName(e.Key, b.scope) {
			continue
		}
		c := column{name: e.Key.Text()}
		bound := name{name: c.name, cel: types.DynType}
		if of, used := b.namedValue(e, b.scope); of != nil {
			c.of, bound.cel, bound.used = of, of.out, used
			*used = true // a column that no cell tests is a matter of lint
		}
		t.inputs = append(t.inputs, c)
		b.scope = b.scope.with(bound)
	}
}

// readOutputs reads the columns that rows give, each with its type.
func (b *builder) readOutputs(t *table, n strictyaml.Node) {
	for _, e := range n.Entries() {
		if !b.canName(e.Key, b.scope) || slices.ContainsFunc(t.outputs, func(c column) bool { return c.name == e.Key.Text() }) {
			continue
		}
		t.outputs = append(t.outputs, column{name: e.Key.Text(), typ: readType(e.Value)})
	}
}

// readRow compiles one row.
func (b *builder) readRow(t *table, l line) {
	r := &row{node: l.node}
	for _, name := range l.order {
		known := name == "priority" && t.hit == "priority" ||
			slices.ContainsFunc(t.inputs, func(c column) bool { return c.name == name }) ||
			slices.ContainsFunc(t.outputs, func(c column) bool { return c.name == name })
		if !known {
			l.cells[name].node.Errorf("the table has no column %q", name).Suggest(name, t.columnNames())
		}
	}
	for _, in := range t.inputs {
		r.cells = append(r.cells, b.readCell(in, l.cells[in.name]))
	}
	for _, out := range t.outputs {
		r.values = append(r.values, b.readOutput(out, l))
	}
	if w, ok := l.cells["priority"]; ok && t.hit == "priority" {
		v, err := valueType{kind: kindInt}.convert(numeral(w.text))
		if i, isInt := v.(int64); err == nil && isInt {
			r.priority = int(i)
		} else {
			w.report(0, fault{message: fmt.Sprintf("%q is no whole number", w.text)})
		}
	}
	t.rows = append(t.rows, r)
}

// columnNames are all columns, to find the nearest of.
func (t *table) columnNames() []string {
	var out []string
	for _, c := range slices.Concat(t.inputs, t.outputs) {
		out = append(out, c.name)
	}
	return out
}

// comparing begins a unary test that compares.
var comparing = regexp.MustCompile(`^(<=|>=|<|>|==|!=|in\b)`)

// bareWord is a text without quotes, as tables write them.
var bareWord = regexp.MustCompile(`^[\pL_][\pL\pN_./:-]*$`)

// readCell compiles a unary test: "- " or nothing for any value, "< 5", "in
// [1, 2]", "1, 2", a value, or a condition that names the column.
func (b *builder) readCell(in column, w inCell) *expr {
	text := strings.TrimSpace(w.text)
	if text == "" || text == "-" || in.of == nil {
		return nil
	}
	source, prefix := b.cellSource(in, text)
	e, ok := b.compiled(source, b.scope, func(offset int, f fault) { w.report(max(offset-prefix, 0), f) })
	if !ok {
		return nil
	}
	if !isCondition(e) {
		w.report(0, fault{message: "a cell of an input is a test, not " + withArticle(typeName(e.out))})
		return nil
	}
	e.checkNow(false, w.report)
	return e
}

// cellSource is a cell as a condition, and how many characters stand before it.
func (b *builder) cellSource(in column, text string) (source string, prefix int) {
	switch words := b.bareWords(in, text); {
	case comparing.MatchString(text):
		return in.name + " " + text, len(in.name) + 1
	case mentions(text, in.name):
		return text, 0
	case words != nil:
		return in.name + ` in ["` + strings.Join(words, `", "`) + `"]`, 0
	case in.of.out.Kind() == types.BoolKind || !strings.Contains(text, ","):
		return in.name + " == " + text, len(in.name) + 4
	}
	return in.name + " in [" + text + "]", len(in.name) + 5
}

// bareWords are the texts of a cell that writes them without quotes; nil for any
// other cell.
func (b *builder) bareWords(in column, text string) []string {
	if in.of.out.Kind() != types.StringKind {
		return nil
	}
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		word := strings.TrimSpace(part)
		if _, bound := b.scope.find(word); bound || !bareWord.MatchString(word) {
			return nil
		}
		out = append(out, word)
	}
	return out
}

// mentions reports whether a text of CEL has a word, outside of quotes.
func mentions(text, word string) bool {
	bare := quoted.ReplaceAllString(text, `""`)
	return wordOf(word).MatchString(bare)
}

// wordOf finds a word by itself.
func wordOf(word string) *regexp.Regexp {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`)
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)

// readOutput reads what a row gives in a column: a value of the column's type, or
// after = an expression.
func (b *builder) readOutput(out column, l line) cell {
	w, ok := l.cells[out.name]
	if !ok || strings.TrimSpace(w.text) == "" {
		if !out.typ.optional {
			l.node.Errorf("the row gives no %s", out.name)
		}
		return cell{val: rete.Absent}
	}
	if source, is := strings.CutPrefix(strings.TrimSpace(w.text), "="); is {
		e, ok := b.compiled(source, b.scope, func(offset int, f fault) { w.report(offset+1, f) })
		if ok && !out.typ.accepts(e.out) {
			w.report(0, fault{message: fmt.Sprintf("%s is %s, not %s", out.name, withArticle(out.typ.String()), withArticle(typeName(e.out)))})
		}
		return cell{e: e}
	}
	v, err := out.typ.fromText(w)
	if err != nil {
		w.report(0, fault{message: fmt.Sprintf("%s: %v", out.name, err)})
	}
	return cell{val: v}
}

// fromText reads a value that a cell writes.
func (t valueType) fromText(w inCell) (any, error) {
	switch t.kind {
	case kindInt, kindDouble:
		return t.convert(numeral(strings.TrimSpace(w.text)))
	case kindBool:
		switch strings.TrimSpace(w.text) {
		case "true", "false":
			return strings.TrimSpace(w.text) == "true", nil
		}
		return nil, fmt.Errorf("%q is no bool", w.text)
	case kindDyn:
		return plainValue(w.plain, 0)
	}
	return t.convert(w.text)
}

// expressions are all expressions of the table.
func (t *table) expressions() []*expr {
	var out []*expr
	for _, c := range t.inputs {
		out = append(out, c.of)
	}
	for _, r := range t.rows {
		out = append(out, r.cells...)
		for _, v := range r.values {
			out = append(out, v.e)
		}
	}
	return slices.DeleteFunc(out, func(e *expr) bool { return e == nil })
}

// elements makes values of the table: its inputs, the row that is hit, and what the
// row gives. Under collect every row is a branch of its own.
func (t *table) elements() []rete.Element {
	var out []rete.Element
	for _, c := range t.inputs {
		if c.of != nil { // one that does not compile has been told of
			out = append(out, rete.Let(c.name, c.of.valueFn()))
		}
	}
	if t.hit == "collect" {
		branches := make([][]rete.Element, len(t.rows))
		for i, r := range t.rows {
			fixed := rete.Let(t.at, constant64(int64(i)))
			branches[i] = append([]rete.Element{fixed, rete.Where(r.testFn(t.tests(i)))}, t.outputsOf()...)
		}
		return append(out, rete.Any(branches...))
	}
	out = append(out, rete.Let(t.at, t.hitFn()), rete.Having(t.at, rete.GreaterEq("", int64(0))))
	return append(out, t.outputsOf()...)
}

// constant64 is a value that reads nothing.
func constant64(i int64) rete.Func {
	return rete.Func{Label: fmt.Sprint("row ", i), Value: func(rete.Env) (any, error) { return i, nil }}
}

// tests are the tests of a row in words, with their parameters.
func (t *table) tests(i int) string {
	var words []string
	for _, e := range t.rows[i].cells {
		if e != nil {
			words = append(words, e.label())
		}
	}
	return fmt.Sprintf("row %d: %s", i+1, strings.Join(words, " && "))
}

// testFn is the row as a test.
func (r *row) testFn(label string) rete.Func {
	return rete.Func{Label: label, Reads: readsOfAll(r.cells), Test: func(env rete.Env) (bool, error) { return r.holds(env) }}
}

// holds reports whether all cells of the row hold.
func (r *row) holds(b bindings) (bool, error) {
	for _, e := range r.cells {
		if e == nil {
			continue
		}
		if yes, err := e.test(b); err != nil || !yes {
			return false, err
		}
	}
	return true, nil
}

// readsOfAll are the reads of several expressions.
func readsOfAll(list []*expr) []rete.Ref {
	var out []rete.Ref
	for _, e := range list {
		if e != nil {
			out = append(out, e.reads...)
		}
	}
	return sortedRefs(out)
}

// hitFn is the number of the row that the policy picks; -1 if none matches.
func (t *table) hitFn() rete.Func {
	var words []string
	var cells []*expr
	for i, r := range t.rows {
		words, cells = append(words, fmt.Sprint(t.tests(i), " prio ", r.priority)), append(cells, r.cells...)
	}
	return rete.Func{
		Label: t.hit + " of " + strings.Join(words, "; "), Reads: readsOfAll(cells),
		Value: func(env rete.Env) (any, error) { i, err := t.pick(env); return int64(i), err },
	}
}

// errSeveral is that a table of which one row is to match has two that do.
var errSeveral = errors.New("several rows match, and the table's hit policy is unique")

// pick finds the row that the policy picks.
func (t *table) pick(b bindings) (int, error) {
	best := -1
	for i, r := range t.rows {
		yes, err := r.holds(b)
		switch {
		case err != nil:
			return -1, err
		case !yes:
		case best < 0:
			best = i
		case t.hit == "unique":
			return -1, fmt.Errorf("rows %d and %d: %w", best+1, i+1, errSeveral)
		case r.priority > t.rows[best].priority:
			best = i
		}
		if t.hit == "first" && best >= 0 {
			break
		}
	}
	return best, nil
}

// outputsOf are the values that the row gives.
func (t *table) outputsOf() []rete.Element {
	out := make([]rete.Element, len(t.outputs))
	for j, c := range t.outputs {
		reads := []rete.Ref{{Name: t.at}}
		var words []string
		for _, r := range t.rows {
			v := r.values[j]
			if v.e == nil {
				words = append(words, show(v.val))
				continue
			}
			reads, words = append(reads, v.e.reads...), append(words, "="+v.e.label())
		}
		out[j] = rete.Let(c.name, rete.Func{
			Label: "of the row " + strings.Join(words, "; "), Reads: sortedRefs(reads),
			Value: func(env rete.Env) (any, error) { return t.output(j, env) },
		})
	}
	return out
}

// output is what the row that is hit gives in a column.
func (t *table) output(j int, b bindings) (any, error) {
	at, _ := b.Value(t.at)
	i, ok := at.(int64)
	if !ok || i < 0 {
		return nil, rete.ErrAbsent
	}
	v := t.rows[i].values[j]
	if v.e == nil {
		return v.val, nil
	}
	val, err := v.e.value(b)
	if err != nil {
		return nil, err
	}
	return t.outputs[j].typ.convert(val)
}
