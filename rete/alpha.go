package rete

import "slices"

// itemID numbers the membership of one fact in one alpha memory.
type itemID uint32

// alphaRoot is the entry to the network for the facts of one type. Memories that
// test a field for equality are found by the hash of its value; the rest are
// tried one by one.
//
// This is the dispatch by hash of CMU-CS-95-113, section 2.2: a fact is not shown
// to every pattern of its type but only to those whose constants it has. One
// constant of a memory is enough to find it; its other tests are run then.
type alphaRoot struct {
	bySig  map[string]*alphaMemory
	fields []*dispatch
	rest   []*alphaMemory
}

// dispatch finds memories by the value that they ask a field to have.
type dispatch struct {
	field  int
	byHash table // of the canonical symbol
	absent tally // facts without the field: every memory would have read it
}

// alphaMemory holds the facts of one type that pass some tests on themselves.
// Productions with the same tests share it.
//
// It is the alpha memory of the literature, with one thing more, the mask: an update
// of a field that no user reads leaves the memory, and everything below it, as it
// is. That is how "updating a field that the rule does not read does not refire it"
// costs nothing.
type alphaMemory struct {
	net     *network
	head    itemID
	size    int32
	id      uint32
	mask    fieldSet    // fields that any user reads: a change of others is not seen
	asked   symbol      // the canonical constant by which it is found
	rest    []constTest // what is left to be tested then
	linked  []*hinge    // joins that hear of every fact, see unlink.go
	space   [1]*hinge   // of linked: most memories feed one join
	indexes []*factIndex

	tests    []constTest
	dispatch *dispatch
	absents  int // counted by the dispatch when the memory came
	reports  int // made by then
	due      due
	root     *alphaRoot
	spec     *alphaSpec
	users    int
	tally    *tally
}

// factIndex is an index of an alpha memory by some fields.
type factIndex struct {
	number uint32
	fields []int
	users  int
}

// alphaItem is the membership of one fact in one alpha memory.
//
// It is the working memory element's entry of CMU-CS-95-113, section 2.3, with the
// lists for tree-based removal: the tokens that exist because of the fact, and the
// negations that it blocks.
type alphaItem struct {
	fact       factID
	memory     uint32
	next, prev itemID // in the memory
	nextOf     itemID // of the fact
	prevOf     itemID
	tokens     tokenID // those that hold the fact through this memory
	blocks     blockID // negations that it blocks
	filings    linkID
}

// alpha finds or builds the memory of a specification.
func (n *network) alpha(spec *alphaSpec) *alphaMemory {
	table := n.store.table(spec.typ)
	root := n.root(table)
	mem := root.bySig[spec.sig]
	if mem == nil {
		mem = &alphaMemory{net: n, root: root, spec: spec, tests: constTests(&n.store.syms, spec)}
		mem.id, mem.linked = n.alphas.add(mem), mem.space[:0]
		root.add(mem)
		n.nodes++
		if spec.timed {
			n.timed = append(n.timed, mem)
			mem.due.known = spec.until()
		}
		n.store.eachShown(table, func(id factID) {
			if mem.passes(id) {
				mem.add(id)
			}
		})
	}
	mem.users++
	return mem
}

// constant takes the first equality with a constant: the memory is then found by
// the hash of the field's value, and need not test it.
func (m *alphaMemory) constant() (field int, ok bool) {
	m.rest = m.tests
	for i := range m.tests {
		if t := &m.tests[i]; t.op == opEq && t.sym.joins() {
			m.asked = m.net.store.syms.canon(t.sym)
			m.rest = slices.Concat(m.tests[:i], m.tests[i+1:])
			return t.field, true
		}
	}
	return 0, false
}

// add files a memory by the constant it asks for, if it asks for one.
func (r *alphaRoot) add(mem *alphaMemory) {
	r.bySig[mem.spec.sig] = mem
	field, ok := mem.constant()
	if !ok {
		r.rest = append(r.rest, mem)
		return
	}
	d := r.field(field)
	mem.dispatch, mem.absents, mem.reports = d, d.absent.absent, mem.net.reports
	d.byHash.insert(mix(uint32(mem.asked), 0), mem.id)
}

// field gives the dispatch by a field.
func (r *alphaRoot) field(field int) *dispatch {
	for _, d := range r.fields {
		if d.field == field {
			return d
		}
	}
	d := &dispatch{field: field}
	r.fields = append(r.fields, d)
	return d
}

// remove takes a memory out of the dispatch.
func (r *alphaRoot) remove(mem *alphaMemory) {
	delete(r.bySig, mem.spec.sig)
	d := mem.dispatch
	if d == nil {
		r.rest = without(r.rest, mem)
		return
	}
	d.byHash.remove(mix(uint32(mem.asked), 0), mem.id)
}

// release gives the memory up; without users it goes.
func (m *alphaMemory) release() {
	if m.users--; m.users > 0 {
		return
	}
	m.root.remove(m)
	for m.head != 0 {
		id := m.head
		m.unhook(id)
		m.net.items.release(id)
	}
	if m.spec.timed {
		m.net.timed = without(m.net.timed, retimer(m))
	}
	m.net.alphas.remove(m.id)
	m.net.nodes--
}

// without takes an item out of a short list, keeping the order.
func without[T comparable](list []T, item T) []T {
	for i := range list {
		if list[i] == item {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// enter takes a fact into the memories whose tests it passes. Memories that do not
// see the change are as they were. A value that is absent or NaN passes no
// equality, so its field's memories are not asked; they count the absent read all
// the same.
func (r *alphaRoot) enter(n *network, d *delta) {
	row := n.store.row(d.fact)
	for _, by := range r.fields {
		sym := row[by.field]
		if sym == symAbsent {
			n.note(&by.absent, "", ErrAbsent)
			continue
		}
		if !sym.joins() {
			continue
		}
		sym = n.store.syms.canon(sym)
		h := mix(uint32(sym), 0)
		for id, at := by.byHash.first(h); id != 0; id, at = by.byHash.next(h, at) {
			if mem := n.alphas.at(id); mem.asked == sym {
				mem.enter(d)
			}
		}
	}
	for _, mem := range r.rest {
		mem.enter(d)
	}
}

// enter takes a fact in if it is new to the memory and passes the tests.
func (m *alphaMemory) enter(d *delta) {
	if d.was && !m.mask.meets(&d.changed) {
		return
	}
	if len(m.rest) == 0 || m.pass(d.fact, m.rest) {
		m.add(d.fact)
	}
}

// passes runs all tests.
func (m *alphaMemory) passes(id factID) bool { return m.pass(id, m.tests) }

// pass runs tests in order up to the first that fails.
func (m *alphaMemory) pass(id factID, tests []constTest) bool {
	row := m.net.store.row(id)
	for i := range tests {
		t := &tests[i]
		ok, err := m.net.alphaTest(t, id, row)
		if t.op == opFunc && t.call.fn.Timed {
			m.due.note(m.net, t.call, uint32(id))
		}
		if err != nil {
			m.net.noteAt(&m.tally, t.text(m.spec.typ), err)
		}
		if !ok || err != nil {
			return false
		}
	}
	return true
}

// add takes a fact in and lets the joins see it.
//
// The joins are asked before any of them makes a token: what they hold then is older
// than the fact. A token that one of them makes finds the fact in the memory by
// itself. So no pair is joined twice, in whatever order the joins are visited, and
// relinking need not keep descendents before ancestors, which is what
// CMU-CS-95-113, section 2.4.1, does for the same end.
func (m *alphaMemory) add(fact factID) {
	n := m.net
	id, item := n.items.alloc()
	*item = alphaItem{fact: fact, memory: m.id, next: m.head}
	if m.head != 0 {
		n.items.at(m.head).prev = id
	}
	m.head = id
	m.size++
	f := n.store.facts.at(fact)
	item.nextOf = f.items
	if f.items != 0 {
		n.items.at(f.items).prevOf = id
	}
	f.items = id
	start := len(n.active)
	for _, x := range m.indexes {
		if m.file(id, item, x) {
			n.gatherKeyed(item.filings)
		}
	}
	m.gatherLinked(id)
	n.activate(start, id)
}

// file files an item in an index. A value that joins nothing is not filed.
func (m *alphaMemory) file(id itemID, item *alphaItem, x *factIndex) bool {
	n := m.net
	row := n.store.row(item.fact)
	key, ok := n.keyOfRow(x.fields, row, true)
	if !ok {
		for _, f := range x.fields {
			if row[f] == symAbsent {
				n.noteAt(&m.tally, "", ErrAbsent)
			}
		}
		return false
	}
	item.filings = n.file(uint32(id), n.ensure(x.number, key), item.filings)
	return true
}

// unhook takes the fact out of the memory; the tokens that hold it stay until
// [network.dropItem].
func (m *alphaMemory) unhook(id itemID) {
	n := m.net
	item := n.items.at(id)
	for item.filings != 0 {
		more, in := n.unfile(item.filings)
		item.filings = more
		n.emptied(in)
	}
	if item.next != 0 {
		n.items.at(item.next).prev = item.prev
	}
	if item.prev != 0 {
		n.items.at(item.prev).next = item.next
	} else {
		m.head = item.next
	}
	if item.nextOf != 0 {
		n.items.at(item.nextOf).prevOf = item.prevOf
	}
	if item.prevOf != 0 {
		n.items.at(item.prevOf).nextOf = item.nextOf
	} else {
		n.store.facts.at(item.fact).items = item.nextOf
	}
	if m.size--; m.size == 0 {
		m.unlinkLeft()
	}
}

// dropItem removes what rests on an item that was unhooked: the tokens that hold
// it, then what it blocked.
func (n *network) dropItem(id itemID) {
	item := n.items.at(id)
	for item.tokens != 0 {
		n.drop(item.tokens)
	}
	for item.blocks != 0 {
		n.lift(item.blocks)
	}
	n.items.release(id)
}

// index shares the index of the memory by some fields.
func (m *alphaMemory) index(fields []int) *factIndex {
	for _, x := range m.indexes {
		if slices.Equal(x.fields, fields) {
			x.users++
			return x
		}
	}
	x := &factIndex{number: m.net.number(len(fields)), fields: fields, users: 1}
	m.indexes = append(m.indexes, x)
	for id := m.head; id != 0; {
		item := m.net.items.at(id)
		m.file(id, item, x)
		id = item.next
	}
	return x
}

// releaseIndex drops an index that no join uses any more.
func (m *alphaMemory) releaseIndex(x *factIndex) {
	if x.users--; x.users > 0 {
		return
	}
	m.indexes = without(m.indexes, x)
	for id := m.head; id != 0; id = m.net.items.at(id).next {
		item := m.net.items.at(id)
		item.filings = m.net.unfileFrom(x.number, item.filings)
	}
	m.net.give(x.number)
}

// retime tries the facts again that are due, or every fact of the type.
func (m *alphaMemory) retime() {
	n := m.net
	table := n.store.byName[m.spec.typ.Name]
	ids, all := m.due.take(n)
	if all {
		n.store.eachShown(table, m.retry)
		return
	}
	for _, id := range ids {
		if f := n.store.facts.at(factID(id)); f.state.has(shown) && f.table == table.number {
			m.retry(factID(id))
		}
	}
}

// retry takes a fact in or out as the tests say now.
func (m *alphaMemory) retry(fact factID) {
	n := m.net
	item := n.itemIn(fact, m)
	switch passes := m.passes(fact); {
	case passes && item == 0:
		m.add(fact)
	case !passes && item != 0:
		m.unhook(item)
		n.dropItem(item)
	}
}

// itemIn is the membership of the fact in a memory; facts are in few.
func (n *network) itemIn(fact factID, m *alphaMemory) itemID {
	id := n.store.facts.at(fact).items
	for id != 0 && n.items.at(id).memory != m.id {
		id = n.items.at(id).nextOf
	}
	return id
}
