package rule

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

const drawn = `apiVersion: trimtab/v1
pack: p
facts:
  Resource: {key: [id], fields: {id: string, kind: string}}
  Metric: {key: [resource], fields: {resource: string, max: double}}
rules:
  - id: idle
    subject: vm
    requires: [{match: Metric, as: known, where: known.resource == vm.id}]
    when: [{match: Resource, as: vm, where: vm.kind == "vm"}, {match: Metric, as: m, where: m.resource == vm.id && m.max < 5.0}]
    then: [{log: vm.id}]
  - {id: other, when: [{match: Metric, as: m, where: m.max > 90.0}], then: [{log: m.resource}]}
  - {id: "off", enabled: false, when: [{match: Metric}], then: [{log: '"x"'}]}
`

func drawnSession(t *testing.T) *Session {
	t.Helper()
	set, err := Load(Options{Files: []File{{Name: "p.yaml", Data: []byte(drawn)}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := set.NewSession(SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []Fact{
		{"Resource", map[string]any{"id": "i-1", "kind": "vm"}},
		{"Resource", map[string]any{"id": "i-2", "kind": "vm"}},
		{"Resource", map[string]any{"id": "d-1", "kind": "disk"}},
		{"Metric", map[string]any{"resource": "i-1", "max": 1.0}},
	} {
		if err := s.Assert(f.Type, f.Fields); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestGraph: what was stated is counted without a run, and a rule comes with its
// companion.
func TestGraph(t *testing.T) {
	s := drawnSession(t)
	for format, begins := range map[string]string{"svg": "<svg", "dot": "digraph"} {
		var all, one strings.Builder
		if err := s.WriteGraph(&all, format); err != nil {
			t.Fatal(err)
		}
		if err := s.WriteGraph(&one, format, "p/idle?requires", "p/idle"); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{begins, "p/idle?requires", "2 facts", "1 match"} {
			if !strings.Contains(all.String(), want) || !strings.Contains(one.String(), want) {
				t.Errorf("%s: no %q", format, want)
			}
		}
		if !strings.Contains(all.String(), "p/other") || strings.Contains(one.String(), "p/other") {
			t.Errorf("%s: rules that were not asked for", format)
		}
	}
}

func TestGraphRefuses(t *testing.T) {
	s := drawnSession(t)
	for _, c := range []struct{ format, id, want, next string }{
		{"svg", "p/ilde", `there is no rule "p/ilde"`, "did you mean p/idle?"},
		{"svg", "other", `there is no rule "other"`, "did you mean p/other?"},
		{"svg", "nothing-like-it", "there is no rule", "rules list"},
		{"svg", "p/off", "rule p/off is not enabled", "p.yaml:13"},
		{"png", "p/idle", `there is no format "png"`, "svg, dot"},
	} {
		var out strings.Builder
		err := s.WriteGraph(&out, c.format, c.id)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(trimtab.NextOf(err), c.next) || out.Len() > 0 {
			t.Errorf("%s %s: %v (%s)", c.format, c.id, err, trimtab.NextOf(err))
		}
	}
}
