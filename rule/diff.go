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

// Effect is what a difference comes to: savings a month by currency, and the most
// tickets that it can cause, whatever minimum savings and caps then hold back.
type Effect struct {
	Gained, Lost           map[string]trimtab.Money // of what appears and rises, of what vanishes and falls
	Opened, Closed, Edited int
}

// Effect adds up a difference.
func (d Difference) Effect() Effect {
	e := Effect{
		Gained: map[string]trimtab.Money{}, Lost: map[string]trimtab.Money{},
		Opened: len(d.Appear), Closed: len(d.Vanish), Edited: len(d.Change),
	}
	for _, c := range d.Appear {
		addTo(e.Gained, c.Savings)
	}
	for _, c := range d.Vanish {
		addTo(e.Lost, c.Savings)
	}
	for _, c := range d.Change {
		moved, err := c.New.Savings.Sub(c.Old.Savings)
		switch {
		case err != nil: // another currency
			addTo(e.Gained, c.New.Savings)
			addTo(e.Lost, c.Old.Savings)
		case moved.Amount.IsNegative():
			addTo(e.Lost, trimtab.Money{Amount: moved.Amount.Neg(), Currency: moved.Currency})
		default:
			addTo(e.Gained, moved)
		}
	}
	return e
}

// addTo keeps one sum a currency; nothing is in no currency.
func addTo(sums map[string]trimtab.Money, m trimtab.Money) {
	if m.IsZero() {
		return
	}
	sums[m.Currency] = trimtab.Money{Amount: sums[m.Currency].Amount.Add(m.Amount), Currency: m.Currency}
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
		"confidence": c.Confidence, "effort": c.Effort, "risk": c.Risk, "blockers": c.Blockers, "restart": c.Restart, "rollback": c.Rollback,
		"labels": c.Labels, "reasons": rules, "name": s.Name, "kind": s.Kind, "provider": s.Provider,
		"account": s.Account, "region": s.Region, "service": s.Service, "environment": s.Environment,
		"owner": s.Owner, "tags": s.Tags, "monthly_cost": money{s.MonthlyCost}.ReteKey(),
	}
}
