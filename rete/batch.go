package rete

// batch is a set of changes that reach the network together, or not at all.
//
// Everything that can fail happens here, on facts alone. When a batch reaches the
// network nothing can go wrong any more, so there is nothing to undo there.
type batch struct {
	s         *Session
	number    uint64
	merged    []Handle // aliases made in this batch
	conflicts []Conflict
	derived   []derivation
	ends      []expiry // as they were before ExpireAt
	stated    bool     // whether a statement changed
}

// rollback undoes the batch and closes it.
func (b *batch) rollback() {
	b.undo()
	b.s.endBatch()
}

// undo restores every fact that the batch touched.
//
// All are taken out of the index before any is put back: two facts may have swapped
// identities on the way.
func (b *batch) undo() {
	b.underive()
	st := &b.s.store
	for i := range st.touches {
		st.unfile(st.touches[i].fact)
	}
	for i := range st.touches {
		st.restore(&st.touches[i])
	}
	for _, h := range b.merged {
		delete(st.alias, h)
	}
	b.s.expiries.restore(b.ends)
	st.lost = st.lost[:0]
	st.end()
}

// restore makes a fact what it was at a touch.
func (s *store) restore(t *touch) {
	f := s.facts.at(t.fact)
	copy(s.row(t.fact), s.before(t))
	s.grounds[t.fact].restore(t.grounds)
	if t.grounds == nil {
		delete(s.grounds, t.fact)
	}
	f.state = t.state &^ filed
	if t.state.has(filed) {
		s.file(t.fact)
	}
	s.forget(t.fact)
}

// typ finds the facts of a type of the base.
func (b *batch) typ(name string) (*factTable, error) {
	t := b.s.base.types[name]
	if t == nil {
		return nil, &FactError{Type: name, Err: ErrUnknownType}
	}
	return b.s.store.table(t), nil
}

// row gives a row to be filled: absent values, or those of a fact.
func (b *batch) row(t *factTable, of factID) []symbol {
	st := &b.s.store
	if of != 0 {
		return append(st.scratch[:0], st.row(of)...)
	}
	st.scratch = st.scratch[:0]
	for range t.typ.Fields {
		st.scratch = append(st.scratch, symAbsent)
	}
	return st.scratch
}

// fill writes the given fields over a row and checks that nothing required is
// missing. A value identical to the old one leaves it, so that 1 over 1.0 is no
// change.
func (b *batch) fill(t *factTable, row []symbol, fields Fields) error {
	used := 0
	for i := range t.typ.Fields {
		f := &t.typ.Fields[i]
		if given, ok := fields[f.Name]; ok {
			used++
			if err := b.set(t, row, i, given); err != nil {
				return err
			}
		}
		if row[i] == symAbsent && !f.Optional {
			return &FactError{Type: t.typ.Name, Field: f.Name, Err: ErrMissingField}
		}
	}
	if used == len(fields) {
		return nil
	}
	return t.typ.unknown(fields)
}

// set converts one value into a row.
func (b *batch) set(t *factTable, row []symbol, field int, given any) error {
	v, err := t.typ.convert(field, given)
	if err != nil {
		return err
	}
	b.put(row, field, b.s.store.syms.intern(v))
	return nil
}

// put writes a symbol unless it says what is there.
func (b *batch) put(row []symbol, field int, sym symbol) {
	if row[field] != sym && !b.s.store.syms.identical(row[field], sym) {
		row[field] = sym
	}
}

// fillKey writes the key fields.
func (b *batch) fillKey(t *factTable, row []symbol, fields Fields) error {
	for _, i := range t.typ.key {
		name := t.typ.Fields[i].Name
		given, ok := fields[name]
		if !ok {
			return &FactError{Type: t.typ.Name, Field: name, Err: ErrMissingField}
		}
		if err := b.set(t, row, i, given); err != nil {
			return err
		}
		if row[i] == symAbsent {
			return &FactError{Type: t.typ.Name, Field: name, Err: ErrMissingField}
		}
	}
	return nil
}

// assert is [Tx.Assert].
func (b *batch) assert(typ string, fields Fields) (Handle, error) {
	t, err := b.typ(typ)
	if err != nil {
		return 0, err
	}
	if err := t.typ.unknown(fields); err != nil {
		return 0, err
	}
	row := b.row(t, 0)
	var there, gone factID
	if t.typ.keyed {
		if err := b.fillKey(t, row, fields); err != nil {
			return 0, err
		}
		if there, gone = b.s.store.existing(t, row); there != 0 {
			row = b.row(t, there)
		}
	}
	if err := b.fill(t, row, fields); err != nil {
		return 0, err
	}
	return b.assertRow(t, row, there, gone), nil
}

// assertRow states a complete row. there and gone are known for keyed types.
func (b *batch) assertRow(t *factTable, row []symbol, there, gone factID) Handle {
	st := &b.s.store
	switch {
	case t.typ.keyed || t.typ.Bag:
	default:
		if there, gone = st.existing(t, row); there != 0 {
			row = b.row(t, there)
		}
	}
	if there == 0 {
		there = b.claim(t, row, gone)
	}
	b.state(there, row)
	return st.handle(there)
}

// claim gives the fact to hold the values: one that went in this batch, or a new
// one. In the one that went a value identical to the old one leaves it, as in fill.
func (b *batch) claim(t *factTable, row []symbol, gone factID) factID {
	st := &b.s.store
	if gone != 0 {
		for i, old := range st.row(gone) {
			if st.syms.identical(row[i], old) {
				row[i] = old
			}
		}
		return gone
	}
	id := st.create(t)
	st.touch(id)
	copy(st.row(id), row)
	st.file(id)
	return id
}

// state makes values the statement of a fact.
func (b *batch) state(id factID, row []symbol) {
	st := &b.s.store
	st.touch(id)
	f, now := st.facts.at(id), st.row(id)
	if !f.state.has(stated) || !st.same(now, row) {
		b.stated = true
	}
	copy(now, row)
	f.state |= stated | live
	st.forget(id)
	if g := st.grounds[id]; g != nil {
		b.overrule(id, g)
	}
}

// overrule reports the supports that a statement contradicts.
func (b *batch) overrule(id factID, g *ground) {
	st := &b.s.store
	typ := st.tableOf(id).typ
	if typ.Contested {
		return
	}
	for _, sup := range g.ranking(b.s) {
		if !st.same(sup.values, st.row(id)) {
			b.conflicts = append(b.conflicts, Conflict{typ.Name, st.handle(id), "", sup.by.end.prog.ID})
		}
	}
}

// stating finds a fact that may be changed.
func (b *batch) stating(h Handle) (factID, error) {
	st := &b.s.store
	id := st.find(h)
	if id == 0 {
		return 0, &FactError{Handle: h, Err: ErrNoFact}
	}
	if !st.facts.at(id).state.has(stated) {
		return 0, &FactError{Type: st.tableOf(id).typ.Name, Handle: h, Err: ErrDerived}
	}
	return id, nil
}

// update is [Tx.Update].
func (b *batch) update(h Handle, fields Fields) error {
	id, err := b.stating(h)
	if err != nil {
		return err
	}
	t := b.s.store.tableOf(id)
	row := b.row(t, id)
	if err := b.fill(t, row, fields); err != nil {
		return err
	}
	return b.change(h, id, row)
}

// change gives a stated fact other values.
func (b *batch) change(h Handle, id factID, row []symbol) error {
	st := &b.s.store
	t := st.tableOf(id)
	if !t.typ.keyed {
		return b.move(h, id, row)
	}
	for _, i := range t.typ.key {
		if !st.syms.identical(row[i], st.get(id, i)) {
			return &FactError{Type: t.typ.Name, Field: t.typ.Fields[i].Name, Handle: h, Err: ErrKeyField}
		}
	}
	b.state(id, row)
	return nil
}

// move changes a fact whose values are its identity. A fact that matches support
// too cannot move: its supports speak of what it was.
func (b *batch) move(h Handle, id factID, row []symbol) error {
	st := &b.s.store
	t := st.tableOf(id)
	if st.same(st.row(id), row) {
		return nil
	}
	if g := st.grounds[id]; g.best() != nil {
		return &FactError{Type: t.typ.Name, Handle: h, Err: ErrDerived}
	}
	b.stated = true
	hash := st.identity(t, row)
	if !t.typ.Bag {
		if there, _ := st.hashed(t, row, hash); there != 0 {
			b.merge(id, there)
			return nil
		}
	}
	st.touch(id)
	st.unfile(id)
	copy(st.row(id), row)
	st.fileAt(id, hash)
	st.forget(id)
	return nil
}

// merge makes the handle of a fact another name of the fact that it now equals.
func (b *batch) merge(id, into factID) {
	st := &b.s.store
	st.touch(id)
	st.touch(into)
	g := st.ground(into)
	g.aliases = append(g.aliases, st.handle(id))
	if old := st.grounds[id]; old != nil {
		g.aliases = append(g.aliases, old.aliases...)
		old.aliases = nil
	}
	st.alias[st.handle(id)] = st.handle(into)
	b.merged = append(b.merged, st.handle(id))
	st.facts.at(id).state &^= stated
	st.refresh(id)
	st.unfile(id) // its handle names another fact now: it cannot come back
	b.state(into, b.row(st.tableOf(into), into))
}

// retract is [Tx.Retract].
func (b *batch) retract(h Handle) error {
	id, err := b.stating(h)
	if err != nil {
		return err
	}
	st := &b.s.store
	st.touch(id)
	b.stated = true
	st.facts.at(id).state &^= stated
	if g := st.grounds[id]; g != nil {
		g.rank = 0
	}
	st.refresh(id)
	if st.facts.at(id).state.has(live) {
		st.lose(id)
	}
	return nil
}
