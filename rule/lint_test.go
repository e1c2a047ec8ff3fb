package rule

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// found gives the findings of lint, one line each, of some kinds.
func found(t *testing.T, id string, packs ...string) []string {
	t.Helper()
	said, err := load(t, packs...).Lint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range said {
		if d.ID == id {
			out = append(out, d.Message)
		}
	}
	return out
}

func TestUnsatisfiable(t *testing.T) {
	vm := func(where string) string {
		return "      - {match: VM, as: vm, where: '" + where + "'}\n"
	}
	for when, want := range map[string]string{
		vm(`vm.n > 5 && vm.n < 3`):                                  "vm.n < 3 excludes vm.n > 5",
		vm(`vm.n > 5 && vm.n < 7`):                                  "",
		vm(`vm.n > 5 && vm.n < 6`):                                  "vm.n < 6 excludes vm.n > 5",
		vm(`vm.n > 5 && vm.n < 6.5`):                                "",
		vm(`vm.load > 5.0 && vm.load < 6.0`):                        "",
		vm(`vm.load >= 5.0 && vm.load < 5.0`):                       "excludes",
		vm(`vm.id == "a" && vm.id == "b"`):                          `vm.id == "b" excludes vm.id == "a"`,
		vm(`vm.id == "b" && vm.id in ["a", "c"]`):                   "excludes",
		vm(`vm.id > "a" && vm.id < "b"`):                            "",
		vm(`vm.cost > money("10 USD") && vm.cost < money("5 USD")`): "excludes",
		vm(`vm.cost > money("10 USD") && vm.cost > money("5 EUR")`): "excludes",
		vm(`has(vm.load) && !has(vm.load)`):                         "excludes",
		vm(`!has(vm.load) && vm.load > 1.0`):                        "excludes",
		vm(`vm.n in []`):                                            "can never hold",
		vm(`vm.n == 3 || vm.n == 4`):                                "",
		vm(`(vm.n == 3 || vm.n == 4) && vm.n > 4`):                  "excludes",
		vm(`!(vm.n < 5) && vm.n < 4`):                               "excludes",
		vm(`vm.share > 0.5 && vm.share < 0.4`):                      "excludes",
		vm(`vm.n == 1`) + "      - {match: Disk, as: d, where: 'd.gb == vm.n && d.gb > 2'}\n":                    "excludes what stands before it",
		vm(`vm.n > 1`) + "      - {match: Disk, as: d, where: 'd.gb == vm.n && d.gb > 2'}\n":                     "",
		vm(`vm.n > 1`) + "      - not: [{match: Disk, as: d, where: 'd.gb > 2 && d.gb < 2 && d.vm == vm.id'}]\n": "excludes",
		vm(`vm.n > 1`) + "      - {test: 'vm.n < 1'}\n":                                                          "excludes",
		vm(`vm.n > params.k && vm.n < 3`):                                                                        "excludes",
	} {
		pack := strings.Replace(logging(when, "vm.id"), "pack: p\n", "pack: p\nparams: {k: {type: int, default: 7}}\n", 1)
		got := strings.Join(found(t, "unsatisfiable", elementTypes, pack), "; ")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", when, got, want)
		}
	}
}

// TestNeverFalselyUnsatisfiable brings random conditions that lint calls impossible
// before random facts: none may match.
func TestNeverFalselyUnsatisfiable(t *testing.T) {
	atoms := []string{
		"x.n == %d", "x.n < %d", "x.n >= %d", "x.n != %d", "x.f > %d.5", "x.f <= %d.0", "x.s == \"%d\"", "x.s < \"%d\"", "x.s in [\"%d\", \"2\"]", "has(x.f)",
		"x.m < money(\"%d USD\")", "x.m >= money(\"%d EUR\")", "x.d == %d", "x.b", "x.n == x.k", "x.k > %d", "x.f != %d.0",
	}
	atom := func(t *rapid.T) string {
		form := rapid.SampledFrom(atoms).Draw(t, "atom")
		if strings.Contains(form, "%d") {
			form = fmt.Sprintf(form, rapid.IntRange(0, 3).Draw(t, "c"))
		}
		return form
	}
	term := func(t *rapid.T) string {
		switch rapid.IntRange(0, 4).Draw(t, "form") {
		case 0:
			return "!(" + atom(t) + ")"
		case 1:
			return "(" + atom(t) + " || " + atom(t) + ")"
		}
		return atom(t)
	}
	impossible := 0
	rapid.Check(t, func(t *rapid.T) {
		var parts []string
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			parts = append(parts, term(t))
		}
		pack := "apiVersion: trimtab/v1\npack: p\nfacts: {X: {fields: {i: int, n: int, k: int, f: 'double?', s: string, m: 'money?', d: decimal, b: bool}}}\n" +
			"rules: [{id: r, when: [{match: X, as: x, where: '" + strings.Join(parts, " && ") + "'}], then: [{log: 'string(x.i)'}]}]\n"
		s, err := tryLoad(pack)
		if err != nil {
			t.Fatal(err)
		}
		said, err := s.Lint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(said, func(d strictyaml.Diagnostic) bool { return d.ID == "unsatisfiable" }) {
			return
		}
		impossible++
		session, err := s.NewSession(SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			f := map[string]any{
				"i": i, "n": rapid.IntRange(-1, 4).Draw(t, "n"), "k": rapid.IntRange(-1, 4).Draw(t, "k"), "b": rapid.Bool().Draw(t, "b"),
				"s": rapid.SampledFrom([]string{"", "0", "00", "1", "2", "3", "4", "1x"}).Draw(t, "s"), "d": fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "d")),
			}
			if v := rapid.IntRange(-2, 8).Draw(t, "f"); v > -2 {
				f["f"] = float64(v) / 2
			}
			if v := rapid.IntRange(-1, 4).Draw(t, "m"); v >= 0 {
				f["m"] = fmt.Sprint(v, rapid.SampledFrom([]string{" USD", " EUR"}).Draw(t, "currency"))
			}
			if err := session.Assert("X", f); err != nil {
				t.Fatal(err)
			}
		}
		out, err := session.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Logs) > 0 {
			t.Fatalf("%s is called impossible and holds", strings.Join(parts, " && "))
		}
	})
	if impossible == 0 {
		t.Error("no condition was called impossible")
	}
}

// TestOtherFindings and how they are silenced.
func TestOtherFindings(t *testing.T) {
	coverage := "apiVersion: trimtab/v1\npack: c\nfacts: {M: {fields: {id: string, coverage: double, list: 'list(string)?'}}}\n%srules:\n" +
		"  - {id: r, %swhen: [{match: M, as: m, where: 'm.coverage > 0.9'}], then: [{log: m.id}]}\n"
	if got := found(t, "coverage-in-where", fmt.Sprintf(coverage, "", "")); len(got) != 1 {
		t.Error(got)
	}
	allow := "lint: {allow: [{id: coverage-in-where, reason: a report about coverage}]}"
	for _, pack := range []string{fmt.Sprintf(coverage, allow+"\n", ""), fmt.Sprintf(coverage, "", allow+", ")} {
		if got := found(t, "coverage-in-where", pack); len(got) != 0 {
			t.Error(got)
		}
	}
	if got := found(t, "unused-allowance", fmt.Sprintf(coverage, strings.Replace(allow, "coverage-in-where", "costly", 1)+"\n", "")); len(got) != 1 {
		t.Error(got)
	}
	costly := strings.Replace(fmt.Sprintf(coverage, "", ""), "m.coverage > 0.9", "m.list.exists(a, m.list.exists(b, m.list.exists(c, a + b == c)))", 1)
	if got := found(t, "costly", costly); len(got) != 1 {
		t.Error(got)
	}
	if got := found(t, "table-gap", elementTypes, tableRule("first", "      rows: [{n: '< 2', size: a, factor: 1}]\n")); len(got) != 1 || !strings.Contains(got[0], "n = 2") {
		t.Error(got)
	}
	for _, bad := range []string{"lint: {allow: [{id: costly}]}\n", "lint: {allow: [{id: cost, reason: x}]}\n", "lint: {allow: [{id: costly, reason: ''}]}\n"} {
		if _, err := tryLoad(fmt.Sprintf(coverage, bad, "")); err == nil {
			t.Error(bad)
		}
	}
}

// TestEveryFindingHasAPage in docs/lint.md.
func TestEveryFindingHasAPage(t *testing.T) {
	page, err := os.ReadFile("../docs/lint.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range FindingIDs() {
		if !strings.Contains(string(page), "\n## "+id+"\n") {
			t.Errorf("docs/lint.md has no section %s", id)
		}
	}
}

const pairTypes = "apiVersion: trimtab/v1\npack: p\nfacts:\n  VM: {key: [id], fields: {id: string, kind: string, n: int, cost: 'money?'}}\n" +
	"  Metric: {key: [vm, name], fields: {vm: string, name: string, max: double, cover: double}}\n  Exempt: {fields: {vm: string}}\nrules:\n"

// recommending is a rule about a VM.
func recommending(id, action, when string, more string) string {
	return "  - {id: " + id + ", subject: vm, " + more + "when: [" + when + "], then: [{recommend: {action: " + action + ", resource: vm.id}}]}\n"
}

func TestShadowed(t *testing.T) {
	wide := "{match: VM, as: vm, where: 'vm.kind == \"vm\" && vm.n > 1'}"
	for name, c := range map[string]struct{ rules, want string }{
		"narrower":        {recommending("wide", "stop", wide, "") + recommending("narrow", "stop", "{match: VM, as: vm, where: 'vm.n > 3 && vm.kind == \"vm\"'}", ""), "whenever p/narrow fires, p/wide"},
		"more conditions": {recommending("wide", "stop", wide, "") + recommending("narrow", "stop", wide+", {match: Metric, as: m, where: 'm.vm == vm.id'}", ""), "whenever p/narrow fires, p/wide"},
		"lower priority":  {recommending("wide", "stop", wide, "priority: -1, ") + recommending("narrow", "stop", "{match: VM, as: vm, where: 'vm.n > 3 && vm.kind == \"vm\"'}", ""), ""},
		"other action":    {recommending("wide", "stop", wide, "") + recommending("narrow", "tag", wide, ""), ""},
		"overlapping":     {recommending("wide", "stop", wide, "") + recommending("other", "stop", "{match: VM, as: vm, where: 'vm.n > 0 && vm.kind == \"vm\"'}, {match: Metric, as: m, where: 'm.vm == vm.id'}", ""), ""},
		"absent":          {recommending("wide", "stop", "{match: VM, as: vm, where: 'vm.cost > money(\"1 USD\")'}", "") + recommending("other", "stop", "{match: VM, as: vm, where: '!has(vm.cost) || vm.cost > money(\"2 USD\")'}", ""), ""},
		"denied":          {recommending("wide", "stop", wide+", {not: [{match: Exempt, as: e, where: 'e.vm == vm.id'}]}", "") + recommending("other", "stop", wide, ""), "whenever p/wide fires, p/other"},
	} {
		if got := strings.Join(found(t, "shadowed", pairTypes+c.rules), "; "); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestContradictions(t *testing.T) {
	idle := recommending("idle", "stop", "{match: VM, as: vm, where: 'vm.kind == \"vm\"'}, {match: Metric, as: m, where: 'm.vm == vm.id && m.name == \"cpu\" && m.max < 5.0'}", "")
	low := "{match: VM, as: vm, where: 'vm.kind == \"vm\" && vm.n > 1'}, {match: Metric, as: u, where: 'u.vm == vm.id && u.name == \"cpu\" && u.max %s'}"
	for name, c := range map[string]struct{ rules, want string }{
		"both":       {idle + recommending("low", "resize", fmt.Sprintf(low, "< 40.0"), ""), "p/low would resize what p/idle would stop, as for Metric: {"},
		"disjoint":   {idle + recommending("low", "resize", fmt.Sprintf(low, "< 40.0 && u.max >= 5.0"), ""), ""},
		"other kind": {idle + recommending("low", "resize", "{match: VM, as: vm, where: 'vm.kind == \"disk\"'}", ""), ""},
		"agreeing":   {idle + recommending("low", "tag", fmt.Sprintf(low, "< 40.0"), ""), ""},
		"denied":     {idle + recommending("low", "resize", fmt.Sprintf(low, "< 40.0")+", {not: [{match: Recommendation, as: r, where: 'r.resource == vm.id && r.action == \"stop\"'}]}", ""), ""},
		"evidence":   {strings.Replace(idle, "subject: vm, ", "subject: vm, requires: [{match: Metric, as: k, where: 'k.vm == vm.id && k.name == \"cpu\" && k.cover > 0.9'}], ", 1) + recommending("low", "resize", fmt.Sprintf(low, "< 40.0"), ""), "p/low would resize"},
	} {
		if got := strings.Join(found(t, "contradiction", pairTypes+c.rules), "; "); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
