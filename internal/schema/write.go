package schema

import (
	"encoding/json"
	"slices"
)

// draft is the version of JSON Schema that is written.
const draft = "https://json-schema.org/draft/2020-12/schema"

// object is a JSON object; its keys are written in their order.
type object = map[string]any

// Write writes the JSON Schema of a file whose root is the mapping of that name.
// Every mapping becomes a definition that bears its name.
func Write(title, root string, mappings ...Mapping) ([]byte, error) {
	defs := object{}
	for _, m := range mappings {
		defs[m.Name] = m.schema()
	}
	data, err := json.MarshalIndent(object{"$schema": draft, "title": title, "$ref": ref(root), "$defs": defs}, "", "  ")
	return append(data, '\n'), err
}

func ref(name string) string { return "#/$defs/" + name }

// schema is the JSON Schema of a mapping.
func (m Mapping) schema() object {
	properties, needed := object{}, []string{}
	for _, k := range m.Keys {
		if k.Later {
			continue
		}
		properties[k.Name] = k.schema()
		if k.Need && len(k.With) == 0 {
			needed = append(needed, k.Name)
		}
	}
	o := object{"type": "object", "additionalProperties": false, "properties": properties}
	if m.Doc != "" {
		o["description"] = m.Doc
	}
	if len(needed) > 0 {
		o["required"] = needed
	}
	if rules := slices.Concat(m.oneOf(), m.apart(), m.byKind()); len(rules) > 0 {
		o["allOf"] = rules
	}
	return o
}

// schema is the value's JSON Schema with what the key adds.
func (k Key) schema() object {
	o := k.Value.schema()
	// A sibling of $ref is read since draft 2019-09; some editors read older ones.
	if _, is := o["$ref"]; is {
		o = object{"allOf": []any{o}}
	}
	o["description"] = k.describe()
	if k.Default != nil {
		o["default"] = k.Default
	}
	return o
}

// describe is the key's text, with the type that an expression must have.
func (k Key) describe() string {
	if k.Value.Kind == KindExpression && k.Value.Type != "" {
		return k.Doc + " (CEL, " + k.Value.Type + ")"
	}
	return k.Doc
}

// given is the schema of mappings that have some keys.
func given(keys ...string) object { return object{"required": keys} }

// anyGiven is the schema of mappings that have at least one of some keys.
func anyGiven(keys []string) []any {
	var out []any
	for _, k := range keys {
		out = append(out, given(k))
	}
	return out
}

// oneOf asks for exactly one of the keys that say what the mapping is, and for the
// keys that go with it.
func (m Mapping) oneOf() []any {
	var out []any
	if len(m.OneOf) > 0 {
		out = append(out, object{"oneOf": anyGiven(m.OneOf)})
	}
	if len(m.Some) > 0 {
		out = append(out, object{"anyOf": anyGiven(m.Some)})
	}
	for _, k := range m.Keys {
		if len(k.With) == 0 || m.By != "" {
			continue
		}
		out = append(out, object{"if": given(k.Name), "then": object{"anyOf": anyGiven(k.With)}})
		if k.Need {
			out = append(out, object{"if": object{"anyOf": anyGiven(k.With)}, "then": given(k.Name)})
		}
	}
	return out
}

// apart refuses two of the keys that do not go together.
func (m Mapping) apart() []any {
	var out []any
	for i, a := range m.Apart {
		for _, b := range m.Apart[i+1:] {
			out = append(out, object{"not": given(a, b)})
		}
	}
	return out
}

// byKind says for each kind which keys it needs and which are not its.
func (m Mapping) byKind() []any {
	by, ok := m.Key(m.By)
	if !ok {
		return nil
	}
	var out []any
	for _, kind := range by.Value.Words {
		refused, needed := object{}, []string{}
		for _, k := range m.Keys {
			switch {
			case len(k.With) == 0 || k.Later:
			case !slices.Contains(k.With, kind):
				refused[k.Name] = false
			case k.Need:
				needed = append(needed, k.Name)
			}
		}
		is := object{"properties": object{m.By: object{"const": kind}}, "required": []string{m.By}}
		out = append(out, object{"if": is, "then": object{"required": needed, "properties": refused}})
	}
	return out
}

// scalars are the types of what YAML makes of a text without quotes.
var scalars = []string{"string", "number", "boolean"}

// span is a length of time as the readers take it.
const span = `^[-+]?([0-9]+d|0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`

// schema is the JSON Schema of a value.
func (v Value) schema() object {
	switch v.Kind {
	case KindBool:
		return object{"type": "boolean"}
	case KindNull:
		return object{"type": "null"}
	case KindInt:
		return object{"type": "integer"}
	case KindNumber:
		return object{"type": []string{"number", "string"}}
	case KindDuration:
		return object{"type": "string", "pattern": span}
	case KindExpression:
		return v.expression()
	case KindWord:
		return object{"type": "string", "enum": v.Words}
	case KindText:
		return v.text()
	case KindList:
		return v.bounded(object{"type": "array", "items": v.Of[0].schema()}, "minItems", "maxItems")
	case KindEntries:
		return v.bounded(object{"type": "object", "additionalProperties": v.Of[0].schema()}, "minProperties", "maxProperties")
	case KindMapping:
		return object{"$ref": ref(v.Ref)}
	case KindEither:
		var all []any
		for _, of := range v.Of {
			all = append(all, of.schema())
		}
		return object{"anyOf": all}
	}
	return object{}
}

// expression is the schema of CEL: a literal of the type may stand without quotes.
func (v Value) expression() object {
	switch v.Type {
	case "":
		return object{"type": scalars}
	case "bool":
		return object{"type": []string{"string", "boolean"}}
	case "int", "double", "decimal":
		return object{"type": []string{"string", "number"}}
	}
	return object{"type": "string"}
}

// text is the schema of a text. Words beside a pattern are for an editor to
// propose; the pattern decides.
func (v Value) text() object {
	o := object{"type": scalars}
	if v.Pattern != "" {
		o["pattern"] = v.Pattern // of strings: numbers pass
	}
	if len(v.Words) > 0 {
		return object{"anyOf": []any{object{"enum": v.Words}, o}}
	}
	return o
}

// bounded adds the bounds of a list or mapping.
func (v Value) bounded(o object, least, most string) object {
	if v.Min > 0 {
		o[least] = v.Min
	}
	if v.Max > 0 {
		o[most] = v.Max
	}
	return o
}
