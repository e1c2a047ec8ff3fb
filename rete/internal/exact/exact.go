// Package exact adds int64 and float64 without error, so that values may come
// and go in any order: whatever happened before, the result is that of the
// values that are there now, rounded once.
//
// A running float64 sum drifts: adding 1e300 and taking it away again wipes out
// everything small. A [Sum] therefore keeps ints in 128 bits and floats in a
// superaccumulator, a fixed-point number wide enough for every float64 (Neal,
// "Fast exact summation using small and large superaccumulators", 2015, of which
// this is the small one). Unlike Neal's it holds only the part of that number
// which the values touch: a sum of amounts of money takes some five words, not
// sixty-seven.
//
// [Sum.Float] is the exact sum and [Sum.Mean] the exact quotient, each rounded
// once to the nearest float64, ties to even.
package exact

import (
	"math"
	"math/bits"
)

// Sum is a multiset's exact sum. The zero value is the sum of nothing. Removing
// what was never added is the caller's error and is not noticed. A Sum belongs
// to one goroutine, for reading too: reading tidies it up.
type Sum struct {
	hi, lo uint64 // the ints, in two's complement
	ints   int
	floats *floats // nil until the first float
}

// AddInt adds v.
func (s *Sum) AddInt(v int64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, uint64(v), 0)
	s.hi, _ = bits.Add64(s.hi, uint64(v>>63), carry)
	s.ints++
}

// RemoveInt takes v away, which is there.
func (s *Sum) RemoveInt(v int64) {
	var borrow uint64
	s.lo, borrow = bits.Sub64(s.lo, uint64(v), 0)
	s.hi, _ = bits.Sub64(s.hi, uint64(v>>63), borrow)
	s.ints--
}

// AddFloat adds v, which may be infinite or NaN.
func (s *Sum) AddFloat(v float64) {
	if s.floats == nil {
		s.floats = &floats{}
	}
	s.floats.change(v, 1)
}

// RemoveFloat takes v away, which is there. All NaN are alike.
func (s *Sum) RemoveFloat(v float64) {
	if s.floats == nil {
		s.floats = &floats{}
	}
	s.floats.change(v, -1)
}

// Len is how many ints and floats are there.
func (s *Sum) Len() (ints, floats int) {
	if s.floats == nil {
		return s.ints, 0
	}
	return s.ints, s.floats.n
}

// Int is the sum when only ints are there; it is false when there are floats or
// the sum does not fit.
func (s *Sum) Int() (int64, bool) {
	_, floats := s.Len()
	return int64(s.lo), floats == 0 && s.hi == uint64(int64(s.lo)>>63)
}

// Float is the sum of all ints and floats, rounded once to the nearest float64,
// ties to even; beyond the largest it is infinite. With a NaN or with both
// infinities there it is NaN, with one infinity that. Zero has no sign.
func (s *Sum) Float() float64 {
	if v, ok := s.special(); ok {
		return v
	}
	return s.quotient(1)
}

// Mean is the exact sum divided by the number of values, rounded once as
// [Sum.Float] is; a sum too large for float64 may well have a mean. The mean of
// nothing is NaN.
func (s *Sum) Mean() float64 {
	if v, ok := s.special(); ok {
		return v
	}
	ints, floats := s.Len()
	if ints+floats <= 0 {
		return math.NaN()
	}
	return s.quotient(uint64(ints + floats))
}

// special is the result that NaN and infinities enforce.
func (s *Sum) special() (float64, bool) {
	f := s.floats
	switch {
	case f == nil:
		return 0, false
	case f.nan > 0 || f.up > 0 && f.down > 0:
		return math.NaN(), true
	case f.up > 0:
		return math.Inf(1), true
	case f.down > 0:
		return math.Inf(-1), true
	}
	return 0, false
}

const (
	// guard words of zeros below the sum keep a quotient's first 65 bits at
	// least, as a divisor takes away no more than 63.
	guard = 2
	// width is enough for the largest float64 2^63 times: 2098+63 bits, two
	// chunks for carries, and the guard.
	width = 36 + guard
)

// quotient is the sum divided by n, rounded once.
func (s *Sum) quotient(n uint64) float64 {
	var buffer [width]uint64
	used, exponent, negative := s.magnitude(buffer[guard:])
	words := buffer[:guard+used]
	rest := n > 1 && divide(words, n)
	v := round(words, exponent-64*guard, rest)
	if negative && v != 0 {
		return -v
	}
	return v
}

// magnitude writes the absolute sum as words, least first, of which the lowest
// bit weighs 2^exponent.
func (s *Sum) magnitude(words []uint64) (used, exponent int, negative bool) {
	hi, lo, negative := s.absolute()
	if s.floats == nil || len(s.floats.chunks) == 0 {
		words[0], words[1] = lo, hi
		return 2, 0, negative
	}
	// The ints visit the floats' accumulator for as long as it is read.
	s.floats.putInt(hi, lo, negative)
	defer s.floats.putInt(hi, lo, !negative)
	return s.floats.magnitude(words)
}

// absolute is the ints' sum without its sign.
func (s *Sum) absolute() (hi, lo uint64, negative bool) {
	if s.hi>>63 == 0 {
		return s.hi, s.lo, false
	}
	lo, borrow := bits.Sub64(0, s.lo, 0)
	hi, _ = bits.Sub64(0, s.hi, borrow)
	return hi, lo, true
}

// divide divides the number by n in place and reports whether something is left.
func divide(words []uint64, n uint64) bool {
	var rest uint64
	for i := len(words) - 1; i >= 0; i-- {
		words[i], rest = bits.Div64(rest, words[i], n)
	}
	return rest != 0
}

// round is the float64 nearest to the number whose lowest bit weighs 2^exponent;
// rest says that it is a little larger than its words.
func round(words []uint64, exponent int, rest bool) float64 {
	top := len(words) - 1
	for top >= 0 && words[top] == 0 {
		top--
	}
	if top < 0 {
		return 0 // a rest below the guard is below the least subnormal too
	}
	zeros := bits.LeadingZeros64(words[top])
	leading := words[top] << zeros
	for i := top - 1; i >= 0 && !rest; i-- {
		below := words[i]
		if i == top-1 {
			below <<= zeros
		}
		rest = below != 0
	}
	if top > 0 {
		leading |= words[top-1] >> (64 - zeros)
	}
	return assemble(leading, exponent+64*top+63-zeros, rest)
}

// assemble rounds leading, whose highest bit is set and weighs 2^exponent.
func assemble(leading uint64, exponent int, rest bool) float64 {
	if exponent > 1023 {
		return math.Inf(1)
	}
	drop := 11 + max(0, -1022-exponent) // a subnormal keeps fewer bits
	if drop > 64 {
		return 0
	}
	kept, lost, half := leading>>drop, leading&(1<<drop-1), uint64(1)<<(drop-1)
	if lost > half || lost == half && (rest || kept&1 == 1) {
		kept++
	}
	// The hidden bit, and a carry out of the fraction, count the exponent up.
	return math.Float64frombits(uint64(max(0, exponent+1022))<<52 + kept)
}
