package rule

import (
	"math"
	"slices"
	"time"

	"github.com/trimtab/trimtab/rete"
)

// scene is what is bound at one point of a naive evaluation.
type scene struct {
	now    time.Time
	facts  map[string]rete.Fact
	values map[string]any
	order  []rete.Fact // the facts in the order of binding
}

func newScene(now time.Time) *scene {
	return &scene{now: now, facts: map[string]rete.Fact{}, values: map[string]any{}}
}

// Fact finds a bound fact.
func (s *scene) Fact(name string) (rete.Fact, bool) { f, ok := s.facts[name]; return f, ok }

// Value finds a bound value.
func (s *scene) Value(name string) (any, bool) { v, ok := s.values[name]; return v, ok }

// Now is the clock.
func (s *scene) Now() time.Time { return s.now }

// withFact is the scene with one more fact.
func (s *scene) withFact(name string, f rete.Fact) *scene {
	out := *s
	out.facts = make(map[string]rete.Fact, len(s.facts)+1)
	for k, v := range s.facts {
		out.facts[k] = v
	}
	out.facts[name] = f
	out.order = append(slices.Clone(s.order), f)
	return &out
}

// withValue is the scene with one more value.
func (s *scene) withValue(name string, v any) *scene {
	out := *s
	out.values = make(map[string]any, len(s.values)+1)
	for k, x := range s.values {
		out.values[k] = x
	}
	out.values[name] = v
	return &out
}

// naive evaluates conditions by trying every fact, one condition at a time and each
// conjunct by itself: the obvious way, which the matcher must agree with. It is what
// coverage looks through, and what the matcher's matches are held against in tests.
type naive struct {
	session *Session
	note    func(spot, bool)
	parts   map[*condition][]*expr
	each    func(list []*condition, at *scene, found func(*scene)) // in place of all, if set
}

// all calls found for every way to satisfy a list of conditions.
func (n *naive) all(list []*condition, at *scene, found func(*scene)) {
	if len(list) == 0 {
		found(at)
		return
	}
	c, rest := list[0], list[1:]
	next := func(s *scene) { n.all(rest, s, found) }
	switch c.kind {
	case "match":
		for f := range n.session.memory.FactsOf(c.typ.name) {
			if s := at.withFact(c.as, f); n.holds(c, s) {
				next(s)
			}
		}
	case "not", "exists":
		n.quantified(c, n.any(c.inner[0], at) == (c.kind == "exists"), at, next)
	case "forall":
		n.quantified(c, n.forall(c, at), at, next)
	case "any":
		for _, branch := range c.inner {
			n.all(branch, at, next)
		}
	case "let":
		if v, err := c.value.value(at); err == nil {
			next(at.withValue(c.name, v))
		}
	case "test":
		if n.holds(c, at) {
			next(at)
		}
	case "accumulate":
		n.accumulate(c, at, next)
	case "table":
		n.table(c, at, next)
	}
}

// holds tries each conjunct of a condition; one that fails to compute is neither
// true nor false, unless another is false.
func (n *naive) holds(c *condition, s *scene) bool {
	held := true
	for i, p := range n.parts[c] {
		yes, err := p.test(s)
		if err == nil {
			n.note(spot{c, i}, yes)
		}
		held = held && err == nil && yes
	}
	return held
}

// quantified notes whether the whole of a condition holds.
func (n *naive) quantified(c *condition, held bool, at *scene, next func(*scene)) {
	n.note(spot{c, -1}, held)
	if held {
		next(at)
	}
}

// any reports whether there is a way to satisfy a list. It looks at all, for those
// who note what is seen.
func (n *naive) any(list []*condition, at *scene) bool {
	there := false
	n.all(list, at, func(*scene) { there = true })
	return there
}

// forall reports whether every fact of the pattern satisfies the rest.
func (n *naive) forall(c *condition, at *scene) bool {
	held := true
	n.all(c.inner[0], at, func(s *scene) { held = n.any(c.inner[1], s) && held })
	return held
}

// table tries every row and goes on with what the policy picks.
func (n *naive) table(c *condition, at *scene, next func(*scene)) {
	t := c.table
	for _, in := range t.inputs {
		v, err := in.of.value(at)
		if err != nil {
			return
		}
		at = at.withValue(in.name, v)
	}
	var hit []int
	for i, r := range t.rows {
		yes, err := r.holds(at)
		if err == nil {
			n.note(spot{c, i}, yes)
		}
		if err == nil && yes {
			hit = append(hit, i)
		}
	}
	if t.hit != "collect" {
		i, err := t.pick(at)
		if err != nil || i < 0 {
			return
		}
		hit = []int{i}
	}
	for _, i := range hit {
		n.row(t, i, at, next)
	}
}

// row binds what a row gives.
func (n *naive) row(t *table, i int, at *scene, next func(*scene)) {
	at = at.withValue(t.at, int64(i))
	for j, out := range t.outputs {
		v, err := t.output(j, at)
		if err != nil {
			return
		}
		at = at.withValue(out.name, v)
	}
	next(at)
}

// accumulate gathers the members of each group and goes on with what they come to.
func (n *naive) accumulate(c *condition, at *scene, next func(*scene)) {
	members := map[string][]*scene{}
	keys := map[string][]any{}
	if len(c.groups) == 0 {
		members[show([]any{})] = nil // one group, also of nothing
	}
	each := n.all
	if n.each != nil {
		each = n.each
	}
	each(c.inner[0], at, func(s *scene) {
		key := []any{}
		for _, g := range c.groups {
			v, err := g.of.value(s)
			if err != nil {
				return
			}
			key = append(key, v)
		}
		name := show(key)
		members[name], keys[name] = append(members[name], s), key
	})
	for _, name := range sortedKeys(members) {
		s := at
		for i, g := range c.groups {
			s = s.withValue(g.name, keys[name][i])
		}
		if s = n.results(c, members[name], s); s != nil && n.holds(c, s) {
			next(s)
		}
	}
}

// results binds the aggregates of a group; nil when one of them is nothing.
func (n *naive) results(c *condition, members []*scene, at *scene) *scene {
	for _, a := range c.aggregates {
		v := a.of64(members)
		if v == nil {
			return nil
		}
		at = at.withValue(a.name, v)
	}
	return at
}

// of64 computes an aggregate the slow way; nil for none.
func (a aggregate) of64(members []*scene) any {
	var values []any
	for _, m := range members {
		if a.when != nil {
			if yes, err := a.when.test(m); err != nil || !yes {
				continue
			}
		}
		if a.op == rete.Count {
			if yes, err := a.of.test(m); err == nil && yes {
				values = append(values, true)
			}
			continue
		}
		if v, err := a.of.value(m); err == nil && v != rete.Absent {
			values = append(values, v)
		}
	}
	switch a.op {
	case rete.Count:
		return int64(len(values))
	case rete.Collect:
		return append([]any{}, values...)
	case rete.Distinct:
		seen := map[string]bool{}
		for _, v := range values {
			seen[keyOf(v)] = true
		}
		return int64(len(seen))
	case rete.Sum:
		return a.sum(values)
	case rete.Min, rete.Max:
		return extreme(values, a.op == rete.Max)
	}
	return rank(a.op, values)
}

// keyOf tells values apart.
func keyOf(v any) string {
	if k, ok := v.(rete.Keyer); ok {
		return k.ReteKey()
	}
	return show(v)
}

// sum adds up values of one type.
func (a aggregate) sum(values []any) any {
	total := name{cel: a.of.out, summed: true}.typed(int64(0))
	for _, v := range values {
		switch t := total.(type) {
		case int64:
			total = t + v.(int64)
		case float64:
			total = t + v.(float64)
		case time.Duration:
			total = t + v.(time.Duration)
		case rete.Summer:
			sum, err := t.ReteAdd(v)
			if err != nil {
				return nil
			}
			total = sum
		}
	}
	return total
}

// extreme is the least or the greatest value.
func extreme(values []any, greatest bool) any {
	var best any
	for _, v := range values {
		if best == nil || (compareValues(v, best) > 0) == greatest && compareValues(v, best) != 0 {
			best = v
		}
	}
	return best
}

// compareValues orders two values of one type.
func compareValues(a, b any) int {
	switch x := a.(type) {
	case int64:
		return cmpOf(x, b)
	case float64:
		return cmpOf(x, b)
	case string:
		return cmpOf(x, b)
	case time.Duration:
		return cmpOf(x, b)
	case time.Time:
		y, _ := b.(time.Time)
		return x.Compare(y)
	case rete.Orderer:
		c, _ := x.ReteCompare(b)
		return c
	}
	return 0
}

// cmpOf orders a value and one that is of the same type.
func cmpOf[T int64 | float64 | string | time.Duration](a T, b any) int {
	switch o, ok := b.(T); {
	case !ok || a == o:
		return 0
	case a < o:
		return -1
	}
	return 1
}

// rank is an average, or a percentile by nearest rank.
func rank(op rete.AggregateOp, values []any) any {
	var numbers []float64
	for _, v := range values {
		switch x := v.(type) {
		case int64:
			numbers = append(numbers, float64(x))
		case float64:
			numbers = append(numbers, x)
		case number:
			numbers = append(numbers, x.d.InexactFloat64())
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	if op == rete.Avg {
		total := 0.0
		for _, x := range numbers {
			total += x
		}
		return total / float64(len(numbers))
	}
	share := map[rete.AggregateOp]float64{rete.P50: 0.50, rete.P90: 0.90, rete.P95: 0.95, rete.P99: 0.99}[op]
	slices.Sort(numbers)
	return numbers[max(int(math.Ceil(share*float64(len(numbers))))-1, 0)]
}
