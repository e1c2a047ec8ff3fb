package rule

import (
	"cmp"
	"maps"
	"slices"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// relate looks at all rules together: what rests on what, and what nobody uses.
func (c *compiler) relate() {
	slices.SortFunc(c.rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	makers := map[string][]*Rule{}
	for _, r := range c.rules {
		for _, t := range r.Derives() {
			makers[t] = append(makers[t], r)
		}
	}
	for _, r := range c.rules {
		warnUnstratified(r, makers)
	}
	closeOver(c.rules, makers)
	c.warnUnused()
	c.warnGroups()
}

// closeOver adds to what each rule reads and negates what derived facts among it
// rest on. It repeats until nothing is added; types are few, so it ends soon.
//
// A rule that denies a derived fact is concerned by everything that fact rests on:
// if a source of that fails, the fact is missing for no good reason, and the rule
// says too much. So what is read below a denied type counts as denied.
func closeOver(rules []*Rule, makers map[string][]*Rule) {
	for changed := true; changed; {
		changed = false
		for _, r := range rules {
			before := len(r.reads) + len(r.negates)
			for t := range maps.Clone(r.reads) {
				for _, m := range makers[t] {
					maps.Copy(r.reads, m.reads)
					maps.Copy(r.negates, m.negates)
				}
			}
			for t := range maps.Clone(r.negates) {
				for _, m := range makers[t] {
					maps.Copy(r.negates, m.reads)
					maps.Copy(r.negates, m.negates)
				}
			}
			changed = changed || len(r.reads)+len(r.negates) > before
		}
	}
}

// warnUnstratified warns of a rule that denies what follows from its own
// conclusion.
//
// It is a warning since types say less than facts: a rule may deny a type for one
// resource and derive it for another. When it is as bad as it looks, the run ends
// with an error that names the rule.
func warnUnstratified(r *Rule, makers map[string][]*Rule) {
	for _, made := range sortedKeys(r.derives) {
		for _, denied := range sortedKeys(r.negates) {
			if !leadsTo(made, denied, makers, map[string]bool{}) {
				continue
			}
			r.node.Warnf("rule %s concludes %s from the absence of %s, which follows from it: it may withdraw its own reason",
				r.ID, made, denied).WithID("unstratified").WithHint("let another rule conclude one of the two")
			return
		}
	}
}

// leadsTo reports whether facts of type to may be derived from facts of type
// from.
func leadsTo(from, to string, makers map[string][]*Rule, seen map[string]bool) bool {
	if from == to {
		return true
	}
	if seen[to] {
		return false
	}
	// Types rest on each other in rings as soon as one rule derives what it reads.
	seen[to] = true
	for _, m := range makers[to] {
		for t := range m.reads {
			if m.derives[to] && leadsTo(from, t, makers, seen) {
				return true
			}
		}
		for t := range m.negates {
			if m.derives[to] && leadsTo(from, t, makers, seen) {
				return true
			}
		}
	}
	return false
}

// warnUnused warns of declarations that no rule needs.
func (c *compiler) warnUnused() {
	for _, name := range sortedKeys(c.types) {
		if t := c.types[name]; !t.used && !t.fixed {
			t.node.Warnf("no rule uses the fact type %s", name).WithID("unused-type")
		}
	}
	for _, p := range c.packOrder {
		for _, s := range p.sets() {
			s.warnUnused()
		}
	}
}

// warnUnused warns of parameters that nothing reads.
func (s *paramSet) warnUnused() {
	for _, name := range s.order {
		if q := s.params[name]; !q.used {
			q.node.Warnf("no rule reads the parameter %s", name).WithID("unused-param")
		}
	}
}

// warn says what is odd about one rule.
func (b *builder) warn() {
	for _, name := range b.params {
		if q, ok := b.values.find(name); ok {
			q.used = true
		}
	}
	if b.broken {
		return // what looks unused may be used where the mistake is
	}
	for _, l := range b.lets {
		if !l.used {
			l.node.Warnf("nothing uses the value %s", l.node.Text()).WithID("unused-let")
		}
	}
	if len(b.rule.tests) == 0 {
		b.fs.Warnf("rule %s has no test", b.rule.ID).WithID("no-test")
	}
	b.joins.warn()
}

// joins notes which patterns of a when are tied together by conditions, to find
// those that are not: every fact of the one then goes with every fact of the
// other.
type joins struct {
	patterns []joined
	parent   map[string]string // of a name, towards the root of its group
	values   map[string][]rete.Ref
}

// joined is a pattern at the top of a when.
type joined struct {
	as, typ string
	node    strictyaml.Node
}

// pattern notes a pattern; those inside of a negation multiply nothing, and those of
// a branch stand beside those of another.
func (j *joins) pattern(as, typ string, n strictyaml.Node, p place) {
	if !p.inside && !p.branch {
		j.patterns = append(j.patterns, joined{as, typ, n})
	}
}

// value notes what a let is computed from. That alone ties nothing together: a
// sum over two facts is a value for every pair. A condition over it does.
func (j *joins) value(name string, reads []rete.Ref, p place) {
	if p.inside {
		return
	}
	if j.values == nil {
		j.values = map[string][]rete.Ref{}
	}
	j.values[name] = reads
}

// link ties the names of one condition together, and through a value those that
// it was computed from.
func (j *joins) link(self string, reads []rete.Ref, p place) {
	if p.inside {
		return // what stands inside of a negation binds nothing outside
	}
	if self == "" && len(reads) > 0 {
		self = reads[0].Name
	}
	for _, r := range reads {
		j.union(self, r.Name)
		j.link(self, j.values[r.Name], p)
	}
}

// union puts two names into one group.
func (j *joins) union(a, b string) {
	if j.parent == nil {
		j.parent = map[string]string{}
	}
	if x, y := j.root(a), j.root(b); x != y {
		j.parent[x] = y
	}
}

// root is the name that stands for a group. Chains stay short: a rule has a handful
// of names.
func (j *joins) root(name string) string {
	for j.parent[name] != "" {
		name = j.parent[name]
	}
	return name
}

// warn names the first pattern that nothing ties to the ones before it. The
// clock is one fact and needs no tie.
func (j *joins) warn() {
	var first *joined
	for i := range j.patterns {
		p := &j.patterns[i]
		switch {
		case p.typ == clockType:
		case first == nil:
			first = p
		case p.as == "" || j.root(p.as) != j.root(first.as):
			p.node.Warnf("nothing ties this %s to the %s before it: every one goes with every other", p.typ, first.typ).WithID("cross-product").
				WithHint("compare a field of the one with a field of the other")
			return
		}
	}
}
