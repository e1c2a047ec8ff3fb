package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/rete"
)

// maxPairs bounds how many pairs of rules are looked at: ten thousand rules about one
// type are fifty million pairs.
const maxPairs = 200_000

// conflicting are actions that cannot both be done to one resource: what is gone or
// stands still needs no other size, no commitment and no schedule.
var conflicting = map[string][]string{
	"delete": {"resize", "upgrade", "purchase", "migrate", "schedule", "tier", "start"},
	"stop":   {"resize", "upgrade", "purchase", "migrate", "start"},
}

// conclusion is what a rule recommends about its subject.
type conclusion struct {
	rule     *Rule
	action   string
	resource string // the field of the subject that is the resource
	variant  string
}

// conclusions are the rules that recommend something about a field of their
// subject, by the subject's type.
func (l *linter) conclusions() map[string][]conclusion {
	out := map[string][]conclusion{}
	for _, r := range l.set.rules {
		t := patternsOf(r.when)[r.Subject]
		if t == nil || !r.Enabled {
			continue
		}
		for _, item := range childOf(r.node, "then").Items() {
			rec := childOf(item, "recommend")
			field, ok := strings.CutPrefix(childOf(rec, "resource").Text(), r.Subject+".")
			if ok && isIdent(field) {
				out[t.name] = append(out[t.name], conclusion{r, childOf(rec, "action").Text(), field, childOf(rec, "variant").Text()})
			}
		}
	}
	return out
}

// pairs calls do for each two conclusions about one type of subject.
func (l *linter) pairs(do func(a, b conclusion)) {
	n := 0
	all := l.conclusions()
	for _, t := range sortedKeys(all) {
		list := all[t]
		for i, a := range list {
			for _, b := range list[i+1:] {
				if n++; n > maxPairs || l.ctx.Err() != nil {
					return
				}
				if a.rule != b.rule && a.resource == b.resource {
					do(a, b)
				}
			}
		}
	}
}

// shadowed finds rules whose conclusion another one draws whenever they do.
func (l *linter) shadowed() {
	l.pairs(func(a, b conclusion) {
		if a.action != b.action || a.variant != b.variant {
			return
		}
		switch {
		case a.rule.Priority >= b.rule.Priority && implies(b.rule, a.rule):
			l.tellShadow(b.rule, a.rule)
		case b.rule.Priority >= a.rule.Priority && implies(a.rule, b.rule):
			l.tellShadow(a.rule, b.rule)
		}
	})
}

func (l *linter) tellShadow(inner, outer *Rule) {
	l.warn(inner.node, "whenever %s fires, %s concludes the same", inner.ID, outer.ID).WithHint("remove it, or narrow %s", outer.ID)
}

// implies reports whether it is proved that wherever the one rule fires the other
// does: each of the other's conditions stands in the one as well, or is a pattern of
// the subject whose every conjunct follows.
func implies(one, other *Rule) bool {
	if len(other.evidence) > 0 || other.options() {
		return false
	}
	theirs := map[string]bool{}
	for _, c := range one.when {
		theirs[inSubject(c, one)] = true
	}
	for _, c := range other.when {
		if !theirs[inSubject(c, other)] && !(c.kind == "match" && c.as == other.Subject && follows(one, c, other)) {
			return false
		}
	}
	return true
}

// options reports whether a rule has other reasons to be silent than its conditions.
func (r *Rule) options() bool {
	for _, k := range []string{"effective", "group", "exclusive", "no_loop"} {
		if !childOf(r.node, k).IsZero() {
			return true
		}
	}
	return false
}

// inSubject is a condition as it was written, with the subject under one name.
func inSubject(c *condition, r *Rule) string {
	return fmt.Sprint(r.params(c)) + renamed(show(c.node.Plain()), r.Subject, "subject")
}

// params are the values of the parameters that a condition reads: of one text they
// may make two conditions.
func (r *Rule) params(c *condition) []string {
	var out []string
	for _, e := range c.expressions() {
		if len(e.params) > 0 {
			out = append(out, e.label())
		}
	}
	return out
}

// renamed writes a text with another word for one.
func renamed(text, from, to string) string {
	return wordOf(from).ReplaceAllString(text, to)
}

// follows reports whether all conjuncts of a pattern of the other's subject follow
// from what the one says of its own.
func follows(one *Rule, c *condition, other *Rule) bool {
	if c.where == nil {
		return true
	}
	known := formulasOf(one.when)
	types := typesOf(patternsOf(one.when))
	for _, x := range conjuncts(c.where.checked.Expr()) {
		f := formulaOf(closures{c.where}, x)
		if f == nil || f.joins() {
			return false
		}
		// It follows if it cannot be other than true beside them: neither false nor
		// without an answer.
		not := &formula{op: "untrue", parts: []*formula{f.about(other.Subject, one.Subject)}}
		if none(append(slices.Clone(known), stated{formula: not}), types) == nil {
			return false
		}
	}
	return true
}

// about is the formula with another name for a fact.
func (f *formula) about(from, to string) *formula {
	out := *f
	if out.a.name == from {
		out.a.name = to
	}
	if out.b.name == from {
		out.b.name = to
	}
	out.parts = nil
	for _, p := range f.parts {
		out.parts = append(out.parts, p.about(from, to))
	}
	return &out
}

// contradictions finds two rules that recommend what cannot both be done, and proves
// it by facts for which both fire.
func (l *linter) contradictions() {
	l.pairs(func(a, b conclusion) {
		if !slices.Contains(conflicting[a.action], b.action) && !slices.Contains(conflicting[b.action], a.action) {
			return
		}
		if facts := l.witness(a.rule, b.rule); facts != nil {
			l.warn(b.rule.node, "%s would %s what %s would %s, as for %s", b.rule.ID, b.action, a.rule.ID, a.action, strings.Join(facts, ", "))
		}
	})
}

// witness makes facts of values for which the conditions of both rules hold, and
// gives them if both rules do fire for one resource; nil otherwise.
func (l *linter) witness(a, b *Rule) []string {
	formulas := formulasOf(a.when, a.evidence)
	patterns := patternsOf(a.when, a.evidence)
	for _, s := range formulasOf(b.when, b.evidence) {
		formulas = append(formulas, stated{formula: s.prefixed("b ").about("b "+b.Subject, a.Subject)})
	}
	for as, t := range patternsOf(b.when, b.evidence) {
		if as != b.Subject {
			patterns["b "+as] = t
		}
	}
	p := &problem{typeOf: typesOf(patterns)}
	for _, s := range formulas {
		p.formulas = append(p.formulas, s.formula)
	}
	values, _ := p.solve()
	if values == nil {
		return nil
	}
	facts := factsOf(patterns, values)
	if !l.bothFire(a, b, facts) {
		return nil
	}
	var out []string
	for _, f := range facts {
		out = append(out, f.String())
	}
	return out
}

// prefixed is the formula with a prefix to all names.
func (f *formula) prefixed(prefix string) *formula {
	out := *f
	if out.a.name != "" {
		out.a.name = prefix + out.a.name
	}
	if out.b.name != "" {
		out.b.name = prefix + out.b.name
	}
	out.parts = nil
	for _, p := range f.parts {
		out.parts = append(out.parts, p.prefixed(prefix))
	}
	return &out
}

// factsOf makes a fact of each pattern: the values that were found, and some value
// for each other field that a fact must have. Facts of one key are one.
func factsOf(patterns map[string]*factType, values assignment) []testFact {
	var out []testFact
	for _, as := range sortedKeys(patterns) {
		t := patterns[as]
		f := testFact{typ: t.name, fields: rete.Fields{}}
		for _, field := range t.fields {
			v, known := values[variable{as, field.name}]
			switch {
			case known && v != rete.Absent:
				f.fields[field.name] = v
			case !known && (!field.typ.optional || regionalKind(field.typ)):
				f.fields[field.name] = field.typ.some()
			}
		}
		out = merged(out, t, f)
	}
	return out
}

// regionalKind reports whether a field has a value that is easily made up.
func regionalKind(t valueType) bool { return t.kind >= kindBool && t.kind <= kindDuration }

// some is a value of a type.
func (t valueType) some() any {
	switch t.kind {
	case kindList:
		return []any{}
	case kindMap:
		return map[string]any{}
	case kindBytes:
		return []byte{}
	case kindDyn:
		return int64(1)
	}
	return t.samples(nil)[0]
}

// merged adds a fact; one with the key of another completes it.
func merged(all []testFact, t *factType, f testFact) []testFact {
	for _, o := range all {
		same := o.typ == f.typ && len(t.key) > 0
		for _, k := range t.key {
			same = same && keyOf(o.fields[k]) == keyOf(f.fields[k])
		}
		if same {
			for k, v := range f.fields {
				o.fields[k] = v
			}
			return all
		}
	}
	return append(all, f)
}

// bothFire runs the rules on facts and reports whether both conclude something about
// one resource.
func (l *linter) bothFire(a, b *Rule, facts []testFact) bool {
	session, err := l.set.NewSession(SessionOptions{MaxFirings: 10_000})
	if err != nil {
		return false
	}
	for _, f := range facts {
		if session.Assert(f.typ, f.fields) != nil {
			return false
		}
	}
	out, err := session.Run(l.ctx)
	if err != nil {
		return false
	}
	by := map[string]map[string]bool{}
	for _, c := range out.Recommendations {
		for _, r := range c.Reasons {
			if by[c.Resource] == nil {
				by[c.Resource] = map[string]bool{}
			}
			by[c.Resource][r.Rule] = true
		}
	}
	for _, rules := range by {
		if rules[a.ID] && rules[b.ID] {
			return true
		}
	}
	return false
}
