package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// ResourceExplanation says what all rules make of one resource.
type ResourceExplanation struct {
	Resource string `json:"resource"`
	// Known is false if no fact is this resource; Nearest is then the one that was
	// probably meant.
	Known   bool   `json:"known"`
	Nearest string `json:"nearest,omitempty"`
	// Facts are those about it, without what is concluded of it: at most twenty.
	Facts []ShownFact `json:"facts"`
	// Recommendations are what is proposed for it.
	Recommendations []Proposed `json:"recommendations"`
	// Rules are the explanations of the rules whose conditions hold.
	Rules []Explanation `json:"rules"`
	// Others are the answers of the rules that could judge it and conclude nothing.
	Others []Answer `json:"others"`
	// Elsewhere is how many rules judge other facts.
	Elsewhere int `json:"elsewhere"`
}

// Proposed is a recommendation with the rules that are its reasons, best first.
type Proposed struct {
	Action   string     `json:"action"`
	Resource string     `json:"resource"`
	Variant  string     `json:"variant,omitempty"`
	Title    string     `json:"title,omitempty"`
	Savings  string     `json:"savings,omitempty"`
	Rules    []string   `json:"rules"`
	Assigned []Assigned `json:"assigned,omitempty"`
}

// Answer is a rule's answer in one line.
type Answer struct {
	Rule    string  `json:"rule"`
	Verdict Verdict `json:"verdict"`
	Place   string  `json:"place"`
	Says    string  `json:"says"`
}

// maxFacts is how many facts about a resource are listed.
const maxFacts = 20

// ExplainResource says what every rule makes of a resource on the facts of the last
// run: those whose conditions hold at length, the others in a line each.
func (s *Session) ExplainResource(resource string) (ResourceExplanation, error) {
	if err := s.commit(); err != nil {
		return ResourceExplanation{}, err
	}
	x := newExplainer(s)
	out := ResourceExplanation{Resource: resource, Facts: []ShownFact{}, Rules: []Explanation{}, Others: []Answer{}}
	x.facts(&out)
	x.proposed(&out)
	for _, r := range s.set.rules {
		switch e := x.explain(r, resource); {
		case e.Verdict == VerdictNotThere:
			out.Elsewhere++
		case len(e.Matches) > 0:
			out.Rules = append(out.Rules, e)
		case !r.anywhere(): // or it would be listed for every resource
			out.Others = append(out.Others, e.answer())
		default:
			out.Elsewhere++
		}
	}
	return out, nil
}

// answer is the explanation in one line, at the place where the rule says no.
func (e Explanation) answer() Answer {
	a := Answer{e.Rule.ID, e.Verdict, e.Rule.Place, e.Says}
	if e.Doubt != "" {
		a.Says += "; " + e.Doubt
	}
	if e.Failure != nil && (e.Verdict == VerdictNo || e.Verdict == VerdictUnknown) {
		a.Place = e.Failure.deepest()
		for _, m := range e.Failure.Makers {
			if m.Verdict != VerdictNotThere {
				a.Says += fmt.Sprintf("; %s, which derives such facts, says %s", m.Rule, m.Verdict.words())
			}
		}
	}
	return a
}

// deepest is the place of the innermost condition that fails.
func (f *Failure) deepest() string {
	for f.Inner != nil {
		f = f.Inner
	}
	return f.Place
}

// facts lists what is known of the resource, or which one was meant.
func (x *explainer) facts(out *ResourceExplanation) {
	about := x.about(out.Resource)
	out.Known = len(about) > 0
	for _, f := range about[:min(len(about), maxFacts)] {
		out.Facts = append(out.Facts, x.proposal(f))
	}
	if out.Known {
		return
	}
	var names []string
	for _, name := range sortedKeys(x.session.set.types) {
		if !Own(name) {
			names = append(names, x.resources(x.session.set.types[name])...)
		}
	}
	out.Nearest = strictyaml.Nearest(out.Resource, names)
}

// proposed lists the recommendations for the resource.
func (x *explainer) proposed(out *ResourceExplanation) {
	out.Recommendations = []Proposed{}
	for _, f := range x.byResource(recommendationType, "resource", out.Resource) {
		p := Proposed{Action: text(f, "action"), Resource: text(f, "resource"), Variant: text(f, "variant"), Title: text(f, "title")}
		if _, there := f.Get("savings"); there {
			p.Savings = amount(f, "savings").String()
		}
		for _, s := range x.session.memory.Supports(f.Handle()) {
			if id := ruleOf(s.Production); !slices.Contains(p.Rules, id) {
				p.Rules = append(p.Rules, id)
			}
		}
		p.Assigned = x.assigned(f)
		out.Recommendations = append(out.Recommendations, p)
	}
	slices.SortFunc(out.Recommendations, func(a, b Proposed) int {
		return strings.Compare(a.Action+" "+a.Variant, b.Action+" "+b.Variant)
	})
}
