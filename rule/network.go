package rule

import (
	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/rete"
)

// elements makes of checked conditions what the matcher runs.
func elements(list []*condition) []rete.Element {
	var out []rete.Element
	for _, c := range list {
		out = append(out, made(c)...)
	}
	return out
}

// made makes the elements of one condition.
func made(c *condition) []rete.Element {
	switch c.kind {
	case "match":
		return []rete.Element{pattern(c)}
	case "not":
		return []rete.Element{rete.Not(elements(c.inner[0])...)}
	case "exists":
		return []rete.Element{rete.Exists(elements(c.inner[0])...)}
	case "forall":
		return []rete.Element{rete.ForAll(pattern(c.inner[0][0]), elements(c.inner[1])...)}
	case "any":
		branches := make([][]rete.Element, len(c.inner))
		for i, branch := range c.inner {
			branches[i] = elements(branch)
		}
		return []rete.Element{rete.Any(branches...)}
	case "accumulate":
		return accumulation(c)
	case "let":
		return []rete.Element{rete.Let(c.name, c.value.valueFn())}
	case "table":
		return c.table.elements()
	}
	return []rete.Element{rete.Where(c.where.testFn())}
}

// pattern makes a match; its where is split into what the matcher can index and the
// rest.
func pattern(c *condition) rete.Element {
	if c.where == nil {
		return rete.Match(c.typ.name, c.as)
	}
	return rete.Match(c.typ.name, c.as, c.where.tests(c.as)...)
}

// accumulation makes an aggregation, and a condition of what its where says.
func accumulation(c *condition) []rete.Element {
	a := rete.Accumulation{From: elements(c.inner[0])}
	for _, g := range c.groups {
		a.By = append(a.By, rete.Group{Name: g.name, Of: g.of.readFn()})
	}
	for _, g := range c.aggregates {
		a.Let = append(a.Let, g.rete())
	}
	out := []rete.Element{rete.Accumulate(a)}
	if c.where != nil {
		out = append(out, rete.Where(c.where.testFn()))
	}
	return out
}

// rete is the aggregate as the matcher computes it.
func (a aggregate) rete() rete.Aggregate {
	out := rete.Aggregate{Name: a.name, Op: a.op}
	switch {
	case a.op == rete.Count:
		out.If = both(a.of, a.when)
		return out
	case a.result().Kind() == types.DoubleKind && a.of.out == decimalType:
		out.Of = a.of.doubleFn()
	default:
		out.Of = a.of.readFn()
	}
	if a.when != nil {
		out.If = a.when.testFn()
	}
	return out
}

// both is the condition of a count; a count of true has none.
func both(of, when *expr) rete.Func {
	always := of == nil || of.text == "true"
	switch {
	case always && when == nil:
		return rete.Func{}
	case always:
		return when.testFn()
	case when == nil:
		return of.testFn()
	}
	f := of.fn()
	f.Label += " if " + when.label()
	f.Reads = sortedRefs(append(append([]rete.Ref(nil), of.reads...), when.reads...))
	f.Timed = of.timed || when.timed
	f.Test = func(env rete.Env) (bool, error) {
		if yes, err := when.test(env); err != nil || !yes {
			return false, err
		}
		return of.test(env)
	}
	return f
}

// readFn is valueFn, as a plain read where the expression is one: the engine then
// reads without a call.
func (e *expr) readFn() rete.Func {
	operand, field, ok := selection(e.checked.Expr())
	if n, found := e.scope.find(operand); ok && found && n.fact != "" {
		return rete.Read(operand, field)
	}
	return e.valueFn()
}

// doubleFn is a decimal as the matcher averages it: as a double.
func (e *expr) doubleFn() rete.Func {
	f := e.fn()
	f.Label = "double(" + f.Label + ")"
	f.Value = func(env rete.Env) (any, error) {
		v, err := e.value(env)
		if n, ok := v.(number); ok {
			return n.d.InexactFloat64(), nil
		}
		return v, err
	}
	return f
}
