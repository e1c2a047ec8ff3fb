package rete

// Handle identifies a fact within its session. Zero is no fact, and the handle
// of a retracted fact stays invalid for ever.
type Handle uint64

// Fact is a fact as it was at one moment; later changes do not show in it. The
// zero Fact is no fact.
type Fact struct{ v *version }

// version is one immutable state of a fact.
type version struct {
	handle  Handle
	typ     *typeInfo
	values  []any // by field index; absent{} where there is none
	derived bool
}

// Valid reports whether f is a fact at all.
func (f Fact) Valid() bool { return f.v != nil }

// Handle is the fact's identity in its session.
func (f Fact) Handle() Handle {
	if f.v == nil {
		return 0
	}
	return f.v.handle
}

// Type is the name of the fact's type.
func (f Fact) Type() string {
	if f.v == nil {
		return ""
	}
	return f.v.typ.Name
}

// Derived reports whether the fact stands only as long as its supports do.
func (f Fact) Derived() bool { return f.v != nil && f.v.derived }

// Get gives a field's value; false when the fact has none. Lists, maps and bytes
// are the engine's own and must not be changed: [Fact.Fields] gives copies.
func (f Fact) Get(field string) (any, bool) {
	if f.v == nil {
		return nil, false
	}
	i, ok := f.v.typ.index[field]
	if !ok {
		return nil, false
	}
	return f.v.get(i)
}

// Fields copies the fields that are there.
func (f Fact) Fields() Fields {
	if f.v == nil {
		return nil
	}
	return f.v.typ.fieldsOf(f.v.values)
}

// get gives a field by its index; false when it is absent.
func (v *version) get(field int) (any, bool) {
	x := v.values[field]
	return x, x != Absent
}
