package rule

import (
	"github.com/trimtab/trimtab/internal/strictyaml"
)

// condition is one element of a when as it was checked, before anything is made
// of it.
//
// The tree of them is what a rule says. The matcher's elements are made of it
// (network.go), and so is whatever tells people about a rule: coverage, lint and
// the list of what it needs. None of them reads YAML again.
type condition struct {
	kind  string // as in elementMapping
	node  strictyaml.Node
	typ   *factType       // of a match
	as    string          // of a match; "" without a name
	where *expr           // of match, test and accumulate; nil if there is none
	at    strictyaml.Node // the scalar that where was read from
	name  string          // of a let
	value *expr           // of a let
	// inner are the lists inside: of not and exists one, of any its branches, of
	// forall the pattern and then what holds for it, of accumulate what it is over.
	inner      [][]*condition
	groups     []grouping  // of accumulate
	aggregates []aggregate // of accumulate
	table      *table      // of a decision table
	// own are its conjuncts where apart is set: an explanation has moved some.
	own   []conjunct
	apart bool
}

// grouping is one name of an accumulate's by.
type grouping struct {
	name string
	of   *expr
}

// walk calls do for a list of conditions and all inside of them; denied tells
// whether one stands inside of a negation, or where absence counts as much.
func walk(list []*condition, denied bool, do func(c *condition, denied bool)) {
	for _, c := range list {
		do(c, denied)
		for _, inner := range c.inner {
			walk(inner, denied || c.denies(), do)
		}
	}
}

// denies reports whether facts that are missing can make the condition hold, or
// change what it says: a failed source then makes the rule say too much.
func (c *condition) denies() bool {
	return c.kind == "not" || c.kind == "forall" || c.kind == "accumulate"
}

// expressions are all expressions of the condition itself, in the order of the
// text.
func (c *condition) expressions() []*expr {
	var out []*expr
	for _, e := range []*expr{c.where, c.value} {
		if e != nil {
			out = append(out, e)
		}
	}
	for _, g := range c.groups {
		out = append(out, g.of)
	}
	for _, a := range c.aggregates {
		out = append(out, a.expressions()...)
	}
	if c.table != nil {
		out = append(out, c.table.expressions()...)
	}
	return out
}
