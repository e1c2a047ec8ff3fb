package rete

import (
	"errors"
	"fmt"
	"reflect"
)

// Changes is what facts are changed through: a [Tx] or a [Firing].
type Changes interface {
	Assert(typ string, fields Fields) (Handle, error)
	Update(h Handle, fields Fields) error
	Retract(h Handle) error

	batch() (*batch, error)
}

var _, _ Changes = (*Tx)(nil), (*Firing)(nil)

// TypeOf makes a fact type from a struct. Its name is that of the Go type, or what
// the method ReteType() string says; its key is what is given, or else the fields
// that are tagged so. The error joins a [CompileError] for each thing that is wrong.
//
//	type VM struct {
//		ID          string `rete:",key"`
//		MonthlyCost float64          // monthly_cost
//		Owner       *string          // optional: nil is absent
//		State       string `rete:"status,optional"` // "" is absent
//		Scratch     []byte `rete:"-"`
//	}
//
// A field is called as in the tag, or else as in Go, written as in a pack of rules:
// MonthlyCost is monthly_cost and HTTPPort http_port. Unexported fields are left
// out, and the fields of embedded structs are taken as the struct's own. A field can
// be of any kind that [Fields] can hold, of a type that is made of such kinds (a
// named string, a list of a map by strings), or any: then what it holds is looked at
// when the fact is asserted.
//
// Other producers of the type's facts are not held to the kinds of the struct; add a
// Convert where they should be. Contested and Bag are the caller's to set.
func TypeOf[T any](key ...string) (Type, error) {
	p, err := planOf(reflect.TypeFor[T]())
	if err != nil {
		return Type{}, err
	}
	t := p.typ.clone()
	if len(key) == 0 {
		return t, nil
	}
	t.Key = append([]string(nil), key...)
	_, errs := newTypeInfo(t)
	return t, errors.Join(errs...)
}

// AssertStruct states a fact as [Tx.Assert] does. The struct speaks for all of its
// fields: one that is absent clears what an existing fact of the key has there.
// Fields of the type that the struct lacks stay as they are.
func AssertStruct[T any](to Changes, v T) (Handle, error) {
	var space [valueSpace]Value
	b, shape, values, err := rowOf(to, &v, space[:0])
	if err != nil {
		return 0, err
	}
	return b.assertShape(shape, values)
}

// UpdateStruct changes a stated fact as [Tx.Update] does, to say in all fields of the
// struct what that says.
func UpdateStruct[T any](to Changes, h Handle, v T) error {
	var space [valueSpace]Value
	b, shape, values, err := rowOf(to, &v, space[:0])
	if err != nil {
		return err
	}
	return b.updateShape(h, shape, values)
}

// DeriveStruct concludes a fact as [Firing.Derive] does.
func DeriveStruct[T any](f *Firing, v T) (Handle, error) {
	var space [valueSpace]Value
	b, shape, values, err := rowOf(f, &v, space[:0])
	if err != nil {
		return 0, err
	}
	return b.deriveShape(f.s.conclusion(f.match), shape, values)
}

// valueSpace is how many values a struct can have before its row needs the heap.
const valueSpace = 12

// rowOf brings a struct into a row of values of its type in the session's base.
func rowOf[T any](to Changes, v *T, space []Value) (*batch, *Shape, []Value, error) {
	b, err := to.batch()
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := planOf(reflect.TypeFor[T]())
	if err != nil {
		return nil, nil, nil, err
	}
	shape, err := p.shape(b.s.base)
	if err != nil {
		return nil, nil, nil, err
	}
	return b, shape, p.values(space, reflect.ValueOf(v).Elem()), nil
}

// As gives a fact as a struct, with copies of lists, maps and bytes. The error is a
// [FactError]: the fact is of another type, or has values that the struct's fields
// cannot hold. Numbers are converted where nothing is lost: an upsert with 1.0 over 1
// leaves 1.
func As[T any](f Fact) (T, error) {
	var v T
	p, err := planOf(reflect.TypeFor[T]())
	if err != nil {
		return v, err
	}
	if !f.Valid() {
		return v, &FactError{Type: p.typ.Name, Err: ErrNoFact}
	}
	if f.Type() != p.typ.Name {
		return v, &FactError{Type: f.Type(), Handle: f.Handle(), Err: fmt.Errorf("%w: it is no %s", ErrShape, p.typ.Name)}
	}
	rv := reflect.ValueOf(&v).Elem()
	for i := range p.fields {
		if err := p.fields[i].take(rv, f); err != nil {
			return v, &FactError{Type: f.Type(), Field: p.fields[i].name, Handle: f.Handle(), Err: err}
		}
	}
	return v, nil
}
