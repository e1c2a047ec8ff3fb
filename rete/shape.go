package rete

import (
	"math"
	"time"
)

// Shape is a list of fields of one type, looked up once: facts asserted and updated
// by rows of values need no map and no allocation. It belongs to a base, and to
// those made from it as long as the type stays.
type Shape struct {
	typ     *typeInfo
	fields  []int
	missing string // a required field that the shape lacks
	key     bool   // whether every key field is there
}

// Shape finds fields of a type. The error is a [FactError].
func (b *Base) Shape(typ string, fields ...string) (*Shape, error) {
	t := b.types[typ]
	if t == nil {
		return nil, &FactError{Type: typ, Err: ErrUnknownType}
	}
	s := &Shape{typ: t, key: true}
	given := map[int]bool{}
	for _, name := range fields {
		i, ok := t.index[name]
		if !ok {
			return nil, &FactError{Type: typ, Field: name, Err: ErrUnknownField}
		}
		s.fields = append(s.fields, i)
		given[i] = true
	}
	for i, f := range t.Fields {
		if !given[i] && !f.Optional && s.missing == "" {
			s.missing = f.Name
		}
	}
	for _, i := range t.key {
		s.key = s.key && (given[i] || !t.keyed)
	}
	return s, nil
}

// Value is a field's value without a box around it. The zero Value is absent.
type Value struct {
	kind  kind
	num   uint64
	text  string
	other any
}

// Int is a whole number.
func Int(n int64) Value { return Value{kind: kindInt, num: uint64(n)} }

// String is a text.
func String(s string) Value { return Value{kind: kindString, text: s} }

// Bool is a truth value.
func Bool(b bool) Value {
	v := Value{kind: kindBool}
	if b {
		v.num = 1
	}
	return v
}

// Float is a floating point number.
func Float(f float64) Value { return Value{kind: kindFloat, num: math.Float64bits(f)} }

// Time is an instant.
func Time(t time.Time) Value { return Value{kind: kindTime, other: t} }

// Of is any value that [Fields] can hold.
func Of(v any) Value { return Value{kind: kindKeyer, other: v} }

// Int is the number of a whole number; false for any other value.
func (v Value) Int() (int64, bool) { return int64(v.num), v.kind == kindInt }

// Any is the value as [Fields] hold it; [Absent] for none.
func (v Value) Any() any { return v.any() }

// unboxed is the value of a symbol.
func (s *symbols) unboxed(sym symbol) Value {
	if sym&smallInt != 0 {
		return Int(small(sym))
	}
	switch x := s.value(sym).(type) {
	case absent:
		return Value{}
	case int64:
		return Int(x)
	case string:
		return String(x)
	case bool:
		return Bool(x)
	case float64:
		return Float(x)
	default:
		return Of(x)
	}
}

// any is the value in a box.
func (v *Value) any() any {
	switch v.kind {
	case kindAbsent:
		return Absent
	case kindInt:
		return int64(v.num)
	case kindString:
		return v.text
	case kindBool:
		return v.num == 1
	case kindFloat:
		return math.Float64frombits(v.num)
	}
	return v.other
}

// setValue brings one value of a shape into a row.
func (b *batch) setValue(t *factTable, row []symbol, field int, v *Value) error {
	syms := &b.s.store.syms
	if t.typ.Fields[field].Convert == nil {
		switch v.kind {
		case kindInt:
			b.put(row, field, syms.int(int64(v.num)))
			return nil
		case kindString:
			b.put(row, field, syms.text(v.text))
			return nil
		case kindBool:
			b.put(row, field, boolSymbol(v.num == 1))
			return nil
		case kindFloat:
			b.put(row, field, syms.float(math.Float64frombits(v.num)))
			return nil
		}
	}
	return b.set(t, row, field, v.any())
}

// setShape brings the values of a shape into a row.
func (b *batch) setShape(t *factTable, row []symbol, shape *Shape, values []Value) error {
	if len(values) != len(shape.fields) {
		return &FactError{Type: t.typ.Name, Err: ErrShape}
	}
	for i := range values {
		field := shape.fields[i]
		if err := b.setValue(t, row, field, &values[i]); err != nil {
			return err
		}
		if row[field] == symAbsent && !t.typ.Fields[field].Optional {
			return &FactError{Type: t.typ.Name, Field: t.typ.Fields[field].Name, Err: ErrMissingField}
		}
	}
	return nil
}

// shaped gives the table of a shape's facts.
func (b *batch) shaped(shape *Shape) (*factTable, error) {
	if shape == nil {
		return nil, &FactError{Err: ErrShape}
	}
	t := b.s.store.byName[shape.typ.Name]
	if t != nil && t.typ == shape.typ {
		return t, nil
	}
	t, err := b.typ(shape.typ.Name)
	if err != nil {
		return nil, err
	}
	if !t.typ.same(shape.typ) {
		return nil, &FactError{Type: t.typ.Name, Err: ErrShape}
	}
	return t, nil
}

// assertShape is [Tx.AssertRow].
func (b *batch) assertShape(shape *Shape, values []Value) (Handle, error) {
	t, err := b.shaped(shape)
	if err != nil {
		return 0, err
	}
	row := b.row(t, 0)
	if err := b.setShape(t, row, shape, values); err != nil {
		return 0, err
	}
	var there, gone factID
	if t.typ.keyed && shape.key {
		if there, gone = b.s.store.existing(t, row); there != 0 {
			row = b.row(t, there)
			if err := b.setShape(t, row, shape, values); err != nil {
				return 0, err
			}
		}
	}
	if there == 0 && shape.missing != "" {
		return 0, &FactError{Type: t.typ.Name, Field: shape.missing, Err: ErrMissingField}
	}
	return b.assertRow(t, row, there, gone), nil
}

// updateShape is [Tx.UpdateRow].
func (b *batch) updateShape(h Handle, shape *Shape, values []Value) error {
	id, err := b.stating(h)
	if err != nil {
		return err
	}
	t, err := b.shaped(shape)
	if err != nil {
		return err
	}
	if t != b.s.store.tableOf(id) {
		return &FactError{Type: t.typ.Name, Handle: h, Err: ErrShape}
	}
	row := b.row(t, id)
	if err := b.setShape(t, row, shape, values); err != nil {
		return err
	}
	return b.change(h, id, row)
}
