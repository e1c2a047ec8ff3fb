package scan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"sort"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
)

// Verdict is what the rules conclude from the facts, and what they could not
// tell.
type Verdict struct {
	Recommendations []*trimtab.Recommendation
	Assignments     []Assignment

	rules     *rule.Set
	failed    map[string]string            // fact type → the source that failed to give it
	unknown   map[string]map[string]string // rule → resource → why
	erred     map[string]string            // rule → its first error
	withheld  map[string]string            // rule → why its conclusions do not count
	resources map[string]bool              // every resource that a fact is about
	// controllers are those of the members of groups, by the member's id.
	controllers map[string]controller
	outcome     *rule.Outcome
	batches     []batch   // that were judged
	now         time.Time // the rules' own
}

// judge runs the rules over everything that was gathered. A source whose facts
// do not fit their types has failed, whole.
func judge(ctx context.Context, rules *rule.Set, now time.Time, batches []batch) (*Verdict, error) {
	session, err := load(rules, now, batches)
	if err != nil {
		return nil, err
	}
	outcome, err := session.Run(ctx)
	if err != nil {
		return nil, fmt.Errorf("run the rules: %w", err)
	}
	noteUngiven(outcome, rules, batches)
	v := &Verdict{
		rules: rules, outcome: outcome, batches: batches, now: now, failed: failedTypes(batches), resources: map[string]bool{}, controllers: map[string]controller{},
	}
	v.findUnknown()
	v.withhold()
	for _, c := range outcome.Recommendations {
		if rec := v.recommendation(c); rec != nil {
			v.Recommendations = append(v.Recommendations, rec)
		}
	}
	for _, a := range outcome.Assignments {
		v.Assignments = append(v.Assignments, Assignment{
			Action: a.Action, Resource: trimtab.CanonicalResource(a.Resource), Variant: a.Variant, Owner: a.Owner, Board: a.Board,
			Priority: a.Priority, Labels: a.Labels, Rule: strings.Join(a.Rules, ", "),
		})
	}
	for _, b := range batches {
		v.noteResources(b.Facts)
	}
	return v, nil
}

// noteUngiven adds the rules of which no source gives the facts: they are silent for
// want of data, and that must be seen.
func noteUngiven(outcome *rule.Outcome, rules *rule.Set, batches []batch) {
	given := map[string]bool{}
	for _, b := range batches {
		for _, t := range b.source.Facts() {
			given[t] = true
		}
	}
	for _, r := range rules.Rules() {
		for _, t := range r.Derives() {
			given[t] = true
		}
	}
	for _, r := range rules.Rules() {
		for _, t := range r.Matches() {
			if r.Enabled && !given[t] && !rule.Own(t) && outcome.NotEvaluable[r.ID] == "" {
				outcome.NotEvaluable[r.ID] = "no source gives " + t
			}
		}
	}
}

// load states all facts in a fresh session. When a source's facts are refused,
// the source is marked as failed and loading begins anew without it.
func load(rules *rule.Set, now time.Time, batches []batch) (*rule.Session, error) {
	for {
		session, err := rules.NewSession(rule.SessionOptions{})
		if err != nil {
			return nil, err
		}
		if err := session.SetClock(now); err != nil {
			return nil, err
		}
		if !refused(session, batches) {
			return session, nil
		}
	}
}

// refused states the facts and reports whether a source had to be dropped.
func refused(session *rule.Session, batches []batch) bool {
	for i, b := range batches {
		for n, f := range b.Facts {
			if err := session.Assert(f.Type, f.Fields); err != nil {
				e := trimtab.Errorf(trimtab.Outside, "fact %d: %w", n+1, err)
				batches[i].err, batches[i].Batch = e, &source.Batch{Rows: b.Rows}
				return true
			}
		}
	}
	return false
}

// failedTypes names what cannot be told now: every type that a failed source
// would have given, even if another source gives some of the same type.
func failedTypes(batches []batch) map[string]string {
	failed := map[string]string{}
	for _, b := range batches {
		if b.err == nil {
			continue
		}
		for _, t := range b.source.Facts() {
			failed[t] = b.source.Name()
		}
	}
	return failed
}

// findUnknown sorts what the rules themselves could not tell: evidence that is
// missing for a resource, and rules that failed. A rule that failed once is
// doubted as a whole: its errors name no resource.
func (v *Verdict) findUnknown() {
	v.unknown, v.erred = map[string]map[string]string{}, map[string]string{}
	for _, u := range v.outcome.Unknown {
		if v.unknown[u.Rule] == nil {
			v.unknown[u.Rule] = map[string]string{}
		}
		v.unknown[u.Rule][trimtab.CanonicalResource(u.Resource)] = u.Reason
	}
	for _, e := range v.outcome.Errors {
		if v.erred[e.Rule] == "" {
			v.erred[e.Rule] = e.Message
		}
	}
}

// withhold finds the rules whose conclusions do not count: they conclude from
// the absence of facts that a failed source would have given. An exemption that
// could not be read must not become a ticket.
func (v *Verdict) withhold() {
	v.withheld = map[string]string{}
	for _, r := range v.rules.Rules() {
		for _, t := range r.Negates() {
			if name, failed := v.failed[t]; failed {
				v.withheld[r.ID] = fmt.Sprintf("source %s failed, and the rule asks what is not in its %s facts", name, t)
			}
		}
	}
}

// recommendation makes one of a conclusion; nil when no reason for it counts.
func (v *Verdict) recommendation(c rule.Conclusion) *trimtab.Recommendation {
	var reasons []trimtab.Reason
	for _, r := range c.Reasons {
		if v.withheld[r.Rule] == "" {
			reasons = append(reasons, reason(r))
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	s := c.Subject
	return &trimtab.Recommendation{
		Action: c.Action, Variant: c.Variant, Title: c.Title, Fix: c.Fix, Doc: firstOf(c.Description, c.Doc), Runbook: c.Runbook,
		Current: c.Current, Proposed: c.Proposed, MonthlyCost: s.MonthlyCost, Savings: c.Savings, Confidence: c.Confidence,
		Effort: c.Effort, Risk: c.Risk, Blockers: c.Blockers, Labels: c.Labels, Reasons: reasons,
		Subject: trimtab.Subject{
			Resource: trimtab.CanonicalResource(c.Resource), Raw: c.Resource, Name: s.Name, Provider: s.Provider, Account: s.Account,
			Region: s.Region, Service: s.Service, Environment: s.Environment, Tags: s.Tags, State: fingerprint(reasons[0], c.Resource),
		},
	}
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// reason keeps a rule's evidence with the recommendation, as it was: the facts may
// be gone when somebody asks why.
func reason(r rule.Reason) trimtab.Reason {
	made := trimtab.Reason{Rule: r.Rule, Hash: r.Hash, Priority: r.Priority, Title: r.Title}
	for _, e := range r.Evidence {
		made.Evidence = append(made.Evidence, trimtab.Evidence{Name: e.Name, Type: e.Type, Fields: e.Fields})
	}
	return made
}

// fingerprint is the configuration of the resource as its own facts show it:
// what it is, not what it costs or how it is used.
func fingerprint(r trimtab.Reason, resource string) string {
	var parts []string
	for _, e := range r.Evidence {
		if e.Fields["id"] != resource {
			continue
		}
		for _, name := range []string{"size", "type", "kind"} {
			if value := text(e.Fields[name]); value != "" {
				parts = append(parts, name+"="+value)
			}
		}
	}
	return strings.Join(parts, " ")
}

// noteResources remembers which resources are spoken of at all, to tell "deleted"
// from "cured" when a recommendation is absent.
func (v *Verdict) noteResources(facts []source.Fact) {
	for _, f := range facts {
		for _, id := range subjectsOf(f.Fields) {
			v.resources[id] = true
		}
		v.noteController(f)
	}
}

// untold tells why an episode that was not concluded cannot be called absent:
// one of its rules lacks data, evidence or an answer.
func (v *Verdict) untold(e *store.Episode) (why string, untold bool) {
	for _, id := range e.Rules {
		r, ok := v.rules.Rule(id)
		if !ok || !r.Enabled {
			continue
		}
		if why := v.withheld[id]; why != "" {
			return why, true
		}
		for _, t := range r.Reads() {
			if name, failed := v.failed[t]; failed {
				return "source " + name + " failed", true
			}
		}
		if why := v.unknown[id][e.Resource]; why != "" {
			return why, true
		}
		if why := v.outcome.NotEvaluable[id]; why != "" {
			return "rule " + id + " cannot be judged: " + why, true
		}
		if why := v.erred[id]; why != "" {
			return "rule " + id + " failed: " + why, true
		}
	}
	return "", false
}

// detail is what the scan's row says of it.
func (v *Verdict) detail(batches []batch) store.ScanDetail {
	d := store.ScanDetail{
		Recommendations: len(v.Recommendations), AbsentReads: v.outcome.AbsentReads, Firings: v.outcome.Firings, NotEvaluable: map[string]string{},
	}
	for _, b := range batches {
		r := store.SourceReport{Source: b.source.Name(), Rows: b.Rows, Facts: len(b.Facts), Until: b.Until, Warnings: b.Warnings}
		if b.err != nil {
			r.Error = b.err.Error()
			if next := trimtab.NextOf(b.err); next != "" {
				r.Error += "; " + next // of several sources each has a next step of its own
			}
		}
		d.Sources = append(d.Sources, r)
	}
	for _, e := range v.outcome.Errors {
		d.RuleErrors = append(d.RuleErrors, fmt.Sprintf("rule %s: %s", e.Rule, e.Message))
	}
	maps.Copy(d.NotEvaluable, v.outcome.NotEvaluable)
	for _, r := range v.rules.Rules() {
		for _, t := range r.Reads() {
			if name, failed := v.failed[t]; failed {
				d.NotEvaluable[r.ID] = "source " + name + " failed"
			}
		}
	}
	return d
}

// Fingerprint names a rule set: it changes when a rule or a parameter does.
func Fingerprint(rules *rule.Set) string {
	var hashes []string
	for _, r := range rules.Rules() {
		hashes = append(hashes, r.ID+"@"+r.Hash)
	}
	sort.Strings(hashes)
	sum := sha256.Sum256([]byte(strings.Join(hashes, "\n")))
	return hex.EncodeToString(sum[:8])
}
