package naive

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

func (t Test) holds(v any, env Env) bool {
	want, ok := t.Value, true
	if t.Name != "" {
		want, ok = env.get(t.Name, t.Other)
	}
	if !ok {
		return false
	}
	switch t.Op {
	case "==":
		return Equal(v, want)
	case "!=":
		return !Equal(v, want)
	case "in":
		list, _ := want.([]any)
		return slices.ContainsFunc(list, func(w any) bool { return Equal(v, w) })
	}
	return ordered(t.Op, v, want)
}

// Equal is equality of values: numbers by value, lists by their members. NaN equals
// nothing, nor does a list that contains it.
func Equal(a, b any) bool { return equal(a, b, false) }

// Identical is equality by which NaN is itself: that of changes and of groups.
func Identical(a, b any) bool { return equal(a, b, true) }

func equal(a, b any, nan bool) bool {
	x, xnum := number(a)
	y, ynum := number(b)
	if xnum || ynum {
		return xnum && ynum && (x == y || nan && isNaN(a) && isNaN(b))
	}
	list, isList := a.([]any)
	other, isToo := b.([]any)
	if isList || isToo {
		return isList && isToo && slices.EqualFunc(list, other, func(v, w any) bool { return equal(v, w, nan) })
	}
	return fmt.Sprintf("%T %v", a, a) == fmt.Sprintf("%T %v", b, b)
}

// Compare orders any two values: by kind, then as "<" does; NaN comes after the
// other numbers, and lists are ordered by their members.
func Compare(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch x := a.(type) {
	case int64, float64:
		v, _ := number(a)
		w, _ := number(b)
		return cmp.Compare(v, w)
	case []any:
		return slices.CompareFunc(x, b.([]any), Compare)
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// rank is the place of a value's kind among all.
func rank(v any) int {
	_, isNumber := number(v)
	_, isBool := v.(bool)
	_, isString := v.(string)
	_, isList := v.([]any)
	return slices.Index([]bool{v == nil, isBool, isNumber && !isNaN(v), isNumber, isString, isList, true}, true)
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// ordered compares numbers with numbers and strings with strings.
func ordered(op string, a, b any) bool {
	x, xnum := number(a)
	y, ynum := number(b)
	c := 0
	if xnum && ynum {
		if math.IsNaN(x) || math.IsNaN(y) {
			return false
		}
		switch {
		case x < y:
			c = -1
		case x > y:
			c = 1
		}
	} else {
		s, sok := a.(string)
		t, tok := b.(string)
		if !sok || !tok {
			return false
		}
		c = strings.Compare(s, t)
	}
	return op == "<" && c < 0 || op == "<=" && c <= 0 || op == ">" && c > 0 || op == ">=" && c >= 0
}

// inOrder are numbers or strings from the least to the largest, NaN left out, or
// nothing if they do not compare. With floats among them ints become floats.
func inOrder(values []any) []any {
	values = slices.DeleteFunc(slices.Clone(values), isNaN)
	if every[int64](values) {
		sort.SliceStable(values, func(i, j int) bool { return values[i].(int64) < values[j].(int64) })
		return values
	}
	if !every[string](values) {
		for i, v := range values {
			x, ok := number(v)
			if !ok {
				return nil
			}
			values[i] = x
		}
	}
	sort.SliceStable(values, func(i, j int) bool { return ordered("<", values[i], values[j]) })
	return values
}

func isNaN(v any) bool {
	x, ok := v.(float64)
	return ok && math.IsNaN(x)
}

func every[T any](values []any) bool {
	return !slices.ContainsFunc(values, func(v any) bool { _, ok := v.(T); return !ok })
}

// Text is the content of a fact: equal facts have equal texts.
func (f Fact) Text() string {
	names := make([]string, 0, len(f.Fields))
	for name := range f.Fields {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(f.Type)
	for _, name := range names {
		v := f.Fields[name]
		if x, ok := number(v); ok {
			v = x + 0 // 1 and 1.0 are one number, and so are 0 and -0
		}
		fmt.Fprintf(&b, " %s=%T:%v", name, v, v)
	}
	return b.String()
}
