// Package schema describes the YAML files that people write: which keys a mapping
// may have, what stands under each, and what it is for.
//
// A description is the one table of a mapping's keys. The reader of the file takes
// the keys that it knows from it ([Mapping.Names]), and the JSON Schema by which
// editors complete and check the file is written from it ([Write]), so that the
// two cannot drift apart.
package schema

import "slices"

// Mapping describes a mapping with known keys.
type Mapping struct {
	Name string // by which values refer to it
	Doc  string
	Keys []Key
	// OneOf are keys of which exactly one is given: it says what the mapping is.
	OneOf []string
	// By is the key whose value says what the mapping is; see [Key.With].
	By string
	// Apart are keys of which at most one is given.
	Apart []string
	// Some are keys of which at least one is given.
	Some []string
}

// Key describes one key of a mapping.
type Key struct {
	Name  string
	Doc   string
	Value Value
	// Need says that the key must be given; of a key with With, only there.
	Need bool
	// Later says that the key is reserved: readers know it to refuse it with a word
	// of its own, and it is in no schema.
	Later bool
	// With says where the key belongs: beside one of these keys of OneOf, or where By
	// has one of these values. Empty: anywhere.
	With []string
	// Default is what holds where the key is not given.
	Default any
}

// Kind is what stands under a key.
type Kind string

// The kinds of values.
const (
	KindText       Kind = "text"       // any scalar, as it is written
	KindBool       Kind = "bool"       // true or false
	KindInt        Kind = "int"        // a whole number
	KindNumber     Kind = "number"     // a number, in figures or as a text
	KindDuration   Kind = "duration"   // 90s, 1h30m, 14d
	KindExpression Kind = "expression" // CEL
	KindWord       Kind = "word"       // one of some words
	KindList       Kind = "list"
	KindEntries    Kind = "entries" // a mapping whose keys are free
	KindMapping    Kind = "mapping" // one that a Mapping describes
	KindEither     Kind = "either"
	KindNull       Kind = "null" // the key alone
	KindAny        Kind = "any"
)

// Value describes what stands under a key.
type Value struct {
	Kind Kind
	// Type is that of an expression's result, in the words of the rule language; ""
	// for any.
	Type string
	// Words are those of KindWord; of KindText, what an editor proposes.
	Words []string
	// Pattern is a regular expression that a text matches.
	Pattern string
	// Ref is the name of the mapping.
	Ref string
	// Of are the alternatives of KindEither, or the one element of KindList and
	// KindEntries.
	Of []Value
	// Min and Max bound the elements; a Max of 0 is no bound.
	Min, Max int
}

// The simple values.
var (
	Text     = Value{Kind: KindText}
	Bool     = Value{Kind: KindBool}
	Int      = Value{Kind: KindInt}
	Number   = Value{Kind: KindNumber}
	Duration = Value{Kind: KindDuration}
	Null     = Value{Kind: KindNull}
	Any      = Value{Kind: KindAny}
)

// Expression is CEL whose result has a type, in the words of the rule language.
func Expression(typ string) Value { return Value{Kind: KindExpression, Type: typ} }

// Pattern is a text that matches a regular expression.
func Pattern(re string) Value { return Value{Kind: KindText, Pattern: re} }

// Word is one of some words.
func Word(words ...string) Value { return Value{Kind: KindWord, Words: words} }

// List is a list of at least min elements.
func List(of Value, min int) Value { return Value{Kind: KindList, Of: []Value{of}, Min: min} }

// Entries is a mapping with free keys.
func Entries(of Value) Value { return Value{Kind: KindEntries, Of: []Value{of}} }

// Ref is a mapping by its name.
func Ref(name string) Value { return Value{Kind: KindMapping, Ref: name} }

// Either is one of several.
func Either(of ...Value) Value { return Value{Kind: KindEither, Of: of} }

// Texts is a list of texts; a single text stands for a list of one.
var Texts = Either(Text, List(Text, 0))

// Names are all keys that a reader knows, the reserved ones among them.
func (m Mapping) Names() []string {
	names := make([]string, len(m.Keys))
	for i, k := range m.Keys {
		names[i] = k.Name
	}
	return names
}

// Later are the keys that are reserved.
func (m Mapping) Later() []string {
	var names []string
	for _, k := range m.Keys {
		if k.Later {
			names = append(names, k.Name)
		}
	}
	return names
}

// Key finds a key by its name.
func (m Mapping) Key(name string) (Key, bool) {
	for _, k := range m.Keys {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

// For are the keys that belong where the mapping is of a kind, and not only there.
func (m Mapping) For(kind string) []string {
	var names []string
	for _, k := range m.Keys {
		if !k.Later && (len(k.With) == 0 || slices.Contains(k.With, kind)) {
			names = append(names, k.Name)
		}
	}
	return names
}
