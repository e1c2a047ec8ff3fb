package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// TypeDecl declares a fact type outside a pack: what a source gives.
type TypeDecl struct {
	Name   string
	Key    []string // the fields that give a fact its identity; none: equal facts are one
	Fields []FieldDecl
	Doc    string // what a fact of the type says
	From   string // who gives the facts, for the catalogue: "source billing"
}

// FieldDecl is a field with its type as rule files write it: "money",
// "map(string, string)?".
type FieldDecl struct {
	Name, Type string
	Doc        string // what the field says; may be empty
}

// factType is a checked fact type.
type factType struct {
	name   string
	key    []string
	fields []factField
	from   string // who declared it first, for messages
	giver  string // who gives its facts, if the declaration says it
	doc    string
	node   strictyaml.Node // where a pack did; zero otherwise
	used   bool
	fixed  bool   // built in or provided: never reported as unused
	text   string // see declared
}

// factField is one field with its type.
type factField struct {
	name string
	typ  valueType
	doc  string
}

// field finds a field. Types have few; a map would cost more than it saves.
func (t *factType) field(name string) (valueType, bool) {
	for _, f := range t.fields {
		if f.name == name {
			return f.typ, true
		}
	}
	return valueType{}, false
}

// fieldNames are the fields as declared, to find the nearest of.
func (t *factType) fieldNames() []string {
	out := make([]string, len(t.fields))
	for i, f := range t.fields {
		out[i] = f.name
	}
	return out
}

// differs says how another declaration of the type differs, "" if it does not.
func (t *factType) differs(o *factType) string {
	if !slices.Equal(t.key, o.key) {
		return fmt.Sprintf("key [%s] here, [%s] there", strings.Join(o.key, ", "), strings.Join(t.key, ", "))
	}
	for _, f := range o.fields {
		there, ok := t.field(f.name)
		if !ok {
			return fmt.Sprintf("field %s is only here", f.name)
		}
		if there.String() != f.typ.String() {
			return fmt.Sprintf("field %s is %s here, %s there", f.name, f.typ, there)
		}
	}
	for _, f := range t.fields {
		if _, ok := o.field(f.name); !ok {
			return fmt.Sprintf("field %s is missing here", f.name)
		}
	}
	return ""
}

// isPartOf reports whether a pack's declaration says nothing but what a provided
// type says, and leaves out only what may be absent: a pack names the fields that
// it reads, and need not keep up with those that are added later.
func (t *factType) isPartOf(whole *factType) bool {
	if !slices.Equal(t.key, whole.key) {
		return false
	}
	for _, f := range t.fields {
		if there, ok := whole.field(f.name); !ok || there.String() != f.typ.String() {
			return false
		}
	}
	return !slices.ContainsFunc(whole.fields, func(f factField) bool {
		_, declared := t.field(f.name)
		return !declared && !f.typ.optional
	})
}

// missing reports the fields that a fact written at n must have and has not.
func (t *factType) missing(n strictyaml.Node, has func(field string) bool) {
	var names []string
	for _, f := range t.fields {
		if !f.typ.optional && !has(f.name) {
			names = append(names, f.name)
		}
	}
	if len(names) > 0 && n.Kind() == strictyaml.Mapping {
		n.Errorf("%s needs %s", t.name, strings.Join(names, ", "))
	}
}

// rete is the type as the matcher knows it.
//
// Recommendations, assignments and unknowns are contested: several rules conclude
// one, each with words of its own, and that is agreement rather than conflict.
func (t *factType) rete() rete.Type {
	out := rete.Type{Name: t.name, Key: t.key}
	out.Contested = t.name == recommendationType || t.name == assignmentType || t.name == unevaluableType
	for _, f := range t.fields {
		out.Fields = append(out.Fields, rete.Field{Name: f.name, Optional: f.typ.optional, Convert: f.typ.convert})
	}
	return out
}

// record is the type as CEL knows it.
func (t *factType) record() *recordType {
	r := newRecordType(t.name)
	for _, f := range t.fields {
		r.add(f.name, f.typ.cel())
	}
	return r
}

// decl is the type for callers.
func (t *factType) decl() TypeDecl {
	d := TypeDecl{Name: t.name, Key: slices.Clone(t.key), Doc: t.doc, From: t.giver}
	for _, f := range t.fields {
		d.Fields = append(d.Fields, FieldDecl{f.name, f.typ.String(), f.doc})
	}
	return d
}

// declared is the declaration as a text, made once: thousands of rules ask. What
// only people read is left out, for a better description makes no other type.
func (t *factType) declared() string {
	if t.text == "" {
		words := []string{t.name, fmt.Sprint(t.key)}
		for _, f := range t.fields {
			words = append(words, f.name, f.typ.String())
		}
		t.text = strings.Join(words, " ") + "\n"
	}
	return t.text
}

// checkDecl makes a fact type of a declaration from outside a pack.
func checkDecl(d TypeDecl, from string) (*factType, error) {
	t := &factType{name: d.Name, key: d.Key, from: from, giver: d.From, doc: d.Doc, fixed: true}
	if !isIdent(d.Name) {
		return nil, fmt.Errorf("%q cannot name a fact type", d.Name)
	}
	for _, f := range d.Fields {
		typ, err := parseType(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", d.Name, f.Name, err)
		}
		if _, twice := t.field(f.Name); twice || !isIdent(f.Name) {
			return nil, fmt.Errorf("%s: %q cannot name a field, or stands twice", d.Name, f.Name)
		}
		t.fields = append(t.fields, factField{f.Name, typ, f.Doc})
	}
	for _, k := range d.Key {
		// An identity with a hole in it would be the same for all that lack the field.
		if typ, ok := t.field(k); !ok || typ.optional {
			return nil, fmt.Errorf("%s: key %s is no field, or is one that may be absent", d.Name, k)
		}
	}
	return t, nil
}

// readFacts reads the facts of a pack.
func (c *compiler) readFacts(p *pack, n strictyaml.Node) {
	for _, e := range n.Entries() {
		t := c.readFactType(p, e)
		before, known := c.types[t.name]
		switch {
		case insteadOf[t.name] != "":
			e.Key.Errorf("%s is a type of Trimtab's own and cannot be declared", t.name).WithHint("%s", insteadOf[t.name])
		case !isIdent(t.name):
			e.Key.Errorf("%q cannot name a fact type: letters, digits and _ can, and no word of CEL's", t.name)
		case !known:
			c.types[t.name] = t
		default:
			c.reconcile(before, t, e.Key)
		}
	}
}

// reconcile compares a second declaration of a type with the first. Of a type that
// is provided a part will do; two packs must agree, for neither knows which of them
// is the whole.
func (c *compiler) reconcile(before, t *factType, n strictyaml.Node) {
	if how := before.differs(t); how != "" && !(before.fixed && t.isPartOf(before)) {
		n.Errorf("%s is declared differently by %s: %s", t.name, before.from, how)
		return
	}
	// The first pack that declares a source's type is where it is shown.
	if before.node.IsZero() {
		before.node = n
	}
}

var factTypeKeys = factTypeMapping.Names()

// readFactType reads one type. What is wrong with a field leaves the others
// known, so that expressions over them are still checked.
func (c *compiler) readFactType(p *pack, e strictyaml.Entry) *factType {
	t := &factType{name: e.Key.Text(), from: "pack " + p.name, node: e.Key}
	fs := e.Value.Fields(factTypeKeys...)
	notYet(fs, factTypeMapping.Later()...)
	t.doc = fs.Get("description").Text()
	for _, f := range fs.Need("fields").Entries() {
		if !isIdent(f.Key.Text()) {
			f.Key.Errorf("%q cannot name a field: letters, digits and _ can, and no word of CEL's", f.Key.Text())
			continue
		}
		t.fields = append(t.fields, factField{name: f.Key.Text(), typ: readType(f.Value)})
	}
	for _, k := range fs.Get("key").Items() {
		t.key = append(t.key, k.Text())
		typ, ok := t.field(k.Text())
		if !ok {
			k.Errorf("key %q is no field of %s", k.Text(), t.name).Suggest(k.Text(), t.fieldNames())
		} else if typ.optional {
			k.Errorf("key field %s may not be absent: its type cannot end in ?", k.Text())
		}
	}
	return t
}

// readType reads a type and reports one that does not exist.
func readType(n strictyaml.Node) valueType {
	text := n.Text()
	t, err := parseType(text)
	if err == nil || n.Kind() != strictyaml.Scalar {
		return t
	}
	d := n.Errorf("%v", err)
	var unknown *unknownTypeError
	if errors.As(err, &unknown) {
		if d.Suggest(unknown.name, kindNames); d.Nearest == "" {
			d.WithHint("types are %s, list(T), map(string, T), and T? for what may be absent", strings.Join(kindNames[:kindList], ", "))
		}
	}
	return t
}
