package rule

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// literal reads a value written in YAML: what it means depends on the type, so
// that 012 is "012" for a string and 30.10 keeps both its places as a decimal.
func (t valueType) literal(n strictyaml.Node) (any, error) {
	// Whether null will do is for the type to say.
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
	// "3" in quotes is a text to YAML, and somebody meant it to be one.
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

// literalList reads a YAML list, each element by the type of elements.
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

// literalMap reads a YAML mapping.
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
