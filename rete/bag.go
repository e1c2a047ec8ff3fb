package rete

// bag is a set in the order of insertion, with removal of one member in
// constant time through its link. It serves what is rare; what is many lies in
// slabs.
type bag[T any] struct {
	head, tail *link[T]
	size       int
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

// remove takes the item out of its bag, once.
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
