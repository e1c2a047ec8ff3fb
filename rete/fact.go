package rete

// Handle identifies a fact within its session. Zero is no fact, and the handle
// of a retracted fact stays invalid for ever. A later fact has a larger handle.
type Handle uint64

// handleBits are the lower bits of a handle: the number of the fact's record. The
// upper ones count facts, so that a record that is used again gets a new handle.
const handleBits = 28

// Fact is a fact as it was at one moment; later changes do not show in it. The
// zero Fact is no fact.
type Fact struct{ v *version }

// version is one immutable state of a fact, for those outside of the matcher.
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
	x := f.v.values[i]
	return x, x != Absent
}

// Fields copies the fields that are there.
func (f Fact) Fields() Fields {
	if f.v == nil {
		return nil
	}
	fields := make(Fields, len(f.v.values))
	for i, v := range f.v.values {
		if v != Absent {
			fields[f.v.typ.Fields[i].Name] = cloneValue(v)
		}
	}
	return fields
}
