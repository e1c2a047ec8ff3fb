package rete

// bag is a set in the order of insertion, with removal of one member in
// constant time through its link.
//
// It is a linked list in which every member knows its own place, because members
// leave far more often one by one than in any order, and a map would forget the
// order that makes runs repeatable.
type bag[T any] struct {
	head, tail *link[T]
	size       int
	index      *hashIndex[T] // the index whose bucket this is, if any
	key        key
}

// link is one membership of one item in one bag.
type link[T any] struct {
	next, prev *link[T]
	bag        *bag[T]
	item       T
}

// add puts an item at the end.
func (b *bag[T]) add(item T) *link[T] {
	l := &link[T]{bag: b, item: item, prev: b.tail}
	if b.tail == nil {
		b.head = l
	} else {
		b.tail.next = l
	}
	b.tail = l
	b.size++
	return l
}

// remove takes the item out of its bag, once; an index drops a bucket that is
// empty.
func (l *link[T]) remove() {
	b := l.bag
	if b == nil {
		return
	}
	l.bag = nil
	if l.prev == nil {
		b.head = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		b.tail = l.prev
	} else {
		l.next.prev = l.prev
	}
	b.size--
	if b.size == 0 && b.index != nil {
		delete(b.index.buckets, b.key)
	}
}

// each calls f for every member, none if the bag is nil; f may remove the member
// that it is given.
func (b *bag[T]) each(f func(T)) {
	if b == nil {
		return
	}
	for l := b.head; l != nil; {
		// Read before f runs, which may take l out.
		next := l.next
		f(l.item)
		l = next
	}
}

// hashIndex finds the members of a memory by the key of some of their fields.
// The joins that read a memory by the same fields share it.
type hashIndex[T any] struct {
	buckets map[key]*bag[T]
	keyOf   func(T) (key, bool) // false: the item joins nothing
	users   int
}

// newIndex makes an index without members.
func newIndex[T any](keyOf func(T) (key, bool)) *hashIndex[T] {
	return &hashIndex[T]{buckets: map[key]*bag[T]{}, keyOf: keyOf}
}

// add files an item and returns its link, or nil if it can join nothing.
func (x *hashIndex[T]) add(item T) *link[T] {
	k, ok := x.keyOf(item)
	if !ok {
		return nil
	}
	b := x.buckets[k]
	if b == nil {
		b = &bag[T]{index: x, key: k}
		x.buckets[k] = b
	}
	return b.add(item)
}

// find gives the members with a key, or nil.
func (x *hashIndex[T]) find(k key) *bag[T] { return x.buckets[k] }

// indexSet are the indexes of one memory by the name of what they index.
//
// Indexes are built when a join first asks for the fields and kept up by every
// member that comes; a memory that nobody joins by equality has none.
type indexSet[T any] struct{ byName map[string]*hashIndex[T] }

// share finds or builds an index and files the memory's members in it; links
// tells where each member keeps its links.
func (s *indexSet[T]) share(name string, members *bag[T], keyOf func(T) (key, bool), links func(T) *[]*link[T]) *hashIndex[T] {
	if x := s.byName[name]; x != nil {
		x.users++
		return x
	}
	x := newIndex(keyOf)
	x.users = 1
	if s.byName == nil {
		s.byName = map[string]*hashIndex[T]{}
	}
	s.byName[name] = x
	members.each(func(item T) { x.file(item, links(item)) })
	return x
}

// release drops an index that no join uses any more. Links of members that stay
// point into it until they go, which does no harm.
func (s *indexSet[T]) release(name string) {
	x := s.byName[name]
	if x.users--; x.users == 0 {
		delete(s.byName, name)
	}
}

// fileAll files a new member in every index.
func (s *indexSet[T]) fileAll(item T, links *[]*link[T]) {
	for _, x := range s.byName {
		x.file(item, links)
	}
}

// file adds an item and keeps its link with the others of the item.
func (x *hashIndex[T]) file(item T, links *[]*link[T]) {
	if l := x.add(item); l != nil {
		*links = append(*links, l)
	}
}
