package rete

// alphaRoot is the entry to the network for the facts of one type. Memories that
// test a field for equality are found by the hash of its value; the rest are
// tried one by one.
//
// This is the dispatch by hash of CMU-CS-95-113, section 2.2: a fact is not shown
// to every pattern of its type but only to those whose constants it has. One
// constant of a memory is enough to find it; its other tests are run then.
type alphaRoot struct {
	bySig   map[string]*alphaMemory
	byField map[int]map[key][]*alphaMemory
	rest    []*alphaMemory
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
	root    *alphaRoot
	spec    *alphaSpec
	mask    fieldSet // fields that any user reads: a change of others is not seen
	items   bag[*alphaItem]
	indexes indexSet[*alphaItem]
	joins   []rightNode // in the order of creation
	users   int
	tally   tally
}

// alphaItem is the membership of one fact in one alpha memory.
//
// It is the working memory element's entry of CMU-CS-95-113, section 2.3, with the
// lists for tree-based removal: the tokens that exist because of the fact, and the
// negations that it blocks.
type alphaItem struct {
	mem    *alphaMemory
	entry  *entry
	place  *link[*alphaItem]
	filed  []*link[*alphaItem]
	tokens bag[*token] // those that hold the fact through this memory
	blocks bag[*block] // negations that it blocks
}

// rightNode is a node that an alpha memory feeds.
type rightNode interface{ rightAdd(item *alphaItem) }

// alpha finds or builds the memory of a specification.
func (n *network) alpha(spec *alphaSpec, reads fieldSet) *alphaMemory {
	root := n.root(spec.typ.Name)
	mem := root.bySig[spec.sig]
	if mem == nil {
		mem = &alphaMemory{net: n, root: root, spec: spec}
		root.add(mem)
		n.nodes++
		if spec.timed {
			n.timed = append(n.timed, mem)
		}
		for _, e := range n.facts(spec.typ.Name) {
			if mem.passes(e) {
				mem.add(e)
			}
		}
	}
	// The mask only grows: a production that goes leaves its fields in. That costs
	// an evaluation now and then and no mistake, since the match set follows from
	// the values and not from the events.
	mem.mask.addAll(reads)
	mem.users++
	return mem
}

// add files a memory by the constant it asks for, if it asks for one.
func (r *alphaRoot) add(mem *alphaMemory) {
	r.bySig[mem.spec.sig] = mem
	field, k, ok := mem.spec.dispatch()
	if !ok {
		r.rest = append(r.rest, mem)
		return
	}
	if r.byField[field] == nil {
		r.byField[field] = map[key][]*alphaMemory{}
	}
	r.byField[field][k] = append(r.byField[field][k], mem)
}

// release gives the memory up; without users it goes.
func (m *alphaMemory) release() {
	if m.users--; m.users > 0 {
		return
	}
	r := m.root
	delete(r.bySig, m.spec.sig)
	if field, k, ok := m.spec.dispatch(); ok {
		r.byField[field][k] = without(r.byField[field][k], m)
		if len(r.byField[field][k]) == 0 {
			delete(r.byField[field], k)
		}
	} else {
		// The order of the rest stays: it is that of creation, in which memories are
		// asked.
		r.rest = without(r.rest, m)
	}
	m.items.each((*alphaItem).unhook)
	if m.spec.timed {
		m.net.timed = without(m.net.timed, retimer(m))
	}
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

// candidates calls f for each memory that a fact may be in. A value that is
// absent or NaN passes no equality, so its field's memories are not asked; they
// count the absent read all the same.
func (r *alphaRoot) candidates(e *entry, f func(*alphaMemory)) {
	for field, byKey := range r.byField {
		k, joins := keyOf(e.shown.values[field])
		if k.kind == kindAbsent {
			for _, mems := range byKey {
				for _, mem := range mems {
					mem.net.note(&mem.tally, "", ErrAbsent)
				}
			}
		}
		if !joins {
			continue
		}
		for _, mem := range byKey[k] {
			f(mem)
		}
	}
	for _, mem := range r.rest {
		f(mem)
	}
}

// passes runs the tests in order up to the first that fails.
func (m *alphaMemory) passes(e *entry) bool {
	for i := range m.spec.tests {
		t := &m.spec.tests[i]
		ok, err := m.net.alphaTest(t, e)
		if err != nil {
			m.net.note(&m.tally, t.label, err)
		}
		if !ok || err != nil {
			return false
		}
	}
	return true
}

// add takes a fact in and lets the joins see it: descendants before ancestors, so
// that a fact that feeds both joins once.
func (m *alphaMemory) add(e *entry) {
	item := &alphaItem{mem: m, entry: e}
	item.place = m.items.add(item)
	m.indexes.fileAll(item, &item.filed)
	e.items = append(e.items, item)
	// Were ancestors first, a fact that matches two patterns of one production would
	// be joined by the upper node with a token that the lower node then finds in its
	// memory and joins again: the same match twice (CMU-CS-95-113, section 2.4.1).
	for i := len(m.joins) - 1; i >= 0; i-- {
		m.joins[i].rightAdd(item)
	}
}

// unhook takes the fact out of the memory; the tokens that hold it stay until
// [alphaItem.drop].
func (i *alphaItem) unhook() {
	i.place.remove()
	for _, l := range i.filed {
		l.remove()
	}
	i.entry.items = without(i.entry.items, i)
}

// drop removes what rests on the item: first the oldest tokens, whose removal
// takes the younger ones below them along, then what it blocked.
func (i *alphaItem) drop() {
	// Not each: the removal of one token takes others of the same list along, whose
	// links would then lead nowhere.
	for i.tokens.head != nil {
		i.tokens.head.item.drop()
	}
	i.blocks.each((*block).lift)
}

// index shares the index of the memory by some fields.
func (m *alphaMemory) index(fields []int, name string) *hashIndex[*alphaItem] {
	keyOf := func(i *alphaItem) (key, bool) {
		for _, f := range fields {
			if _, ok := i.entry.shown.get(f); !ok {
				m.net.note(&m.tally, "", ErrAbsent)
			}
		}
		return keyOfFields(i.entry.shown.values, fields)
	}
	return m.indexes.share(name, &m.items, keyOf, func(i *alphaItem) *[]*link[*alphaItem] { return &i.filed })
}
