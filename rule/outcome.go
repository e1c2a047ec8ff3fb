package rule

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/rete"
)

// Outcome is what follows from the facts of a session after a run. Everything
// in it is sorted, so that the same facts give the same outcome.
type Outcome struct {
	Recommendations []Conclusion   // by action, resource, variant
	Unknown         []Unknown      // by rule, resource
	Assignments     []Assignment   // by action, resource, variant
	Logs            []Log          // in the order of firing
	Errors          []RuleError    // by rule
	Conflicts       []Conflict     // in the order of happening
	AbsentReads     map[string]int // reads of absent fields, by rule
	Firings         map[string]int // by rule
	Halted          bool           // an action ended the run early
	// NotEvaluable are the rules that cannot be judged, with why: no fact has a field
	// that they need. Their answer is unknown.
	NotEvaluable map[string]string
}

// Conclusion is one recommendation. Its fields are those of its first reason,
// the rule with the highest priority.
type Conclusion struct {
	Action      string
	Resource    string
	Variant     string
	Title       string
	Description string
	Fix         string
	Doc         string
	Runbook     string
	Current     string
	Proposed    string
	Savings     trimtab.Money
	Confidence  string
	Effort      string
	Risk        string
	Blockers    string
	Restart     bool
	Rollback    bool
	Labels      []string
	Subject     Subject
	Reasons     []Reason // best first
}

// Subject is what is known of the resource.
type Subject struct {
	Name        string
	Kind        string
	Provider    string
	Account     string
	Region      string
	Service     string
	Environment string
	Owner       string
	Tags        map[string]string
	MonthlyCost trimtab.Money
}

// Reason is one rule's conclusion of a recommendation.
type Reason struct {
	Rule     string
	Pack     string
	Hash     string
	Priority int
	Title    string
	Savings  trimtab.Money
	// Values are the fields that the rule gave, as plain values.
	Values   map[string]any
	Evidence []Evidence
}

// Evidence is one fact that a rule matched.
type Evidence struct {
	Name   string // the rule's name for it, "" if it has none
	Type   string
	Fields map[string]any
}

// Unknown says that a rule cannot tell about a resource: evidence is missing.
type Unknown struct{ Rule, Resource, Reason string }

// Assignment says where a recommendation goes, as rules decided it.
type Assignment struct {
	Action, Resource, Variant string
	Owner, Board, Priority    string
	Labels                    []string
	Rules                     []string // best first
}

// Log is a line that a rule logged.
type Log struct{ Rule, Text string }

// RuleError is a test or an action of a rule that failed. The rule's answer
// about the facts in question is unknown.
type RuleError struct {
	Rule    string
	Test    string // the text of the test; "" for an action
	Message string
	Count   int // how often it happened
	// Facts are those of the firing that failed; none for a test.
	Facts []Evidence
}

// Conflict is a derivation that lost against another for the same key.
type Conflict struct{ Type, Winner, Loser string }

// outcome collects what stands in the memory and what the run reports.
//
// It is read off the memory rather than collected from firings: what was concluded
// and withdrawn on the way is not there, and a run that fires nothing has the same
// outcome as the run before.
func (s *Session) outcome(r rete.Report) *Outcome {
	out := &Outcome{AbsentReads: map[string]int{}, Firings: map[string]int{}, NotEvaluable: s.notEvaluable()}
	for f := range s.memory.FactsOf(recommendationType) {
		out.Recommendations = append(out.Recommendations, s.conclusion(f))
	}
	for f := range s.memory.FactsOf(assignmentType) {
		out.Assignments = append(out.Assignments, s.assignment(f))
	}
	for f := range s.memory.FactsOf(unevaluableType) {
		out.Unknown = append(out.Unknown, Unknown{text(f, "rule"), text(f, "resource"), text(f, "reason")})
	}
	slices.SortFunc(out.Recommendations, func(a, b Conclusion) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Variant, b.Variant))
	})
	slices.SortFunc(out.Assignments, func(a, b Assignment) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Variant, b.Variant))
	})
	slices.SortFunc(out.Unknown, func(a, b Unknown) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Resource, b.Resource))
	})
	out.report(r)
	return out
}

// ruleOf is the rule that a production belongs to.
func ruleOf(production string) string { return strings.TrimSuffix(production, requiresSuffix) }

// report takes over what the matcher counted. Productions of requires count for
// their rule.
func (o *Outcome) report(r rete.Report) {
	for _, fired := range r.Fired {
		o.Firings[ruleOf(fired.Production)] += fired.N
	}
	for id, n := range r.AbsentReads {
		o.AbsentReads[ruleOf(id)] += n
	}
	for _, l := range r.Logs {
		o.Logs = append(o.Logs, Log{ruleOf(l.Production), l.Text})
	}
	for _, c := range r.Conflicts {
		o.Conflicts = append(o.Conflicts, Conflict{c.Type, ruleOf(c.Winner), ruleOf(c.Loser)})
	}
	for _, e := range r.TestErrors {
		o.Errors = append(o.Errors, RuleError{Rule: ruleOf(e.Production), Test: e.Test, Message: e.Err.Error(), Count: e.Count})
	}
	for _, e := range r.Errors {
		o.Errors = append(o.Errors, RuleError{
			Rule: ruleOf(e.Production), Message: reasonOf(e.Err), Count: 1,
			Facts: evidence(e.Facts, e.Bind),
		})
	}
	slices.SortStableFunc(o.Errors, func(a, b RuleError) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Test, b.Test))
	})
	o.Halted = r.Halted
}

// reasonOf leaves out what its reader is told anyway: that a rule fired.
func reasonOf(err error) string {
	var firing *rete.FiringError
	if errors.As(err, &firing) {
		err = firing.Err
	}
	// It has the fact and the field in it; what is wrapped around repeats the rule.
	var fact *rete.FactError
	if errors.As(err, &fact) {
		return fact.Error()
	}
	return err.Error()
}

// conclusion copies a recommendation with all that supports it.
func (s *Session) conclusion(f rete.Fact) Conclusion {
	c := Conclusion{
		Action: text(f, "action"), Resource: text(f, "resource"), Variant: text(f, "variant"),
		Title: text(f, "title"), Description: text(f, "description"), Fix: text(f, "fix"),
		Doc: text(f, "doc"), Runbook: text(f, "runbook"), Current: text(f, "current"), Proposed: text(f, "proposed"),
		Savings: amount(f, "savings"), Confidence: text(f, "confidence"), Effort: text(f, "effort"), Risk: text(f, "risk"), Blockers: text(f, "blockers"),
		Restart: truth(f, "restart"), Rollback: truth(f, "rollback"), Labels: texts(f, "labels"),
		Subject: Subject{
			Name: text(f, "name"), Kind: text(f, "kind"), Provider: text(f, "provider"), Account: text(f, "account"),
			Region: text(f, "region"), Service: text(f, "service"), Environment: text(f, "environment"),
			Owner: text(f, "owner"), Tags: tags(f), MonthlyCost: amount(f, "monthly_cost"),
		},
	}
	for _, support := range s.memory.Supports(f.Handle()) {
		c.Reasons = append(c.Reasons, s.reason(support))
	}
	return c
}

// reason is what one rule gave, whether or not its words were chosen.
func (s *Session) reason(p rete.Support) Reason {
	r := Reason{
		Rule: ruleOf(p.Production), Priority: p.Priority >> priorityBits, Values: exportFields(p.Values),
		Evidence: evidence(p.Facts, p.Bind),
	}
	// One that is not in the set any more has given its words all the same.
	if rule, ok := s.set.Rule(r.Rule); ok {
		r.Pack, r.Hash = rule.Pack, rule.Hash
	}
	r.Title, _ = r.Values["title"].(string)
	r.Savings, _ = r.Values["savings"].(trimtab.Money)
	return r
}

// evidence names the facts of a match as the rule does.
func evidence(facts []rete.Fact, bind rete.Bind) []Evidence {
	out := make([]Evidence, 0, len(facts))
	for _, f := range facts {
		e := Evidence{Type: f.Type(), Fields: exportFields(f.Fields())}
		for _, name := range sortedKeys(bind) {
			// One fact may be bound twice; the first name in order is always the same.
			if bind[name] == f.Handle() {
				e.Name = name
				break
			}
		}
		out = append(out, e)
	}
	return out
}

// assignment copies where a recommendation goes. Rules complete one another: what
// the best does not say, the next may, so one rule can name the owner and another
// the board.
func (s *Session) assignment(f rete.Fact) Assignment {
	a := Assignment{
		Action: text(f, "action"), Resource: text(f, "resource"), Variant: text(f, "variant"),
		Owner: text(f, "owner"), Board: text(f, "board"), Priority: text(f, "priority"), Labels: texts(f, "labels"),
	}
	for _, support := range s.memory.Supports(f.Handle()) {
		a.Rules = append(a.Rules, ruleOf(support.Production))
		a.complete(support.Values)
	}
	return a
}

// complete takes from a rule what better ones have not said.
func (a *Assignment) complete(values rete.Fields) {
	for field, to := range map[string]*string{"owner": &a.Owner, "board": &a.Board, "priority": &a.Priority} {
		if s, ok := values[field].(string); ok && *to == "" {
			*to = s
		}
	}
	if list, ok := values["labels"].([]any); ok && len(a.Labels) == 0 {
		for _, x := range list {
			if s, ok := x.(string); ok {
				a.Labels = append(a.Labels, s)
			}
		}
	}
}

// text and its kin read a field of a built-in type, whose type is known; absent
// ones are zero.
func text(f rete.Fact, field string) string {
	v, _ := f.Get(field)
	s, _ := v.(string)
	return s
}

// truth reads a bool; absent is false.
func truth(f rete.Fact, field string) bool {
	v, _ := f.Get(field)
	b, _ := v.(bool)
	return b
}

// amount reads money; absent is the zero value, which has every currency.
func amount(f rete.Fact, field string) trimtab.Money {
	v, _ := f.Get(field)
	m, _ := v.(money)
	return m.m
}

// texts reads a list of texts.
func texts(f rete.Fact, field string) []string {
	v, _ := f.Get(field)
	list, _ := v.([]any)
	var out []string
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// tags reads a map of texts; absent is nil, which is not the empty map: no tags
// known, not no tags.
func tags(f rete.Fact) map[string]string {
	v, ok := f.Get("tags")
	m, isMap := v.(map[string]any)
	if !ok || !isMap {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, x := range m {
		out[k], _ = x.(string)
	}
	return out
}
