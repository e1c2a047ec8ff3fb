package rete

import "time"

// Bind tells which fact each name of a match is bound to.
type Bind map[string]Handle

// Firing is one run of a production's Then: what is bound, and the actions. Its
// changes are one batch, rolled back when Then returns an error. It is of use
// only while Then runs.
type Firing struct {
	s     *Session
	match matchID
	end   *prodEnd
	token tokenID
	logs  []string
	focus []string
	halt  bool
	done  bool
}

var _ Env = (*Firing)(nil)

// Production is the ID of the production that fires.
func (f *Firing) Production() string { return f.end.prog.ID }

// Bind tells which fact each name is bound to.
func (f *Firing) Bind() Bind { return f.end.bindings(f.token) }

// Fact is the fact bound to a name, as it was when the firing began.
func (f *Firing) Fact(name string) (Fact, bool) {
	id := f.bound(name)
	if id == 0 {
		return Fact{}, false
	}
	return Fact{f.s.store.shownVersion(id)}, true
}

// Handle is the handle of the fact bound to a name, or 0.
func (f *Firing) Handle(name string) Handle {
	if id := f.bound(name); id != 0 {
		return f.s.store.handle(id)
	}
	return 0
}

// Read is a field of the fact bound to a name, as it was when the firing began, for
// [Firing.AssertRow]: it makes no copy of the fact.
func (f *Firing) Read(name, field string) (Value, bool) {
	id := f.bound(name)
	if id == 0 {
		return Value{}, false
	}
	st := &f.s.store
	i, ok := st.tableOf(id).typ.index[field]
	if !ok {
		return Value{}, false
	}
	sym := st.get(id, i)
	if t := st.firstTouch(id); t != nil {
		sym = st.before(t)[i]
	}
	return st.syms.unboxed(sym), sym != symAbsent
}

// bound is the fact bound to a name, or 0.
func (f *Firing) bound(name string) factID {
	if f.done || name == "" {
		return 0
	}
	for i, b := range f.end.chain.facts {
		if b.name == name {
			return f.end.factAt(f.token, i)
		}
	}
	return 0
}

// Value is the value that [Let] or an aggregate bound to a name.
func (f *Firing) Value(name string) (any, bool) {
	if f.done {
		return nil, false
	}
	for i, b := range f.end.chain.values {
		if b.name == name {
			return f.s.store.syms.value(f.end.valueAt(f.token, i)), true
		}
	}
	return nil, false
}

// Now is the session's clock.
func (f *Firing) Now() time.Time { return f.s.net.now }

// Assert states a fact that stays until retracted; see [Tx.Assert].
func (f *Firing) Assert(typ string, fields Fields) (Handle, error) {
	if f.done {
		return 0, ErrClosed
	}
	return f.s.batch.assert(typ, fields)
}

// Derive concludes a fact that stands as long as a match supports it. When the
// match fires again, what it concludes then replaces what it concluded before.
func (f *Firing) Derive(typ string, fields Fields) (Handle, error) {
	if f.done {
		return 0, ErrClosed
	}
	return f.s.batch.derive(f.s.conclusion(f.match), typ, fields)
}

// DeriveRow is Derive with the values of a shape's fields in their order.
func (f *Firing) DeriveRow(shape *Shape, values ...Value) (Handle, error) {
	if f.done {
		return 0, ErrClosed
	}
	return f.s.batch.deriveShape(f.s.conclusion(f.match), shape, values)
}

// batch gives the firing's batch while it goes on.
func (f *Firing) batch() (*batch, error) {
	if f.done {
		return nil, ErrClosed
	}
	return &f.s.batch, nil
}

// Update changes fields of a stated fact; see [Tx.Update].
func (f *Firing) Update(h Handle, fields Fields) error {
	if f.done {
		return ErrClosed
	}
	return f.s.batch.update(h, fields)
}

// Retract removes a stated fact; see [Tx.Retract].
func (f *Firing) Retract(h Handle) error {
	if f.done {
		return ErrClosed
	}
	return f.s.batch.retract(h)
}

// Log adds a line to the report.
func (f *Firing) Log(text string) { f.logs = append(f.logs, text) }

// AssertRow is Assert with the values of a shape's fields in their order.
func (f *Firing) AssertRow(shape *Shape, values ...Value) (Handle, error) {
	if f.done {
		return 0, ErrClosed
	}
	return f.s.batch.assertShape(shape, values)
}

// UpdateRow is Update with the values of a shape's fields in their order.
func (f *Firing) UpdateRow(h Handle, shape *Shape, values ...Value) error {
	if f.done {
		return ErrClosed
	}
	return f.s.batch.updateShape(h, shape, values)
}

// Focus lets the matches of an agenda group fire next, until it has none left; of
// several groups the last that was asked for goes first.
func (f *Firing) Focus(group string) { f.focus = append(f.focus, group) }

// Halt ends the run after this firing.
func (f *Firing) Halt() { f.halt = true }
