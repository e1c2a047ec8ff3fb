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
func (t valueType) convert(v any) (any, error) {
	if v == nil || v == rete.Absent {
		if t.optional {
			return rete.Absent, nil
		}
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

func convertInt(v any) (any, bool, error) {
	switch x := v.(type) {
	case int64:
		return x, true, nil
	case json.Number:
		i, err := strconv.ParseInt(x.String(), 10, 64)
		return i, err == nil, nil
	case float64:
		whole := x == math.Trunc(x) && math.Abs(x) < 1<<53
		return int64(x), whole, nil
	}
	r := reflect.ValueOf(v)
	if r.CanInt() && r.Kind() != reflect.Int64 {
		return r.Int(), true, nil
	}
	if r.CanUint() && r.Uint() <= math.MaxInt64 {
		return int64(r.Uint()), true, nil
	}
	return nil, false, nil
}

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

func convertMoney(v any) (any, bool, error) {
	switch x := v.(type) {
	case money:
		return x, true, nil
	case trimtab.Money:
		return money{x}, true, bounded(x.Amount)
	case string:
		m, err := parseMoney(x)
		return m, true, err
	}
	return nil, false, nil
}

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

// maxValueDepth bounds what a dyn field holds.
const maxValueDepth = 32

// plainValue brings a value of a dyn field into the matcher's kinds.
func plainValue(v any, depth int) (any, error) {
	if depth > maxValueDepth {
		return nil, fmt.Errorf("a value nests deeper than %d", maxValueDepth)
	}
	switch x := v.(type) {
	case nil, bool, string, int64, float64, time.Duration, []byte, number, money:
		return v, nil
	case time.Time:
		return x.UTC(), nil
	case trimtab.Money:
		return money{x}, nil
	case trimtab.Decimal:
		return number{x}, nil
	case json.Number:
		return plainNumber(x), nil
	case float32:
		return float64(x), nil
	}
	if i, ok, _ := convertInt(v); ok {
		return i, nil
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Slice, reflect.Array:
		return plainList(r, depth)
	case reflect.Map:
		return plainMap(r, depth)
	}
	return nil, fmt.Errorf("%T is no value of a fact", v)
}

func plainNumber(n json.Number) any {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i
	}
	f, _ := n.Float64()
	return f
}

func plainList(r reflect.Value, depth int) (any, error) {
	out := make([]any, r.Len())
	for i := range out {
		x, err := plainValue(r.Index(i).Interface(), depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func plainMap(r reflect.Value, depth int) (any, error) {
	if r.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("keys of maps are strings, not %v", r.Type().Key())
	}
	out := make(map[string]any, r.Len())
	for _, key := range r.MapKeys() {
		x, err := plainValue(r.MapIndex(key).Interface(), depth+1)
		if err != nil {
			return nil, err
		}
		out[key.String()] = x
	}
	return out, nil
}

// literal reads a value written in YAML: what it means depends on the type, so
// that 012 is "012" for a string and 30.10 keeps both its places as a decimal.
func (t valueType) literal(n strictyaml.Node) (any, error) {
	if n.Kind() == strictyaml.Null {
		return t.convert(nil)
	}
	switch t.kind {
	case kindDyn:
		return plainValue(n.Plain(), 0)
	case kindList:
		return t.literalList(n)
	case kindMap:
		return t.literalMap(n)
	}
	if n.Kind() != strictyaml.Scalar {
		return nil, fmt.Errorf("%s is needed here, not a %s", t.present(), n.Kind())
	}
	text := n.Text()
	switch t.kind {
	case kindBool, kindInt, kindDouble:
		return t.literalPlain(n, text)
	}
	return t.convert(text)
}

// literalPlain reads bools and numbers, which are written without quotes.
func (t valueType) literalPlain(n strictyaml.Node, text string) (any, error) {
	if n.Tag() == "!!str" {
		return nil, fmt.Errorf("%q is no %s", text, t.present())
	}
	if t.kind == kindBool {
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no bool", text)
		}
		return b, nil
	}
	return t.convert(json.Number(text))
}

func (t valueType) literalList(n strictyaml.Node) (any, error) {
	if n.Kind() != strictyaml.List {
		return nil, fmt.Errorf("%s is needed here, not a %s", t.present(), n.Kind())
	}
	items := n.Items()
	out := make([]any, len(items))
	for i, item := range items {
		x, err := t.elem.literal(item)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		out[i] = x
	}
	return out, nil
}

func (t valueType) literalMap(n strictyaml.Node) (any, error) {
	if n.Kind() != strictyaml.Mapping {
		return nil, fmt.Errorf("%s is needed here, not a %s", t.present(), n.Kind())
	}
	out := map[string]any{}
	for _, e := range n.Entries() {
		x, err := t.elem.literal(e.Value)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", e.Key.Text(), err)
		}
		out[e.Key.Text()] = x
	}
	return out, nil
}

// export gives a fact's value to callers: money and decimals as the root
// package has them.
func export(v any) any {
	switch x := v.(type) {
	case money:
		return x.m
	case number:
		return x.d
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = export(x[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k := range x {
			out[k] = export(x[k])
		}
		return out
	}
	return v
}

func exportFields(fields rete.Fields) map[string]any {
	out := make(map[string]any, len(fields))
	for k, v := range fields {
		out[k] = export(v)
	}
	return out
}

// jsonValue makes a value fit for a transcript: times in RFC 3339, decimals as
// numbers, and what JSON cannot say as text.
func jsonValue(v any) any {
	switch x := v.(type) {
	case money:
		return moneyText(x.m)
	case number:
		return json.Number(x.d.String())
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return x.String()
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = jsonValue(x[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k := range x {
			out[k] = jsonValue(x[k])
		}
		return out
	}
	return v
}

// plainText writes a value as a line of its own: texts without quotes.
func plainText(v any) string {
	if s, ok := jsonValue(v).(string); ok {
		return s
	}
	return show(v)
}

// show writes a value for people, in error messages and logs.
func show(v any) string {
	switch x := v.(type) {
	case string:
		return strconv.Quote(x)
	case json.Number:
		return x.String()
	case money:
		return moneyText(x.m)
	case trimtab.Money:
		return moneyText(x)
	}
	text, err := json.Marshal(jsonValue(v))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
