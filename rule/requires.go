package rule

import (
	"maps"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// requiresSuffix names the production that a rule's requires become: it matches
// subjects without the evidence.
const requiresSuffix = "?requires"

// readRequires compiles the evidence that the rule needs about its subject.
func (b *builder) readRequires() {
	n := b.fs.Get("requires")
	if n.IsZero() {
		return
	}
	if b.rule.Subject == "" {
		b.fs.Key("requires").Errorf("requires is evidence about a subject: name the pattern with subject")
	}
	// Evidence is about the subject, so it sees what is bound there and not what the
	// rest of the rule binds.
	s := b.subjectScope
	if s == nil {
		s = b.scope // the rest of the mistakes is said all the same
	}
	if n.Kind() == strictyaml.List && len(n.Items()) == 0 {
		n.Errorf("requires needs at least one element")
	}
	if n.Kind() != strictyaml.List {
		n.Items() // says what is needed
		return
	}
	negated := b.rule.negates
	b.rule.negates = map[string]bool{}
	b.evidence, _ = b.list(n, s, place{inside: true})
	// the evidence is read, as is its absence; a rule whose evidence is missing
	// says "unknown", never too much
	maps.Copy(b.rule.reads, b.rule.negates)
	b.rule.negates = negated
	for _, item := range n.Items() {
		b.needs = append(b.needs, inWords(item))
	}
}

// inWords writes a required element for the reason of an "unknown".
func inWords(n strictyaml.Node) string {
	if n.Kind() != strictyaml.Mapping {
		return ""
	}
	words := map[string]string{}
	for _, e := range n.Entries() {
		if e.Value.Kind() == strictyaml.Scalar {
			words[e.Key.Text()] = strings.Join(strings.Fields(e.Value.Text()), " ")
		}
	}
	switch {
	case words["where"] != "":
		return words["match"] + " where " + words["where"]
	case words["match"] != "":
		return words["match"]
	case words["test"] != "":
		return words["test"]
	}
	if typ := typeIn(n); typ != "" {
		return typ + " that says enough"
	}
	return "the evidence that requires names"
}

// typeIn is the first fact type that an element mentions, however deep.
func typeIn(n strictyaml.Node) string {
	if m := childOf(n, "match"); m.Kind() == strictyaml.Scalar {
		return m.Text()
	}
	var below []strictyaml.Node
	switch n.Kind() {
	case strictyaml.Mapping:
		for _, e := range n.Entries() {
			below = append(below, e.Value)
		}
	case strictyaml.List:
		below = n.Items()
	}
	for _, b := range below {
		if typ := typeIn(b); typ != "" {
			return typ
		}
	}
	return ""
}

// unknown is the production that says of a subject without evidence that the
// rule cannot tell.
//
// It stops at the subject: the conditions after it may need the very evidence that
// is missing, and "unknown" must not depend on it. So it says unknown of a subject
// to which the rest of the rule might have said no.
func (b *builder) unknown() rete.Production {
	r := b.rule
	resource, reads := b.resourceOfSubject()
	reason := "no " + strings.Join(b.needs, ", and no ")
	when := append(b.options.inEffect(), elements(b.when[:b.subjectAt])...)
	when = append(when, rete.Not(elements(b.evidence)...))
	r.derives[unevaluableType] = true
	id := r.ID
	return rete.Production{
		ID: id + requiresSuffix, Priority: r.Priority << priorityBits, When: when, Version: b.version(), Reads: reads,
		Then: func(f *rete.Firing) error {
			res, err := resource(f)
			if err != nil {
				return err
			}
			_, err = f.Derive(unevaluableType, rete.Fields{"rule": id, "resource": res, "reason": reason})
			return err
		},
	}
}

// resourceOfSubject is how the subject's id is found: as the rule's own
// recommendation says, if that looks at nothing beyond the subject, or in the
// subject's field id or resource, or in its only key field.
//
// An unknown and a recommendation must speak of one resource by one name, or the one
// would not keep the other from being closed.
func (b *builder) resourceOfSubject() (func(*rete.Firing) (string, error), []rete.Ref) {
	if e := b.recommendedResource(); e != nil {
		return func(f *rete.Firing) (string, error) { return textOf(e, f) }, e.reads
	}
	t := b.patterns[b.rule.Subject]
	field := idField(t)
	if field == "" && t.name != "" {
		b.fs.Key("requires").Errorf("what is the resource of %s? its type %s has no field id or resource", b.rule.Subject, t.name)
		return nil, nil
	}
	as := b.rule.Subject
	return func(f *rete.Firing) (string, error) {
		fact, _ := f.Fact(as)
		v, ok := fact.Get(field)
		s, isText := v.(string)
		if !ok || !isText {
			return "", rete.ErrAbsent
		}
		return s, nil
	}, []rete.Ref{{Name: as, Field: field}}
}

// textOf computes an expression that was checked to be a text.
func textOf(e *expr, f *rete.Firing) (string, error) {
	v, err := e.value(f)
	if err != nil {
		return "", err
	}
	s, _ := v.(string)
	return s, nil
}

// recommendedResource is the resource expression of the rule's recommend, if it
// can be computed from what is bound at the subject.
func (b *builder) recommendedResource() *expr {
	then := b.fs.Get("then")
	if then.Kind() != strictyaml.List {
		return nil
	}
	for _, item := range then.Items() {
		n := childOf(childOf(item, "recommend"), "resource")
		if n.Kind() != strictyaml.Scalar {
			continue
		}
		e, ok := b.subjectScope.compile(n.Text(), func(int, fault) {})
		if ok && e.out.Kind() == types.StringKind && !e.timed {
			return e
		}
	}
	return nil
}

// childOf looks a key up without saying anything: the proper reading of the node
// happens elsewhere and says it.
func childOf(n strictyaml.Node, key string) strictyaml.Node {
	if n.Kind() != strictyaml.Mapping {
		return strictyaml.Node{}
	}
	for _, e := range n.Entries() {
		if e.Key.Text() == key {
			return e.Value
		}
	}
	return strictyaml.Node{}
}

// idField is the field that holds a subject's resource id.
func idField(t *factType) string {
	for _, name := range []string{"id", "resource", "resource_id"} {
		if typ, ok := t.field(name); ok && typ.kind == kindString {
			return name
		}
	}
	if len(t.key) == 1 {
		if typ, _ := t.field(t.key[0]); typ.kind == kindString {
			return t.key[0]
		}
	}
	return ""
}
