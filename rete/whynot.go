package rete

import (
	"cmp"
	"slices"
)

// Failure says why a production does not match: the first element that lets nothing
// through, what matches up to it, and what comes nearest.
type Failure struct {
	Production string
	// Matches is set when there is nothing to explain: the production matches with
	// these bindings.
	Matches bool
	Branch  int
	At      int    // the element that fails, from 0
	Element string // in words
	// Up to the element there are so many partial matches; Given are the first of
	// them, at most [Nearest].
	Count int
	Given []Matched
	// Near are, for a pattern, the facts that fail the fewest tests, at most
	// [Nearest]; for a condition or a value its one function on the first of Given.
	Near []Near
	// Blocking are, for a negation, matches inside of it, at most [Nearest]; of a
	// negation of one pattern it is one fact for each of Given.
	Blocking [][]Fact
}

// Nearest is how many examples a [Failure] gives.
const Nearest = 5

// Near is a fact that an element does not let through, or with a condition the
// partial match that it does not.
type Near struct {
	Fact   Fact    // the zero Fact for a condition
	With   Matched // what it would have to go with
	Passed int
	Failed []FailedTest
}

// FailedTest is a test that fails, with the values that it saw.
type FailedTest struct {
	Test   string
	Values []any // [Absent] for a field that is not there
	Err    error
}

// note adds the outcome of one test.
func (n *Near) note(ok bool, t FailedTest) {
	if ok {
		n.Passed++
	} else {
		n.Failed = append(n.Failed, t)
	}
}

// WhyNot explains why a production does not match with some names bound to facts.
// Of several branches it is the one that comes furthest. The error is a
// [QueryError].
func (s *Session) WhyNot(production string, bind Bind) (*Failure, error) {
	if s.closed != nil {
		return nil, s.closed
	}
	p := s.nodes[production]
	if p == nil {
		return nil, &QueryError{production, "there is no such production"}
	}
	var best *Failure
	for _, e := range p.ends {
		f, err := s.whyNot(e, bind)
		if err != nil {
			return nil, err
		}
		if best == nil || f.Matches || f.At > best.At {
			best = f
		}
		if f.Matches {
			break
		}
	}
	return best, nil
}

// whyNot explains one branch.
func (s *Session) whyNot(e *prodEnd, bind Bind) (*Failure, error) {
	wanted, err := s.wanted(e, bind)
	if err != nil {
		return nil, err
	}
	f := &Failure{Production: e.prog.ID, Branch: e.chain.number}
	given := []tokenID{s.net.top.head}
	above := s.net.top
	for i, mem := range e.levels() {
		next := e.consistent(mem, wanted)
		if len(next) == 0 {
			f.At, f.Element, f.Count = i, describe(e.chain.elements[i]), len(given)
			for _, t := range given[:min(len(given), Nearest)] {
				f.Given = append(f.Given, e.partial(t, above))
			}
			s.fill(f, e, i, given, above, wanted)
			return f, nil
		}
		given, above = next, mem
	}
	f.Matches, f.At = true, len(e.chain.elements)
	return f, nil
}

// wanted are the facts asked about, by pattern.
func (s *Session) wanted(e *prodEnd, bind Bind) (map[*bound]factID, error) {
	wanted := map[*bound]factID{}
	for name, h := range bind {
		i := slices.IndexFunc(e.chain.facts, func(b *bound) bool { return b.name == name })
		if i < 0 {
			return nil, &QueryError{e.prog.ID, "no pattern outside of negations is called " + name}
		}
		id := s.store.find(h)
		if id == 0 {
			return nil, &QueryError{e.prog.ID, "the fact of " + name + " is gone"}
		}
		wanted[e.chain.facts[i]] = id
	}
	return wanted, nil
}

// consistent are the tokens of a memory that hold the wanted facts.
func (e *prodEnd) consistent(mem *memory, wanted map[*bound]factID) []tokenID {
	var list []tokenID
	l := Level{end: e, mem: mem}
	for _, t := range l.tokens() {
		ok := true
		for _, b := range e.boundAt(mem) {
			want, asked := wanted[b]
			ok = ok && (!asked || e.factOf(t, mem, b) == want)
		}
		if ok {
			list = append(list, t)
		}
	}
	return list
}

// fill tells what comes nearest to the element that fails.
func (s *Session) fill(f *Failure, e *prodEnd, at int, given []tokenID, above *memory, wanted map[*bound]factID) {
	from := 0
	if at > 0 {
		from = e.chain.ends[at-1]
	}
	steps := e.chain.steps[from:e.chain.ends[at]]
	for i, st := range steps {
		switch st := st.(type) {
		case *joinSpec:
			s.nearest(f, e, withChecks(st, steps[i+1:]), given, above, wanted)
		case *whereSpec:
			s.condition(f, e, st, given, above)
		case *letSpec:
			s.value(f, e, st, given, above)
		case *havingSpec:
			s.having(f, e, st, given, above)
		case *negSpec:
			if st.exists {
				s.nearest(f, e, &st.joinSpec, given, above, nil)
			} else {
				s.blocking(f, e, at, given)
			}
		case *nccSpec:
			s.blocking(f, e, at, given)
		}
		if len(f.Near)+len(f.Blocking) > 0 {
			return
		}
	}
}

// withChecks is a pattern with the checks that became conditions of their own, being
// timed: for whom asks they are part of it.
func withChecks(spec *joinSpec, later []step) *joinSpec {
	whole := *spec
	whole.checks = slices.Clone(spec.checks)
	for _, st := range later {
		if w, is := st.(*whereSpec); is {
			whole.checks = append(whole.checks, w.call)
		}
	}
	return &whole
}

// nearest finds the facts of a pattern that fail the fewest tests with one of the
// given partial matches.
func (s *Session) nearest(f *Failure, e *prodEnd, spec *joinSpec, given []tokenID, above *memory, wanted map[*bound]factID) {
	facts := s.store.shownOf(s.store.byName[spec.alpha.typ.Name])
	for b, id := range wanted {
		if b.depth == spec.depth {
			facts = []factID{id}
		}
	}
	for _, t := range given[:min(len(given), Nearest)] {
		for _, id := range facts {
			n := s.tryPattern(spec, t, id)
			n.With, n.Fact = e.partial(t, above), Fact{s.store.shownVersion(id)}
			f.Near = append(f.Near, n)
			f.sortNear()
		}
	}
}

// sortNear keeps the nearest.
func (f *Failure) sortNear() {
	slices.SortStableFunc(f.Near, func(a, b Near) int { return cmp.Compare(len(a.Failed), len(b.Failed)) })
	f.Near = f.Near[:min(len(f.Near), Nearest)]
}

// tryPattern runs every test of a pattern on a fact and a token.
func (s *Session) tryPattern(spec *joinSpec, t tokenID, id factID) Near {
	var near Near
	row, syms := s.store.row(id), &s.store.syms
	for _, ct := range constTests(syms, spec.alpha) {
		ok, err := s.net.alphaTest(&ct, id, row)
		failed := FailedTest{Test: ct.text(spec.alpha.typ), Err: err}
		if ct.op != opFunc {
			failed.Values = []any{syms.value(row[ct.field])}
		}
		near.note(ok && err == nil, failed)
	}
	compare := func(o op, field int, with ref, text string) {
		a, b := row[field], s.net.read(with, t)
		ok, err := syms.holds(o, a, b)
		near.note(ok && err == nil, FailedTest{Test: text, Values: []any{syms.value(a), syms.value(b)}, Err: err})
	}
	for _, q := range spec.equal {
		compare(opEq, q.field, q.with, q.test.text())
	}
	for _, c := range spec.compare {
		compare(c.op.plain(), c.field, c.with, c.label)
	}
	if len(near.Failed) > 0 {
		return near // functions are asked only where the rest holds
	}
	for i := range spec.checks {
		c := &spec.checks[i]
		s.net.env = env{net: s.net, call: c, tok: t, candidate: id, depth: spec.depth}
		ok, err := c.fn.Test(&s.net.env)
		near.note(ok && err == nil, FailedTest{Test: label(*c.fn), Err: err})
	}
	return near
}

// condition tells what a condition saw.
func (s *Session) condition(f *Failure, e *prodEnd, spec *whereSpec, given []tokenID, above *memory) {
	for _, t := range given[:min(len(given), Nearest)] {
		s.net.env = env{net: s.net, call: &spec.call, tok: t}
		ok, err := spec.call.fn.Test(&s.net.env)
		n := Near{With: e.partial(t, above)}
		n.note(ok && err == nil, FailedTest{Test: label(*spec.call.fn), Values: s.net.seen(&spec.call, t), Err: err})
		f.Near = append(f.Near, n)
	}
}

// value tells why there is no value.
func (s *Session) value(f *Failure, e *prodEnd, spec *letSpec, given []tokenID, above *memory) {
	for _, t := range given[:min(len(given), Nearest)] {
		s.net.env = env{net: s.net, call: &spec.call, tok: t}
		_, err := spec.call.fn.Value(&s.net.env)
		n := Near{With: e.partial(t, above)}
		n.note(false, FailedTest{Test: label(*spec.call.fn), Values: s.net.seen(&spec.call, t), Err: err})
		f.Near = append(f.Near, n)
	}
}

// seen are the fields and values that a function reads.
func (n *network) seen(c *call, t tokenID) []any {
	n.env = env{net: n, call: c, tok: t}
	var values []any
	for _, r := range c.fn.Reads {
		v, ok := n.env.Value(r.Name)
		if f, is := n.env.Fact(r.Name); is && r.Field != "" {
			v, ok = f.Get(r.Field)
		}
		if !ok {
			v = Absent
		}
		values = append(values, v)
	}
	return values
}

// having tells what tests on something bound saw.
func (s *Session) having(f *Failure, e *prodEnd, spec *havingSpec, given []tokenID, above *memory) {
	syms := &s.store.syms
	for _, t := range given[:min(len(given), Nearest)] {
		n := Near{With: e.partial(t, above)}
		for i := range spec.tests {
			h := &spec.tests[i]
			left := s.net.read(h.left, t)
			ok, err, values := false, error(nil), []any{syms.value(left)}
			if h.value == nil {
				right := s.net.read(h.right, t)
				values = append(values, syms.value(right))
				ok, err = syms.holds(h.op.plain(), left, right)
			} else {
				ct := constTests(syms, &alphaSpec{tests: []alphaTest{*h.value}})
				ok, err = syms.test(&ct[0], left)
			}
			n.note(ok && err == nil, FailedTest{Test: h.label, Values: values, Err: err})
		}
		f.Near = append(f.Near, n)
	}
}

// blocking finds what matches inside of the negation that the given partial matches
// do not pass: what hangs below their owner tokens.
func (s *Session) blocking(f *Failure, e *prodEnd, at int, given []tokenID) {
	n := s.net
	out := e.levels()[at]
	for _, t := range given {
		for kid := n.tokens.at(t).kids; kid != 0; kid = n.tokens.at(kid).kin {
			if g := n.memories.at(n.tokens.at(kid).memory).gate; g != nil && g.out == out {
				s.blockers(f, g, kid)
			}
		}
		if len(f.Blocking) >= Nearest {
			return
		}
	}
}

// blockers adds the facts of each match inside of a negation.
func (s *Session) blockers(f *Failure, g *gate, owner tokenID) {
	n := s.net
	if b := n.owner(owner).block; b != 0 {
		f.Blocking = append(f.Blocking, []Fact{{s.store.shownVersion(n.items.at(n.blocks.at(b).item).fact)}})
	}
	var walk func(t tokenID, facts []Fact)
	walk = func(t tokenID, facts []Fact) {
		tok := n.tokens.at(t)
		if tok.fact != 0 {
			facts = append(slices.Clone(facts), Fact{s.store.shownVersion(tok.fact)})
		}
		for _, e := range n.memories.at(tok.memory).ends {
			if x, ok := e.(*nccEnd); ok && x.gate == g && len(f.Blocking) < Nearest {
				f.Blocking = append(f.Blocking, facts)
			}
		}
		for kid := tok.kids; kid != 0; kid = n.tokens.at(kid).kin {
			walk(kid, facts)
		}
	}
	walk(owner, nil)
}
