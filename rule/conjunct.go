package rule

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/trimtab/trimtab/rete"
)

// tests turns a where into tests of the matcher for the pattern called self. A
// conjunct that compares a field with a constant, or with a field bound before,
// becomes data that the matcher indexes; the rest become functions. Functions
// that look at the same names stay one, in the order of the text, so that CEL's
// own rules about errors beside a false conjunct hold among them; data tests
// come first and have none to offer but that of an absent field.
//
// What is gained: an equality with a constant finds its memory by hash, an equality
// with another fact is a hash join, and both are shared by all rules that have them.
// A function is run for every candidate. TestSplitEqualsWhole holds the two to the
// same matches.
func (e *expr) tests(self string) []rete.Test {
	parts := conjuncts(e.checked.Expr())
	guarded := guards(parts)
	e.guardAmounts(parts, guarded)
	var data []rete.Test
	var groups []*group
	for _, p := range parts {
		if test, ok := e.dataTest(p, self, guarded); ok {
			data = append(data, test)
			continue
		}
		groups = e.addTo(groups, p)
	}
	for _, g := range groups {
		data = append(data, rete.Check(e.part(e.conjoin(g.parts)).testFn()))
	}
	return data
}

// group is the conjuncts that look at the same names.
//
// They stay one function because CEL's && takes an error for false beside a false
// operand, in either order: taken apart, "x.n % 2 == 1 && 10 / x.n > 1" would report a
// division by zero that the author has guarded against.
type group struct {
	names string
	parts []ast.Expr
}

// addTo puts a conjunct with those that look at the same names; the groups keep
// the order in which the text first mentions them.
func (e *expr) addTo(groups []*group, p ast.Expr) []*group {
	var names []string
	for _, r := range readsOf(p, e.scope).refs {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	key := strings.Join(dedup(names), " ")
	for _, g := range groups {
		if g.names == key {
			g.parts = append(g.parts, p)
			return groups
		}
	}
	return append(groups, &group{key, []ast.Expr{p}})
}

// conjoin joins conjuncts with && again.
//
// New ids are taken from above the highest: types and references are looked up by
// id.
func (e *expr) conjoin(parts []ast.Expr) ast.Expr {
	fac, id := ast.NewExprFactory(), ast.MaxID(e.checked)
	out := parts[0]
	for _, p := range parts[1:] {
		id++
		out = fac.NewCall(id, "_&&_", out, p)
		e.checked.SetType(id, types.BoolType)
		e.checked.SetReference(id, ast.NewFunctionReference("logical_and"))
	}
	return out
}

// guards are the fields that some conjunct asks for with has(x.f), as "x.f":
// tests of them stay beside their guard, or a read of an absent field would be
// counted that the author has guarded against.
func guards(parts []ast.Expr) map[string]bool {
	out := map[string]bool{}
	for _, p := range parts {
		visit(p, func(x ast.Expr) {
			if x.Kind() == ast.SelectKind && x.AsSelect().IsTestOnly() && x.AsSelect().Operand().Kind() == ast.IdentKind {
				out[x.AsSelect().Operand().AsIdent()+"."+x.AsSelect().FieldName()] = true
			}
		})
	}
	return out
}

// guardAmounts keeps comparisons of money beside the conjuncts next to them: they
// fail where currencies differ, and x.m.currency() == "USD" && x.m > money("1 USD")
// is not a failure for euros. By itself such a comparison has no guard.
func (e *expr) guardAmounts(parts []ast.Expr, guarded map[string]bool) {
	if len(parts) < 2 {
		return
	}
	for _, r := range e.reads {
		if e.scope.fieldType(r.Name, r.Field) == moneyType {
			guarded[r.Name+"."+r.Field] = true
		}
	}
}

// dataTest recognises a conjunct that the matcher can index.
func (e *expr) dataTest(p ast.Expr, self string, guarded map[string]bool) (rete.Test, bool) {
	if operand, field, ok := selection(p); ok {
		return e.boolTest(operand, field, true, self, guarded)
	}
	if p.Kind() != ast.CallKind {
		return rete.Test{}, false
	}
	c := p.AsCall()
	if c.FunctionName() == "!_" {
		operand, field, ok := selection(c.Args()[0])
		if !ok {
			return rete.Test{}, false
		}
		return e.boolTest(operand, field, false, self, guarded)
	}
	if len(c.Args()) != 2 {
		return rete.Test{}, false
	}
	a, b := c.Args()[0], c.Args()[1]
	if test, ok := e.oneSided(c.FunctionName(), a, b, self, guarded); ok {
		return test, true
	}
	return e.oneSided(mirrored[c.FunctionName()], b, a, self, guarded)
}

// mirrored tells what a op b is as b ? a.
var mirrored = map[string]string{
	"_==_": "_==_", "_!=_": "_!=_", "_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_",
}

// boolTest recognises a field of type bool that stands as a condition by itself.
func (e *expr) boolTest(operand, field string, want bool, self string, guarded map[string]bool) (rete.Test, bool) {
	t := e.scope.fieldType(operand, field)
	if operand != self || t == nil || t.Kind() != types.BoolKind || guarded[operand+"."+field] {
		return rete.Test{}, false
	}
	return rete.Eq(field, want), true
}

// oneSided recognises self.f op e, where e is a constant or a field bound
// before.
func (e *expr) oneSided(op string, a, b ast.Expr, self string, guarded map[string]bool) (rete.Test, bool) {
	operand, field, ok := selection(a)
	if !ok || operand != self || guarded[operand+"."+field] || e.hidden(operand) {
		return rete.Test{}, false
	}
	t := e.scope.fieldType(operand, field)
	if t == nil || !indexed(t, op) {
		return rete.Test{}, false
	}
	if op == "_==_" {
		if test, ok := e.join(field, b, t); ok {
			return test, true
		}
	}
	if !constant(b) {
		return rete.Test{}, false
	}
	v, ok := e.constantValue(b)
	if !ok {
		return rete.Test{}, false
	}
	return comparison(op, field, v, t)
}

// hidden is false for every name a conjunct can have at its top: loops bind
// names only inside themselves.
func (e *expr) hidden(operand string) bool {
	n, ok := e.scope.find(operand)
	return !ok || n.fact == ""
}

// indexed reports whether the matcher's comparison of values of this type is
// CEL's. Money is left to CEL, which refuses to compare two currencies, and so
// are lists and maps, order among bools, and order among values of unknown type.
//
// It says yes only where the two agree for every value, NaN and -0.0 among them.
// Where it says no, the condition is slower and right.
func indexed(t *types.Type, op string) bool {
	switch t.Kind() {
	case types.BoolKind:
		return !isComparison(op)
	case types.StringKind, types.IntKind, types.DoubleKind, types.TimestampKind, types.DurationKind:
		return true
	case types.DynKind:
		return op == "_==_"
	}
	if t == moneyType {
		return isComparison(op)
	}
	return t == decimalType
}

// join recognises self.f == other.g and self.f == value.
func (e *expr) join(field string, b ast.Expr, t *types.Type) (rete.Test, bool) {
	other, otherField, ok := selection(b)
	if !ok {
		if b.Kind() != ast.IdentKind {
			return rete.Test{}, false
		}
		other = b.AsIdent()
	}
	n, found := e.scope.find(other)
	if !found || (n.fact == "") == ok {
		return rete.Test{}, false
	}
	if !joinable(t, e.checked.GetType(b.ID())) {
		return rete.Test{}, false
	}
	return rete.JoinEq(field, other, otherField), true
}

// joinable reports whether equal values of the two types, and only they, have
// equal keys in the matcher's index. A decimal has a key of its own.
func joinable(a, b *types.Type) bool {
	if a == decimalType || b == decimalType {
		return a == b
	}
	return indexed(a, "_==_") && indexed(b, "_==_")
}

// constantValue computes an expression that reads no fact.
//
// A part that fails, 1 / 0, is left to be a function: then it fails where and when
// the author can see it, once per fact, rather than now for facts that may never
// come.
func (e *expr) constantValue(b ast.Expr) (ref.Val, bool) {
	if b.Kind() == ast.LiteralKind {
		return b.AsLiteral(), true
	}
	part := e.part(b)
	if part.timed || part.loops || len(part.reads) > 0 {
		return nil, false
	}
	v, err := part.eval(noBindings{})
	return v, err == nil
}

// comparison makes the matcher's test of a field with a constant.
func comparison(op, field string, v ref.Val, t *types.Type) (rete.Test, bool) {
	if op == "@in" {
		return membership(field, v, t)
	}
	make, ok := comparisons[op]
	if !ok {
		return rete.Test{}, false
	}
	c, err := fromCEL(v)
	if err != nil || !matchable(c) {
		return rete.Test{}, false
	}
	if t == decimalType && op != "_==_" && op != "_!=_" {
		if d, ok := toDecimal(c); ok {
			c = number{d}
		}
	}
	return make(field, c), true
}

var comparisons = map[string]func(string, any) rete.Test{
	"_==_": rete.Eq, "_!=_": rete.Ne, "_<_": rete.Less, "_<=_": rete.LessEq,
	"_>_": rete.Greater, "_>=_": rete.GreaterEq,
}

// matchable reports whether a constant is of a kind that the matcher indexes.
func matchable(v any) bool {
	switch v.(type) {
	case nil, []any, map[string]any, []byte:
		return false
	}
	return v != rete.Absent
}

// membership makes the test of self.f in [a, b].
func membership(field string, v ref.Val, t *types.Type) (rete.Test, bool) {
	c, err := fromCEL(v)
	list, ok := c.([]any)
	if err != nil || !ok || t == moneyType || t.Kind() == types.DynKind {
		return rete.Test{}, false
	}
	for _, x := range list {
		if !matchable(x) {
			return rete.Test{}, false
		}
	}
	return rete.In(field, list...), true
}
