package rule

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// explainer walks the conditions of rules over the facts, as naive does, for those
// who ask why: in the author's words and order, which the matcher's network has not.
//
// Unlike naive it stops as soon as it knows, begins at the facts of one resource, and
// looks up what a text joins. TestExplainAgrees holds it to the matcher.
type explainer struct {
	*lookups
	session  *Session
	rule     *Rule // that is explained
	resource string
	reads    map[string][]string    // the fields that the rule reads, by name
	fixed    map[string]rete.Handle // what names at the top are bound to
	short    bool                   // other rules are not asked
}

// lookups are the facts by type, and by the text in a field, made when first asked
// for.
type lookups struct {
	types map[string][]rete.Fact
	texts map[string]map[string][]rete.Fact
	lacks map[string]string // what rules need and no fact has
}

// newExplainer makes an explainer of what stands now.
func newExplainer(s *Session) *explainer {
	return &explainer{
		lookups: &lookups{types: map[string][]rete.Fact{}, texts: map[string]map[string][]rete.Fact{}},
		session: s,
	}
}

// with is the explainer with names bound to facts; nil for inside of a negation and
// its like, where the names of the top mean nothing.
func (x *explainer) with(fixed map[string]rete.Handle) *explainer {
	other := *x
	other.fixed = fixed
	return &other
}

// factsOf are all facts of a type.
func (x *explainer) factsOf(typ string) []rete.Fact {
	facts, known := x.types[typ]
	if !known {
		facts = slices.Collect(x.session.memory.FactsOf(typ))
		x.types[typ] = facts
	}
	return facts
}

// byText are the facts of a type with a text in a field.
func (x *explainer) byText(typ, field, text string) []rete.Fact {
	return x.index(typ, field, "", func(text string) string { return text })[text]
}

// byResource are the facts of a type with a resource in a field, however it is
// spelled: a list shows it otherwise than its source does.
func (x *explainer) byResource(typ, field, resource string) []rete.Fact {
	return x.named(typ, field)[trimtab.CanonicalResource(resource)]
}

// named are the facts of a type by the resource that a field names.
func (x *explainer) named(typ, field string) map[string][]rete.Fact {
	return x.index(typ, field, " as resource", trimtab.CanonicalResource)
}

// index finds facts by the text in a field, brought into a form.
func (x *explainer) index(typ, field, what string, form func(string) string) map[string][]rete.Fact {
	name := typ + " " + field + what
	index, known := x.texts[name]
	if known {
		return index
	}
	index = map[string][]rete.Fact{}
	for _, f := range x.factsOf(typ) {
		v, _ := f.Get(field)
		if s, isText := v.(string); isText {
			index[form(s)] = append(index[form(s)], f)
		}
	}
	x.texts[name] = index
	return index
}

// conjunct is one part of a condition as it is written.
type conjunct struct {
	*expr
	at   string // file:line
	join bool   // it reads a name bound before
	// A text of the pattern, field, equals other, so that facts can be looked up.
	field string
	other *expr
}

// split caches the conjuncts of conditions for all sessions of a set.
type split struct {
	sync.Mutex
	parts map[*condition][]conjunct
}

// conjunctsOf are the parts of a condition. Making one marks names as used, which
// goroutines must not do at once.
func (s *Set) conjunctsOf(c *condition) []conjunct {
	if c.apart {
		return c.own
	}
	if c.where == nil {
		return nil
	}
	s.split.Lock()
	defer s.split.Unlock()
	parts, known := s.split.parts[c]
	if !known {
		for _, e := range conjuncts(c.where.checked.Expr()) {
			parts = append(parts, c.conjunct(e))
		}
		s.split.parts[c] = parts
	}
	return parts
}

// conjunct makes an expression of its own of a part.
func (c *condition) conjunct(e ast.Expr) conjunct {
	p := conjunct{expr: c.where.part(e)}
	offset := offsetOf(c.where.checked.SourceInfo(), e.ID())
	visit(e, func(x ast.Expr) {
		// An operator stands between its operands: the first of all begins the part.
		if o := offsetOf(c.where.checked.SourceInfo(), x.ID()); o > 0 || x.Kind() == ast.IdentKind {
			offset = min(offset, o)
		}
	})
	line, _ := c.at.PosAt(offset)
	p.at = fmt.Sprintf("%s:%d", c.at.File().Name(), line)
	p.join = slices.ContainsFunc(p.reads, func(r rete.Ref) bool { return r.Name != c.as })
	if c.kind == "match" {
		p.field, p.other = p.textJoin(c.as)
	}
	return p
}

// textJoin recognises self.f == e, where both are texts and e does not read self.
func (e *expr) textJoin(self string) (string, *expr) {
	name, args := call(e.checked.Expr())
	if name != "_==_" || len(args) != 2 {
		return "", nil
	}
	for i, a := range args {
		operand, field, ok := selection(a)
		if !ok || operand != self {
			continue
		}
		other := e.part(args[1-i])
		t := e.scope.fieldType(self, field)
		reads := slices.ContainsFunc(other.reads, func(r rete.Ref) bool { return r.Name == self })
		if t != nil && t.Kind() == types.StringKind && other.out.Kind() == types.StringKind && !reads {
			return field, other
		}
	}
	return "", nil
}

// placeOf is where a node stands, as file:line.
func placeOf(n strictyaml.Node) string {
	if n.IsZero() {
		return ""
	}
	line, _ := n.Pos()
	return fmt.Sprintf("%s:%d", n.File().Name(), line)
}

// trial is a scene with a fact that is tried, without a copy.
type trial struct {
	*scene
	as   string
	fact rete.Fact
}

// Fact finds a bound fact, the tried one first.
func (t trial) Fact(name string) (rete.Fact, bool) {
	if name == t.as {
		return t.fact, true
	}
	return t.scene.Fact(name)
}

// holds reports whether all parts of a condition hold; an error is no.
func holds(parts []conjunct, b bindings) bool {
	for _, p := range parts {
		if yes, err := p.test(b); err != nil || !yes {
			return false
		}
	}
	return true
}

// candidates are the facts that a pattern must be tried with.
func (x *explainer) candidates(c *condition, at *scene) []rete.Fact {
	if h, pinned := x.fixed[c.as]; pinned && c.as != "" {
		f, ok := x.session.memory.Get(h)
		if !ok || f.Type() != c.typ.name {
			return nil
		}
		return []rete.Fact{f}
	}
	for _, p := range x.session.set.conjunctsOf(c) {
		if p.other == nil {
			continue
		}
		// What cannot be computed lets nothing through, and the scan finds that out too.
		if v, err := p.other.value(at); err == nil {
			if text, ok := v.(string); ok {
				return x.byText(c.typ.name, p.field, text)
			}
		}
	}
	return x.factsOf(c.typ.name)
}

// ways calls yield for every way in which a condition holds, until it says false.
func (x *explainer) ways(c *condition, at *scene, yield func(*scene) bool) bool {
	switch c.kind {
	case "match":
		parts := x.session.set.conjunctsOf(c)
		for _, f := range x.candidates(c, at) {
			if holds(parts, trial{at, c.as, f}) && !yield(at.withFact(c.as, f)) {
				return false
			}
		}
		return true
	case "not":
		return x.with(nil).first(c.inner[0], at) != nil || yield(at)
	case "exists", "requires":
		return x.with(nil).first(c.inner[0], at) == nil || yield(at)
	case "forall":
		return len(x.with(nil).exceptions(c, at, 1)) > 0 || yield(at)
	case "any":
		for i, branch := range c.inner {
			more := x.all(branch, at, func(s *scene) bool { return yield(s.withValue(branchOf(c), i)) })
			if !more {
				return false
			}
		}
		return true
	case "let":
		v, err := c.value.value(at)
		return err != nil || yield(at.withValue(c.name, v))
	case "test":
		return !holds(x.session.set.conjunctsOf(c), at) || yield(at)
	case "accumulate":
		return x.accumulated(c, at, yield)
	}
	return x.rows(c.table, at, yield)
}

// branchOf is the hidden value that tells which branch of an any holds.
func branchOf(c *condition) string { return fmt.Sprintf("branch of %p", c) }

// all calls yield for every way to satisfy a list of conditions, until it says false.
func (x *explainer) all(list []*condition, at *scene, yield func(*scene) bool) bool {
	if len(list) == 0 {
		return yield(at)
	}
	return x.ways(list[0], at, func(s *scene) bool { return x.all(list[1:], s, yield) })
}

// first is a way to satisfy a list; nil if there is none.
func (x *explainer) first(list []*condition, at *scene) *scene {
	var found *scene
	x.all(list, at, func(s *scene) bool { found = s; return false })
	return found
}

// exceptions are the facts of a forall for which the rest does not hold, at most n.
func (x *explainer) exceptions(c *condition, at *scene, n int) []*scene {
	var out []*scene
	x.all(c.inner[0], at, func(s *scene) bool {
		if x.first(c.inner[1], s) == nil {
			out = append(out, s)
		}
		return len(out) < n
	})
	return out
}

// groups are the groups of an accumulate with their results; those of which an
// aggregate comes to nothing are left out.
func (x *explainer) groups(c *condition, at *scene) []*scene {
	var out []*scene
	n := &naive{session: x.session, note: func(spot, bool) {}}
	// Without its where, which whoever asks tests by itself.
	bare := *c
	bare.where = nil
	n.each = func(list []*condition, at *scene, found func(*scene)) {
		x.with(nil).all(list, at, func(s *scene) bool { found(s); return true })
	}
	n.accumulate(&bare, at, func(s *scene) { out = append(out, s) })
	return out
}

// accumulated goes on with every group that passes the condition's where.
func (x *explainer) accumulated(c *condition, at *scene, yield func(*scene) bool) bool {
	parts := x.session.set.conjunctsOf(c)
	for _, s := range x.groups(c, at) {
		if holds(parts, s) && !yield(s) {
			return false
		}
	}
	return true
}

// rows goes on with the rows of a table that are hit.
func (x *explainer) rows(t *table, at *scene, yield func(*scene) bool) bool {
	n := &naive{session: x.session, note: func(spot, bool) {}}
	more := true
	n.table(&condition{kind: "table", table: t}, at, func(s *scene) { more = more && yield(s) })
	return more
}

// trail is how far a list of conditions is satisfied.
type trail struct {
	counts []int      // combinations that come to each condition, and to the end
	given  [][]*scene // the first of them
	path   []*scene   // of the first complete way: before each condition, and at the end
	done   bool
}

// maxGiven is how many combinations are kept of each condition.
const maxGiven = 20

// follow goes through a list of conditions up to the first complete way. Without one
// it has seen all there is.
func (x *explainer) follow(list []*condition, at *scene) *trail {
	t := &trail{counts: make([]int, len(list)+1), given: make([][]*scene, len(list)+1)}
	x.step(list, 0, at, t)
	return t
}

// step comes to a condition; false ends the walk.
func (x *explainer) step(list []*condition, i int, at *scene, t *trail) bool {
	t.counts[i]++
	if len(t.given[i]) < maxGiven {
		t.given[i] = append(t.given[i], at)
	}
	t.path = append(t.path[:i], at)
	if i == len(list) {
		t.done = true
		return false
	}
	return x.ways(list[i], at, func(s *scene) bool { return x.step(list, i+1, s, t) })
}

// last is the condition at which the trail ends.
func (t *trail) last() int {
	for i, n := range t.counts {
		if n == 0 {
			return i - 1
		}
	}
	return len(t.counts) - 1
}

// folded is a text on one line.
func folded(text string) string { return strings.Join(strings.Fields(text), " ") }
