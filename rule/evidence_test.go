package rule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
)

const evidencePack = `apiVersion: trimtab/v1
pack: p
facts:
  VM: {key: [id], fields: {id: string, kind: string, account: 'string?', monthly_cost: 'money?'}}
  Metric: {key: [vm, name], fields: {vm: string, name: string, max: double}}
  Keep: {key: [vm], fields: {vm: string}}
rules:
  - id: idle
    subject: vm
    requires: [{match: Metric, as: m, where: 'm.vm == vm.id && m.name == "cover" && m.max >= 0.9'}]
    when:
      - {match: VM, as: vm, where: 'vm.kind == "vm"'}
      - {match: Metric, as: cpu, where: 'cpu.vm == vm.id && cpu.name == "cpu" && cpu.max < 5.0'}
      - not: [{match: Keep, as: k, where: 'k.vm == vm.id'}]
    then: [{recommend: {action: stop, resource: vm.id}}]
`

// answers writes what a run says of every resource: what is recommended, and
// "?" where the rule cannot tell.
func answers(out *Outcome) string {
	var said []string
	for _, c := range out.Recommendations {
		said = append(said, c.Resource)
	}
	for _, u := range out.Unknown {
		said = append(said, u.Resource+"?")
	}
	return strings.Join(said, " ")
}

// TestSubjectComesAndGoes: the answer about a subject is yes, no or unknown as
// subject and evidence come and go, and nothing about one that is not there.
func TestSubjectComesAndGoes(t *testing.T) {
	session, _ := run1(t, load(t, evidencePack))
	vm := Fact{"VM", map[string]any{"id": "a", "kind": "vm"}}
	metric := func(name string, v float64) Fact {
		return Fact{"Metric", map[string]any{"vm": "a", "name": name, "max": v}}
	}
	keep := Fact{"Keep", map[string]any{"vm": "a"}}
	for i, step := range []struct {
		facts []Fact
		want  string
	}{
		{nil, ""},
		{[]Fact{vm}, "a?"},
		{[]Fact{vm, metric("cpu", 1)}, "a?"},
		{[]Fact{vm, metric("cpu", 1), metric("cover", 0.5)}, "a?"},
		{[]Fact{vm, metric("cpu", 1), metric("cover", 0.9)}, "a"},
		{[]Fact{vm, metric("cpu", 9), metric("cover", 0.9)}, ""}, // evidence says no
		{[]Fact{vm, metric("cover", 0.9)}, ""},
		{[]Fact{vm, metric("cpu", 1), metric("cover", 0.9), keep}, ""},
		{[]Fact{vm, metric("cpu", 1), keep}, "a?"},
		{[]Fact{metric("cpu", 1), metric("cover", 1)}, ""}, // no subject, no answer
		{[]Fact{{"VM", map[string]any{"id": "a", "kind": "db"}}}, ""},
		{[]Fact{vm, metric("cpu", 1), metric("cover", 1)}, "a"},
		{[]Fact{vm}, "a?"},
		{nil, ""},
	} {
		if err := session.Replace([]string{"VM", "Metric", "Keep"}, step.facts); err != nil {
			t.Fatal(err)
		}
		if got := answers(again(t, session)); got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
}

// TestAnswersFollowFacts: after any changes the answers are those that the facts
// give by the words of the rule, and never two about one resource.
func TestAnswersFollowFacts(t *testing.T) {
	s := load(t, evidencePack)
	rapid.Check(t, func(t *rapid.T) {
		session, err := s.NewSession(SessionOptions{Strategy: rapid.SampledFrom([]string{"depth", "breadth"}).Draw(t, "strategy")})
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 6).Draw(t, "readings") {
			var facts []Fact
			want := ""
			for _, id := range []string{"a", "b"} {
				there, cpu := rapid.Bool().Draw(t, "there"), rapid.SampledFrom([]float64{-1, 1, 9}).Draw(t, "cpu")
				cover, kept := rapid.SampledFrom([]float64{-1, 0.5, 1}).Draw(t, "cover"), rapid.Bool().Draw(t, "kept")
				if there {
					facts = append(facts, Fact{"VM", map[string]any{"id": id, "kind": "vm"}})
				}
				for name, v := range map[string]float64{"cpu": cpu, "cover": cover} {
					if v >= 0 {
						facts = append(facts, Fact{"Metric", map[string]any{"vm": id, "name": name, "max": v}})
					}
				}
				if kept {
					facts = append(facts, Fact{"Keep", map[string]any{"vm": id}})
				}
				switch {
				case there && cover < 0.9:
					want += id + "?"
				case there && cpu == 1 && !kept:
					want += id
				}
			}
			if err := session.Replace([]string{"VM", "Metric", "Keep"}, facts); err != nil {
				t.Fatal(err)
			}
			out, err := session.Run(context.TODO())
			if err != nil || len(out.Errors) > 0 {
				t.Fatal(err, out.Errors)
			}
			got := map[string]bool{}
			for _, word := range strings.Fields(answers(out)) {
				got[word] = true
			}
			for _, word := range []string{"a", "a?", "b", "b?"} {
				id := strings.TrimSuffix(word, "?")
				expected := strings.Contains(want, word) && (word != id || !strings.Contains(want, id+"?"))
				if got[word] != expected {
					t.Fatalf("answers %q, want %q", answers(out), want)
				}
			}
		}
	})
}

// TestResourceOfSubject: whom an "unknown" is about, when the rule recommends
// nothing that tells.
func TestResourceOfSubject(t *testing.T) {
	for fields, want := range map[string]string{
		"{key: [id], fields: {id: string}}":                           "x",
		"{key: [name], fields: {name: string}}":                       "x",
		"{key: [resource], fields: {resource: string, note: string}}": "x",
		"{fields: {resource_id: string}}":                             "x",
		"{key: [name, zone], fields: {name: string, zone: string}}":   "what is the resource of s?",
		"{key: [n], fields: {n: int}}":                                "what is the resource of s?",
		"{fields: {name: string}}":                                    "what is the resource of s?",
	} {
		s, err := tryLoad(`apiVersion: trimtab/v1
pack: p
facts:
  S: ` + fields + `
  E: {fields: {x: int}}
rules:
  - {id: r, subject: s, requires: [{match: E}], when: [{match: S, as: s}], then: [{log: '"a"'}]}
`)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", fields, err)
			}
			continue
		}
		given := map[string]any{}
		for _, d := range s.Types() {
			for _, f := range d.Fields {
				if d.Name == "S" {
					given[f.Name] = "x"
				}
			}
		}
		if _, out := run1(t, s, Fact{"S", given}); len(out.Unknown) != 1 || out.Unknown[0].Resource != want || out.Unknown[0].Reason != "no E" {
			t.Errorf("%s: %+v", fields, out.Unknown)
		}
	}
}

// TestReasonsInOrder: the best reason words a recommendation: by priority, then by
// rule id; another variant is another recommendation.
func TestReasonsInOrder(t *testing.T) {
	rule := func(id string, priority int, more string) string {
		return fmt.Sprintf("  - {id: %s, title: Words of %s, doc: doc of %s, priority: %d, subject: vm, when: [{match: VM, as: vm}], then: [{recommend: {action: stop, resource: vm.id%s}}]}\n", id, id, id, priority, more)
	}
	pack := evidencePack[:strings.Index(evidencePack, "rules:")] + "rules:\n" +
		rule("c", 1, "") + rule("b", 5, ", title: '\"said\"', labels: '[\"x\", vm.kind]', restart: 'true', savings: money(\"3 USD\")") +
		rule("a", 1, "") + rule("d", 9, ", variant: '\"other\"', account: '\"own\"', runbook: '\"r\"'")
	session, out := run1(t, load(t, pack), Fact{"VM", map[string]any{"id": "i", "kind": "vm", "account": "1", "monthly_cost": "9 USD"}})
	if len(out.Recommendations) != 2 {
		t.Fatalf("%+v", out.Recommendations)
	}
	c, other := out.Recommendations[0], out.Recommendations[1]
	if c.Title != "said" || c.Doc != "doc of b" || !c.Restart || c.Rollback || strings.Join(c.Labels, " ") != "x vm" || c.Savings.String() != "3.00 USD" {
		t.Errorf("worded %+v", c)
	}
	order := ""
	for _, r := range c.Reasons {
		order += fmt.Sprint(r.Rule, " ", r.Priority, " ", r.Title, "; ")
	}
	if order != "p/b 5 said; p/a 1 Words of a; p/c 1 Words of c; " {
		t.Errorf("reasons %s", order)
	}
	if other.Variant != "other" || other.Subject.Account != "own" || other.Runbook != "r" || other.Title != "Words of d" || len(other.Reasons) != 1 {
		t.Errorf("the variant: %+v", other)
	}
	if c.Subject.Account != "1" || c.Subject.Kind != "vm" || c.Subject.MonthlyCost.String() != "9.00 USD" || c.Subject.Tags != nil {
		t.Errorf("subject %+v", c.Subject)
	}
	if len(out.Conflicts) != 0 {
		t.Errorf("opinions are no conflict: %+v", out.Conflicts)
	}
	if err := session.Replace([]string{"VM"}, nil); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); len(out.Recommendations) != 0 {
		t.Errorf("left over: %+v", out.Recommendations)
	}
}

// TestAssign: where a recommendation goes follows it, the best rule decides.
func TestAssign(t *testing.T) {
	s := load(t, evidencePack, `apiVersion: trimtab/v1
pack: route
rules:
  - {id: all, when: [{match: Recommendation, as: rec}], then: [{assign: {recommendation: rec, owner: '"everybody"', board: '"main"'}}]}
  - {id: db, priority: 3, when: [{match: Recommendation, as: rec, where: 'rec.resource.startsWith("db")'}], then: [{assign: {recommendation: rec, owner: '"dba"', labels: '["data"]', priority: '"high"'}}]}
`)
	var given []Fact
	for _, id := range []string{"db1", "web"} {
		given = append(given, Fact{"VM", map[string]any{"id": id, "kind": "vm"}},
			Fact{"Metric", map[string]any{"vm": id, "name": "cpu", "max": 1}}, Fact{"Metric", map[string]any{"vm": id, "name": "cover", "max": 1}})
	}
	session, out := run1(t, s, given...)
	want := "[{stop db1  dba main high [data] [route/db route/all]} {stop web  everybody main  [] [route/all]}]"
	if got := fmt.Sprint(out.Assignments); got != want {
		t.Errorf("assigned %s\nwant %s", got, want)
	}
	if err := session.Replace([]string{"Metric"}, nil); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); len(out.Assignments) != 0 || answers(out) != "db1? web?" {
		t.Errorf("without recommendations: %+v", out)
	}
}

// TestExpiries: which comparisons with now are taken, and when they turn.
func TestExpiries(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for where, want := range map[string]string{ // true at -2h -1h 0 1h 2h around x.at
		`x.at > now`:                                  "11000",
		`x.at >= now`:                                 "11100",
		`now < x.at`:                                  "11000",
		`x.at < now`:                                  "00011",
		`x.at < now - duration("1h")`:                 "00001",
		`x.at + duration("1h") <= now`:                "00011",
		`now - x.at > duration("30m")`:                "00011",
		`now - x.at >= x.age`:                         "00011",
		`x.at - now > duration("90m")`:                "10000",
		`x.at > now || x.id == "a"`:                   "11111",
		`x.at > now && x.id == "b"`:                   "00000",
		`!(x.at > now)`:                               "00111",
		`x.at > now ? x.id == "a" : x.id == "b"`:      "11000",
		`[x.at].exists(y, y > now)`:                   "11000",
		`x.at > now - duration("1h") && x.at < now`:   "00000",
		`x.at >= now - duration("1h") && x.at <= now`: "00110",
		`timestamp("2026-11-20T11:30:00Z") < now`:     "00001",
		`x.at > now + params.grace`:                   "10000",
		`has(x.gone) && x.gone > now || !has(x.gone)`: "11111",
		`x.gone > now`:                                "00000",
	} {
		s := load(t, `apiVersion: trimtab/v1
pack: p
facts: {X: {key: [id], fields: {id: string, at: timestamp, age: duration, gone: 'timestamp?'}}}
params: {grace: {type: duration, default: 1h}}
rules:
  - id: r
    when: [{match: X, as: x, where: '`+strings.ReplaceAll(where, "'", "''")+`'}]
    then: [{recommend: {action: stop, resource: x.id}}]
`)
		session, _ := run1(t, s, Fact{"X", map[string]any{"id": "a", "at": at, "age": "1h"}})
		got := ""
		for h := -2; h <= 2; h++ {
			if err := session.SetClock(at.Add(time.Duration(h) * time.Hour)); err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprint(len(again(t, session).Recommendations))
		}
		if got != want {
			t.Errorf("%s holds %s, want %s", where, got, want)
		}
	}
}

// TestSessionOptions: limits and strategies of a run.
func TestSessionOptions(t *testing.T) {
	s := load(t, `apiVersion: trimtab/v1
pack: p
facts: {N: {key: [n], fields: {n: int}}}
rules:
  - {id: count, when: [{match: N, as: n, where: 'n.n >= 100'}], then: [{assert: N, set: {n: n.n + 1}}]}
  - {id: tell, when: [{match: N, as: n, where: 'n.n < 100'}], then: [{log: n.n}]}
`)
	for strategy, want := range map[string]string{"": "3, 2, 1", "depth": "3, 2, 1", "breadth": "1, 2, 3"} {
		session, err := s.NewSession(SessionOptions{Strategy: strategy})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			if err := errors.Join(session.Assert("N", map[string]any{"n": n + 1}), session.commit()); err != nil {
				t.Fatal(err)
			}
		}
		if got := logsOf(again(t, session)); got != want {
			t.Errorf("%q: %s, want %s", strategy, got, want)
		}
	}
	if _, err := s.NewSession(SessionOptions{Strategy: "luck"}); trimtab.CodeOf(err) != trimtab.Invalid {
		t.Error(err)
	}
	session, err := s.NewSession(SessionOptions{MaxFirings: 7})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Assert("N", map[string]any{"n": 100}); err != nil {
		t.Fatal(err)
	}
	out, err := session.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no end after 7 firings; busiest: p/count") || out == nil || out.Firings["p/count"] != 7 {
		t.Errorf("%v, %+v", err, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := session.Run(ctx); !errors.Is(err, context.Canceled) || out == nil {
		t.Error(out, err)
	}
}
