package rule

import (
	"slices"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// stated is a formula with the place of the condition that it was made of.
type stated struct {
	*formula
	at   strictyaml.Node
	text string
}

// formulasOf are what is known of the conditions at the top of a list: conjuncts of
// patterns and tests. What stands in a negation, a branch or an aggregation is left
// out.
func formulasOf(lists ...[]*condition) []stated {
	var out []stated
	for _, list := range lists {
		for _, c := range list {
			if c.where == nil || c.kind != "match" && c.kind != "test" {
				continue
			}
			for _, x := range conjuncts(c.where.checked.Expr()) {
				if f := formulaOf(closures{c.where}, x); f != nil {
					out = append(out, stated{f, c.at, c.where.part(x).text})
				}
			}
		}
	}
	return out
}

// patternsOf are the types of the facts that are bound at the top of a list.
func patternsOf(lists ...[]*condition) map[string]*factType {
	out := map[string]*factType{}
	for _, list := range lists {
		for _, c := range list {
			if c.kind == "match" && c.as != "" {
				out[c.as] = c.typ
			}
		}
	}
	return out
}

// typesOf tells the type of a variable.
func typesOf(patterns map[string]*factType) func(variable) (valueType, bool) {
	return func(v variable) (valueType, bool) {
		t, ok := patterns[v.name]
		if !ok {
			return valueType{}, false
		}
		return t.field(v.field)
	}
}

// unsatisfiable finds rules whose conditions exclude one another, and names the first
// condition with which they do.
func (l *linter) unsatisfiable() {
	for _, r := range l.set.rules {
		for _, lists := range [][][]*condition{{r.when}, {r.evidence}} {
			l.excluded(r, lists)
		}
		walk(r.when, false, func(c *condition, _ bool) {
			for _, inner := range c.inner {
				l.excluded(r, [][]*condition{inner})
			}
		})
	}
}

// excluded tells of the first condition of a list that cannot hold beside those
// before it.
func (l *linter) excluded(r *Rule, lists [][]*condition) {
	all := formulasOf(lists...)
	// Equalities with names bound outside have no type here and say nothing.
	types := typesOf(patternsOf(lists...))
	all = slices.DeleteFunc(all, func(s stated) bool {
		known := true
		s.variables(func(v variable) { _, ok := types(v); known = known && ok })
		return !known
	})
	if none(all, types) == nil {
		return
	}
	for i := range all {
		if none(all[:i+1], types) == nil {
			continue
		}
		with := partner(all[:i], all[i], types)
		if with == "" {
			l.warn(all[i].at, "%s of rule %s can never hold", all[i].text, r.ID)
		} else {
			l.warn(all[i].at, "rule %s can never fire: %s excludes %s", r.ID, all[i].text, with)
		}
		return
	}
}

// none gives the formulas back if they are proved to exclude one another, and nil
// otherwise.
func none(all []stated, types func(variable) (valueType, bool)) []stated {
	p := &problem{typeOf: types}
	for _, s := range all {
		p.formulas = append(p.formulas, s.formula)
	}
	if found, proved := p.solve(); found == nil && proved && len(all) > 0 {
		return all
	}
	return nil
}

// partner is the one condition that another excludes, if a single one does; "" if it
// cannot hold by itself.
func partner(before []stated, last stated, types func(variable) (valueType, bool)) string {
	if none([]stated{last}, types) != nil {
		return ""
	}
	for _, s := range before {
		if none([]stated{s, last}, types) != nil {
			return s.text
		}
	}
	return "what stands before it"
}
