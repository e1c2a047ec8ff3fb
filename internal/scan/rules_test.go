package scan

import (
	"testing"
	"time"

	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
)

// verdictOf judges what one source gives by some packs.
func verdictOf(t *testing.T, src *given, packs ...string) *Verdict {
	t.Helper()
	var files []rule.File
	for _, p := range packs {
		files = append(files, rule.File{Name: "p.yaml", Data: []byte(p)})
	}
	rules, err := rule.Load(rule.Options{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	b := batch{source: src, Batch: &source.Batch{Facts: src.facts}}
	v, err := judge(t.Context(), rules, time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), []batch{b})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestNotEvaluable: a rule whose column or whose facts nobody gives is told apart
// from one that says no.
func TestNotEvaluable(t *testing.T) {
	pack := `apiVersion: trimtab/v1
pack: p
facts:
  VM: {key: [id], fields: {id: string, size: 'string?', owner: 'string?'}}
  Metric: {fields: {vm: string}}
  Lost: {fields: {vm: string}}
rules:
  - {id: large, when: [{match: VM, as: vm, where: 'vm.size == "xl"'}], then: [{recommend: {action: resize, resource: vm.id}}]}
  - {id: asks, when: [{match: VM, as: vm, where: 'has(vm.size) && vm.size == "xl" || vm.id == "a"'}], then: [{recommend: {action: stop, resource: vm.id}}]}
  - {id: busy, when: [{match: VM, as: vm}, {match: Metric, as: m, where: 'm.vm == vm.id'}], then: [{recommend: {action: move, resource: vm.id}}]}
  - {id: derived, when: [{match: Lost, as: l}], then: [{recommend: {action: find, resource: l.vm}}]}
  - {id: loses, when: [{match: VM, as: vm, where: 'vm.owner == "nobody"'}], then: [{derive: Lost, set: {vm: vm.id}}]}
`
	src := &given{name: "vms", types: []string{"VM"}, facts: []source.Fact{{Type: "VM", Fields: map[string]any{"id": "a", "owner": "x"}}}}
	v := verdictOf(t, src, pack)
	want := map[string]string{"p/large": "no VM has size", "p/busy": "no source gives Metric"}
	for id, why := range v.outcome.NotEvaluable {
		if want[id] != why {
			t.Errorf("%s: %s", id, why)
		}
		delete(want, id)
	}
	for id, why := range want {
		t.Errorf("%s should not be evaluable: %s", id, why)
	}
	if len(v.Recommendations) != 1 || v.Recommendations[0].Action != "stop" {
		t.Errorf("%+v", v.Recommendations)
	}
}

// TestOwnerChainAsRules: who owns what can be rules, the first that knows wins, and
// board and priority may come from others.
func TestOwnerChainAsRules(t *testing.T) {
	pack := `apiVersion: trimtab/v1
pack: own
facts:
  VM: {key: [id], fields: {id: string, account: string, tags: 'map(string, string)?'}}
  Team: {key: [account], fields: {account: string, lead: string}}
rules:
  - {id: idle, subject: vm, when: [{match: VM, as: vm}], then: [{recommend: {action: stop, resource: vm.id}}]}
  - {id: by-tag, priority: 3, when: [{match: Recommendation, as: rec, where: 'has(rec.tags) && has(rec.tags.owner)'}], then: [{assign: {recommendation: rec, owner: rec.tags.owner}}]}
  - {id: by-team, priority: 2, when: [{match: Recommendation, as: rec}, {match: Team, as: t, where: 't.account == rec.account'}], then: [{assign: {recommendation: rec, owner: t.lead, board: rec.account}}]}
  - {id: fallback, priority: 1, when: [{match: Recommendation, as: rec}], then: [{assign: {recommendation: rec, owner: '"finops"', board: '"finops"', priority: '"Low"', labels: '["orphan"]'}}]}
`
	vm := func(id, account string, tags map[string]any) source.Fact {
		return source.Fact{Type: "VM", Fields: map[string]any{"id": id, "account": account, "tags": tags}}
	}
	src := &given{name: "vms", types: []string{"VM", "Team"}, facts: []source.Fact{
		vm("a", "x", map[string]any{"owner": "ann"}), vm("b", "x", map[string]any{}), vm("c", "y", map[string]any{}),
		{Type: "Team", Fields: map[string]any{"account": "x", "lead": "lea"}},
	}}
	v := verdictOf(t, src, pack)
	Assign{}.apply(v.Recommendations, v.Assignments, nil)
	want := map[string][3]string{"a": {"ann", "x", "Low"}, "b": {"lea", "x", "Low"}, "c": {"finops", "finops", "Low"}}
	for _, rec := range v.Recommendations {
		if got := [3]string{rec.Owner.Name, rec.Board, rec.Priority}; got != want[rec.Subject.Resource] {
			t.Errorf("%s: %v", rec.Subject.Resource, got)
		}
	}
	if len(v.Recommendations) != 3 {
		t.Errorf("%d recommendations", len(v.Recommendations))
	}
}
