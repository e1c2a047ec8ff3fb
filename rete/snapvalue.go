package rete

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// The kinds of values in a snapshot. A value that was written before is named by its
// number, so that a text that many facts share is there once.
const (
	valueAgain = iota
	valueAbsent
	valueNull
	valueFalse
	valueTrue
	valueInt
	valueFloat
	valueString
	valueTime
	valueDuration
	valueBytes
	valueList
	valueMap
	valueKeyer
)

// deepest is how deep lists and maps can lie in each other in a snapshot.
const deepest = 1000

// symbols writes the values of a row.
func (w *snapshotWriter) symbols(row []symbol) {
	for _, sym := range row {
		w.symbol(sym)
	}
}

// symbol writes a value, or the number of one that was written.
func (w *snapshotWriter) symbol(sym symbol) {
	v := w.s.store.syms.value(sym)
	if sym&smallInt != 0 || sym < symFirst {
		w.value(v, 0)
		return
	}
	if n, there := w.known[sym]; there {
		w.buf = append(w.buf, valueAgain)
		w.num(n)
		return
	}
	w.known[sym] = uint64(len(w.known))
	w.value(v, 0)
}

// kind begins a value.
func (w *snapshotWriter) kind(k byte) { w.buf = append(w.buf, k) }

// value writes a value in full.
func (w *snapshotWriter) value(v any, depth int) {
	switch x := v.(type) {
	case absent:
		w.kind(valueAbsent)
	case nil:
		w.kind(valueNull)
	case bool:
		if x {
			w.kind(valueTrue)
		} else {
			w.kind(valueFalse)
		}
	case int64:
		w.kind(valueInt)
		w.int(x)
	case float64:
		w.kind(valueFloat)
		w.buf = binary.BigEndian.AppendUint64(w.buf, math.Float64bits(x))
	case string:
		w.kind(valueString)
		w.text(x)
	case time.Time:
		w.kind(valueTime)
		w.time(x)
	case time.Duration:
		w.kind(valueDuration)
		w.int(int64(x))
	case []byte:
		w.kind(valueBytes)
		w.text(string(x))
	default:
		w.composite(v, depth)
	}
}

// composite writes lists, maps and values of kinds that the engine does not know.
func (w *snapshotWriter) composite(v any, depth int) {
	if depth == deepest {
		w.fail(v, fmt.Errorf("%w: lists in lists, more than %d deep", ErrKind, deepest))
		return
	}
	switch x := v.(type) {
	case []any:
		w.kind(valueList)
		writeList(w, x, func(y any) { w.value(y, depth+1) })
	case map[string]any:
		w.kind(valueMap)
		writeList(w, slices.Sorted(maps.Keys(x)), func(name string) {
			w.text(name)
			w.value(x[name], depth+1)
		})
	case Keyer:
		w.keyer(x)
	}
}

// keyer writes a value of a kind that the engine does not know, with its key to check
// what comes back.
func (w *snapshotWriter) keyer(x Keyer) {
	m, ok := x.(encoding.BinaryMarshaler)
	if !ok {
		w.fail(x, fmt.Errorf("%w: %T is no encoding.BinaryMarshaler", ErrKind, x))
		return
	}
	data, err := m.MarshalBinary()
	if err != nil {
		w.fail(x, err)
		return
	}
	w.kind(valueKeyer)
	w.text(fmt.Sprintf("%T", x))
	w.text(x.ReteKey())
	w.text(string(data))
}

// fail keeps the first error.
func (w *snapshotWriter) fail(v any, err error) {
	if w.err == nil {
		w.err = &FactError{Type: fmt.Sprintf("%T", v), Err: err}
	}
}

// appendTime writes an instant and how its zone shows it.
func appendTime(buf []byte, t time.Time) []byte {
	name, offset := t.Zone()
	buf = binary.AppendVarint(buf, t.Unix())
	buf = binary.AppendUvarint(buf, uint64(t.Nanosecond()))
	buf = binary.AppendVarint(buf, int64(offset))
	buf = binary.AppendUvarint(buf, uint64(len(name)))
	return append(buf, name...)
}

// time reads what appendTime wrote.
func (r *snapshotReader) time() time.Time {
	sec, nsec, offset, name := r.int(), r.num(), r.int(), r.text()
	if nsec >= 1e9 || offset != int64(int32(offset)) {
		r.damaged("no time")
		return time.Time{}
	}
	t := time.Unix(sec, int64(nsec))
	if offset == 0 && name == "UTC" {
		return t.UTC()
	}
	return t.In(time.FixedZone(name, int(offset)))
}

// row reads values of a fact of a type.
func (r *snapshotReader) row(t *typeInfo, row []symbol) {
	for i := range row {
		row[i] = r.symbol()
		if row[i] == symAbsent && !t.Fields[i].Optional {
			r.damaged("a field is missing")
		}
	}
}

// symbol reads a value.
func (r *snapshotReader) symbol() symbol {
	k := r.byte()
	if k == valueAgain {
		n := r.num()
		if n >= uint64(len(r.known)) {
			r.damaged("no such value")
			return symAbsent
		}
		return r.known[n]
	}
	v := r.value(k, 0)
	if r.err != nil {
		return symAbsent
	}
	sym := r.syms.intern(v)
	if sym&smallInt == 0 && sym >= symFirst {
		r.known = append(r.known, sym)
	}
	return sym
}

// value reads a value of a kind.
func (r *snapshotReader) value(kind byte, depth int) any {
	switch kind {
	case valueAbsent:
		return Absent
	case valueNull:
		return nil
	case valueFalse, valueTrue:
		return kind == valueTrue
	case valueInt:
		return r.int()
	case valueFloat:
		return math.Float64frombits(r.fixed())
	case valueString:
		return r.text()
	case valueTime:
		return r.time()
	case valueDuration:
		return time.Duration(r.int())
	case valueBytes:
		return []byte(r.text())
	}
	return r.composite(kind, depth)
}

// composite reads lists, maps and values of kinds that the engine does not know.
func (r *snapshotReader) composite(kind byte, depth int) any {
	switch {
	case depth == deepest:
	case kind == valueList:
		list := []any{}
		for n := r.count(1); n > 0 && r.err == nil; n-- {
			list = append(list, r.value(r.byte(), depth+1))
		}
		return list
	case kind == valueMap:
		m := map[string]any{}
		for n := r.count(2); n > 0 && r.err == nil; n-- {
			name := r.text()
			m[name] = r.value(r.byte(), depth+1)
		}
		return m
	case kind == valueKeyer:
		return r.keyer()
	}
	r.damaged("no such kind of value")
	return nil
}

// keyer lets the caller decode a value.
func (r *snapshotReader) keyer() any {
	typ, key, data := r.text(), r.text(), r.text()
	if r.err != nil {
		return nil
	}
	if r.decode == nil {
		r.fail(fmt.Errorf("%w: %s needs Config.DecodeValue", ErrKind, typ))
		return nil
	}
	v, err := r.decode(typ, []byte(data))
	if err != nil {
		r.fail(fmt.Errorf("a value of type %s: %w", typ, err))
		return nil
	}
	if x, is := v.(Keyer); !is || x.ReteKey() != key {
		r.fail(fmt.Errorf("%w: Config.DecodeValue gives a %T for a %s, or another value", ErrKind, v, typ))
		return nil
	}
	return v
}
