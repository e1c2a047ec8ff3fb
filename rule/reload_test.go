package rule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

// reloadPack has a placeholder for each thing that a reload changes.
const reloadPack = `apiVersion: trimtab/v1
pack: p
facts:
  VM: {key: [id], fields: {id: string, n: INT, note: 'string?'}}
  Seen: {key: [id], fields: {id: string}}
params: {k: {type: KIND, default: 2}}
rules:
  - id: half
    when: [{match: VM, as: vm, where: 'vm.n / params.k > 0'}]
    then: [{log: 'TEXT'}, {derive: Seen, set: {id: vm.id}}]
  - id: steady
    title: TITLE
    when: [{match: VM, as: vm}]
    then: [{log: '"steady " + vm.id'}]
    tests: TESTS
`

// reloadSet fills the placeholders: INT, KIND, TEXT, TITLE and TESTS, each with
// what the pack has unless with says otherwise.
func reloadSet(t *testing.T, with ...string) *Set {
	t.Helper()
	text := reloadPack
	for i := 0; i < len(with); i += 2 {
		text = strings.ReplaceAll(text, with[i], with[i+1])
	}
	for name, usual := range map[string]string{
		"INT": "int", "KIND": "int", "TEXT": `"half " + vm.id`, "TITLE": "Steady", "TESTS": "[]",
	} {
		text = strings.ReplaceAll(text, name, usual)
	}
	return load(t, text)
}

func logsOf(out *Outcome) string {
	var texts []string
	for _, l := range out.Logs {
		texts = append(texts, l.Text)
	}
	return strings.Join(texts, ", ")
}

// TestReloadFiresWhatChanged: after a reload only a rule that means something
// else fires again, on the facts that are there.
func TestReloadFiresWhatChanged(t *testing.T) {
	for _, c := range []struct {
		name, logs string
		with       []string
	}{
		{"nothing", "", nil},
		{"tests", "", []string{"TESTS", "[{name: a, given: [], expect: []}]"}},
		{"layout", "", []string{"    then: [{log: 'TEXT'}", "    # a comment\n    then: [ {log: 'TEXT'}"}},
		{"a title", "steady a", []string{"TITLE", "Other words"}},
		{"a text", "now a", []string{"TEXT", `"now " + vm.id`}},
		{"a parameter", "half a", []string{"default: 2", "default: 1"}},
		{"a parameter's type alone", "half a", []string{"KIND", "decimal"}},
		{"a parameter's type", "half a", []string{"KIND", "decimal", "vm.n /", "decimal(vm.n) /"}},
	} {
		session, out := run1(t, reloadSet(t), Fact{"VM", map[string]any{"id": "a", "n": 3}})
		if logsOf(out) != "half a, steady a" {
			t.Fatalf("%s: first %q", c.name, logsOf(out))
		}
		if err := session.Adopt(reloadSet(t, c.with...)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if out := again(t, session); logsOf(out) != c.logs || len(out.Errors) != 0 {
			t.Errorf("%s: logged %q, want %q (%+v)", c.name, logsOf(out), c.logs, out.Errors)
		}
	}
}

// TestReloadOfTypes: while there are facts of a type, rules that declare it
// otherwise are refused and the old ones go on; without facts they are taken,
// and rules of the same text are checked against the new type.
func TestReloadOfTypes(t *testing.T) {
	fact := Fact{"VM", map[string]any{"id": "a", "n": 1}}
	other := reloadSet(t, "INT", "decimal")
	session, _ := run1(t, reloadSet(t), fact)
	err := session.Adopt(other)
	if trimtab.CodeOf(err) != trimtab.Invalid || !strings.Contains(err.Error(), "type VM") || !strings.Contains(err.Error(), "field n is decimal here, int there") {
		t.Errorf("adopt: %v", err)
	}
	if err := session.Assert("VM", map[string]any{"id": "b", "n": 4}); err != nil {
		t.Error(err)
	}
	if out := again(t, session); logsOf(out) != "half b, steady b" {
		t.Errorf("the old rules log %q", logsOf(out))
	}

	session, _ = run1(t, reloadSet(t), fact)
	if err := session.Replace([]string{"VM"}, nil); err != nil {
		t.Fatal(err)
	}
	again(t, session)
	if err := session.Adopt(other); err != nil {
		t.Fatal(err)
	}
	if err := session.Assert("VM", fact.Fields); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); logsOf(out) != "half a, steady a" || len(out.Errors) != 0 { // 1 / 2 is 0.5 now
		t.Errorf("with a decimal: %q %+v", logsOf(out), out.Errors)
	}
	if err := session.Adopt(load(t, "apiVersion: trimtab/v1\npack: p\nrules: []\n")); err == nil {
		t.Error("rules without the type of a fact are adopted")
	}
}

// TestReloadWithdraws what removed and disabled rules concluded.
func TestReloadWithdraws(t *testing.T) {
	session, _ := run1(t, reloadSet(t), Fact{"VM", map[string]any{"id": "a", "n": 3}})
	off := reloadSet(t, "  - id: half\n", "  - id: half\n    enabled: false\n")
	for i, next := range []*Set{off, reloadSet(t), off} {
		if err := session.Adopt(next); err != nil {
			t.Fatal(err)
		}
		again(t, session)
		_, there := session.memory.Lookup("Seen", map[string]any{"id": "a"})
		if want := i == 1; there != want {
			t.Errorf("reload %d: Seen stands %v", i, there)
		}
	}
}

// TestClockAcrossReloads: the one Clock fact follows the clock, also for rules
// that come later and match it for the first time.
func TestClockAcrossReloads(t *testing.T) {
	plain := "apiVersion: trimtab/v1\npack: p\nrules: []\n"
	timed := `apiVersion: trimtab/v1
pack: p
rules:
  - {id: tell, when: [{match: Clock, as: c}], then: [{log: string(c.now)}]}
`
	session, out := run1(t, load(t, plain))
	if len(out.Logs) != 0 {
		t.Fatal(out.Logs)
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.FixedZone("east", 3600))
	step := func(what string, err error, want string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := logsOf(again(t, session)); got != want {
			t.Errorf("%s: logged %q, want %q", what, got, want)
		}
	}
	step("adopt without a clock", session.Adopt(load(t, timed)), "")
	step("set", session.SetClock(at), "2026-11-20T09:00:00Z")
	step("set to the same", session.SetClock(at.UTC()), "")
	step("away", session.Adopt(load(t, plain)), "")
	step("set unseen", session.SetClock(at.Add(time.Hour)), "")
	step("back", session.Adopt(load(t, timed)), "2026-11-20T10:00:00Z")
	if n := session.memory.Size().Facts; n != 1 {
		t.Errorf("%d Clock facts", n)
	}
}

// TestReplaceIsWhole: a complete reading says all that is known of a fact. What
// it leaves out is absent, and a required field that it leaves out is an error.
func TestReplaceIsWhole(t *testing.T) {
	s := load(t, vmTypes, `apiVersion: trimtab/v1
pack: p
rules:
  - id: show
    when: [{match: VM, as: vm}]
    then: [{log: 'has(vm.region) ? vm.region : "nowhere"'}]
`)
	session, out := run1(t, s, vm("a", map[string]any{"region": "eu"}))
	if logsOf(out) != "eu" {
		t.Fatal(logsOf(out))
	}
	for _, c := range []struct {
		more map[string]any
		want string
	}{{nil, "nowhere"}, {nil, ""}, {map[string]any{"region": "us"}, "us"}, {map[string]any{"region": nil}, "nowhere"}} {
		if err := session.Replace([]string{"VM"}, []Fact{vm("a", c.more)}); err != nil {
			t.Fatal(err)
		}
		if out := again(t, session); logsOf(out) != c.want {
			t.Errorf("%v: logged %q, want %q", c.more, logsOf(out), c.want)
		}
	}
	for _, f := range []Fact{{"VM", map[string]any{"id": "a"}}, {"VM", nil}, {"WM", nil}} {
		if err := session.Replace([]string{"VM"}, []Fact{f}); trimtab.CodeOf(err) != trimtab.Invalid {
			t.Errorf("%v: %v", f, err)
		}
	}
}

// TestReplaceKeepsMatches: what a reading says again is no event.
func TestReplaceKeepsMatches(t *testing.T) {
	session, _ := run1(t, reloadSet(t), Fact{"VM", map[string]any{"id": "a", "n": 3}}, Fact{"VM", map[string]any{"id": "b", "n": 4}})
	var reading []Fact
	for i := range 5 {
		reading = append(reading, Fact{"VM", map[string]any{"id": fmt.Sprintf("%c", 'a'+i), "n": 3 + i}})
	}
	if err := session.Replace([]string{"VM", "Seen"}, reading[1:3]); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); logsOf(out) != "half c, steady c" {
		t.Errorf("logged %q", logsOf(out))
	}
	if err := session.Replace([]string{"VM"}, reading); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); logsOf(out) != "half a, half d, half e, steady a, steady d, steady e" {
		t.Errorf("logged %q", logsOf(out))
	}
}
