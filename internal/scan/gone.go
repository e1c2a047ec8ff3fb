package scan

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
)

// whereabouts is what the present facts say of the resources whose recommendations were not
// concluded: why each has gone is told from it, as far as it can be.
type whereabouts struct {
	facts    map[string][]source.Fact // by resource
	accounts map[string]bool          // that any fact names
}

// find goes through everything that was gathered once, for some resources.
func find(batches []batch, resources map[string]bool) whereabouts {
	w := whereabouts{facts: map[string][]source.Fact{}, accounts: map[string]bool{}}
	if len(resources) == 0 {
		return w // there may be very many facts
	}
	for _, b := range batches {
		for _, f := range b.Facts {
			if account := text(f.Fields["account"]); account != "" {
				w.accounts[account] = true
			}
			for _, id := range subjectsOf(f.Fields) {
				if resources[id] {
					w.facts[id] = append(w.facts[id], f)
				}
			}
		}
	}
	return w
}

// subjectsOf are the resources that a fact is about, mostly one.
func subjectsOf(fields map[string]any) []string {
	var ids []string
	for _, name := range []string{"id", "resource"} {
		id := trimtab.CanonicalResource(text(fields[name]))
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// gone tells why an episode that was not concluded is absent; last is how it was seen last.
// What cannot be told apart from a condition that cleared is called that.
func (v *Verdict) gone(e *store.Episode, last *trimtab.Recommendation, w whereabouts) string {
	rules := v.atWork(e)
	facts := w.facts[e.Resource]
	account := last.Subject.Account
	switch {
	case len(rules) == 0:
		return "rule_disabled"
	case !v.resources[e.Resource] && account != "" && len(v.failed) == 0 && len(w.accounts) > 0 && !w.accounts[account]:
		return "account_removed"
	case !v.resources[e.Resource]:
		return "resource_deleted"
	case exempted(rules, facts, v.now):
		return "exempted"
	case applied(last, facts):
		return "applied"
	case v.ruleChanged(rules, last, facts):
		return "rule_changed"
	}
	return "condition_cleared"
}

// atWork are the rules of an episode that still judge.
func (v *Verdict) atWork(e *store.Episode) []*rule.Rule {
	var rules []*rule.Rule
	for _, id := range e.Rules {
		if r, ok := v.rules.Rule(id); ok && r.Enabled {
			rules = append(rules, r)
		}
	}
	return rules
}

// exemption is the type of the facts that exempt a resource.
const exemption = "Exemption"

// exempted: each of the rules asks for exemptions, and there is one now. While it was
// concluded there was none.
func exempted(rules []*rule.Rule, facts []source.Fact, now time.Time) bool {
	asks := !slices.ContainsFunc(rules, func(r *rule.Rule) bool { return !slices.Contains(r.Negates(), exemption) })
	return asks && slices.ContainsFunc(facts, func(f source.Fact) bool {
		return f.Type == exemption && !endedBefore(f.Fields["until"], now)
	})
}

// endedBefore reads the end of an exemption as a source gives it or as it is written down;
// one without an end has none.
func endedBefore(v any, now time.Time) bool {
	switch v := v.(type) {
	case time.Time:
		return !v.After(now)
	case string:
		at, err := time.Parse(time.RFC3339, v)
		return err == nil && !at.After(now)
	}
	return false
}

// applied: a field of the resource says now what was proposed, and said something else when
// it was concluded.
func applied(last *trimtab.Recommendation, facts []source.Fact) bool {
	if last.Proposed == "" {
		return false
	}
	for _, was := range evidenceAbout(last) {
		for name, old := range was.Fields {
			if before := text(old); before == "" || before == last.Proposed {
				continue
			}
			if slices.ContainsFunc(facts, func(f source.Fact) bool { return f.Type == was.Type && text(f.Fields[name]) == last.Proposed }) {
				return true
			}
		}
	}
	return false
}

// ruleChanged: every rule that concluded it has another text or other parameters now, while
// what they saw of the resource is as it was.
func (v *Verdict) ruleChanged(rules []*rule.Rule, last *trimtab.Recommendation, facts []source.Fact) bool {
	hashes := map[string]string{}
	for _, r := range last.Reasons {
		hashes[r.Rule] = r.Hash
	}
	if slices.ContainsFunc(rules, func(r *rule.Rule) bool { return hashes[r.ID] == r.Hash || hashes[r.ID] == "" }) {
		return false
	}
	compared := 0
	for _, was := range evidenceAbout(last) {
		if v.derives(was.Type) {
			continue // it follows from the others
		}
		if !slices.ContainsFunc(facts, func(f source.Fact) bool { return f.Type == was.Type && unchanged(was.Fields, f.Fields) }) {
			return false
		}
		compared++
	}
	return compared > 0
}

// evidenceAbout is the part of the evidence that is about the resource itself.
func evidenceAbout(last *trimtab.Recommendation) []trimtab.Evidence {
	var about []trimtab.Evidence
	for _, r := range last.Reasons {
		for _, e := range r.Evidence {
			if slices.Contains(subjectsOf(e.Fields), last.Subject.Resource) {
				about = append(about, e)
			}
		}
	}
	return about
}

func (v *Verdict) derives(typ string) bool {
	return slices.ContainsFunc(v.rules.Rules(), func(r *rule.Rule) bool { return slices.Contains(r.Derives(), typ) })
}

// unchanged compares what a rule saw, as it was written down, with what a source gives.
func unchanged(was, is map[string]any) bool {
	for name, old := range was {
		if written(old) != written(is[name]) {
			return false
		}
	}
	return true
}

// written is a value as JSON has it, amounts of money in one spelling.
func written(v any) string {
	if s, ok := v.(string); ok {
		if m, err := trimtab.ParseMoney(s); err == nil {
			v = m
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
