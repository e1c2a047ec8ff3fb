package rete

import "testing"

func (b *bag[T]) list() []T {
	var list []T
	b.each(func(item T) { list = append(list, item) })
	return list
}

func TestBagKeepsOrderAndForgets(t *testing.T) {
	var b bag[int]
	links := []*link[int]{b.add(1), b.add(2), b.add(3)}
	links[1].remove()
	links[1].remove() // once is enough
	if got := b.list(); len(got) != 2 || got[0] != 1 || got[1] != 3 || b.size != 2 {
		t.Errorf("bag holds %v, size %d", got, b.size)
	}
	links[0].remove()
	links[2].remove()
	if b.head != nil || b.tail != nil || b.size != 0 {
		t.Error("an empty bag holds on to something")
	}
}

func TestEachAllowsRemoval(t *testing.T) {
	var b bag[*link[int]]
	for range 3 {
		l := &link[int]{}
		b.add(l)
	}
	n := 0
	for l := b.head; l != nil; l = l.next {
		n++
	}
	b.each(func(*link[int]) { b.head.remove() })
	if n != 3 || b.size != 0 {
		t.Errorf("%d seen, %d left", n, b.size)
	}
}

func TestIndexDropsEmptyBuckets(t *testing.T) {
	x := newIndex(func(n int) (key, bool) { return key{kind: kindInt, num: uint64(n % 2)}, n >= 0 })
	even, odd := x.add(2), x.add(3)
	if x.add(-1) != nil {
		t.Error("what joins nothing was filed")
	}
	if got := x.find(key{kind: kindInt}).list(); len(got) != 1 || got[0] != 2 {
		t.Errorf("even: %v", got)
	}
	even.remove()
	odd.remove()
	if len(x.buckets) != 0 {
		t.Errorf("%d empty buckets", len(x.buckets))
	}
}

func TestIndexesAreSharedAndReleased(t *testing.T) {
	var set indexSet[int]
	var members bag[int]
	members.add(4)
	var links []*link[int]
	keyOf := func(n int) (key, bool) { return key{num: uint64(n)}, true }
	linksOf := func(int) *[]*link[int] { return &links }
	a := set.share("x", &members, keyOf, linksOf)
	b := set.share("x", &members, keyOf, linksOf)
	if a != b || a.users != 2 || len(links) != 1 {
		t.Errorf("not shared: users %d, links %d", a.users, len(links))
	}
	set.release("x")
	if set.byName["x"] == nil {
		t.Error("gone while in use")
	}
	set.release("x")
	if set.byName["x"] != nil {
		t.Error("still there without users")
	}
}
