package rete

import "slices"

// batch is a set of changes that reach the network together, or not at all.
//
// Everything that can fail happens here, on facts alone. When a batch reaches the
// network nothing can go wrong any more, so there is nothing to undo there.
type batch struct {
	s         *Session
	number    uint64
	saved     []saved
	gone      map[identity]*entry // went in this batch: may come back as they were
	merged    []Handle            // aliases made in this batch
	conflicts []Conflict
	stated    bool // whether a statement changed
}

// saved is what a fact was when the batch first touched it.
type saved struct {
	entry *entry
	state state
}

// save keeps a fact's state for a rollback, once in a batch.
func (b *batch) save(e *entry) {
	if e.saved == b.number {
		return
	}
	e.saved = b.number
	b.saved = append(b.saved, saved{e, e.state})
}

// rollback restores every fact that the batch touched.
//
// All are taken out of the index before any is put back: two facts may have swapped
// identities on the way.
func (b *batch) rollback() {
	st := &b.s.store
	for _, v := range b.saved {
		if v.entry.cur != nil {
			st.unfile(v.entry)
		}
	}
	for _, v := range b.saved {
		v.entry.state = v.state
		v.entry.saved = 0
		if v.entry.cur != nil {
			st.file(v.entry)
		}
	}
	for _, h := range b.merged {
		delete(st.alias, h)
	}
	b.s.open = nil
}

// typ finds a type of the base.
func (b *batch) typ(name string) (*typeInfo, error) {
	t := b.s.base.types[name]
	if t == nil {
		return nil, &FactError{Type: name, Err: ErrUnknownType}
	}
	return t, nil
}

// existing finds the fact of an identity, or one that went in this batch: it
// comes back under its handle, so that the network sees no event.
func (b *batch) existing(t *typeInfo, id key) (live, gone *entry) {
	table := b.s.store.table(t)
	return table.byID[id], b.gone[identity{table, id}]
}

// claim gives the entry to hold the values: one that went in this batch, or a
// new one.
func (b *batch) claim(t *typeInfo, values []any, gone *entry) *entry {
	st := &b.s.store
	if gone == nil {
		e := st.create(t, values)
		b.saved = append(b.saved, saved{entry: e})
		e.saved = b.number
		return e
	}
	delete(b.gone, identity{gone.table, gone.id})
	st.file(gone)
	return gone
}

// refresh refreshes a fact that lost something, and remembers it if it goes.
func (b *batch) refresh(e *entry) {
	b.s.store.refresh(e)
	if e.cur == nil {
		b.gone[identity{e.table, e.id}] = e
	}
}

// state makes values the statement of a fact.
func (b *batch) state(e *entry, values []any) {
	b.save(e)
	if e.stated == nil || !identicalAll(e.stated, values) {
		b.stated = true
		e.stated = values
	}
	b.refresh(e)
	b.overrule(e)
}

// overrule reports the supports that a statement contradicts.
func (b *batch) overrule(e *entry) {
	for _, sup := range e.supports {
		if !e.table.typ.Contested && !identicalAll(sup.values, e.stated) {
			b.conflicts = append(b.conflicts, Conflict{e.table.typ.Name, e.handle, "", sup.match.node.prog.ID})
		}
	}
}

// assert is [Tx.Assert].
func (b *batch) assert(typ string, fields Fields) (Handle, error) {
	t, err := b.typ(typ)
	if err != nil {
		return 0, err
	}
	if err := t.unknown(fields); err != nil {
		return 0, err
	}
	id, err := t.identity(fields)
	if err != nil {
		return 0, err
	}
	e, gone := b.existing(t, id)
	var old []any
	if e != nil {
		old = e.cur.values
	}
	values, err := t.overlay(old, fields)
	if err != nil {
		return 0, err
	}
	if e == nil {
		e = b.claim(t, values, gone)
	}
	b.state(e, values)
	return e.handle, nil
}

// stating finds a fact that may be changed.
func (b *batch) stating(h Handle) (*entry, error) {
	e := b.s.store.find(h)
	switch {
	case e == nil:
		return nil, &FactError{Handle: h, Err: ErrNoFact}
	case e.stated == nil:
		return nil, &FactError{Type: e.table.typ.Name, Handle: h, Err: ErrDerived}
	}
	return e, nil
}

// update is [Tx.Update].
func (b *batch) update(h Handle, fields Fields) error {
	e, err := b.stating(h)
	if err != nil {
		return err
	}
	values, err := e.table.typ.overlay(e.stated, fields)
	if err != nil {
		return err
	}
	if e.table.typ.keyed {
		for _, i := range e.table.typ.key {
			if !identical(values[i], e.stated[i]) {
				return &FactError{Type: e.table.typ.Name, Field: e.table.typ.Fields[i].Name, Handle: h, Err: ErrKeyField}
			}
		}
		b.state(e, values)
		return nil
	}
	return b.move(e, values)
}

// move changes a fact whose values are its identity. A fact that matches support
// too cannot move: its supports speak of what it was.
func (b *batch) move(e *entry, values []any) error {
	id := e.table.typ.identityOf(values)
	if id == e.id {
		return nil
	}
	if len(e.supports) > 0 {
		return &FactError{Type: e.table.typ.Name, Handle: e.handle, Err: ErrDerived}
	}
	b.save(e)
	b.stated = true
	st := &b.s.store
	if live, _ := b.existing(e.table.typ, id); live != nil {
		b.merge(e, live)
		return nil
	}
	st.unfile(e)
	e.id = id
	st.file(e)
	b.state(e, values)
	return nil
}

// merge makes the handle of a fact another name of the fact that it now equals.
func (b *batch) merge(e, into *entry) {
	b.save(into)
	into.aliases = slices.Concat(into.aliases, e.aliases, []Handle{e.handle})
	e.stated, e.aliases = nil, nil
	b.s.store.refresh(e)
	b.s.store.alias[e.handle] = into.handle
	b.merged = append(b.merged, e.handle)
	b.state(into, into.cur.values)
}

// retract is [Tx.Retract].
func (b *batch) retract(h Handle) error {
	e, err := b.stating(h)
	if err != nil {
		return err
	}
	b.save(e)
	b.stated = true
	e.stated, e.rank = nil, 0
	b.refresh(e)
	if e.cur != nil {
		b.s.store.lose(e)
	}
	return nil
}
