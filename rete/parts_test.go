package rete

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTableEqualsMap: records are found by their hashes, several of one hash too,
// whatever was put in and taken out before.
func TestTableEqualsMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table table
		want := map[uint32]map[uint32]bool{} // by hash
		hash := rapid.SampledFrom([]uint32{0, 1, 2, 7, 8, 15, 16, 1 << 31, ^uint32(0), 9, 17})
		size := 0
		for next := uint32(1); next < uint32(rapid.IntRange(1, 120).Draw(t, "steps")); next++ {
			h := hash.Draw(t, "hash")
			switch there := slices.Sorted(maps.Keys(want[h])); {
			case rapid.IntRange(0, 60).Draw(t, "clear") == 0:
				table.clear()
				want, size = map[uint32]map[uint32]bool{}, 0
			case len(there) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") > 0:
				x := rapid.SampledFrom(there).Draw(t, "record")
				table.remove(h, x)
				table.remove(h, x) // what is not there is none
				delete(want[h], x)
				size--
			default:
				table.insert(h, next)
				if want[h] == nil {
					want[h] = map[uint32]bool{}
				}
				want[h][next] = true
				size++
			}
			compareTable(t, &table, want, size)
		}
	})
}

func compareTable(t *rapid.T, table *table, want map[uint32]map[uint32]bool, size int) {
	t.Helper()
	for h, records := range want {
		found := map[uint32]bool{}
		for x, at := table.first(h); x != 0; x, at = table.next(h, at) {
			if found[x] {
				t.Fatalf("record %d is found twice", x)
			}
			found[x] = true
		}
		if !maps.Equal(found, records) {
			t.Fatalf("hash %d has %v, want %v", h, found, records)
		}
	}
	all := map[uint32]bool{}
	table.each2(func(h, x uint32) {
		if !want[h][x] {
			t.Fatalf("record %d has hash %d", x, h)
		}
		all[x] = true
	})
	n := 0
	table.each(func(uint32) { n++ })
	if len(all) != size || n != size || table.used != size {
		t.Fatalf("%d records, %d counted, want %d", len(all), table.used, size)
	}
}

// TestSlabKeepsRecords: a record is zero when it comes, stays where it is and what
// it is, and is given out again.
func TestSlabKeepsRecords(t *testing.T) {
	type record struct{ a, _ uint64 }
	var s slab[uint32, record]
	if s.live() != 0 {
		t.Error("an empty slab holds", s.live())
	}
	random := rand.New(rand.NewPCG(1, 2))
	places := map[uint32]*record{}
	for range 20_000 {
		if len(places) > 0 && random.IntN(5) < 2 {
			for i, p := range places {
				if p.a != uint64(i) || s.at(i) != p {
					t.Fatalf("record %d is %v at another place", i, *p)
				}
				s.release(i)
				delete(places, i)
				break
			}
			continue
		}
		i, p := s.alloc()
		if _, taken := places[i]; taken || i == 0 || *p != (record{}) {
			t.Fatalf("record %d is given out as %v", i, *p)
		}
		p.a, places[i] = uint64(i), p
	}
	if s.live() != len(places) {
		t.Errorf("%d records, want %d", s.live(), len(places))
	}
	if most := int(s.next); most > 3*len(places) {
		t.Errorf("%d numbers for %d records", most, len(places))
	}
}

// TestRowsKeepValues of a width each, also of none.
func TestRowsKeepValues(t *testing.T) {
	for _, width := range []uint32{0, 1, 3} {
		r := rows{width: width}
		random := rand.New(rand.NewPCG(1, uint64(width)))
		there := map[uint32][]symbol{}
		for step := range 3000 {
			if len(there) > 0 && random.IntN(5) < 2 {
				for i, want := range there {
					if !slices.Equal(r.at(i), want) {
						t.Fatalf("row %d is %v, want %v", i, r.at(i), want)
					}
					r.release(i)
					delete(there, i)
					break
				}
				continue
			}
			i := r.alloc()
			row := r.at(i)
			if _, taken := there[i]; taken || len(row) != int(width) || cap(row) != int(width) {
				t.Fatalf("row %d has %d of %d values", i, len(row), cap(row))
			}
			for f := range row {
				if row[f] != symAbsent {
					t.Fatalf("row %d begins with %d", i, row[f])
				}
				row[f] = symbol(step*10 + f)
			}
			there[i] = slices.Clone(row)
		}
	}
}

// someValue draws values of every kind, many of them equal in other forms.
var someValue = rapid.Custom(func(t *rapid.T) any {
	n := rapid.SampledFrom([]int64{0, 1, -1, minSmall, maxSmall, minSmall - 1, maxSmall + 1, math.MaxInt64, math.MinInt64, 1 << 53}).Draw(t, "n")
	switch rapid.IntRange(0, 11).Draw(t, "kind") {
	case 0, 1:
		return n
	case 2:
		return float64(n)
	case 3:
		return rapid.SampledFrom([]float64{0.5, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e300}).Draw(t, "float")
	case 4:
		return rapid.SampledFrom([]string{"", "a", "b", "1", "a\x00"}).Draw(t, "text")
	case 5:
		return rapid.SampledFrom([]any{nil, true, false, Absent}).Draw(t, "fixed")
	case 6:
		zone := time.FixedZone("", rapid.IntRange(-1, 1).Draw(t, "zone")*3600)
		return time.Unix(n%4, 0).In(zone)
	case 7:
		return time.Duration(n)
	case 8:
		return []byte(fmt.Sprint(n))
	case 9:
		return []any{n, math.NaN()}
	case 10:
		return map[string]any{"a": float64(n), "b": []any{n}}
	}
	return []any{n, float64(n)}
})

// TestSymbolsEqualValues: two symbols are one, equal or identical as their values
// are, and a symbol gives back what it was made of.
func TestSymbolsEqualValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		syms := newSymbols()
		a, b := someValue.Draw(t, "a"), someValue.Draw(t, "b")
		x, y := syms.intern(a), syms.intern(b)
		if got := syms.value(x); !sameForm(got, a) {
			t.Fatalf("%#v became %#v", a, got)
		}
		if syms.intern(a) != x {
			t.Fatalf("%#v has two symbols", a)
		}
		ka, joinsA := keyOf(a)
		kb, joinsB := keyOf(b)
		if joinsA != x.joins() {
			t.Fatalf("%#v joins: %v", a, x.joins())
		}
		if equal := ka == kb && joinsA && joinsB; syms.equal(x, y) != equal || syms.equal(y, x) != equal {
			t.Fatalf("%#v equals %#v: %v", a, b, !equal)
		}
		if joinsA && joinsB && (syms.canon(x) == syms.canon(y)) != (ka == kb) {
			t.Fatalf("%#v and %#v have the canonical symbols %x and %x", a, b, syms.canon(x), syms.canon(y))
		}
		if (x == y) != sameForm(a, b) {
			t.Fatalf("%#v is %x, %#v is %x", a, x, b, y)
		}
		wantC, wantOK, wantErr := compare(a, b)
		gotC, gotOK, err := syms.compare(x, y)
		if sign(gotC) != sign(wantC) || gotOK != wantOK || (err != nil) != (wantErr != nil) {
			t.Fatalf("compare(%#v, %#v) = %d %v %v, want %d %v %v", a, b, gotC, gotOK, err, wantC, wantOK, wantErr)
		}
		if c := syms.compareForms(x, y); (c == 0) != (x == y) || sign(c) != -sign(syms.compareForms(y, x)) {
			t.Fatalf("compareForms(%#v, %#v) = %d", a, b, c)
		}
	})
}

func sign(n int) int { return min(1, max(-1, n)) }

// TestSymbolsAreSwept: those that are used stay what they are, the others are given
// out again.
func TestSymbolsAreSwept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		syms := newSymbols()
		kept := map[symbol]any{}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for _, v := range rapid.SliceOfN(someValue, 1, 20).Draw(t, "values") {
				kept[syms.intern(v)] = v
			}
			used := make([]bool, syms.values.next)
			for _, sym := range slices.Sorted(maps.Keys(kept)) {
				if rapid.Bool().Draw(t, "drop") {
					delete(kept, sym)
				}
			}
			for sym := range kept {
				for _, x := range []symbol{sym, syms.canon(sym)} {
					if x&smallInt == 0 {
						used[x&symbolBit] = true
					}
				}
			}
			syms.free(used)
			for sym, v := range kept {
				if got := syms.intern(v); got != sym || !sameForm(syms.value(sym), v) {
					t.Fatalf("%#v was symbol %x and is %x, %#v", v, sym, got, syms.value(sym))
				}
			}
			for a, v := range kept {
				for b, w := range kept {
					ka, joinsA := keyOf(v)
					kb, joinsB := keyOf(w)
					if syms.equal(a, b) != (ka == kb && joinsA && joinsB) {
						t.Fatalf("after a sweep %#v equals %#v: %v", v, w, syms.equal(a, b))
					}
				}
			}
		}
		syms.free(make([]bool, syms.values.next))
		if n := syms.values.live(); n != int(symFirst)-1 || syms.index.used+len(syms.rare)+len(syms.canons) > 0 {
			t.Fatalf("%d values are left", n)
		}
	})
}

// TestPairsEqualMap: keys of several values have one number each as long as a
// bucket has them.
func TestPairsEqualMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x indexes
		type filed struct {
			key  [3]uint32
			link linkID
			in   bucketID
		}
		number := x.number(3)
		other := x.number(3) // shares the pairs and not the buckets
		var there []filed
		byKey := map[[3]uint32]bucketID{}
		small := rapid.Uint32Range(1, 3)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(there) > 0 && rapid.IntRange(0, 2).Draw(t, "out") > 0 {
				i := rapid.IntRange(0, len(there)-1).Draw(t, "which")
				f := there[i]
				there = slices.Delete(there, i, i+1)
				_, in := x.unfile(f.link)
				if x.buckets.at(in).head == 0 {
					x.drop(in)
					delete(byKey, f.key)
				}
				continue
			}
			key := [3]uint32{small.Draw(t, "a"), small.Draw(t, "b"), small.Draw(t, "c")}
			pair := x.pair(x.pair(key[0], key[1], false, true), key[2], true, true)
			in := x.ensure(number, pair)
			if old, known := byKey[key]; known && old != in {
				t.Fatalf("the key %v has buckets %d and %d", key, old, in)
			}
			byKey[key] = in
			there = append(there, filed{key, x.file(7, in, 0), in})
			if x.find(other, pair) != 0 {
				t.Fatal("a bucket is found in another index")
			}
		}
		inner := map[[2]uint32]bool{}
		for key, in := range byKey {
			inner[[2]uint32(key[:2])] = true
			if pair := x.pair(x.pair(key[0], key[1], false, false), key[2], true, false); pair == 0 || x.find(number, pair) != in {
				t.Fatalf("the key %v is not found", key)
			}
		}
		if n := x.pairs.live(); n != len(byKey)+len(inner) || x.buckets.live() != len(byKey) || x.filings.live() != len(there) {
			t.Fatalf("%d pairs, %d buckets and %d filings for %v", n, x.buckets.live(), x.filings.live(), byKey)
		}
	})
}

// TestNumbersAreGivenAgain: what is removed makes room, and nothing else moves.
func TestNumbersAreGivenAgain(t *testing.T) {
	var x numbered[*int]
	there := map[uint32]*int{}
	random := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		if len(there) > 0 && random.IntN(2) == 0 {
			for id, p := range there {
				if x.at(id) != p {
					t.Fatalf("number %d is another's", id)
				}
				x.remove(id)
				delete(there, id)
				break
			}
			continue
		}
		p := new(int)
		id := x.add(p)
		if _, taken := there[id]; taken || id == 0 {
			t.Fatalf("number %d is given twice", id)
		}
		there[id] = p
	}
	if len(members(&x)) != len(there) {
		t.Errorf("%d members, want %d", len(members(&x)), len(there))
	}
}
