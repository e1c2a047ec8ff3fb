package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCover(t *testing.T) {
	pack := `apiVersion: trimtab/v1
pack: p
rules:
  - id: r
    when:
      - {match: VM, as: vm, where: 'vm.n > 1 && vm.account == "x"'}
      - not: [{match: Disk, as: d, where: 'd.vm == vm.id'}]
      - {test: 'vm.n < 9'}
    then: [{recommend: {action: stop, resource: vm.id}}]
    tests:
      - {name: t, given: [{VM: {id: a, account: x, n: 2}}, {VM: {id: b, account: x, n: 1}}, {VM: {id: c, account: x, n: 3}}, {Disk: {id: d, vm: c, gb: 1}}], expect: [{recommend: {action: stop, resource: a}}]}
`
	results, covered, err := load(t, elementTypes, pack).Cover(t.Context())
	if err != nil || len(results) != 1 || !results[0].Passed() {
		t.Fatal(results, err)
	}
	var got []string
	for _, c := range covered {
		got = append(got, fmt.Sprintf("%d %s %v %v", c.Line, c.Text, c.True, c.False))
	}
	want := []string{
		"6 vm.n > 1 true true", `6 vm.account == "x" true false`, "7 not Disk d true true", "7 d.vm == vm.id true true", "8 vm.n < 9 true false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// drawElements writes a random when over VM and Disk.
func drawElements(t *rapid.T) string {
	vm := rapid.SampledFrom([]string{"", ", where: 'vm.n > 1'", ", where: 'vm.account == \"x\" || vm.n == 3'"}).Draw(t, "vm")
	inner := rapid.SampledFrom([]string{
		"{match: Disk, as: d, where: 'd.vm == vm.id'}", "{match: Disk, as: d, where: 'd.gb > vm.n * 5'}",
		"{match: Disk, as: d, where: 'd.vm == vm.id'}, {match: VM, as: o, where: 'o.account == vm.account && o.id != vm.id'}",
	})
	forms := []string{
		"not: [%s]", "exists: [%s]", "not: [{not: [%s]}]", "any: [[{exists: [%s]}, {let: {x: vm.n}}], [{let: {x: vm.n + 1}}]]",
		"forall: {match: Disk, as: z, where: 'z.gb > vm.n', satisfy: [%s]}",
		"accumulate: {from: [%s], let: {k: {count: 'd.gb > 5'}, s: {sum: d.gb}}, where: 'k > 0 || s == 0'}",
		"accumulate: {from: [%s], by: {g: d.vm}, let: {m: {max: d.gb}, q: {p50: d.gb}, c: {collect: d.gb}}, where: 'm > 5 && size(c) > 0'}",
	}
	out := "      - {match: VM, as: vm" + vm + "}\n"
	used := map[int]bool{}
	for range rapid.IntRange(1, 3).Draw(t, "elements") {
		i := rapid.IntRange(0, len(forms)-1).Draw(t, "form")
		if used[i] {
			continue // its names are bound
		}
		used[i] = true
		out += "      - " + fmt.Sprintf(forms[i], inner.Draw(t, "inner")) + "\n"
	}
	return out
}

// TestNaive holds the matches of random rules to those that trying everything
// finds.
func TestNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		when := drawElements(t)
		s, err := tryLoad(elementTypes, logging(when, "vm.id"))
		if err != nil {
			t.Fatalf("%s\n%v", when, err)
		}
		session, err := s.NewSession(SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "vms") {
			f := machine(fmt.Sprint("v", i), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "account"), rapid.IntRange(1, 4).Draw(t, "n"), nil)
			if err := session.Assert(f.Type, f.Fields); err != nil {
				t.Fatal(err)
			}
		}
		for i := range rapid.IntRange(0, 5).Draw(t, "disks") {
			f := disk(fmt.Sprint("d", i), fmt.Sprint("v", rapid.IntRange(0, 3).Draw(t, "vm")), rapid.IntRange(0, 20).Draw(t, "gb"))
			if err := session.Assert(f.Type, f.Fields); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := session.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := 0
		for range session.memory.Matches("p/r") {
			got++
		}
		r, _ := s.Rule("p/r")
		n := &naive{session: session, note: func(spot, bool) {}, parts: map[*condition][]*expr{}}
		walk(r.when, false, func(c *condition, _ bool) { n.parts[c] = c.parts() })
		want := 0
		n.all(r.when, newScene(session.memory.Now()), func(*scene) { want++ })
		if got != want {
			t.Fatalf("%s\n%d matches, trying everything finds %d", when, got, want)
		}
	})
}
