package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/schema/schematest"
	"github.com/trimtab/trimtab/packs"
)

func schemaOf(t *testing.T, name string) schematest.Schema {
	t.Helper()
	for _, s := range Schemas() {
		if s.Name == name {
			data, err := s.Write()
			return schematest.Compile(t, data, err)
		}
	}
	t.Fatalf("no schema %s", name)
	return schematest.Schema{}
}

func fileOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSchemasTakeOurFiles: every file of ours is what its schema says.
func TestSchemasTakeOurFiles(t *testing.T) {
	pack, config := schemaOf(t, "pack"), schemaOf(t, "config")
	for _, name := range packs.Names() {
		files, err := packs.Folder(name)
		if err != nil || len(files) == 0 {
			t.Fatal(name, err)
		}
		for _, f := range files {
			if err := pack.Check(t, f.Data); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
	if err := pack.Check(t, fileOf(t, "../../cmd/trimtab/starter/rules/first.yaml")); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"../../cmd/trimtab/starter/trimtab.yaml", "../demo/trimtab.yaml"} {
		if err := config.Check(t, fileOf(t, path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestSchemasRefuse: what is wrong is refused where it stands.
func TestSchemasRefuse(t *testing.T) {
	const pack = "apiVersion: trimtab/v1\npack: p\nrules: [{id: a, when: [{match: T, as: x}], then: [{recommend: {action: stop, resource: x.id}}]}]\n"
	const config = "apiVersion: trimtab/v1\npacks: [a]\nsources: [{name: b, kind: focus, path: x}]\nboards: [{name: b, tracker: t, project: P}]\n"
	for _, c := range []struct{ schema, good, old, new, want string }{
		{"pack", pack, "as: x", "az: x", "additional properties 'az' not allowed"},
		{"pack", pack, "{match: T, as: x}", "{as: x}", "missing property"},
		{"pack", pack, "id: a", "id: [a]", "/rules/0/id"},
		{"pack", pack, "then:", "enabled: maybe, then:", "want boolean"},
		{"pack", pack, "pack: p", "pack: P Q", "does not match pattern"},
		{"pack", pack, "trimtab/v1", "trimtab/v9", "must be 'trimtab/v1'"},
		{"pack", pack, "rules:", "states: []\nrules:", "additional properties 'states' not allowed"},
		{"pack", pack, "resource: x.id", "resource: x.id, savings: 5", "/savings"},
		{"pack", pack, "rules:", "facts: {T: {fields: {id: strnig}}}\nrules:", "/facts/T/fields/id"},
		{"config", config, "packs: [a]", "pakcs: [a]", "additional properties 'pakcs' not allowed"},
		{"config", config, "path: x", "path: x, fact: T", "/sources/0/fact"},
		{"config", config, "kind: focus", "kind: table", "missing properties"},
		{"config", config, "kind: focus", "kind: sql", "must be one of"},
		{"config", config, "packs: [a]", "packs: []", "minItems"},
		{"config", config, "packs: [a]", "packs: [a]\nsync: {interval: soon}", "does not match pattern"},
		{"config", config, "packs: [a]", "packs: [a]\npolicy: {sightings: many}", "want integer"},
	} {
		s := schemaOf(t, c.schema)
		if err := s.Check(t, []byte(c.good)); err != nil {
			t.Fatalf("%s: %v", c.schema, err)
		}
		err := s.Check(t, []byte(strings.Replace(c.good, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v, want %s", c.new, c.old, err, c.want)
		}
	}
}
