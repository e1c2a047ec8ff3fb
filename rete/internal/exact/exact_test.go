package exact

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// twin adds with math/big: the values as multiples of the least subnormal.
type twin struct {
	units, ints  big.Int
	n, floats    int
	nan, up, low int
}

func (w *twin) addInt(v int64, by int) {
	w.n += by
	w.ints.Add(&w.ints, big.NewInt(v*int64(by)))
	if v == math.MinInt64 && by < 0 { // -v does not fit
		w.ints.Add(&w.ints, new(big.Int).Lsh(big.NewInt(1), 64))
	}
}

func (w *twin) addFloat(v float64, by int) {
	w.n += by
	w.floats += by
	switch {
	case math.IsNaN(v):
		w.nan += by
	case math.IsInf(v, 1):
		w.up += by
	case math.IsInf(v, -1):
		w.low += by
	default:
		w.units.Add(&w.units, units(v*float64(by)))
	}
}

// units is v / 2^-1074.
func units(v float64) *big.Int {
	exact := new(big.Float).SetFloat64(v)
	u, _ := exact.SetMantExp(exact, 1074).Int(nil)
	return u
}

// over is the sum divided by n.
func (w *twin) over(n int) float64 {
	switch {
	case w.nan > 0, w.up > 0 && w.low > 0, n == 0:
		return math.NaN()
	case w.up > 0:
		return math.Inf(1)
	case w.low > 0:
		return math.Inf(-1)
	}
	total := new(big.Int).Lsh(&w.ints, 1074)
	total.Add(total, &w.units)
	unit := new(big.Int).Lsh(big.NewInt(int64(n)), 1074)
	v, _ := new(big.Rat).SetFrac(total, unit).Float64()
	return v
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func check(t fataler, s *Sum, w *twin) {
	t.Helper()
	if got, want := s.Float(), w.over(1); !same(got, want) || got == 0 && math.Signbit(got) {
		t.Fatalf("sum %v (%x), want %v (%x)", got, got, want, want)
	}
	if got, want := s.Mean(), w.over(w.n); !same(got, want) || got == 0 && math.Signbit(got) {
		t.Fatalf("mean %v (%x), want %v (%x)", got, got, want, want)
	}
	v, ok := s.Int()
	if want := w.floats == 0 && w.ints.IsInt64(); ok != want || ok && v != w.ints.Int64() {
		t.Fatalf("int %d %v, want %v %v", v, ok, &w.ints, want)
	}
	if ints, floats := s.Len(); ints != w.n-w.floats || floats != w.floats {
		t.Fatalf("%d ints and %d floats, want %d and %d", ints, floats, w.n-w.floats, w.floats)
	}
}

func TestByHand(t *testing.T) {
	const top = math.MaxFloat64
	tiny := math.SmallestNonzeroFloat64
	for name, c := range map[string]struct {
		add, remove []float64
		sum, mean   float64
	}{
		"nothing":                   {sum: 0, mean: math.NaN()},
		"negative zero":             {add: []float64{math.Copysign(0, -1)}},
		"a large guest":             {add: []float64{1, 1e300, 2}, remove: []float64{1e300}, sum: 3, mean: 1.5},
		"overflow on the way":       {add: []float64{top, top, 7}, remove: []float64{top, top}, sum: 7, mean: 7},
		"overflow":                  {add: []float64{top, top}, sum: math.Inf(1), mean: top},
		"just below overflow":       {add: []float64{top, math.Ldexp(1, 969)}, sum: top, mean: top / 2},
		"overflow by rounding":      {add: []float64{top, math.Ldexp(1, 970)}, sum: math.Inf(1), mean: math.Ldexp(1, 1023)},
		"subnormals":                {add: []float64{tiny, tiny, -5 * tiny}, sum: -3 * tiny, mean: -tiny},
		"half a subnormal is even":  {add: []float64{tiny, 0}, sum: tiny},
		"zero has no sign":          {add: []float64{-tiny, 0, 0}, sum: -tiny},
		"two thirds of one are one": {add: []float64{tiny, tiny, 0}, sum: 2 * tiny, mean: tiny},
		"three halves are even":     {add: []float64{tiny, tiny, tiny, 0, 0, 0, 0, 0}, sum: 3 * tiny},
		"ties to even, down":        {add: []float64{1 << 53, 1}, sum: 1 << 53, mean: 1 << 52},
		"ties to even, up":          {add: []float64{1<<53 + 2, 1}, sum: 1<<53 + 4, mean: 1<<52 + 2},
		"a trifle breaks the tie":   {add: []float64{1 << 53, 1, tiny}, sum: 1<<53 + 2, mean: (1<<53 + 1) / 3.0},
		"NaN is gone":               {add: []float64{math.NaN(), 4}, remove: []float64{math.NaN()}, sum: 4, mean: 4},
		"infinity":                  {add: []float64{math.Inf(-1), 4}, sum: math.Inf(-1), mean: math.Inf(-1)},
		"both infinities":           {add: []float64{math.Inf(-1), math.Inf(1)}, sum: math.NaN(), mean: math.NaN()},
		"NaN before infinity":       {add: []float64{math.NaN(), math.Inf(1)}, sum: math.NaN(), mean: math.NaN()},
	} {
		var s Sum
		for _, v := range c.add {
			s.AddFloat(v)
		}
		for _, v := range c.remove {
			s.RemoveFloat(v)
		}
		if !same(s.Float(), c.sum) || !same(s.Mean(), c.mean) || s.Float() == 0 && math.Signbit(s.Float()) || s.Mean() == 0 && math.Signbit(s.Mean()) {
			t.Errorf("%s: sum %v, mean %v; want %v, %v", name, s.Float(), s.Mean(), c.sum, c.mean)
		}
	}
}

func TestInts(t *testing.T) {
	var s Sum
	for range 3 {
		s.AddInt(math.MaxInt64)
	}
	if _, ok := s.Int(); ok || s.Float() != 3*math.MaxInt64 || s.Mean() != math.MaxInt64 {
		t.Errorf("overflow unseen: %v", s.Float())
	}
	s.RemoveInt(math.MaxInt64)
	s.RemoveInt(math.MaxInt64)
	if v, ok := s.Int(); v != math.MaxInt64 || !ok {
		t.Errorf("%d %v after the overflow", v, ok)
	}
	s.AddInt(math.MinInt64)
	if v, ok := s.Int(); v != -1 || !ok || s.Float() != -1 {
		t.Errorf("%d %v of both ends", v, ok)
	}
	if s.floats != nil {
		t.Error("ints made an accumulator")
	}
}

// anyFloat draws from everywhere, and often from where things go wrong.
var anyFloat = rapid.OneOf(
	rapid.Float64(),
	rapid.Map(rapid.Uint64(), math.Float64frombits),
	rapid.Float64Range(-1000, 1000),
	rapid.Map(rapid.Int64Range(-3, 3), func(i int64) float64 { return float64(i) * math.SmallestNonzeroFloat64 }),
	rapid.SampledFrom([]float64{
		math.MaxFloat64, -math.MaxFloat64, 1 << 53, 1, -1, math.Ldexp(1, 970), math.Ldexp(-1, 970),
		math.Ldexp(1, -1022), 0, math.Copysign(0, -1),
	}),
)

var (
	special = rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1)})
	anyInt  = rapid.OneOf(rapid.Int64(), rapid.Int64Range(-9, 9), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
)

// TestChurn adds and removes at random; what is there sums up as it should, and
// to nothing when all is gone.
func TestChurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Sum
		var w twin
		var ints []int64
		var floats []float64
		take := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "which") }
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch kind := rapid.IntRange(0, 19).Draw(t, "kind"); {
			case kind < 7:
				v := anyFloat.Draw(t, "float")
				floats = append(floats, v)
				s.AddFloat(v)
				w.addFloat(v, 1)
			case kind == 7:
				v := special.Draw(t, "special")
				floats = append(floats, v)
				s.AddFloat(v)
				w.addFloat(v, 1)
			case kind < 11:
				v := anyInt.Draw(t, "int")
				ints = append(ints, v)
				s.AddInt(v)
				w.addInt(v, 1)
			case kind < 14 && len(ints) > 0:
				i := take(len(ints))
				s.RemoveInt(ints[i])
				w.addInt(ints[i], -1)
				ints = slices.Delete(ints, i, i+1)
			case len(floats) > 0:
				i := take(len(floats))
				s.RemoveFloat(floats[i])
				w.addFloat(floats[i], -1)
				floats = slices.Delete(floats, i, i+1)
			}
			check(t, &s, &w)
		}
		for _, v := range ints {
			s.RemoveInt(v)
		}
		for _, v := range floats {
			s.RemoveFloat(v)
		}
		check(t, &s, &twin{})
	})
}

// TestManyAlike fills the chunks until carries must be made, in both directions,
// without reading in between.
func TestManyAlike(t *testing.T) {
	for _, v := range []float64{math.MaxFloat64, -math.MaxFloat64, math.Nextafter(2, 0), -0.1, math.SmallestNonzeroFloat64} {
		const n = 5000
		var s Sum
		var w twin
		for range n {
			s.AddFloat(v)
			w.addFloat(v, 1)
		}
		check(t, &s, &w)
		for range n - 1 {
			s.RemoveFloat(v)
		}
		if s.Float() != v || s.Mean() != v {
			t.Errorf("%v is %v after churn", v, s.Float())
		}
	}
}

// TestPowersOfTwo: alone, each is itself, wherever in a chunk its bits fall.
func TestPowersOfTwo(t *testing.T) {
	for exponent := -1074; exponent < 1024; exponent++ {
		for _, v := range []float64{math.Ldexp(1, exponent), math.Ldexp(-1, exponent)} {
			var s Sum
			s.AddFloat(v)
			if s.Float() != v || s.Mean() != v {
				t.Errorf("%x alone is %x", v, s.Float())
			}
		}
	}
}

// TestMeanOfVeryMany takes counts that no test could add up to.
func TestMeanOfVeryMany(t *testing.T) {
	test := func(t fataler, sum, n int64, float bool) {
		s := Sum{lo: uint64(sum), ints: int(n)}
		if float { // the same mean of a sum 2^64 times as large, so that floats can hold it
			s = Sum{ints: int(n), floats: &floats{}}
			s.floats.putInt(uint64(sum), 0, false)
		}
		w := new(big.Rat).SetFrac64(sum, n)
		if float {
			w.Mul(w, new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 64)))
		}
		if want, _ := w.Float64(); s.Mean() != want {
			t.Fatalf("%d/%d (%v) is %x, want %x", sum, n, float, s.Mean(), want)
		}
	}
	// The quotient is 2^-132 above a tie that would go down.
	test(t, 37871530526689, 4611686018427111539, false)
	rapid.Check(t, func(t *rapid.T) {
		sum, n := rapid.Int64Range(0, math.MaxInt64).Draw(t, "sum"), rapid.Int64Range(1, math.MaxInt64-1).Draw(t, "n")
		test(t, sum, n, rapid.Bool().Draw(t, "float"))
	})
}

// TestWindow: the accumulator is as wide as the values, and forgets a large guest
// once nothing is left.
func TestWindow(t *testing.T) {
	var s Sum
	for _, v := range []float64{0, 0.01, 19.99, 1e6} {
		s.AddFloat(v)
	}
	s.AddInt(7)
	s.Float()
	if n := len(s.floats.chunks); n > 4 {
		t.Errorf("%d chunks for amounts of money", n)
	}
	s = Sum{}
	s.AddFloat(1e300)
	s.RemoveFloat(1e300)
	s.AddFloat(1)
	if n := len(s.floats.chunks); n > 2 || s.Float() != 1 {
		t.Errorf("%d chunks for one after a large guest", n)
	}
}

// TestWideInts: all 128 bits meet the floats.
func TestWideInts(t *testing.T) {
	s := Sum{hi: 1<<40 + 1<<8, lo: 1 << 63, ints: 1}
	s.AddFloat(0.5)
	if want := math.Ldexp(1, 104) + math.Ldexp(1, 72) + math.Ldexp(1, 63); s.Float() != want {
		t.Errorf("%x, want %x", s.Float(), want)
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("\x00\xff\xff\xff\xff\xff\xff\xef\x7f\x02\x00\x00\x00\x00\x00\x00\x00\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Sum
		var w twin
		var there []float64
		for len(data) >= 9 {
			bits := binary.LittleEndian.Uint64(data[1:])
			switch v := math.Float64frombits(bits); data[0] % 4 {
			case 0:
				s.AddFloat(v)
				w.addFloat(v, 1)
				there = append(there, v)
			case 1:
				if n := uint64(len(there)); n > 0 {
					i := int(bits % n)
					s.RemoveFloat(there[i])
					w.addFloat(there[i], -1)
					there = slices.Delete(there, i, i+1)
				}
			default:
				s.AddInt(int64(bits))
				w.addInt(int64(bits), 1)
			}
			data = data[9:]
		}
		check(t, &s, &w)
	})
}

// TestNoAllocation: neither changing nor reading allocates once the window is
// there.
func TestNoAllocation(t *testing.T) {
	var s Sum
	values := []float64{1e-9, 1e12, 3.25}
	s.AddInt(math.MaxInt64)
	allocations := testing.AllocsPerRun(100, func() {
		for _, v := range values {
			s.AddFloat(v)
		}
		s.Float()
		s.Mean()
		for _, v := range values {
			s.RemoveFloat(v)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

var sink float64

func BenchmarkSum(b *testing.B) {
	values := make([]float64, 1024)
	for i := range values {
		values[i] = float64(i*i) * 0.01
	}
	var s Sum
	b.Run("AddFloat+RemoveFloat", func(b *testing.B) {
		s.AddFloat(1)
		for i := range b.N {
			s.AddFloat(values[i%1024])
			s.RemoveFloat(values[(i+7)%1024])
		}
	})
	b.Run("AddInt+RemoveInt", func(b *testing.B) {
		for i := range b.N {
			s.AddInt(int64(i))
			s.RemoveInt(int64(i) + 7)
		}
	})
	b.Run("Float of floats", func(b *testing.B) {
		var s Sum
		for _, v := range values {
			s.AddFloat(v)
		}
		for range b.N {
			sink += s.Float()
		}
	})
	b.Run("Float of ints and floats", func(b *testing.B) {
		for range b.N {
			sink += s.Float()
		}
	})
	b.Run("Mean", func(b *testing.B) {
		for range b.N {
			sink += s.Mean()
		}
	})
	b.Run("Float over all magnitudes", func(b *testing.B) {
		var s Sum
		s.AddFloat(math.MaxFloat64)
		s.AddFloat(math.SmallestNonzeroFloat64)
		for range b.N {
			sink += s.Float()
		}
	})
}
