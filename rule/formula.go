package rule

import (
	"math"
	"slices"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/rete"
)

// formula is a condition that can be reasoned about: comparisons of fields with
// constants, of fields for equality, presence tests, and what !, && and || make of
// them. What a condition says beyond that is left out, so that a formula is implied
// by its condition: one that cannot hold proves that the condition cannot.
type formula struct {
	op    string // of CEL: "_==_" …, "@in", "has", "_&&_", "_||_", "!_"; "true", "untrue"
	a, b  variable
	con   any   // a comparison's constant; nil if b is compared
	set   []any // of @in
	parts []*formula
}

// variable is a field of a fact, by the name that the fact has.
type variable struct{ name, field string }

// third is the truth of a condition: one that reads what is absent is neither.
type third uint8

const (
	no third = iota
	yes
	neither
)

func truthOf(b bool) third {
	if b {
		return yes
	}
	return no
}

// formulaOf makes a formula of a conjunct; nil where nothing is known of it.
func formulaOf(c closures, x ast.Expr) *formula {
	name, args := call(x)
	switch {
	case constant(x):
		if v, ok := c.e.constantValue(x); ok && v == types.True {
			return &formula{op: "true"}
		}
		return nil
	case x.Kind() == ast.SelectKind && x.AsSelect().IsTestOnly():
		if v, ok := variableOf(c, x.AsSelect().Operand(), x.AsSelect().FieldName()); ok {
			return &formula{op: "has", a: v}
		}
		return nil
	case name == "_&&_" || name == "_||_" || name == "!_":
		return junctionOf(c, name, args)
	case name == "@in":
		return membershipOf(c, args)
	case len(args) == 2 && (isComparison(name) || name == "_==_" || name == "_!=_"):
		if f := comparisonOf(c, name, args[0], args[1]); f != nil {
			return f
		}
		return comparisonOf(c, mirrored[name], args[1], args[0])
	}
	if v, ok := fieldOf(c, x); ok && c.typeOf(x).Kind() == types.BoolKind {
		return &formula{op: "_==_", a: v, con: true}
	}
	return nil
}

// junctionOf joins formulas. All parts must be known, but for those of an && at the
// top, which conjuncts takes apart.
func junctionOf(c closures, op string, args []ast.Expr) *formula {
	f := &formula{op: op}
	for _, a := range args {
		part := formulaOf(c, a)
		if part == nil || op == "!_" && part.joins() {
			return nil
		}
		f.parts = append(f.parts, part)
	}
	return f
}

// joins reports whether two fields are compared. That they differ is more than one
// value out of each region can tell.
func (f *formula) joins() bool {
	found := false
	f.joined(func(variable, variable) { found = true })
	return found
}

// membershipOf is x.f in [constants].
func membershipOf(c closures, args []ast.Expr) *formula {
	v, ok := fieldOf(c, args[0])
	if !ok || !constant(args[1]) {
		return nil
	}
	list, ok := c.e.constantValue(args[1])
	if !ok {
		return nil
	}
	plain, err := fromCEL(list)
	set, isList := plain.([]any)
	if err != nil || !isList {
		return nil
	}
	return &formula{op: "@in", a: v, set: set}
}

// comparisonOf is x.f op constant, or x.f == y.g.
func comparisonOf(c closures, op string, x, y ast.Expr) *formula {
	a, ok := fieldOf(c, x)
	if !ok {
		return nil
	}
	if constant(y) {
		v, ok := c.e.constantValue(y)
		if !ok {
			return nil
		}
		con, err := fromCEL(v)
		if err != nil || con == nil {
			return nil
		}
		return &formula{op: op, a: a, con: con}
	}
	b, ok := fieldOf(c, y)
	if !ok || op != "_==_" || c.typeOf(x).String() != c.typeOf(y).String() {
		return nil
	}
	return &formula{op: op, a: a, b: b}
}

// fieldOf is a field whose values have regions.
func fieldOf(c closures, x ast.Expr) (variable, bool) {
	operand, field, ok := selection(x)
	if !ok {
		return variable{}, false
	}
	n, found := c.e.scope.find(operand)
	return variable{operand, field}, found && n.fact != "" && regional(c.typeOf(x))
}

// variableOf is a field that is asked for.
func variableOf(c closures, operand ast.Expr, field string) (variable, bool) {
	if operand.Kind() != ast.IdentKind {
		return variable{}, false
	}
	n, found := c.e.scope.find(operand.AsIdent())
	if !found || n.fact == "" {
		return variable{}, false
	}
	t := c.e.scope.fieldType(n.name, field)
	return variable{n.name, field}, t != nil && regional(t)
}

// regional reports whether values of a type lie in regions that constants bound.
func regional(t *types.Type) bool {
	switch t.Kind() {
	case types.BoolKind, types.IntKind, types.DoubleKind, types.StringKind, types.TimestampKind, types.DurationKind:
		return true
	}
	return isAmount(t)
}

// assignment gives variables values; absent ones are rete.Absent.
type assignment map[variable]any

// holds evaluates a formula as CEL does: what reads an absent field is neither true
// nor false, and && and || are decided by one part that decides.
func (f *formula) holds(a assignment) third {
	switch f.op {
	case "true":
		return yes
	case "has":
		return truthOf(a[f.a] != rete.Absent)
	case "untrue":
		return truthOf(f.parts[0].holds(a) != yes)
	case "!_":
		switch f.parts[0].holds(a) {
		case yes:
			return no
		case no:
			return yes
		}
		return neither
	case "_&&_", "_||_":
		decides := truthOf(f.op == "_||_")
		out := truthOf(f.op == "_&&_")
		for _, p := range f.parts {
			switch p.holds(a) {
			case decides:
				return decides
			case neither:
				out = neither
			}
		}
		return out
	}
	return f.compares(a)
}

// compares evaluates a comparison.
func (f *formula) compares(a assignment) third {
	x := a[f.a]
	if x == rete.Absent {
		return neither
	}
	if f.op == "@in" {
		return truthOf(slices.ContainsFunc(f.set, func(v any) bool { c, ok := orderOf(x, v); return ok && c == 0 }))
	}
	y := f.con
	if y == nil {
		if y = a[f.b]; y == rete.Absent {
			return neither
		}
	}
	c, ok := orderOf(x, y)
	switch {
	case isNaN(x) || isNaN(y):
		return truthOf(f.op == "_!=_")
	case ok:
		return truthOf(decided(f.op, c))
	case f.op == "_==_" || f.op == "_!=_":
		return truthOf(f.op == "_!=_")
	}
	return neither
}

// isNaN reports whether a value is no number.
func isNaN(v any) bool { f, ok := v.(float64); return ok && math.IsNaN(f) }

// orderOf compares values as CEL does, numbers across types; false without an order.
func orderOf(a, b any) (int, bool) {
	if x, ok := a.(bool); ok {
		y, same := b.(bool)
		if x == y {
			return 0, same
		}
		return 1, same
	}
	if o, ok := a.(rete.Orderer); ok {
		c, err := o.ReteCompare(b)
		return c, err == nil
	}
	x, isInt := a.(int64)
	y, isFloat := b.(float64)
	if isInt && isFloat {
		return compareValues(float64(x), y), true
	}
	if f, ok := a.(float64); ok {
		if i, ok := b.(int64); ok {
			return compareValues(f, float64(i)), true
		}
	}
	switch a.(type) {
	case int64, float64, string, time.Time, time.Duration:
		return compareValues(a, b), sameKind(a, b)
	}
	return 0, false
}

// sameKind reports whether two values are of one Go type.
func sameKind(a, b any) bool {
	switch a.(type) {
	case int64:
		_, ok := b.(int64)
		return ok
	case float64:
		_, ok := b.(float64)
		return ok
	case string:
		_, ok := b.(string)
		return ok
	case time.Time:
		_, ok := b.(time.Time)
		return ok
	case time.Duration:
		_, ok := b.(time.Duration)
		return ok
	}
	return false
}

// variables are those that a formula mentions.
func (f *formula) variables(do func(variable)) {
	if f.a.name != "" {
		do(f.a)
	}
	if f.b.name != "" {
		do(f.b)
	}
	for _, p := range f.parts {
		p.variables(do)
	}
}

// constantsOf are the constants that a formula compares a variable with.
func (f *formula) constantsOf(v variable) []any {
	var out []any
	if f.a == v {
		if f.con != nil {
			out = append(out, f.con)
		}
		out = append(out, f.set...)
	}
	for _, p := range f.parts {
		out = append(out, p.constantsOf(v)...)
	}
	return out
}
