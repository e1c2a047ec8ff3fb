package schematest

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// unknown is a key that no reader knows.
const unknown = "zz_unknown"

// instead are values of other kinds.
var instead = []any{nil, "zz", 7, []any{[]any{}}, map[string]any{}, map[string]any{unknown: []any{}}}

// mutants gives every document that differs from a good one in one place: a key
// more, a key less, or a value of another kind; each with words for the difference.
func mutants(doc any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) { mutate("", doc, yield) }
}

// mutate gives the mutants of a value in place of it; false ends it.
func mutate(path string, v any, yield func(string, any) bool) bool {
	for _, other := range instead {
		if !yield(fmt.Sprintf("%s = %v", path, other), other) {
			return false
		}
	}
	switch x := v.(type) {
	case map[string]any:
		return mutateMap(path, x, yield)
	case []any:
		return mutateList(path, x, yield)
	}
	return true
}

func mutateMap(path string, m map[string]any, yield func(string, any) bool) bool {
	if !yield(path+" with "+unknown, with(m, unknown, 1)) {
		return false
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		less := maps.Clone(m)
		delete(less, key)
		if !yield(path+" without "+key, less) {
			return false
		}
		inner := func(what string, v any) bool { return yield(what, with(m, key, v)) }
		if !mutate(path+"."+key, m[key], inner) {
			return false
		}
	}
	return true
}

func mutateList(path string, list []any, yield func(string, any) bool) bool {
	for i, item := range list {
		inner := func(what string, v any) bool {
			other := slices.Clone(list)
			other[i] = v
			return yield(what, other)
		}
		if !mutate(fmt.Sprintf("%s[%d]", path, i), item, inner) {
			return false
		}
	}
	return true
}

func with(m map[string]any, key string, v any) map[string]any {
	out := maps.Clone(m)
	out[key] = v
	return out
}
