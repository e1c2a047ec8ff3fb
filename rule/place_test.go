package rule

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// TestPlaces: a mistake inside an expression is shown where it stands in the
// file, whatever style the scalar is written in. The mistake is always wrong.
func TestPlaces(t *testing.T) {
	for _, where := range []string{
		"where: vm.id == 'é' && vm.wrong > 1",
		"where: 'vm.id == \"it''s\" && vm.wrong > 1'",
		`where: "vm.id == \"é\\n\" && vm.wrong > 1"`,
		"where: |\n          vm.id == \"a\" &&\n            vm.wrong > 1",
		"where: >-\n          vm.id == \"a\" &&\n          vm.id != \"é\"\n          && vm.wrong > 1",
		"where: vm.id == 'a' &&\n          vm.id != 'b'\n          && vm.wrong > 1",
		"where: \"vm.id == 'a' \\\n          && vm.wrong > 1\"",
	} {
		pack := "apiVersion: trimtab/v1\npack: p\nfacts: {VM: {fields: {id: string}}}\nrules:\n  - id: a\n    when:\n" +
			"      - match: VM\n        as: vm\n        " + where + "\n    then: [{halt: true}]\n"
		_, err := tryLoad(pack)
		var all strictyaml.Diagnostics
		if !errors.As(err, &all) || len(all) != 1 {
			t.Errorf("%s: %v", where, err)
			continue
		}
		lines := strings.Split(pack, "\n")
		line := []rune(lines[all[0].Line-1])
		if at := string(line[all[0].Col-1:]); !strings.HasPrefix(at, ".wrong") {
			t.Errorf("%s\nis said to be wrong at %q", where, at)
		}
	}
}

// TestAllAtOnce: 200 mistakes are 200 diagnostics, in the order of the file.
func TestAllAtOnce(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: trimtab/v1\npack: p\nfacts: {VM: {fields: {id: string}}}\nrules:\n")
	for i := range 200 {
		fmt.Fprintf(&b, "  - {id: r%d, when: [{match: VM, as: vm, where: 'vm.idd == \"a\"'}], then: [{halt: true}]}\n", i)
	}
	_, err := tryLoad(b.String())
	var all strictyaml.Diagnostics
	if !errors.As(err, &all) || len(all) != 200 {
		t.Fatalf("%d diagnostics", len(all))
	}
	for i, d := range all {
		if d.Line != 5+i || d.Nearest != "id" {
			t.Fatalf("%d: %+v", i, d)
		}
	}
}

// TestHostile: packs that try to take time or memory are refused.
func TestHostile(t *testing.T) {
	head := "apiVersion: trimtab/v1\npack: p\nfacts: {VM: {fields: {id: string}}}\nrules:\n  - id: a\n    then: [{halt: true}]\n    when:\n"
	for name, rest := range map[string]string{
		"parentheses": "      - test: '" + strings.Repeat("(", 5000) + "true" + strings.Repeat(")", 5000) + "'\n",
		"long":        "      - test: '" + strings.Repeat("true && ", 5000) + "true'\n",
		"nots":        "      - " + strings.Repeat("{not: [", 200) + "{match: VM}" + strings.Repeat("]}", 200) + "\n",
		"aliases":     "      - &a {match: VM}\n      - *a\n",
	} {
		if _, err := tryLoad(head + rest); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}
