package rule

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/rete"
)

// words are a condition as it is written, on one line.
func (c *condition) words() string {
	switch c.kind {
	case "match":
		return c.pattern()
	case "not", "exists", "requires":
		return c.kind + " " + wordsOf(c.inner[0])
	case "forall":
		return "forall " + wordsOf(c.inner[0]) + " satisfy " + wordsOf(c.inner[1])
	case "any":
		var branches []string
		for _, b := range c.inner {
			branches = append(branches, wordsOf(b))
		}
		return "any of " + strings.Join(branches, " or ")
	case "let":
		return "let " + c.name + " = " + folded(c.value.text)
	case "accumulate":
		return c.aggregation()
	case "table":
		return "table"
	}
	return "test " + folded(c.where.text)
}

// pattern is a match as it is written.
func (c *condition) pattern() string {
	text := "match " + c.typ.name
	if c.as != "" {
		text += " as " + c.as
	}
	if c.where != nil {
		text += " where " + folded(c.where.text)
	}
	return text
}

// aggregation is an accumulate as it is written.
func (c *condition) aggregation() string {
	text := "accumulate " + wordsOf(c.inner[0])
	for _, g := range c.groups {
		text += " by " + g.name + " = " + folded(g.of.text)
	}
	for _, a := range c.aggregates {
		text += " let " + a.name + " = " + a.op.String() + " of " + folded(a.of.text)
		if a.when != nil {
			text += " if " + folded(a.when.text)
		}
	}
	if c.where != nil {
		text += " where " + folded(c.where.text)
	}
	return text
}

// wordsOf are several conditions on one line.
func wordsOf(list []*condition) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, c.words())
	}
	return "{" + strings.Join(parts, "; ") + "}"
}

// look evaluates a conjunct and keeps what it saw.
func (c conjunct) look(b bindings) TestSeen { return c.expr.look(b, c.at) }

// look evaluates a test and keeps what it saw.
func (e *expr) look(b bindings, place string) TestSeen {
	t := TestSeen{Place: place, Test: folded(e.text), Values: seen(e, b)}
	yes, err := e.test(b)
	t.Holds = err == nil && yes
	// An absent field is an answer, told by its value; anything else is a fault.
	if err != nil && !errors.Is(err, rete.ErrAbsent) {
		t.Error = err.Error()
	}
	t.With = substituted(e, t.Values)
	return t
}

// seen are the fields, values and parameters that an expression reads.
func seen(e *expr, b bindings) []Value {
	var out []Value
	for _, r := range e.reads {
		if f, is := b.Fact(r.Name); is && r.Field != "" {
			v, there := f.Get(r.Field)
			out = append(out, newValue(r.Name+"."+r.Field, v, there))
			continue
		}
		v, there := b.Value(r.Name)
		out = append(out, newValue(r.Name, v, there))
	}
	for _, p := range e.params {
		v, there := e.scope.params.get(p)
		out = append(out, newValue("params."+p, v, there))
	}
	if e.timed {
		out = append(out, newValue("now", b.Now(), true))
	}
	return out
}

// newValue is a value for readers.
func newValue(name string, v any, there bool) Value {
	if !there || v == rete.Absent {
		return Value{Name: name, Absent: true, shown: "absent"}
	}
	return Value{Name: name, Value: jsonValue(v), shown: show(v)}
}

// valueOf is a value that is bound.
func valueOf(name string, b bindings) Value {
	v, there := b.Value(name)
	return newValue(name, v, there)
}

// text is the value as a line has room for it.
func (v Value) text() string { return shortened(v.shown) }

// shortened cuts what nobody would read to its end; the data have all of it.
func shortened(text string) string {
	const most = 100
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// nameOrText finds names with their fields, and texts in quotes, which are to be left
// alone.
var nameOrText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\pL_][\pL\pN_]*(?:\.[\pL_][\pL\pN_]*)*\(?`)

// substituted is a test with values for names; "" where a value is no scalar, or where
// it matters whether there is one.
func substituted(e *expr, values []Value) string {
	text := folded(e.text)
	if e.loops || strings.Contains(text, "has(") || strings.Contains(text, ".?") || strings.Contains(text, "[?") {
		return ""
	}
	whole := true
	var out strings.Builder
	end := 0
	for _, at := range nameOrText.FindAllStringIndex(text, -1) {
		word := text[at[0]:at[1]]
		out.WriteString(text[end:at[0]])
		end = at[1]
		if at[0] == 0 || text[at[0]-1] != '.' {
			with, ok := inPlaceOf(word, values)
			word, whole = with, whole && ok
		}
		out.WriteString(word)
	}
	out.WriteString(text[end:])
	if !whole || len(values) == 0 {
		return ""
	}
	return shortened(out.String())
}

// inPlaceOf puts a value in place of a name; ok is false where that cannot be done.
func inPlaceOf(word string, values []Value) (text string, ok bool) {
	for _, v := range values {
		rest, is := strings.CutPrefix(word, v.Name)
		if !is || rest != "" && rest[0] != '.' {
			continue
		}
		if _, isMap := v.Value.(map[string]any); isMap {
			return within(v.Value, rest)
		}
		_, isList := v.Value.([]any)
		return v.shown + rest, !isList && (!v.Absent || rest == "")
	}
	return word, true
}

// within follows a path into a map, and writes the scalar that is there.
func within(v any, path string) (text string, ok bool) {
	for path != "" {
		m, isMap := v.(map[string]any)
		key, rest, more := strings.Cut(strings.TrimPrefix(path, "."), ".")
		if v, ok = m[key]; !isMap || !ok {
			return "", false
		}
		if path = ""; more {
			path = "." + rest
		}
	}
	switch v.(type) {
	case map[string]any, []any:
		return "", false
	}
	return show(v), true
}

// readsByName are the fields that a rule reads anywhere, by the name of the pattern.
func (r *Rule) readsByName() map[string][]string {
	out := map[string][]string{}
	note := func(refs []rete.Ref) {
		for _, ref := range refs {
			if ref.Field != "" && !slices.Contains(out[ref.Name], ref.Field) {
				out[ref.Name] = append(out[ref.Name], ref.Field)
			}
		}
	}
	for _, list := range [][]*condition{r.when, r.evidence} {
		walk(list, false, func(c *condition, _ bool) {
			for _, e := range c.expressions() {
				note(e.reads)
			}
		})
	}
	for _, p := range r.productions {
		note(p.Reads)
	}
	return out
}

// shown is a fact for readers: the fields of its key, those that the rule reads, and
// others that are asked for. One without a key is told by all of its fields.
func (x *explainer) shown(as string, f rete.Fact, more ...string) ShownFact {
	out := ShownFact{As: as, Type: f.Type(), Fields: map[string]any{}, Derived: f.Derived()}
	names := more
	if as != "" {
		names = append(slices.Clone(x.reads[as]), more...)
	}
	if t := x.session.set.types[f.Type()]; t != nil {
		names = append(slices.Clone(t.key), names...)
		if len(t.key) == 0 {
			names = t.fieldNames()
		}
	}
	var parts []string
	for _, name := range names {
		v, there := f.Get(name)
		if _, has := out.Fields[name]; there && !has {
			out.Fields[name] = jsonValue(v)
			parts = append(parts, name+": "+shortened(show(v)))
		}
	}
	out.shown = strings.Join(parts, ", ")
	return out
}

// fieldsText writes the fields of a fact.
func (f ShownFact) fieldsText() string { return "{" + f.shown + "}" }

// bound are the facts that a scene binds after the first n, with their reasons.
func (x *explainer) bound(s *scene, n int) []ShownFact {
	var out []ShownFact
	for _, f := range s.order[n:] {
		out = append(out, x.because(s.nameOf(f), f))
	}
	return out
}

// nameOf is the name of a fact that the scene binds; "" for one without.
func (s *scene) nameOf(f rete.Fact) string {
	for _, name := range sortedKeys(s.facts) {
		if s.facts[name].Handle() == f.Handle() {
			return name
		}
	}
	return ""
}

// maxDeep is how deep the reasons of derived facts are told.
const maxDeep = 20

// because is a fact with its reasons, if it is derived: the tree of what it rests on.
func (x *explainer) because(as string, f rete.Fact) ShownFact {
	out := x.shown(as, f)
	if f.Derived() {
		x.reasons(&out, x.session.memory.Why(f.Handle()), 0)
	}
	return out
}

// reasons adds what a derived fact rests on. A fact that the tree explains at another
// place is named and no more: two that rest on one another end there.
func (x *explainer) reasons(to *ShownFact, j *rete.Justification, deep int) {
	if j.Again || deep == maxDeep {
		to.Again = true
		return
	}
	for _, r := range j.Reasons {
		b := Because{Rule: ruleOf(r.Production), Priority: r.Priority >> priorityBits}
		var reads map[string][]string
		if rule, ok := x.session.set.Rule(b.Rule); ok {
			b.Version, reads = rule.Hash, rule.readsByName()
		}
		for _, under := range r.Because {
			name := nameIn(r.Bind, under.Fact)
			fact := x.shown("", under.Fact, reads[name]...)
			fact.As = name
			if under.Fact.Derived() {
				x.reasons(&fact, under, deep+1)
			}
			b.Facts = append(b.Facts, fact)
		}
		to.Because = append(to.Because, b)
	}
}

// nameIn is the name that a match has for a fact.
func nameIn(bind rete.Bind, f rete.Fact) string {
	for _, name := range sortedKeys(bind) {
		if bind[name] == f.Handle() {
			return name
		}
	}
	return ""
}
