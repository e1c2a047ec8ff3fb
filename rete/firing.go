package rete

import "time"

// Bind tells which fact each name of a match is bound to.
type Bind map[string]Handle

// Firing is one run of a production's Then: what is bound, and the actions. Its
// changes are one batch, rolled back when Then returns an error. It is of use
// only while Then runs.
type Firing struct {
	s     *Session
	match *match
	logs  []string
	halt  bool
	done  bool
}

var _ Env = (*Firing)(nil)

// Production is the ID of the production that fires.
func (f *Firing) Production() string { return "" }

// Bind tells which fact each name is bound to.
func (f *Firing) Bind() Bind { return nil }

// Fact is the fact bound to a name, as it was when the firing began.
func (f *Firing) Fact(name string) (Fact, bool) { return Fact{}, false }

// Value is the value that [Let] bound to a name.
func (f *Firing) Value(name string) (any, bool) { return nil, false }

// Now is the session's clock.
func (f *Firing) Now() time.Time { return time.Time{} }

// Assert states a fact that stays until retracted; see [Tx.Assert].
func (f *Firing) Assert(typ string, fields Fields) (Handle, error) { return 0, nil }

// Derive concludes a fact that stands as long as a match supports it. When the
// match fires again, what it concludes then replaces what it concluded before.
func (f *Firing) Derive(typ string, fields Fields) (Handle, error) { return 0, nil }

// Update changes fields of a stated fact; see [Tx.Update].
func (f *Firing) Update(h Handle, fields Fields) error { return nil }

// Retract removes a stated fact; see [Tx.Retract].
func (f *Firing) Retract(h Handle) error { return nil }

// Log adds a line to the report.
func (f *Firing) Log(text string) {}

// Halt ends the run after this firing.
func (f *Firing) Halt() {}
