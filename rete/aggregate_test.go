package rete

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// coin is an amount of a currency, with keys whose order says nothing.
type coin struct {
	cents    int64
	currency string
}

func (c coin) ReteKey() string { return fmt.Sprint(c.cents, c.currency) }

func (c coin) ReteCompare(other any) (int, error) {
	o, ok := other.(coin)
	if !ok || o.currency != c.currency {
		return 0, errors.New("two currencies")
	}
	return int(c.cents - o.cents), nil
}

func (c coin) ReteAdd(other any) (any, error) { return c.plus(other, 1) }
func (c coin) ReteSub(other any) (any, error) { return c.plus(other, -1) }

func (c coin) plus(other any, by int64) (any, error) {
	o, ok := other.(coin)
	if !ok || o.currency != c.currency {
		return nil, errors.New("two currencies")
	}
	return coin{c.cents + by*o.cents, c.currency}, nil
}

// say gives an aggregate of values, and its error.
func say(op AggregateOp, values ...any) string {
	syms := newSymbols()
	a := newAggregator(op, &syms)
	for i, v := range values {
		x, err := normalise(v)
		if err != nil {
			return err.Error()
		}
		a.change(syms.intern(x), []Handle{Handle(i)}, 1)
	}
	sym, err := a.result()
	if err != nil {
		return "error"
	}
	if sym == symAbsent {
		return "nothing"
	}
	return fmt.Sprintf("%T %v", syms.value(sym), syms.value(sym))
}

// TestAggregatesOfKinds: each aggregate keeps the kind of what it is given.
func TestAggregatesOfKinds(t *testing.T) {
	usd := func(cents int64) coin { return coin{cents, "USD"} }
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		op     AggregateOp
		values []any
		want   string
	}{
		{Sum, []any{1, 2}, "int64 3"},
		{Sum, []any{1, 0.5}, "float64 1.5"},
		{Sum, []any{math.MaxInt64, 1, -1}, "int64 9223372036854775807"},
		{Sum, []any{math.MaxInt64, 1}, "error"},
		{Sum, []any{time.Second, time.Minute}, "time.Duration 1m1s"},
		{Sum, []any{usd(900), usd(1000)}, "rete.coin {1900 USD}"},
		{Sum, []any{usd(900), coin{1, "EUR"}}, "error"},
		{Sum, []any{usd(900), 1}, "error"},
		{Sum, []any{"a"}, "error"},
		{Sum, []any{math.NaN(), 1}, "float64 NaN"},
		{Min, []any{usd(1000), usd(900)}, "rete.coin {900 USD}"},
		{Max, []any{usd(900), usd(1000), usd(95)}, "rete.coin {1000 USD}"},
		{Min, []any{usd(3), usd(-500)}, "rete.coin {-500 USD}"},
		{Max, []any{usd(3), usd(-500)}, "rete.coin {3 USD}"},
		{Max, []any{usd(900), coin{1, "EUR"}}, "error"},
		{Min, []any{"b", "a"}, "string a"},
		{Min, []any{noon.Add(1), noon}, "time.Time " + noon.String()},
		{Max, []any{time.Second, time.Minute}, "time.Duration 1m0s"},
		{Max, []any{time.Second, 1}, "error"},
		{Max, []any{true}, "error"},
		{Max, []any{nil}, "error"},
		{Max, []any{1, 2.5}, "float64 2.5"},
		{Min, []any{1, 2.5}, "float64 1"},
		{Min, []any{math.NaN()}, "nothing"},
		{Min, []any{math.NaN(), 2}, "int64 2"},
		{Avg, []any{1, 2}, "float64 1.5"},
		{Avg, []any{time.Second}, "error"},
		{P50, []any{3, 1, 2}, "float64 2"},
		{P90, []any{"a"}, "error"},
		{Distinct, []any{1, 1.0, "1", math.NaN(), math.NaN(), true, nil}, "int64 5"},
		{Distinct, []any{usd(1), usd(1), coin{1, "EUR"}, []any{math.NaN()}, []any{math.NaN()}}, "int64 3"},
		{Collect, []any{2, "a", nil}, "[]interface {} [2 a <nil>]"},
		{Count, []any{1, "a"}, "int64 2"},
	} {
		if got := say(c.op, c.values...); got != c.want {
			t.Errorf("%s of %v is %s, want %s", c.op, c.values, got, c.want)
		}
	}
}

// TestAggregatesForget: what is taken away leaves no trace, whatever else is there.
func TestAggregatesForget(t *testing.T) {
	values := []any{
		int64(1), int64(2), 0.1, 0.2, 1e300, math.Inf(1), math.NaN(), math.Copysign(0, -1), "a", "b", true, nil,
		time.Second,
		[]any{int64(1)},
		coin{1, "USD"},
		coin{20, "USD"},
		coin{3, "EUR"},
		math.MaxInt64,
	}
	for op := Count; op <= P99; op++ {
		random := rand.New(rand.NewPCG(uint64(op), 1))
		syms := newSymbols()
		a := newAggregator(op, &syms)
		type member struct {
			order []Handle
			v     any
		}
		var there []member
		for step := range 2000 {
			if len(there) > 0 && (random.IntN(2) == 0 || len(there) > 12) {
				i := random.IntN(len(there))
				a.change(syms.intern(must(t, there[i].v)), there[i].order, -1)
				there = append(there[:i], there[i+1:]...)
			} else {
				m := member{[]Handle{Handle(step)}, values[random.IntN(len(values))]}
				a.change(syms.intern(must(t, m.v)), m.order, 1)
				there = append(there, m)
			}
			fresh := newAggregator(op, &syms)
			for _, m := range there {
				fresh.change(syms.intern(must(t, m.v)), m.order, 1)
			}
			got, gotErr := a.result()
			want, wantErr := fresh.result()
			if (gotErr != nil) != (wantErr != nil) || !syms.identical(got, want) {
				t.Fatalf("%s of %v is %v (%v), want %v (%v)", op, there, syms.value(got), gotErr, syms.value(want), wantErr)
			}
		}
	}
}

// TestUnchangedResultStays: what is below an accumulation hears nothing of a change
// that leaves the result.
func TestUnchangedResultStays(t *testing.T) {
	base, err := Compile(linkTypes, []Production{{ID: "p", Then: func(*Firing) error { return nil }, When: []Element{
		Accumulate(Accumulation{From: []Element{Match("F", "f")}, Let: []Aggregate{{Name: "sum", Op: Sum, Of: Read("f", "a")}}}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSession(base, Config{})
	put := func(a, b int) tokenID {
		tx := s.Begin()
		_, err := tx.Assert("F", Fields{"id": 1, "a": a, "b": 0})
		_, err2 := tx.Assert("F", Fields{"id": 2, "a": b, "b": 0})
		if err := errors.Join(err, err2, tx.Commit(), s.CheckInvariants()); err != nil {
			t.Fatal(err)
		}
		return s.nodes["p"].ends[0].mem.head
	}
	before := put(1, 2)
	if after := put(2, 1); after != before {
		t.Error("an unchanged sum is another token")
	}
	if after := put(2, 2); after == before {
		t.Error("another sum is the same token")
	}
}
