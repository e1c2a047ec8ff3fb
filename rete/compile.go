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
	next := &Base{types: maps.Clone(b.types), programs: slices.Clone(b.programs)}
	if next.types == nil {
		next.types = map[string]*typeInfo{}
	}
	var errs []error
	for _, t := range types {
		errs = append(errs, next.addType(t)...)
	}
	seen := map[string]bool{}
	for _, p := range b.programs {
		seen[p.ID] = true
	}
	for i, p := range productions {
		c := newCompiler(next.types, p)
		if p.ID == "" {
			c.prog.ID = fmt.Sprint("#", i+1)
			c.fail("a production needs an ID")
		}
		if seen[p.ID] {
			c.fail("declared twice")
		}
		seen[p.ID] = true
		next.programs = append(next.programs, c.compile())
		errs = append(errs, c.errs...)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortFunc(next.programs, func(a, b *program) int { return cmp.Compare(a.ID, b.ID) })
	return next, nil
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
	next := &Base{types: b.types, programs: slices.Clone(b.programs)}
	var errs []error
	for _, id := range ids {
		i, ok := next.find(id)
		if !ok {
			errs = append(errs, &CompileError{Production: id, Text: "no such production"})
			continue
		}
		next.programs = slices.Delete(next.programs, i, i+1)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return next, nil
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
	steps   []step
	facts   []*bound        // patterns outside of negations, in order
	values  []*bound        // what Let names
	reads   map[string]bool // types that it matches
	negates map[string]bool // types inside of negations
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
	names map[string]*bound
	depth int  // of the token there
	inNot bool // whether inside of a negation
}

// with binds one more name. Scopes are copied, so that what a negation binds is
// not seen after it.
func (s scope) with(b *bound) scope {
	if b.name == "" {
		return s
	}
	s.names = maps.Clone(s.names)
	s.names[b.name] = b
	return s
}

// compiler compiles one production and collects all its mistakes.
//
// It goes on after a mistake, with a placeholder where something is missing, so that
// one compilation tells everything.
type compiler struct {
	types map[string]*typeInfo
	prog  *program
	errs  []error
	calls int
}

// newCompiler copies what the caller could change later.
func newCompiler(types map[string]*typeInfo, p Production) *compiler {
	p.When, p.Reads = slices.Clone(p.When), slices.Clone(p.Reads)
	return &compiler{types: types, prog: &program{
		Production: p, reads: map[string]bool{}, negates: map[string]bool{},
	}}
}

// fail notes a mistake and lets the compiler go on to the next.
func (c *compiler) fail(format string, args ...any) {
	c.errs = append(c.errs, &CompileError{Production: c.prog.ID, Text: fmt.Sprintf(format, args...)})
}

// compile gives a program even if there are mistakes; it is then of no use.
func (c *compiler) compile() *program {
	if c.prog.Then == nil {
		c.fail("a production needs a Then")
	}
	steps, end := c.elements(c.prog.When, scope{names: map[string]*bound{}})
	c.prog.steps = steps
	for _, r := range c.prog.Reads {
		c.resolve(r, end)
	}
	return c.prog
}

// elements compiles elements in order, each seeing the names of those before.
func (c *compiler) elements(elems []Element, sc scope) ([]step, scope) {
	var steps []step
	for _, e := range elems {
		var more []step
		switch e := e.(type) {
		case pattern:
			more, sc = c.pattern(e, sc)
		case negation:
			more, sc = c.negation(e, sc)
		case binding:
			more, sc = c.binding(e, sc)
		case condition:
			more, sc = c.condition(e, sc)
		default:
			c.fail("an element is nil")
		}
		steps = append(steps, more...)
	}
	return steps, sc
}

// resolve finds what a reference names, and notes that it is read.
func (c *compiler) resolve(r Ref, sc scope) (ref, *bound) {
	b := sc.names[r.Name]
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
	out := call{fn: &fn}
	for _, r := range fn.Reads {
		if _, b := c.resolve(r, sc); b != nil {
			out.names = append(out.names, name{r.Name, b.depth, b.typ == nil})
		}
	}
	slices.SortFunc(out.names, func(a, b name) int { return cmp.Compare(a.text, b.text) })
	out.names = slices.Compact(out.names)
	out.sign()
	if fn.Label == "" { // without a name it is like no other
		c.calls++
		out.sig = fmt.Sprintf("%p %d", c.prog, c.calls)
	}
	return out
}
