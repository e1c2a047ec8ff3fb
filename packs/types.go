package packs

import (
	_ "embed"
	"fmt"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/source"
)

//go:embed types.yaml
var typesFile []byte

// Type is a fact type that the built-in packs share.
type Type struct {
	source.Type
	Description string
}

// Types are the fact types that the built-in packs share, in the order of the
// file. They are declared once, so that an operator fills one inventory whatever
// packs read it.
func Types() ([]Type, error) {
	file, root := strictyaml.Open("builtin:types.yaml", typesFile)
	var all []Type
	for _, e := range root.Fields("types").Need("types").Entries() {
		f := e.Value.Fields("description", "key", "fields")
		t := Type{Type: source.Type{Name: e.Key.Text(), Key: f.Get("key").Texts()}, Description: f.Need("description").Text()}
		for _, field := range f.Need("fields").Entries() {
			t.Fields = append(t.Fields, source.Field{Name: field.Key.Text(), Type: field.Value.Text()})
		}
		all = append(all, t)
	}
	if err := file.Err(); err != nil {
		return nil, fmt.Errorf("read the built-in fact types: %w", err)
	}
	return all, nil
}
