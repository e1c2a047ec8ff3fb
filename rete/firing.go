package rete

import (
	"slices"
	"time"
)

// Bind tells which fact each name of a match is bound to.
type Bind map[string]Handle

// Firing is one run of a production's Then: what is bound, and the actions. Its
// changes are one batch, rolled back when Then returns an error. It is of use
// only while Then runs.
type Firing struct {
	s       *Session
	match   *match
	batch   *batch
	derived []*support
	logs    []string
	halt    bool
	done    bool
}

var _ Env = (*Firing)(nil)

// Production is the ID of the production that fires.
func (f *Firing) Production() string { return f.match.node.prog.ID }

// Bind tells which fact each name is bound to.
func (f *Firing) Bind() Bind { return f.match.bindings() }

// Fact is the fact bound to a name, as it was when the firing began.
func (f *Firing) Fact(name string) (Fact, bool) {
	for i, b := range f.match.node.prog.facts {
		if b.name == name && name != "" && !f.done {
			return Fact{f.match.facts[i].shown}, true
		}
	}
	return Fact{}, false
}

// Value is the value that [Let] bound to a name.
func (f *Firing) Value(name string) (any, bool) {
	for _, b := range f.match.node.prog.values {
		if b.name == name && !f.done {
			return f.match.token.at(b.depth).value, true
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
	return f.batch.assert(typ, fields)
}

// Derive concludes a fact that stands as long as a match supports it. When the
// match fires again, what it concludes then replaces what it concluded before.
func (f *Firing) Derive(typ string, fields Fields) (Handle, error) {
	if f.done {
		return 0, ErrClosed
	}
	sup, err := f.batch.derive(f.match, typ, fields)
	if err != nil {
		return 0, err
	}
	f.derived = slices.DeleteFunc(f.derived, func(x *support) bool { return x.entry == sup.entry })
	f.derived = append(f.derived, sup)
	return sup.entry.handle, nil
}

// Update changes fields of a stated fact; see [Tx.Update].
func (f *Firing) Update(h Handle, fields Fields) error {
	if f.done {
		return ErrClosed
	}
	return f.batch.update(h, fields)
}

// Retract removes a stated fact; see [Tx.Retract].
func (f *Firing) Retract(h Handle) error {
	if f.done {
		return ErrClosed
	}
	return f.batch.retract(h)
}

// Log adds a line to the report.
func (f *Firing) Log(text string) { f.logs = append(f.logs, text) }

// Halt ends the run after this firing.
func (f *Firing) Halt() { f.halt = true }
