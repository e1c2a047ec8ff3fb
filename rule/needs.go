package rule

import (
	"cmp"
	"slices"
	"strings"
)

// Need is a field that a rule cannot do without: a condition reads it and does not
// ask first whether it is there.
type Need struct{ Type, Field string }

// Needs are the optional fields that the rule's conditions read of facts that must
// be there, sorted. A source whose table lacks the column gives none of them, and
// the rule is then not evaluable rather than silent.
func (r *Rule) Needs() []Need { return slices.Clone(r.needs) }

// findNeeds collects the fields that conditions read without asking. Branches of any
// and what is negated can do without.
func findNeeds(lists ...[]*condition) []Need {
	var out []Need
	for _, list := range lists {
		bound := map[string]*factType{}
		for _, c := range list {
			if c.kind == "match" && c.as != "" {
				bound[c.as] = c.typ
			}
			if c.kind != "match" && c.kind != "test" && c.kind != "let" {
				continue
			}
			for _, e := range c.expressions() {
				out = append(out, e.needs(bound)...)
			}
		}
	}
	slices.SortFunc(out, func(a, b Need) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Field, b.Field)) })
	return slices.Compact(out)
}

// needs are the optional fields of bound facts that every conjunct reads without a
// guard: what stands beside || may be true without them.
func (e *expr) needs(bound map[string]*factType) []Need {
	var out []Need
	parts := conjuncts(e.checked.Expr())
	guarded := guards(parts)
	for _, p := range parts {
		if name, _ := call(p); name == "_||_" || name == "_?_:_" {
			continue
		}
		for _, ref := range readsOf(p, e.scope).refs {
			t := bound[ref.Name]
			if t == nil || ref.Field == "" || guarded[ref.Name+"."+ref.Field] || e.asksOptionally(ref.Name, ref.Field) {
				continue
			}
			if typ, ok := t.field(ref.Field); ok && typ.optional {
				out = append(out, Need{t.name, ref.Field})
			}
		}
	}
	return out
}

// asksOptionally reports whether the text reads a field as x.?f.
func (e *expr) asksOptionally(as, field string) bool {
	return strings.Contains(e.text, as+".?"+field)
}

// notEvaluable tells of every rule that needs a field which no fact of the type
// has, although there are some.
func (s *Session) notEvaluable() map[string]string {
	out := map[string]string{}
	seen := map[string]map[string]bool{}
	for _, r := range s.set.rules {
		if !r.Enabled {
			continue
		}
		for _, need := range r.needs {
			if _, known := seen[need.Type]; !known {
				seen[need.Type] = s.fieldsOf(need.Type)
			}
			if fields := seen[need.Type]; fields != nil && !fields[need.Field] {
				out[r.ID] = "no " + need.Type + " has " + need.Field
				break
			}
		}
	}
	return out
}

// fieldsOf are the fields that some fact of a type has; nil without facts.
func (s *Session) fieldsOf(typ string) map[string]bool {
	t := s.set.types[typ]
	var fields map[string]bool
	for f := range s.memory.FactsOf(typ) {
		if fields == nil {
			fields = map[string]bool{}
		}
		for _, field := range t.fields {
			if !fields[field.name] {
				_, fields[field.name] = f.Get(field.name)
			}
		}
		if complete(t, fields) {
			break
		}
	}
	return fields
}

// complete reports whether every field of a type was seen.
func complete(t *factType, fields map[string]bool) bool {
	return !slices.ContainsFunc(t.fields, func(f factField) bool { return !fields[f.name] })
}
