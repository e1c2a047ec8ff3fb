package rete

import (
	"cmp"
	"slices"
)

// entry is one fact of a session over its life.
//
// The session's view of a fact (state) and the network's (shown) are two: within a
// batch the first runs ahead, and the network hears of the difference only, once,
// when the batch is whole.
type entry struct {
	handle Handle
	table  *table
	key    []any // the values of the key fields, nil without a key
	state
	shown *version     // what the network knows
	items []*alphaItem // where the network holds it
	place *link[*entry]
	rests bag[*match] // matches that rest on it and support something
	saved uint64      // the batch that saved its state
	dirty bool        // in store.dirty
	lost  bool        // in store.lost
	mark  *ground     // while truth is maintained
}

// state is what a batch changes and a rollback restores.
//
// Slices in it are never changed in place: a saved copy of the struct is then a
// saved copy of the state.
type state struct {
	cur      *version   // what the fact is now; nil when it is gone
	stated   []any      // the values stated; nil when nobody did
	supports []*support // the best first; never changed in place
	aliases  []Handle   // of facts merged into it; never changed in place
	id       key
	rank     uint64 // see truth.go; 0: no well-founded order is known
}

// table holds the facts of one type.
type table struct {
	typ     *typeInfo // as the base of the moment has it
	byID    map[key]*entry
	entries bag[*entry]
}

// identity is a fact's identity among all types.
type identity struct {
	table *table
	key   key
}

// store is the working memory proper: facts as they are now.
type store struct {
	tables map[string]*table
	facts  map[Handle]*entry
	alias  map[Handle]Handle // names of facts that were merged into others
	last   Handle
	ranks  uint64
	dirty  []*entry // cur may differ from shown
	lost   []*entry // lost a support or its statement
}

// newStore makes a store without facts.
func newStore() store {
	return store{tables: map[string]*table{}, facts: map[Handle]*entry{}, alias: map[Handle]Handle{}}
}

// table gives the table of a type, which stays once it is there.
func (s *store) table(typ *typeInfo) *table {
	t := s.tables[typ.Name]
	if t == nil {
		t = &table{typ: typ, byID: map[key]*entry{}}
		s.tables[typ.Name] = t
	}
	return t
}

// find follows the names of merged facts.
func (s *store) find(h Handle) *entry {
	for s.alias[h] != 0 {
		h = s.alias[h]
	}
	return s.facts[h]
}

// shownOf are the facts of a type that the network knows, in order of handles.
func (s *store) shownOf(typ string) []*entry {
	var list []*entry
	for _, e := range s.sorted(typ) {
		if e.shown != nil {
			list = append(list, e)
		}
	}
	return list
}

// sorted are the facts of a type in order of handles.
func (s *store) sorted(typ string) []*entry {
	t := s.tables[typ]
	if t == nil {
		return nil
	}
	list := make([]*entry, 0, t.entries.size)
	t.entries.each(func(e *entry) { list = append(list, e) })
	slices.SortFunc(list, byHandle)
	return list
}

// byHandle orders facts as they came to be.
func byHandle(a, b *entry) int { return cmp.Compare(a.handle, b.handle) }

// create makes an entry without a state.
func (s *store) create(typ *typeInfo, values []any) *entry {
	s.last++
	e := &entry{handle: s.last, table: s.table(typ)}
	e.id = typ.identityOf(values)
	if typ.keyed {
		for _, i := range typ.key {
			e.key = append(e.key, values[i])
		}
	}
	s.file(e)
	return e
}

// file and unfile keep the ways to find a fact.
func (s *store) file(e *entry) {
	s.facts[e.handle] = e
	e.table.byID[e.id] = e
	e.place = e.table.entries.add(e)
}

// unfile keeps the entry itself: its handle stays its own, and within the batch it
// can come back.
func (s *store) unfile(e *entry) {
	delete(s.facts, e.handle)
	if e.table.byID[e.id] == e {
		delete(e.table.byID, e.id)
	}
	e.place.remove()
}

// refresh makes the fact what its statement or its best support says, or makes
// it go when there is neither.
func (s *store) refresh(e *entry) {
	values, derived := e.stated, false
	if values == nil && len(e.supports) > 0 {
		values, derived = e.supports[0].values, true
	}
	s.touch(e)
	switch {
	case values == nil:
		if e.cur != nil {
			s.unfile(e)
		}
		e.cur = nil
	case e.cur == nil || e.cur.derived != derived || !identicalAll(e.cur.values, values):
		e.cur = &version{handle: e.handle, typ: e.table.typ, values: values, derived: derived}
	}
}

// touch notes that the network may have to hear of the fact.
func (s *store) touch(e *entry) {
	if !e.dirty {
		e.dirty = true
		s.dirty = append(s.dirty, e)
	}
}

// lose notes that something the fact stood on is gone.
func (s *store) lose(e *entry) {
	if !e.lost {
		e.lost = true
		s.lost = append(s.lost, e)
	}
}

// same tells whether two states of a fact differ in nothing.
func (v *version) same(w *version) bool {
	return v != nil && w != nil && v.derived == w.derived && identicalAll(v.values, w.values)
}

// deltas takes the net changes since the network was last told, in the order of
// handles.
func (s *store) deltas() []delta {
	var list []delta
	for _, e := range s.dirty {
		e.dirty = false
		if e.cur.same(e.shown) {
			e.cur = e.shown
		}
		if e.cur != e.shown {
			list = append(list, delta{e, e.shown, e.cur})
		}
		if e.cur == nil {
			for _, h := range e.aliases {
				delete(s.alias, h)
			}
		}
	}
	s.dirty = nil
	slices.SortFunc(list, func(a, b delta) int { return byHandle(a.entry, b.entry) })
	return list
}
