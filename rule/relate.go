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
	derived, concluded := c.restings((*Rule).derived), c.restings((*Rule).Derives)
	for _, r := range c.rules {
		derived.warnUnstratified(r)
	}
	for _, r := range c.rules {
		concluded.closeOver(r)
	}
	c.warnUnused()
	c.warnGroups()
}

// resting is what facts of a type rest on directly: what the rules that conclude
// them read and deny.
type resting struct{ reads, negates map[string]bool }

// restings are those of all types that rules conclude. Rules are many and types few,
// so what follows goes from type to type.
type restings map[string]resting

// derived are the types of the facts that fall with the rule's reasons.
func (r *Rule) derived() []string { return sortedKeys(r.derives) }

// restings gathers them for what rules conclude in some way.
func (c *compiler) restings(concludes func(*Rule) []string) restings {
	out := restings{}
	for _, r := range c.rules {
		for _, t := range concludes(r) {
			if _, ok := out[t]; !ok {
				out[t] = resting{map[string]bool{}, map[string]bool{}}
			}
			maps.Copy(out[t].reads, r.reads)
			maps.Copy(out[t].negates, r.negates)
		}
	}
	return out
}

// closeOver adds to what a rule reads and negates what derived facts among it
// rest on.
//
// A rule that denies a derived fact is concerned by everything that fact rests on:
// if a source of that fails, the fact is missing for no good reason, and the rule
// says too much. So what is read below a denied type counts as denied.
func (o restings) closeOver(r *Rule) {
	read, denied := sortedKeys(r.reads), sortedKeys(r.negates)
	for len(read) > 0 {
		t := o[read[len(read)-1]]
		read = read[:len(read)-1]
		read = add(r.reads, t.reads, read)
		denied = add(r.negates, t.negates, denied)
	}
	for len(denied) > 0 {
		t := o[denied[len(denied)-1]]
		denied = denied[:len(denied)-1]
		denied = add(r.negates, t.reads, denied)
		denied = add(r.negates, t.negates, denied)
	}
}

// add puts names into a set, and those that were not in it on a list of work.
func add(to, names map[string]bool, work []string) []string {
	for n := range names {
		if !to[n] {
			to[n] = true
			work = append(work, n)
		}
	}
	return work
}

// warnUnstratified warns of a rule that denies what follows from its own
// conclusion.
//
// It is a warning since types say less than facts: a rule may deny a type for one
// resource and derive it for another. When it is as bad as it looks, the run ends
// with an error that names the rule.
func (o restings) warnUnstratified(r *Rule) {
	for _, denied := range sortedKeys(r.negates) {
		below := o.below(denied)
		for _, made := range r.derived() {
			if !below[made] {
				continue
			}
			r.node.Warnf("rule %s concludes %s from the absence of %s, which follows from it: it may withdraw its own reason",
				r.ID, made, denied).WithID("unstratified").WithHint("let another rule conclude one of the two")
			return
		}
	}
}

// below are the types that facts of a type may follow from, itself among them.
func (o restings) below(name string) map[string]bool {
	out := map[string]bool{name: true}
	for work := []string{name}; len(work) > 0; {
		t := o[work[len(work)-1]]
		work = add(out, t.reads, work[:len(work)-1])
		work = add(out, t.negates, work)
	}
	return out
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
