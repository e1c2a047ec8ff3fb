package rule

import (
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

var (
	recommendKeys = recommendMapping.Names()
	assignKeys    = assignMapping.Names()
)

// recommend compiles the conclusion that this project is about. Its identity is
// action, resource and variant; the rest words it.
//
// Its key has no place for rule, amount or date: what is proposed stays the same
// proposal when the price changes, the rule is reworded, or a second rule finds it
// too. That is what keeps one ticket one ticket.
func (b *builder) recommend(n strictyaml.Node) *step {
	fs := n.Fields(recommendKeys...)
	if n.Kind() != strictyaml.Mapping {
		if n.Kind() == strictyaml.Null {
			n.Errorf("recommend needs at least action and resource")
		}
		return nil
	}
	b.rule.derives[recommendationType] = true
	action := b.actionOf(fs)
	s := &step{}
	t := b.c.types[recommendationType]
	fs.Need("resource")
	for _, name := range fs.Names() {
		if typ, ok := t.field(name); ok && name != "action" {
			if set, ok := b.setting(name, fs.Get(name), typ); ok {
				s.sets = append(s.sets, set)
				if name == "resource" {
					b.rule.resources = append(b.rule.resources, set.e)
				}
			}
		}
	}
	as, copied := b.copied(fs)
	for _, field := range copied {
		s.reads = append(s.reads, rete.Ref{Name: as, Field: field})
	}
	defaults := b.defaults()
	s.prepare = func(f *rete.Firing, v rete.Fields) {
		for k, text := range defaults {
			v[k] = text
		}
		v["action"] = action
		fact, _ := f.Fact(as)
		for _, field := range copied {
			if x, ok := fact.Get(field); ok {
				v[field] = x
			}
		}
	}
	s.apply = func(f *rete.Firing, v rete.Fields) error { _, err := f.Derive(recommendationType, v); return err }
	return s
}

// actionOf reads the action, which is no expression: it is part of keys, labels and
// statistics, and must be known before anything runs.
func (b *builder) actionOf(fs strictyaml.Fields) string {
	n := fs.Need("action")
	action := n.Text()
	if action != "" && !actionName.MatchString(action) {
		n.Errorf("%q cannot be an action: a word in small letters, not an expression", action)
	}
	if action != "" {
		b.rule.Actions = append(b.rule.Actions, action)
	}
	return action
}

// defaults are the rule's own words for what the recommendation does not say.
func (b *builder) defaults() map[string]string {
	out := map[string]string{"variant": ""}
	for k, v := range map[string]string{"title": b.rule.Title, "doc": b.rule.Doc, "runbook": b.rule.Runbook} {
		if v != "" {
			out[k] = v
		}
	}
	return out
}

// copied tells which fields are taken over from the subject: those that
// recommendations and the subject's type have alike and that the author does not
// give.
//
// A field of the same name and another type is left alone: a tag list is no tag map,
// and an author who wants it says so.
func (b *builder) copied(fs strictyaml.Fields) (as string, fields []string) {
	as = b.rule.Subject
	t := b.patterns[as]
	if fs.Has("subject") {
		as, t = b.bound(fs.Get("subject"))
	}
	if t == nil {
		return "", nil
	}
	for _, f := range subjectFields {
		want, err := parseType(f.Type)
		typ, ok := t.field(f.Name)
		if err == nil && ok && !fs.Has(f.Name) && typ.present().String() == want.present().String() {
			fields = append(fields, f.Name)
		}
	}
	return as, fields
}

// assign compiles where a recommendation goes.
func (b *builder) assign(n strictyaml.Node) *step {
	fs := n.Fields(assignKeys...)
	as, t := b.bound(fs.Need("recommendation"))
	if t != nil && t.name != "" && t.name != recommendationType {
		fs.Get("recommendation").Errorf("%s is a %s, not a %s", as, t.name, recommendationType)
	}
	b.rule.derives[assignmentType] = true
	s, given := &step{}, 0
	for _, name := range fs.Names() {
		if typ, ok := b.c.types[assignmentType].field(name); ok {
			given++
			if set, ok := b.setting(name, fs.Get(name), typ); ok {
				s.sets = append(s.sets, set)
			}
		}
	}
	if n.Kind() == strictyaml.Mapping && given == 0 {
		n.Errorf("assign needs at least one of owner, board, priority, labels")
	}
	identity := []string{"action", "resource", "variant"}
	for _, k := range identity {
		s.reads = append(s.reads, rete.Ref{Name: as, Field: k})
	}
	s.prepare = func(f *rete.Firing, v rete.Fields) {
		fact, _ := f.Fact(as)
		for _, k := range identity {
			v[k], _ = fact.Get(k)
		}
	}
	s.apply = func(f *rete.Firing, v rete.Fields) error { _, err := f.Derive(assignmentType, v); return err }
	return s
}
