package rete

import (
	"fmt"
	"slices"
	"strings"
)

// pattern compiles a positive pattern.
func (c *compiler) pattern(p pattern, sc scope) ([]step, scope) {
	spec, later, inner := c.joinSpec(p, sc, sc.depth+1)
	if spec == nil {
		return nil, sc.with(&bound{name: p.as, typ: &typeInfo{}, reads: &fieldSet{}})
	}
	steps := []step{spec}
	inner.depth++
	for i := range later {
		steps = append(steps, &whereSpec{later[i]})
		inner.depth++
	}
	if !sc.inNot {
		c.chain.facts = append(c.chain.facts, &bound{p.as, spec.depth, spec.alpha.typ, spec.reads})
	}
	return steps, inner
}

// joinSpec compiles a pattern whose fact will be at a depth. later are the checks
// that the clock concerns and that see more than the fact: they become conditions
// of their own, which know how to be evaluated again.
func (c *compiler) joinSpec(p pattern, sc scope, depth int) (spec *joinSpec, later []call, inner scope) {
	typ := c.types[p.typ]
	if typ == nil {
		c.fail("unknown fact type %q", p.typ)
		return nil, nil, sc
	}
	c.noteType(typ, sc)
	if p.as != "" && sc.find(p.as) != nil {
		c.fail("%s is bound twice", p.as)
	}
	self := &bound{name: p.as, depth: depth, typ: typ, reads: &fieldSet{}}
	inner = sc.with(self)
	spec = &joinSpec{alpha: &alphaSpec{typ: typ}, reads: self.reads, depth: depth}
	for _, t := range p.tests {
		switch {
		case t.op == opFunc && ownReads(t.fn, p.as):
			c.alphaCall(spec.alpha, t.fn, inner)
		case t.op == opFunc && t.fn.Timed:
			later = append(later, c.condCall(*t.fn, inner))
		case t.op == opFunc:
			spec.checks = append(spec.checks, c.condCall(*t.fn, inner))
		default:
			c.fieldTest(spec, t, self, inner)
		}
	}
	spec.alpha.sign()
	spec.sign()
	return spec, later, inner
}

// noteType remembers what the production looks at, to tell one that denies its
// own conclusions.
func (c *compiler) noteType(typ *typeInfo, sc scope) {
	list := &c.prog.reads
	if sc.inNot {
		list = &c.prog.negates
	}
	if !slices.Contains(*list, typ.Name) {
		*list = append(*list, typ.Name)
	}
}

// ownReads tells whether a function looks at nothing but the fact named.
func ownReads(fn *Func, as string) bool {
	return !slices.ContainsFunc(fn.Reads, func(r Ref) bool { return r.Name != as })
}

// condCall compiles a function that must have a Test.
func (c *compiler) condCall(fn Func, sc scope) call {
	if fn.Test == nil {
		c.fail("the condition %q has no Test", fn.Label)
	}
	return c.call(fn, sc)
}

// alphaCall adds a function test on the fact alone. The fact is at depth 0 for it
// wherever the pattern stands, so that equal tests are shared.
func (c *compiler) alphaCall(alpha *alphaSpec, fn *Func, sc scope) {
	k := c.condCall(*fn, sc)
	for i := range k.names {
		k.names[i].depth = 0
	}
	if fn.Label != "" {
		k.sign()
	}
	alpha.timed = alpha.timed || fn.Timed
	alpha.tests = append(alpha.tests, alphaTest{op: opFunc, call: &k, label: fn.Label, sig: "~" + k.sig})
}

// fieldTest adds a test that is data.
func (c *compiler) fieldTest(spec *joinSpec, t Test, self *bound, sc scope) {
	field, ok := self.typ.index[t.field]
	if !ok {
		c.fail("%s has no field %s", self.typ.Name, t.field)
		return
	}
	self.reads.add(field)
	c.chain.weight++
	if t.op.joins() {
		c.joinTest(spec, t, field, self, sc)
		return
	}
	a, err := newAlphaTest(t, field)
	if err != nil {
		c.fail("%s %s: %v", t.field, opNames[t.op], err)
	}
	spec.alpha.tests = append(spec.alpha.tests, a)
}

// joinTest adds a comparison with something bound before, or within the fact.
func (c *compiler) joinTest(spec *joinSpec, t Test, field int, self *bound, sc scope) {
	with, other := c.resolve(t.other, sc)
	switch {
	case other == nil:
	case other.typ != nil && with.field < 0:
		c.fail("%s %s %s: a field cannot equal a whole fact", t.field, opNames[t.op], t.other.Name)
	case other == self:
		spec.alpha.tests = append(spec.alpha.tests, sameFact(field, with.field, t))
	case t.op == opJoinEq:
		spec.equal = append(spec.equal, equality{field, with, &t})
	default:
		spec.compare = append(spec.compare, comparison{t.op, field, with, t.text()})
	}
}

// text says a comparison in words, for reports.
func (t Test) text() string {
	other := t.other.Name
	if t.other.Field != "" {
		other += "." + t.other.Field
	}
	return t.field + " " + opNames[t.op] + " " + other
}

// negation compiles a single negated pattern into a negative node, anything else
// into a sub-network.
func (c *compiler) negation(n negation, sc scope) ([]step, scope) {
	inner := sc
	inner.inNot = true
	inner.depth++ // the owner token
	after := sc
	after.depth += 2 // and what it lets through
	if len(n.elems) == 0 {
		c.fail("an empty negation never holds")
		return nil, after
	}
	if p, ok := n.elems[0].(pattern); ok && len(n.elems) == 1 {
		start := len(c.errs)
		spec, later, _ := c.joinSpec(p, inner, inner.depth+1)
		if len(c.errs) > start {
			return nil, after
		}
		if len(later) == 0 {
			return []step{&negSpec{*spec, n.exists}}, after
		}
	}
	return []step{newNccSpec(c.ways(n.elems, inner), inner.depth, n.exists)}, after
}

// ways compiles each way through the elements of a sub-network.
func (c *compiler) ways(elems []Element, inner scope) [][]step {
	var chains [][]step
	for _, way := range branches(elems) {
		steps, _ := c.elements(way, inner)
		if len(steps) == 0 {
			c.fail("an empty branch always holds")
		}
		chains = append(chains, steps)
	}
	return chains
}

// binding compiles a Let.
func (c *compiler) binding(b binding, sc scope) ([]step, scope) {
	c.newName(b.name, sc)
	if b.fn.Value == nil {
		c.fail("the value %s has no Value", b.name)
	}
	spec := &letSpec{c.call(b.fn, sc)}
	sc.depth++
	return []step{spec}, c.value(b.name, sc)
}

// newName checks the name of a value.
func (c *compiler) newName(name string, sc scope) {
	if name == "" || sc.find(name) != nil {
		c.fail("the value %q is nameless or bound twice", name)
	}
}

// value binds a name to the value at the depth reached.
func (c *compiler) value(name string, sc scope) scope {
	b := &bound{name: name, depth: sc.depth}
	if !sc.inNot {
		c.chain.values = append(c.chain.values, b)
	}
	return sc.with(b)
}

// condition compiles a Where.
func (c *compiler) condition(w condition, sc scope) ([]step, scope) {
	spec := &whereSpec{c.condCall(w.fn, sc)}
	sc.depth++
	return []step{spec}, sc
}

// having compiles tests on something bound before.
func (c *compiler) having(h having, sc scope) ([]step, scope) {
	spec := &havingSpec{}
	for _, t := range h.tests {
		c.chain.weight++
		if t.op == opFunc {
			c.fail("%s: a function in Having; Where is for that", h.name)
			continue
		}
		spec.tests = append(spec.tests, c.havingTest(h.name, t, sc))
	}
	spec.sign()
	sc.depth++
	return []step{spec}, sc
}

// havingTest compiles one of them.
func (c *compiler) havingTest(name string, t Test, sc scope) havingTest {
	left, b := c.resolve(Ref{name, t.field}, sc)
	if b != nil && b.typ != nil && t.field == "" {
		c.fail("%s: a whole fact cannot be compared", name)
	}
	label := strings.TrimPrefix(name+"."+t.field, ".")
	label = strings.TrimSuffix(label, ".")
	if t.op.joins() {
		right, other := c.resolve(t.other, sc)
		if other != nil && other.typ != nil && t.other.Field == "" {
			c.fail("%s: a whole fact cannot be compared", t.other.Name)
		}
		return havingTest{op: t.op, left: left, right: right, label: strings.TrimSpace(label + strings.TrimPrefix(t.text(), t.field))}
	}
	a, err := newAlphaTest(t, 0)
	if err != nil {
		c.fail("%s %s: %v", label, opNames[t.op], err)
	}
	return havingTest{op: t.op, left: left, value: &a, label: fmt.Sprintf("%s %s %v", label, opNames[t.op], t.value)}
}
