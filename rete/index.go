package rete

// Memories are joined by hash. For a memory and the fields that a join compares
// there is one index, shared by all joins that compare the same fields; it files
// members in buckets, one for each key. A key is a symbol, or the number of a pair
// of keys where several fields are compared.

// linkID numbers the filing of one member in one bucket.
type linkID uint32

// bucketID numbers a bucket.
type bucketID uint32

// filing is one membership in one bucket.
type filing struct {
	member     uint32 // a token, or an item of an alpha memory
	bucket     bucketID
	next, prev linkID // in the bucket
	more       linkID // the member's next filing
}

// bucket holds the members of one memory that share a key.
type bucket struct {
	index uint32
	key   uint32
	head  linkID
	// visits are the keyed joins that hold a token with this key (of a bucket of
	// facts), or the places where this bucket of tokens is one of them.
	visits visitID
}

// pair is a key of several fields: the key of all but the last, and the last.
type pair struct {
	a, b   uint32
	users  uint32
	nested bool // a is a pair
}

// indexes are the buckets of a session.
type indexes struct {
	filings slab[linkID, filing]
	buckets slab[bucketID, bucket]
	byKey   table
	pairs   slab[uint32, pair]
	byPair  table
	last    uint32   // index numbers given out
	free    []uint32 // and given back
}

// ofPairs marks the number of an index of several fields.
const ofPairs = 1 << 31

// number gives an index of so many fields its number.
func (x *indexes) number(fields int) uint32 {
	x.last++
	number := x.last
	if n := len(x.free); n > 0 {
		x.last--
		number, x.free = x.free[n-1], x.free[:n-1]
	}
	if fields > 1 {
		number |= ofPairs
	}
	return number
}

// give takes a number back.
func (x *indexes) give(number uint32) { x.free = append(x.free, number&^ofPairs) }

// find gives the bucket of a key, or 0.
func (x *indexes) find(index, key uint32) bucketID {
	h := mix(index, key)
	for id, at := x.byKey.first(h); id != 0; id, at = x.byKey.next(h, at) {
		if b := x.buckets.at(bucketID(id)); b.index == index && b.key == key {
			return bucketID(id)
		}
	}
	return 0
}

// ensure gives the bucket of a key, making it if need be.
func (x *indexes) ensure(index, key uint32) bucketID {
	if id := x.find(index, key); id != 0 {
		return id
	}
	id, b := x.buckets.alloc()
	b.index, b.key = index, key
	x.byKey.insert(mix(index, key), uint32(id))
	if index&ofPairs != 0 {
		x.pairs.at(key).users++
	}
	return id
}

// file puts a member into a bucket and gives its filing, the head of its list.
func (x *indexes) file(member uint32, in bucketID, more linkID) linkID {
	id, l := x.filings.alloc()
	b := x.buckets.at(in)
	*l = filing{member: member, bucket: in, next: b.head, more: more}
	if b.head != 0 {
		x.filings.at(b.head).prev = id
	}
	b.head = id
	return id
}

// unfile takes one filing out and gives the member's next. The bucket stays, also
// when it is empty: see network.emptied.
func (x *indexes) unfile(id linkID) (more linkID, in bucketID) {
	l := x.filings.at(id)
	more, in = l.more, l.bucket
	if l.next != 0 {
		x.filings.at(l.next).prev = l.prev
	}
	if l.prev != 0 {
		x.filings.at(l.prev).next = l.next
	} else {
		x.buckets.at(in).head = l.next
	}
	x.filings.release(id)
	return more, in
}

// drop takes an empty bucket away.
func (x *indexes) drop(id bucketID) {
	b := x.buckets.at(id)
	x.byKey.remove(mix(b.index, b.key), uint32(id))
	if b.index&ofPairs != 0 {
		x.leave(b.key)
	}
	x.buckets.release(id)
}

// pair gives the number of a pair; 0 if there is none and make is false. A new one
// must be used by a bucket or another pair.
func (x *indexes) pair(a, b uint32, nested, make bool) uint32 {
	h := mix(a^0x5bd1e995, b)
	for id, at := x.byPair.first(h); id != 0; id, at = x.byPair.next(h, at) {
		if p := x.pairs.at(id); p.a == a && p.b == b && p.nested == nested {
			return id
		}
	}
	if !make {
		return 0
	}
	id, p := x.pairs.alloc()
	*p = pair{a: a, b: b, nested: nested}
	x.byPair.insert(h, id)
	if nested {
		x.pairs.at(a).users++
	}
	return id
}

// leave gives a pair up; without users it goes, and the pair inside with it.
func (x *indexes) leave(id uint32) {
	for {
		p := x.pairs.at(id)
		if p.users--; p.users > 0 {
			return
		}
		x.byPair.remove(mix(p.a^0x5bd1e995, p.b), id)
		inner, nested := p.a, p.nested
		x.pairs.release(id)
		if !nested {
			return
		}
		id = inner
	}
}
