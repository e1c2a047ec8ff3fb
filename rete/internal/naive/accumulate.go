package naive

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
)

// Accumulate aggregates over all ways to satisfy From, in groups of equal By
// values: one match per group, and without By exactly one. It binds the By names
// and the aggregates' names; what From binds is not seen outside. A way without
// one of its By values belongs to no group. All NaNs are one group and one distinct
// value, though NaN equals nothing: whoever counts by a value wants to see them
// together, and a fact that changes from NaN to NaN did not change either. A group
// of which an aggregate has no result is no match.
type Accumulate struct {
	From []Elem
	By   []Let
	Aggs []Agg
}

// Agg is an aggregate: count, sum, min, max, avg, distinct, collect, p50, p90,
// p95 or p99. Ways for which If is false, or F has no value, are left out; nil
// passes all, and counts without a value.
//
// Ints add up to int64, or have no sum when they overflow; with floats among them
// the sum, minimum and maximum are float64. Averages and percentiles, by nearest
// rank, are float64. There is none of these over values of another type, but
// strings have a minimum and a maximum among themselves. NaN makes a sum NaN, and
// is left out of an order.
type Agg struct {
	Name, Op string
	F        func(Env) (any, bool)
	If       func(Env) bool
}

type group struct {
	by      []any
	members []Env
}

func accumulate(env Env, a Accumulate, facts []Fact) []Env {
	var results []Env
	for _, g := range groups(env, a, facts) {
		if result, ok := g.result(env, a); ok {
			results = append(results, result)
		}
	}
	return results
}

// groups are in the order of their first members, and members in that of their
// facts' IDs. What is collected of members with the same facts is in the order of
// values: the order in which branches or inner groups came to be says nothing.
func groups(env Env, a Accumulate, facts []Fact) []group {
	var all []group
	if len(a.By) == 0 {
		all = []group{{}} // there even without a member
	}
	ways := extend(env, a.From, facts)
	slices.SortStableFunc(ways, byIDs)
	for _, way := range ways {
		by, way, ok := byValues(a.By, way)
		if !ok {
			continue
		}
		at := slices.IndexFunc(all, func(g group) bool { return slices.EqualFunc(g.by, by, Identical) })
		if at < 0 {
			at = len(all)
			all = append(all, group{by: by})
		}
		all[at].members = append(all[at].members, way)
	}
	return all
}

func byIDs(a, b Env) int {
	return slices.CompareFunc(a.Order, b.Order, func(f, g Fact) int { return cmp.Compare(f.ID, g.ID) })
}

// byValues are the values to group by, bound as well.
func byValues(lets []Let, way Env) ([]any, Env, bool) {
	var by []any
	for _, let := range lets {
		v, ok := let.F(way)
		if !ok {
			return nil, way, false
		}
		by, way = append(by, v), way.withValue(let.Name, v)
	}
	return by, way, true
}

// result binds the group's names outside.
func (g group) result(env Env, a Accumulate) (Env, bool) {
	for i, let := range a.By {
		env = env.withValue(let.Name, g.by[i])
	}
	for _, agg := range a.Aggs {
		members := g.members
		if agg.Op == "collect" {
			members = slices.Clone(members)
			slices.SortStableFunc(members, agg.byValue)
		}
		v, ok := aggregate(agg.Op, agg.values(members))
		if !ok {
			return env, false
		}
		env = env.withValue(agg.Name, v)
	}
	return env, true
}

// byValue orders members of the same facts.
func (a Agg) byValue(m, n Env) int {
	if c := byIDs(m, n); c != 0 || a.F == nil {
		return c
	}
	v, _ := a.F(m)
	w, _ := a.F(n)
	return Compare(v, w)
}

func (a Agg) values(members []Env) []any {
	values := []any{}
	for _, m := range members {
		if a.If != nil && !a.If(m) {
			continue
		}
		if a.F == nil {
			values = append(values, nil)
		} else if v, ok := a.F(m); ok {
			values = append(values, v)
		}
	}
	return values
}

func aggregate(op string, values []any) (any, bool) {
	switch op {
	case "count":
		return int64(len(values)), true
	case "distinct":
		return distinct(values), true
	case "collect":
		return values, true
	case "sum":
		return sum(values)
	case "avg":
		return average(values)
	case "min":
		return least(values)
	case "max":
		return largest(values)
	case "p50", "p90", "p95", "p99":
		p, _ := strconv.Atoi(op[1:])
		return percentile(p, values)
	}
	panic("naive: no aggregate " + op)
}

func distinct(values []any) int64 {
	var seen []any
	for _, v := range values {
		if !slices.ContainsFunc(seen, func(w any) bool { return Identical(v, w) }) {
			seen = append(seen, v)
		}
	}
	return int64(len(seen))
}

// total is an exact sum.
type total struct {
	exact   big.Rat
	special float64 // the sum of infinities and NaN, and 0 without
	floats  bool
}

// add adds all, which must be numbers.
func add(values []any) (*total, bool) {
	t := &total{}
	for _, value := range values {
		var v big.Rat
		switch x := value.(type) {
		case int64:
			v.SetInt64(x)
		case float64:
			t.floats = true
			if math.IsInf(x, 0) || math.IsNaN(x) {
				t.special += x
				continue
			}
			v.SetFloat64(x)
		default:
			return nil, false
		}
		t.exact.Add(&t.exact, &v)
	}
	return t, true
}

// over is the sum divided by n, rounded once.
func (t *total) over(n int) float64 {
	if t.special != 0 {
		return t.special
	}
	v, _ := new(big.Rat).Quo(&t.exact, new(big.Rat).SetInt64(int64(n))).Float64()
	return v
}

func sum(values []any) (any, bool) {
	t, ok := add(values)
	switch {
	case !ok:
		return nil, false
	case t.floats:
		return t.over(1), true
	}
	return t.exact.Num().Int64(), t.exact.Num().IsInt64()
}

func average(values []any) (any, bool) {
	t, ok := add(values)
	if !ok || len(values) == 0 {
		return nil, false
	}
	return t.over(len(values)), true
}

func least(values []any) (any, bool) {
	if sorted := inOrder(values); len(sorted) > 0 {
		return sorted[0], true
	}
	return nil, false
}

func largest(values []any) (any, bool) {
	if sorted := inOrder(values); len(sorted) > 0 {
		return sorted[len(sorted)-1], true
	}
	return nil, false
}

// percentile is the value at the nearest rank, the ceil(p/100*n)-th of n.
func percentile(p int, values []any) (any, bool) {
	sorted := inOrder(values)
	if len(sorted) == 0 {
		return nil, false
	}
	return number(sorted[(p*len(sorted)+99)/100-1])
}
