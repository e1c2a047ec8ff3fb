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
	if t.Bag && info.keyed {
		fail("a bag has no key")
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
	return slices.Equal(t.Key, u.Key) && t.Contested == u.Contested && t.Bag == u.Bag &&
		slices.EqualFunc(t.Fields, u.Fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Optional == b.Optional
		})
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

// fieldSet is a set of field indexes.
//
// A bit for each field: the question asked for every memory and every update is
// whether two sets meet. Few types have more than 64 fields, so the first word lies
// in the set itself.
type fieldSet struct {
	low  uint64
	more []uint64
}

// add puts a field into the set.
func (s *fieldSet) add(field int) {
	if field < 64 {
		s.low |= 1 << field
		return
	}
	word := field/64 - 1
	for len(s.more) <= word {
		s.more = append(s.more, 0)
	}
	s.more[word] |= 1 << (field % 64)
}

// addAll adds the other set's fields.
func (s *fieldSet) addAll(other fieldSet) {
	s.low |= other.low
	for len(s.more) < len(other.more) {
		s.more = append(s.more, 0)
	}
	for i, word := range other.more {
		s.more[i] |= word
	}
}

// meets tells whether the sets have a field in common.
func (s *fieldSet) meets(other *fieldSet) bool {
	if s.low&other.low != 0 {
		return true
	}
	for i := range min(len(s.more), len(other.more)) {
		if s.more[i]&other.more[i] != 0 {
			return true
		}
	}
	return false
}
