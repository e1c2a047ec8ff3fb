package rule

import (
	"strings"
	"testing"
)

const tested = `apiVersion: trimtab/v1
pack: p
facts:
  VM: {key: [id], fields: {id: string, cost: money, n: int}}
  Seen: {key: [id], fields: {id: string}}
rules:
  - id: a
    when: [{match: VM, as: vm, where: '10 / vm.n > 0'}]
    then: [{recommend: {action: stop, resource: vm.id, savings: vm.cost}}, {derive: Seen, set: {id: vm.id}}]
    tests: TESTS
  - id: off
    enabled: false
    when: [{match: VM, as: vm}]
    then: [{recommend: {action: delete, resource: vm.id}}]
    tests: [{name: off, given: [], expect: []}]
  - id: loud
    priority: 5
    when: [{match: VM, as: vm, where: 'vm.n > 5'}]
    then: [{recommend: {action: stop, resource: vm.id, title: '"loud"'}}]
`

// TestFailures: each way a test of a rule can fail, and what is said then.
func TestFailures(t *testing.T) {
	vm := "given: [{VM: {id: x, cost: 3.00 USD, n: 1}}]"
	for tests, want := range map[string]string{
		"{name: t, " + vm + ", expect: [{recommend: {resource: x, savings: 3.00 USD}}, {Seen: {id: x}}]}": "",
		"{name: t, " + vm + ", expect: [{recommend: {resource: x}}]}":                                     `unexpected Seen: {id: "x"}`,
		"{name: t, " + vm + ", expect: [{recommend: {savings: 4.00 USD}}, {Seen: {}}]}":                   `expected recommend: {savings: 4.00 USD}`,
		"{name: t, " + vm + ", expect: [{recommend: {resource: x, savings: 4.00 USD}}, {Seen: {}}]}":      `nearest: savings is 3.00 USD`,
		"{name: t, " + vm + ", expect: [{recommend: {fix: f, resource: x}}, {Seen: {}}]}":                 "fix is absent",
		"{name: t, given: [], expect: [{unknown: {resource: x}}]}":                                        `expected unknown: {resource: "x"}`,
		"{name: t, given: [{VM: {id: x, cost: 3.00 USD, n: 0}}], expect: []}":                             "the rule failed: division by zero",
		// loud words the recommendation, a is judged by what a says
		"{name: t, given: [{VM: {id: x, cost: 3.00 USD, n: 6}}], expect: [{recommend: {savings: 3.00 USD}}, {Seen: {id: x}}]}": "",
	} {
		s := load(t, strings.Replace(tested, "TESTS", "["+tests+"]", 1))
		results, err := s.Test(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		failures := strings.Join(results[0].Failures, "\n")
		if want == "" && failures != "" || !strings.Contains(failures, want) || results[0].Passed() != (want == "") {
			t.Errorf("%s\nfailures: %s\nwant: %s", tests, failures, want)
		}
		if results[1].Passed() || results[1].Failures[0] != "the rule is not enabled" {
			t.Errorf("%+v", results[1])
		}
	}
}

// TestDisabled: a rule that is not enabled concludes nothing.
func TestDisabled(t *testing.T) {
	s := load(t, strings.Replace(tested, "TESTS", "[]", 1))
	_, out := run1(t, s, Fact{"VM", map[string]any{"id": "x", "cost": "1 USD", "n": 1}})
	if len(out.Recommendations) != 1 || out.Recommendations[0].Action != "stop" {
		t.Errorf("%+v", out.Recommendations)
	}
}
