package rule

import (
	"errors"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

const limited = `apiVersion: trimtab/v1
pack: aws.compute
params:
  max_cpu: {type: double, default: 5.0, description: idle below}
  budget: {type: money, default: 10.00 USD}
  region: {type: string}
  note: {type: 'string?'}
rules:
  - id: a
    when: [{match: VM, as: vm, where: 'vm.cpu < params.max_cpu && vm.monthly_cost > params.budget && vm.region == params.region && (!has(params.note) || params.note != vm.id)'}]
    then: [{recommend: {action: stop, resource: vm.id}}]
  - id: b
    when: [{match: VM, as: vm}]
    then: [{log: vm.id}]
`

var provided = []TypeDecl{{Name: "VM", Key: []string{"id"}, Fields: []FieldDecl{
	{Name: "id", Type: "string"}, {Name: "cpu", Type: "double"}, {Name: "region", Type: "string"}, {Name: "monthly_cost", Type: "money"},
}}}

func TestParams(t *testing.T) {
	o := Options{
		Files: []File{{"a.yaml", []byte(limited)}}, Types: provided,
		Params: map[string]map[string]any{"aws.compute": {"max_cpu": 3, "region": "eu", "budget": "20.00 USD"}},
	}
	s, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	_, out := run1(t, s,
		Fact{"VM", map[string]any{"id": "a", "cpu": 2.9, "region": "eu", "monthly_cost": "20.01 USD"}},
		Fact{"VM", map[string]any{"id": "b", "cpu": 3.1, "region": "eu", "monthly_cost": "30 USD"}},
		Fact{"VM", map[string]any{"id": "c", "cpu": 1, "region": "eu", "monthly_cost": "20 USD"}},
		Fact{"VM", map[string]any{"id": "d", "cpu": 1, "region": "us", "monthly_cost": "30 USD"}})
	if len(out.Recommendations) != 1 || out.Recommendations[0].Resource != "a" {
		t.Errorf("%+v", out.Recommendations)
	}
	before, _ := s.Rule("aws.compute/a")
	other, _ := s.Rule("aws.compute/b")
	o.Params["aws.compute"]["max_cpu"] = 4.0
	next, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := next.Rule("aws.compute/a"); after.Hash == before.Hash {
		t.Error("a changed parameter leaves the hash of its rule")
	}
	if after, _ := next.Rule("aws.compute/b"); after.Hash != other.Hash {
		t.Error("a changed parameter changes the hash of a rule that does not read it")
	}
	if p := next.Params(); len(p) != 4 || p[0].Value != 4.0 || p[0].Default != 5.0 || p[0].Pack != "aws.compute" {
		t.Errorf("params %+v", p)
	}
}

func TestParamErrors(t *testing.T) {
	got := said(t, Options{
		Files: []File{{"a.yaml", []byte(limited)}}, Types: provided, ParamsFile: "trimtab.yaml",
		Params: map[string]map[string]any{
			"aws.compute": {"max_cp": 3.0, "max_cpu": "low", "budget": "3"},
			"aws.compte":  {"x": 1},
		},
	})
	for _, want := range []string{
		`trimtab.yaml: error: params: no pack "aws.compte" is loaded; did you mean "aws.compute"?`,
		`trimtab.yaml: error: params: pack aws.compute has no parameter "max_cp"; did you mean "max_cpu"?`,
		`params: aws.compute.max_cpu is a double: "low" is no double`,
		`params: aws.compute.budget is a money: "3" is no amount of money`,
		`a.yaml:6:3: error: parameter region has no default and the deployment gives no value`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s\nin:\n%s", want, got)
		}
	}
}

// TestTypesAgree: the same type twice is no harm, another one is told with who
// declared the first.
func TestTypesAgree(t *testing.T) {
	head := "apiVersion: trimtab/v1\npack: %\nrules: []\nfacts:\n  T: {key: [a], fields: {a: string, b: int}}\n"
	pack := func(name, b string) string {
		return strings.Replace(strings.Replace(head, "%", name, 1), "b: int", b, 1)
	}
	if _, err := tryLoad(pack("x", "b: int"), pack("y", "b: int")); err != nil {
		t.Error(err)
	}
	for b, want := range map[string]string{
		"b: double":         "T is declared differently by pack x: field b is double here, int there",
		"b: int, c: string": "field c is only here",
		"c: int":            "field c is only here",
		"b: 'int?'":         "field b is int? here, int there",
	} {
		_, err := tryLoad(pack("x", "b: int"), pack("y", b))
		if err == nil || !strings.Contains(err.Error(), "b.yaml:5:3: error:") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", b, err)
		}
	}
	_, err := Load(Options{
		Files: []File{{"a.yaml", []byte(pack("x", "b: int"))}},
		Types: []TypeDecl{{Name: "T", Key: []string{"a"}, Fields: []FieldDecl{{Name: "a", Type: "string"}}}},
	})
	if err == nil || !strings.Contains(err.Error(), "differently by the sources") {
		t.Error(err)
	}
	if _, err := tryLoad(pack("x", "b: int"), pack("x", "b: int")); err == nil || !strings.Contains(err.Error(), "pack x is already there: a.yaml:2") {
		t.Error(err)
	}
}

// TestPartOfProvidedType: a pack may name of a provided type the fields that it
// reads, as they are, and all that a fact must have.
func TestPartOfProvidedType(t *testing.T) {
	whole := TypeDecl{Name: "T", Key: []string{"a"}, Fields: []FieldDecl{{Name: "a", Type: "string"}, {Name: "b", Type: "int"}, {Name: "c", Type: "string?"}}}
	for facts, want := range map[string]string{
		"{key: [a], fields: {a: string, b: int}}":                          "",
		"{key: [a], fields: {b: int, a: string, c: 'string?'}}":            "",
		"{key: [a], fields: {a: string, c: 'string?'}}":                    "field b is missing here",
		"{key: [a], fields: {a: string, b: double}}":                       "field b is double here, int there",
		"{key: [a], fields: {a: string, b: int, c: string}}":               "field c is string here, string? there",
		"{key: [a], fields: {a: string, b: int, d: 'string?'}}":            "field d is only here",
		"{key: [a, b], fields: {a: string, b: int}}":                       "key [a, b] here, [a] there",
		"{fields: {a: string, b: int}}":                                    "key [] here, [a] there",
		"{key: [a], fields: {a: string, b: int, c: 'string?', d: 'int?'}}": "field d is only here",
	} {
		text := "apiVersion: trimtab/v1\npack: x\nrules: []\nfacts:\n  T: " + facts + "\n"
		set, err := Load(Options{Files: []File{{"a.yaml", []byte(text)}}, Types: []TypeDecl{whole}})
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), "differently by the sources: "+want) {
				t.Errorf("%s: %v", facts, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", facts, err)
			continue
		}
		for _, d := range set.Types() {
			if d.Name == "T" && len(d.Fields) != 3 {
				t.Errorf("%s made the type %v", facts, d)
			}
		}
	}
}

func TestBadTypeDecls(t *testing.T) {
	for _, d := range []TypeDecl{
		{Name: "Clock"},
		{Name: "a b"},
		{Name: "T", Fields: []FieldDecl{{Name: "a", Type: "mony"}}},
		{Name: "T", Key: []string{"a"}},
		{Name: "T", Fields: []FieldDecl{{Name: "a", Type: "int"}, {Name: "a", Type: "int"}}},
		{Name: "T", Fields: []FieldDecl{{Name: "a", Type: strings.Repeat("list(", 20) + "int" + strings.Repeat(")", 20)}}},
	} {
		_, err := Load(Options{Types: []TypeDecl{d}})
		var all strictyaml.Diagnostics
		if !errors.As(err, &all) {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

// TestReload: what did not change does not fire again, what was removed is
// withdrawn.
func TestReload(t *testing.T) {
	o := Options{
		Files: []File{{"a.yaml", []byte(limited)}}, Types: provided,
		Params: map[string]map[string]any{"aws.compute": {"region": "eu"}},
	}
	s, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	session, out := run1(t, s, Fact{"VM", map[string]any{"id": "a", "cpu": 4, "region": "eu", "monthly_cost": "20 USD"}})
	if len(out.Recommendations) != 1 || out.Firings["aws.compute/b"] != 1 {
		t.Fatalf("%+v", out)
	}
	o.Params["aws.compute"]["max_cpu"] = 3.0
	next, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Adopt(next); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); len(out.Recommendations) != 0 || len(out.Firings) != 0 {
		t.Errorf("after the reload: %+v", out)
	}
}

func TestSetListings(t *testing.T) {
	s := load(t, vmTypes, strings.Split(shared, "---\n")[0])
	rules := s.Rules()
	if len(rules) != 1 || rules[0].ID != "low/a" || rules[0].Actions[0] != "stop" || rules[0].Line != 4 || !rules[0].Enabled {
		t.Errorf("%+v", rules[0])
	}
	names := ""
	for _, d := range s.Types() {
		names += d.Name + " "
	}
	if names != "Assignment Clock Idle Keep Metric Recommendation Unevaluable VM " {
		t.Error(names)
	}
	if d := rules[0].Derives(); len(d) != 1 || d[0] != "Recommendation" {
		t.Error(d)
	}
}
