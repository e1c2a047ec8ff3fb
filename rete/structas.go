package rete

import (
	"fmt"
	"reflect"
)

// take fills the field of a struct from a fact.
func (f *structField) take(v reflect.Value, fact Fact) error {
	i, ok := fact.v.typ.index[f.name]
	if !ok {
		return ErrUnknownField
	}
	x := fact.v.values[i]
	switch {
	case x != Absent:
		return assign(f.in(v), x)
	case f.optional:
		return nil
	}
	return ErrMissingField
}

// assign brings a fact's value into a Go variable, if it fits without loss.
func assign(v reflect.Value, x any) error {
	t := v.Type()
	if x == nil && nilable(t.Kind()) {
		v.SetZero()
		return nil
	}
	if x != nil && reflect.TypeOf(x).AssignableTo(t) {
		v.Set(reflect.ValueOf(cloneValue(x)))
		return nil
	}
	fits := false
	switch x := x.(type) {
	case bool:
		if fits = t.Kind() == reflect.Bool; fits {
			v.SetBool(x)
		}
	case string:
		if fits = t.Kind() == reflect.String; fits {
			v.SetString(x)
		}
	case int64:
		fits = t != durationType && assignInt(v, x)
	case float64:
		fits = t != durationType && assignFloat(v, x)
	case []byte:
		if fits = t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8; fits {
			v.SetBytes(cloneValue(x).([]byte))
		}
	case []any:
		if t.Kind() == reflect.Slice {
			return assignList(v, x)
		}
	case map[string]any:
		if t.Kind() == reflect.Map {
			return assignMap(v, x)
		}
	}
	if !fits && t.Kind() == reflect.Pointer {
		to := reflect.New(t.Elem())
		v.Set(to)
		return assign(to.Elem(), x)
	}
	if !fits {
		return fmt.Errorf("%w: %v (%T) as %s", ErrShape, x, x, t)
	}
	return nil
}

// nilable tells whether a variable of a kind can be nil.
func nilable(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Interface || k == reflect.Slice || k == reflect.Map
}

// assignInt converts a whole number, if nothing is lost.
func assignInt(v reflect.Value, n int64) bool {
	switch {
	case v.CanInt():
		v.SetInt(n)
		return v.Int() == n
	case v.CanUint() && n >= 0:
		v.SetUint(uint64(n))
		return v.Uint() == uint64(n)
	case v.CanFloat():
		v.SetFloat(float64(n))
		return compareIntFloat(n, v.Float()) == 0
	}
	return false
}

// assignFloat converts a floating point number, if nothing is lost.
func assignFloat(v reflect.Value, x float64) bool {
	if !v.CanFloat() {
		k, _ := floatKey(x)
		return k.kind == kindInt && assignInt(v, int64(k.num))
	}
	v.SetFloat(x)
	return v.Float() == x || x != x
}

// assignList fills a list of any element type.
func assignList(v reflect.Value, list []any) error {
	to := reflect.MakeSlice(v.Type(), len(list), len(list))
	for i, x := range list {
		if err := assign(to.Index(i), x); err != nil {
			return err
		}
	}
	v.Set(to)
	return nil
}

// assignMap fills a map of any element type.
func assignMap(v reflect.Value, m map[string]any) error {
	t := v.Type()
	to := reflect.MakeMapWithSize(t, len(m))
	for name, x := range m {
		value := reflect.New(t.Elem()).Elem()
		if err := assign(value, x); err != nil {
			return err
		}
		to.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), value)
	}
	v.Set(to)
	return nil
}
