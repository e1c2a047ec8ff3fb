package rete

import "math/bits"

// table finds records by a hash of what they hold: open addressing with linear
// probing, hashes beside the numbers, so that growing and removing need not look
// at the records. Equal hashes are told apart by whoever asks.
type table struct {
	slots []slot
	used  int
}

// slot is one place of a table; record 0 leaves it empty.
type slot struct{ hash, record uint32 }

// mix is the hash of two numbers: the product of 128 bits, folded, as in wyhash.
func mix(a, b uint32) uint32 {
	hi, lo := bits.Mul64(uint64(a)<<32|uint64(b)^0xa0761d6478bd642f, 0xe7037ed1a0b428db)
	return uint32(hi ^ lo)
}

// first gives the first record with a hash, and where it is; record 0 is none.
func (t *table) first(hash uint32) (record, place uint32) {
	if len(t.slots) == 0 {
		return 0, 0
	}
	return t.seek(hash, hash&uint32(len(t.slots)-1))
}

// next gives the record with a hash after a place.
func (t *table) next(hash, place uint32) (record, at uint32) {
	return t.seek(hash, (place+1)&uint32(len(t.slots)-1))
}

// seek looks from a place on.
func (t *table) seek(hash, place uint32) (record, at uint32) {
	mask := uint32(len(t.slots) - 1)
	for {
		s := &t.slots[place&mask]
		if s.record == 0 || s.hash == hash {
			return s.record, place & mask
		}
		place++
	}
}

// insert files a record, also when there is another with the hash.
func (t *table) insert(hash, record uint32) {
	if t.used*4 >= len(t.slots)*3 {
		t.grow()
	}
	mask := uint32(len(t.slots) - 1)
	at := hash & mask
	for t.slots[at].record != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = slot{hash, record}
	t.used++
}

// grow doubles the table.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(8, 2*len(old)))
	t.used = 0
	for _, s := range old {
		if s.record != 0 {
			t.insert(s.hash, s.record)
		}
	}
}

// remove takes a record out and moves those behind it up, so that there are no
// graves to step over (Knuth, The Art of Computer Programming 3, algorithm 6.4 R).
func (t *table) remove(hash, record uint32) {
	if len(t.slots) == 0 {
		return
	}
	mask := uint32(len(t.slots) - 1)
	hole := hash & mask
	for t.slots[hole].record != record {
		if t.slots[hole].record == 0 {
			return
		}
		hole = (hole + 1) & mask
	}
	for at := (hole + 1) & mask; t.slots[at].record != 0; at = (at + 1) & mask {
		home := t.slots[at].hash & mask
		if (at-home)&mask >= (at-hole)&mask {
			t.slots[hole] = t.slots[at]
			hole = at
		}
	}
	t.slots[hole] = slot{}
	t.used--
}

// each calls f for every record, in no order.
func (t *table) each(f func(record uint32)) {
	for _, s := range t.slots {
		if s.record != 0 {
			f(s.record)
		}
	}
}

// clear takes every record out. A table that was large does not stay so.
func (t *table) clear() {
	if len(t.slots) > 1024 {
		*t = table{}
		return
	}
	clear(t.slots)
	t.used = 0
}

// each2 calls f for every record with its hash, in no order.
func (t *table) each2(f func(hash, record uint32)) {
	for _, s := range t.slots {
		if s.record != 0 {
			f(s.hash, s.record)
		}
	}
}
