package packs

import (
	_ "embed"
	"fmt"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/source"
)

//go:embed types.yaml
var typesFile []byte

// Types are the fact types that the built-in packs share, in the order of the
// file. They are declared once, so that an operator fills one inventory whatever
// packs read it.
func Types() ([]source.Type, error) {
	file, root := strictyaml.Open("builtin:types.yaml", typesFile)
	var all []source.Type
	for _, e := range root.Fields("types").Need("types").Entries() {
		f := e.Value.Fields("description", "key", "fields")
		t := source.Type{Name: e.Key.Text(), Key: f.Get("key").Texts(), Doc: f.Need("description").Text()}
		for _, field := range f.Need("fields").Entries() {
			t.Fields = append(t.Fields, fieldOf(field))
		}
		all = append(all, t)
	}
	if err := file.Err(); err != nil {
		return nil, fmt.Errorf("read the built-in fact types: %w", err)
	}
	return all, nil
}

// fieldOf reads a field: its type, or {type, description}.
func fieldOf(e strictyaml.Entry) source.Field {
	if e.Value.Kind() != strictyaml.Mapping {
		return source.Field{Name: e.Key.Text(), Type: e.Value.Text()}
	}
	f := e.Value.Fields("type", "description")
	return source.Field{Name: e.Key.Text(), Type: f.Need("type").Text(), Doc: f.Need("description").Text()}
}
