package rule

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// quantified compiles not and exists: their elements see what is bound before
// them, and what they bind is not seen outside.
func (b *builder) quantified(kind string, fs strictyaml.Fields, s *scope, p place) []*condition {
	n := fs.Get(kind)
	if n.Kind() == strictyaml.List && len(n.Items()) == 0 {
		n.Errorf("%s needs at least one element", kind)
	}
	inner, _ := b.list(n, s, p.within(kind == "not"))
	if len(inner) == 0 {
		return nil
	}
	return []*condition{{kind: kind, node: fs.Node, inner: [][]*condition{inner}}}
}

// within is the place inside of an element.
func (p place) within(denied bool) place {
	return place{inside: true, denied: p.denied || denied}
}

var forallKeys = forallMapping.Names()

// forall compiles "for every … holds that …".
//
// Both of its types count as denied: without a fact of the one the other need not
// be there, and without one of the other the rule is silent where it should not be.
func (b *builder) forall(fs strictyaml.Fields, s *scope, p place) []*condition {
	n := fs.Get("forall")
	in := n.Fields(forallKeys...)
	if n.Kind() != strictyaml.Mapping {
		return nil
	}
	p = p.within(true)
	pattern, inner := b.match(in, s, p)
	list := in.Need("satisfy")
	if list.Kind() == strictyaml.List && len(list.Items()) == 0 {
		list.Errorf("satisfy needs at least one element")
	}
	satisfy, _ := b.list(list, inner, p)
	if len(satisfy) == 0 {
		return nil
	}
	return []*condition{{kind: "forall", node: fs.Node, inner: [][]*condition{pattern, satisfy}}}
}

// anyOf compiles a disjunction: one sub-rule a branch.
func (b *builder) anyOf(fs strictyaml.Fields, s *scope, p place) ([]*condition, *scope) {
	n := fs.Get("any")
	if n.Kind() == strictyaml.List && len(n.Items()) == 0 {
		n.Errorf("any needs at least one branch")
	}
	c := &condition{kind: "any", node: fs.Node}
	p.branch = true
	var ends []*scope
	for _, item := range n.Items() {
		// A single element may stand without the brackets of a list.
		branch, end := b.branch(item, s, p)
		c.inner, ends = append(c.inner, branch), append(ends, end)
	}
	if len(ends) == 0 {
		return nil, s
	}
	return []*condition{c}, b.afterAny(n, s, ends, p)
}

// ways is in how many ways a list of conditions can hold: each any multiplies them by
// its branches.
func ways(list []*condition) int {
	all := 1
	for _, c := range list {
		if c.kind != "any" {
			continue
		}
		n := 0
		for _, branch := range c.inner {
			n += ways(branch)
		}
		all = min(all*n, maxWays+1) // large enough to be refused
	}
	return all
}

// tooManyWays refuses a list of conditions that would become too many chains of the
// matcher; n is where the list stands.
func (b *builder) tooManyWays(n strictyaml.Node, list []*condition) {
	if ways(list) > maxWays {
		n.Errorf("the branches of any can be combined in more than %d ways", maxWays).WithHint("conclude a part of it with a rule of its own")
		b.broken = true
	}
}

// branch compiles one branch of any.
func (b *builder) branch(n strictyaml.Node, s *scope, p place) ([]*condition, *scope) {
	if n.Kind() == strictyaml.List && len(n.Items()) == 0 {
		n.Errorf("a branch of any needs at least one element")
	}
	if n.Kind() == strictyaml.Mapping {
		return b.element(n, s, p)
	}
	return b.list(n, s, p)
}

// afterAny is the scope after a disjunction: what every branch binds, and alike.
func (b *builder) afterAny(n strictyaml.Node, before *scope, ends []*scope, p place) *scope {
	after := before
	var some []string
	for _, first := range ends[0].names[len(before.names):] {
		alike, everywhere := true, true
		for _, end := range ends[1:] {
			other, ok := end.find(first.name)
			everywhere = everywhere && ok
			alike = alike && (!ok || other.fact == first.fact && typeName(other.cel) == typeName(first.cel))
		}
		switch {
		case everywhere && !alike:
			n.Errorf("%s is not the same in all branches of any", first.name).WithHint("give the branches names of their own, or one type")
			first = name{name: first.name, cel: types.DynType}
			fallthrough
		case everywhere:
			after = after.with(first)
			if t := b.c.types[first.fact]; t != nil && !p.inside {
				b.patterns[first.name] = t
			}
		}
	}
	for _, end := range ends {
		for _, bound := range end.names[len(before.names):] {
			if _, ok := after.find(bound.name); !ok && !slices.Contains(some, bound.name) {
				some = append(some, bound.name)
			}
		}
	}
	return after.missing(some, "a branch of any does not bind %q")
}

// missing is the scope in which some names are explained where they are used: they
// look bound and are not.
func (s *scope) missing(names []string, why string) *scope {
	if len(names) == 0 {
		return s
	}
	out := *s
	out.unbound = map[string]string{}
	for k, v := range s.unbound {
		out.unbound[k] = v
	}
	for _, n := range names {
		out.unbound[n] = fmt.Sprintf(why, n)
	}
	return &out
}
