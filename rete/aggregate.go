package rete

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/trimtab/trimtab/rete/internal/exact"
	"github.com/trimtab/trimtab/rete/internal/ordered"
)

// Summer is implemented by values of kinds that the engine does not know and that
// [Sum] can add up, such as money. Both must be exact: what is added and taken away
// again leaves no trace. An error (two currencies, say) is no sum, and reported.
type Summer interface {
	ReteAdd(other any) (any, error)
	ReteSub(other any) (any, error)
}

// Why an aggregate of what is there has no result.
var (
	errSum        = errors.New("there are values that cannot be added up, or not to each other")
	errOverflow   = errors.New("the sum is no 64-bit integer")
	errAverage    = errors.New("only numbers have an average")
	errPercentile = errors.New("only numbers have percentiles")
)

// aggregator is one aggregate of one group: change adds a value, or takes one away
// that was added.
type aggregator interface {
	change(v symbol, order []Handle, by int)
	result() (symbol, error) // absent: nothing to say
}

// newAggregator makes an aggregate of nothing.
func newAggregator(op AggregateOp, syms *symbols) aggregator {
	switch op {
	case Count:
		return &counter{syms: syms}
	case Sum, Avg:
		return &summer{syms: syms, mean: op == Avg}
	case Distinct:
		return &distinct{syms: syms, values: map[symbol]int{}}
	case Collect:
		return &collector{syms: syms}
	}
	return &ranker{syms: syms, op: op}
}

// counter counts.
type counter struct {
	syms *symbols
	n    int64
}

func (a *counter) change(_ symbol, _ []Handle, by int) { a.n += int64(by) }
func (a *counter) result() (symbol, error)             { return a.syms.int(a.n), nil }

// distinct counts different values.
type distinct struct {
	syms   *symbols
	values map[symbol]int
}

func (a *distinct) change(v symbol, _ []Handle, by int) {
	v = a.syms.canon(v) // all NaNs count as one value
	if a.values[v] += by; a.values[v] == 0 {
		delete(a.values, v)
	}
}

func (a *distinct) result() (symbol, error) { return a.syms.int(int64(len(a.values))), nil }

// summer adds up numbers exactly, durations as their nanoseconds, and other kinds as
// they do it themselves.
type summer struct {
	syms      *symbols
	mean      bool
	numbers   exact.Sum
	durations int64
	n         [2]int // of durations, and of what cannot be added
	others    []partial
}

// partial is the sum of values of one kind that go together.
type partial struct {
	sum any
	n   int
}

func (a *summer) change(v symbol, _ []Handle, by int) {
	if v&smallInt != 0 {
		a.int(small(v), by)
		return
	}
	switch x := a.syms.value(v).(type) {
	case int64:
		a.int(x, by)
	case float64:
		if by > 0 {
			a.numbers.AddFloat(x)
		} else {
			a.numbers.RemoveFloat(x)
		}
	case time.Duration:
		a.durations += int64(by) * int64(x)
		a.n[0] += by
	case Summer:
		a.other(x, by)
	default:
		a.n[1] += by
	}
}

// int adds a whole number, or takes it away.
func (a *summer) int(n int64, by int) {
	if by > 0 {
		a.numbers.AddInt(n)
	} else {
		a.numbers.RemoveInt(n)
	}
}

// other adds a value of a kind of its own to the sum that takes it.
func (a *summer) other(x Summer, by int) {
	for i := range a.others {
		p := &a.others[i]
		sum, err := p.sum.(Summer).ReteAdd(x)
		if by < 0 {
			sum, err = p.sum.(Summer).ReteSub(x)
		}
		if err != nil {
			continue
		}
		if p.sum, p.n = sum, p.n+by; p.n == 0 {
			a.others = slices.Delete(a.others, i, i+1)
		}
		return
	}
	a.others = append(a.others, partial{x, by})
}

// result is the sum; of values that do not go together there is none.
func (a *summer) result() (symbol, error) {
	ints, floats := a.numbers.Len()
	kinds := len(a.others)
	if ints+floats > 0 {
		kinds++
	}
	if a.n[0] > 0 {
		kinds++
	}
	switch {
	case a.n[1] > 0 || kinds > 1:
		return symAbsent, a.apart()
	case kinds == 0 && a.mean:
		return symAbsent, nil
	case a.mean && ints+floats == 0:
		return symAbsent, errAverage
	case a.mean:
		return a.syms.float(a.numbers.Mean()), nil
	case len(a.others) > 0:
		v, err := normalise(a.others[0].sum)
		if err != nil {
			return symAbsent, err
		}
		return a.syms.intern(v), nil
	case a.n[0] > 0:
		return a.syms.intern(time.Duration(a.durations)), nil
	case floats > 0:
		return a.syms.float(a.numbers.Float()), nil
	}
	n, ok := a.numbers.Int()
	if !ok {
		return symAbsent, errOverflow
	}
	return a.syms.int(n), nil
}

// apart is why there is no sum. Of values that add up themselves two say it: amounts
// of two currencies name both.
func (a *summer) apart() error {
	if len(a.others) > 1 && a.n[1] == 0 {
		if x, ok := a.others[0].sum.(Summer); ok {
			if _, err := x.ReteAdd(a.others[1].sum); err != nil {
				return err
			}
		}
	}
	return errSum
}

// ranker keeps values in order, for the smallest, the largest and those between.
type ranker struct {
	syms   *symbols
	op     AggregateOp
	orders []*order
	floats int
}

// order holds values that have an order among each other.
type order struct {
	kind   kind
	sample any
	values *ordered.Multiset[symbol]
}

func (a *ranker) change(v symbol, _ []Handle, by int) {
	value := a.syms.value(v)
	k, joins := keyOf(value)
	if !joins {
		return // NaN is neither large nor small
	}
	if _, is := value.(float64); is {
		a.floats += by
	}
	o := a.order(family(k.kind), value)
	if by > 0 {
		o.values.Add(v)
	} else if o.values.Remove(v); o.values.Len() == 0 {
		a.orders = without(a.orders, o)
	}
}

// order finds the values that go together with one. Of kinds that the engine does
// not know, they say: amounts of two currencies are two orders.
func (a *ranker) order(k kind, value any) *order {
	for _, o := range a.orders {
		if o.kind == k && k != kindKeyer {
			return o
		}
		if o.kind == kindKeyer || k == kindKeyer {
			if _, _, err := compare(o.sample, value); err == nil {
				return o
			}
			if keys, _ := keyOf(o.sample); keys.kind == k && compareTotal(o.sample, value) == 0 {
				return o // without an order, but there
			}
		}
	}
	o := &order{kind: k, sample: value, values: ordered.New(a.syms.compareRank)}
	a.orders = append(a.orders, o)
	return o
}

// compareRank is compareForms, but for values that have an order of their own.
func (s *symbols) compareRank(a, b symbol) int {
	if a&b&smallInt == 0 {
		if c, ok, err := compare(s.value(a), s.value(b)); ok && err == nil && c != 0 {
			return c
		}
	}
	return s.compareForms(a, b)
}

// family is the kind by which values are ordered among each other.
func family(k kind) kind {
	if k == kindFloat {
		return kindInt
	}
	return k
}

func (a *ranker) result() (symbol, error) {
	switch {
	case len(a.orders) == 0:
		return symAbsent, nil
	case len(a.orders) > 1:
		if _, _, err := compare(a.orders[0].sample, a.orders[1].sample); err != nil {
			return symAbsent, err
		}
		return symAbsent, ErrUncomparable
	}
	o := a.orders[0]
	switch a.op {
	case Min:
		v, _ := o.values.Min()
		return a.check(v)
	case Max:
		v, _ := o.values.Max()
		return a.check(v)
	}
	p := map[AggregateOp]float64{P50: 50, P90: 90, P95: 95, P99: 99}[a.op]
	v, _ := o.values.Percentile(p)
	f, ok := toFloat(a.syms.value(v))
	if !ok {
		return symAbsent, errPercentile
	}
	return a.syms.float(f), nil
}

// check refuses values without an order. Among ints and floats together the result
// is a float, as a sum would be.
func (a *ranker) check(v symbol) (symbol, error) {
	if _, _, err := a.syms.compare(v, v); err != nil {
		return symAbsent, err
	}
	if f, ok := toFloat(a.syms.value(v)); ok && a.floats > 0 {
		return a.syms.float(f), nil
	}
	return v, nil
}

// toFloat is a number as a float.
func toFloat(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// collector lists what is there in the order of the facts, and what is there of the
// same facts, through branches or inner groups, in the order of values.
type collector struct {
	syms  *symbols
	items []collected
}

// collected is one member.
type collected struct {
	order []Handle
	value symbol
}

func (a *collector) compare(x, y collected) int {
	return cmp.Or(slices.Compare(x.order, y.order), a.syms.compareForms(x.value, y.value))
}

func (a *collector) change(v symbol, order []Handle, by int) {
	x := collected{order, v}
	at, there := slices.BinarySearchFunc(a.items, x, a.compare)
	switch {
	case by > 0:
		a.items = slices.Insert(a.items, at, x)
	case there:
		a.items = slices.Delete(a.items, at, at+1)
	}
}

func (a *collector) result() (symbol, error) {
	list := make([]any, len(a.items))
	for i, x := range a.items {
		list[i] = a.syms.value(x.value)
	}
	return a.syms.intern(list), nil
}
