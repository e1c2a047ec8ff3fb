package rule

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// builder compiles one rule.
//
// It goes on after a mistake: a pattern of an unknown type is bound all the same,
// and what does not compile is left out, so that one load tells everything. Nothing
// that it makes is used when anything was wrong.
type builder struct {
	c    *compiler
	pack *pack
	rule *Rule
	fs   strictyaml.Fields

	scope *scope // what is bound at the top of when so far
	// In the order of the text, which is the order of joins: the author knows which
	// pattern is rare.
	elems    []rete.Element
	patterns map[string]*factType // the top patterns by name
	params   []string             // read anywhere in the rule
	lets     []*let
	joins    joins

	subjectAt    int // elements up to and including the subject's pattern
	subjectScope *scope
	evidence     []rete.Element
	needs        []string // the evidence in words
	broken       bool     // an expression did not compile
}

// let is a named value and whether anything reads it.
type let struct {
	node strictyaml.Node
	used bool
}

var elementKeys = []string{
	"match", "as", "where", "not", "test", "let",
	"exists", "forall", "any", "accumulate", "window", "within",
}

// elementKinds are the keys that say what an element is.
var elementKinds = []string{"match", "not", "test", "let"}

// element compiles one element of a when, or of a not inside it, and gives the
// scope that follows it.
func (b *builder) element(n strictyaml.Node, s *scope, depth int) ([]rete.Element, *scope) {
	fs := n.Fields(elementKeys...)
	if n.Kind() != strictyaml.Mapping {
		return nil, s
	}
	later := []string{"exists", "forall", "any", "accumulate", "window", "within"}
	notYet(fs, later...)
	kind := oneKind(fs, elementKinds, later)
	if kind != "match" && kind != "" {
		for _, k := range []string{"as", "where"} {
			if fs.Has(k) {
				fs.Key(k).Errorf("%q belongs to match", k)
			}
		}
	}
	switch kind {
	case "match":
		return b.match(fs, s, depth)
	case "not":
		return b.not(fs.Get("not"), s, depth), s
	case "test":
		return b.condition(fs.Get("test"), s, depth), s
	case "let":
		return b.let(fs.Get("let"), s, depth)
	}
	return nil, s
}

// oneKind is the one key of an element that says what it is.
//
// Two kinds in one element are a missing dash, the commonest slip in lists of
// mappings, and YAML itself has nothing against it.
func oneKind(fs strictyaml.Fields, kinds, others []string) string {
	found := ""
	for _, k := range fs.Names() {
		if slices.Contains(others, k) {
			return ""
		}
		if !slices.Contains(kinds, k) {
			continue
		}
		if found != "" {
			fs.Key(k).Errorf("%s and %s cannot stand in one element", found, k).WithHint("begin a new one with a dash")
			return ""
		}
		found = k
	}
	if found == "" && (len(fs.Names()) > 0 || len(fs.Node.Entries()) == 0) {
		fs.Errorf("what is this? one of %s is needed", strings.Join(kinds, ", "))
	}
	return found
}

// match compiles a pattern. Its where sees the pattern itself.
//
// A pattern at the top is read; inside of a negation it is denied. The two are kept
// apart because a source that fails makes a rule that reads say too little and one
// that denies say too much.
func (b *builder) match(fs strictyaml.Fields, s *scope, depth int) ([]rete.Element, *scope) {
	t := b.c.typeAt(fs.Need("match"))
	as := fs.Get("as")
	self := as.Text()
	if !as.IsZero() && !b.canName(as, s) {
		self = ""
	}
	if t == nil {
		t = &factType{} // what is wrong with the rest is still said
	}
	if depth == 0 {
		if self != "" {
			b.patterns[self] = t
		}
		if t.name != "" {
			b.rule.reads[t.name] = true
		}
	} else if t.name != "" {
		b.rule.negates[t.name] = true
	}
	inner := s
	if self != "" {
		inner = s.with(name{name: self, fact: t.name, cel: types.DynType})
	}
	var tests []rete.Test
	if e, ok := b.boolean(fs.Get("where"), inner); ok {
		tests = b.testsOf(e, self, fs.Get("where"))
		b.joins.link(self, e.reads, depth)
	}
	b.joins.pattern(self, t.name, fs.Node, depth)
	return []rete.Element{rete.Match(t.name, self, tests...)}, inner
}

// testsOf splits a where that has compiled; what cannot be planned is told at the
// where.
func (b *builder) testsOf(e *expr, self string, n strictyaml.Node) []rete.Test {
	tests, err := e.tests(self)
	if err != nil {
		n.Errorf("%v", err)
		b.broken = true
	}
	return tests
}

// canName reports whether a pattern or value may have the name.
func (b *builder) canName(n strictyaml.Node, s *scope) bool {
	text := n.Text()
	if !isName(text) {
		n.Errorf("%q cannot name anything here: letters, digits and _ can, and no word of CEL's", text)
		return false
	}
	if _, twice := s.find(text); twice {
		n.Errorf("%q is bound already", text)
		return false
	}
	return true
}

// not compiles a negation: its elements see what is bound before it, and what
// they bind is not seen outside.
func (b *builder) not(n strictyaml.Node, s *scope, depth int) []rete.Element {
	inner := b.list(n, s, depth+1)
	if len(inner) == 0 {
		if n.Kind() == strictyaml.List && len(n.Items()) == 0 {
			n.Errorf("not needs at least one element")
		}
		return nil
	}
	return []rete.Element{rete.Not(inner...)}
}

// list compiles the elements inside of a negation: names bound there are seen by
// those after them, and nowhere else.
func (b *builder) list(n strictyaml.Node, s *scope, depth int) []rete.Element {
	var out []rete.Element
	for _, item := range n.Items() {
		elems, next := b.element(item, s, depth)
		out, s = append(out, elems...), next
	}
	return out
}

// condition compiles a test.
func (b *builder) condition(n strictyaml.Node, s *scope, depth int) []rete.Element {
	e, ok := b.boolean(n, s)
	if !ok {
		return nil
	}
	b.joins.link("", e.reads, depth)
	return []rete.Element{rete.Where(e.testFn())}
}

// let compiles named values. One that does not compile is bound all the same, of
// any type, so that it is not reported as unknown wherever it is used.
func (b *builder) let(n strictyaml.Node, s *scope, depth int) ([]rete.Element, *scope) {
	var out []rete.Element
	for _, entry := range n.Entries() {
		if !b.canName(entry.Key, s) {
			continue
		}
		e, ok := b.expression(entry.Value, s)
		if !ok {
			s = s.with(name{name: entry.Key.Text(), cel: types.DynType})
			continue
		}
		if e.out.Kind() == types.StructKind && !isAmount(e.out) {
			entry.Value.Errorf("a whole fact cannot be named by let").WithHint("name one of its fields")
		}
		b.now(e, false, entry.Value)
		b.joins.value(entry.Key.Text(), e.reads, depth)
		l := &let{node: entry.Key}
		b.lets = append(b.lets, l)
		out = append(out, rete.Let(entry.Key.Text(), e.valueFn()))
		s = s.with(name{name: entry.Key.Text(), cel: e.out, used: &l.used})
	}
	return out, s
}

// expression compiles CEL in a scalar.
func (b *builder) expression(n strictyaml.Node, s *scope) (*expr, bool) {
	if n.IsZero() {
		return nil, false
	}
	if n.Kind() != strictyaml.Scalar {
		n.Errorf("an expression is needed here, not a %s", n.Kind())
		b.broken = true
		return nil, false
	}
	e, ok := s.compile(n.Text(), at(n))
	if !ok {
		b.broken = true
		return nil, false
	}
	b.params = append(b.params, e.params...)
	return e, true
}

// boolean compiles a condition.
func (b *builder) boolean(n strictyaml.Node, s *scope) (*expr, bool) {
	e, ok := b.expression(n, s)
	if !ok {
		return nil, false
	}
	// A dyn is taken: whether it is a bool is known when it has a value.
	if e.out.Kind() != types.BoolKind && e.out.Kind() != types.DynKind {
		n.Errorf("a condition is needed here, not %s", withArticle(typeName(e.out)))
		return nil, false
	}
	return e, b.now(e, true, n)
}

// now reports uses of the clock that nothing could evaluate again at the right time.
func (b *builder) now(e *expr, allowed bool, n strictyaml.Node) bool {
	return e.checkNow(allowed, at(n))
}

// typeAt finds the fact type that a node names.
func (c *compiler) typeAt(n strictyaml.Node) *factType {
	if n.IsZero() {
		return nil
	}
	text := n.Text()
	t, ok := c.types[text]
	if !ok {
		if n.Kind() == strictyaml.Scalar {
			n.Errorf("unknown fact type %q", text).Suggest(text, sortedKeys(c.types))
		}
		return nil
	}
	t.used = true
	return t
}
