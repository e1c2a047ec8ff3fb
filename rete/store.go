package rete

import (
	"cmp"
	"slices"
)

// factID numbers the record of a fact.
type factID uint32

// fact is one fact of a session. Its values are as they are now; what the network
// was last told lies with the touches of the batch, if it differs.
type fact struct {
	handle  Handle
	row     uint32 // of its values in the table
	items   itemID // the alpha memories that hold it
	touched uint32 // its first touch in this batch, if that is one of this fact
	table   uint16
	state   factState
}

// factState says what a fact is to the session and to the network.
type factState uint16

const (
	stated       factState = 1 << iota // somebody said so
	live                               // it stands, stated or derived
	shown                              // the network knows it
	shownDerived                       // and as a derived one
	dirty                              // touched since the network was told
	lost                               // in store.lost
	filed                              // found by its identity
)

// derived tells whether the fact stands on supports alone.
func (s factState) derived() bool { return s&(live|stated) == live }

// has tells whether a flag is set.
func (s factState) has(flag factState) bool { return s&flag != 0 }

// factTable holds the facts of one type.
type factTable struct {
	number uint16
	typ    *typeInfo // as the base of the moment has it
	rows   rows
	index  table // by the hash of the identity; facts that went in this batch too
	size   int   // facts that stand
}

// touch is what a fact was before a wave of changes first touched it. The first of
// a batch is what a rollback restores and what net change is measured from.
type touch struct {
	fact    factID
	state   factState
	row     uint32 // in store.past
	grounds *savedGround
}

// store is the working memory proper: facts as they are now.
type store struct {
	syms     symbols
	facts    slab[factID, fact]
	tables   []*factTable
	byName   map[string]*factTable
	grounds  map[factID]*ground
	versions []*version // of facts that somebody outside of the matcher looked at
	alias    map[Handle]Handle
	sequence uint64 // of the last handle
	ranks    uint64
	size     int

	touches []touch
	past    []symbol // rows as they were
	wave    int      // the first touch that the network has not been told of
	lost    []factID
	scratch []symbol
}

// newStore makes a store without facts.
func newStore() store {
	return store{syms: newSymbols(), byName: map[string]*factTable{}, grounds: map[factID]*ground{}, alias: map[Handle]Handle{}}
}

// table gives the table of a type, which stays once it is there.
func (s *store) table(typ *typeInfo) *factTable {
	t := s.byName[typ.Name]
	if t == nil {
		t = &factTable{number: uint16(len(s.tables)), typ: typ, rows: rows{width: uint32(len(typ.Fields))}}
		s.byName[typ.Name] = t
		s.tables = append(s.tables, t)
	}
	return t
}

// tableOf is the table that holds a fact.
func (s *store) tableOf(id factID) *factTable { return s.tables[s.facts.at(id).table] }

// row are the fact's values as they are now.
func (s *store) row(id factID) []symbol {
	f := s.facts.at(id)
	return s.tables[f.table].rows.at(f.row)
}

// get is one value of a fact.
func (s *store) get(id factID, field int) symbol {
	f := s.facts.at(id)
	r := &s.tables[f.table].rows
	return r.chunks[f.row>>slabBits][f.row%slabSize*r.width+uint32(field)]
}

// find gives the fact of a handle, following the names of merged facts; 0 if it
// does not stand.
func (s *store) find(h Handle) factID {
	for len(s.alias) > 0 && s.alias[h] != 0 {
		h = s.alias[h]
	}
	id := factID(h & (1<<handleBits - 1))
	if id == 0 || uint32(id) >= s.facts.next {
		return 0
	}
	if f := s.facts.at(id); f.handle != h || !f.state.has(live) {
		return 0
	}
	return id
}

// handle is the fact's handle.
func (s *store) handle(id factID) Handle { return s.facts.at(id).handle }

// byHandle orders facts as they came to be.
func (s *store) byHandle(a, b factID) int { return cmp.Compare(s.handle(a), s.handle(b)) }

// sorted are the facts of a table that stand, in order of handles.
func (s *store) sorted(t *factTable) []factID {
	if t == nil {
		return nil
	}
	list := make([]factID, 0, t.size)
	t.index.each(func(id uint32) {
		if s.facts.at(factID(id)).state.has(live) {
			list = append(list, factID(id))
		}
	})
	slices.SortFunc(list, s.byHandle)
	return list
}

// eachShown calls f for every fact of a type that the network knows, in no order: what
// the network makes of them does not depend on it.
func (s *store) eachShown(t *factTable, f func(factID)) {
	t.index.each(func(id uint32) {
		if s.facts.at(factID(id)).state.has(shown) {
			f(factID(id))
		}
	})
}

// shownOf are the facts of a type that the network knows, in order of handles.
func (s *store) shownOf(t *factTable) []factID {
	return slices.DeleteFunc(s.sorted(t), func(id factID) bool { return !s.facts.at(id).state.has(shown) })
}

// identity is the hash of what tells facts of a type apart.
func (s *store) identity(t *factTable, row []symbol) uint32 {
	h := uint32(t.number)
	for _, i := range t.typ.key {
		h = mix(h, uint32(s.syms.canon(row[i])))
	}
	return h
}

// existing finds the fact of an identity, or one that went in this batch: it
// comes back under its handle, so that the network sees no event.
func (s *store) existing(t *factTable, row []symbol) (there, gone factID) {
	if t.typ.Bag {
		return s.inBag(t, row), 0
	}
	return s.hashed(t, row, s.identity(t, row))
}

// hashed is existing for a row whose hash is known.
func (s *store) hashed(t *factTable, row []symbol, h uint32) (there, gone factID) {
	for id, at := t.index.first(h); id != 0; id, at = t.index.next(h, at) {
		if !s.sameIdentity(t, s.row(factID(id)), row) {
			continue
		}
		if s.facts.at(factID(id)).state.has(live) {
			return factID(id), 0
		}
		if gone == 0 || s.byHandle(factID(id), gone) < 0 {
			gone = factID(id)
		}
	}
	return 0, gone
}

// inBag looks through all facts of a bag for the first that is equal: nothing but
// [Session.Lookup] asks.
func (s *store) inBag(t *factTable, row []symbol) (first factID) {
	t.index.each(func(id uint32) {
		x := factID(id)
		if s.facts.at(x).state.has(live) && s.sameIdentity(t, s.row(x), row) && (first == 0 || s.byHandle(x, first) < 0) {
			first = x
		}
	})
	return first
}

// sameIdentity compares the fields that tell facts apart.
func (s *store) sameIdentity(t *factTable, a, b []symbol) bool {
	for _, i := range t.typ.key {
		if !s.syms.identical(a[i], b[i]) {
			return false
		}
	}
	return true
}

// same tells whether nothing changes from one row to the other.
func (s *store) same(a, b []symbol) bool {
	for i := range a {
		if a[i] != b[i] && !s.syms.identical(a[i], b[i]) {
			return false
		}
	}
	return true
}

// create makes a fact that does not stand yet.
func (s *store) create(t *factTable) factID {
	id, f := s.facts.alloc()
	s.sequence++
	f.handle = Handle(s.sequence<<handleBits | uint64(id))
	f.table = t.number
	f.row = t.rows.alloc()
	f.touched = ^uint32(0)
	return id
}

// file lets the fact be found by its identity.
func (s *store) file(id factID) {
	f := s.facts.at(id)
	t := s.tables[f.table]
	s.fileAt(id, s.identity(t, t.rows.at(f.row)))
}

// fileAt is file for a fact whose hash is known.
func (s *store) fileAt(id factID, h uint32) {
	f := s.facts.at(id)
	t := s.tables[f.table]
	t.index.insert(t.spread(h, id), uint32(id))
	f.state |= filed
}

// spread makes different hashes of the equal facts of a bag: all in one place, each
// would step over the others.
func (t *factTable) spread(h uint32, id factID) uint32 {
	if t.typ.Bag {
		return mix(h, uint32(id))
	}
	return h
}

// unfile takes the fact out of the index.
func (s *store) unfile(id factID) {
	f := s.facts.at(id)
	if !f.state.has(filed) {
		return
	}
	t := s.tables[f.table]
	t.index.remove(t.spread(s.identity(t, t.rows.at(f.row)), id), uint32(id))
	f.state &^= filed
}

// touch keeps what a fact is before it changes, once in a wave.
func (s *store) touch(id factID) {
	f := s.facts.at(id)
	if f.state.has(dirty) {
		return
	}
	if s.firstTouch(id) == nil {
		f.touched = uint32(len(s.touches))
	}
	s.touches = append(s.touches, touch{fact: id, state: f.state, row: uint32(len(s.past)), grounds: s.grounds[id].save()})
	s.past = append(s.past, s.tables[f.table].rows.at(f.row)...)
	f.state |= dirty
}

// firstTouch is what the fact was when the batch began; nil if it was not touched.
func (s *store) firstTouch(id factID) *touch {
	if at := s.facts.at(id).touched; int(at) < len(s.touches) && s.touches[at].fact == id {
		return &s.touches[at]
	}
	return nil
}

// before are the values at a touch.
func (s *store) before(t *touch) []symbol {
	return s.past[t.row : t.row+s.tableOf(t.fact).rows.width]
}

// refresh makes the fact what its statement or its best support says, or lets it
// go when there is neither.
func (s *store) refresh(id factID) {
	s.touch(id)
	f := s.facts.at(id)
	f.state |= live
	if !f.state.has(stated) {
		if best := s.grounds[id].best(); best != nil {
			copy(s.row(id), best.values)
		} else {
			f.state &^= live
		}
	}
	s.forget(id)
}

// forget drops the version that was made for those outside.
func (s *store) forget(id factID) {
	if int(id) < len(s.versions) {
		s.versions[id] = nil
	}
}

// lose notes that something the fact stood on is gone.
func (s *store) lose(id factID) {
	if f := s.facts.at(id); !f.state.has(lost) {
		f.state |= lost
		s.lost = append(s.lost, id)
	}
}

// version is the fact as it is now, for those outside; nil for no fact.
func (s *store) version(id factID) *version {
	if id == 0 {
		return nil
	}
	for int(id) >= len(s.versions) {
		s.versions = append(s.versions, make([]*version, max(64, len(s.versions)))...)
	}
	if s.versions[id] == nil {
		f := s.facts.at(id)
		s.versions[id] = s.makeVersion(id, s.row(id), f.state.derived())
	}
	return s.versions[id]
}

// makeVersion copies values for those outside.
func (s *store) makeVersion(id factID, row []symbol, derived bool) *version {
	v := &version{handle: s.handle(id), typ: s.tableOf(id).typ, values: make([]any, len(row)), derived: derived}
	for i, sym := range row {
		v.values[i] = s.syms.value(sym)
	}
	return v
}

// shownVersion is the fact as the network knows it: without what the open batch did.
func (s *store) shownVersion(id factID) *version {
	if t := s.firstTouch(id); t != nil && s.facts.at(id).state.has(dirty) {
		return s.makeVersion(id, s.before(t), t.state.derived())
	}
	return s.version(id)
}

// fields copies values for those outside.
func (s *store) fields(typ *typeInfo, row []symbol) Fields {
	fields := make(Fields, len(row))
	for i, sym := range row {
		if sym != symAbsent {
			fields[typ.Fields[i].Name] = cloneValue(s.syms.value(sym))
		}
	}
	return fields
}

// delta is the net change of one fact.
type delta struct {
	touch
	was, is bool     // whether the network knew it and will
	changed fieldSet // if both
}

// deltas takes the net changes since the network was last told, in the order of
// handles.
func (s *store) deltas(list []delta) []delta {
	list = slices.Grow(list, len(s.touches)-s.wave)
	for i := s.wave; i < len(s.touches); i++ {
		t := s.touches[i]
		f := s.facts.at(t.fact)
		f.state &^= dirty
		d := delta{touch: t, was: t.state.has(shown), is: f.state.has(live)}
		s.count(f, t.state)
		if d.was && d.is && !s.differ(&d) && t.state.has(shownDerived) == f.state.derived() {
			continue
		}
		f.state &^= shown | shownDerived
		if d.is {
			f.state |= shown
		}
		if f.state.derived() {
			f.state |= shownDerived
		}
		if d.was || d.is {
			list = append(list, d)
		}
	}
	s.wave = len(s.touches)
	if len(list) > 1 && !slices.IsSortedFunc(list, s.byDelta) {
		slices.SortFunc(list, s.byDelta)
	}
	return list
}

// byDelta orders changes by the facts' handles.
func (s *store) byDelta(a, b delta) int { return s.byHandle(a.fact, b.fact) }

// count keeps the sizes.
func (s *store) count(f *fact, before factState) {
	n := 0
	if f.state.has(live) {
		n++
	}
	if before.has(live) {
		n--
	}
	s.tables[f.table].size += n
	s.size += n
}

// differ notes the fields that changed and tells whether any did.
func (s *store) differ(d *delta) bool {
	old, now := s.before(&d.touch), s.row(d.fact)
	any := false
	for i := range old {
		if old[i] != now[i] && !s.syms.identical(old[i], now[i]) {
			d.changed.add(i)
			any = true
		}
	}
	return any
}

// end forgets the batch: what it touched is what it is now, and records of facts
// that went are free.
func (s *store) end() {
	for i := range s.touches {
		t := &s.touches[i]
		id := t.fact
		t.grounds = nil
		if f := s.facts.at(id); f.handle != 0 && !f.state.has(live) {
			s.free(id)
		}
	}
	s.touches, s.past, s.wave = reuse(s.touches), reuse(s.past), 0
}

// free gives the record of a fact back.
func (s *store) free(id factID) {
	s.unfile(id)
	f := s.facts.at(id)
	if g := s.grounds[id]; g != nil {
		for _, h := range g.aliases {
			delete(s.alias, h)
		}
		delete(s.grounds, id)
	}
	s.tables[f.table].rows.release(f.row)
	s.forget(id)
	s.facts.release(id)
}
