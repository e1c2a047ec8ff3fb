package rete

// Base is a compiled, immutable set of types and productions that any number of
// sessions share.
type Base struct{}

// Compile checks and compiles types and productions. The error joins a
// [CompileError] for each thing that is wrong.
func Compile(types []Type, productions []Production) (*Base, error) { return &Base{}, nil }

// With is the base with more types and productions. A type that is there already
// must be the same; a production must not be there.
func (b *Base) With(types []Type, productions []Production) (*Base, error) { return nil, nil }

// Without is the base without some productions; unknown IDs are an error.
func (b *Base) Without(ids ...string) (*Base, error) { return nil, nil }

// Productions lists the IDs of the productions in order.
func (b *Base) Productions() []string { return nil }

// Type finds a type by its name.
func (b *Base) Type(name string) (Type, bool) { return Type{}, false }

type typeInfo struct {
	Type
	index map[string]int
}

func (t *typeInfo) fieldsOf(values []any) Fields { return nil }
