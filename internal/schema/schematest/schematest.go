// Package schematest holds a JSON Schema against the reader whose files it
// describes: what the one refuses the other must refuse.
package schematest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// Schema is a JSON Schema that was compiled, which proves that it is one.
type Schema struct{ s *jsonschema.Schema }

// Compile compiles a schema.
func Compile(t *testing.T, data []byte, err error) Schema {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return Schema{s}
}

// Check holds a YAML file against the schema.
func (s Schema) Check(t *testing.T, data []byte) error {
	t.Helper()
	file, root := strictyaml.Open("file.yaml", data)
	plain, err := json.Marshal(root.Plain())
	if err != nil || file.Err() != nil {
		t.Fatal(err, file.Err())
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s.s.Validate(doc)
}

// shape are what readers say of the shape of a file, whatever it means.
var shape = regexp.MustCompile(`unknown key|is needed here, not ("|list|mapping|null)|an expression is needed|"[a-zA-Z_]+" is missing|needs a value|cannot stand in one|what is this\?`)

// Agree holds schema and reader against each other on a file that both accept and
// on many that differ from it in one place: the schema is never stricter than the
// reader, and refuses whatever the reader refuses for its shape.
func Agree(t *testing.T, s Schema, data []byte, read func(data []byte) error) {
	t.Helper()
	if err := s.Check(t, data); err != nil {
		t.Fatalf("the schema refuses a good file: %v", err)
	}
	if err := read(data); err != nil {
		t.Fatalf("the reader refuses a good file: %v", err)
	}
	_, root := strictyaml.Open("file.yaml", data)
	n := 0
	for what, doc := range mutants(root.Plain()) {
		text, err := json.Marshal(doc) // which is YAML too
		if err != nil {
			t.Fatal(err)
		}
		n++
		refused, said := s.Check(t, text), read(text)
		if refused != nil && said == nil {
			t.Errorf("%s: only the schema refuses it: %v", what, refused)
		}
		if refused == nil && said != nil && shape.MatchString(said.Error()) {
			t.Errorf("%s: only the reader refuses it: %v", what, said)
		}
	}
	t.Logf("%d mutants", n)
}
