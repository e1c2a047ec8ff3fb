package rete

import (
	"fmt"
	"maps"
	"slices"
)

// typeInfo is a compiled type: its fields by index.
type typeInfo struct {
	Type
	index map[string]int
	key   []int // the fields that identify a fact: Key, or all of them
	keyed bool
}

// newTypeInfo copies and checks a type.
func newTypeInfo(t Type) (*typeInfo, []error) {
	t = t.clone()
	info := &typeInfo{Type: t, index: make(map[string]int, len(t.Fields)), keyed: len(t.Key) > 0}
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, &CompileError{Type: t.Name, Text: fmt.Sprintf(format, args...)})
	}
	if t.Name == "" {
		t.Name = "(nameless)"
		fail("a type needs a name")
	}
	for i, f := range t.Fields {
		if _, twice := info.index[f.Name]; twice || f.Name == "" {
			fail("field %q is nameless or declared twice", f.Name)
		}
		info.index[f.Name] = i
		if !info.keyed {
			info.key = append(info.key, i)
		}
	}
	for _, name := range t.Key {
		i, ok := info.index[name]
		switch {
		case !ok:
			fail("key field %s is not declared", name)
			continue
		case t.Fields[i].Optional:
			fail("key field %s cannot be optional", name)
		case slices.Contains(info.key, i):
			fail("key field %s is named twice", name)
		}
		info.key = append(info.key, i)
	}
	return info, errs
}

// clone copies what the caller could change later.
func (t Type) clone() Type {
	t.Key, t.Fields = slices.Clone(t.Key), slices.Clone(t.Fields)
	return t
}

// same tells whether facts of one type are facts of the other: Convert may
// differ, since functions cannot be compared.
func (t *typeInfo) same(u *typeInfo) bool {
	return slices.Equal(t.Key, u.Key) && t.Contested == u.Contested &&
		slices.EqualFunc(t.Fields, u.Fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Optional == b.Optional
		})
}

// overlay writes the given fields over a copy of old, which is nil for a new
// fact, and checks that nothing required is missing. A value identical to the
// old one leaves it, so that 1 over 1.0 is no change.
func (t *typeInfo) overlay(old []any, fields Fields) ([]any, error) {
	values := slices.Clone(old)
	if old == nil {
		values = make([]any, len(t.Fields))
		for i := range values {
			values[i] = Absent
		}
	}
	for i, f := range t.Fields {
		given, ok := fields[f.Name]
		if ok {
			v, err := t.convert(i, given)
			if err != nil {
				return nil, err
			}
			if !identical(values[i], v) {
				values[i] = v
			}
		}
		if values[i] == Absent && !f.Optional {
			return nil, &FactError{Type: t.Name, Field: f.Name, Err: ErrMissingField}
		}
	}
	return values, t.unknown(fields)
}

// unknown refuses fields that the type does not have, the first by name.
func (t *typeInfo) unknown(fields Fields) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if _, ok := t.index[name]; !ok {
			return &FactError{Type: t.Name, Field: name, Err: ErrUnknownField}
		}
	}
	return nil
}

// convert brings a value into the kind of a field.
func (t *typeInfo) convert(field int, v any) (any, error) {
	f := t.Fields[field]
	var err error
	if f.Convert != nil && v != Absent {
		v, err = f.Convert(v)
	}
	if err == nil {
		v, err = normalise(v)
	}
	if err != nil {
		return nil, &FactError{Type: t.Name, Field: f.Name, Err: err}
	}
	return v, nil
}

// identity is the key that tells facts of the type apart, from given fields.
func (t *typeInfo) identity(fields Fields) (key, error) {
	values := make([]any, len(t.Fields))
	for _, i := range t.key {
		f := t.Fields[i]
		v, given := fields[f.Name]
		if !given {
			v = Absent
		}
		x, err := t.convert(i, v)
		if err != nil {
			return key{}, err
		}
		if x == Absent && !f.Optional {
			return key{}, &FactError{Type: t.Name, Field: f.Name, Err: ErrMissingField}
		}
		values[i] = x
	}
	return t.identityOf(values), nil
}

// identityOf is the identity of complete values.
func (t *typeInfo) identityOf(values []any) key {
	k, _ := keyOfFields(values, t.key)
	return k
}

// fieldsOf copies the values that are there.
func (t *typeInfo) fieldsOf(values []any) Fields {
	fields := make(Fields, len(values))
	for i, v := range values {
		if v != Absent {
			fields[t.Fields[i].Name] = cloneValue(v)
		}
	}
	return fields
}

// fieldSet is a set of field indexes.
//
// A bit for each field: the question asked for every memory and every update is
// whether two sets meet.
type fieldSet []uint64

// add puts a field into the set.
func (s *fieldSet) add(field int) {
	for len(*s) <= field/64 {
		*s = append(*s, 0)
	}
	(*s)[field/64] |= 1 << (field % 64)
}

// addAll adds the other set's fields.
func (s *fieldSet) addAll(other fieldSet) {
	for len(*s) < len(other) {
		*s = append(*s, 0)
	}
	for i, word := range other {
		(*s)[i] |= word
	}
}

// meets tells whether the sets have a field in common.
func (s fieldSet) meets(other fieldSet) bool {
	for i := range min(len(s), len(other)) {
		if s[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// changes are the fields in which two states of a fact differ.
func changes(old, new []any) fieldSet {
	var set fieldSet
	for i := range old {
		if !identical(old[i], new[i]) {
			set.add(i)
		}
	}
	return set
}
