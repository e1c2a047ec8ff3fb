package rule

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
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
	when     []*condition
	patterns map[string]*factType // the top patterns by name
	values   *paramSet            // the parameters that the rule can read
	focuses  []strictyaml.Node    // the groups that actions give the focus
	params   []string             // read anywhere in the rule
	lets     []*let
	joins    joins

	subjectAt    int // conditions up to and including the subject's pattern
	subjectScope *scope
	evidence     []*condition
	needs        []string // the evidence in words
	options      options
	elements     int  // compiled so far, inside of others too
	broken       bool // an expression did not compile
}

// let is a named value and whether anything reads it.
type let struct {
	node strictyaml.Node
	used bool
}

// place is where in a when an element stands.
type place struct {
	inside bool // of not, exists, forall or accumulate: what it binds is not seen outside
	branch bool // of any
	denied bool // a fact that is missing there makes the rule say more
}

// Bounds of one rule.
const (
	maxElements = 200
	maxWays     = 1000 // that its any leave open: the matcher has a chain for each
)

var (
	elementKeys = elementMapping.Names()
	// reservedKinds are those of a later version of the language.
	reservedKinds = elementMapping.Later()
)

// element compiles one element of a when, or of a list inside it, and gives the
// scope that follows it.
func (b *builder) element(n strictyaml.Node, s *scope, p place) ([]*condition, *scope) {
	fs := n.Fields(elementKeys...)
	if n.Kind() != strictyaml.Mapping || b.tooLong(n) {
		return nil, s
	}
	notYet(fs, reservedKinds...)
	kind := oneKind(fs, elementMapping.OneOf, reservedKinds)
	if kind != "match" && kind != "" {
		for _, k := range matchKeys {
			if fs.Has(k.Name) {
				fs.Key(k.Name).Errorf("%q belongs to match", k.Name)
			}
		}
	}
	switch kind {
	case "match":
		return b.match(fs, s, p)
	case "not", "exists":
		return b.quantified(kind, fs, s, p), s
	case "forall":
		return b.forall(fs, s, p), s
	case "any":
		return b.anyOf(fs, s, p)
	case "accumulate":
		return b.accumulate(fs, s, p)
	case "test":
		return b.condition(fs, s, p), s
	case "let":
		return b.let(fs, s, p)
	}
	return nil, s
}

// tooLong reports that a rule has more elements than any author means; each sees the
// names of those before it, so their cost grows with their square.
func (b *builder) tooLong(n strictyaml.Node) bool {
	if b.elements++; b.elements == maxElements+1 {
		n.Errorf("a rule has at most %d elements in when and requires", maxElements).WithHint("conclude a part of it with a rule of its own")
	}
	return b.elements > maxElements
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
func (b *builder) match(fs strictyaml.Fields, s *scope, p place) ([]*condition, *scope) {
	t := b.c.typeAt(fs.Need("match"))
	as := fs.Get("as")
	self := as.Text()
	if !as.IsZero() && !b.canName(as, s) {
		self = ""
	}
	if t == nil {
		t = &factType{} // what is wrong with the rest is still said
	}
	if !p.inside && !p.branch && self != "" {
		b.patterns[self] = t
	}
	b.noteType(t, p)
	inner := s
	if self != "" {
		inner = s.with(name{name: self, fact: t.name, cel: types.DynType})
	}
	c := &condition{kind: "match", node: fs.Node, typ: t, as: self}
	b.where(c, fs.Get("where"), inner)
	if c.where != nil {
		b.joins.link(self, c.where.reads, p)
	}
	b.joins.pattern(self, t.name, fs.Node, p)
	return []*condition{c}, inner
}

// noteType notes that the rule looks at facts of a type.
//
// What is read and what is denied are kept apart because a source that fails makes
// a rule that reads say too little and one that denies say too much.
func (b *builder) noteType(t *factType, p place) {
	switch {
	case t.name == "":
	case p.denied:
		b.rule.negates[t.name] = true
	default:
		b.rule.reads[t.name] = true
	}
}

// where compiles the condition of an element.
func (b *builder) where(c *condition, n strictyaml.Node, s *scope) {
	c.at = n
	if e, ok := b.boolean(n, s); ok {
		c.where = e
	}
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
	if _, branch := s.unbound[text]; branch {
		n.Errorf("%q is bound already, in a branch of any", text).WithHint("another name keeps the two apart")
		return false
	}
	return true
}

// list compiles elements that follow one another: names bound there are seen by
// those after them.
func (b *builder) list(n strictyaml.Node, s *scope, p place) ([]*condition, *scope) {
	var out []*condition
	for _, item := range n.Items() {
		conditions, next := b.element(item, s, p)
		out, s = append(out, conditions...), next
	}
	b.tooManyWays(n, out)
	return out, s
}

// condition compiles a test.
func (b *builder) condition(fs strictyaml.Fields, s *scope, p place) []*condition {
	c := &condition{kind: "test", node: fs.Node}
	b.where(c, fs.Get("test"), s)
	if c.where == nil {
		return nil
	}
	b.joins.link("", c.where.reads, p)
	return []*condition{c}
}

// let compiles named values. One that does not compile is bound all the same, of
// any type, so that it is not reported as unknown wherever it is used.
func (b *builder) let(fs strictyaml.Fields, s *scope, p place) ([]*condition, *scope) {
	var out []*condition
	for _, entry := range fs.Get("let").Entries() {
		if !b.canName(entry.Key, s) {
			continue
		}
		e, used := b.namedValue(entry, s)
		if e == nil {
			s = s.with(name{name: entry.Key.Text(), cel: types.DynType})
			continue
		}
		b.joins.value(entry.Key.Text(), e.reads, p)
		out = append(out, &condition{kind: "let", node: fs.Node, name: entry.Key.Text(), value: e})
		s = s.with(name{name: entry.Key.Text(), cel: e.out, used: used})
	}
	return out, s
}

// namedValue compiles the value of a name; what nobody reads of them is told at the
// end.
func (b *builder) namedValue(entry strictyaml.Entry, s *scope) (*expr, *bool) {
	e, ok := b.expression(entry.Value, s)
	if !ok {
		return nil, nil
	}
	if e.out.Kind() == types.StructKind && !isAmount(e.out) {
		entry.Value.Errorf("a whole fact cannot be named by let").WithHint("name one of its fields")
	}
	b.now(e, false, entry.Value)
	l := &let{node: entry.Key}
	b.lets = append(b.lets, l)
	return e, &l.used
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
	return b.compiled(n.Text(), s, at(n))
}

// compiled compiles a text of CEL and notes what it needs.
func (b *builder) compiled(text string, s *scope, report reporter) (*expr, bool) {
	e, ok := s.compile(text, report)
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
	if !isCondition(e) {
		n.Errorf("a condition is needed here, not %s", withArticle(typeName(e.out)))
		return nil, false
	}
	return e, b.now(e, true, n)
}

// isCondition takes a dyn as well: whether it is a bool is known when it has a
// value.
func isCondition(e *expr) bool {
	return e.out.Kind() == types.BoolKind || e.out.Kind() == types.DynKind
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
