package rule

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/rete"
)

// TestResult says how one test of a rule went.
type TestResult struct {
	Rule     string
	Name     string
	File     string
	Line     int
	Failures []string // none: it passed
}

// Passed reports whether nothing was wrong.
func (r TestResult) Passed() bool { return len(r.Failures) == 0 }

// Test runs the tests of every rule, in the order of the rules. Each begins with
// an empty memory and all rules of the set; judged is what the rule under test
// concludes, no more and no less: what it did not expect fails the test too. The
// error is that of ctx.
func (s *Set) Test(ctx context.Context) ([]TestResult, error) { return s.test(ctx, nil) }

// test is Test, with somebody who looks on, or nobody.
func (s *Set) test(ctx context.Context, cover *recorder) ([]TestResult, error) {
	var out []TestResult
	for _, r := range s.rules {
		for _, t := range r.tests {
			if err := ctx.Err(); err != nil {
				return out, err
			}
			result := TestResult{Rule: r.ID, Name: t.name, File: r.File, Line: t.line}
			result.Failures = s.runTest(ctx, t, cover)
			out = append(out, result)
		}
	}
	return out, nil
}

// runTest plays one test in a memory of its own, with every rule: the rule may
// rest on what others derive.
func (s *Set) runTest(ctx context.Context, t *testCase, cover *recorder) []string {
	// To pass because nothing ran would be worse than to fail.
	if !t.rule.Enabled {
		return []string{"the rule is not enabled"}
	}
	// A rule that feeds itself must end a test, not hang it; no honest test comes near.
	session, err := s.NewSession(SessionOptions{MaxFirings: 100_000})
	if err != nil {
		return []string{err.Error()}
	}
	watch := newWatch(t.rule.ID)
	session.listen = watch
	if !t.clock.IsZero() {
		err = session.SetClock(t.clock)
	}
	for _, g := range t.given {
		if err == nil {
			err = session.Assert(g.typ, g.fields)
		}
	}
	if err != nil {
		return []string{err.Error()}
	}
	out, err := session.Run(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	if cover != nil {
		cover.observe(session, t.rule)
	}
	return append(errorsIn(out, t.rule.ID), t.judge(session.concluded(t.rule, watch))...)
}

// errorsIn are the failures of the rule itself.
func errorsIn(out *Outcome, id string) []string {
	var failures []string
	for _, e := range out.Errors {
		if e.Rule == id {
			failures = append(failures, "the rule failed: "+e.Message)
		}
	}
	return failures
}

// watch notes the facts that a rule stated or changed.
//
// Derived facts know who supports them. Stated ones do not, so somebody has to look
// on while they are made.
type watch struct {
	id     string
	firing string
	facts  map[rete.Handle]bool
}

// newWatch watches one rule.
func newWatch(id string) *watch { return &watch{id: id, facts: map[rete.Handle]bool{}} }

// Event follows who fires and what changes then.
func (w *watch) Event(e rete.Event) {
	switch e.Kind {
	case rete.Fired:
		w.firing = ruleOf(e.Production)
	case rete.FactAdded, rete.FactChanged:
		if w.firing == w.id && !e.Fact.Derived() {
			w.facts[e.Fact.Handle()] = true
		}
	}
}

// concluded is what a rule concluded: the values that it gave, not those of a
// rule that outbid it, and the facts that it stated.
func (s *Session) concluded(r *Rule, w *watch) []testFact {
	var out []testFact
	for _, typ := range r.Derives() {
		for f := range s.memory.FactsOf(typ) {
			if w.facts[f.Handle()] {
				out = append(out, testFact{typ: typ, fields: f.Fields()})
				continue
			}
			// Several rules may support one fact; each is judged on its own words.
			for _, support := range s.memory.Supports(f.Handle()) {
				if ruleOf(support.Production) == r.ID {
					out = append(out, testFact{typ: typ, fields: support.Values})
					break
				}
			}
		}
	}
	return out
}

// judge holds conclusions against expectations: each expectation takes one
// conclusion that has its fields, and nothing may be left on either side.
//
// Unexpected conclusions fail as missing ones do. Otherwise a rule that recommends
// everything would pass every test of what it should recommend.
func (t *testCase) judge(got []testFact) []string {
	var failures []string
	for _, want := range t.expect {
		if i := slices.IndexFunc(got, want.matches); i >= 0 {
			// Taken, so that two equal expectations need two conclusions.
			got = slices.Delete(got, i, i+1)
			continue
		}
		failures = append(failures, fmt.Sprintf("line %d: expected %s%s", want.line, want, want.nearMiss(got)))
	}
	for _, g := range got {
		failures = append(failures, fmt.Sprintf("unexpected %s", g))
	}
	return failures
}

// matches reports whether a conclusion has all fields of the expectation.
func (f testFact) matches(got testFact) bool {
	return f.typ == got.typ && len(f.misses(got)) == 0
}

// misses are the fields that differ.
func (f testFact) misses(got testFact) []string {
	var out []string
	for _, name := range f.names() {
		want, v := f.fields[name], got.fields[name]
		if v == nil {
			v = rete.Absent
		}
		if !same(want, v) {
			out = append(out, name)
		}
	}
	return out
}

// same compares values of facts.
func same(a, b any) bool {
	// Absent is a value of its own here: a test may expect it.
	if a == rete.Absent || b == rete.Absent {
		return a == b
	}
	// Amounts are equal by value: 30.1 USD is 30.10 USD, though it is shown otherwise.
	ka, isKeyed := a.(rete.Keyer)
	kb, isKeyedToo := b.(rete.Keyer)
	if isKeyed || isKeyedToo {
		return isKeyed && isKeyedToo && ka.ReteKey() == kb.ReteKey()
	}
	return show(a) == show(b)
}

// nearMiss names what differs in the conclusion that comes nearest.
func (f testFact) nearMiss(got []testFact) string {
	// One that shares no field at all is not near, and saying so would mislead.
	best, fewest := "", len(f.fields)
	for _, g := range got {
		if g.typ != f.typ {
			continue
		}
		if misses := f.misses(g); len(misses) < fewest {
			fewest = len(misses)
			var parts []string
			for _, name := range misses {
				parts = append(parts, name+" is "+showField(g.fields, name))
			}
			best = "; nearest: " + strings.Join(parts, ", ")
		}
	}
	return best
}

// showField writes a field, or that it is absent.
func showField(fields rete.Fields, name string) string {
	v, ok := fields[name]
	if !ok || v == rete.Absent {
		return "absent"
	}
	return show(v)
}

// String writes the fact as a test does.
func (f testFact) String() string {
	word := f.typ
	for k, t := range expectations {
		if t == f.typ {
			word = k
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f.fields)) {
		parts = append(parts, name+": "+showField(f.fields, name))
	}
	return word + ": {" + strings.Join(parts, ", ") + "}"
}
