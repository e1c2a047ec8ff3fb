package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const elementTypes = `apiVersion: trimtab/v1
pack: types
facts:
  VM: {key: [id], fields: {id: string, account: string, n: int, cost: 'money?', load: 'double?', share: 'decimal?'}}
  Disk: {key: [id], fields: {id: string, vm: string, gb: int}}
  Flag: {fields: {name: string}}
rules: []
`

// logging is a rule with these elements that logs an expression.
func logging(when, log string) string {
	return "apiVersion: trimtab/v1\npack: p\nrules:\n  - id: r\n    when:\n" + when + "    then: [{log: '" + log + "'}]\n    tests: [{name: t, given: [], expect: []}]\n"
}

func machine(id, account string, n int, more map[string]any) Fact {
	f := map[string]any{"id": id, "account": account, "n": n}
	for k, v := range more {
		f[k] = v
	}
	return Fact{"VM", f}
}

func disk(id, vm string, gb int) Fact {
	return Fact{"Disk", map[string]any{"id": id, "vm": vm, "gb": gb}}
}

// logged runs a pack over facts and gives what was logged, sorted.
func logged(t *testing.T, packs []string, facts ...Fact) []string {
	t.Helper()
	_, out := run1(t, load(t, packs...), facts...)
	for _, e := range out.Errors {
		t.Errorf("%s: %s", e.Rule, e.Message)
	}
	var lines []string
	for _, l := range out.Logs {
		lines = append(lines, l.Text)
	}
	slices.Sort(lines)
	return lines
}

func TestElements(t *testing.T) {
	facts := []Fact{
		machine("a", "x", 1, map[string]any{"cost": "10.10 USD", "load": 0.5, "share": "0.1"}),
		machine("b", "x", 2, map[string]any{"cost": "20.20 USD", "load": 1.5, "share": "0.2"}),
		machine("c", "y", 3, map[string]any{"load": 2.5}),
		disk("d1", "a", 10), disk("d2", "a", 30), disk("d3", "b", 5),
	}
	vm := "      - {match: VM, as: vm}\n"
	sum := "      - accumulate: {from: {match: VM, as: v}, by: {acc: v.account}, let: {%s}%s}\n"
	for name, c := range map[string]struct{ when, log, want string }{
		"exists":          {vm + "      - exists: [{match: Disk, as: d, where: 'd.vm == vm.id'}]\n", "vm.id", "a b"},
		"not":             {vm + "      - not: [{match: Disk, as: d, where: 'd.vm == vm.id'}]\n", "vm.id", "c"},
		"not exists":      {vm + "      - not: [{exists: [{match: Disk, as: d, where: 'd.vm == vm.id'}]}]\n", "vm.id", "c"},
		"forall":          {vm + "      - forall: {match: Disk, as: d, where: 'd.vm == vm.id', satisfy: [{test: 'd.gb > 7'}]}\n", "vm.id", "a c"},
		"any":             {"      - any: [[{match: VM, as: it, where: 'it.n == 3'}], [{match: VM, as: it, where: 'it.n == 1'}, {exists: [{match: Disk, as: d, where: 'd.vm == it.id'}]}]]\n", "it.id", "a c"},
		"any of both":     {vm + "      - any: [[{test: 'vm.n < 3'}], [{test: 'vm.n > 1'}]]\n", "vm.id", "a b b c"},
		"any value":       {vm + "      - any: [[{test: 'vm.n < 3'}, {let: {size: '\"small\"'}}], [{test: 'vm.n == 3'}, {let: {size: '\"large\"'}}]]\n", "vm.id + size", "asmall bsmall clarge"},
		"count":           {vm + "      - accumulate: {from: {match: Disk, as: d, where: 'd.vm == vm.id'}, let: {k: {count: 'd.gb > 7'}}}\n", "vm.id + string(k)", "a2 b0 c0"},
		"count all":       {vm + "      - accumulate: {from: {match: Disk, as: d, where: 'd.vm == vm.id'}, let: {k: {count: true}}, where: 'k > 0'}\n", "vm.id + string(k)", "a2 b1"},
		"count if":        {"      - accumulate: {from: {match: Disk, as: d}, let: {k: {count: 'd.gb > 7', if: 'd.gb < 20'}}}\n", "string(k)", "1"},
		"sum of ints":     {fmt.Sprintf(sum, "k: {sum: v.n}", ""), "acc + string(k)", "x3 y3"},
		"sum of money":    {fmt.Sprintf(sum, "k: {sum: v.cost}", ""), "acc + string(k)", "x30.30 USD y0.00"},
		"sum of decimals": {fmt.Sprintf(sum, "k: {sum: v.share}", ", where: 'k >= 0.3'"), "acc + string(k)", "x0.3"},
		"sum of nothing":  {vm + "      - accumulate: {from: {match: VM, as: v, where: 'v.n > 7'}, let: {k: {sum: v.cost}, l: {sum: v.load}, m: {sum: v.share}}, where: 'k < money(\"1 USD\") && l < 0.5 && m == 0'}\n", "vm.id", "a b c"},
		"sum if":          {fmt.Sprintf(sum, "k: {sum: v.n, if: v.n > 1}", ""), "acc + string(k)", "x2 y3"},
		"avg":             {fmt.Sprintf(sum, "k: {avg: v.n}, l: {avg: v.share}", ""), "acc + string(k) + \" \" + string(l)", "x1.5 0.15000000000000002"},
		"min max":         {fmt.Sprintf(sum, "k: {min: v.cost}, l: {max: v.id}", ""), "acc + string(k) + l", "x10.10 USDb"},
		"avg of nothing":  {"      - accumulate: {from: {match: VM, as: v, where: 'v.n > 7'}, let: {k: {avg: v.n}}}\n", "string(k)", ""},
		"distinct":        {"      - accumulate: {from: {match: VM, as: v}, let: {k: {distinct: v.account}}}\n", "string(k)", "2"},
		"collect":         {"      - accumulate: {from: {match: VM, as: v}, let: {k: {collect: v.id}}}\n", "k.join(\",\")", "a,b,c"},
		"percentile":      {"      - accumulate: {from: {match: VM, as: v}, let: {k: {p90: v.n}}}\n", "string(k)", "3"},
		"from two":        {"      - accumulate: {from: [{match: VM, as: v}, {match: Disk, as: d, where: 'd.vm == v.id'}], by: {acc: v.account}, let: {gb: {sum: d.gb}}}\n", "acc + string(gb)", "x45"},
		"after":           {"      - accumulate: {from: {match: VM, as: v}, by: {acc: v.account}, let: {k: {max: v.n}}}\n      - {match: VM, as: top, where: 'top.account == acc && top.n == k'}\n", "top.id", "b c"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(logged(t, []string{elementTypes, logging(c.when, c.log)}, facts...), " ")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestElementMistakes are told at their place, in an author's words.
func TestElementMistakes(t *testing.T) {
	vm := "      - {match: VM, as: vm}\n"
	for when, want := range map[string]string{
		"      - {match: VM, as: vm, where: 'vm.n = 1'}\n":                                                          "== compares",
		"      - any: [[{match: VM, as: a}], [{match: VM, as: b}]]\n      - {test: 'a.n > 1'}\n":                    `a branch of any does not bind "a"`,
		"      - any: [[{match: VM, as: a}], [{match: Disk, as: a}]]\n":                                             "not the same in all branches",
		vm + "      - accumulate: {from: {match: VM, as: v}, let: {k: {avg: v.cost}}}\n":                            "avg does not apply to a money",
		vm + "      - accumulate: {from: {match: VM, as: v}, let: {k: {sum: v.id}}}\n":                              "sum does not apply to a string",
		vm + "      - accumulate: {from: {match: VM, as: v}, let: {k: {sum: v.n, max: v.n}}}\n":                     "sum and max cannot be one value",
		vm + "      - accumulate: {from: {match: VM, as: v}, let: {k: {summ: v.n}}}\n":                              `did you mean "sum"`,
		vm + "      - accumulate: {from: {match: VM, as: v}, let: {k: {count: v.n}}}\n":                             "a condition is needed here, not an int",
		vm + "      - accumulate: {from: {match: VM, as: v}, let: {k: {count: true}}}\n      - {test: 'v.n > k'}\n": `unknown name "v"`,
		vm + "      - forall: {match: Disk, as: d}\n":                                                               `"satisfy" is missing`,
		vm + "      - exists: []\n": "exists needs at least one element",
		vm + "      - exists: [{match: Disk, as: d}]\n      - {test: 'd.gb > 1'}\n": `unknown name "d"`,
	} {
		_, err := tryLoad(elementTypes, logging(when, `"x"`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nwant %q, got %v", when, want, err)
		}
	}
}

func TestComputedPriorityAndGroups(t *testing.T) {
	pack := `apiVersion: trimtab/v1
pack: p
groups: [early, late]
rules:
  - {id: by-n, priority: vm.n * 10, when: [{match: VM, as: vm}], then: [{log: '"n" + vm.id'}]}
  - {id: between, priority: 15, when: [{match: Flag}], then: [{log: '"flag"'}]}
  - {id: l, group: late, when: [{match: Flag}], then: [{log: '"late"'}]}
  - {id: e, group: early, when: [{match: Flag}], then: [{log: '"early"'}, {focus: asked}]}
  - {id: f, group: asked, when: [{match: Flag}], then: [{log: '"asked"'}]}
`
	_, out := run1(t, load(t, elementTypes, pack), machine("a", "x", 1, nil), machine("b", "x", 2, nil), Fact{"Flag", map[string]any{"name": "go"}})
	var lines []string
	for _, l := range out.Logs {
		lines = append(lines, l.Text)
	}
	if got := strings.Join(lines, " "); got != "nb flag na early asked late" {
		t.Errorf("fired in the order %s", got)
	}
}

func TestExclusiveAndModeFirst(t *testing.T) {
	rules := `rules:
  - {id: big, priority: %d, %swhen: [{match: VM, as: vm, where: 'vm.n > 2'}], then: [{log: 'vm.id + " big"'}]}
  - {id: any, %swhen: [{match: VM, as: vm}], then: [{log: 'vm.id + " any"'}]}
`
	exclusive := "exclusive: {group: size, per: vm.id}, "
	for name, pack := range map[string]string{
		"exclusive": "apiVersion: trimtab/v1\npack: p\n" + fmt.Sprintf(rules, 1, exclusive, exclusive),
		"first":     "apiVersion: trimtab/v1\npack: p\nmode: first\nper: vm.id\n" + fmt.Sprintf(rules, 0, "", ""),
	} {
		got := logged(t, []string{elementTypes, pack}, machine("a", "x", 1, nil), machine("c", "x", 3, nil))
		if strings.Join(got, ", ") != "a any, c big" {
			t.Errorf("%s: %v", name, got)
		}
	}
	_, err := tryLoad(elementTypes, "apiVersion: trimtab/v1\npack: p\nmode: first\nper: vm.nn\n"+fmt.Sprintf(rules, 0, "", ""))
	if err == nil || !strings.Contains(err.Error(), "does not fit this rule") {
		t.Error(err)
	}
}

func TestEffective(t *testing.T) {
	set := load(t, elementTypes, `apiVersion: trimtab/v1
pack: p
rules:
  - {id: r, effective: {from: 2026-03-01, until: '2026-04-01T00:00:00Z'}, when: [{match: Flag, as: f}], then: [{derive: VM, set: {id: f.name, account: f.name, n: '1'}}]}
`)
	session, err := set.NewSession(SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Assert("Flag", map[string]any{"name": "go"}); err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]int{"2026-02-28": 0, "2026-03-01": 1, "2026-03-31": 1, "2026-04-01": 0} {
		at, _ := time.Parse(time.DateOnly, day)
		if err := session.SetClock(at); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := 0
		for range session.memory.FactsOf("VM") {
			n++
		}
		if n != want {
			t.Errorf("on %s there are %d, want %d", day, n, want)
		}
	}
}

// TestParametersOfARule hide the pack's, and a deployment sets them by the rule's
// name.
func TestParametersOfARule(t *testing.T) {
	pack := `apiVersion: trimtab/v1
pack: p
params: {low: {type: int, default: 1}, high: {type: int, default: 2}}
rules:
  - {id: a, params: {low: {type: int, default: 2}}, when: [{match: VM, as: vm, where: 'vm.n >= params.low && vm.n <= params.high'}], then: [{log: '"a" + vm.id'}]}
  - {id: b, when: [{match: VM, as: vm, where: 'vm.n == params.low'}], then: [{log: '"b" + vm.id'}]}
`
	facts := []Fact{machine("1", "x", 1, nil), machine("2", "x", 2, nil), machine("3", "x", 3, nil)}
	if got := strings.Join(logged(t, []string{elementTypes, pack}, facts...), " "); got != "a2 b1" {
		t.Error(got)
	}
	files := []File{{"t.yaml", []byte(elementTypes)}, {"p.yaml", []byte(pack)}}
	set, err := Load(Options{Files: files, Params: map[string]map[string]any{"p": {"a.low": 3, "high": 3}}})
	if err != nil {
		t.Fatal(err)
	}
	_, out := run1(t, set, facts...)
	if len(out.Logs) != 2 || set.Params()[2].Rule != "a" {
		t.Errorf("%+v %+v", out.Logs, set.Params())
	}
	_, err = Load(Options{Files: files, Params: map[string]map[string]any{"p": {"a.lo": 3}}})
	if err == nil || !strings.Contains(err.Error(), `did you mean "a.low"`) {
		t.Error(err)
	}
}
