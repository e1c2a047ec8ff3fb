package rete

import "slices"

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
		c.prog.facts = append(c.prog.facts, &bound{p.as, spec.depth, spec.alpha.typ, spec.reads})
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
	if p.as != "" && sc.names[p.as] != nil {
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
	if sc.inNot {
		c.prog.negates[typ.Name] = true
	} else {
		c.prog.reads[typ.Name] = true
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
	if t.op == opJoinEq {
		c.joinEq(spec, t, field, self, sc)
		return
	}
	a, err := newAlphaTest(t, field)
	if err != nil {
		c.fail("%s %s: %v", t.field, opNames[t.op], err)
	}
	spec.alpha.tests = append(spec.alpha.tests, a)
}

// joinEq adds an equality with something bound before, or within the fact.
func (c *compiler) joinEq(spec *joinSpec, t Test, field int, self *bound, sc scope) {
	with, other := c.resolve(t.other, sc)
	switch {
	case other == nil:
	case other.typ != nil && with.field < 0:
		c.fail("%s == %s: a field cannot equal a whole fact", t.field, t.other.Name)
	case other == self:
		spec.alpha.tests = append(spec.alpha.tests, sameFact(field, with.field, t))
	default:
		spec.equal = append(spec.equal, equality{field, with})
	}
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
			return []step{&negSpec{*spec}}, after
		}
	}
	steps, _ := c.elements(n.elems, inner)
	return []step{newNccSpec(steps, inner.depth)}, after
}

// binding compiles a Let.
func (c *compiler) binding(b binding, sc scope) ([]step, scope) {
	if b.name == "" || sc.names[b.name] != nil {
		c.fail("the value %q is nameless or bound twice", b.name)
	}
	if b.fn.Value == nil {
		c.fail("the value %s has no Value", b.name)
	}
	spec := &letSpec{c.call(b.fn, sc)}
	sc.depth++
	value := &bound{name: b.name, depth: sc.depth}
	if !sc.inNot {
		c.prog.values = append(c.prog.values, value)
	}
	return []step{spec}, sc.with(value)
}

// condition compiles a Where.
func (c *compiler) condition(w condition, sc scope) ([]step, scope) {
	spec := &whereSpec{c.condCall(w.fn, sc)}
	sc.depth++
	return []step{spec}, sc
}
