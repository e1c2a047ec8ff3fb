package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/rete"
)

// view shows expressions what a match binds.
type view struct {
	session *Session
	match   rete.Matched
}

// Fact finds a bound fact.
func (v view) Fact(name string) (rete.Fact, bool) {
	h, ok := v.match.Bind[name]
	if !ok {
		return rete.Fact{}, false
	}
	return v.session.memory.Get(h)
}

// Value finds a bound value.
func (v view) Value(name string) (any, bool) { x, ok := v.match.Values[name]; return x, ok }

// Now is the clock.
func (v view) Now() time.Time { return v.session.memory.Now() }

// way explains a match that stands.
func (x *explainer) way(r *Rule, m rete.Matched) Way {
	w := Way{Concluded: x.concluded(r, m)}
	list := r.conditions()
	pinned := x.with(m.Bind)
	// The matcher says that it matches; this is the same way, for its words.
	if t := pinned.follow(list, newScene(x.session.memory.Now())); t.done {
		w.Conditions = pinned.heldAll(list, t)
	}
	if m.Fired {
		w.HoldsBack = x.peers(r, m, false)
	} else {
		w.Waits = x.waits(r, m)
	}
	return w
}

// heldAll tells of a list of conditions along a complete trail.
func (x *explainer) heldAll(list []*condition, t *trail) []Held {
	var out []Held
	for i, c := range list {
		out = append(out, x.held(c, t.path[i], t.path[i+1]))
	}
	return out
}

// held tells what makes a condition true.
func (x *explainer) held(c *condition, before, after *scene) Held {
	h := Held{Place: placeOf(c.node), Kind: c.kind, Condition: c.words()}
	for _, p := range x.session.set.conjunctsOf(c) {
		h.Tests = append(h.Tests, p.look(after))
	}
	switch c.kind {
	case "match":
		fact := x.because(c.as, after.order[len(after.order)-1])
		h.Fact = &fact
	case "not":
		h.Says = x.none(c.inner[0])
	case "exists", "requires":
		inside := x.with(nil)
		h.Inner = inside.heldAll(c.inner[0], inside.follow(c.inner[0], before))
	case "forall":
		h.Says = x.forEvery(c, before)
	case "any":
		x.heldBranch(&h, c, before, after)
	case "let":
		h.Values = []Value{valueOf(c.name, after)}
	case "accumulate":
		h.Values = c.results(after)
	case "table":
		x.heldRow(&h, c.table, after)
	}
	return h
}

// none says over how many facts a negation holds.
func (x *explainer) none(list []*condition) string {
	for _, c := range list {
		if c.kind != "match" {
			continue
		}
		if n := len(x.factsOf(c.typ.name)); n > 0 {
			return "none of " + fmt.Sprint(n, " ", c.typ.name)
		}
		return "there is no " + c.typ.name
	}
	return "nothing satisfies it"
}

// forEvery says over how many facts a forall holds.
func (x *explainer) forEvery(c *condition, at *scene) string {
	n := 0
	x.with(nil).all(c.inner[0], at, func(*scene) bool { n++; return true })
	if n == 0 {
		return "there is no such " + c.inner[0][0].typ.name
	}
	return "for all of " + fmt.Sprint(n, " ", c.inner[0][0].typ.name)
}

// heldBranch tells of the branch of an any that the match takes.
func (x *explainer) heldBranch(h *Held, c *condition, before, after *scene) {
	v, _ := after.Value(branchOf(c))
	i, _ := v.(int)
	fixed := map[string]rete.Handle{}
	for name, f := range after.facts {
		fixed[name] = f.Handle()
	}
	inside := x.with(fixed)
	h.Says = fmt.Sprintf("branch %d", i+1)
	if t := inside.follow(c.inner[i], before); t.done {
		h.Inner = inside.heldAll(c.inner[i], t)
	}
}

// heldRow tells which row of a table applies, and what it gives.
func (x *explainer) heldRow(h *Held, t *table, after *scene) {
	v, _ := after.Value(t.at)
	i, _ := v.(int64)
	h.Says = fmt.Sprintf("row %d applies", i+1)
	for _, e := range t.rows[i].cells {
		if e != nil {
			h.Tests = append(h.Tests, e.look(after, placeOf(t.rows[i].node)))
		}
	}
	for _, c := range slices.Concat(t.inputs, t.outputs) {
		h.Values = append(h.Values, valueOf(c.name, after))
	}
}

// concluded are the facts that a match supports.
func (x *explainer) concluded(r *Rule, m rete.Matched) []Concluded {
	var out []Concluded
	for _, typ := range sortedKeys(r.derives) {
		if typ == unevaluableType {
			continue // of the rule's requires, not of this match
		}
		for _, f := range x.factsOf(typ) {
			if c, ok := x.conclusionOf(m, f); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

// conclusionOf tells of a fact what a match, and what other rules, have to do with it.
func (x *explainer) conclusionOf(m rete.Matched, f rete.Fact) (Concluded, bool) {
	supports := x.session.memory.Supports(f.Handle())
	mine := slices.IndexFunc(supports, func(s rete.Support) bool {
		return s.Production == m.Production && s.Bind.String() == m.Bind.String()
	})
	if mine < 0 {
		return Concluded{}, false
	}
	c := Concluded{Fact: x.proposal(f)}
	for _, s := range supports {
		if id := ruleOf(s.Production); id != ruleOf(m.Production) && !slices.Contains(c.Also, id) {
			c.Also = append(c.Also, id)
		}
	}
	if by := ruleOf(supports[0].Production); by != ruleOf(m.Production) {
		c.WordedBy = by
	}
	if f.Type() == recommendationType {
		c.Assigned = x.assigned(f)
	}
	return c, true
}

// proposal is a conclusion for readers: all of its fields.
func (x *explainer) proposal(f rete.Fact) ShownFact {
	return x.shown("", f, x.session.set.types[f.Type()].fieldNames()...)
}

// assigned is where a recommendation goes: of each thing, the best rule that says it.
func (x *explainer) assigned(f rete.Fact) []Assigned {
	var out []Assigned
	key := rete.Fields{}
	for _, name := range x.session.set.types[assignmentType].key {
		key[name], _ = f.Get(name)
	}
	to, ok := x.session.memory.Lookup(assignmentType, key)
	if !ok {
		return nil
	}
	supports := x.session.memory.Supports(to.Handle())
	for _, field := range []string{"owner", "board", "priority", "labels"} {
		i := slices.IndexFunc(supports, func(s rete.Support) bool { return says(s.Values[field]) })
		if i >= 0 {
			out = append(out, Assigned{field, jsonValue(supports[i].Values[field]), ruleOf(supports[i].Production)})
		}
	}
	return out
}

// says reports whether a value of an assignment says anything.
func says(v any) bool {
	list, isList := v.([]any)
	text, isText := v.(string)
	return isText && text != "" || isList && len(list) > 0
}

// waits says why a match that stands has not fired.
func (x *explainer) waits(r *Rule, m rete.Matched) string {
	o := r.turn
	if o.group != "" && !slices.Contains(x.session.set.groups, o.group) {
		return fmt.Sprintf("its agenda group %s has no turn: the pack's groups do not name it, and no action has given it the focus",
			strings.TrimPrefix(o.group, r.Pack+"/"))
	}
	if first := x.peers(r, m, true); len(first) > 0 {
		return fmt.Sprintf("it waits behind %s, which fired first %s", first[0], r.ofGroup())
	}
	return "the run ended before its turn: it was halted, or limited"
}

// ofGroup says of what only the first match fires, as the pack has it.
func (r *Rule) ofGroup() string {
	name := strings.TrimPrefix(r.turn.exclusive, r.Pack+"/")
	if name == modeFirst {
		return "of its pack, whose mode is first"
	}
	return "of the exclusive group " + name
}

// peers are the rules of a match's exclusive group that have another match of the
// same value which has fired, or which waits.
func (x *explainer) peers(r *Rule, m rete.Matched, fired bool) []string {
	if r.turn.exclusive == "" {
		return nil
	}
	var out []string
	mine := r.perOf(view{x.session, m})
	for _, other := range x.session.set.rules {
		if other.turn.exclusive != r.turn.exclusive || !other.Enabled {
			continue
		}
		for o := range x.session.memory.Matches(other.ID) {
			if o.Fired == fired && other.perOf(view{x.session, o}) == mine {
				out = append(out, other.ID)
				break
			}
		}
	}
	return out
}

// perOf is the value by which an exclusive group counts, as a key.
func (r *Rule) perOf(b bindings) string {
	if r.turn.per == nil {
		return ""
	}
	v, err := r.turn.per.value(b)
	if err != nil {
		return err.Error()
	}
	return keyOf(v)
}
