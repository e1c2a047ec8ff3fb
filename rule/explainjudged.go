package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// pin is a pattern at the top of a rule with a fact of the resource in question.
type pin struct {
	as   string
	fact rete.Fact
}

// fixed is what the pin binds; nil for none.
func (p pin) fixed() map[string]rete.Handle {
	if p.as == "" {
		return nil
	}
	return map[string]rete.Handle{p.as: p.fact.Handle()}
}

// topPatterns are the patterns that a match binds by name, in the order of the text.
func (r *Rule) topPatterns() []*condition {
	var out []*condition
	var collect func(list []*condition)
	collect = func(list []*condition) {
		for _, c := range list {
			if c.kind == "match" && c.as != "" {
				out = append(out, c)
			}
			for _, branch := range c.inner {
				if c.kind == "any" {
					collect(branch)
				}
			}
		}
	}
	collect(r.when)
	return out
}

// judged are the facts of a rule's subject that are the resource: those for which its
// recommendation names it, or those whose key it is.
//
// A rule without a subject judges the first of its patterns that has such a fact.
func (x *explainer) judged(r *Rule, resource string) []pin {
	patterns := r.topPatterns()
	var pins []pin
	for _, c := range patterns {
		for _, e := range r.resources {
			if e.readsOnly(c.as) {
				pins = append(pins, x.computed(c, e, resource)...)
			}
		}
	}
	for _, c := range patterns {
		if len(pins) > 0 {
			break
		}
		if c.as == r.Subject || r.Subject == "" && !r.namesOne() {
			pins = x.keyed(c, resource)
		}
	}
	return distinctPins(pins)
}

// distinctPins drops repetitions: two actions may name one resource alike.
func distinctPins(pins []pin) []pin {
	var out []pin
	for _, p := range pins {
		if !slices.ContainsFunc(out, func(o pin) bool { return o.as == p.as && o.fact.Handle() == p.fact.Handle() }) {
			out = append(out, p)
		}
	}
	return out[:min(len(out), maxGiven)]
}

// namesOne reports whether some action computes the resource from one fact.
func (r *Rule) namesOne() bool {
	return slices.ContainsFunc(r.topPatterns(), func(c *condition) bool {
		return slices.ContainsFunc(r.resources, func(e *expr) bool { return e.readsOnly(c.as) })
	})
}

// anywhere reports whether the resource may come from anything that is bound, so that
// only a whole match can tell.
func (r *Rule) anywhere() bool { return len(r.resources) > 0 && !r.namesOne() }

// readsOnly reports whether an expression can be computed from one name.
func (e *expr) readsOnly(as string) bool {
	return len(e.reads) > 0 && !slices.ContainsFunc(e.reads, func(r rete.Ref) bool { return r.Name != as })
}

// computed are the facts of a pattern for which an expression gives the resource.
func (x *explainer) computed(c *condition, e *expr, resource string) []pin {
	var out []pin
	if _, field, ok := selection(e.checked.Expr()); ok {
		for _, f := range x.byResource(c.typ.name, field, resource) {
			out = append(out, pin{c.as, f})
		}
		return out
	}
	nothing := newScene(x.session.memory.Now())
	for _, f := range x.factsOf(c.typ.name) {
		if v, err := e.value(trial{nothing, c.as, f}); err == nil && isResource(v, resource) {
			out = append(out, pin{c.as, f})
		}
	}
	return out
}

// isResource reports whether a value names a resource, however it is spelled.
func isResource(v any, resource string) bool {
	text, ok := v.(string)
	return ok && trimtab.CanonicalResource(text) == trimtab.CanonicalResource(resource)
}

// keyed are the facts of a pattern that the resource is the key of.
func (x *explainer) keyed(c *condition, resource string) []pin {
	for _, field := range c.typ.identity() {
		var out []pin
		for _, f := range x.byResource(c.typ.name, field, resource) {
			out = append(out, pin{c.as, f})
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// identity are the fields that may hold a resource's name, the likeliest first: a
// snapshot has an id, and in resource the disk that it is of.
func (t *factType) identity() []string {
	var out []string
	for _, name := range append([]string{"id", "resource", "resource_id"}, t.key...) {
		if typ, ok := t.field(name); ok && typ.kind == kindString && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	// Action and variant are in a recommendation's key, and no resources.
	if t.name == recommendationType || t.name == assignmentType || t.name == unevaluableType {
		return []string{"resource"}
	}
	return out
}

// concerns reports whether a match is about the resource.
func (x *explainer) concerns(r *Rule, m rete.Matched, pins []pin, resource string) bool {
	for _, p := range pins {
		if p.as != "" && m.Bind[p.as] == p.fact.Handle() {
			return true
		}
	}
	if pins[0].as != "" {
		return false
	}
	return slices.ContainsFunc(r.resources, func(e *expr) bool {
		v, err := e.value(view{x.session, m})
		return err == nil && isResource(v, resource)
	})
}

// notThere says that none of the facts that a rule judges is the resource, and which
// resource was probably meant.
func (x *explainer) notThere(r *Rule, resource string) (says, nearest string) {
	var types, names []string
	for _, c := range r.topPatterns() {
		if c.as == r.Subject || r.Subject == "" || slices.ContainsFunc(r.resources, func(e *expr) bool { return e.readsOnly(c.as) }) {
			types = append(types, c.typ.name)
			names = append(names, x.resources(c.typ)...)
		}
	}
	slices.Sort(types)
	types = slices.Compact(types)
	if len(types) == 0 {
		return "the rule names no facts that could be a resource", ""
	}
	says = fmt.Sprintf("no %s is %s", strings.Join(types, " or "), show(resource))
	if about := x.about(resource); len(about) > 0 {
		return says + "; it is known from " + describe(about), ""
	}
	return says, strictyaml.Nearest(resource, names)
}

// resources are the names that facts of a type may be asked by.
func (x *explainer) resources(t *factType) []string {
	var out []string
	for _, field := range t.identity() {
		out = append(out, sortedKeys(x.named(t.name, field))...)
	}
	return out
}

// about are the stated facts about a resource: those of which it is an identity.
func (x *explainer) about(resource string) []rete.Fact {
	var out []rete.Fact
	for _, name := range sortedKeys(x.session.set.types) {
		if Own(name) {
			continue
		}
		for _, field := range x.session.set.types[name].identity() {
			if facts := x.byResource(name, field, resource); len(facts) > 0 {
				out = append(out, facts...)
				break
			}
		}
	}
	return out
}

// describe counts facts by type.
func describe(facts []rete.Fact) string {
	counts := map[string]int{}
	for _, f := range facts {
		counts[f.Type()]++
	}
	var parts []string
	for _, name := range sortedKeys(counts) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}

// conditions are the conditions of a rule in the order in which they are matched: the
// evidence follows the subject.
func (r *Rule) conditions() []*condition {
	if len(r.evidence) == 0 {
		return r.when
	}
	evidence := &condition{kind: "requires", node: r.evidence[0].node, inner: [][]*condition{r.evidence}}
	return slices.Concat(r.when[:r.subjectAt], []*condition{evidence}, r.when[r.subjectAt:])
}

// furthest explains, of all facts that are the resource, the one that comes furthest;
// nil if the conditions hold.
func (x *explainer) furthest(r *Rule, pins []pin) *Failure {
	var best *Failure
	for _, p := range pins {
		f := x.with(p.fixed()).fail(x.hoisted(r.conditions(), p.as), newScene(x.session.memory.Now()))
		if f == nil {
			return nil
		}
		if best == nil || f.beyond(best) {
			best = f
		}
	}
	return best
}

// beyond reports whether a failure lies further on than another.
func (f *Failure) beyond(o *Failure) bool {
	return f.At > o.At || f.At == o.At && f.depth > o.depth
}

// failedOn says how a firing of the rule failed on one of the facts in the last run;
// "" if none did.
func (s *Session) failedOn(r *Rule, pins []pin) string {
	for _, e := range s.failed {
		for _, p := range pins {
			if ruleOf(e.Production) == r.ID && e.Bind[p.as] == p.fact.Handle() && p.as != "" {
				return reasonOf(e.Err)
			}
		}
	}
	return ""
}
