package exact

import "math"

const (
	chunkBits = 32
	chunkMask = 1<<chunkBits - 1
	// lowest is the weight of the accumulator's first bit, that of the least
	// subnormal.
	lowest = -1074
	// untidied additions leave each chunk below 2^63: one puts less than
	// 2^52+2^32 into a chunk.
	untidied = 1 << 10
)

// floats is a superaccumulator: chunk i weighs 2^(32*(base+i)+lowest). Chunks
// overlap, so that an addition changes two of them and carries nothing; carries
// are made up for once in untidied additions and before reading.
type floats struct {
	n, nan, up, down int // all, and of these NaN, +Inf and -Inf
	base             int
	chunks           []int64
	pending          int // additions since the last carry
}

// change adds v, or takes it away when by is -1.
func (f *floats) change(v float64, by int) {
	f.n += by
	b := math.Float64bits(v)
	exponent, fraction := int(b>>52&0x7ff), b&(1<<52-1)
	switch {
	case exponent == 0x7ff:
		f.changeSpecial(v, by)
	case exponent > 0:
		f.put(fraction|1<<52, exponent-1, b>>63 == 1 != (by < 0))
	default:
		f.put(fraction, 0, b>>63 == 1 != (by < 0))
	}
	if f.n == f.nan+f.up+f.down {
		// Nothing finite is there: the next value begins its own window.
		f.chunks, f.pending = f.chunks[:0], 0
	}
}

func (f *floats) changeSpecial(v float64, by int) {
	switch {
	case v > 0:
		f.up += by
	case v < 0:
		f.down += by
	default:
		f.nan += by
	}
}

// put adds m, below 2^53, shifted left; zero must not widen the window.
func (f *floats) put(m uint64, shift int, negative bool) {
	if m == 0 {
		return
	}
	at, by := shift/chunkBits, shift%chunkBits
	if at < f.base || at+2 > f.base+len(f.chunks) {
		f.widen(at, at+2)
	}
	low, high := int64(m<<by&chunkMask), int64(m>>(chunkBits-by))
	if negative {
		low, high = -low, -high
	}
	pair := f.chunks[at-f.base:][:2]
	pair[0] += low
	pair[1] += high
	if f.pending++; f.pending >= untidied {
		f.tidy()
	}
}

// putInt adds an int of 128 bits.
func (f *floats) putInt(hi, lo uint64, negative bool) {
	f.put(lo&chunkMask, -lowest, negative)
	f.put(lo>>chunkBits, -lowest+chunkBits, negative)
	f.put(hi&chunkMask, -lowest+2*chunkBits, negative)
	f.put(hi>>chunkBits, -lowest+3*chunkBits, negative)
}

// widen lets the window include the chunks from lo to hi.
func (f *floats) widen(lo, hi int) {
	if len(f.chunks) == 0 {
		f.base = lo
	}
	lo, hi = min(lo, f.base), max(hi, f.base+len(f.chunks))
	next, offset := f.chunks, f.base-lo
	if n := hi - lo; n > cap(next) {
		next = make([]int64, n, n+2)
	} else {
		next = next[:n]
	}
	copied := copy(next[offset:], f.chunks)
	clear(next[:offset])
	clear(next[offset+copied:])
	f.base, f.chunks = lo, next
}

// tidy carries, so that each chunk but the last is within 0 and 2^32; the last
// bears the sign.
func (f *floats) tidy() {
	f.pending = 0
	last := len(f.chunks) - 1
	var carry int64
	for i, c := range f.chunks[:last] {
		c += carry
		f.chunks[i], carry = c&chunkMask, c>>chunkBits
	}
	f.chunks[last] += carry
	if c := f.chunks[last]; c>>chunkBits != 0 && c>>chunkBits != -1 {
		f.widen(f.base, f.base+last+2)
		f.chunks[last], f.chunks[last+1] = c&chunkMask, c>>chunkBits
	}
}

// magnitude writes the absolute sum; see [Sum.magnitude].
func (f *floats) magnitude(words []uint64) (used, exponent int, negative bool) {
	f.tidy()
	sign := int64(1)
	if negative = f.chunks[len(f.chunks)-1] < 0; negative {
		sign = -1
	}
	var carry int64
	for i, c := range f.chunks {
		c = sign*c + carry
		words[i/2] |= uint64(c&chunkMask) << (i % 2 * chunkBits)
		carry = c >> chunkBits
	}
	n := len(f.chunks)
	words[n/2] |= uint64(carry) << (n % 2 * chunkBits)
	return n/2 + 1, chunkBits*f.base + lowest, negative
}
