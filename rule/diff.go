package rule

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/trimtab/trimtab"
)

// Difference is what would change if one outcome took the place of another.
type Difference struct {
	Appear []Conclusion // only in the new one
	Vanish []Conclusion // only in the old one
	Change []Change     // in both, with other words or amounts
	// Unsure are conclusions of the old one whose rules cannot tell any more:
	// they stay as they are.
	Unsure []Conclusion
}

// Change is a recommendation that both outcomes have.
type Change struct {
	Old, New Conclusion
	Fields   []string // what differs, sorted: field names, or "reasons"
}

// Empty reports whether nothing would change.
func (d Difference) Empty() bool {
	return len(d.Appear)+len(d.Vanish)+len(d.Change)+len(d.Unsure) == 0
}

// identity is what makes two conclusions the same recommendation.
type identity struct{ action, resource, variant string }

// key is the conclusion's identity, with the resource in its canonical spelling.
func (c Conclusion) key() identity {
	return identity{c.Action, trimtab.CanonicalResource(c.Resource), c.Variant}
}

// Diff compares two outcomes. All of it is sorted by action, resource, variant.
//
// What the new rules cannot tell about is neither there nor gone. It is listed
// apart, since a reader who counts what would vanish must not count it.
func Diff(old, next Outcome) Difference {
	var d Difference
	before := map[identity]Conclusion{}
	for _, c := range old.Recommendations {
		before[c.key()] = c
	}
	for _, c := range next.Recommendations {
		o, both := before[c.key()]
		// What is left over at the end is what the new rules did not conclude.
		delete(before, c.key())
		if !both {
			d.Appear = append(d.Appear, c)
		} else if fields := o.differs(c); len(fields) > 0 {
			d.Change = append(d.Change, Change{o, c, fields})
		}
	}
	// By rule and resource: that another rule cannot tell says nothing about this one.
	unsure := map[[2]string]bool{}
	for _, u := range next.Unknown {
		unsure[[2]string{u.Rule, trimtab.CanonicalResource(u.Resource)}] = true
	}
	for _, c := range slices.SortedFunc(maps.Values(before), byIdentity) {
		if c.unsure(unsure, next.NotEvaluable) {
			d.Unsure = append(d.Unsure, c)
		} else {
			d.Vanish = append(d.Vanish, c)
		}
	}
	return d
}

// unsure reports whether a rule that concluded c says "unknown" now.
func (c Conclusion) unsure(unknown map[[2]string]bool, not map[string]string) bool {
	return slices.ContainsFunc(c.Reasons, func(r Reason) bool {
		return not[r.Rule] != "" || unknown[[2]string{r.Rule, trimtab.CanonicalResource(c.Resource)}]
	})
}

// byIdentity is the order in which people read a list of recommendations.
func byIdentity(a, b Conclusion) int {
	return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Variant, b.Variant))
}

// differs names what differs between two wordings of one recommendation. Facts
// and hashes are no difference: they change with every scan and every edit.
func (c Conclusion) differs(o Conclusion) []string {
	var out []string
	a, b := c.words(), o.words()
	for _, name := range sortedKeys(a) {
		if !reflect.DeepEqual(a[name], b[name]) {
			out = append(out, name)
		}
	}
	return out
}

// words are what people see of a conclusion, comparable.
func (c Conclusion) words() map[string]any {
	rules := make([]string, len(c.Reasons))
	for i, r := range c.Reasons {
		rules[i] = r.Rule
	}
	s := c.Subject
	return map[string]any{
		"title": c.Title, "description": c.Description, "fix": c.Fix, "doc": c.Doc, "runbook": c.Runbook,
		"current": c.Current, "proposed": c.Proposed, "savings": money{c.Savings}.ReteKey(),
		"confidence": c.Confidence, "effort": c.Effort, "risk": c.Risk, "restart": c.Restart, "rollback": c.Rollback,
		"labels": c.Labels, "reasons": rules, "name": s.Name, "kind": s.Kind, "provider": s.Provider,
		"account": s.Account, "region": s.Region, "service": s.Service, "environment": s.Environment,
		"owner": s.Owner, "tags": s.Tags, "monthly_cost": money{s.MonthlyCost}.ReteKey(),
	}
}
