package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/rete"
)

// fail says which of a list of conditions is the first that lets nothing through, and
// why; nil if all hold.
func (x *explainer) fail(list []*condition, at *scene) *Failure {
	t := x.follow(list, at)
	if t.done {
		return nil
	}
	i := t.last()
	c := list[i]
	f := &Failure{Place: placeOf(c.node), Kind: c.kind, Condition: c.words(), At: i, Reached: t.counts[i]}
	f.Given = x.bound(t.given[i][0], len(at.order))
	x.fill(f, c, t.given[i])
	return f
}

// fill says why a condition fails for the combinations that come to it.
func (x *explainer) fill(f *Failure, c *condition, given []*scene) {
	switch c.kind {
	case "match":
		x.failMatch(f, c, given)
	case "not":
		x.failNot(f, c, given)
	case "exists", "requires":
		f.Inner = x.with(nil).fail(c.inner[0], given[0])
		f.depth, f.Says = f.Inner.depth, f.Inner.Says
	case "forall":
		x.failForall(f, c, given[0])
	case "any":
		x.failAny(f, c, given[0])
	case "let":
		f.Values = seen(c.value, given[0])
		_, err := c.value.value(given[0])
		f.Says = fmt.Sprintf("%s cannot be computed: %v", c.name, err)
	case "test":
		f.test(x.session.set.conjunctsOf(c), given)
	case "accumulate":
		x.failAccumulate(f, c, given[0])
	case "table":
		x.failTable(f, c.table, given[0])
	}
}

// near is a fact with what a pattern makes of it.
type near struct {
	fact  rete.Fact
	env   bindings
	depth int // tests that hold before the first that does not
	fails int
	joins int // of them those with what is bound before
}

// try runs every test of a pattern on a fact.
func try(parts []conjunct, env bindings, fact rete.Fact) near {
	n := near{fact: fact, env: env}
	for i, p := range parts {
		if yes, err := p.test(env); err == nil && yes {
			continue
		}
		if n.fails++; n.fails == 1 {
			n.depth = i
		}
		if p.join {
			n.joins++
		}
	}
	return n
}

// nearer orders by what one would call near: first facts about what is bound already,
// then those that fail the fewest tests, then those that come furthest in the text.
func (n near) nearer(o near) int {
	return cmp.Or(cmp.Compare(n.joins, o.joins), cmp.Compare(n.fails, o.fails), cmp.Compare(o.depth, n.depth),
		cmp.Compare(n.fact.Handle(), o.fact.Handle()))
}

// failMatch tells where the tests of a pattern lose the last fact, and which facts
// come nearest.
func (x *explainer) failMatch(f *Failure, c *condition, given []*scene) {
	parts := x.session.set.conjunctsOf(c)
	f.Makers = x.makers(c.typ)
	v := x.survey(c, parts, given)
	if v.last == nil {
		f.Says = "there is no " + c.typ.name + " at all"
		return
	}
	f.depth = v.last.depth + 1
	for i, p := range parts[:f.depth] {
		f.Steps = append(f.Steps, Step{p.text, v.left[i]})
	}
	for _, n := range v.nearest {
		// A fact about something else is no near miss where there is one about this.
		if n.joins == v.nearest[0].joins {
			f.Near = append(f.Near, x.near(n, c, parts))
		}
	}
	failed := parts[v.last.depth].look(v.last.env)
	f.Test, f.Place = &failed, failed.Place
	f.Says = v.says(c, failed)
}

// survey is what all facts of a type make of a pattern.
type survey struct {
	facts   int
	left    []int  // facts that are left after each test
	nearest []near // best first
	last    *near  // the first that comes furthest
}

// survey tries every fact with what is given.
func (x *explainer) survey(c *condition, parts []conjunct, given []*scene) survey {
	facts := x.factsOf(c.typ.name)
	if _, pinned := x.fixed[c.as]; pinned && c.as != "" {
		facts = x.candidates(c, given[0])
	}
	v := survey{facts: len(facts), left: make([]int, len(parts))}
	for _, fact := range facts {
		best := tryAll(parts, c.as, given, fact)
		for i := range best.depth {
			v.left[i]++
		}
		if v.last == nil || best.depth > v.last.depth {
			v.last = &best
		}
		v.nearest = keepNearest(v.nearest, best)
	}
	return v
}

// tryAll tries a fact with each of the combinations before it, and gives the best.
func tryAll(parts []conjunct, as string, given []*scene, fact rete.Fact) near {
	best := try(parts, trial{given[0], as, fact}, fact)
	for _, at := range given[1:] {
		if n := try(parts, trial{at, as, fact}, fact); n.depth > best.depth || n.depth == best.depth && n.nearer(best) < 0 {
			best = n
		}
	}
	return best
}

// says is the failure in one sentence.
func (v survey) says(c *condition, failed TestSeen) string {
	before := v.facts
	if v.last.depth > 0 {
		before = v.left[v.last.depth-1]
	}
	if before == 1 {
		return failed.says()
	}
	return fmt.Sprintf("none of %d %s has %s", before, c.typ.name, failed.Test)
}

// makers asks the rules that derive a type about the resource: what is missing may be
// a conclusion, and then the reason lies there.
func (x *explainer) makers(t *factType) []Answer {
	if x.short {
		return nil
	}
	var out []Answer
	for _, r := range x.session.set.rules {
		if r == x.rule || !r.derives[t.name] {
			continue
		}
		other := x.with(nil)
		other.short = true
		out = append(out, other.explain(r, x.resource).answer())
	}
	return out[:min(len(out), maxShown)]
}

// keepNearest keeps the nearest.
func keepNearest(list []near, n near) []near {
	i, _ := slices.BinarySearchFunc(list, n, near.nearer)
	if i >= maxShown {
		return list
	}
	list = slices.Insert(list, i, n)
	return list[:min(len(list), maxShown)]
}

// says is a failed test in words.
func (t TestSeen) says() string {
	switch {
	case t.Error != "":
		return t.Test + " cannot be computed: " + t.Error
	case t.With != "":
		return t.Test + " does not hold: " + t.With
	}
	return t.Test + " does not hold: " + listed(t.Values)
}

// listed writes values with their names.
func listed(values []Value) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, v.Name+" = "+v.text())
	}
	return strings.Join(parts, ", ")
}

// near is a fact that nearly matches, for readers.
func (x *explainer) near(n near, c *condition, parts []conjunct) Near {
	fact := x.shown(c.as, n.fact, ownReads(c)...)
	out := Near{Fact: &fact, Passed: len(parts) - n.fails}
	for _, p := range parts {
		if t := p.look(n.env); !t.Holds {
			out.Failed = append(out.Failed, t)
		}
	}
	return out
}

// ownReads are the fields of its own fact that a pattern reads.
func ownReads(c *condition) []string {
	var out []string
	if c.where == nil {
		return nil
	}
	for _, r := range c.where.reads {
		if r.Name == c.as && r.Field != "" {
			out = append(out, r.Field)
		}
	}
	return out
}

// test tells which tests of a condition fail, of the combination that passes most.
func (f *Failure) test(parts []conjunct, given []*scene) {
	best := try(parts, given[0], rete.Fact{})
	for _, at := range given[1:] {
		if n := try(parts, at, rete.Fact{}); n.depth > best.depth {
			best = n
		}
	}
	f.depth = best.depth + 1
	failed := parts[best.depth].look(best.env)
	f.Test, f.Place, f.Says = &failed, failed.Place, failed.says()
}

// failNot lists what matches inside of a negation.
func (x *explainer) failNot(f *Failure, c *condition, given []*scene) {
	for _, at := range given {
		x.with(nil).all(c.inner[0], at, func(s *scene) bool {
			f.Blocking = append(f.Blocking, x.bound(s, len(at.order)))
			return len(f.Blocking) < maxShown
		})
		if len(f.Blocking) >= maxShown {
			break
		}
	}
	f.Says = "there is " + factNames(f.Blocking[0])
}

// factNames names facts in a sentence.
func factNames(facts []ShownFact) string {
	if len(facts) == 0 {
		return "a way to satisfy it"
	}
	var parts []string
	for _, f := range facts {
		name := strings.ToLower(f.Type)
		parts = append(parts, strings.TrimSuffix(withArticle(name), name)+f.Type+" "+f.fieldsText())
	}
	return strings.Join(parts, " and ")
}

// failForall lists the facts for which the rest does not hold.
func (x *explainer) failForall(f *Failure, c *condition, at *scene) {
	inside := x.with(nil)
	except := inside.exceptions(c, at, maxShown)
	for _, s := range except {
		f.Blocking = append(f.Blocking, x.bound(s, len(at.order)))
	}
	f.Inner = inside.fail(c.inner[1], except[0])
	f.Says = "not for " + factNames(f.Blocking[0]) + ": " + f.Inner.Says
}

// failAny explains the branch that comes furthest.
func (x *explainer) failAny(f *Failure, c *condition, at *scene) {
	for i, branch := range c.inner {
		b := x.fail(branch, at)
		if b == nil {
			continue // it holds, and what the rest of the rule says is told there
		}
		if f.Inner == nil || b.beyond(f.Inner) {
			f.Inner, f.Branch = b, i+1
		}
	}
	f.depth = f.Inner.depth
	f.Says = fmt.Sprintf("no branch holds; the furthest is branch %d: %s", f.Branch, f.Inner.Says)
}

// failAccumulate tells what the groups come to, or that there is none.
func (x *explainer) failAccumulate(f *Failure, c *condition, at *scene) {
	groups := x.groups(c, at)
	if len(groups) == 0 {
		f.Inner = x.with(nil).fail(c.inner[0], at)
		f.Says = "there is nothing to aggregate"
		if f.Inner != nil {
			f.Says += ": " + f.Inner.Says
		}
		return
	}
	for _, s := range groups[:min(len(groups), maxShown)] {
		f.Values = append(f.Values, c.results(s)...)
	}
	f.test(x.session.set.conjunctsOf(c), groups)
}

// results are what a group of an accumulate comes to.
func (c *condition) results(s *scene) []Value {
	var out []Value
	for _, g := range c.groups {
		out = append(out, valueOf(g.name, s))
	}
	for _, a := range c.aggregates {
		out = append(out, valueOf(a.name, s))
	}
	return out
}

// failTable tells which cells keep each row from being hit.
func (x *explainer) failTable(f *Failure, t *table, at *scene) {
	for _, in := range t.inputs {
		v, err := in.of.value(at)
		if err != nil {
			f.Values = append(f.Values, seen(in.of, at)...)
			f.Says = fmt.Sprintf("%s cannot be computed: %v", in.name, err)
			return
		}
		at = at.withValue(in.name, v)
		f.Values = append(f.Values, valueOf(in.name, at))
	}
	f.Near = t.nearRows(at)
	f.Says = fmt.Sprintf("none of %d rows applies to %s", len(t.rows), listed(f.Values))
	if _, err := t.pick(at); err != nil && t.hit != "collect" {
		f.Says = err.Error()
	} else if len(f.Near[0].Failed) == 0 {
		f.Says = fmt.Sprintf("what row %d gives cannot be computed", f.Near[0].Row)
	}
}

// nearRows are the rows that fail the fewest cells.
func (t *table) nearRows(at *scene) []Near {
	var out []Near
	for i, r := range t.rows {
		n := Near{Row: i + 1}
		for _, e := range r.cells {
			if e == nil {
				continue
			}
			if seen := e.look(at, placeOf(r.node)); seen.Holds {
				n.Passed++
			} else {
				n.Failed = append(n.Failed, seen)
			}
		}
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b Near) int { return cmp.Compare(len(a.Failed), len(b.Failed)) })
	return out[:min(len(out), maxShown)]
}
