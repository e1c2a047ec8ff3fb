package packs_test

import (
	"testing"

	"github.com/trimtab/trimtab/packs"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/focus"
)

// options name every built-in pack and the types that they may read.
func options(t *testing.T) rule.Options {
	t.Helper()
	var options rule.Options
	for _, name := range packs.Names() {
		files, err := packs.Folder(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			options.Files = append(options.Files, rule.File{Name: f.Name, Data: f.Data})
		}
	}
	shared, err := packs.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range shared {
		options.Types = append(options.Types, declOf(typ))
	}
	for _, typ := range focus.New(focus.Config{}).Types() {
		options.Types = append(options.Types, declOf(typ))
	}
	return options
}

// all loads every built-in pack together, as a deployment may.
func all(t *testing.T) *rule.Set {
	t.Helper()
	set, err := rule.Load(options(t))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func declOf(typ source.Type) rule.TypeDecl {
	decl := rule.TypeDecl{Name: typ.Name, Key: typ.Key}
	for _, f := range typ.Fields {
		decl.Fields = append(decl.Fields, rule.FieldDecl{Name: f.Name, Type: f.Type})
	}
	return decl
}

func TestEveryRuleIsTested(t *testing.T) {
	set := all(t)
	found, err := set.Lint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range found {
		t.Errorf("%s", w)
	}
	results, covered, err := set.Cover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range covered {
		if !c.Whole() {
			t.Errorf("%s:%d: %s: its tests saw %q hold: %v, and fail: %v", c.File, c.Line, c.Rule, c.Text, c.True, c.False)
		}
	}
	tested := map[string]bool{}
	for _, r := range results {
		tested[r.Rule] = true
		for _, failure := range r.Failures {
			t.Errorf("%s: %s: %s", r.Rule, r.Name, failure)
		}
	}
	for _, r := range set.Rules() {
		if !tested[r.ID] {
			t.Errorf("%s has no test", r.ID)
		}
	}
}

func TestUnknownFolder(t *testing.T) {
	for _, name := range []string{"oracle", "", "*", "../packs", "aws/compute.yaml"} {
		if files, err := packs.Folder(name); err == nil {
			t.Errorf("%q gave %d packs", name, len(files))
		}
	}
}
