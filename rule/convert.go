package rule

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// convert brings a value from outside (Go, JSON, a script) or from an
// expression into the form that facts of this type hold. nil and an absent
// value are taken for absent where the field is optional.
//
// It is the one door into facts: sources, scripts, tests of rules and actions all
// come through it, so that a fact holds the same value whoever stated it.
func (t valueType) convert(v any) (any, error) {
	if v == nil || v == rete.Absent {
		if t.optional {
			return rete.Absent, nil
		}
		// In a dyn field null is a value like others, as in JSON.
		if v == nil && t.kind == kindDyn {
			return nil, nil
		}
		return nil, rete.ErrMissingField
	}
	switch t.kind {
	case kindList:
		return t.convertList(v)
	case kindMap:
		return t.convertMap(v)
	case kindDyn:
		return plainValue(v, 0)
	}
	if out, ok, err := t.convertScalar(v); ok || err != nil {
		return out, err
	}
	return nil, fmt.Errorf("%s is no %s", show(v), t.present())
}

// convertScalar reports false when the value is of no kind that could be meant.
func (t valueType) convertScalar(v any) (any, bool, error) {
	switch t.kind {
	case kindBool:
		b, ok := v.(bool)
		return b, ok, nil
	case kindInt:
		return convertInt(v)
	case kindDouble:
		return convertDouble(v)
	case kindDecimal:
		return convertDecimal(v)
	case kindMoney:
		return convertMoney(v)
	case kindString:
		s, ok := v.(string)
		return s, ok, nil
	case kindTimestamp:
		return convertTime(v)
	case kindDuration:
		return convertDuration(v)
	case kindBytes:
		return convertBytes(v)
	}
	return nil, false, nil
}

// convertInt takes whole numbers of every Go kind. A float must be whole and
// small enough to have been exact.
func convertInt(v any) (any, bool, error) {
	switch x := v.(type) {
	case int64:
		return x, true, nil
	case json.Number:
		i, err := strconv.ParseInt(x.String(), 10, 64)
		return i, err == nil, nil
	case float64:
		// From 2^53 on, neighbours share one float: nobody knows which int was meant.
		whole := x == math.Trunc(x) && math.Abs(x) < 1<<53
		return int64(x), whole, nil
	}
	r := reflect.ValueOf(v)
	// A named type over int64 is left out: time.Duration is one and no number.
	if r.CanInt() && r.Kind() != reflect.Int64 {
		return r.Int(), true, nil
	}
	if r.CanUint() && r.Uint() <= math.MaxInt64 {
		return int64(r.Uint()), true, nil
	}
	return nil, false, nil
}

// convertDouble takes every number; a whole one loses nothing that a double could
// hold.
func convertDouble(v any) (any, bool, error) {
	switch x := v.(type) {
	case float64:
		return x, true, nil
	case float32:
		return float64(x), true, nil
	case json.Number:
		f, err := x.Float64()
		return f, err == nil, nil
	}
	i, ok, err := convertInt(v)
	if !ok || err != nil {
		return nil, false, err
	}
	return float64(i.(int64)), true, nil
}

// convertDecimal prefers text, which is exact; a float is taken for the shortest
// decimal that is read back as it.
func convertDecimal(v any) (any, bool, error) {
	switch x := v.(type) {
	case number:
		return x, true, nil
	case trimtab.Decimal:
		return number{x}, true, bounded(x)
	case json.Number:
		n, err := parseDecimal(x.String())
		return n, true, err
	case string:
		n, err := parseDecimal(x)
		return n, true, err
	case float64:
		d, ok := fromFloat(x)
		return number{d}, ok, nil
	}
	i, ok, err := convertInt(v)
	if !ok || err != nil {
		return nil, false, err
	}
	return number{decimal.NewFromInt(i.(int64))}, true, nil
}

// convertMoney needs a currency: an amount that is compared with one in another is
// an error, and one in none would be too, later and elsewhere.
func convertMoney(v any) (any, bool, error) {
	switch x := v.(type) {
	case money:
		return x, true, nil
	case trimtab.Money:
		// Zero needs none: it is the sum of nothing, in every currency.
		if x.Currency == "" && !x.IsZero() {
			return nil, true, fmt.Errorf("%s has no currency", x)
		}
		return money{x}, true, bounded(x.Amount)
	case string:
		m, err := parseMoney(x)
		return m, true, err
	}
	return nil, false, nil
}

// convertTime keeps times in UTC, so that equal moments print equally.
func convertTime(v any) (any, bool, error) {
	switch x := v.(type) {
	case time.Time:
		return x.UTC(), true, nil
	case string:
		at, err := time.Parse(time.RFC3339Nano, x)
		if err != nil {
			return nil, true, fmt.Errorf("%q is no time: write it as 2026-11-20T10:00:00Z", x)
		}
		return at.UTC(), true, nil
	}
	return nil, false, nil
}

// convertDuration reads what rule files write, days among it.
func convertDuration(v any) (any, bool, error) {
	switch x := v.(type) {
	case time.Duration:
		return x, true, nil
	case string:
		d, err := strictyaml.ParseDuration(x)
		if err != nil {
			return nil, true, fmt.Errorf("%q is no length of time: write it as 90s, 1h30m or 14d", x)
		}
		return d, true, nil
	}
	return nil, false, nil
}

// convertBytes reads base64, as JSON writes bytes.
func convertBytes(v any) (any, bool, error) {
	switch x := v.(type) {
	case []byte:
		return x, true, nil
	case string:
		b, err := base64.StdEncoding.DecodeString(x)
		if err != nil {
			return nil, true, fmt.Errorf("%q is no base64 text", x)
		}
		return b, true, nil
	}
	return nil, false, nil
}

// convertList takes any slice, element by element.
func (t valueType) convertList(v any) (any, error) {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice && r.Kind() != reflect.Array {
		return nil, fmt.Errorf("%s is no %s", show(v), t.present())
	}
	out := make([]any, r.Len())
	for i := range out {
		x, err := t.elem.convert(r.Index(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		out[i] = x
	}
	return out, nil
}

// convertMap takes any map whose keys are texts.
func (t valueType) convertMap(v any) (any, error) {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Map || r.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("%s is no %s", show(v), t.present())
	}
	out := make(map[string]any, r.Len())
	for _, key := range r.MapKeys() {
		x, err := t.elem.convert(r.MapIndex(key).Interface())
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", key.String(), err)
		}
		out[key.String()] = x
	}
	return out, nil
}
