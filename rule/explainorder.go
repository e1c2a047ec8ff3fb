package rule

import (
	"slices"

	"github.com/trimtab/trimtab/rete"
)

// hoisted is a list of conditions in which the pattern of a name comes first, with
// what it says of itself. What it says of names bound before it moves to where these
// are bound, so that the list means what it meant.
//
// Who asks about one machine wants to hear that it is stopped, not that the first of
// a hundred thousand costs is another one's. It also makes a lookup of each join.
func (x *explainer) hoisted(list []*condition, as string) []*condition {
	k := slices.IndexFunc(list, func(c *condition) bool { return c.kind == "match" && c.as == as })
	if as == "" || k <= 0 {
		return list
	}
	subject := list[k]
	own, others := partedBy(x.session.set.conjunctsOf(subject), map[string]bool{as: true})
	out := []*condition{subject.withParts(own)}
	bound := map[string]bool{as: true}
	for _, c := range list[:k] {
		c.binds(bound)
		var now []conjunct
		now, others = partedBy(others, bound)
		out = append(out, x.moved(c, subject, now)...)
	}
	return append(out, list[k+1:]...)
}

// moved is a condition that also says what a pattern said later in the text.
func (x *explainer) moved(c, from *condition, parts []conjunct) []*condition {
	switch {
	case len(parts) == 0:
		return []*condition{c}
	case c.kind != "match":
		test := &condition{kind: "test", node: from.node, where: from.where, at: from.at}
		return []*condition{c, test.withParts(parts)}
	}
	all := slices.Clone(x.session.set.conjunctsOf(c))
	for _, p := range parts {
		all = append(all, x.session.set.seenBy(c, p))
	}
	return []*condition{c.withParts(all)}
}

// seenBy is a conjunct as another pattern sees it: what is looked up is now the other
// side.
func (s *Set) seenBy(c *condition, p conjunct) conjunct {
	s.split.Lock() // as for making conjuncts
	defer s.split.Unlock()
	p.join = true
	p.field, p.other = p.textJoin(c.as)
	return p
}

// partedBy splits conjuncts into those that read nothing but some names and others.
func partedBy(parts []conjunct, names map[string]bool) (inside, others []conjunct) {
	for _, p := range parts {
		if slices.ContainsFunc(p.reads, func(r rete.Ref) bool { return !names[r.Name] }) {
			others = append(others, p)
		} else {
			inside = append(inside, p)
		}
	}
	return inside, others
}

// withParts is the condition with other conjuncts than those of its text.
func (c *condition) withParts(parts []conjunct) *condition {
	out := *c
	out.own, out.apart = parts, true
	return &out
}

// binds notes the names that a condition binds for those after it.
func (c *condition) binds(names map[string]bool) {
	switch c.kind {
	case "match":
		names[c.as] = true
	case "let":
		names[c.name] = true
	case "accumulate":
		for _, g := range c.groups {
			names[g.name] = true
		}
		for _, a := range c.aggregates {
			names[a.name] = true
		}
	case "any":
		for _, branch := range c.inner {
			for _, b := range branch {
				b.binds(names)
			}
		}
	}
}
