package rule

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestOperations compiles the example of every form of every operation: what the
// catalogue lists can be written.
func TestOperations(t *testing.T) {
	env, err := newEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	ops, functions, macros := env.operations()
	forms := 0
	for _, op := range slices.Concat(ops, functions, macros) {
		if op.Description == "" || len(op.Forms) == 0 {
			t.Errorf("%s has %d forms and says %q of itself", op.Name, len(op.Forms), op.Description)
		}
		for _, f := range op.Forms {
			forms++
			tree, issues := env.base.Compile(f.Example)
			if issues.Err() != nil {
				t.Errorf("%s: %s: %v", op.Name, f.Example, issues.Err())
				continue
			}
			if !strings.Contains(f.Example, strings.Trim(op.Name, "?:[].")) {
				t.Errorf("%s is not in its example %s", op.Name, f.Example)
			}
			// A result that depends on what it is made of is an A or a dyn.
			if got := typeName(tree.OutputType()); len(f.Result) > 2 && !strings.ContainsAny(f.Result, "(") && f.Result != "dyn" && got != f.Result {
				t.Errorf("%s gives %s, not %s", f.Example, got, f.Result)
			}
		}
	}
	if forms < 150 {
		t.Errorf("only %d forms", forms)
	}
}

func find(t *testing.T, list []Operation, name string) Operation {
	t.Helper()
	i := slices.IndexFunc(list, func(op Operation) bool { return op.Name == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return list[i]
}

// TestOperationTypes: what a form offers for a field of a type.
func TestOperationTypes(t *testing.T) {
	env, err := newEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	ops, functions, macros := env.operations()
	for _, c := range []struct {
		list       []Operation
		name, want string
	}{
		{ops, "<", "bool bytes decimal double duration int money string timestamp"},
		{ops, "==", "bool bytes decimal double duration dyn int list map money string timestamp"},
		{ops, "-", "decimal double duration int money timestamp"},
		{functions, "startsWith", "string"},
		{functions, "size", "bytes list map string"},
		{functions, "currency", "money"},
		{macros, "exists", "list map"},
	} {
		if got := strings.Join(find(t, c.list, c.name).Types, " "); got != c.want {
			t.Errorf("%s takes %s, want %s", c.name, got, c.want)
		}
	}
	for _, name := range []string{"contains", "endsWith", "matches", "has", "duration", "timestamp", "decimal", "money", "amount", "all", "filter"} {
		find(t, slices.Concat(functions, macros), name)
	}
	if slices.ContainsFunc(slices.Concat(ops, functions), func(op Operation) bool { return strings.Contains(op.Name, "@") || op.Name == "uint" }) {
		t.Error("what authors cannot write is listed")
	}
}

// TestCatalogue: what a form is built from is there, with who it comes from.
func TestCatalogue(t *testing.T) {
	data, err := os.ReadFile("testdata/good/idle-vm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := Load(Options{Files: []File{{"idle-vm.yaml", data}}, Types: []TypeDecl{{
		Name: "Owner", From: "source owners", Doc: "Who owns an account.", Fields: []FieldDecl{{"email", "string?", "Where to write to."}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	c := set.Catalogue()
	if len(c.Packs) != 1 || c.Packs[0].Rules != len(c.Rules) || c.Packs[0].Name == "" || c.Packs[0].File != "idle-vm.yaml" {
		t.Errorf("packs %+v", c.Packs)
	}
	for name, want := range map[string]TypeInfo{
		"Owner":          {Provider: "source owners", Description: "Who owns an account."},
		"Recommendation": {Provider: "Trimtab", Own: true, Description: "One proposal about one resource."},
		"Resource":       {Provider: "pack " + c.Packs[0].Name},
	} {
		i := slices.IndexFunc(c.FactTypes, func(t TypeInfo) bool { return t.Name == name })
		if i < 0 {
			t.Fatalf("no %s", name)
		}
		if got := c.FactTypes[i]; got.Provider != want.Provider || got.Own != want.Own || got.Description != want.Description {
			t.Errorf("%+v", got)
		}
	}
	for _, a := range c.Aggregates {
		if a.Description == "" || len(a.Results) == 0 {
			t.Errorf("aggregate %+v", a)
		}
	}
	checkNothingIsNull(t, c)
}

// checkNothingIsNull holds lists to be lists: a form walks them without asking.
func checkNothingIsNull(t *testing.T, c Catalogue) {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, inner := range x {
				walk(path+"."+k, inner)
			}
		case []any:
			for _, inner := range x {
				walk(path, inner)
			}
		case nil:
			if !strings.HasSuffix(path, ".default") {
				t.Errorf("%s is null", path)
			}
		}
	}
	walk("", back)
}

// TestConstructs: the elements, actions and options are those of the loader, each
// with a word about it.
func TestConstructs(t *testing.T) {
	c := (&Set{env: mustEnvironment(t)}).Catalogue()
	names := func(list []ConstructInfo) (out []string) {
		for _, x := range list {
			out = append(out, x.Name)
			if x.Description == "" {
				t.Errorf("%s says nothing", x.Name)
			}
		}
		return out
	}
	if got := names(c.Elements); !slices.Equal(got, elementMapping.OneOf) {
		t.Errorf("elements %v", got)
	}
	if got := names(c.Actions); !slices.Equal(got, actionMapping.OneOf) {
		t.Errorf("actions %v", got)
	}
	recommend := c.Actions[0].Keys
	for name, typ := range map[string]string{"resource": "string", "savings": "money", "restart": "bool", "tags": "map(string, string)"} {
		i := slices.IndexFunc(recommend, func(k KeyInfo) bool { return k.Name == name })
		if i < 0 || recommend[i].Type != typ || recommend[i].Required != (name == "resource") || !recommend[i].Inside {
			t.Errorf("recommend's %s: %+v", name, recommend)
		}
	}
	if !slices.Contains(c.Strategies, "depth") || !slices.Contains(c.HitPolicies, "unique") || !slices.Contains(c.ValueTypes, "money") {
		t.Error("strategies, hit policies or types are missing")
	}
}

func mustEnvironment(t *testing.T) *environment {
	t.Helper()
	env, err := newEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	return env
}
