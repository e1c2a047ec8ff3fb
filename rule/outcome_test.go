package rule

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

const vmTypes = `apiVersion: trimtab/v1
pack: types
facts:
  VM:
    key: [id]
    fields: {id: string, account: string, region: 'string?', tags: 'map(string, string)?', cpu: 'double?', monthly_cost: money, when: 'timestamp?'}
  Metric: {key: [resource], fields: {resource: string, max: double}}
  Idle: {key: [vm], fields: {vm: string}}
  Keep: {fields: {vm: string}}
rules: []
`

const shared = `apiVersion: trimtab/v1
pack: low
rules:
  - id: a
    title: Words of a
    priority: 1
    subject: vm
    when: [{match: VM, as: vm, where: 'vm.cpu < 5.0'}]
    then: [{recommend: {action: stop, resource: vm.id, savings: vm.monthly_cost * 0.5, fix: '"only a says this"'}}]
---
apiVersion: trimtab/v1
pack: high
rules:
  - id: b
    title: Words of b
    priority: 2
    subject: vm
    when: [{match: VM, as: vm, where: 'vm.tags.env == "dev"'}]
    then: [{recommend: {action: stop, resource: vm.id, savings: vm.monthly_cost}}]
`

func run1(t *testing.T, s *Set, facts ...Fact) (*Session, *Outcome) {
	t.Helper()
	session, err := s.NewSession(SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		if err := session.Assert(f.Type, f.Fields); err != nil {
			t.Fatal(err)
		}
	}
	return session, again(t, session)
}

func again(t *testing.T, session *Session) *Outcome {
	t.Helper()
	out, err := session.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func vm(id string, more map[string]any) Fact {
	f := map[string]any{"id": id, "account": "1", "monthly_cost": "30.00 USD"}
	for k, v := range more {
		f[k] = v
	}
	return Fact{"VM", f}
}

// TestSharedRecommendation: several rules conclude one recommendation; all are
// its reasons, the one with the highest priority words it, and what it does not
// say is not taken from another.
func TestSharedRecommendation(t *testing.T) {
	packs := append([]string{vmTypes}, strings.Split(shared, "---\n")...)
	s := load(t, packs...)
	session, out := run1(t, s, vm("i-1", map[string]any{"cpu": 1, "tags": map[string]string{"env": "dev"}, "region": "eu"}))
	if len(out.Recommendations) != 1 {
		t.Fatalf("%d recommendations", len(out.Recommendations))
	}
	c := out.Recommendations[0]
	if c.Title != "Words of b" || c.Fix != "" || c.Savings.String() != "30.00 USD" {
		t.Errorf("worded %q, fix %q, savings %s", c.Title, c.Fix, c.Savings)
	}
	if c.Subject.Region != "eu" || c.Subject.Account != "1" || c.Subject.Tags["env"] != "dev" || c.Subject.MonthlyCost.String() != "30.00 USD" {
		t.Errorf("subject %+v", c.Subject)
	}
	var rules []string
	for _, r := range c.Reasons {
		rules = append(rules, r.Rule+" "+r.Title+" "+r.Savings.String()+" "+r.Evidence[0].Name)
		if rule, ok := s.Rule(r.Rule); !ok || rule.Hash != r.Hash || rule.Pack != r.Pack || rule.Priority != r.Priority {
			t.Errorf("provenance of %s is wrong", r.Rule)
		}
	}
	if want := []string{"high/b Words of b 30.00 USD vm", "low/a Words of a 15.00 USD vm"}; !reflect.DeepEqual(rules, want) {
		t.Errorf("reasons %q", rules)
	}
	if err := session.Assert("VM", map[string]any{"id": "i-1", "tags": map[string]string{"env": "prod"}}); err != nil {
		t.Fatal(err)
	}
	if c := again(t, session).Recommendations[0]; c.Title != "Words of a" || len(c.Reasons) != 1 {
		t.Errorf("after b is gone: %+v", c)
	}
	if out.Firings["low/a"] != 1 || out.Firings["high/b"] != 1 {
		t.Errorf("firings %v", out.Firings)
	}
}

// TestAbsent: reading an absent field, or a key that a map has not, is no match,
// no error, and counted.
func TestAbsent(t *testing.T) {
	packs := append([]string{vmTypes}, strings.Split(shared, "---\n")...)
	_, out := run1(t, load(t, packs...), vm("i-1", nil), vm("i-2", map[string]any{"tags": map[string]any{}}))
	if len(out.Recommendations)+len(out.Errors) != 0 {
		t.Errorf("%+v", out)
	}
	if out.AbsentReads["low/a"] != 2 || out.AbsentReads["high/b"] != 2 {
		t.Errorf("absent reads %v", out.AbsentReads)
	}
}

// TestDependencies: what a rule reads and denies, through derived facts.
func TestDependencies(t *testing.T) {
	s := load(t, vmTypes, `apiVersion: trimtab/v1
pack: p
rules:
  - id: idle
    when: [{match: Metric, as: m, where: 'm.max < 1.0'}, {not: [{match: Keep, as: k, where: 'k.vm == m.resource'}]}]
    then: [{derive: Idle, set: {vm: m.resource}}]
  - id: stop
    when: [{match: VM, as: vm}, {match: Idle, as: i, where: 'i.vm == vm.id'}]
    then: [{recommend: {action: stop, resource: vm.id}}]
  - id: busy
    when: [{match: VM, as: vm}, {not: [{match: Idle, as: i, where: 'i.vm == vm.id'}]}]
    then: [{log: '"busy"'}]
  - id: needs
    subject: vm
    requires: [{match: Metric, as: m, where: 'm.resource == vm.id'}]
    when: [{match: VM, as: vm}]
    then: [{recommend: {action: resize, resource: vm.id}}]
`)
	for id, want := range map[string][2]string{
		"p/idle": {"Metric", "Keep"}, "p/stop": {"Idle Metric VM", "Keep"},
		"p/busy": {"VM", "Idle Keep Metric"}, "p/needs": {"Metric VM", ""},
	} {
		r, ok := s.Rule(id)
		if !ok {
			t.Fatal(id)
		}
		got := [2]string{strings.Join(r.Reads(), " "), strings.Join(r.Negates(), " ")}
		if got != want {
			t.Errorf("%s: reads and denies %q, want %q", id, got, want)
		}
	}
}

// TestUnknown: a subject without the required evidence is unknown, never "no",
// and its recommendation is withdrawn with it.
func TestUnknown(t *testing.T) {
	s := load(t, vmTypes, `apiVersion: trimtab/v1
pack: p
rules:
  - id: idle
    subject: vm
    requires:
      - {match: Metric, as: m, where: 'm.resource == vm.id'}
      - {match: Keep, as: k}
    when: [{match: VM, as: vm}]
    then: [{recommend: {action: stop, resource: '"arn:" + vm.id'}}]
`)
	session, out := run1(t, s, vm("i-1", nil), Fact{"Metric", map[string]any{"resource": "i-1", "max": 1}})
	want := []Unknown{{"p/idle", "arn:i-1", "no Metric where m.resource == vm.id, and no Keep"}}
	if !reflect.DeepEqual(out.Unknown, want) || len(out.Recommendations) != 0 {
		t.Errorf("%+v", out)
	}
	if err := session.Assert("Keep", map[string]any{"vm": "x"}); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); len(out.Unknown) != 0 || len(out.Recommendations) != 1 {
		t.Errorf("with the evidence: %+v", out)
	}
	if err := session.Replace([]string{"Metric"}, nil); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); len(out.Unknown) != 1 || len(out.Recommendations) != 0 {
		t.Errorf("without it again: %+v", out)
	}
}

// TestMixedCurrencies: an action and a test over two currencies fail, named.
func TestMixedCurrencies(t *testing.T) {
	s := load(t, vmTypes, `apiVersion: trimtab/v1
pack: p
rules:
  - id: sum
    when: [{match: VM, as: a, where: 'a.id == "i-1"'}, {match: VM, as: b, where: 'b.id == "i-2"'}]
    then: [{recommend: {action: stop, resource: a.id, savings: a.monthly_cost + b.monthly_cost}}]
  - id: cheap
    when: [{match: VM, as: vm, where: 'vm.monthly_cost < money("100.00 USD")'}]
    then: [{log: vm.monthly_cost}]
`)
	_, out := run1(t, s, vm("i-1", nil), vm("i-2", map[string]any{"monthly_cost": "1.00 EUR"}))
	if len(out.Errors) != 2 || len(out.Recommendations) != 0 {
		t.Fatalf("%+v", out)
	}
	for i, rule := range []string{"p/cheap", "p/sum"} {
		e := out.Errors[i]
		if e.Rule != rule || !strings.Contains(e.Message, "USD") || !strings.Contains(e.Message, "EUR") {
			t.Errorf("%+v", e)
		}
	}
	if f := out.Errors[1].Facts; len(f) != 2 || f[0].Name != "a" || f[1].Fields["id"] != "i-2" {
		t.Errorf("facts %+v", f)
	}
	if len(out.Logs) != 1 || out.Logs[0] != (Log{"p/cheap", "30.00 USD"}) {
		t.Errorf("logs %v", out.Logs)
	}
}

func TestAssertErrors(t *testing.T) {
	session, _ := run1(t, load(t, vmTypes))
	for _, c := range []struct {
		f    Fact
		want []string
	}{
		{Fact{"WM", nil}, []string{"WM", "VM"}},
		{vm("a", map[string]any{"cpuu": 1}), []string{"VM", "cpuu", "cpu"}},
		{vm("a", map[string]any{"cpu": "high"}), []string{"VM.cpu", `"high"`, "double"}},
		{vm("a", map[string]any{"when": "noon"}), []string{"VM.when", `"noon"`}},
		{vm("a", map[string]any{"monthly_cost": 3}), []string{"VM.monthly_cost", "3", "money"}},
		{vm("a", map[string]any{"tags": []string{"x"}}), []string{"VM.tags", "map"}},
		{vm("a", map[string]any{"account": nil}), []string{"VM.account", "missing"}},
	} {
		err := session.Assert(c.f.Type, c.f.Fields)
		if err == nil || trimtab.CodeOf(err) != trimtab.Invalid {
			t.Errorf("%v: %v", c.f, err)
			continue
		}
		for _, w := range c.want {
			if text := err.Error() + trimtab.NextOf(err); !strings.Contains(text, w) {
				t.Errorf("%v: %q does not name %s", c.f, text, w)
			}
		}
	}
	if err := session.Assert("VM", vm("b", map[string]any{"cpu": nil, "when": time.Now(), "monthly_cost": trimtab.Money{Currency: "USD"}}).Fields); err != nil {
		t.Error(err)
	}
}

func TestDiff(t *testing.T) {
	packs := append([]string{vmTypes}, strings.Split(shared, "---\n")...)
	dev := map[string]any{"tags": map[string]string{"env": "dev"}}
	cold := map[string]any{"cpu": 1}
	_, old := run1(t, load(t, packs...), vm("a", dev), vm("b", dev), vm("c", cold))
	_, next := run1(t, load(t, packs...), vm("b", map[string]any{"cpu": 1, "tags": dev["tags"]}), vm("c", cold), vm("d", cold))
	d := Diff(*old, *next)
	if len(d.Appear) != 1 || d.Appear[0].Resource != "d" || len(d.Vanish) != 1 || d.Vanish[0].Resource != "a" {
		t.Errorf("%+v", d)
	}
	if len(d.Change) != 1 || d.Change[0].New.Resource != "b" || !reflect.DeepEqual(d.Change[0].Fields, []string{"reasons"}) {
		t.Errorf("changes %+v", d.Change)
	}
	if !Diff(*old, *old).Empty() {
		t.Error("an outcome differs from itself")
	}
	unsure := Diff(*old, Outcome{Unknown: []Unknown{{Rule: "high/b", Resource: "a"}}})
	if len(unsure.Unsure) != 1 || unsure.Unsure[0].Resource != "a" || len(unsure.Vanish) != 2 {
		t.Errorf("unsure %+v", unsure)
	}
}

// TestSameOutcome: neither the order of packs nor that of facts shows.
func TestSameOutcome(t *testing.T) {
	parts := strings.Split(shared, "---\n")
	a := []Fact{vm("i-1", map[string]any{"cpu": 1}), vm("i-2", map[string]any{"cpu": 2, "tags": map[string]string{"env": "dev"}})}
	_, x := run1(t, load(t, vmTypes, parts[0], parts[1]), a[0], a[1])
	_, y := run1(t, load(t, parts[1], vmTypes, parts[0]), a[1], a[0])
	one, err := json.Marshal(x)
	two, err2 := json.Marshal(y)
	if err != nil || err2 != nil || string(one) != string(two) {
		t.Errorf("%s\n%s", one, two)
	}
}

// TestEffect: savings by currency, and a change of currency counts on both sides.
func TestEffect(t *testing.T) {
	c := func(resource, savings string) Conclusion {
		m, err := trimtab.ParseMoney(savings)
		if err != nil {
			t.Fatal(err)
		}
		return Conclusion{Action: "stop", Resource: resource, Savings: m}
	}
	d := Diff(
		Outcome{Recommendations: []Conclusion{c("a", "10 USD"), c("b", "5 USD"), c("c", "7 USD"), c("e", "1 USD")}},
		Outcome{Recommendations: []Conclusion{c("b", "8 USD"), c("c", "2 USD"), c("d", "4 EUR"), c("e", "1 EUR")}},
	)
	e := d.Effect()
	got := fmt.Sprint(e.Gained["USD"], e.Gained["EUR"], e.Lost["USD"], e.Lost["EUR"], e.Opened, e.Closed, e.Edited)
	if got != "3.00 USD 5.00 EUR 16.00 USD 0.00 1 1 3" {
		t.Error(got)
	}
}
