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
	return &ranker{syms: syms, op: op, values: ordered.New(syms.compareForms)}
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
		return symAbsent, errSum
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

// ranker keeps values in order, for the smallest, the largest and those between.
type ranker struct {
	syms   *symbols
	op     AggregateOp
	values *ordered.Multiset[symbol]
	kinds  [kindTuple + 1]int
	floats int
}

func (a *ranker) change(v symbol, _ []Handle, by int) {
	k, joins := keyOf(a.syms.value(v))
	if !joins {
		return // NaN is neither large nor small
	}
	a.kinds[family(k.kind)] += by
	if _, is := a.syms.value(v).(float64); is {
		a.floats += by
	}
	if by > 0 {
		a.values.Add(v)
	} else {
		a.values.Remove(v)
	}
}

// family is the kind by which values are ordered among each other.
func family(k kind) kind {
	if k == kindFloat {
		return kindInt
	}
	return k
}

func (a *ranker) result() (symbol, error) {
	n := 0
	for _, have := range a.kinds {
		if have > 0 {
			n++
		}
	}
	if n > 1 {
		return symAbsent, ErrUncomparable
	}
	switch a.op {
	case Min:
		v, _ := a.values.Min()
		return a.check(v)
	case Max:
		v, _ := a.values.Max()
		return a.check(v)
	}
	p := map[AggregateOp]float64{P50: 50, P90: 90, P95: 95, P99: 99}[a.op]
	v, ok := a.values.Percentile(p)
	if !ok {
		return symAbsent, nil
	}
	if a.kinds[kindInt] == 0 {
		return symAbsent, errPercentile
	}
	f, _ := toFloat(a.syms.value(v))
	return a.syms.float(f), nil
}

// check refuses values without an order. Among ints and floats together the result
// is a float, as a sum would be.
func (a *ranker) check(v symbol) (symbol, error) {
	if v == symAbsent {
		return v, nil
	}
	if _, _, err := a.syms.compare(v, v); err != nil {
		return symAbsent, err
	}
	if a.floats > 0 {
		f, _ := toFloat(a.syms.value(v))
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
