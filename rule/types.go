package rule

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// kind is a type constructor of the rule language.
type kind uint8

const (
	kindDyn kind = iota
	kindBool
	kindInt
	kindDouble
	kindDecimal
	kindMoney
	kindString
	kindTimestamp
	kindDuration
	kindBytes
	kindList
	kindMap
)

var kindNames = []string{
	"dyn", "bool", "int", "double", "decimal", "money", "string",
	"timestamp", "duration", "bytes", "list", "map",
}

// typePattern is what a type looks like; [parseType] knows whether it is one.
var typePattern = `^\s*(` + strings.Join(kindNames[:kindList], "|") + `|list\(.+\)|map\(\s*string\s*,.+\))\s*\??\s*$`

// valueType is a type as rule files write it: "money", "list(string)",
// "map(string, int)?".
type valueType struct {
	kind     kind
	elem     *valueType // of a list or a map
	optional bool       // the field may be absent
}

// String writes the type as a rule file does.
func (t valueType) String() string {
	s := kindNames[t.kind]
	switch t.kind {
	case kindList:
		s += "(" + t.elem.String() + ")"
	case kindMap:
		s += "(string, " + t.elem.String() + ")"
	}
	if t.optional {
		s += "?"
	}
	return s
}

// present is the type without its question mark.
func (t valueType) present() valueType {
	t.optional = false
	return t
}

// parseType reads a type. Keys of maps are strings.
func parseType(text string) (valueType, error) {
	s := strings.TrimSpace(text)
	base, optional := strings.CutSuffix(s, "?")
	t, err := parsePresent(strings.TrimSpace(base), 0)
	if err != nil {
		return t, err
	}
	t.optional = optional
	return t, nil
}

// maxTypeDepth bounds list(list(list(…))).
const maxTypeDepth = 8

// parsePresent reads a type without the question mark.
func parsePresent(s string, depth int) (valueType, error) {
	if depth > maxTypeDepth {
		return valueType{}, fmt.Errorf("type nests deeper than %d", maxTypeDepth)
	}
	if inner, ok := argument(s, "list"); ok {
		return parseElem(kindList, inner, depth)
	}
	if inner, ok := argument(s, "map"); ok {
		key, value, found := strings.Cut(inner, ",")
		if !found || strings.TrimSpace(key) != "string" {
			return valueType{}, fmt.Errorf("%q: a map is written map(string, T); its keys are strings", s)
		}
		return parseElem(kindMap, value, depth)
	}
	for k, name := range kindNames[:kindList] {
		if s == name {
			return valueType{kind: kind(k)}, nil
		}
	}
	return valueType{}, &unknownTypeError{s}
}

// parseElem reads the T of list(T) and map(string, T). It takes no question mark: an
// element that is absent is not in the list.
func parseElem(k kind, text string, depth int) (valueType, error) {
	elem, err := parsePresent(strings.TrimSpace(text), depth+1)
	return valueType{kind: k, elem: &elem}, err
}

// argument takes list(…) and map(…) apart.
func argument(s, name string) (string, bool) {
	rest, ok := strings.CutPrefix(s, name+"(")
	if !ok || !strings.HasSuffix(rest, ")") {
		return "", false
	}
	return rest[:len(rest)-1], true
}

// unknownTypeError carries the name, so that the nearest one can be shown.
type unknownTypeError struct{ name string }

// Error is the sentence without the nearest name, which the place of the mistake
// adds.
func (e *unknownTypeError) Error() string { return fmt.Sprintf("unknown type %q", e.name) }

// cel is the type as CEL checks it; whether a field is optional is no part of
// it: CEL asks with has().
func (t valueType) cel() *cel.Type {
	switch t.kind {
	case kindList:
		return cel.ListType(t.elem.cel())
	case kindMap:
		return cel.MapType(cel.StringType, t.elem.cel())
	}
	return celKinds[t.kind]
}

var celKinds = map[kind]*cel.Type{
	kindDyn: cel.DynType, kindBool: cel.BoolType, kindInt: cel.IntType, kindDouble: cel.DoubleType,
	kindDecimal: decimalType, kindMoney: moneyType, kindString: cel.StringType,
	kindTimestamp: cel.TimestampType, kindDuration: cel.DurationType, kindBytes: cel.BytesType,
}

// accepts reports whether a field of this type takes an expression of type out.
// An int is taken where a double or decimal is wanted: it loses nothing.
func (t valueType) accepts(out *types.Type) bool {
	if t.optional && out.Kind() == types.NullTypeKind {
		return true
	}
	if t.optional && isOptional(out) {
		return t.present().accepts(out.Parameters()[0])
	}
	switch {
	case out.Kind() == types.DynKind:
		return true
	case out.Kind() == types.IntKind && (t.kind == kindDouble || t.kind == kindDecimal):
		return true
	case t.kind == kindDyn:
		return out.Kind() != types.StructKind || isAmount(out)
	}
	return t.cel().IsAssignableType(out)
}

// isAmount reports whether t is decimal or money, which CEL takes for structs.
func isAmount(t *types.Type) bool {
	return t.TypeName() == decimalType.TypeName() || t.TypeName() == moneyType.TypeName()
}

// isIdent reports whether s can name a field, a type or a parameter.
func isIdent(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && !reservedWords[s]
}

// isName reports whether s can name a pattern or a value.
func isName(s string) bool { return isIdent(s) && s != "now" && s != "params" }

// reservedWords are CEL's; a name among them could not be read.
var reservedWords = set("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for",
	"function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while")

// set makes a set of names.
func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// isOptional reports whether t is the result of x.?f.
func isOptional(t *types.Type) bool {
	return t.Kind() == types.OpaqueKind && t.TypeName() == "optional_type"
}
