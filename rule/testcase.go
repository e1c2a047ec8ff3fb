package rule

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// testCase is one entry of a rule's tests.
type testCase struct {
	name   string
	rule   *Rule
	line   int
	clock  time.Time
	given  []testFact
	expect []testFact
}

// testFact is a fact with some or all of its fields.
type testFact struct {
	typ    string
	fields rete.Fields
	line   int
}

// expectations are the words for conclusions of built-in types.
var expectations = map[string]string{
	"recommend": recommendationType, "assign": assignmentType, "unknown": unevaluableType,
}

var testKeys = testMapping.Names()

// readTests reads the tests of a rule. What is wrong with one is wrong with the
// pack: a test that cannot run tests nothing.
func (b *builder) readTests() {
	for _, n := range b.fs.Get("tests").Items() {
		// Asked before the kind: it is what complains of anything but a mapping.
		fs := n.Fields(testKeys...)
		if n.Kind() != strictyaml.Mapping {
			continue
		}
		t := &testCase{name: fs.Need("name").Text(), rule: b.rule, clock: readTime(fs.Get("clock"))}
		t.line, _ = n.Pos()
		for _, g := range fs.Need("given").Items() {
			if f, ok := b.c.given(g); ok {
				t.given = append(t.given, f)
			}
		}
		for _, e := range fs.Need("expect").Items() {
			if f, ok := b.c.expected(e); ok {
				t.expect = append(t.expect, f)
			}
		}
		b.rule.tests = append(b.rule.tests, t)
	}
	b.rule.Tests = len(b.rule.tests)
}

// readTime reads the clock of a test; none leaves it unset.
func readTime(n strictyaml.Node) time.Time {
	if n.IsZero() {
		return time.Time{}
	}
	v, err := valueType{kind: kindTimestamp}.literal(n)
	if err != nil {
		n.Errorf("%v", err)
		return time.Time{}
	}
	return v.(time.Time)
}

// given reads a fact that a test states: - Type: {field: value}.
func (c *compiler) given(n strictyaml.Node) (testFact, bool) {
	key, value, ok := single(n)
	if !ok {
		return testFact{}, false
	}
	t := c.typeAt(key)
	if t == nil {
		return testFact{}, false
	}
	f := c.testFact(t, t.name, value)
	// Only of what is given: an expectation may leave fields out, a fact may not.
	t.missing(value, func(field string) bool { _, ok := f.fields[field]; return ok })
	f.line, _ = n.Pos()
	return f, true
}

// expected reads a conclusion: - recommend: {…}, assign, unknown, or a fact
// type with some of its fields.
func (c *compiler) expected(n strictyaml.Node) (testFact, bool) {
	key, value, ok := single(n)
	if !ok {
		return testFact{}, false
	}
	word := key.Text()
	// The words come first: a type that is called like one is not meant.
	t := c.types[expectations[word]]
	if t == nil {
		if t, ok = c.types[word]; !ok {
			key.Errorf("%q is neither a fact type nor one of recommend, assign, unknown", word).
				Suggest(word, append(sortedKeys(c.types), sortedKeys(expectations)...))
			return testFact{}, false
		}
	}
	f := c.testFact(t, word, value)
	f.line, _ = n.Pos()
	return f, true
}

// single takes a mapping with one key apart.
func single(n strictyaml.Node) (key, value strictyaml.Node, ok bool) {
	entries := n.Entries()
	if n.Kind() == strictyaml.Mapping && len(entries) != 1 {
		n.Errorf("one fact is needed here, as Type: {field: value}")
	}
	if len(entries) != 1 {
		return key, value, false
	}
	return entries[0].Key, entries[0].Value, true
}

// testFact reads the fields that are given, and holds each to its type.
func (c *compiler) testFact(t *factType, called string, n strictyaml.Node) testFact {
	out := testFact{typ: t.name, fields: rete.Fields{}}
	for _, e := range n.Entries() {
		typ, ok := t.field(e.Key.Text())
		if !ok {
			e.Key.Errorf("%s has no field %q", called, e.Key.Text()).Suggest(e.Key.Text(), t.fieldNames())
			continue
		}
		v, err := typ.literal(e.Value)
		if err != nil {
			e.Value.Errorf("%s: %v", e.Key.Text(), err)
		}
		out.fields[e.Key.Text()] = v
	}
	return out
}

// names are the fields of a test fact in order.
func (f testFact) names() []string {
	out := make([]string, 0, len(f.fields))
	for k := range f.fields {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
