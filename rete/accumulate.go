package rete

import "encoding/binary"

// Accumulation aggregates over all ways to satisfy From, for each match of what is
// before it. Names bound in From are not seen outside; those of By and Let are
// values.
type Accumulation struct {
	// From are the elements to aggregate over; they can refer to names bound before.
	From []Element
	// By groups: there is one result for each group of equal values, none without
	// members. Without By there is one result, also over nothing.
	By []Group
	// Let are the aggregates, at least one.
	Let []Aggregate
}

// Group is a value to group by. A combination for which it cannot be computed
// belongs to no group.
type Group struct {
	Name string
	Of   Func // its Value
}

// Aggregate is one result of an [Accumulation].
type Aggregate struct {
	Name string
	Op   AggregateOp
	// Of is what is aggregated, its Value; what it cannot be computed for is left out.
	// Count needs none and then counts combinations.
	Of Func
	// If, with a Test, is the condition under which a combination counts.
	If Func
}

// AggregateOp is a way to aggregate.
type AggregateOp uint8

// The aggregates. Count, Sum and Distinct of nothing are 0, Collect of nothing is an
// empty list; the others of nothing are no match. Sum, Min and Max keep the kind of
// what they are given, ints and floats together being floats; Avg and the
// percentiles (by nearest rank) of numbers are floats. No churn makes a sum drift:
// it is exact, and rounded once. NaN makes sums and averages NaN and is left out of
// the others.
const (
	Count AggregateOp = iota
	Sum
	Min
	Max
	Avg
	Distinct // the number of distinct values
	Collect  // a list, in the order of the facts' handles
	P50
	P90
	P95
	P99
)

var aggregateNames = [...]string{"count", "sum", "min", "max", "avg", "distinct", "collect", "p50", "p90", "p95", "p99"}

// String is the aggregate's name, as rules write it.
func (o AggregateOp) String() string {
	if int(o) >= len(aggregateNames) {
		return "aggregate?"
	}
	return aggregateNames[o]
}

// Accumulate is an aggregation as an element.
func Accumulate(a Accumulation) Element { return a }

// accSpec is a compiled accumulation.
type accSpec struct {
	ways  []accWay
	ops   []AggregateOp
	depth int // of the owner token
	by    int // how many groups there are
	sig   string

	collects bool // an aggregate is Collect
}

// accWay is one way through From, with what is computed at its end.
type accWay struct {
	steps []step
	by    []call
	of    []call // fn is nil where there is none
	iff   []call
}

// accumulation compiles an accumulation.
func (c *compiler) accumulation(a Accumulation, sc scope) ([]step, scope) {
	inner := sc
	inner.inNot = true
	inner.depth++
	spec := &accSpec{depth: inner.depth, by: len(a.By)}
	if len(a.Let) == 0 || len(a.From) == 0 {
		c.fail("an accumulation needs elements in From and aggregates in Let")
	}
	for _, way := range branches(a.From) {
		spec.ways = append(spec.ways, c.accWay(way, a, inner))
	}
	for _, g := range a.Let {
		if int(g.Op) >= len(aggregateNames) {
			c.fail("the aggregate %s has no known Op", g.Name)
		}
		if g.Op != Count && g.Of.Value == nil {
			c.fail("the aggregate %s needs a Value in Of", g.Name)
		}
		spec.ops = append(spec.ops, g.Op)
		spec.collects = spec.collects || g.Op == Collect
	}
	spec.sign()
	sc.depth++ // the owner token
	for _, g := range a.By {
		c.newName(g.Name, sc)
		sc.depth++
		if !sc.inNot {
			c.chain.groups = append(c.chain.groups, len(c.chain.values))
		}
		sc = c.value(g.Name, sc)
	}
	for _, g := range a.Let {
		c.newName(g.Name, sc)
		sc.depth++
		sc = c.value(g.Name, sc)
	}
	return []step{spec}, sc
}

// accWay compiles one way through From.
func (c *compiler) accWay(elems []Element, a Accumulation, inner scope) accWay {
	steps, end := c.elements(elems, inner)
	if len(steps) == 0 && len(a.From) > 0 {
		c.fail("an empty branch always holds")
	}
	w := accWay{steps: steps}
	for _, g := range a.By {
		if g.Of.Value == nil {
			c.fail("the group %s needs a Value in Of", g.Name)
		}
		w.by = append(w.by, c.call(g.Of, end))
	}
	for _, g := range a.Let {
		var of, iff call
		if g.Of.Value != nil {
			of = c.call(g.Of, end)
		}
		if g.If.Test != nil {
			iff = c.call(g.If, end)
		}
		w.of, w.iff = append(w.of, of), append(w.iff, iff)
	}
	return w
}

// sign names the accumulation by what it is made of.
func (s *accSpec) sign() {
	buf := []byte("accumulate(")
	for _, w := range s.ways {
		buf = append(buf, chainSigs([][]step{w.steps})...)
		for _, calls := range [][]call{w.by, w.of, w.iff} {
			for i := range calls {
				buf = binary.AppendUvarint(buf, uint64(len(calls[i].sig)))
				buf = append(buf, calls[i].sig...)
			}
		}
	}
	for _, o := range s.ops {
		buf = append(buf, byte(o))
	}
	s.sig = string(append(buf, ')'))
}

func (s *accSpec) signature() string { return s.sig }
