package rule

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/schema/schematest"
)

// everyKey are packs that together have every key of the language.
// Several packs rather than one: every mutant of a pack loads all of it.
var everyKey = []string{`
apiVersion: trimtab/v1
pack: of.when
facts: {VM: {key: [id], fields: {id: string, size: int}}, Load: {fields: {vm: string, value: double, bytes: int}}}
rules:
  - id: when
    when:
      - {match: VM, as: vm, where: vm.size > 1}
      - exists: [{match: Load, as: l, where: l.vm == vm.id}]
      - not: [{match: Load, as: n, where: n.value > 90.0}]
      - forall: {match: Load, as: f, where: f.vm == vm.id, satisfy: [{test: f.value < 1.0}]}
      - any: [[{match: Load, as: x, where: x.value > 1.0}], {match: Load, as: x, where: x.value < 0.5}]
      - accumulate: {from: [{match: Load, as: b}], let: {m: {sum: b.bytes}}, where: m > 0}
      - let: {big: vm.size > 8}
      - test: big
    then: [{log: vm.id}]
`, `
apiVersion: trimtab/v1
pack: of.accumulate
facts: {Load: {fields: {vm: string, value: double}}}
rules:
  - id: accumulate
    when:
      - accumulate:
          from: {match: Load, as: a, where: a.vm != ""}
          by: {group: a.vm}
          let: {n: {count: a.value > 0.0}, s: {sum: a.value, if: a.value > 0.0}, lo: {min: a.value}, hi: {max: a.value}, mean: {avg: a.value},
            d: {distinct: a.vm}, c: {collect: a.vm}, q50: {p50: a.value}, q90: {p90: a.value}, q95: {p95: a.value}, q99: {p99: a.value}}
          where: n > 0 && s + lo + hi + mean + q50 + q90 + q95 + q99 > 0.0 && d > 0 && size(c) > 0
    then: [{log: group}]
`, `
apiVersion: trimtab/v1
pack: of.options
owner: team
description: Every key of a pack and a rule.
groups: [early]
lint: {allow: [{id: no-test, reason: for the schema}]}
facts: {VM: {key: [id], fields: {id: string, size: int}, description: a machine}}
params: {limit: {type: int, default: 1, description: a limit}}
rules:
  - id: options
    title: All of it
    priority: vm.size
    subject: vm
    requires: [{match: VM, as: known, where: known.size > params.limit}]
    enabled: true
    no_loop: true
    tags: [a, b]
    doc: why
    runbook: docs/x.md
    group: early
    exclusive: {group: one, per: vm.size}
    effective: {from: 2026-01-01, until: 2027-01-01}
    params: {own: {type: int, default: 3}}
    lint: {allow: [{id: cross-product, reason: meant}]}
    when: [{match: VM, as: vm, where: vm.size > params.own}]
    then: [{log: vm.id}]
    tests: [{name: nothing, clock: 2026-01-02T00:00:00Z, given: [{VM: {id: a, size: 1}}], expect: []}]
`, `
apiVersion: trimtab/v1
pack: of.tables
facts: {VM: {key: [id], fields: {id: string, size: int}}}
rules:
  - id: rows
    when: [{match: VM, as: vm}]
    table: {hit: first, inputs: {size: vm.size}, outputs: {act: string}, rows: [{size: '> 8', act: stop}, {act: keep}]}
    then: [{log: act}]
  - id: csv
    when: [{match: VM, as: vm}]
    table: {inputs: {size: vm.size}, outputs: {act: string}, csv: "size,act\n-,stop\n"}
    then: [{log: act}]
  - id: file
    when: [{match: VM, as: vm}]
    table: {inputs: {size: vm.size}, outputs: {act: string}, from: t.csv}
    then: [{log: act}]
`, `
apiVersion: trimtab/v1
pack: of.then
facts: {VM: {key: [id], fields: {id: string, size: int}}}
rules:
  - id: then
    when: [{match: VM, as: vm}]
    then:
      - {derive: VM, set: {id: '"x" + vm.id', size: '1'}}
      - {assert: VM, set: {id: '"y" + vm.id', size: '1'}}
      - {update: vm, set: {size: '1'}}
      - {retract: vm}
      - log: vm.id
      - {focus: early}
      - {halt: true}
  - id: assigned
    when: [{match: Recommendation, as: rec}]
    then: [{assign: {recommendation: rec, owner: '"o"', board: '"b"', priority: '"p"', labels: '["l"]'}}]
`, `
apiVersion: trimtab/v1
pack: of.recommend
facts: {VM: {key: [id], fields: {id: string}}}
rules:
  - id: recommend
    when: [{match: VM, as: vm}]
    then:
      - recommend:
          {action: stop, resource: vm.id, variant: '"v"', subject: vm, title: '"t"', savings: 'money("1 USD")', fix: '"f"', description: '"d"', current: '"c"', proposed: '"p"',
          confidence: '"c"', effort: '"e"', risk: '"r"', blockers: '"b"', restart: 'true', rollback: 'false', labels: '["l"]', doc: '"d"', runbook: '"r"', name: '"n"', kind: '"k"',
          provider: '"p"', account: '"a"', region: '"r"', service: '"s"', environment: '"e"', owner: '"o"', tags: '{"a": "b"}', monthly_cost: 'money("1 USD")'}
`, `
apiVersion: trimtab/v1
pack: of.mode
mode: first
per: vm.id
facts: {VM: {key: [id], fields: {id: string}}}
rules: [{id: a, when: [{match: VM, as: vm}], then: [{log: vm.id}]}]
`}

// goodPacks are those of testdata.
func goodPacks(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal("no good packs", err)
	}
	var packs []string
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		packs = append(packs, string(data))
	}
	return packs
}

// TestSchema: the schema and the loader refuse the same.
func TestSchema(t *testing.T) {
	data, err := Schema()
	s := schematest.Compile(t, data, err)
	load := func(data []byte) error {
		_, err := Load(Options{Files: []File{{"p.yaml", data}}, Open: func(string, string) ([]byte, error) { return []byte("size,act\n-,stop\n"), nil }})
		return err
	}
	for _, text := range everyKey {
		name, _, _ := strings.Cut(text[strings.Index(text, "pack: ")+len("pack: "):], "\n")
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each loads hundreds of packs
			schematest.Agree(t, s, []byte(text), load)
		})
	}
	for _, text := range goodPacks(t) {
		if err := s.Check(t, []byte(text)); err != nil {
			t.Error(err)
		}
	}
}

// TestGrammar: no key is read that the tables have not, none stands there that
// nobody reads, and each says what it is for.
func TestGrammar(t *testing.T) {
	code := sourceOf(t)
	if m := regexp.MustCompile(`\.Fields\("\w+`).FindString(code); m != "" {
		t.Errorf("%s…: the loader has a list of keys of its own", m)
	}
	corpus := strings.Join(everyKey, "\n")
	for _, m := range language() {
		for _, k := range m.Keys {
			if m.Doc == "" || k.Doc == "" && !k.Later {
				t.Errorf("%s.%s says nothing", m.Name, k.Name)
			}
			if !k.Later && !strings.Contains(corpus, k.Name+":") {
				t.Errorf("%s.%s is in no pack that the schema is tried on", m.Name, k.Name)
			}
			// Elements, actions and their fields are read by name; the rest literally.
			if named := slices.Contains([]string{"aggregate", "recommend", "assign"}, m.Name); !named && !k.Later && !strings.Contains(code, `"`+k.Name+`"`) {
				t.Errorf("nobody reads %s.%s", m.Name, k.Name)
			}
		}
	}
}

// sourceOf is the package's code without the tables.
func sourceOf(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "grammar") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	return b.String()
}
