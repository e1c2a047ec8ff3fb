package rule

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/rete"
)

const actionTypes = `apiVersion: trimtab/v1
pack: types
facts:
  In: {key: [id], fields: {id: string, n: int, note: 'string?', cost: 'money?'}}
  Out: {key: [id], fields: {id: string, n: 'int?', note: 'string?', cost: 'money?'}}
  Log: {fields: {text: string}}
rules: []
`

// then is a pack with one rule that fires for every In and does this.
func then(actions string) string {
	return "apiVersion: trimtab/v1\npack: p\nrules:\n  - id: r\n    no_loop: true\n    when: [{match: In, as: a}]\n    then:\n" + actions
}

// facts writes the facts of a type that stand, by their text.
func facts(s *Session, typ string) string {
	var out []string
	for f := range s.memory.FactsOf(typ) {
		text := testFact{typ: typ, fields: f.Fields()}.String()
		if f.Derived() {
			text += " derived"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func in(id string, n int, more map[string]any) Fact {
	f := map[string]any{"id": id, "n": n}
	for k, v := range more {
		f[k] = v
	}
	return Fact{"In", f}
}

// TestActions: what each action leaves behind, and whether it falls with its
// reason.
func TestActions(t *testing.T) {
	for _, c := range []struct{ name, then, out, after string }{
		{"derive", "      - {derive: Out, set: {id: a.id, n: a.n + 1}}\n", `Out: {id: "a", n: 3} derived`, ""},
		{"assert", "      - {assert: Out, set: {id: a.id, n: a.n}}\n", `Out: {id: "a", n: 2}`, `Out: {id: "a", n: 2}`},
		{
			"absent values leave optional fields out", "      - {derive: Out, set: {id: a.id, note: a.note, cost: a.cost}}\n",
			`Out: {id: "a"} derived`, "",
		},
		{"null clears", "      - {assert: Out, set: {id: a.id, n: '1', note: 'null'}}\n", `Out: {id: "a", n: 1}`, `Out: {id: "a", n: 1}`},
		{"optionals are unwrapped", "      - {derive: Out, set: {id: a.id, note: 'a.?note', n: 'optional.of(a.n)'}}\n", `Out: {id: "a", n: 2} derived`, ""},
		{
			"two of one key", "      - {derive: Out, set: {id: a.id, n: '1'}}\n      - {derive: Out, set: {id: a.id, n: '2'}}\n",
			`Out: {id: "a", n: 2} derived`, "",
		},
		{
			"an assert overlays an assert", "      - {assert: Out, set: {id: a.id, n: '1'}}\n      - {assert: Out, set: {id: a.id, note: '\"x\"'}}\n",
			`Out: {id: "a", n: 1, note: "x"}`, `Out: {id: "a", n: 1, note: "x"}`,
		},
		{"values are computed before changes", "      - {update: a, set: {n: a.n * 10}}\n      - {derive: Out, set: {id: a.id, n: a.n}}\n", `Out: {id: "a", n: 2} derived`, ""},
		{"a retract takes its own conclusions along", "      - {derive: Out, set: {id: a.id}}\n      - {retract: a}\n", "", ""},
		{"what was asserted stays", "      - {assert: Out, set: {id: a.id}}\n      - {retract: a}\n", `Out: {id: "a"}`, `Out: {id: "a"}`},
	} {
		s := load(t, actionTypes, then(c.then))
		session, out := run1(t, s, in("a", 2, nil))
		if got := facts(session, "Out"); got != c.out || len(out.Errors) > 0 {
			t.Errorf("%s: %s, want %s (%+v)", c.name, got, c.out, out.Errors)
		}
		if err := session.Replace([]string{"In"}, nil); err != nil {
			t.Fatal(err)
		}
		again(t, session)
		if got := facts(session, "Out"); got != c.after {
			t.Errorf("%s: without its reason %s, want %s", c.name, got, c.after)
		}
	}
}

// TestFailedActions: an action that fails undoes the whole firing, is reported
// with what the rule saw, counts as fired, and the other firings go on.
func TestFailedActions(t *testing.T) {
	for _, c := range []struct{ name, then, message string }{
		{"division", "      - {assert: Log, set: {text: a.id}}\n      - {derive: Out, set: {id: a.id, n: 6 / (a.n - 2)}}\n", "n: division by zero"},
		{"a required value is absent", "      - {assert: Log, set: {text: a.id}}\n      - {derive: Out, set: {id: 'a.n == 2 ? a.note : a.id'}}\n", "id: a.note: field is absent"},
		{"currencies", "      - {assert: Log, set: {text: a.id}}\n      - {derive: Out, set: {id: a.id, cost: 'a.n == 2 ? money(\"1 USD\") + money(\"1 EUR\") : money(\"1 USD\")'}}\n", "cost: cannot add USD and EUR: amounts of two currencies are never mixed"},
		{"a log", "      - {assert: Log, set: {text: a.id}}\n      - {log: 'a.n == 2 ? a.note : a.id'}\n", "log: a.note: field is absent"},
		{"overflow", "      - {assert: Log, set: {text: a.id}}\n      - {derive: Out, set: {id: a.id, n: a.n * 4611686018427387904}}\n", "n: integer overflow"},
		{"a fact of the rule's own", "      - {update: a, set: {n: '7'}}\n      - {retract: a}\n      - {derive: Out, set: {id: 'a.n == 2 ? a.note : a.id'}}\n", "id: a.note: field is absent"},
	} {
		s := load(t, actionTypes, then(c.then))
		for _, stop := range []bool{false, true} {
			session, err := s.NewSession(SessionOptions{StopOnError: stop})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []Fact{in("bad", 2, nil), in("good", 1, nil)} {
				if err := session.Assert(f.Type, f.Fields); err != nil {
					t.Fatal(err)
				}
			}
			out, err := session.Run(t.Context())
			var firing *rete.FiringError
			if errors.As(err, &firing) != stop {
				t.Errorf("%s: stop %v: run came back with %v", c.name, stop, err)
			}
			want := []RuleError{{Rule: "p/r", Message: c.message, Count: 1, Facts: []Evidence{{"a", "In", map[string]any{"id": "bad", "n": int64(2)}}}}}
			if !reflect.DeepEqual(out.Errors, want) {
				t.Errorf("%s: errors %+v", c.name, out.Errors)
			}
			if text := facts(session, "Log") + facts(session, "Out"); strings.Contains(text, "bad") {
				t.Errorf("%s: left behind %s", c.name, text)
			}
			if stop {
				continue
			}
			if out.Firings["p/r"] != 2 {
				t.Errorf("%s: firings %v", c.name, out.Firings)
			}
			if out := again(t, session); len(out.Errors) != 0 || len(out.Firings) != 0 {
				t.Errorf("%s: fired again: %+v", c.name, out)
			}
		}
	}
}

// TestFailureWithdraws: a firing that fails where it went well before takes back
// what it concluded then.
func TestFailureWithdraws(t *testing.T) {
	session, _ := run1(t, load(t, actionTypes, then("      - {derive: Out, set: {id: a.id, n: 6 / a.n}}\n")), in("a", 2, nil))
	for _, c := range []struct {
		n    int
		want string
	}{{3, `Out: {id: "a", n: 2} derived`}, {0, ""}, {6, `Out: {id: "a", n: 1} derived`}} {
		if err := session.Assert("In", in("a", c.n, nil).Fields); err != nil {
			t.Fatal(err)
		}
		if out := again(t, session); facts(session, "Out") != c.want || (len(out.Errors) > 0) != (c.want == "") {
			t.Errorf("n = %d: %s, want %s (%+v)", c.n, facts(session, "Out"), c.want, out.Errors)
		}
	}
}

// TestDerivedFactsAreRefused: nobody updates or retracts what follows from
// something else.
func TestDerivedFactsAreRefused(t *testing.T) {
	for _, action := range []string{"{update: out, set: {n: '3'}}", "{retract: out}"} {
		s := load(t, actionTypes, then("      - {derive: Out, set: {id: a.id}}\n"), `apiVersion: trimtab/v1
pack: q
rules: [{id: r, when: [{match: Out, as: out}], then: [`+action+`]}]
`)
		session, out := run1(t, s, in("a", 1, nil))
		if len(out.Errors) != 1 || out.Errors[0].Rule != "q/r" || out.Errors[0].Message != "Out: a derived fact cannot be changed" {
			t.Errorf("%s: %+v", action, out.Errors)
		}
		if got := facts(session, "Out"); got != `Out: {id: "a"} derived` {
			t.Errorf("%s: %s", action, got)
		}
	}
}

// TestHalt ends the run after its firing; the next run goes on.
func TestHalt(t *testing.T) {
	for _, halt := range []string{"{halt: true}", "{halt: }"} {
		session, out := run1(t, load(t, actionTypes, then("      - {log: a.id}\n      - "+halt+"\n")), in("a", 1, nil), in("b", 1, nil), in("c", 1, nil))
		for i, want := range []string{"a", "b", "c", ""} {
			if got := logsOf(out); got != want || out.Halted != (want != "") {
				t.Errorf("%s: run %d logged %q, halted %v", halt, i, got, out.Halted)
			}
			out = again(t, session)
		}
	}
}

// TestLogs: every kind of value as a line for people.
func TestLogs(t *testing.T) {
	for expr, want := range map[string]string{
		`a.id`:                              "a",
		`a.n`:                               "2",
		`a.n * 2 > 3`:                       "true",
		`0.5`:                               "0.5",
		`decimal("1.50") * 2`:               "3",
		`money("3 USD") / 2`:                "1.50 USD",
		`duration("90m")`:                   "1h30m0s",
		`timestamp("2026-11-20T10:00:00Z")`: "2026-11-20T10:00:00Z",
		`[1, 2]`:                            "[1,2]",
		`{"a": money("1 USD"), "b": [0.5]}`: `{"a":"1.00 USD","b":[0.5]}`,
		`b"hi"`:                             "aGk=",
		`null`:                              "null",
		`a.id + " costs " + string(a.n)`:    "a costs 2",
		`0.0 / 0.0`:                         "NaN",
		`optional.of(a.n)`:                  "2",
		`3u`:                                "3",
		`type(a.n) == int ? "int" : "else"`: "int",
	} {
		s := load(t, actionTypes, then("      - log: '"+strings.ReplaceAll(expr, "'", "''")+"'\n"))
		if _, out := run1(t, s, in("a", 2, nil)); logsOf(out) != want || len(out.Errors) > 0 {
			t.Errorf("%s is logged as %q, want %q (%+v)", expr, logsOf(out), want, out.Errors)
		}
	}
}

// TestUnkeepable: what no fact can hold fails the firing with its type.
func TestUnkeepable(t *testing.T) {
	for expr, want := range map[string]string{
		`type(a.n)`:                    "a value of type type cannot be kept",
		`{1: 2}`:                       "keys of maps are strings, not int",
		`[{true: 1}]`:                  "keys of maps are strings, not bool",
		`18446744073709551615u`:        "does not fit an int",
		`{"a": 18446744073709551615u}`: "does not fit an int",
	} {
		s := load(t, actionTypes, then("      - log: '"+expr+"'\n"))
		if _, out := run1(t, s, in("a", 2, nil)); len(out.Errors) != 1 || !strings.Contains(out.Errors[0].Message, want) {
			t.Errorf("%s: %+v, want %q", expr, out.Errors, want)
		}
	}
}

// TestNoLoop: a rule that changes what it reads fires once for each change of
// somebody else.
func TestNoLoop(t *testing.T) {
	session, out := run1(t, load(t, actionTypes, then("      - {update: a, set: {n: a.n + 1}}\n")), in("a", 1, nil))
	if out.Firings["p/r"] != 1 || facts(session, "In") != `In: {id: "a", n: 2}` {
		t.Errorf("%v: %s", out.Firings, facts(session, "In"))
	}
	if err := session.Assert("In", in("a", 7, nil).Fields); err != nil {
		t.Fatal(err)
	}
	if out := again(t, session); out.Firings["p/r"] != 1 || facts(session, "In") != `In: {id: "a", n: 8}` {
		t.Errorf("%v: %s", out.Firings, facts(session, "In"))
	}
}
