package scan

import (
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
)

// TestMemory: the memory is as of the youngest batch, without facts of types that
// no pack declares any more, and what does not fit is named with its source.
func TestMemory(t *testing.T) {
	const pack = `apiVersion: trimtab/v1
pack: p
facts: {VM: {key: [id], fields: {id: string, until: timestamp}}}
rules: [{id: old, when: [{match: VM, as: vm, where: vm.until < now}], then: [{recommend: {action: stop, resource: vm.id}}]}]
`
	rules, err := rule.Load(rule.Options{Files: []rule.File{{Name: "p.yaml", Data: []byte(pack)}}})
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	vm := func(until string) source.Fact {
		return source.Fact{Type: "VM", Fields: map[string]any{"id": "a", "until": until}}
	}
	gathered := []store.Gathered{
		{Source: "vms", At: noon, Facts: []source.Fact{vm("2026-11-20T11:00:00Z"), {Type: "Gone", Fields: map[string]any{"x": 1}}}},
		{Source: "older", At: noon.Add(-48 * time.Hour)},
	}
	session, outcome, err := Memory(t.Context(), rules, gathered, noon.Add(-72*time.Hour))
	if err != nil || len(outcome.Recommendations) != 1 {
		t.Fatalf("%v, %+v", err, outcome)
	}
	var picture strings.Builder
	if err := session.WriteGraph(&picture, "dot"); err != nil || !strings.Contains(picture.String(), "1 match") {
		t.Errorf("%v: %s", err, picture.String())
	}
	gathered[0].Facts = []source.Fact{vm("soon")}
	if _, _, err := Memory(t.Context(), rules, gathered, noon); trimtab.CodeOf(err) != trimtab.Invalid || !strings.Contains(err.Error(), "source vms") {
		t.Errorf("%v", err)
	}
}
