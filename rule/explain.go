package rule

import (
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
)

// Verdict is a rule's answer about a resource.
type Verdict string

// The verdicts.
const (
	VerdictFires        Verdict = "fires"         // its match stands and has fired
	VerdictWaits        Verdict = "waits"         // its match stands and others have the turn
	VerdictFails        Verdict = "fails"         // its match stands, its action failed
	VerdictNo           Verdict = "no"            // a condition does not hold
	VerdictUnknown      Verdict = "unknown"       // evidence that it requires is missing
	VerdictNotEvaluable Verdict = "not_evaluable" // no fact gives a field that it needs
	VerdictDisabled     Verdict = "disabled"
	VerdictNotInEffect  Verdict = "not_in_effect" // the clock is outside of its dates
	VerdictNotThere     Verdict = "not_there"     // it judges facts of which none is this resource
)

// Explanation says what one rule makes of one resource, and why.
type Explanation struct {
	Resource string  `json:"resource"`
	Rule     RuleRef `json:"rule"`
	Verdict  Verdict `json:"verdict"`
	Says     string  `json:"says"` // in one sentence
	// Doubt is what is known from elsewhere against the answer, see [Session.Doubt].
	Doubt string `json:"doubt,omitempty"`
	// Nearest is the known resource that was probably meant.
	Nearest string `json:"nearest,omitempty"`
	// Matches are the ways in which its conditions hold, at most five.
	Matches []Way `json:"matches,omitempty"`
	// Failure is the first condition that does not hold.
	Failure *Failure `json:"failure,omitempty"`
}

// RuleRef names a rule for readers.
type RuleRef struct {
	ID       string `json:"id"`
	Title    string `json:"title,omitempty"`
	Version  string `json:"version"` // the hash of its text and parameters
	Priority int    `json:"priority"`
	Pack     string `json:"pack"`
	Owner    string `json:"owner,omitempty"` // of the pack
	Place    string `json:"place"`           // file:line
}

// Way is one match of a rule.
type Way struct {
	Conditions []Held      `json:"conditions"`
	Concluded  []Concluded `json:"concluded,omitempty"`
	// Waits says why the match has not fired.
	Waits string `json:"waits,omitempty"`
	// HoldsBack are the rules of its exclusive group that wait behind the match.
	HoldsBack []string `json:"holds_back,omitempty"`
}

// Held is a condition that holds, as it is written, with what makes it true.
type Held struct {
	Place     string     `json:"place"` // file:line
	Kind      string     `json:"kind"`  // as in a rule; "requires" for the evidence
	Condition string     `json:"condition"`
	Says      string     `json:"says,omitempty"`
	Fact      *ShownFact `json:"fact,omitempty"` // of a match
	Tests     []TestSeen `json:"tests,omitempty"`
	Values    []Value    `json:"values,omitempty"` // what it names
	Inner     []Held     `json:"inner,omitempty"`
}

// TestSeen is one conjunct of a condition with what it saw.
type TestSeen struct {
	Place string `json:"place"`
	Test  string `json:"test"`
	// With is the test with values for names, "" where that would not be legible.
	With   string  `json:"with,omitempty"`
	Values []Value `json:"values,omitempty"`
	Holds  bool    `json:"holds"`
	Error  string  `json:"error,omitempty"`
}

// Value is a name with what it stands for; "absent" is said by Absent.
type Value struct {
	Name   string `json:"name"`
	Value  any    `json:"value"`
	Absent bool   `json:"absent,omitempty"`
	shown  string // as rules write it
}

// ShownFact is a fact as far as an explanation needs it: the fields of its key and
// those that the rule reads.
type ShownFact struct {
	As      string         `json:"as,omitempty"`
	Type    string         `json:"type"`
	Fields  map[string]any `json:"fields"`
	Derived bool           `json:"derived,omitempty"`
	// Because are the reasons of a derived fact; Again says that they stand elsewhere
	// in the explanation.
	Because []Because `json:"because,omitempty"`
	Again   bool      `json:"again,omitempty"`
	shown   string    // the fields as rules write them
}

// Because is one rule's reason for a derived fact.
type Because struct {
	Rule     string      `json:"rule"`
	Version  string      `json:"version,omitempty"`
	Priority int         `json:"priority"`
	Facts    []ShownFact `json:"facts"`
}

// Concluded is what a match concludes.
type Concluded struct {
	Fact ShownFact `json:"fact"`
	// WordedBy is the rule whose words the conclusion has, if it is another one.
	WordedBy string `json:"worded_by,omitempty"`
	// Also are the other rules that conclude it, best first.
	Also     []string   `json:"also,omitempty"`
	Assigned []Assigned `json:"assigned,omitempty"`
}

// Assigned is one thing that rules say about where a recommendation goes.
type Assigned struct {
	Field string `json:"field"` // owner, board, priority or labels
	Value any    `json:"value"`
	Rule  string `json:"rule"`
}

// Failure says why a rule does not match: the first condition that lets nothing
// through, and what comes nearest.
type Failure struct {
	Place     string `json:"place"`
	Kind      string `json:"kind"`
	Condition string `json:"condition"`
	At        int    `json:"at"`               // among the conditions of its list, from 0
	Branch    int    `json:"branch,omitempty"` // of any, from 1: the one that comes furthest
	Says      string `json:"says"`
	// Test is the first test that nothing passes, with the values of the fact that
	// comes to it.
	Test *TestSeen `json:"test,omitempty"`
	// Reached is how many combinations of facts satisfy everything before; Given are
	// the facts of the first one.
	Reached int         `json:"reached"`
	Given   []ShownFact `json:"given,omitempty"`
	// Steps tell of a pattern how many facts are left after each of its tests.
	Steps []Step `json:"steps,omitempty"`
	// Near are the facts that fail the fewest tests.
	Near []Near `json:"near,omitempty"`
	// Blocking are the facts that keep a negation or a forall from holding.
	Blocking [][]ShownFact `json:"blocking,omitempty"`
	Values   []Value       `json:"values,omitempty"`
	// Makers are the rules that derive the facts that a pattern lacks, with what they
	// say of the resource.
	Makers []Answer `json:"makers,omitempty"`
	// Inner is the first condition that fails inside of this one.
	Inner *Failure `json:"inner,omitempty"`

	depth int // how many tests of a pattern something passes, to compare branches by
}

// Step is a test with how many facts are left after it.
type Step struct {
	Test string `json:"test"`
	Left int    `json:"left"`
}

// Near is a fact, or a row of a table, that is nearly what a condition asks for.
type Near struct {
	Fact   *ShownFact `json:"fact,omitempty"`
	Row    int        `json:"row,omitempty"` // of a table, from 1
	Passed int        `json:"passed"`
	Failed []TestSeen `json:"failed"`
}

// maxShown is how many examples an explanation gives of anything.
const maxShown = 5

// Explain says what a rule makes of a resource on the facts of the last run, and
// why. The rule may be named without its pack if no other has the id. A resource is
// what the rule's recommendation names, or the key of its subject.
func (s *Session) Explain(rule, resource string) (Explanation, error) {
	r, err := s.set.named(rule)
	if err != nil {
		return Explanation{}, err
	}
	if err := s.commit(); err != nil {
		return Explanation{}, err
	}
	x := newExplainer(s)
	return x.explain(r, resource), nil
}

// Doubt notes, by rule, why its answer cannot be relied on although the facts give
// one: a source has failed, say. Explanations repeat it.
func (s *Session) Doubt(rules map[string]string) { s.doubts = rules }

// named finds a rule by its id, with or without the pack.
func (s *Set) named(id string) (*Rule, error) {
	if r, ok := s.Rule(id); ok {
		return r, nil
	}
	var found []string
	for _, r := range s.rules {
		if strings.HasSuffix(r.ID, "/"+id) {
			found = append(found, r.ID)
		}
	}
	switch {
	case len(found) == 1:
		return s.byID[found[0]], nil
	case len(found) > 1:
		return nil, trimtab.Errorf(trimtab.Invalid, "several rules are called %q", id).WithNext("say which: %s", strings.Join(found, ", "))
	}
	err := trimtab.Errorf(trimtab.Invalid, "there is no rule %q", id)
	if near := strictyaml.Nearest(id, s.ruleNames()); near != "" {
		return nil, err.WithNext("did you mean %q?", near)
	}
	return nil, err.WithNext("`trimtab rules list` lists them")
}

// ruleNames are the ids of all rules, with and without their packs.
func (s *Set) ruleNames() []string {
	var out []string
	for _, r := range s.rules {
		out = append(out, r.ID, strings.TrimPrefix(r.ID, r.Pack+"/"))
	}
	return out
}

// ref names the rule for readers.
func (r *Rule) ref() RuleRef {
	return RuleRef{r.ID, r.Title, r.Hash, r.Priority, r.Pack, r.Owner, placeOf(r.node)}
}

// explain judges one rule.
func (x *explainer) explain(r *Rule, resource string) Explanation {
	e := Explanation{Resource: resource, Rule: r.ref(), Doubt: x.session.doubts[r.ID]}
	if x.lacking()[r.ID] != "" {
		e.Doubt = "" // the facts say it themselves, where it matters
	}
	x.rule, x.resource, x.reads = r, resource, r.readsByName()
	pins := x.judged(r, resource)
	if len(pins) == 0 && !r.anywhere() {
		e.Verdict = VerdictNotThere
		e.Says, e.Nearest = x.notThere(r, resource)
		return e
	}
	if len(pins) == 0 {
		pins = []pin{{}} // the resource is computed from several facts
	}
	if x.matched(&e, r, pins, resource); len(e.Matches) == 0 {
		x.unmatched(&e, r, pins)
	}
	return e
}

// matched tells of the matches that stand.
func (x *explainer) matched(e *Explanation, r *Rule, pins []pin, resource string) {
	seen := map[string]bool{}
	for m := range x.session.memory.Matches(r.ID) {
		// Two branches of any may match alike; one of them says it.
		if seen[m.Bind.String()] || !x.concerns(r, m, pins, resource) {
			continue
		}
		seen[m.Bind.String()] = true
		if len(e.Matches) == maxShown {
			break
		}
		e.Matches = append(e.Matches, x.way(r, m))
		if m.Fired {
			e.Verdict = VerdictFires
		}
	}
	if len(e.Matches) == 0 {
		return
	}
	e.Says = "all conditions hold"
	if e.Verdict != VerdictFires {
		e.Verdict, e.Says = VerdictWaits, "all conditions hold, but "+e.Matches[0].Waits
	}
	if failed := x.session.failedOn(r, pins); failed != "" {
		e.Verdict, e.Says = VerdictFails, "all conditions hold, but its action failed: "+failed
	}
}

// unmatched tells why there is no match, the most fundamental reason first.
func (x *explainer) unmatched(e *Explanation, r *Rule, pins []pin) {
	e.Failure = x.furthest(r, pins)
	now := x.session.memory.Now()
	o := r.turn
	switch why := x.ungiven(r, e.Failure); {
	case !r.Enabled:
		e.Verdict, e.Says = VerdictDisabled, "the rule is not enabled"
	case !o.from.IsZero() && now.Before(o.from):
		e.Verdict, e.Says = VerdictNotInEffect, "the rule is in effect from "+plainText(o.from)+", and it is "+plainText(now)
	case !o.until.IsZero() && !now.Before(o.until):
		e.Verdict, e.Says = VerdictNotInEffect, "the rule was in effect until "+plainText(o.until)+", and it is "+plainText(now)
	case why != "":
		e.Verdict, e.Says = VerdictNotEvaluable, why+": nobody gives that field, so the rule cannot be judged"
	case e.Failure == nil:
		e.Verdict, e.Says = VerdictNo, "its conditions hold for other resources only"
		return
	case e.Failure.Kind == "requires":
		e.Verdict, e.Says = VerdictUnknown, "evidence is missing: "+e.Failure.Says
	default:
		e.Verdict, e.Says = VerdictNo, e.Failure.Says
	}
	if e.Failure == nil {
		e.Says += "; its conditions hold"
	}
}

// lacking are the rules that need a field which no fact has.
func (x *explainer) lacking() map[string]string {
	if x.lacks == nil {
		x.lacks = x.session.notEvaluable()
	}
	return x.lacks
}

// ungiven says which field that a failed test reads no fact has; "" if it fails for
// another reason. A rule that lacks a field says no all the same to what is not of its
// kind.
func (x *explainer) ungiven(r *Rule, f *Failure) string {
	for f != nil && f.Inner != nil {
		f = f.Inner
	}
	if f == nil || f.Test == nil || x.lacking()[r.ID] == "" {
		return ""
	}
	for _, v := range f.Test.Values {
		_, field, _ := strings.Cut(v.Name, ".")
		for _, need := range r.needs {
			if v.Absent && need.Field == field && !x.session.fieldsOf(need.Type)[field] {
				return "no " + need.Type + " has " + field
			}
		}
	}
	return ""
}
