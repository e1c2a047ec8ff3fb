// Package ordered is a multiset that knows its order while members come and go:
// the least, the largest, the i-th and a percentile of what is there now.
//
// The distinct values lie in order in chunks of at most 256, each with how often
// it is there; a Fenwick tree over the chunks' totals (Fenwick, "A new data
// structure for cumulative frequency tables", 1994) leads to the i-th member.
// Changes and questions take O(log n) steps and a scan of one chunk, and in the
// steady state nothing is allocated. A small multiset is one short slice.
package ordered

import (
	"math"
	"slices"
)

const (
	// full chunks are split in two.
	full = 256
	// A chunk with fewer values than sparse joins a neighbour if both have no
	// more than joined, which is far from full: a value that comes and goes does
	// not split and join each time.
	sparse, joined = full / 4, full * 3 / 4
)

// Multiset holds members in the order of a comparison; see [New]. It belongs to
// one goroutine.
type Multiset[T any] struct {
	compare func(a, b T) int
	chunks  []chunk[T]
	// tree[i] is the total of the chunks from i&(i+1) to i.
	tree          []int
	len, distinct int
	spare         [][]entry[T] // emptied chunks' memory, for the next splits
}

type entry[T any] struct {
	value T
	count uint32
}

// chunk is never empty.
type chunk[T any] struct {
	entries []entry[T]
	total   int
}

// New is an empty multiset. compare is negative, zero or positive as a is before,
// equal to or after b, and a total order; of values that compare equal the first
// stands for all, so they should be interchangeable.
func New[T any](compare func(a, b T) int) *Multiset[T] { return &Multiset[T]{compare: compare} }

// Add adds one v. Of one value there may be 2^32-1.
func (m *Multiset[T]) Add(v T) {
	m.len++
	if len(m.chunks) == 0 {
		m.insertChunk(0, chunk[T]{entries: m.memory()})
	}
	c := m.chunkOf(v)
	at, found := m.find(c, v)
	m.count(c, 1)
	entries := &m.chunks[c].entries
	if found {
		(*entries)[at].count++
		return
	}
	m.distinct++
	*entries = slices.Insert(*entries, at, entry[T]{v, 1})
	if len(*entries) == full {
		m.split(c)
	}
}

// Remove takes one v away and reports whether there was one.
func (m *Multiset[T]) Remove(v T) bool {
	if m.len == 0 {
		return false
	}
	c := m.chunkOf(v)
	at, found := m.find(c, v)
	if !found {
		return false
	}
	m.len--
	m.count(c, -1)
	entries := &m.chunks[c].entries
	if (*entries)[at].count--; (*entries)[at].count == 0 {
		m.distinct--
		*entries = slices.Delete(*entries, at, at+1)
		m.shrink(c)
	}
	return true
}

// Len is the number of members, each as often as it was added.
func (m *Multiset[T]) Len() int { return m.len }

// Distinct is the number of different members.
func (m *Multiset[T]) Distinct() int { return m.distinct }

// Min is the least member; it is false when there is none.
func (m *Multiset[T]) Min() (T, bool) { return m.Rank(0) }

// Max is the largest member; it is false when there is none.
func (m *Multiset[T]) Max() (T, bool) { return m.Rank(m.len - 1) }

// Rank is the i-th member from the least, which is the 0-th; equal members have
// ranks of their own. It is false when i is not within 0 and Len-1.
func (m *Multiset[T]) Rank(i int) (T, bool) {
	if i < 0 || i >= m.len {
		var none T
		return none, false
	}
	c, i := m.descend(i)
	entries := m.chunks[c].entries
	at := 0
	for ; i >= int(entries[at].count); at++ {
		i -= int(entries[at].count)
	}
	return entries[at].value, true
}

// Percentile is the member at the nearest rank, the ceil(p/100*Len)-th counted
// from 1; p below 0 is 0 and gives the least member, p above 100 the largest. It
// is false when there is none.
func (m *Multiset[T]) Percentile(p float64) (T, bool) {
	// p*Len first: 7/100*100 is a little above 7.
	rank := math.Ceil(p * float64(m.len) / 100)
	return m.Rank(max(1, int(min(rank, float64(m.len)))) - 1)
}

// chunkOf is the chunk where v is or belongs, the last that begins at or before v.
func (m *Multiset[T]) chunkOf(v T) int {
	lo, hi := 0, len(m.chunks)
	for hi-lo > 1 {
		if middle := (lo + hi) / 2; m.compare(m.chunks[middle].entries[0].value, v) <= 0 {
			lo = middle
		} else {
			hi = middle
		}
	}
	return lo
}

// find is where v is or belongs in a chunk.
func (m *Multiset[T]) find(c int, v T) (at int, found bool) {
	entries := m.chunks[c].entries
	lo, hi := 0, len(entries)
	for lo < hi {
		if middle := (lo + hi) / 2; m.compare(entries[middle].value, v) < 0 {
			lo = middle + 1
		} else {
			hi = middle
		}
	}
	return lo, lo < len(entries) && m.compare(entries[lo].value, v) == 0
}
