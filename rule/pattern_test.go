package rule

import (
	"strings"
	"testing"
)

const patternTypes = `apiVersion: trimtab/v1
pack: types
facts:
  VM: {key: [id], fields: {id: string, account: string, n: int}}
  Flag: {fields: {name: string}}
rules: []
`

// ruleWith is a pack with one rule of these elements that recommends for "x".
func ruleWith(when string) string {
	return "apiVersion: trimtab/v1\npack: p\nrules:\n  - id: r\n    when:\n" + when +
		"    then: [{recommend: {action: stop, resource: '\"x\"'}}]\n    tests: [{name: t, given: [], expect: []}]\n"
}

// TestNamelessPatterns match like others and are no subject of anything.
func TestNamelessPatterns(t *testing.T) {
	s := load(t, patternTypes, ruleWith("      - {match: VM}\n      - {match: Flag, as: f, where: 'f.name == \"go\"'}\n"))
	_, out := run1(t, s, Fact{"VM", map[string]any{"id": "a", "account": "1", "n": 1}}, Fact{"Flag", map[string]any{"name": "go"}})
	if len(out.Recommendations) != 1 || out.Recommendations[0].Subject.Account != "" {
		t.Errorf("%+v", out.Recommendations)
	}
	if e := out.Recommendations[0].Reasons[0].Evidence; len(e) != 2 || e[0].Name != "" || e[1].Name != "f" {
		t.Errorf("evidence %+v", e)
	}
	_, err := tryLoad(patternTypes, strings.Replace(ruleWith("      - {match: VM}\n"), "{recommend: {action: stop, resource: '\"x\"'}}", "{retract: vm}", 1))
	if err == nil || !strings.Contains(err.Error(), `"vm" is no fact that when matches`) || strings.Contains(err.Error(), "it matches") {
		t.Error(err)
	}
}

// TestTies: a pattern that a condition ties to those before it, directly or
// through a value, is no cross product; one that merely shares a value is.
func TestTies(t *testing.T) {
	a, b, c := "      - {match: VM, as: a}\n", "      - {match: VM, as: b, where: 'b.n == a.n'}\n", "      - {match: VM, as: c}\n"
	for when, crosses := range map[string]bool{
		a:         false,
		a + b:     false,
		a + c:     true,
		a + b + c: true,
		"" + a + b + "      - {match: VM, as: d, where: 'd.id == b.id'}\n":                 false,
		a + c + "      - {test: a.n < c.n}\n":                                              false,
		a + "      - {let: {x: a.n + 1}}\n      - {match: VM, as: c, where: 'c.n == x'}\n": false,
		a + c + "      - {let: {x: a.n + c.n}}\n      - {test: x > 3}\n":                   false,
		a + c + "      - {let: {x: a.n + c.n, y: x + 1}}\n      - {test: y > 3}\n":         false,
		a + c + "      - {let: {x: a.n + c.n}}\n      - {test: a.n > 3 || x > a.n}\n":      false,
		a + "      - {not: [{match: VM, as: c}]}\n":                                        false,
		a + c + "      - {not: [{match: Flag, as: f, where: 'f.name == a.id + c.id'}]}\n":  true,
		a + "      - {match: Clock, as: c}\n":                                              false,
		a + "      - {match: Flag}\n":                                                      true,
	} {
		warned := strings.Contains(load(t, patternTypes, ruleWith(when)).Warnings().Error(), "nothing ties this")
		if warned != crosses {
			t.Errorf("%s\nwarned of a cross product: %v", when, warned)
		}
	}
}

// TestUnusedValues: a let that nothing reads is told, one that a not reads is
// used.
func TestUnusedValues(t *testing.T) {
	a := "      - {match: VM, as: a}\n"
	for when, unused := range map[string]string{
		a + "      - {let: {x: a.n}}\n":                                                               "x",
		a + "      - {let: {x: a.n, y: x}}\n":                                                         "y",
		a + "      - {let: {x: a.n}}\n      - {test: x > 1}\n":                                        "",
		a + "      - {let: {x: a.id}}\n      - {not: [{match: Flag, as: f, where: 'f.name == x'}]}\n": "",
		a + "      - {not: [{let: {x: a.id}}, {match: Flag, as: f, where: 'f.name == x'}]}\n":         "",
		a + "      - {not: [{let: {x: a.id}}, {match: Flag, as: f}]}\n":                               "x",
	} {
		said := load(t, patternTypes, ruleWith(when)).Warnings().Error()
		if strings.Contains(said, "nothing uses the value") != (unused != "") || !strings.Contains(said, unused) {
			t.Errorf("%s\nsaid %s", when, said)
		}
	}
}

// TestParametersAreTyped: two packs whose rules read alike and whose parameters
// print alike are not taken for one.
func TestParametersAreTyped(t *testing.T) {
	pack := func(name, typ string) string {
		return "apiVersion: trimtab/v1\npack: " + name + "\nparams: {k: {type: " + typ + ", default: 2}}\nrules:\n" +
			"  - {id: r, when: [{match: VM, as: vm, where: 'vm.n / params.k > 0'}], then: [{log: vm.id}]}\n"
	}
	_, out := run1(t, load(t, patternTypes, pack("exact", "decimal"), pack("whole", "int")),
		Fact{"VM", map[string]any{"id": "a", "account": "1", "n": 1}})
	if len(out.Logs) != 1 || out.Logs[0].Rule != "exact/r" {
		t.Errorf("logs %+v", out.Logs) // 1 / 2 is 0.5, and among ints 0
	}
}

// TestGuardsStayBesideWhatTheyGuard: a field that has() asks for first is not
// read where it is absent, so no absent read is counted.
func TestGuardsStayBesideWhatTheyGuard(t *testing.T) {
	for where, reads := range map[string]int{
		"has(vm.cpu) && vm.cpu < 5.0": 0, "vm.cpu < 5.0": 1, "!has(vm.cpu) || vm.cpu < 5.0": 0,
	} {
		s := load(t, vmTypes, "apiVersion: trimtab/v1\npack: p\nrules: [{id: r, when: [{match: VM, as: vm, where: '"+where+"'}], then: [{log: vm.id}]}]\n")
		if _, out := run1(t, s, vm("a", nil)); out.AbsentReads["p/r"] != reads {
			t.Errorf("%s: %d absent reads, want %d", where, out.AbsentReads["p/r"], reads)
		}
	}
}
