package packs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/packs"
	"github.com/trimtab/trimtab/rule"
)

var update = flag.Bool("update", false, "write docs/catalogue.md anew")

// written is a rule as its pack words it.
type written struct {
	id, title     string
	needs, params []string
	action        string
	savings       string
	fields        []string // that its recommend gives
}

var (
	paramUse = regexp.MustCompile(`params\.(\w+)`)
	domains  = []string{"compute", "storage", "database", "network", "commitments", "governance", "anomalies"}
	clouds   = []string{"aws", "azure", "gcp", "kubernetes", "finops"}
)

// builtin is every pack by name with its rules as they are written.
func builtin(t *testing.T) map[string][]written {
	t.Helper()
	all := map[string][]written{}
	for _, folder := range packs.Names() {
		files, err := packs.Folder(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			_, root := strictyaml.Open(f.Name, f.Data)
			pack := child(root, "pack").Text()
			for _, r := range child(root, "rules").Items() {
				all[pack] = append(all[pack], read(pack, r))
			}
		}
	}
	return all
}

func child(n strictyaml.Node, key string) strictyaml.Node {
	for _, e := range n.Entries() {
		if e.Key.Text() == key {
			return e.Value
		}
	}
	return strictyaml.Node{}
}

func read(pack string, n strictyaml.Node) written {
	w := written{id: pack + "/" + child(n, "id").Text(), title: child(n, "title").Text()}
	for _, key := range []string{"requires", "when", "then"} {
		visit(child(n, key), &w)
	}
	for _, step := range child(n, "then").Items() {
		for _, e := range child(step, "recommend").Entries() {
			w.fields = append(w.fields, e.Key.Text())
		}
		w.action, w.savings = child(child(step, "recommend"), "action").Text(), child(child(step, "recommend"), "savings").Text()
	}
	return w
}

// visit notes fact types and parameters wherever they stand.
func visit(n strictyaml.Node, w *written) {
	switch n.Kind() {
	case strictyaml.Mapping:
		for _, e := range n.Entries() {
			if typ := e.Value.Text; e.Key.Text() == "match" && !slices.Contains(w.needs, typ()) && typ() != "Clock" {
				w.needs = append(w.needs, typ())
			}
			visit(e.Value, w)
		}
	case strictyaml.List:
		for _, item := range n.Items() {
			visit(item, w)
		}
	case strictyaml.Scalar:
		for _, m := range paramUse.FindAllStringSubmatch(n.Text(), -1) {
			if !slices.Contains(w.params, m[1]) {
				w.params = append(w.params, m[1])
			}
		}
	}
}

// TestRulesAreWhole: whoever gets a ticket is told how, what hinders, and where
// to read on; whoever sets a threshold is told where it is from.
func TestRulesAreWhole(t *testing.T) {
	set, count := all(t), 0
	for _, rules := range builtin(t) {
		for _, w := range rules {
			count++
			r, _ := set.Rule(w.id)
			for _, field := range []string{"action", "resource", "savings", "monthly_cost", "title", "confidence", "effort", "blockers", "fix"} {
				if !slices.Contains(w.fields, field) {
					t.Errorf("%s recommends without %s", w.id, field)
				}
			}
			if r.Doc == "" || r.Title == "" || r.Subject == "" {
				t.Errorf("%s lacks doc, title or subject", w.id)
			}
			if !slices.ContainsFunc(r.Tags, in(domains)) || !slices.ContainsFunc(r.Tags, in(clouds)) {
				t.Errorf("%s is tagged %v: a domain and a provider are wanted", w.id, r.Tags)
			}
			if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(r.Runbook))); err != nil || r.Runbook == "" {
				t.Errorf("%s: its page %q is not there", w.id, r.Runbook)
			}
		}
	}
	if count < 36 {
		t.Errorf("%d rules", count)
	}
	for _, p := range set.Params() {
		if !strings.Contains(p.Description, "(") {
			t.Errorf("%s.%s does not say where its default is from: %s", p.Pack, p.Name, p.Description)
		}
	}
}

func in(words []string) func(string) bool {
	return func(s string) bool { return slices.Contains(words, s) }
}

// destructive actions end something; an exemption keeps them away.
var destructive = []string{"stop", "delete", "archive", "resize", "migrate", "schedule", "deallocate"}

func TestDestructiveRulesKnowExemptions(t *testing.T) {
	for _, rules := range builtin(t) {
		for _, w := range rules {
			if slices.Contains(destructive, w.action) && !slices.Contains(w.needs, "Exemption") {
				t.Errorf("%s proposes to %s whatever is exempt", w.id, w.action)
			}
		}
	}
}

// TestCatalogue keeps docs/catalogue.md true; -update writes it.
func TestCatalogue(t *testing.T) {
	want := catalogue(t)
	path := filepath.Join("..", "docs", "catalogue.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/catalogue.md is not what the packs say (%v): go test ./packs -update", err)
	}
}

func catalogue(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	rules, params := builtin(t), map[string]rule.Param{}
	for _, p := range all(t).Params() {
		params[p.Pack+"."+p.Name] = p
	}
	b.WriteString("# The built-in rules\n\nWritten by `go test ./packs -update`. A deployment names a folder (`builtin:" + strings.Join(packs.Names(), "`, `builtin:") +
		"`) and changes thresholds under `params:`.\nA rule says nothing about what its facts do not have; where evidence is missing it says unknown. How the facts are given: [sources.md](sources.md).\n")
	for _, pack := range sorted(rules) {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | needs | thresholds | savings | action |\n| --- | --- | --- | --- | --- |\n", pack)
		for _, w := range rules[pack] {
			var thresholds []string
			for _, name := range w.params {
				p := params[pack+"."+name]
				thresholds = append(thresholds, fmt.Sprintf("`%s` %v: %s", name, p.Default, p.Description))
			}
			fmt.Fprintf(&b, "| **%s** %s | %s | %s | `%s` | %s |\n", strings.TrimPrefix(w.id, pack+"/"), w.title, strings.Join(w.needs, ", "),
				strings.Join(thresholds, "; "), w.savings, w.action)
		}
	}
	types, err := packs.Types()
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n## Facts\n\nWhat a field means is said in [packs/types.yaml](../packs/types.yaml); those that end in ? may be absent.\n\n| type | key | fields |\n| --- | --- | --- |\n")
	for _, typ := range types {
		var fields []string
		for _, f := range typ.Fields {
			fields = append(fields, f.Name+" "+f.Type)
		}
		fmt.Fprintf(&b, "| **%s** %s | %s | %s |\n", typ.Name, typ.Doc, strings.Join(typ.Key, ", "), strings.Join(fields, ", "))
	}
	return b.String()
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestParameters: what a deployment sets counts, and the packs' own tests do not
// notice.
func TestParameters(t *testing.T) {
	options := options(t)
	options.Params = map[string]map[string]any{"aws.compute": {"max_cpu": 50.0}}
	set, err := rule.Load(options)
	if err != nil {
		t.Fatal(err)
	}
	session, err := set.NewSession(rule.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for typ, fields := range map[string]map[string]any{
		"Resource":     {"id": "i-1", "kind": "vm", "state": "running"},
		"Metric":       {"resource": "i-1", "name": "cpu_30d", "max": 49.0, "coverage": 1.0, "month_end": true},
		"ResourceCost": {"provider": "AWS", "account": "a", "resource": "i-1", "currency": "USD", "monthly_cost": "30 USD", "committed_cost": "0 USD"},
	} {
		if err := session.Assert(typ, fields); err != nil {
			t.Fatal(err)
		}
	}
	outcome, err := session.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(outcome.Recommendations, func(c rule.Conclusion) bool { return c.Action == "stop" && c.Blockers != "" }) {
		t.Errorf("%+v", outcome.Recommendations)
	}
}
