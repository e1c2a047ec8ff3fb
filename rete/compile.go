package rete

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Base is a compiled, immutable set of types and productions that any number of
// sessions share.
type Base struct {
	types    map[string]*typeInfo
	programs []*program // by ID, so that the order of loading does not matter
}

// Compile checks and compiles types and productions. The error joins a
// [CompileError] for each thing that is wrong.
func Compile(types []Type, productions []Production) (*Base, error) {
	return (&Base{}).With(types, productions)
}

// With is the base with more types and productions. A type that is there already
// must be the same; a production must not be there.
func (b *Base) With(types []Type, productions []Production) (*Base, error) {
	next := &Base{types: maps.Clone(b.types)}
	if next.types == nil {
		next.types = map[string]*typeInfo{}
	}
	var errs []error
	for _, t := range types {
		errs = append(errs, next.addType(t)...)
	}
	added := make([]*program, 0, len(productions))
	seen := make(map[string]bool, len(productions))
	for i := range productions {
		c := newCompiler(next.types, productions[i])
		id := c.prog.ID
		if id == "" {
			c.prog.ID = fmt.Sprint("#", i+1)
			c.fail("a production needs an ID")
		}
		if _, there := b.find(id); there || seen[id] {
			c.fail("declared twice")
		}
		seen[id] = true
		added = append(added, c.compile())
		errs = append(errs, c.errs...)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	byID := func(a, b *program) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(added, byID)
	next.programs = merge(b.programs, added, byID)
	return next, nil
}

// merge joins two sorted lists into a new one.
func merge[T any](a, b []T, order func(x, y T) int) []T {
	list := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if order(a[0], b[0]) <= 0 {
			list, a = append(list, a[0]), a[1:]
		} else {
			list, b = append(list, b[0]), b[1:]
		}
	}
	return append(append(list, a...), b...)
}

// addType adds a type, or checks that it is the one that is there.
func (b *Base) addType(t Type) []error {
	info, errs := newTypeInfo(t)
	old := b.types[t.Name]
	switch {
	case len(errs) > 0:
		return errs
	case old == nil:
		b.types[t.Name] = info
	case !old.same(info):
		return []error{&CompileError{Type: t.Name, Text: "declared twice with other fields or another key"}}
	}
	return nil
}

// Without is the base without some productions; unknown IDs are an error.
func (b *Base) Without(ids ...string) (*Base, error) {
	var errs []error
	drop := make(map[string]bool, len(ids))
	for _, id := range ids {
		if _, ok := b.find(id); !ok || drop[id] {
			errs = append(errs, &CompileError{Production: id, Text: "no such production"})
		}
		drop[id] = true
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	keep := make([]*program, 0, len(b.programs)-len(ids))
	for _, p := range b.programs {
		if !drop[p.ID] {
			keep = append(keep, p)
		}
	}
	return &Base{types: b.types, programs: keep}, nil
}

// find tells where a production is, or would be.
func (b *Base) find(id string) (int, bool) {
	return slices.BinarySearchFunc(b.programs, id, func(p *program, id string) int { return cmp.Compare(p.ID, id) })
}

// Productions lists the IDs of the productions in order.
func (b *Base) Productions() []string {
	ids := make([]string, len(b.programs))
	for i, p := range b.programs {
		ids[i] = p.ID
	}
	return ids
}

// Type finds a type by its name.
func (b *Base) Type(name string) (Type, bool) {
	t, ok := b.types[name]
	if !ok {
		return Type{}, false
	}
	return t.clone(), true
}

// program is a compiled production.
type program struct {
	Production
	chains  []*chain
	reads   []string // types that it matches
	negates []string // types inside of negations
}

// chain is one way through a production's elements: there are several if it has
// disjunctions.
type chain struct {
	number   int
	steps    []step
	elements []Element // of which the steps are made, in order
	ends     []int     // how many steps there are after each element
	facts    []*bound  // patterns outside of negations, in order
	values   []*bound  // what Let and aggregates name
	groups   []int     // the values that tell matches of the same facts apart
	depth    int32     // of a complete token
	weight   int       // how many tests there are
	salience *call
	per      *call
	params   []ref // of a query
}

// bound is a name and what is known of it.
type bound struct {
	name  string
	depth int
	typ   *typeInfo // nil for a value
	reads *fieldSet // fields that the production reads
}

// scope is what is bound at one place of a production.
//
// Depth counts tokens, not names: every element adds a level to the chain, and a
// reference is the level at which to stop going up.
type scope struct {
	names []*bound // the last first in effect; names are few
	depth int      // of the token there
	inNot bool     // whether inside of a negation
}

// find gives what a name is bound to, or nil.
func (s *scope) find(name string) *bound {
	for _, b := range s.names {
		if b.name == name && name != "" {
			return b
		}
	}
	return nil
}

// with binds one more name. Scopes are copied, so that what a negation binds is
// not seen after it.
func (s scope) with(b *bound) scope {
	if b.name != "" {
		s.names = append(s.names[:len(s.names):len(s.names)], b)
	}
	return s
}

// compiler compiles one production and collects all its mistakes.
//
// It goes on after a mistake, with a placeholder where something is missing, so that
// one compilation tells everything.
type compiler struct {
	types map[string]*typeInfo
	prog  *program
	chain *chain
	errs  []error
	calls int
}

// newCompiler copies what the caller could change later.
func newCompiler(types map[string]*typeInfo, p Production) *compiler {
	p.When, p.Reads = slices.Clone(p.When), slices.Clone(p.Reads)
	return &compiler{types: types, prog: &program{Production: p}}
}

// fail notes a mistake, once, and lets the compiler go on to the next.
func (c *compiler) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, err := range c.errs {
		var ce *CompileError
		if errors.As(err, &ce) && ce.Text == text {
			return // said of another branch
		}
	}
	c.errs = append(c.errs, &CompileError{Production: c.prog.ID, Text: text})
}

// compile gives a program even if there are mistakes; it is then of no use.
func (c *compiler) compile() *program {
	p := c.prog
	if p.Then == nil && len(p.Params) == 0 {
		c.fail("a production needs a Then")
	}
	for i, elems := range branches(p.When) {
		c.chain = &chain{number: i, elements: elems}
		steps, end := c.elements(elems, scope{})
		c.chain.steps, c.chain.depth = steps, int32(end.depth)
		for _, r := range p.Reads {
			c.resolve(r, end)
		}
		c.finish(end)
		p.chains = append(p.chains, c.chain)
	}
	return p
}

// finish compiles what is asked of complete matches.
func (c *compiler) finish(end scope) {
	p := c.prog
	if p.Salience.Value != nil {
		k := c.call(p.Salience, end)
		c.chain.salience = &k
	}
	if p.Exclusive.Group != "" && p.Exclusive.Per.Value != nil {
		k := c.call(p.Exclusive.Per, end)
		c.chain.per = &k
	}
	for _, r := range p.Params {
		at, b := c.resolve(r, end)
		if b != nil && b.typ != nil && r.Field == "" {
			c.fail("the parameter %s needs a field", r.Name)
		}
		c.chain.params = append(c.chain.params, at)
	}
}

// branches are the ways through elements with disjunctions: one list for each
// combination of branches.
func branches(elems []Element) [][]Element {
	ways := [][]Element{nil}
	for _, e := range elems {
		choices := [][]Element{{e}}
		if d, ok := e.(disjunction); ok {
			choices = nil
			for _, b := range d.branches {
				choices = append(choices, branches(b)...)
			}
		}
		if len(choices) == 1 {
			for i := range ways {
				ways[i] = append(ways[i], choices[0]...)
			}
			continue
		}
		var next [][]Element
		for _, way := range ways {
			for _, c := range choices {
				next = append(next, slices.Concat(way, c))
			}
		}
		ways = next
	}
	return ways
}

// elements compiles elements in order, each seeing the names of those before.
func (c *compiler) elements(elems []Element, sc scope) ([]step, scope) {
	var steps []step
	outer := !sc.inNot
	for _, e := range elems {
		var more []step
		switch e := e.(type) {
		case pattern:
			more, sc = c.pattern(e, sc)
		case negation:
			more, sc = c.negation(e, sc)
		case Accumulation:
			more, sc = c.accumulation(e, sc)
		case binding:
			more, sc = c.binding(e, sc)
		case condition:
			more, sc = c.condition(e, sc)
		case having:
			more, sc = c.having(e, sc)
		default:
			c.fail("an element is nil")
		}
		steps = append(steps, more...)
		if outer {
			c.chain.ends = append(c.chain.ends, len(steps))
		}
	}
	return steps, sc
}

// resolve finds what a reference names, and notes that it is read.
func (c *compiler) resolve(r Ref, sc scope) (ref, *bound) {
	b := sc.find(r.Name)
	if b == nil {
		c.fail("%q is not bound here", r.Name)
		return ref{}, nil
	}
	if b.typ == nil {
		if r.Field != "" {
			c.fail("%s is a value and has no field %s", r.Name, r.Field)
		}
		return ref{b.depth, -1}, b
	}
	if r.Field == "" {
		for i := range b.typ.Fields {
			b.reads.add(i)
		}
		return ref{b.depth, -1}, b
	}
	i, ok := b.typ.index[r.Field]
	if !ok {
		c.fail("%s is of type %s and has no field %s", r.Name, b.typ.Name, r.Field)
		return ref{}, nil
	}
	b.reads.add(i)
	return ref{b.depth, i}, b
}

// call compiles a function: it will see the names that it reads.
func (c *compiler) call(fn Func, sc scope) call {
	fn.Reads = slices.Clone(fn.Reads)
	c.chain.weight++
	out := call{fn: &fn}
	for _, r := range fn.Reads {
		at, b := c.resolve(r, sc)
		if b == nil {
			continue
		}
		out.names = append(out.names, name{r.Name, b.depth, b.typ == nil})
		if fn.plain && (b.typ == nil || r.Field != "") {
			out.plain = &at
		}
	}
	slices.SortFunc(out.names, func(a, b name) int { return cmp.Compare(a.text, b.text) })
	out.names = slices.Compact(out.names)
	out.sign()
	if fn.Label == "" { // without a name it is like no other
		c.calls++
		out.sig = fmt.Sprintf("%p %d %d", c.prog, c.chain.number, c.calls)
	}
	return out
}
