package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

var ruleKeys = ruleMapping.Names()

var ruleID = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// readRules reads the rules of a pack.
func (c *compiler) readRules(p *pack) {
	list := p.fields.Get("rules").Items()
	for i, n := range list {
		fs := n.Fields(ruleKeys...)
		if n.Kind() != strictyaml.Mapping {
			continue
		}
		if fs.File().Full() {
			return
		}
		params := p.paramsOf(childOf(n, "id").Text())
		b := &builder{
			c: c, pack: p, fs: fs, patterns: map[string]*factType{},
			scope: &scope{env: c.env, params: params.record, later: laterNames(fs), sig: params.title}, values: params,
		}
		b.rule = newRule(p, fs)
		if p.first {
			b.options.order = len(list) - i
		}
		c.register(b.rule, fs)
		c.readAllowances(fs, b.rule.Line, lastLine(list, i))
		b.build()
	}
}

// lastLine is the line before the next rule.
func lastLine(list []strictyaml.Node, i int) int {
	if i+1 >= len(list) {
		return math.MaxInt
	}
	line, _ := list[i+1].Pos()
	return line - 1
}

// newRule reads what is the same for every rule.
func newRule(p *pack, fs strictyaml.Fields) *Rule {
	r := &Rule{
		Title: fs.Get("title").Text(), Pack: p.name, Owner: p.owner,
		Doc: fs.Get("doc").Text(), Runbook: fs.Get("runbook").Text(), Tags: fs.Get("tags").Texts(),
		Enabled: true, node: fs.Node,
		reads: map[string]bool{}, negates: map[string]bool{}, derives: map[string]bool{}, asserts: map[string]bool{},
	}
	if fs.Has("enabled") {
		r.Enabled = fs.Get("enabled").Bool()
	}
	r.File = fs.File().Name()
	r.Line, _ = fs.Pos()
	return r
}

// register gives the rule its id.
//
// A rule without a usable id is read to its end for the other mistakes in it, but is
// not part of the set.
func (c *compiler) register(r *Rule, fs strictyaml.Fields) {
	n := fs.Need("id")
	text := n.Text()
	if text == "" {
		return
	}
	if !ruleID.MatchString(text) {
		n.Errorf("%q cannot be a rule's id: letters, digits, - and _ can, with dots between", text)
	}
	r.ID = r.Pack + "/" + text
	if before, twice := c.byID[r.ID]; twice {
		n.Errorf("rule %s is already there: %s:%d", r.ID, before.File, before.Line)
		return
	}
	c.byID[r.ID] = r
	c.rules = append(c.rules, r)
}

// laterNames tells on which lines the names of a rule's when are bound, so that
// a use before that is recognised as one.
func laterNames(fs strictyaml.Fields) map[string]int {
	out := map[string]int{}
	when := fs.Get("when")
	if when.Kind() != strictyaml.List {
		return out
	}
	for _, item := range when.Items() {
		if item.Kind() != strictyaml.Mapping {
			continue
		}
		for _, e := range item.Entries() {
			noteNames(e, out)
		}
	}
	return out
}

// noteNames notes the names that one key of an element binds.
func noteNames(e strictyaml.Entry, out map[string]int) {
	line, _ := e.Value.Pos()
	switch {
	case e.Key.Text() == "as" && e.Value.Kind() == strictyaml.Scalar:
		out[e.Value.Text()] = line
	case e.Key.Text() == "let" && e.Value.Kind() == strictyaml.Mapping:
		for _, l := range e.Value.Entries() {
			out[l.Key.Text()], _ = l.Key.Pos()
		}
	}
}

// build compiles the rule, from when to tests.
func (b *builder) build() {
	b.readWhen()
	b.readRequires()
	b.readTable()
	b.readOptions()
	steps := b.readThen()
	b.readTests()
	b.rule.Hash = b.hash()
	b.rule.clock = b.rule.reads[clockType] || b.rule.negates[clockType]
	b.warn()
	b.produce(steps)
}

// readWhen compiles the elements in order and remembers where the subject was
// bound: evidence and "unknown" are decided there.
func (b *builder) readWhen() {
	n := b.fs.Need("when")
	if n.Kind() == strictyaml.List && len(n.Items()) == 0 {
		n.Errorf("when needs at least one element")
	}
	subject := b.fs.Get("subject").Text()
	b.rule.Subject = subject
	for _, item := range n.Items() {
		conditions, next := b.element(item, b.scope, place{})
		b.when, b.scope = append(b.when, conditions...), next
		if _, ok := b.patterns[subject]; ok && b.subjectScope == nil && subject != "" {
			b.subjectAt, b.subjectScope = len(b.when), next
		}
	}
	b.tooManyWays(n, b.when)
	if subject != "" && b.subjectScope == nil {
		b.fs.Get("subject").Errorf("subject %q is no pattern of when", subject).Suggest(subject, sortedKeys(b.patterns))
	}
}

// produce makes the productions: the rule, and for its requires the one that
// says "unknown".
//
// The evidence is a condition that holds once: matched as a pattern, two metrics that both satisfy it would fire the rule twice, and a change
// of either would fire it again.
func (b *builder) produce(steps []*step) {
	r := b.rule
	when := append(b.options.inEffect(), elements(b.when[:b.subjectAt])...)
	if len(b.evidence) > 0 && b.subjectScope != nil {
		// the evidence is there, once, however often
		when = append(when, rete.Exists(elements(b.evidence)...))
		r.productions = append(r.productions, b.unknown())
	}
	main := b.options.production(r)
	main.When = append(when, elements(b.when[b.subjectAt:])...)
	main.NoLoop = b.fs.Get("no_loop").Bool()
	main.Version, main.Reads = b.version(), readsOfSteps(steps)
	main.Then = func(f *rete.Firing) error { return run(steps, f) }
	r.productions = append(r.productions, main)
	r.when, r.evidence, r.subjectAt = b.when, b.evidence, b.subjectAt
	r.needs, r.turn = findNeeds(b.when, b.evidence), b.options
	r.settable = b.values.settable(b.params)
}

// version tells the matcher whether a reloaded rule is the rule that it has: the
// hash, and the types against which the rule's expressions were checked. These
// are no part of the hash itself, which names a text that an author wrote.
func (b *builder) version() string {
	var text strings.Builder
	for _, types := range []map[string]bool{b.rule.reads, b.rule.negates, b.rule.derives, b.rule.asserts} {
		for _, name := range sortedKeys(types) {
			text.WriteString(b.c.types[name].declared())
		}
	}
	for _, name := range b.params {
		if q, ok := b.values.find(name); ok {
			fmt.Fprintf(&text, "%s %s\n", name, q.typ)
		}
	}
	if b.pack.first {
		fmt.Fprintf(&text, "first per %s, %d\n", b.pack.per.Text(), b.options.order)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return b.rule.Hash + " " + hex.EncodeToString(sum[:8])
}

// hash is that of the rule's meaning: its text without comments, layout and
// tests, and the parameters in it.
//
// Reloading compares it, and every recommendation carries it: a reader of an old
// ticket can tell whether the rule still says what it said. Formatting and tests
// change neither.
func (b *builder) hash() string {
	text := map[string]any{}
	for _, k := range b.fs.Names() {
		if k != "tests" && k != "lint" {
			text[k] = b.fs.Get(k).Plain()
		}
	}
	data, err := json.Marshal(text) // keys are sorted
	if err != nil {
		b.fs.Errorf("%v", err) // infinities, which no valid rule has
	}
	h := sha256.New()
	h.Write(data)
	h.Write([]byte("\n" + b.values.values(b.params)))
	return hex.EncodeToString(h.Sum(nil)[:12])
}
