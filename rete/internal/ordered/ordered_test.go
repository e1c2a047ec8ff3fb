package ordered

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// check compares all that can be asked with the sorted members, and looks at the
// chunks.
func check(t fataler, m *Multiset[uint32], sorted []uint32) {
	t.Helper()
	n := len(sorted)
	if m.Len() != n || m.Distinct() != len(slices.Compact(slices.Clone(sorted))) {
		t.Fatalf("%d members, %d distinct; want %v", m.Len(), m.Distinct(), sorted)
	}
	for i, want := range sorted {
		if got, ok := m.Rank(i); got != want || !ok {
			t.Fatalf("rank %d is %d %v, want %d", i, got, ok, want)
		}
	}
	for _, i := range []int{-1, n} {
		if got, ok := m.Rank(i); ok {
			t.Fatalf("rank %d of %d is %d", i, n, got)
		}
	}
	least, any1 := m.Min()
	largest, any2 := m.Max()
	if any1 != (n > 0) || any2 != (n > 0) || any1 && (least != sorted[0] || largest != sorted[n-1]) {
		t.Fatalf("from %d %v to %d %v", least, any1, largest, any2)
	}
	for _, p := range []int{0, 1, 7, 50, 90, 95, 99, 100} {
		got, ok := m.Percentile(float64(p))
		if want := max(1, (p*n+99)/100); ok != (n > 0) || ok && got != sorted[want-1] {
			t.Fatalf("p%d of %d is %d %v", p, n, got, ok)
		}
	}
	checkChunks(t, m)
}

// checkChunks: memory is proportional to the values, so of two neighbours one at
// least is not sparse.
func checkChunks(t fataler, m *Multiset[uint32]) {
	t.Helper()
	for i, c := range m.chunks {
		n := len(c.entries)
		if n == 0 || n >= full || cap(c.entries) > full {
			t.Fatalf("chunk %d holds %d of %d", i, n, cap(c.entries))
		}
		if i > 0 && max(n, len(m.chunks[i-1].entries)) < sparse {
			t.Fatalf("chunks %d and %d are sparse", i-1, i)
		}
	}
	if len(m.spare) > len(m.chunks)/8+1 {
		t.Fatalf("%d chunks spare beside %d", len(m.spare), len(m.chunks))
	}
}

// history is a multiset with its sorted members.
type history struct {
	*Multiset[uint32]
	sorted []uint32
	random *rand.Rand
}

func newHistory(seed uint64) *history {
	return &history{Multiset: New(cmp.Compare[uint32]), random: rand.New(rand.NewPCG(seed, 0))}
}

// churn adds in grow of ten steps and removes in the others, half of it in one
// place.
func (h *history) churn(t fataler, steps, grow int, domain uint32) {
	t.Helper()
	crowd := h.random.Uint32N(domain)
	for range steps {
		v := h.random.Uint32N(domain)
		if h.random.IntN(2) == 0 {
			v = crowd + v/8
		}
		if h.random.IntN(10) < grow {
			at, _ := slices.BinarySearch(h.sorted, v)
			h.Add(v)
			h.sorted = slices.Insert(h.sorted, at, v)
		} else {
			h.remove(t, v)
		}
	}
}

// remove removes v or, mostly, the next value that is there.
func (h *history) remove(t fataler, v uint32) {
	t.Helper()
	at, found := slices.BinarySearch(h.sorted, v)
	if !found && at < len(h.sorted) && h.random.IntN(5) > 0 {
		v, found = h.sorted[at], true
	}
	if h.Remove(v) != found {
		t.Fatalf("removed %d: %v", v, !found)
	}
	if found {
		h.sorted = slices.Delete(h.sorted, at, at+1)
	}
}

func TestChurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(rapid.Uint64().Draw(t, "seed"))
		for range rapid.IntRange(1, 8).Draw(t, "runs") {
			steps, grow := rapid.IntRange(1, 300).Draw(t, "steps"), rapid.IntRange(0, 10).Draw(t, "grow")
			h.churn(t, steps, grow, rapid.SampledFrom([]uint32{5, 300, 9000}).Draw(t, "domain"))
			check(t, h.Multiset, h.sorted)
		}
	})
}

// TestWaves grows and shrinks so far that chunks split, join and vanish, down to
// nothing.
func TestWaves(t *testing.T) {
	for seed := range uint64(10) {
		h := newHistory(seed)
		for _, grow := range []int{10, 3, 8, 2, 6, 0} {
			for range 4 {
				h.churn(t, 1000, grow, 9000)
				check(t, h.Multiset, h.sorted)
			}
		}
		for _, v := range h.sorted {
			h.Remove(v)
		}
		check(t, h.Multiset, nil)
	}
}

// TestJoins drains the middle one of three chunks: it joins the neighbour that
// has room.
func TestJoins(t *testing.T) {
	const half = full / 2
	for _, c := range []struct {
		crowded []uint32
		sizes   []int
	}{
		{nil, []int{half + sparse - 1, half}},
		{[]uint32{0}, []int{half + 100, half + sparse - 1}},
		{[]uint32{2}, []int{half + sparse - 1, half + 100}},
		{[]uint32{0, 2}, []int{half + 100, sparse - 1, half + 100}},
	} {
		m := New(cmp.Compare[uint32])
		for v := range uint32(3 * half) {
			m.Add(2 * v)
		}
		for _, chunk := range c.crowded {
			for v := range uint32(100) {
				m.Add(2*(half*chunk+v) + 1)
			}
		}
		for v := range uint32(half - sparse + 1) {
			m.Remove(2 * (half + v))
		}
		var sizes []int
		for i := range m.chunks {
			sizes = append(sizes, m.size(i))
		}
		if !slices.Equal(sizes, c.sizes) {
			t.Errorf("beside crowded %v: %v, want %v", c.crowded, sizes, c.sizes)
		}
	}
}

func TestPercentileByHand(t *testing.T) {
	m := New(cmp.Compare[string])
	for _, v := range []string{"c", "a", "b", "d", "c"} {
		m.Add(v)
	}
	for p, want := range map[float64]string{-5: "a", 0: "a", 20: "a", 20.5: "b", 50: "c", 80: "c", 80.01: "d", 100: "d", 250: "d", math.Inf(1): "d"} {
		if got, _ := m.Percentile(p); got != want {
			t.Errorf("p%v is %s, want %s", p, got, want)
		}
	}
}

// TestPercentileOfHundred: 7/100*100 is above 7 in float64.
func TestPercentileOfHundred(t *testing.T) {
	m := New(cmp.Compare[int])
	for v := range 100 {
		m.Add(v + 1)
	}
	for p := 1; p <= 100; p++ {
		if got, _ := m.Percentile(float64(p)); got != p {
			t.Errorf("p%d of 1 to 100 is %d", p, got)
		}
	}
}

func TestSmallStaysSmall(t *testing.T) {
	m := New(cmp.Compare[uint32])
	for range 1000 {
		m.Add(7)
	}
	if c := cap(m.chunks[0].entries); c > 8 {
		t.Errorf("room for %d values after one", c)
	}
	for v := range uint32(100_000) {
		m.Add(v)
	}
	for v := range uint32(100_000) {
		m.Remove(v)
	}
	if v, _ := m.Max(); v != 7 || len(m.chunks) != 1 || len(m.spare) > 1 {
		t.Errorf("%d chunks and %d spare ones after shrinking to %d", len(m.chunks), len(m.spare), v)
	}
}

// TestNoAllocation: a value that comes and goes, even as the only one or at the
// edge of a split, allocates nothing.
func TestNoAllocation(t *testing.T) {
	for _, n := range []uint32{0, 1, full - 1, 10_000} {
		m := New(cmp.Compare[uint32])
		for v := range n {
			m.Add(2 * v)
		}
		v := uint32(1)
		allocations := testing.AllocsPerRun(100, func() {
			m.Add(v)
			m.Percentile(95)
			m.Remove(v)
		})
		if allocations != 0 {
			t.Errorf("%v allocations beside %d members", allocations, n)
		}
	}
}

func BenchmarkMultiset(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		random := rand.New(rand.NewPCG(1, 2))
		m := New(cmp.Compare[uint32])
		there := make([]uint32, n)
		for i := range there {
			there[i] = random.Uint32()
			m.Add(there[i])
		}
		b.Run(fmt.Sprint("Add+Remove/", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				v := random.Uint32()
				m.Add(v)
				m.Remove(there[i%n])
				there[i%n] = v
			}
		})
		b.Run(fmt.Sprint("Percentile/", n), func(b *testing.B) {
			for i := range b.N {
				m.Percentile(float64(i % 100))
			}
		})
		b.Run(fmt.Sprint("Min/", n), func(b *testing.B) {
			for range b.N {
				m.Min()
			}
		})
	}
}
