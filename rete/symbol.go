package rete

import (
	"cmp"
	"hash/maphash"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
)

// symbol is a value of a session in 32 bits. Whole numbers of 31 bits are
// themselves; every other value is kept once and named by its number, so that two
// values are equal exactly when their canonical symbols are: tests, joins and
// hashes never look at a value. (CLIPS keeps its atoms the same way.)
type symbol uint32

// The symbols that every session has.
const (
	symAbsent symbol = iota // no value at all; equals nothing
	symNull
	symFalse
	symTrue
	symFirst // the first that is interned
)

// A symbol's upper bits say what it is without a look at the value.
const (
	smallInt  symbol = 1 << 31 // the rest is the number itself
	otherForm symbol = 1 << 30 // equals another symbol: 1.0 and 1, one instant in two zones
	lonely    symbol = 1 << 29 // equals nothing: NaN, and what contains it
	symbolBit        = lonely - 1
)

const (
	minSmall = -1 << 30
	maxSmall = 1<<30 - 1
)

// symbols are the values of one session.
type symbols struct {
	values slab[symbol, any]
	seed   maphash.Seed
	index  table             // of strings and numbers
	rare   map[key][]symbol  // of everything else: the forms of equal values, canonical first
	canons map[symbol]symbol // of those with otherForm
	kept   int               // how many survived the last sweep
}

// newSymbols makes a table with nothing but the fixed symbols.
func newSymbols() symbols {
	s := symbols{seed: maphash.MakeSeed(), rare: map[key][]symbol{}, canons: map[symbol]symbol{}}
	for _, v := range []any{nil, false, true} {
		_, place := s.values.alloc()
		*place = v
	}
	return s
}

// intern gives the symbol of a normalised value.
func (s *symbols) intern(v any) symbol {
	switch x := v.(type) {
	case absent:
		return symAbsent
	case nil:
		return symNull
	case bool:
		return boolSymbol(x)
	case int64:
		return s.int(x)
	case float64:
		return s.float(x)
	case string:
		return s.text(x)
	}
	return s.other(v)
}

// boolSymbol is the symbol of a truth value.
func boolSymbol(b bool) symbol {
	if b {
		return symTrue
	}
	return symFalse
}

// int gives the symbol of a whole number.
func (s *symbols) int(n int64) symbol {
	if n >= minSmall && n <= maxSmall {
		return smallInt | symbol(uint32(n)&^uint32(smallInt))
	}
	h := mix(uint32(n), uint32(n>>32))
	for id, at := s.index.first(h); id != 0; id, at = s.index.next(h, at) {
		if x, ok := s.value(symbol(id)).(int64); ok && x == n {
			return symbol(id)
		}
	}
	return s.add(h, n, 0)
}

// float gives the symbol of a floating point number. One that is whole is another
// form of the int that it equals.
func (s *symbols) float(f float64) symbol {
	bits := math.Float64bits(f)
	if f != f {
		bits = math.Float64bits(math.NaN()) // all NaNs are identical to each other
	}
	h := mix(^uint32(bits), uint32(bits>>32))
	for id, at := s.index.first(h); id != 0; id, at = s.index.next(h, at) {
		if x, ok := s.value(symbol(id)).(float64); ok && (math.Float64bits(x) == bits || x != x && f != f) {
			return symbol(id)
		}
	}
	if f != f {
		return s.add(h, f, lonely)
	}
	if k, _ := floatKey(f); k.kind == kindInt {
		sym := s.add(h, f, otherForm)
		s.canons[sym] = s.int(int64(k.num))
		return sym
	}
	return s.add(h, f, 0)
}

// text gives the symbol of a string.
func (s *symbols) text(x string) symbol {
	h := s.hash(x)
	for id, at := s.index.first(h); id != 0; id, at = s.index.next(h, at) {
		if y, ok := s.value(symbol(id)).(string); ok && x == y {
			return symbol(id)
		}
	}
	return s.add(h, x, 0)
}

// hash is that of a text.
func (s *symbols) hash(x string) uint32 { return uint32(maphash.String(s.seed, x)) }

// add keeps a new value and files it by its hash.
func (s *symbols) add(hash uint32, v any, mark symbol) symbol {
	id, place := s.values.alloc()
	*place = v
	s.index.insert(hash, uint32(id|mark))
	return id | mark
}

// other gives the symbol of a value of a rare kind: times, bytes, lists, maps and
// kinds that the engine does not know. Values that are equal and look different
// (one instant in two zones) are forms of the first.
func (s *symbols) other(v any) symbol {
	k, joins := keyOf(v)
	forms := s.rare[k]
	for _, sym := range forms {
		if sameForm(s.value(sym), v) {
			return sym
		}
	}
	id, place := s.values.alloc()
	*place = v
	switch {
	case !joins:
		id |= lonely
	case len(forms) > 0:
		id |= otherForm
		s.canons[id] = s.canon(forms[0])
	}
	s.rare[k] = append(forms, id)
	return id
}

// sameForm tells whether two values cannot be told apart. NaN is itself here, also
// inside of a list: a list that contains it did not change when nothing else did.
func sameForm(a, b any) bool {
	switch x := a.(type) {
	case time.Time:
		y, same := b.(time.Time)
		xZone, xOffset := x.Zone()
		yZone, yOffset := y.Zone()
		return same && x.Equal(y) && xZone == yZone && xOffset == yOffset
	case float64:
		y, same := b.(float64)
		return same && (math.Float64bits(x) == math.Float64bits(y) || x != x && y != y)
	case []any:
		y, same := b.([]any)
		return same && slices.EqualFunc(x, y, sameForm)
	case map[string]any:
		y, same := b.(map[string]any)
		return same && maps.EqualFunc(x, y, sameForm)
	}
	return reflect.DeepEqual(a, b)
}

// value is what a symbol stands for.
func (s *symbols) value(sym symbol) any {
	if sym&smallInt != 0 {
		return small(sym)
	}
	if sym == symAbsent {
		return Absent
	}
	return *s.values.at(sym & symbolBit)
}

// small is the number that a small int is.
func small(sym symbol) int64 { return int64(int32(sym<<1) >> 1) }

// canon is the symbol that all equal values share.
func (s *symbols) canon(sym symbol) symbol {
	if sym&(smallInt|otherForm) != otherForm {
		return sym
	}
	return s.canons[sym]
}

// joins tells whether the value equals anything, itself included.
func (sym symbol) joins() bool {
	return sym&smallInt != 0 || sym&lonely == 0 && sym != symAbsent
}

// identical tells whether replacing one by the other is no change.
func (s *symbols) identical(a, b symbol) bool { return a == b || s.canon(a) == s.canon(b) }

// equal is equality of values: NaN equals nothing.
func (s *symbols) equal(a, b symbol) bool { return a.joins() && s.identical(a, b) }

// compare orders two values as [compare] does.
func (s *symbols) compare(a, b symbol) (c int, ok bool, err error) {
	if a&b&smallInt != 0 {
		return int(int32(a<<1)>>1) - int(int32(b<<1)>>1), true, nil
	}
	return compare(s.value(a), s.value(b))
}

// compareForms is compareTotal that tells forms of equal values apart.
func (s *symbols) compareForms(a, b symbol) int {
	return cmp.Or(s.compareTotal(a, b), cmp.Compare(a, b))
}

// compareTotal orders any two values, for ties.
func (s *symbols) compareTotal(a, b symbol) int {
	if a&b&smallInt != 0 {
		return int(int32(a<<1)>>1) - int(int32(b<<1)>>1)
	}
	if a == b {
		return 0
	}
	return compareTotal(s.value(a), s.value(b))
}
