package rule

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile are packs that were made to hurt. Each gives an error, soon and in little
// memory.
func hostile() map[string]string {
	head := "apiVersion: trimtab/v1\npack: p\nfacts: {VM: {fields: {id: string, n: int}}}\nrules:\n  - id: r\n    when: [{match: VM, as: vm, where: '"
	tail := "'}]\n    then: [{log: vm.id}]\n"
	laughs := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'k'; i++ {
		laughs += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	return map[string]string{
		"truncated":       head[:len(head)-20],
		"laughs":          laughs,
		"alias":           "apiVersion: &v trimtab/v1\npack: *v\n",
		"long expression": head + strings.Repeat("vm.n == 1 || ", 80_000) + "true" + tail,
		"nested braces":   head + strings.Repeat("(", 50_000) + "1" + strings.Repeat(")", 50_000) + " == 1" + tail,
		"nested nots":     head + strings.Repeat("!", 90_000) + "true" + tail,
		"nested lists":    head + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + " == []" + tail,
		"nested YAML":     "apiVersion: trimtab/v1\npack: p\nrules: " + strings.Repeat("[", 100_000),
		"nested flow":     "apiVersion: trimtab/v1\npack: p\nrules: " + strings.Repeat("{a: ", 20_000) + strings.Repeat("}", 20_000),
		"nested elements": "apiVersion: trimtab/v1\npack: p\nrules: [{id: r, then: [{halt: true}], when: " + strings.Repeat("[{not: ", 3_000) + "[]" + strings.Repeat("}]", 3_000) + "}]\n",
		"duplicate keys":  "apiVersion: trimtab/v1\npack: p\npack: q\nrules: []\n",
		"backtracking":    head + `vm.id.matches("^(a+)+$(")` + tail,
		"branches":        ofVMs(strings.TrimSuffix(strings.Repeat("{any: [[{match: VM}], [{match: VM}]]}, ", 20), ", "), ""),
		"elements":        ofVMs(strings.TrimSuffix(strings.Repeat("{match: VM}, ", 5000), ", "), ""),
		"rows":            ofVMs("{match: VM, as: vm}", "table: {inputs: {n: vm.n}, outputs: {k: int}, rows: ["+strings.Repeat("{n: 1, k: 2}, ", 20_000)+"]}, "),
		"many errors":     "apiVersion: trimtab/v1\npack: p\n" + strings.Repeat("zz: 1\n", 100_000),
		"one line":        "{apiVersion: trimtab/v1, pack: p, rules: [" + strings.Repeat("{id: r, when: [{match: No}], then: [{log: '1 +'}]}, ", 300_000) + "]}",
		"all in braces":   "{apiVersion: trimtab/v1, pack: p, rules: [\n" + strings.Repeat("{a: b},\n", 700_000) + "]}",
		"no text":         "\x00\xff\xfe",
		"huge":            strings.Repeat("# comment\n", 1_700_000),
	}
}

// ofVMs is a pack of one rule with these elements and other keys.
func ofVMs(elements, more string) string {
	return "apiVersion: trimtab/v1\npack: p\nfacts: {VM: {fields: {id: string, n: int}}}\nrules: [{id: r, " + more + "when: [" + elements + "], then: [{halt: true}]}]\n"
}

// TestLargePacks: what is large and right loads, and lint comes to an end with it.
func TestLargePacks(t *testing.T) {
	var chain, list strings.Builder
	chain.WriteString("apiVersion: trimtab/v1\npack: p\nfacts:\n")
	for i := range 2001 {
		fmt.Fprintf(&chain, "  T%d: {fields: {n: int}}\n", i)
	}
	chain.WriteString("rules:\n")
	for i := range 2000 {
		fmt.Fprintf(&chain, "  - {id: r%d, when: [{match: T%d, as: a}], then: [{derive: T%d, set: {n: a.n}}]}\n", i, i, i+1)
		fmt.Fprintf(&list, "%d, ", i)
	}
	for name, pack := range map[string]string{
		"chain of rules": chain.String(),
		"long list":      ofVMs("{match: VM, as: vm, where: 'vm.n in ["+strings.TrimSuffix(list.String(), ", ")+"]'}", ""),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			s := load(t, pack)
			if _, err := s.Lint(t.Context()); err != nil {
				t.Error(err)
			}
			t.Log(time.Since(began))
		})
	}
}

func TestHostilePacks(t *testing.T) {
	for name, pack := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, err := Load(Options{Files: []File{{"hostile.yaml", []byte(pack)}}})
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("it loads")
			}
			if len(err.Error()) > 400_000 {
				t.Errorf("an error of %d characters", len(err.Error()))
			}
			if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 512 {
				t.Errorf("%d MiB were allocated", grown)
			}
			t.Logf("%v, %.80s", took, err)
		})
	}
}

// TestRegexNeedsNoBacktracking: patterns run in time linear in the text.
func TestRegexNeedsNoBacktracking(t *testing.T) {
	pack := strings.Replace(logging("      - {match: VM, as: vm, where: 'vm.id.matches(\"^(a+)+$\")'}\n", "vm.account"), "pack: p", "pack: re", 1)
	got := logged(t, []string{elementTypes, pack}, machine(strings.Repeat("a", 20_000)+"b", "no", 1, nil), machine("aaa", "yes", 1, nil))
	if strings.Join(got, " ") != "yes" {
		t.Error(got)
	}
}
