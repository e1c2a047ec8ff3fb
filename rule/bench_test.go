package rule

import (
	"fmt"
	"strings"
	"testing"
)

// manyRules is a pack of n rules that differ in their constants.
func manyRules(n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: trimtab/v1\npack: many\nfacts:\n  VM: {key: [id], fields: {id: string, kind: string, cpu: double, monthly_cost: money}}\nrules:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - id: r%d\n    subject: vm\n    when: [{match: VM, as: vm, where: 'vm.kind == \"k%d\" && vm.cpu < %d.5'}]\n"+
			"    then: [{recommend: {action: stop, resource: vm.id, savings: vm.monthly_cost * 0.5}}]\n", i, i%50, i%90)
	}
	return b.String()
}

// twoPatterns is a pack of n rules of two patterns with three conjuncts each, two
// of them comparisons that the matcher indexes and one that it does not.
func twoPatterns(n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: trimtab/v1\npack: many\nfacts:\n  VM: {key: [id], fields: {id: string, kind: string, cpu: double, name: string, monthly_cost: money}}\n" +
		"  Metric: {key: [resource, name], fields: {resource: string, name: string, max: double, avg: double}}\nrules:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - id: r%d\n    subject: vm\n    when:\n      - {match: VM, as: vm, where: 'vm.kind == \"k%d\" && vm.cpu < %d.5 && vm.name.startsWith(\"p%d-\")'}\n"+
			"      - {match: Metric, as: m, where: 'm.resource == vm.id && m.name == \"cpu_%d\" && m.max < m.avg * %d.5'}\n"+
			"    then: [{recommend: {action: stop, resource: vm.id, savings: vm.monthly_cost * 0.5}}]\n", i, i%50, i%90, i, i%7, i)
	}
	return b.String()
}

// BenchmarkLoad10000 is what a company with ten thousand rules waits for.
func BenchmarkLoad10000(b *testing.B) {
	pack := File{"many.yaml", []byte(twoPatterns(10_000))}
	for b.Loop() {
		if _, err := Load(Options{Files: []File{pack}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad1000(b *testing.B) {
	pack := File{"many.yaml", []byte(manyRules(1000))}
	for b.Loop() {
		if _, err := Load(Options{Files: []File{pack}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRun asserts 1,000 facts against 1,000 rules and concludes.
func BenchmarkRun(b *testing.B) {
	s := load(b, manyRules(1000))
	for b.Loop() {
		session, err := s.NewSession(SessionOptions{})
		if err != nil {
			b.Fatal(err)
		}
		for i := range 1000 {
			f := map[string]any{"id": fmt.Sprint("i-", i), "kind": fmt.Sprint("k", i%50), "cpu": float64(i % 100), "monthly_cost": "30.00 USD"}
			if err := session.Assert("VM", f); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := session.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
