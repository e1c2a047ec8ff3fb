package rete

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// kind is the family of a value; numbers that are equal share one.
type kind uint8

const (
	kindAbsent kind = iota
	kindNull
	kindBool
	kindInt
	kindFloat // only what no int64 equals
	kindNaN
	kindString
	kindTime
	kindDuration
	kindBytes
	kindList
	kindMap
	kindKeyer
	kindTuple
)

// key is the canonical form of a value: equal values, and only they, have equal
// keys. It is comparable, so that it indexes maps.
//
// One comparison of three words decides equality of any two values. An index by key
// therefore agrees with the equality that a test computes, which a hash of the value
// with a comparison of its own would have to be shown to do.
type key struct {
	kind kind
	num  uint64
	text string
}

// normalise brings a value into one of the kinds of [Fields], copying lists and
// maps so that the caller's later changes do not show.
func normalise(v any) (any, error) {
	switch x := v.(type) {
	case nil, bool, int64, float64, string, time.Duration, absent:
		return v, nil
	case int:
		return int64(x), nil
	case time.Time:
		return x.Round(0), nil // without the monotonic clock, which no equality knows
	case []byte:
		return slices.Clone(x), nil
	case []any:
		return normaliseList(reflect.ValueOf(x))
	case map[string]any:
		return normaliseMap(reflect.ValueOf(x))
	case Keyer:
		return v, nil
	}
	return normaliseKind(reflect.ValueOf(v))
}

// normaliseKind handles types that are named or rare by what they are made of.
func normaliseKind(v reflect.Value) (any, error) {
	switch {
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return int64(v.Uint()), nil
	case v.CanFloat():
		return v.Float(), nil
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Slice:
		return normaliseList(v)
	case reflect.Map:
		return normaliseMap(v)
	}
	return nil, fmt.Errorf("%w: %s", ErrKind, v.Type())
}

// normaliseList copies a list of any element type.
func normaliseList(v reflect.Value) (any, error) {
	list := make([]any, v.Len())
	for i := range list {
		x, err := normalise(v.Index(i).Interface())
		if err != nil {
			return nil, err
		}
		list[i] = x
	}
	return list, nil
}

// normaliseMap copies a map whose keys are strings; no other key has an order to be
// written in.
func normaliseMap(v reflect.Value) (any, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("%w: %s", ErrKind, v.Type())
	}
	m := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		x, err := normalise(it.Value().Interface())
		if err != nil {
			return nil, err
		}
		m[it.Key().String()] = x
	}
	return m, nil
}

// cloneValue copies what the receiver could change.
func cloneValue(v any) any {
	switch x := v.(type) {
	case []byte:
		return slices.Clone(x)
	case []any:
		list := make([]any, len(x))
		for i := range x {
			list[i] = cloneValue(x[i])
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(x))
		for k := range x {
			m[k] = cloneValue(x[k])
		}
		return m
	}
	return v
}

// keyOf gives a normalised value's key. joins is false for NaN and what contains
// it: it equals nothing, though it is identical to itself.
func keyOf(v any) (k key, joins bool) {
	switch x := v.(type) {
	case absent:
		return key{kind: kindAbsent}, false
	case nil:
		return key{kind: kindNull}, true
	case bool:
		if x {
			return key{kind: kindBool, num: 1}, true
		}
		return key{kind: kindBool}, true
	case int64:
		return key{kind: kindInt, num: uint64(x)}, true
	case float64:
		return floatKey(x)
	case string:
		return key{kind: kindString, text: x}, true
	case time.Time:
		return timeKey(x), true
	case time.Duration:
		return key{kind: kindDuration, num: uint64(x)}, true
	case []byte:
		return key{kind: kindBytes, text: string(x)}, true
	case []any:
		return tupleKey(kindList, x)
	case map[string]any:
		return mapKey(x)
	}
	return key{kind: kindKeyer, text: v.(Keyer).ReteKey()}, true
}

// floatKey gives a float that is whole the key of the int that it equals. The
// comparison of the two is exact: no float is rounded to an int or back.
func floatKey(f float64) (key, bool) {
	switch {
	case f != f:
		return key{kind: kindNaN}, false
	case f == math.Trunc(f) && f >= -1<<63 && f < 1<<63:
		return key{kind: kindInt, num: uint64(int64(f))}, true // so -0.0 is 0 as well
	}
	return key{kind: kindFloat, num: math.Float64bits(f)}, true
}

// timeKey is the instant, whatever the offset it was written with.
func timeKey(t time.Time) key {
	if y := t.Year(); y > 1678 && y < 2262 {
		return key{kind: kindTime, num: uint64(t.UnixNano())}
	}
	return key{kind: kindTime, num: uint64(t.Unix()), text: "s" + strconv.Itoa(t.Nanosecond())}
}

// tupleKey is the key of several values in order.
func tupleKey(k kind, values []any) (key, bool) {
	var buf []byte
	joins := true
	for _, v := range values {
		part, ok := keyOf(v)
		buf, joins = part.append(buf), joins && ok
	}
	return key{kind: k, num: uint64(len(values)), text: string(buf)}, joins
}

// mapKey is the key of the names in order, each with its value.
func mapKey(m map[string]any) (key, bool) {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	flat := make([]any, 0, 2*len(m))
	for _, name := range names {
		flat = append(flat, name, m[name])
	}
	return tupleKey(kindMap, flat)
}

// append writes the key so that no two sequences of keys read the same.
func (k key) append(buf []byte) []byte {
	buf = append(buf, byte(k.kind))
	buf = binary.BigEndian.AppendUint64(buf, k.num)
	buf = binary.AppendUvarint(buf, uint64(len(k.text)))
	return append(buf, k.text...)
}
