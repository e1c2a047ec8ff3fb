package rule

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// Expr computes a compiled expression for values of its variables. It may be
// called by several goroutines at once. A variable that is missing, or a field
// that a record has not, makes an error for which [IsAbsent] is true.
type Expr func(vars map[string]any) (any, error)

// Expression compiles CEL for use outside of rules: the condition of a route,
// the column of a source. vars gives each variable its type, as rule files write
// it, or the name of a built-in fact type ("Recommendation"), whose fields are
// then checked and whose value is a map[string]any. want is the type of the
// result. Values are those of facts: money comes and goes as [trimtab.Money],
// decimals as [trimtab.Decimal].
func Expression(src string, vars map[string]string, want string) (Expr, error) {
	var said strictyaml.Diagnostics
	f, err := compileExpression(src, vars, want, func(offset int, f fault) {
		said = append(said, strictyaml.Diagnostic{
			File: "expression", Line: 1, Col: offset + 1,
			Severity: strictyaml.Error, Message: f.message, Nearest: f.nearest, Hint: f.hint, Excerpt: src, Caret: offset + 1,
		})
	})
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "expression %q: %w", src, err)
	}
	if len(said) > 0 {
		return nil, &trimtab.Error{Code: trimtab.Invalid, Err: said}
	}
	return f, nil
}

// ExpressionAt is [Expression] for a scalar of a YAML file: what is wrong is
// noted on the file, at its place, and the result is nil.
func ExpressionAt(n strictyaml.Node, vars map[string]string, want string) Expr {
	src := n.Text()
	if n.Kind() != strictyaml.Scalar {
		return nil
	}
	f, err := compileExpression(src, vars, want, at(n))
	if err != nil {
		n.Errorf("%v", err)
	}
	return f
}

// IsAbsent reports whether an expression failed because it read something that
// is not there.
func IsAbsent(err error) bool { return errors.Is(err, rete.ErrAbsent) }

// compileExpression reports mistakes of the expression and returns those of the
// caller, who named a type that does not exist.
func compileExpression(src string, vars map[string]string, want string, report reporter) (Expr, error) {
	env, err := newEnvironment()
	if err != nil {
		return nil, err
	}
	s := &scope{env: env}
	result, err := parseType(want)
	if err != nil {
		return nil, err
	}
	converts := map[string]valueType{}
	for _, v := range sortedKeys(vars) {
		n, t, err := env.variable(v, vars[v])
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v, err)
		}
		s, converts[v] = s.with(n), t
	}
	e, ok := s.compile(src, report)
	if !ok {
		return nil, nil
	}
	if !e.checkNow(false, func(o int, _ fault) { report(o, fault{message: "now cannot be used here"}) }) {
		return nil, nil
	}
	if !result.accepts(e.out) {
		report(0, fault{message: fmt.Sprintf("%s is needed here, not %s", withArticle(result.String()), withArticle(typeName(e.out)))})
		return nil, nil
	}
	return e.outside(converts, result), nil
}

// variable declares a variable of a type of the language, or of a record.
func (e *environment) variable(v, typ string) (name, valueType, error) {
	if !isName(v) {
		return name{}, valueType{}, fmt.Errorf("%q cannot name a variable", v)
	}
	for _, d := range builtinTypes() {
		if d.Name != typ {
			continue
		}
		t, err := checkDecl(d, "Trimtab")
		if err != nil {
			return name{}, valueType{}, err
		}
		e.provider.records[typ] = t.record()
		return name{name: v, fact: typ}, valueType{}, nil
	}
	t, err := parseType(typ)
	return name{name: v, cel: t.cel()}, t, err
}

// outside is the expression for callers that have maps.
func (e *expr) outside(converts map[string]valueType, result valueType) Expr {
	return func(vars map[string]any) (any, error) {
		b := outsideBindings{e: e, vars: vars, converts: converts}
		program, err := e.run.program()
		if err != nil {
			return nil, err
		}
		out, _, err := program.Eval(b)
		if err != nil {
			return nil, readError(err)
		}
		v, err := fromCEL(out)
		if err != nil {
			return nil, err
		}
		if v, err = result.convert(v); err != nil || v == rete.Absent {
			return nil, err
		}
		return export(v), nil
	}
}

// outsideBindings shows CEL a map of variables.
type outsideBindings struct {
	e        *expr
	vars     map[string]any
	converts map[string]valueType
}

// Parent is none.
func (outsideBindings) Parent() cel.Activation { return nil }

// ResolveName finds a variable and brings it into the language's kinds.
func (b outsideBindings) ResolveName(text string) (any, bool) {
	n, ok := b.e.scope.find(text)
	if !ok {
		return nil, false
	}
	v, ok := b.vars[text]
	if n.fact != "" {
		return b.record(n, v)
	}
	if ok && v == nil && b.converts[text].kind == kindDyn {
		return types.NullValue, true // a column that is empty can be asked: x == null
	}
	if !ok || v == nil {
		return absentError(text), true
	}
	c, err := b.converts[text].convert(v)
	if err != nil {
		return types.WrapErr(fmt.Errorf("%s: %w", text, err)), true
	}
	return c, true
}

// record shows a map as a record; its fields are converted when they are read.
func (b outsideBindings) record(n name, v any) (any, bool) {
	fields, ok := v.(map[string]any)
	if !ok {
		return types.NewErr("%s is no map of fields", n.name), true
	}
	adapt := b.e.scope.env.provider
	shape := adapt.records[n.fact]
	return &record{typ: shape.cel, adapt: adapt, name: n.name, get: func(field string) (any, bool) {
		x, ok := fields[field]
		if !ok || x == nil {
			return nil, false
		}
		c, err := plainValue(x, 0)
		if err != nil {
			return types.WrapErr(fmt.Errorf("%s.%s: %w", n.name, field, err)), true
		}
		return c, true
	}}, true
}
