package rete

import (
	"errors"
	"math"
	"testing"
	"time"
)

// money is a value of a kind that the engine does not know.
type money struct {
	cents    int64
	currency string
}

func (m money) ReteKey() string { return string(rune(m.cents)) + m.currency }

func (m money) ReteCompare(other any) (int, error) {
	o, ok := other.(money)
	if !ok || o.currency != m.currency {
		return 0, errors.New("two currencies")
	}
	return int(m.cents - o.cents), nil
}

// TestEquality is point 6 of the rules: what joins what.
func TestEquality(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		a, b  any
		equal bool
	}{
		{1, 1.0, true},
		{1, "1", false},
		{1, true, false},
		{0.0, math.Copysign(0, -1), true},
		{0, math.Copysign(0, -1), true},
		{math.NaN(), math.NaN(), false},
		{[]any{math.NaN()}, []any{math.NaN()}, false},
		{int64(1 << 53), float64(1 << 53), true},
		{int64(1<<53 + 1), float64(1 << 53), false},
		{math.MaxInt64, float64(1 << 63), false},
		{uint8(7), int32(7), true},
		{nil, nil, true},
		{nil, 0, false},
		{noon, noon.In(time.FixedZone("", 3600)), true},
		{noon, noon.Add(1), false},
		{time.Time{}, time.Time{}.In(time.FixedZone("", -3600)), true},
		{time.Second, time.Second, true},
		{time.Second, int64(time.Second), false},
		{[]byte("a"), "a", false},
		{[]any{1, "a"}, []any{1.0, "a"}, true},
		{[]string{"a", "b"}, []any{"a", "b"}, true},
		{[]any{"ab", ""}, []any{"a", "b"}, false},
		{map[string]any{"a": 1, "b": 2}, map[string]any{"b": 2.0, "a": 1}, true},
		{map[string]int{"a": 1}, map[string]any{"a": 2}, false},
		{[]any{}, map[string]any{}, false},
		{money{1, "USD"}, money{1, "USD"}, true},
		{money{1, "USD"}, money{1, "EUR"}, false},
	}
	for _, c := range cases {
		a, b := must(t, c.a), must(t, c.b)
		ka, joinsA := keyOf(a)
		kb, joinsB := keyOf(b)
		if got := ka == kb && joinsA && joinsB; got != c.equal {
			t.Errorf("%#v joins %#v: %v, want %v", c.a, c.b, got, c.equal)
		}
	}
}

func must(t *testing.T, v any) any {
	t.Helper()
	x, err := normalise(v)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestNaNIsIdenticalToItself(t *testing.T) {
	syms := newSymbols()
	if nan := syms.intern(math.NaN()); !syms.identical(nan, syms.intern(-math.NaN())) || syms.equal(nan, nan) {
		t.Error("setting NaN over NaN counts as a change")
	}
}

func TestKindsThatFactsCannotHold(t *testing.T) {
	for _, v := range []any{func() {}, make(chan int), struct{}{}, uint64(math.MaxUint64), []any{new(int)}, map[int]any{}} {
		if _, err := normalise(v); !errors.Is(err, ErrKind) {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestOrder(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		a, b any
		want int
	}{
		{1, 2, -1},
		{1, 1.5, -1},
		{2.5, 2, 1},
		{int64(1<<53 + 1), float64(1 << 53), 1},
		{math.MaxInt64, float64(1 << 63), -1},
		{math.MinInt64, -float64(1<<63) * 2, 1},
		{1, math.Inf(1), -1},
		{"a", "b", -1},
		{noon, noon.Add(1), -1},
		{time.Minute, time.Second, 1},
		{money{1, "USD"}, money{2, "USD"}, -1},
	}
	for _, c := range cases {
		a, b := must(t, c.a), must(t, c.b)
		if got, ok, err := compare(a, b); got != c.want || !ok || err != nil {
			t.Errorf("compare(%v, %v) = %d %v %v, want %d", c.a, c.b, got, ok, err, c.want)
		}
		if got, _, _ := compare(b, a); got != -c.want {
			t.Errorf("compare(%v, %v) = %d, want %d", c.b, c.a, got, -c.want)
		}
	}
}

func TestNoOrder(t *testing.T) {
	for _, v := range []any{int64(1), 1.0} {
		if _, ok, err := compare(v, math.NaN()); ok || err != nil {
			t.Errorf("NaN has an order with %v (%v)", v, err)
		}
	}
	for _, c := range [][2]any{{int64(1), "1"}, {true, false}, {nil, nil}, {[]any{}, []any{}}, {time.Second, int64(1)}} {
		if _, ok, err := compare(c[0], c[1]); ok || !errors.Is(err, ErrUncomparable) {
			t.Errorf("compare(%v, %v): %v", c[0], c[1], err)
		}
	}
	if _, ok, err := compare("a", money{1, "USD"}); ok || err == nil {
		t.Error("a string has an order with money")
	}
}

func TestTotalOrderTellsAllApart(t *testing.T) {
	list := []any{nil, false, true, int64(-1), int64(0), 0.5, int64(1), math.NaN(), "a", "b", time.Second, []byte("x"), []any{int64(1)}, map[string]any{}, money{1, "USD"}}
	for i, a := range list {
		for j, b := range list {
			if c := compareTotal(a, b); (c == 0) != (i == j) || c != -compareTotal(b, a) {
				t.Errorf("compareTotal(%v, %v) = %d", a, b, c)
			}
		}
	}
}

func TestWhatIsGivenIsCopied(t *testing.T) {
	inner := []any{int64(1)}
	got := must(t, map[string]any{"a": inner}).(map[string]any)
	inner[0] = int64(2)
	if got["a"].([]any)[0] != int64(1) {
		t.Error("the caller's list shows through")
	}
	copied := cloneValue(got).(map[string]any)
	copied["a"].([]any)[0] = int64(3)
	if got["a"].([]any)[0] != int64(1) {
		t.Error("the copy's list shows through")
	}
}
