package rule

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/trimtab/trimtab/rete"
)

// record is what CEL sees of a fact, of the parameters of a pack and of records
// handed to an expression: named fields, some of which may be absent.
//
// A fact is shown as it is rather than copied into a map: an expression reads two
// fields of thirty.
type record struct {
	typ   *types.Type
	get   func(field string) (any, bool)
	adapt types.Adapter
	name  string // how the expression calls it, for messages
}

var (
	_ traits.Indexer     = (*record)(nil)
	_ traits.FieldTester = (*record)(nil)
)

// absentError says which field was read although it is not there; it is
// [rete.ErrAbsent], so that the matcher counts it.
func absentError(what string) ref.Val {
	return types.WrapErr(fmt.Errorf("%s: %w", what, rete.ErrAbsent))
}

// Get reads a field.
func (r *record) Get(index ref.Val) ref.Val {
	field, ok := index.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(index)
	}
	v, ok := r.get(string(field))
	if !ok {
		return absentError(r.name + "." + string(field))
	}
	return r.adapt.NativeToValue(v)
}

// IsSet answers has(x.f).
func (r *record) IsSet(index ref.Val) ref.Val {
	field, ok := index.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(index)
	}
	_, ok = r.get(string(field))
	return types.Bool(ok)
}

// Equal: a record is equal to itself only; rules compare fields.
func (r *record) Equal(other ref.Val) ref.Val { return types.Bool(ref.Val(r) == other) }

// Type is the fact's type.
func (r *record) Type() ref.Type { return r.typ }

// Value is the record itself.
func (r *record) Value() any { return r }

// ConvertToType knows the record's own type only.
func (r *record) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == types.TypeType.TypeName() {
		return r.typ
	}
	return types.NewErr("%s cannot be converted to %s", r.typ.TypeName(), t.TypeName())
}

// ConvertToNative knows no Go type.
func (r *record) ConvertToNative(t reflect.Type) (any, error) { return sameType(r, t) }

// provider tells CEL the fields of records; everything else is CEL's own.
//
// It is asked by name at check time. Records are added as packs are read, before any
// expression is compiled.
type provider struct {
	*types.Registry
	records map[string]*recordType
}

// recordType is the shape of a record.
type recordType struct {
	cel    *types.Type
	fields map[string]*types.Type
	order  []string
}

// newRecordType makes a shape without fields.
func newRecordType(name string) *recordType {
	return &recordType{cel: types.NewObjectType(name), fields: map[string]*types.Type{}}
}

// add adds a field; the order is kept for messages.
func (r *recordType) add(field string, t *types.Type) {
	r.fields[field] = t
	r.order = append(r.order, field)
}

// FindStructType finds a record, or a struct of CEL's own.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if r, ok := p.records[name]; ok {
		return types.NewTypeTypeWithParam(r.cel), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldNames lists the fields of a record.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if r, ok := p.records[name]; ok {
		return r.order, true
	}
	return p.Registry.FindStructFieldNames(name)
}

// FindStructFieldType is the type of a record's field.
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	r, ok := p.records[name]
	if !ok {
		return p.Registry.FindStructFieldType(name, field)
	}
	t, ok := r.fields[field]
	return &types.FieldType{Type: t}, ok
}

// NativeToValue takes the values of facts into CEL.
func (p *provider) NativeToValue(v any) ref.Val {
	if v == nil {
		return types.NullValue
	}
	return p.Registry.NativeToValue(v)
}

// fromCEL gives the result of an expression in the matcher's kinds.
func fromCEL(v ref.Val) (any, error) {
	switch x := v.(type) {
	case types.Bool:
		return bool(x), nil
	case types.Int:
		return int64(x), nil
	case types.Uint:
		return convertUint(uint64(x))
	case types.Double:
		return float64(x), nil
	case types.String:
		return string(x), nil
	case types.Bytes:
		return []byte(x), nil
	case types.Timestamp:
		return x.Time.UTC(), nil
	case types.Duration:
		return x.Duration, nil
	case types.Null:
		return nil, nil
	case number, money:
		return x, nil
	case *types.Optional:
		if !x.HasValue() {
			return rete.Absent, nil
		}
		return fromCEL(x.GetValue())
	case traits.Mapper:
		return fromCELMap(x)
	case traits.Lister:
		return fromCELList(x)
	}
	return nil, fmt.Errorf("a value of type %s cannot be kept", v.Type().TypeName())
}

// convertUint takes an unsigned number for an int where it fits: facts have one kind
// of whole number.
func convertUint(u uint64) (any, error) {
	v, ok, _ := convertInt(u)
	if !ok {
		return nil, fmt.Errorf("%d does not fit an int", u)
	}
	return v, nil
}

// fromCELMap copies a map: nothing of CEL's stays in a fact.
func fromCELMap(m traits.Mapper) (any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("keys of maps are strings, not %s", key.Type().TypeName())
		}
		v, err := fromCEL(m.Get(key))
		if err != nil {
			return nil, err
		}
		out[string(name)] = v
	}
	return out, nil
}

// fromCELList copies a list: nothing of CEL's stays in a fact.
func fromCELList(l traits.Lister) (any, error) {
	out := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		v, err := fromCEL(it.Next())
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
