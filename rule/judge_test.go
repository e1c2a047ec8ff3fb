package rule

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

const judged = `apiVersion: trimtab/v1
pack: p
facts:
  VM: {key: [id], fields: {id: string, n: int, note: 'string?'}}
  Seen: {key: [id], fields: {id: string, n: int}}
  Trace: {fields: {id: string}}
rules:
  - id: r
    subject: vm
    requires: [{match: Seen, as: e, where: 'e.id == "all" || e.id == vm.id'}]
    when: [{match: VM, as: vm, where: 'vm.n > 0'}]
    then: THEN
    tests: [{name: t, given: GIVEN, expect: EXPECT}]
  - id: other
    when: [{match: VM, as: vm, where: 'vm.n == 7'}]
    then: [{recommend: {action: stop, resource: vm.id}}, {assert: Trace, set: {id: vm.id}}, {derive: Seen, set: {id: vm.id, n: '0'}}]
  - id: fails
    when: [{match: VM, as: vm, where: 'vm.n == 8'}]
    then: [{log: 1 / (vm.n - 8)}]
  - id: runaway
    when: [{match: VM, as: vm, where: 'vm.n >= 1000'}]
    then: [{update: vm, set: {n: vm.n + 1}}]
`

// TestJudge: a test of a rule passes when the rule concludes what is expected and
// nothing else, whatever other rules conclude.
func TestJudge(t *testing.T) {
	all, vm := "{Seen: {id: all, n: 1}}", "{VM: {id: a, n: 1}}"
	recommend, trace := "[{recommend: {action: stop, resource: vm.id}}]", "[{assert: Trace, set: {id: vm.id}}]"
	for _, c := range []struct{ name, then, given, expect, want string }{
		{"expected", recommend, all + ", " + vm, "[{recommend: {action: stop, resource: a}}]", ""},
		{"unexpected", recommend, all + ", " + vm, "[]", `unexpected recommend: {action: "stop", resource: "a", variant: ""}`},
		{"one too many", recommend, all + ", " + vm + ", {VM: {id: b, n: 1}}", "[{recommend: {resource: b}}]", `unexpected recommend: {action: "stop", resource: "a", variant: ""}`},
		{"one too few", recommend, all + ", " + vm, "[{recommend: {resource: a}}, {recommend: {action: stop}}]", `expected recommend: {action: "stop"}`},
		{"another type", recommend, all + ", " + vm, "[{assign: {resource: a}}]", `expected assign: {resource: "a"}`},
		{"nothing follows", recommend, all, "[]", ""},
		{"unknown unexpected", recommend, vm, "[]", `unexpected unknown: {reason:`},
		{"unknown expected", recommend, vm, "[{unknown: {resource: a, rule: p/r}}]", ""},
		{"unknown for another", recommend, vm, "[{unknown: {resource: b, rule: p/r}}]", `nearest: resource is "a"`},
		{"stated", trace, all + ", " + vm, "[{Trace: {id: a}}]", ""},
		{"stated unexpected", trace, all + ", " + vm, "[]", `unexpected Trace: {id: "a"}`},
		{"what another rule states", recommend, all + ", {VM: {id: a, n: 7}}", "[{recommend: {resource: a}}]", ""},
		{"what another rule states is not mine", trace, all + ", {VM: {id: b, n: 7}}, " + vm, "[{Trace: {id: a}}]", ""},
		{"given facts are no conclusions", trace, all + ", {Trace: {id: x}}, " + vm, "[{Trace: {id: a}}]", ""},
		{"changed", "[{update: vm, set: {n: '0'}}]", all + ", " + vm, "[{VM: {id: a, n: 0}}]", ""},
		{"changed unexpectedly", "[{update: vm, set: {n: '0'}}]", all + ", " + vm, "[]", `unexpected VM: {id: "a", n: 0}`},
		{"an absent field", "[{update: vm, set: {n: '0'}}]", all + ", " + vm, "[{VM: {id: a, note: ~}}]", ""},
		{"another rule fails", recommend, all + ", {VM: {id: a, n: 8}}", "[{recommend: {}}]", ""},
		{"the rule fails", "[{log: 1 / (vm.n - 1)}]", all + ", " + vm, "[]", "the rule failed: log: division by zero"},
		{"no end", recommend, all + ", {VM: {id: a, n: 1000}}", "[{recommend: {}}]", "no end after 100000 firings"},
		{"the same fact twice", recommend, all + ", " + vm + ", {VM: {id: a, n: 2}}", "[{recommend: {resource: a}}]", ""},
	} {
		text := strings.NewReplacer("THEN", c.then, "GIVEN", "["+c.given+"]", "EXPECT", c.expect).Replace(judged)
		results, err := load(t, text).Test(t.Context())
		if err != nil || len(results) != 1 {
			t.Fatal(results, err)
		}
		r := results[0]
		failures := strings.Join(r.Failures, "\n")
		if r.Passed() != (c.want == "") || !strings.Contains(failures, c.want) {
			t.Errorf("%s: failures %q, want %q", c.name, failures, c.want)
		}
		if r.Rule != "p/r" || r.Name != "t" || r.File != "a.yaml" || r.Line != 13 {
			t.Errorf("%s: told as %+v", c.name, r)
		}
	}
}

// TestJudgeStops with its context, and says what it judged until then.
func TestJudgeStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := load(t, strings.NewReplacer("THEN", "[{halt: true}]", "GIVEN", "[]", "EXPECT", "[]").Replace(judged))
	if results, err := s.Test(ctx); !errors.Is(err, context.Canceled) || len(results) != 0 {
		t.Error(results, err)
	}
}

// TestDifferences names what differs between two wordings of a recommendation.
func TestDifferences(t *testing.T) {
	usd := func(s string) trimtab.Money {
		m, err := trimtab.ParseMoney(s + " USD")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	base := Conclusion{
		Action: "stop", Resource: "a", Title: "t", Savings: usd("1.0"), Labels: []string{"x"},
		Subject: Subject{Tags: map[string]string{"k": "v"}}, Reasons: []Reason{{Rule: "p/r", Hash: "1"}},
	}
	for want, change := range map[string]func(*Conclusion){
		"":             func(c *Conclusion) { c.Savings = usd("1.000") },
		" ":            func(c *Conclusion) { c.Reasons = []Reason{{Rule: "p/r", Hash: "2", Priority: 3, Title: "t"}} },
		"savings":      func(c *Conclusion) { c.Savings = usd("1.01") },
		"title":        func(c *Conclusion) { c.Title = "u" },
		"labels":       func(c *Conclusion) { c.Labels = nil },
		"tags":         func(c *Conclusion) { c.Subject.Tags = map[string]string{"k": "w"} },
		"reasons":      func(c *Conclusion) { c.Reasons = append([]Reason{{Rule: "p/q"}}, c.Reasons...) },
		"account fix":  func(c *Conclusion) { c.Fix, c.Subject.Account = "f", "1" },
		"monthly_cost": func(c *Conclusion) { c.Subject.MonthlyCost = usd("3") },
		"restart risk": func(c *Conclusion) { c.Restart, c.Risk = true, "high" },
	} {
		next := base
		change(&next)
		d := Diff(Outcome{Recommendations: []Conclusion{base}}, Outcome{Recommendations: []Conclusion{next}})
		got := ""
		if len(d.Change) == 1 {
			got = strings.Join(d.Change[0].Fields, " ")
		}
		if got != strings.TrimSpace(want) || d.Empty() != (got == "") || len(d.Appear)+len(d.Vanish) > 0 {
			t.Errorf("differs in %q, want %q: %+v", got, want, d)
		}
	}
}

// TestDiffKeys: action, resource and variant make a recommendation, whatever the
// spelling of the resource; the order is theirs.
func TestDiffKeys(t *testing.T) {
	c := func(action, resource, variant string) Conclusion {
		return Conclusion{Action: action, Resource: resource, Variant: variant, Reasons: []Reason{{Rule: "p/" + action}}}
	}
	old := Outcome{Recommendations: []Conclusion{c("stop", "b", ""), c("stop", "a", ""), c("move", "a", "gp3"), c("move", "z", "")}}
	next := Outcome{
		Recommendations: []Conclusion{c("move", "a", "io2"), c("stop", "a", "")},
		Unknown:         []Unknown{{Rule: "p/move", Resource: "z"}, {Rule: "p/other", Resource: "b"}},
	}
	text := func(list []Conclusion) string {
		var out []string
		for _, c := range list {
			out = append(out, c.Action+" "+c.Resource+" "+c.Variant)
		}
		return strings.Join(out, ", ")
	}
	d := Diff(old, next)
	if text(d.Appear) != "move a io2" || text(d.Vanish) != "move a gp3, stop b " || text(d.Unsure) != "move z " || len(d.Change) != 0 {
		t.Errorf("appear %s; vanish %s; unsure %s; change %v", text(d.Appear), text(d.Vanish), text(d.Unsure), d.Change)
	}
}

// TestWithFiles: a further pack is checked with those that are there, and a bad
// one leaves the set as it was.
func TestWithFiles(t *testing.T) {
	s := load(t, vmTypes)
	next, err := s.WithFiles(File{"more.yaml", []byte("apiVersion: trimtab/v1\npack: more\nrules: [{id: r, when: [{match: VM, as: vm}], then: [{log: vm.id}]}]\n")})
	if err != nil || len(next.Rules()) != 1 || len(s.Rules()) != 0 {
		t.Fatal(next, err)
	}
	if r, ok := next.Rule("more/r?requires"); !ok || r.ID != "more/r" {
		t.Error("the rule of a production is not found")
	}
	if _, err := next.WithFiles(File{"bad.yaml", []byte("apiVersion: trimtab/v1\npack: more\nrules: []\n")}); err == nil || len(next.Rules()) != 1 {
		t.Errorf("a second pack of the name: %v", err)
	}
}

// TestAccepts: which types of expression a field takes.
func TestAccepts(t *testing.T) {
	types := []string{"bool", "int", "double", "decimal", "money", "string", "timestamp", "duration", "bytes", "list(int)", "list(string)", "map(string, int)", "dyn"}
	for field, want := range map[string]string{
		"bool": "bool dyn", "int": "int dyn", "double": "int double dyn", "decimal": "int decimal dyn", "money": "money dyn",
		"string": "string dyn", "timestamp": "timestamp dyn", "duration": "duration dyn", "bytes": "bytes dyn",
		"list(int)": "list(int) dyn", "list(dyn)": "list(int) list(string) dyn", "map(string, int)": "map(string, int) dyn",
		"string?": "string dyn", "dyn": strings.Join(types, " "), "dyn?": strings.Join(types, " "),
	} {
		var got []string
		for _, out := range types {
			if mustType(t, field).accepts(mustType(t, out).cel()) {
				got = append(got, out)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s takes %s, want %s", field, text, want)
		}
	}
}
