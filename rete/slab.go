package rete

// slab holds records of one kind by number, in chunks that never move: a pointer
// to a record stays good while others come and go. Records hold numbers of other
// records and no pointers, so that the garbage collector has nothing to follow,
// however many there are. Number 0 is no record.
type slab[I ~uint32, T any] struct {
	chunks []*[slabSize]T
	free   []I
	next   uint32 // the first number that was never used
}

const (
	slabBits = 8
	slabSize = 1 << slabBits
)

// at is the record of a number.
func (s *slab[I, T]) at(i I) *T { return &s.chunks[uint32(i)>>slabBits][uint32(i)%slabSize] }

// alloc gives a record that is all zero.
func (s *slab[I, T]) alloc() (I, *T) {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i, s.at(i)
	}
	if s.next == 0 {
		s.next = 1
	}
	if int(s.next>>slabBits) == len(s.chunks) {
		s.chunks = append(s.chunks, new([slabSize]T))
	}
	i := I(s.next)
	s.next++
	return i, s.at(i)
}

// release takes a record back.
func (s *slab[I, T]) release(i I) {
	var zero T
	*s.at(i) = zero
	s.free = append(s.free, i)
}

// live is how many records are in use.
func (s *slab[I, T]) live() int { return max(int(s.next)-1, 0) - len(s.free) }

// rows holds the values of facts of one type: records of as many symbols as the
// type has fields.
type rows struct {
	width  uint32
	chunks [][]symbol
	free   []uint32
	next   uint32
}

// at is the row of a number.
func (r *rows) at(i uint32) []symbol {
	from := i % slabSize * r.width
	return r.chunks[i>>slabBits][from : from+r.width : from+r.width]
}

// alloc gives a row of absent values.
func (r *rows) alloc() uint32 {
	if n := len(r.free); n > 0 {
		i := r.free[n-1]
		r.free = r.free[:n-1]
		return i
	}
	if int(r.next>>slabBits) == len(r.chunks) {
		r.chunks = append(r.chunks, make([]symbol, slabSize*r.width))
	}
	r.next++
	return r.next - 1
}

// release takes a row back.
func (r *rows) release(i uint32) {
	clear(r.at(i))
	r.free = append(r.free, i)
}
