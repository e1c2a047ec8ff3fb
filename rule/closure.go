package rule

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/trimtab/trimtab/rete"
)

// fn is a part of an expression as Go code, with a result of one type.
//
// CEL walks a tree of interfaces for every evaluation; most of what rules ask is a
// handful of reads and comparisons, for which a closure is ten times as fast. What
// is not recognised stays CEL's, whole. TestClosuresEqualCEL holds the two
// together; where a value is not of the type that was checked, a closure leaves the
// question to CEL.
type fn[T any] func(bindings) (T, error)

// errUntyped is that a value is not of the type that the checker promised.
var errUntyped = errors.New("value of another type")

// closures makes functions of a checked tree. Whatever it does not know gives nil.
type closures struct{ e *expr }

// close makes the expression a Go function, if all of it is recognised.
func (e *expr) close() (test fn[bool], value fn[any]) {
	if e.loops {
		return nil, nil
	}
	c, root := closures{e}, e.checked.Expr()
	switch {
	case e.out.Kind() == types.BoolKind:
		test = c.bool(root)
		return test, boxed(test)
	case e.out.Kind() == types.StringKind:
		return nil, boxed(c.string(root))
	case e.out.Kind() == types.IntKind:
		return nil, boxed(c.int(root))
	case e.out.Kind() == types.DoubleKind:
		return nil, boxed(c.double(root))
	case isAmount(e.out):
		return nil, boxed(c.amount(root))
	}
	return nil, nil
}

// boxed is a function with a result of any type; nil for nil.
func boxed[T any](f fn[T]) fn[any] {
	if f == nil {
		return nil
	}
	return func(b bindings) (any, error) {
		v, err := f(b)
		if err != nil {
			return nil, err
		}
		return v, nil
	}
}

// constant is a part that reads nothing, computed once.
func constantOf[T any](c closures, x ast.Expr, of func(ref.Val) (T, bool)) fn[T] {
	if !constant(x) {
		return nil
	}
	v, ok := c.e.constantValue(x)
	if !ok {
		return nil
	}
	t, ok := of(v)
	if !ok {
		return nil
	}
	return func(bindings) (T, error) { return t, nil }
}

// read is a field of a fact or a named value, as T has it in facts.
func read[T any](c closures, x ast.Expr) fn[T] {
	if operand, field, ok := selection(x); ok {
		n, found := c.e.scope.find(operand)
		if !found || n.fact == "" {
			return nil
		}
		absent := fmt.Errorf("%s.%s: %w", operand, field, rete.ErrAbsent)
		return func(b bindings) (T, error) {
			var zero T
			f, ok := b.Fact(operand)
			if !ok {
				return zero, errUntyped
			}
			v, ok := f.Get(field)
			if !ok {
				return zero, absent
			}
			if t, ok := v.(T); ok {
				return t, nil
			}
			return zero, errUntyped
		}
	}
	if x.Kind() != ast.IdentKind {
		return nil
	}
	n, found := c.e.scope.find(x.AsIdent())
	if !found || n.fact != "" {
		return nil
	}
	return func(b bindings) (T, error) {
		v, _ := b.Value(n.name)
		if t, ok := n.typed(v).(T); ok {
			return t, nil
		}
		var zero T
		return zero, errUntyped
	}
}

// typeOf is the checked type of a part.
func (c closures) typeOf(x ast.Expr) *types.Type { return c.e.checked.GetType(x.ID()) }

// call takes a call apart; the target of a method is its first argument.
func call(x ast.Expr) (name string, args []ast.Expr) {
	if x.Kind() != ast.CallKind {
		return "", nil
	}
	k := x.AsCall()
	if k.IsMemberFunction() {
		return "." + k.FunctionName(), append([]ast.Expr{k.Target()}, k.Args()...)
	}
	return k.FunctionName(), k.Args()
}

// bool is a condition.
func (c closures) bool(x ast.Expr) fn[bool] {
	if c.typeOf(x).Kind() != types.BoolKind {
		return nil
	}
	if f := constantOf(c, x, func(v ref.Val) (bool, bool) { b, ok := v.(types.Bool); return bool(b), ok }); f != nil {
		return f
	}
	if x.Kind() == ast.SelectKind && x.AsSelect().IsTestOnly() {
		return c.has(x)
	}
	name, args := call(x)
	switch {
	case name == "_&&_" || name == "_||_":
		return c.junction(args, name == "_||_")
	case name == "!_":
		return negated(c.bool(args[0]))
	case name == "_?_:_":
		return conditional(c.bool(args[0]), c.bool(args[1]), c.bool(args[2]))
	case name == "@in":
		return c.in(args[0], args[1])
	case len(args) == 2 && strings.HasPrefix(name, "."):
		return c.textTest(name, args[0], args[1])
	case len(args) == 2 && (isComparison(name) || name == "_==_" || name == "_!=_"):
		return c.compare(name, args[0], args[1])
	}
	return read[bool](c, x)
}

// junction joins conditions as CEL does: one that decides does so whatever the
// other fails with.
func (c closures) junction(args []ast.Expr, decides bool) fn[bool] {
	parts := make([]fn[bool], len(args))
	for i, a := range args {
		if parts[i] = c.bool(a); parts[i] == nil {
			return nil
		}
	}
	return func(b bindings) (bool, error) {
		var failed error
		for _, p := range parts {
			switch v, err := p(b); {
			case errors.Is(err, errUntyped):
				return false, err
			case err != nil && failed == nil:
				failed = err
			case err == nil && v == decides:
				return decides, nil
			}
		}
		return !decides, failed
	}
}

func negated(f fn[bool]) fn[bool] {
	if f == nil {
		return nil
	}
	return func(b bindings) (bool, error) {
		v, err := f(b)
		return !v, err
	}
}

// conditional is c ? a : b.
func conditional[T any](c fn[bool], yes, no fn[T]) fn[T] {
	if c == nil || yes == nil || no == nil {
		return nil
	}
	return func(b bindings) (T, error) {
		v, err := c(b)
		switch {
		case err != nil:
			var zero T
			return zero, err
		case v:
			return yes(b)
		}
		return no(b)
	}
}

// has asks for a field of a fact, or a key of a map that is one.
func (c closures) has(x ast.Expr) fn[bool] {
	operand, field := x.AsSelect().Operand(), x.AsSelect().FieldName()
	if operand.Kind() == ast.IdentKind {
		n, found := c.e.scope.find(operand.AsIdent())
		if !found || n.fact == "" {
			return nil
		}
		return func(b bindings) (bool, error) {
			f, _ := b.Fact(n.name)
			_, ok := f.Get(field)
			return ok, nil
		}
	}
	return inMap(c.mapOf(operand), func(bindings) (string, error) { return field, nil })
}

// mapOf is a map that is a field.
func (c closures) mapOf(x ast.Expr) fn[map[string]any] {
	if c.typeOf(x).Kind() != types.MapKind {
		return nil
	}
	return read[map[string]any](c, x)
}

// inMap asks for a key.
func inMap(m fn[map[string]any], key fn[string]) fn[bool] {
	if m == nil || key == nil {
		return nil
	}
	return func(b bindings) (bool, error) {
		k, err := key(b)
		if err != nil {
			return false, err
		}
		values, err := m(b)
		_, ok := values[k]
		return ok, err
	}
}

// in is membership in a list of constants, or among the keys of a map.
func (c closures) in(x, list ast.Expr) fn[bool] {
	if m := c.mapOf(list); m != nil {
		return inMap(m, c.string(x))
	}
	if !constant(list) {
		return nil
	}
	v, ok := c.e.constantValue(list)
	if !ok {
		return nil
	}
	plain, err := fromCEL(v)
	values, isList := plain.([]any)
	if err != nil || !isList {
		return nil
	}
	switch c.typeOf(x).Kind() {
	case types.StringKind:
		return among(c.string(x), values)
	case types.IntKind:
		return among(c.int(x), values)
	}
	return nil
}

// among looks a value up in a set.
func among[T comparable](x fn[T], values []any) fn[bool] {
	if x == nil {
		return nil
	}
	set := map[T]bool{}
	for _, v := range values {
		t, ok := v.(T)
		if !ok {
			return nil
		}
		set[t] = true
	}
	return func(b bindings) (bool, error) {
		v, err := x(b)
		return set[v], err
	}
}

// textTest is x.startsWith("…") and its kin.
func (c closures) textTest(name string, x, arg ast.Expr) fn[bool] {
	s, t := c.string(x), c.string(arg)
	if s == nil || t == nil {
		return nil
	}
	switch name {
	case ".startsWith":
		return lift(s, t, func(a, b string) (bool, error) { return strings.HasPrefix(a, b), nil })
	case ".endsWith":
		return lift(s, t, func(a, b string) (bool, error) { return strings.HasSuffix(a, b), nil })
	case ".contains":
		return lift(s, t, func(a, b string) (bool, error) { return strings.Contains(a, b), nil })
	case ".matches":
		if !constant(arg) {
			return nil
		}
		text, _ := t(noBindings{})
		pattern, err := regexp.Compile(text)
		if err != nil {
			return nil
		}
		return func(b bindings) (bool, error) {
			v, err := s(b)
			return err == nil && pattern.MatchString(v), err
		}
	}
	return nil
}

// lift makes a function of two functions.
func lift[A, B, T any](x fn[A], y fn[B], do func(A, B) (T, error)) fn[T] {
	if x == nil || y == nil {
		return nil
	}
	return func(b bindings) (T, error) {
		var zero T
		a, err := x(b)
		if err != nil {
			return zero, err
		}
		v, err := y(b)
		if err != nil {
			return zero, err
		}
		return do(a, v)
	}
}

// compare is x op y for two values of one type; whole numbers and doubles compare
// with one another through CEL's own values.
func (c closures) compare(op string, x, y ast.Expr) fn[bool] {
	a, b := c.typeOf(x), c.typeOf(y)
	switch {
	case isAmount(a) || isAmount(b):
		if !isAmount(a) || !isAmount(b) {
			return nil
		}
		return c.compareAmounts(op, x, y)
	case a.Kind() != b.Kind():
		return nil
	}
	switch a.Kind() {
	case types.StringKind:
		return ordered(op, c.string(x), c.string(y))
	case types.IntKind:
		return ordered(op, c.int(x), c.int(y))
	case types.DoubleKind:
		return c.compareDoubles(op, x, y)
	case types.BoolKind:
		if op == "_==_" || op == "_!=_" {
			return lift(c.bool(x), c.bool(y), func(a, b bool) (bool, error) { return (a == b) == (op == "_==_"), nil })
		}
	case types.TimestampKind:
		return lift(c.time(x), c.time(y), func(a, b time.Time) (bool, error) { return decided(op, a.Compare(b)), nil })
	case types.DurationKind:
		return ordered(op, c.duration(x), c.duration(y))
	}
	return nil
}

// ordered compares values that Go can order.
func ordered[T ~int64 | ~string](op string, x, y fn[T]) fn[bool] {
	return lift(x, y, func(a, b T) (bool, error) {
		switch {
		case a < b:
			return decided(op, -1), nil
		case a > b:
			return decided(op, 1), nil
		}
		return decided(op, 0), nil
	})
}

// decided is the result of an operator on values that compare so.
func decided(op string, c int) bool {
	switch op {
	case "_==_":
		return c == 0
	case "_!=_":
		return c != 0
	case "_<_":
		return c < 0
	case "_<=_":
		return c <= 0
	case "_>_":
		return c > 0
	}
	return c >= 0
}

// compareDoubles knows that NaN equals nothing and has no order.
func (c closures) compareDoubles(op string, x, y ast.Expr) fn[bool] {
	return lift(c.double(x), c.double(y), func(a, b float64) (bool, error) {
		switch {
		case math.IsNaN(a) || math.IsNaN(b):
			return op == "_!=_", nil
		case a < b:
			return decided(op, -1), nil
		case a > b:
			return decided(op, 1), nil
		}
		return decided(op, 0), nil
	})
}

// compareAmounts leaves the work to the amounts.
func (c closures) compareAmounts(op string, x, y ast.Expr) fn[bool] {
	return lift(c.amount(x), c.amount(y), func(a, b ref.Val) (bool, error) {
		if op == "_==_" || op == "_!=_" {
			v := a.Equal(b)
			yes, ok := v.(types.Bool)
			if !ok {
				return false, asError(v)
			}
			return bool(yes) == (op == "_==_"), nil
		}
		v := a.(traits.Comparer).Compare(b)
		i, ok := v.(types.Int)
		if !ok {
			return false, asError(v)
		}
		return decided(op, int(i)), nil
	})
}

// asError is an error value of CEL as one of Go.
func asError(v ref.Val) error {
	if err, ok := v.(*types.Err); ok {
		return err.Unwrap()
	}
	return errUntyped
}
