package rete

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
)

// structPlan is how values of a Go struct become facts and back. It is made once
// for each type of struct.
type structPlan struct {
	typ    Type
	fields []structField
	err    error
	last   atomic.Pointer[Shape] // as the type has it that was asked for last
}

// structField is one field of a plan.
type structField struct {
	name     string
	at       []int // where in the struct
	optional bool  // the zero value is absent
	value    func(reflect.Value) Value
}

var structPlans sync.Map // of *structPlan, by reflect.Type

// planOf gives the plan of a type.
func planOf(t reflect.Type) (*structPlan, error) {
	known, ok := structPlans.Load(t)
	if !ok {
		known, _ = structPlans.LoadOrStore(t, newStructPlan(t))
	}
	p := known.(*structPlan)
	return p, p.err
}

// newStructPlan makes a plan, or finds everything that is wrong.
func newStructPlan(t reflect.Type) *structPlan {
	m := planner{plan: &structPlan{typ: Type{Name: structName(t)}}}
	switch {
	case t.Kind() != reflect.Struct:
		m.fail("%s is no struct", t)
	case m.plan.typ.Name == "":
		m.fail("a struct without a name needs a method ReteType")
	default:
		m.walk(t, nil)
	}
	for _, f := range m.plan.fields {
		m.plan.typ.Fields = append(m.plan.typ.Fields, Field{Name: f.name, Optional: f.optional})
	}
	if len(m.errs) == 0 {
		_, m.errs = newTypeInfo(m.plan.typ)
	}
	m.plan.err = errors.Join(m.errs...)
	return m.plan
}

// structName is the name of the facts.
func structName(t reflect.Type) string {
	if x, ok := reflect.New(t).Interface().(interface{ ReteType() string }); ok && t.Kind() == reflect.Struct {
		return x.ReteType()
	}
	return t.Name()
}

// planner makes one plan and collects all that is wrong.
type planner struct {
	plan *structPlan
	errs []error
}

func (m *planner) fail(format string, args ...any) {
	m.errs = append(m.errs, &CompileError{Type: m.plan.typ.Name, Text: fmt.Sprintf(format, args...)})
}

// walk adds the fields of a struct, and of those embedded in it.
func (m *planner) walk(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("rete")
		at := append(slices.Clone(prefix), i)
		switch {
		case tag == "-":
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct && valueOf(f.Type) == nil:
			m.walk(f.Type, at)
		case f.IsExported():
			m.field(f, tag, at)
		}
	}
}

// field adds one field.
func (m *planner) field(f reflect.StructField, tag string, at []int) {
	name, options, _ := strings.Cut(tag, ",")
	if name == "" {
		name = snakeCase(f.Name)
	}
	x := structField{name: name, at: at}
	for _, option := range strings.Split(options, ",") {
		switch option {
		case "":
		case "key":
			m.plan.typ.Key = append(m.plan.typ.Key, name)
		case "optional":
			x.optional = true
		default:
			m.fail("field %s: no such option as %q", f.Name, option)
		}
	}
	if f.Type.Kind() == reflect.Pointer {
		x.optional = true
	}
	if x.value = valueOf(f.Type); x.value == nil {
		m.fail("field %s: %v: %s", f.Name, ErrKind, f.Type)
	}
	m.plan.fields = append(m.plan.fields, x)
}

// snakeCase is a Go name as packs of rules write names.
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		ends := i > 0 && !unicode.IsUpper(runes[i-1])
		begins := i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(r) && (ends || begins) && runes[i-1] != '_' {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	keyerType    = reflect.TypeFor[Keyer]()
)

// valueOf gives the function that makes values of a Go type fields' values, or nil
// when facts cannot hold them.
func valueOf(t reflect.Type) func(reflect.Value) Value {
	if t.Kind() == reflect.Pointer && (!t.Implements(keyerType) || t.Elem().Implements(keyerType)) {
		of := valueOf(t.Elem())
		if of == nil || t.Elem().Kind() == reflect.Pointer {
			return nil
		}
		return func(v reflect.Value) Value { return of(v.Elem()) }
	}
	switch {
	case !holds(t, nil):
		return nil
	case t == timeType, t == durationType, t.Implements(keyerType):
		return boxed
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(v reflect.Value) Value { return Bool(v.Bool()) }
	case reflect.String:
		return func(v reflect.Value) Value { return String(v.String()) }
	case reflect.Float32, reflect.Float64:
		return func(v reflect.Value) Value { return Float(v.Float()) }
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return func(v reflect.Value) Value { return Of(v.Bytes()) }
		}
	}
	if reflect.Zero(t).CanInt() {
		return func(v reflect.Value) Value { return Int(v.Int()) }
	}
	return boxed
}

// boxed leaves it to the assert to look at the value.
func boxed(v reflect.Value) Value { return Of(v.Interface()) }

// holds tells whether facts can hold values of a Go type, as far as the type tells.
// within are the types that it is part of.
func holds(t reflect.Type, within []reflect.Type) bool {
	if t == timeType || t.Implements(keyerType) || slices.Contains(within, t) {
		return true
	}
	switch t.Kind() {
	case reflect.Slice:
		return holds(t.Elem(), append(within, t))
	case reflect.Map:
		return t.Key().Kind() == reflect.String && holds(t.Elem(), append(within, t))
	case reflect.Bool, reflect.String, reflect.Interface, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	return false
}

// shape finds the fields in a base's type. The last answer is kept: most programs
// have one base, or one after the other.
func (p *structPlan) shape(b *Base) (*Shape, error) {
	if s := p.last.Load(); s != nil && s.typ == b.types[p.typ.Name] {
		return s, nil
	}
	names := make([]string, len(p.fields))
	for i := range p.fields {
		names[i] = p.fields[i].name
	}
	s, err := b.Shape(p.typ.Name, names...)
	if err == nil {
		p.last.Store(s)
	}
	return s, err
}

// values appends a struct's values in the order of its fields.
func (p *structPlan) values(list []Value, v reflect.Value) []Value {
	for i := range p.fields {
		f := &p.fields[i]
		x := f.in(v)
		if f.optional && x.IsZero() {
			list = append(list, Value{})
		} else {
			list = append(list, f.value(x))
		}
	}
	return list
}

// in is the field of a struct.
func (f *structField) in(v reflect.Value) reflect.Value {
	for _, i := range f.at {
		v = v.Field(i)
	}
	return v
}
