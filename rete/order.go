package rete

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// compare orders two values of one kind; ints and floats are one kind here. ok is
// false for NaN, which is neither less nor greater. Kinds that do not go
// together give [ErrUncomparable].
func compare(a, b any) (c int, ok bool, err error) {
	if c, ok, num := compareNumbers(a, b); num {
		return c, ok, nil
	}
	switch x := a.(type) {
	case string:
		if y, same := b.(string); same {
			return strings.Compare(x, y), true, nil
		}
	case time.Time:
		if y, same := b.(time.Time); same {
			return x.Compare(y), true, nil
		}
	case time.Duration:
		if y, same := b.(time.Duration); same {
			return cmp.Compare(x, y), true, nil
		}
	}
	return compareOrderers(a, b)
}

// compareOrderers asks whichever of the two knows an order.
func compareOrderers(a, b any) (int, bool, error) {
	if x, is := a.(Orderer); is {
		c, err := x.ReteCompare(b)
		return c, err == nil, err
	}
	if y, is := b.(Orderer); is {
		c, err := y.ReteCompare(a)
		return -c, err == nil, err
	}
	return 0, false, fmt.Errorf("%w: %T and %T", ErrUncomparable, a, b)
}

// compareNumbers orders ints and floats among each other. num tells whether both
// are numbers, ok whether neither is NaN.
func compareNumbers(a, b any) (c int, ok, num bool) {
	switch x := a.(type) {
	case int64:
		switch y := b.(type) {
		case int64:
			return cmp.Compare(x, y), true, true
		case float64:
			return compareIntFloat(x, y), y == y, true
		}
	case float64:
		switch y := b.(type) {
		case int64:
			return -compareIntFloat(y, x), x == x, true
		case float64:
			return cmp.Compare(x, y), x == x && y == y, true
		}
	}
	return 0, false, false
}

// compareIntFloat is exact where a conversion of the int would round.
//
// 2^53 + 1 is no float64: rounded it would equal 2^53, and a join by key, which is
// exact, would say otherwise than "<".
func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(whole, f)
}

// compareTotal orders any two values, for ties on the agenda: by kind, then as
// [compare] does, and by their keys where that says nothing. Lists are ordered by
// their members.
func compareTotal(a, b any) int {
	if c, ok, num := compareNumbers(a, b); num && ok {
		return c
	}
	if x, is := a.([]any); is {
		if y, too := b.([]any); too {
			return slices.CompareFunc(x, y, compareTotal)
		}
	}
	ka, _ := keyOf(a)
	kb, _ := keyOf(b)
	if ka.kind == kb.kind && ka.kind != kindKeyer {
		if c, ok, err := compare(a, b); ok && err == nil {
			return c
		}
	}
	return cmp.Or(
		cmp.Compare(ka.kind, kb.kind),
		bytes.Compare(ka.append(nil), kb.append(nil)),
	)
}
