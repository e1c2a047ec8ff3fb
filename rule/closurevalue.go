package rule

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/trimtab/trimtab/rete"
)

// string is a text.
func (c closures) string(x ast.Expr) fn[string] {
	if c.typeOf(x).Kind() != types.StringKind {
		return nil
	}
	if f := constantOf(c, x, func(v ref.Val) (string, bool) { s, ok := v.(types.String); return string(s), ok }); f != nil {
		return f
	}
	name, args := call(x)
	switch name {
	case "_+_":
		return lift(c.string(args[0]), c.string(args[1]), func(a, b string) (string, error) { return a + b, nil })
	case "_?_:_":
		return conditional(c.bool(args[0]), c.string(args[1]), c.string(args[2]))
	case "_[_]":
		return c.keyed(args[0], c.string(args[1]))
	}
	if x.Kind() == ast.SelectKind && x.AsSelect().Operand().Kind() == ast.SelectKind && !x.AsSelect().IsTestOnly() {
		field := x.AsSelect().FieldName()
		return c.keyed(x.AsSelect().Operand(), func(bindings) (string, error) { return field, nil })
	}
	return read[string](c, x)
}

// keyed is the text under a key of a map; a key that is not there is absent.
func (c closures) keyed(m ast.Expr, key fn[string]) fn[string] {
	return lift(c.mapOf(m), key, func(m map[string]any, k string) (string, error) {
		v, ok := m[k]
		if !ok {
			return "", fmt.Errorf("no such key: %s: %w", k, rete.ErrAbsent)
		}
		if s, ok := v.(string); ok {
			return s, nil
		}
		return "", errUntyped
	})
}

// What CEL's whole numbers fail with.
var (
	errIntOverflow = errors.New("integer overflow")
	errDivZero     = errors.New("division by zero")
	errModZero     = errors.New("modulus by zero")
)

// int is a whole number.
func (c closures) int(x ast.Expr) fn[int64] {
	if c.typeOf(x).Kind() != types.IntKind {
		return nil
	}
	if f := constantOf(c, x, func(v ref.Val) (int64, bool) { i, ok := v.(types.Int); return int64(i), ok }); f != nil {
		return f
	}
	name, args := call(x)
	if do := intOps[name]; do != nil && len(args) == 2 {
		return lift(c.int(args[0]), c.int(args[1]), do)
	}
	switch name {
	case "_?_:_":
		return conditional(c.bool(args[0]), c.int(args[1]), c.int(args[2]))
	case "size", ".size":
		return c.size(args[0])
	}
	return read[int64](c, x)
}

// size is that of a text, a list or a map.
func (c closures) size(x ast.Expr) fn[int64] {
	switch c.typeOf(x).Kind() {
	case types.StringKind:
		return mapped(c.string(x), func(s string) int64 { return int64(utf8.RuneCountInString(s)) })
	case types.MapKind:
		return mapped(c.mapOf(x), func(m map[string]any) int64 { return int64(len(m)) })
	case types.ListKind:
		return mapped(read[[]any](c, x), func(l []any) int64 { return int64(len(l)) })
	}
	return nil
}

// mapped makes a function of a function.
func mapped[A, T any](x fn[A], do func(A) T) fn[T] {
	if x == nil {
		return nil
	}
	return func(b bindings) (T, error) {
		v, err := x(b)
		if err != nil {
			var zero T
			return zero, err
		}
		return do(v), nil
	}
}

// intOps are CEL's: they fail rather than wrap around.
var intOps = map[string]func(a, b int64) (int64, error){
	"_+_": func(a, b int64) (int64, error) {
		if s := a + b; (s > a) == (b > 0) {
			return s, nil
		}
		return 0, errIntOverflow
	},
	"_-_": func(a, b int64) (int64, error) {
		if d := a - b; (d < a) == (b > 0) {
			return d, nil
		}
		return 0, errIntOverflow
	},
	"_*_": func(a, b int64) (int64, error) {
		p := a * b
		if a != 0 && (p/a != b || a == -1 && b == -1<<63) {
			return 0, errIntOverflow
		}
		return p, nil
	},
	"_/_": func(a, b int64) (int64, error) {
		switch {
		case b == 0:
			return 0, errDivZero
		case a == -1<<63 && b == -1:
			return 0, errIntOverflow
		}
		return a / b, nil
	},
	"_%_": func(a, b int64) (int64, error) {
		switch {
		case b == 0:
			return 0, errModZero
		case a == -1<<63 && b == -1:
			return 0, errIntOverflow
		}
		return a % b, nil
	},
}

// double is a binary fraction.
func (c closures) double(x ast.Expr) fn[float64] {
	if c.typeOf(x).Kind() != types.DoubleKind {
		return nil
	}
	if f := constantOf(c, x, func(v ref.Val) (float64, bool) { d, ok := v.(types.Double); return float64(d), ok }); f != nil {
		return f
	}
	name, args := call(x)
	if do := doubleOps[name]; do != nil && len(args) == 2 {
		return lift(c.double(args[0]), c.double(args[1]), do)
	}
	switch name {
	case "_?_:_":
		return conditional(c.bool(args[0]), c.double(args[1]), c.double(args[2]))
	case "double":
		return mapped(c.int(args[0]), func(i int64) float64 { return float64(i) })
	}
	return read[float64](c, x)
}

var doubleOps = map[string]func(a, b float64) (float64, error){
	"_+_": func(a, b float64) (float64, error) { return a + b, nil },
	"_-_": func(a, b float64) (float64, error) { return a - b, nil },
	"_*_": func(a, b float64) (float64, error) { return a * b, nil },
	"_/_": func(a, b float64) (float64, error) { return a / b, nil },
}

// amount is a decimal or money; its own methods compute.
func (c closures) amount(x ast.Expr) fn[ref.Val] {
	if !isAmount(c.typeOf(x)) {
		return nil
	}
	if f := constantOf(c, x, func(v ref.Val) (ref.Val, bool) { return v, isAmount(asType(v)) }); f != nil {
		return f
	}
	name, args := call(x)
	switch name {
	case "_?_:_":
		return conditional(c.bool(args[0]), c.amount(args[1]), c.amount(args[2]))
	case "decimal":
		if c.typeOf(args[0]).Kind() == types.IntKind {
			return lift(c.int(args[0]), nothing, func(i int64, _ bool) (ref.Val, error) { return checked(celDecimal(types.Int(i))) })
		}
		return nil
	}
	if do := amountOps[name]; do != nil && len(args) == 2 {
		return lift(c.amount(args[0]), c.amount(args[1]), func(a, b ref.Val) (ref.Val, error) { return checked(do(a, b)) })
	}
	return read[ref.Val](c, x)
}

// nothing is an operand of what has one only.
func nothing(bindings) (bool, error) { return true, nil }

// asType is the type of a value.
func asType(v ref.Val) *types.Type {
	if t, ok := v.Type().(*types.Type); ok {
		return t
	}
	return types.ErrorType
}

// checked tells an error value from others.
func checked(v ref.Val) (ref.Val, error) {
	if types.IsError(v) {
		return nil, asError(v)
	}
	return v, nil
}

var amountOps = map[string]func(a, b ref.Val) ref.Val{
	"_+_": func(a, b ref.Val) ref.Val { return a.(traits.Adder).Add(b) },
	"_-_": func(a, b ref.Val) ref.Val { return a.(traits.Subtractor).Subtract(b) },
	"_*_": func(a, b ref.Val) ref.Val { return a.(traits.Multiplier).Multiply(b) },
	"_/_": func(a, b ref.Val) ref.Val { return a.(traits.Divider).Divide(b) },
}

// time is a moment.
func (c closures) time(x ast.Expr) fn[time.Time] {
	if c.typeOf(x).Kind() != types.TimestampKind {
		return nil
	}
	if f := constantOf(c, x, func(v ref.Val) (time.Time, bool) { t, ok := v.(types.Timestamp); return t.Time, ok }); f != nil {
		return f
	}
	if x.Kind() == ast.IdentKind && x.AsIdent() == "now" && c.e.isClock() {
		return func(b bindings) (time.Time, error) { return b.Now(), nil }
	}
	name, args := call(x)
	switch name {
	case "_+_", "_-_":
		return c.shifted(name, args[0], args[1])
	}
	return read[time.Time](c, x)
}

// shifted is a moment and a length of time added or taken away, within the years
// that CEL knows. Operands keep their order: the first that fails says why.
func (c closures) shifted(op string, x, y ast.Expr) fn[time.Time] {
	later := func(t time.Time, d time.Duration) (time.Time, error) {
		return moment(types.Timestamp{Time: t}.Add(types.Duration{Duration: d}))
	}
	if c.typeOf(x).Kind() == types.DurationKind && op == "_+_" {
		return lift(c.duration(x), c.time(y), func(d time.Duration, t time.Time) (time.Time, error) { return later(t, d) })
	}
	if op == "_+_" {
		return lift(c.time(x), c.duration(y), later)
	}
	return lift(c.time(x), c.duration(y), func(t time.Time, d time.Duration) (time.Time, error) {
		return moment(types.Timestamp{Time: t}.Subtract(types.Duration{Duration: d}))
	})
}

// moment is a timestamp of CEL, or why there is none.
func moment(v ref.Val) (time.Time, error) {
	if t, ok := v.(types.Timestamp); ok {
		return t.Time, nil
	}
	return time.Time{}, asError(v)
}

// duration is a length of time.
func (c closures) duration(x ast.Expr) fn[time.Duration] {
	if c.typeOf(x).Kind() != types.DurationKind {
		return nil
	}
	if f := constantOf(c, x, func(v ref.Val) (time.Duration, bool) { d, ok := v.(types.Duration); return d.Duration, ok }); f != nil {
		return f
	}
	name, args := call(x)
	if name == "_-_" && c.typeOf(args[0]).Kind() == types.TimestampKind {
		return lift(c.time(args[0]), c.time(args[1]), func(a, b time.Time) (time.Duration, error) {
			v := types.Timestamp{Time: a}.Subtract(types.Timestamp{Time: b})
			if d, ok := v.(types.Duration); ok {
				return d.Duration, nil
			}
			return 0, asError(v)
		})
	}
	return read[time.Duration](c, x)
}
