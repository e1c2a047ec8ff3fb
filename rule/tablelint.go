package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/rete"
)

// Bounds of what a table is tried with.
const (
	maxRegions   = 20_000    // combinations of inputs
	maxConstants = 2_000     // in one column
	maxRowTries  = 5_000_000 // rows looked at for all combinations
)

// manageable reports whether so many combinations of inputs can be tried.
func (t *table) manageable(total int) bool {
	return total <= maxRegions && total*len(t.rows) <= maxRowTries
}

// tableFault is a combination of inputs for which a table has no row, or too many;
// or a row that none can reach.
type tableFault struct {
	rows   []int // from 1; none: a gap
	inputs string
}

// gaps tries a table with one value out of every region that its cells tell apart:
// the constants in them, and what lies between. A gap is a combination without a
// row, an overlap one with several rows under the policy unique that give different
// outputs. Each is proved by its values. complete is false where the regions are too
// many, or a cell tests what no constant shows.
func (t *table) gaps() (gaps, overlaps []tableFault, complete bool) {
	domains := make([][]any, len(t.inputs))
	total := 1
	for i, in := range t.inputs {
		domains[i] = t.regions(i)
		if len(domains[i]) == 0 || in.of == nil {
			return nil, nil, false
		}
		if total *= len(domains[i]); !t.manageable(total) {
			return nil, nil, false
		}
	}
	seen := map[string]bool{}
	for n := range total {
		at, words := t.sceneOf(domains, n)
		rows, ok := t.hits(at)
		if !ok {
			return gaps, overlaps, false
		}
		switch {
		case len(rows) == 0:
			gaps = append(gaps, tableFault{inputs: words})
		case t.hit == "unique" && len(rows) > 1 && !seen[fmt.Sprint(rows)]:
			seen[fmt.Sprint(rows)] = true
			overlaps = append(overlaps, tableFault{rows, words})
		}
	}
	return gaps, overlaps, true
}

// unreached are the rows, from 1, that another always comes before.
func (t *table) unreached() []int {
	domains := make([][]any, len(t.inputs))
	total := 1
	for i := range t.inputs {
		domains[i] = t.regions(i)
		if total *= max(len(domains[i]), 1); len(domains[i]) == 0 || !t.manageable(total) || !t.comparesOnly(i) {
			return nil
		}
	}
	reached := map[int]bool{}
	for n := range total {
		at, _ := t.sceneOf(domains, n)
		rows, ok := t.hits(at)
		if !ok {
			return nil
		}
		if t.hit == "first" || t.hit == "priority" {
			i, _ := t.pick(at)
			rows = []int{i + 1}
		}
		for _, row := range rows {
			reached[row] = true
		}
	}
	var out []int
	for i := range t.rows {
		if !reached[i+1] {
			out = append(out, i+1)
		}
	}
	return out
}

// comparesOnly reports whether the cells of a column only compare: then one value
// out of every region stands for all of it. A pattern may hold in the midst of one.
func (t *table) comparesOnly(i int) bool {
	plain := true
	for _, r := range t.rows {
		if r.cells[i] == nil {
			continue
		}
		visit(r.cells[i].checked.Expr(), func(x ast.Expr) {
			name, _ := call(x)
			junction := name == "_&&_" || name == "_||_" || name == "!_" || name == "@in" || name == "_==_" || name == "_!=_"
			plain = plain && (name == "" || junction || isComparison(name) || constant(x))
		})
	}
	return plain
}

// sceneOf is the n-th combination of values.
func (t *table) sceneOf(domains [][]any, n int) (*scene, string) {
	at := newScene(time.Time{})
	words := make([]string, len(domains))
	for i, in := range t.inputs {
		v := domains[i][n%len(domains[i])]
		n /= len(domains[i])
		at.values[in.name] = v
		words[i] = in.name + " = " + show(v)
	}
	return at, strings.Join(words, ", ")
}

// hits are the rows, from 1, that hold; false if one cannot be computed from the
// inputs alone.
func (t *table) hits(at *scene) ([]int, bool) {
	var rows []int
	for i, r := range t.rows {
		for _, e := range r.cells {
			if e != nil && t.looksFurther(e) {
				return nil, false
			}
		}
		if yes, err := r.holds(at); err == nil && yes {
			rows = append(rows, i+1)
		}
	}
	return rows, true
}

// looksFurther reports whether a cell reads what is no input.
func (t *table) looksFurther(e *expr) bool {
	return e.timed || slices.ContainsFunc(e.reads, func(r rete.Ref) bool {
		return !slices.ContainsFunc(t.inputs, func(c column) bool { return c.name == r.Name })
	})
}

// regions are values of an input, one out of every region: each constant that a
// cell of the column mentions, one between each two, and one beyond each end. Texts
// have one more region: all others. There are none where they are too many to try.
func (t *table) regions(i int) []any {
	in := t.inputs[i]
	if in.of == nil {
		return nil
	}
	if in.of.out.Kind() == types.BoolKind {
		return []any{true, false}
	}
	var found []any
	for _, r := range t.rows {
		if r.cells[i] == nil {
			continue
		}
		for _, v := range r.cells[i].constants() {
			if !slices.ContainsFunc(found, func(o any) bool { return compareValues(v, o) == 0 }) {
				found = append(found, v)
			}
		}
		if len(found) > maxConstants {
			return nil
		}
	}
	return between(in.of.out, found)
}

// constants are the values that an expression mentions, parameters among them.
func (e *expr) constants() []any {
	var out []any
	add := func(x ast.Expr) {
		if v, ok := e.constantValue(x); ok {
			if plain, err := fromCEL(v); err == nil {
				if list, isList := plain.([]any); isList {
					out = append(out, list...)
				} else {
					out = append(out, plain)
				}
			}
		}
	}
	visit(e.checked.Expr(), func(x ast.Expr) {
		if constant(x) {
			add(x)
		}
	})
	return out
}

// between fills the space between constants with one value each.
func between(typ *types.Type, found []any) []any {
	switch typ.Kind() {
	case types.StringKind:
		return append(keep[string](found), "(any other)")
	case types.IntKind:
		return spread(keep[int64](found), int64(0), func(a, b int64) (int64, bool) { return a + (b-a)/2, b-a > 1 }, 1)
	case types.DoubleKind:
		var numbers []any
		for _, v := range found {
			switch x := v.(type) {
			case float64:
				numbers = append(numbers, x)
			case int64:
				numbers = append(numbers, float64(x))
			}
		}
		return spread(numbers, 0.0, func(a, b float64) (float64, bool) { return a + (b-a)/2, a < b }, 1)
	case types.DurationKind:
		return spread(keep[time.Duration](found), time.Duration(0), func(a, b time.Duration) (time.Duration, bool) { return a + (b-a)/2, b-a > 1 }, time.Hour)
	}
	return nil
}

// keep are the values of one type.
func keep[T any](values []any) []any {
	return slices.DeleteFunc(slices.Clone(values), func(v any) bool { _, ok := v.(T); return !ok })
}

// spread puts values into order, with one between each two and one at both ends.
func spread[T int64 | float64 | time.Duration](values []any, zero T, middle func(a, b T) (T, bool), step T) []any {
	if len(values) == 0 {
		return []any{zero}
	}
	slices.SortFunc(values, compareValues)
	out := []any{values[0].(T) - step}
	for i, v := range values {
		if i > 0 {
			if m, room := middle(values[i-1].(T), v.(T)); room {
				out = append(out, m)
			}
		}
		out = append(out, v)
	}
	return append(out, values[len(values)-1].(T)+step)
}
