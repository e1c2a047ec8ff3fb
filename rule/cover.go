package rule

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Covered tells of one condition of a rule what its tests have seen of it.
type Covered struct {
	Rule  string
	File  string
	Line  int
	Text  string // the condition as it is written, "not …" for a negation
	True  bool   // some test saw it hold
	False bool   // some test saw it fail
}

// Whole reports whether the condition was seen both ways.
func (c Covered) Whole() bool { return c.True && c.False }

// Cover is [Set.Test] with what the tests have seen of every condition of the rules
// that are on, in the order of rules and of their texts. A condition counts as seen
// where everything before it held: one that nothing reaches is not covered by it.
func (s *Set) Cover(ctx context.Context) ([]TestResult, []Covered, error) {
	cover := &recorder{seen: map[spot]*Covered{}}
	for _, r := range s.rules {
		if r.Enabled {
			cover.expect(r, r.when)
			cover.expect(r, r.evidence)
		}
	}
	results, err := s.test(ctx, cover)
	out := make([]Covered, len(cover.order))
	for i, c := range cover.order {
		out[i] = *c
	}
	return results, out, err
}

// spot is one thing that can hold or fail: a conjunct of a condition, a row of its
// table, or the condition itself with the number -1.
type spot struct {
	c    *condition
	part int
}

// recorder collects what is seen.
type recorder struct {
	seen  map[spot]*Covered
	order []*Covered
	parts map[*condition][]*expr
}

// parts are the conjuncts of a condition, each as an expression of its own.
func (c *condition) parts() []*expr {
	if c.where == nil {
		return nil
	}
	var out []*expr
	for _, x := range conjuncts(c.where.checked.Expr()) {
		out = append(out, c.where.part(x))
	}
	return out
}

// expect lists what can be seen of some conditions and those inside of them.
func (r *recorder) expect(of *Rule, list []*condition) {
	if r.parts == nil {
		r.parts = map[*condition][]*expr{}
	}
	walk(list, false, func(c *condition, _ bool) {
		r.parts[c] = c.parts()
		for i, p := range r.parts[c] {
			r.add(of, spot{c, i}, p.text)
		}
		switch {
		case c.table != nil:
			for i := range c.table.rows {
				r.add(of, spot{c, i}, c.table.tests(i))
			}
		case c.kind == "not" || c.kind == "exists" || c.kind == "forall":
			r.add(of, spot{c, -1}, c.kind+" "+inner(c))
		}
	})
}

// inner names the patterns inside of a condition.
func inner(c *condition) string {
	var names []string
	for _, list := range c.inner {
		for _, x := range list {
			if x.kind == "match" {
				names = append(names, strings.TrimSpace(x.typ.name+" "+x.as))
			}
		}
	}
	return strings.Join(names, ", ")
}

// add lists one thing.
func (r *recorder) add(of *Rule, s spot, text string) {
	c := &Covered{Rule: of.ID, File: of.File, Text: text}
	n := s.c.node
	if s.part >= 0 && !s.c.at.IsZero() {
		n = s.c.at
	}
	c.Line, _ = n.Pos()
	r.seen[s] = c
	r.order = append(r.order, c)
	slices.SortStableFunc(r.order, func(a, b *Covered) int { return cmp.Compare(a.Rule, b.Rule) })
}

// note notes what something was.
func (r *recorder) note(s spot, held bool) {
	c := r.seen[s]
	if c == nil {
		return
	}
	c.True, c.False = c.True || held, c.False || !held
}

// observe looks at what a rule has made of the facts that stand after a test.
func (r *recorder) observe(session *Session, of *Rule) {
	n := &naive{session: session, note: r.note, parts: r.parts}
	env := newScene(session.memory.Now())
	if len(of.evidence) == 0 {
		n.all(of.when, env, func(*scene) {})
		return
	}
	n.all(of.when[:of.subjectAt], env, func(at *scene) {
		there := false
		n.all(of.evidence, at, func(*scene) { there = true })
		if there {
			n.all(of.when[of.subjectAt:], at, func(*scene) {})
		}
	})
}
