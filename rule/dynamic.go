package rule

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
)

// maxValueDepth bounds what a dyn field holds.
const maxValueDepth = 32

// plainValue brings a value of a dyn field into the matcher's kinds.
func plainValue(v any, depth int) (any, error) {
	// Go values may hold themselves; JSON may be made to go deep on purpose.
	if depth > maxValueDepth {
		return nil, fmt.Errorf("a value nests deeper than %d", maxValueDepth)
	}
	switch x := v.(type) {
	case nil, bool, string, int64, float64, time.Duration, []byte, number, money:
		return v, nil
	case time.Time:
		// As convertTime keeps them, or equal moments would differ by their zone.
		return x.UTC(), nil
	case trimtab.Money:
		return money{x}, nil
	case trimtab.Decimal:
		return number{x}, nil
	case json.Number:
		return plainNumber(x)
	case float32:
		return float64(x), nil
	}
	// After the floats: a float stays one even where it is whole.
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

// plainNumber takes a number for an int if it is written as one that fits, and
// for a double otherwise. One that is too large for either is refused: as an
// infinity it would equal every other such number.
func plainNumber(n json.Number) (any, error) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("%s does not fit a number", n)
	}
	return f, nil
}

// plainList copies a list of any element type.
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

// plainMap copies a map; its keys must be texts, as those of JSON are.
func plainMap(r reflect.Value, depth int) (any, error) {
	if r.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("keys of maps are strings, not %v", r.Type().Key())
	}
	out := make(map[string]any, r.Len())
	for _, key := range r.MapKeys() {
		// Copied, so that a caller who goes on with his map does not change a fact.
		x, err := plainValue(r.MapIndex(key).Interface(), depth+1)
		if err != nil {
			return nil, err
		}
		out[key.String()] = x
	}
	return out, nil
}
