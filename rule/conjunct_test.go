package rule

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
)

const conjunctTypes = `apiVersion: trimtab/v1
pack: p
facts:
  A: {fields: {n: int, i: 'int?', f: 'double?', s: 'string?', b: 'bool?', d: 'decimal?', m: 'money?', t: 'timestamp?', u: 'duration?', y: 'dyn?'}}
params: {i: {type: int, default: 1}, f: {type: double, default: 0.5}, s: {type: string, default: a}}
rules: []
`

// sides are the operands that random conjuncts are made of, by field. Some
// fields of a fact are absent, some values equal across types.
var sides = map[string][]string{
	"i": {"0", "1", "2", "params.i", "params.i + 1", "-1", "9223372036854775807", "1.0", "0.5", "q.i", "i.i"},
	"f": {"0.0", "0.5", "1.0", "-0.0", "params.f", "params.f * 2.0", "1", "q.f", "9007199254740993.0"},
	"s": {`""`, `"a"`, `"b"`, `"é"`, "params.s", "q.s"},
	"b": {"true", "false", "q.b"},
	"d": {"0", "1", "1.0", "0.5", `decimal("0.50")`, "params.f", "params.i", "q.d", "-1"},
	"m": {`money("1.00 USD")`, `money("1 EUR")`, "q.m"},
	"t": {`timestamp("2026-11-20T10:00:00Z")`, `timestamp("2026-11-20T11:00:00+01:00")`, "q.t"},
	"u": {`duration("1h")`, `duration("60m")`, `duration("0s")`, "q.u"},
	"y": {"1", "1.0", `"1"`, "true", "q.y", "q.i"},
}

// drawConjunct makes a comparison that type-checks or not; those that do not are
// left out by the caller.
func drawConjunct(t *rapid.T) string {
	field := rapid.SampledFrom(sortedKeys(sides)).Draw(t, "field")
	other := rapid.SampledFrom(sides[field]).Draw(t, "other")
	left := "p." + field
	switch rapid.IntRange(0, 9).Draw(t, "form") {
	case 0:
		return "p.b"
	case 1:
		return "!p.b"
	case 2:
		return fmt.Sprintf("has(p.%s)", field)
	case 3:
		list := rapid.SliceOfN(rapid.SampledFrom(sides[field]), 0, 3).Draw(t, "list")
		return fmt.Sprintf("%s in [%s]", left, strings.Join(list, ", "))
	case 4: // may fail: division by zero
		return rapid.SampledFrom([]string{"10 / p.i > 4", "q.i % p.i == 0", "p.d / p.d == 1", "1 / (p.i - q.i) < 2"}).Draw(t, "risky")
	}
	op := rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "op")
	if rapid.Bool().Draw(t, "mirrored") {
		return other + " " + op + " " + left
	}
	return left + " " + op + " " + other
}

func drawFact(t *rapid.T, n int) rete.Fields {
	pick := func(name string, values ...any) any {
		return rapid.SampledFrom(append(values, rete.Absent)).Draw(t, name)
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	return rete.Fields{
		"n": int64(n),
		"i": pick("i", int64(0), int64(1), int64(2), int64(-1), int64(math.MaxInt64)),
		"f": pick("f", 0.0, math.Copysign(0, -1), 0.5, 1.0, math.NaN(), math.Inf(1), 9007199254740992.0),
		"s": pick("s", "", "a", "b", "é"),
		"b": pick("b", true, false),
		"d": pick("d", "0", "0.5", "0.50", "1", "1.00", "-1"),
		"m": pick("m", "1 USD", "1.00 USD", "2 USD", "1 EUR"),
		"t": pick("t", at, at.In(time.FixedZone("x", 3600)), at.Add(time.Hour)),
		"u": pick("u", time.Hour, time.Duration(0)),
		"y": pick("y", int64(1), 1.0, "1", true, nil),
	}
}

// where compiles a condition twice: split as rules are, and whole, as CEL sees
// it.
func where(s *Set, src string) (split, whole []rete.Test, ok bool) {
	sc := &scope{env: s.env, names: []name{{name: "q", fact: "A"}, {name: "p", fact: "A"}}}
	sc.params = paramsOf(s)
	quiet := func(int, fault) {}
	e, ok := sc.compile(src, quiet)
	if !ok || e.out.String() != "bool" {
		return nil, nil, false
	}
	split = e.tests("p")
	again, ok := sc.compile(src, quiet)
	if !ok {
		return nil, nil, false
	}
	slow := again.testFn()
	slow.Label += " by CEL"
	slow.Test = func(env rete.Env) (bool, error) { return again.slowTest(env) }
	return split, []rete.Test{rete.Check(slow)}, ok
}

func paramsOf(s *Set) *record {
	values := map[string]any{}
	for _, p := range s.params {
		values[p.Name] = p.Value
	}
	shape := s.env.provider.records["params of p"]
	return &record{typ: shape.cel, adapt: s.env.provider, name: "params", get: func(f string) (any, bool) {
		v, ok := values[f]
		return v, ok
	}}
}

// TestSplitEqualsWhole holds conditions that are split into data tests and
// functions to matching the same facts as CEL does with the whole: whatever the
// types, absent fields, NaN, currencies, and errors beside false conjuncts.
func TestSplitEqualsWhole(t *testing.T) {
	s := load(t, conjunctTypes)
	checked := 0
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Custom(drawConjunct), 1, 3).Draw(t, "conjuncts")
		src := strings.Join(parts, " && ")
		split, whole, ok := where(s, src)
		if !ok {
			return
		}
		checked++
		var facts []rete.Fields
		for i := range rapid.IntRange(1, 4).Draw(t, "facts") {
			facts = append(facts, drawFact(t, i))
		}
		got, want := matching(t, s, split, facts), matching(t, s, whole, facts)
		if got != want {
			t.Fatalf("%s\nsplit matches %s\nwhole matches %s", src, got, want)
		}
	})
	if checked == 0 {
		t.Error("no condition was checked")
	}
}

// matching tells which pairs of facts pass the tests.
func matching(t *rapid.T, s *Set, tests []rete.Test, facts []rete.Fields) string {
	base, err := rete.Compile(s.reteTypes, []rete.Production{{
		ID: "r", Then: func(*rete.Firing) error { return nil },
		When: []rete.Element{rete.Match("A", "q"), rete.Match("A", "p", tests...)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	session := rete.NewSession(base, rete.Config{})
	tx := session.Begin()
	for _, f := range facts {
		if _, err := tx.Assert("A", f); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var out []string
	for m := range session.Matches("r") {
		q, _ := m.Facts[0].Get("n")
		p, _ := m.Facts[1].Get("n")
		out = append(out, fmt.Sprint(q, "-", p))
	}
	return strings.Join(out, " ")
}

// TestRecognised names which conjuncts the matcher indexes and which it does
// not, so that a slip in the recognition is seen and not merely slow.
func TestRecognised(t *testing.T) {
	s := load(t, conjunctTypes)
	for src, want := range map[string]int{
		`p.s == "a"`: 0, `"a" == p.s`: 0, `p.i < params.i + 1`: 0, `p.b`: 0, `!p.b`: 0, `p.s in ["a", "b"]`: 0,
		`p.d < 0.5`: 0, `p.d == 1`: 0, `p.m < money("1 USD")`: 0, `p.s == q.s`: 0, `q.t == p.t`: 0, `p.y == q.y`: 0,
		`p.s == "a" && p.i > 1 && p.i == q.i`: 0, `p.i == p.i`: 0,
		`p.m == q.m`: 1, `p.i < q.i`: 1, `p.s == "a" || p.b`: 1, `p.i + 1 == q.i`: 1, `p.y < 3`: 1, `q.s == "a"`: 1,
		`p.i > 1 && p.i + 1 == q.i && p.i + 2 > q.i`: 1, `has(p.i) && p.i > 1`: 1, `p.t > now`: 1,
		`p.i % 2 == 0 && p.i + 1 == q.i`: 2,
	} {
		split, _, ok := where(s, src)
		if !ok {
			t.Errorf("%s does not compile", src)
			continue
		}
		functions := 0
		for _, test := range split {
			if strings.Contains(fmt.Sprintf("%+v", test), "fn:0x") {
				functions++
			}
		}
		if functions != want {
			t.Errorf("%s became %d functions, want %d", src, functions, want)
		}
	}
}

// TestCurrencyGuards: a conjunct that asks for the currency keeps the comparison
// beside it from failing for another one, in either order.
func TestCurrencyGuards(t *testing.T) {
	for _, where := range []string{`p.m.currency() == "USD" && p.m >= money("1 USD")`, `p.m >= money("1 USD") && p.m.currency() == "USD"`} {
		pack := conjunctTypes[:strings.Index(conjunctTypes, "params")] + "rules: [{id: r, when: [{match: A, as: p, where: '" + where + "'}], then: [{log: 'string(p.n)'}]}]\n"
		_, out := run1(t, load(t, pack), Fact{"A", map[string]any{"n": 1, "m": "3 EUR"}}, Fact{"A", map[string]any{"n": 2, "m": "3 USD"}})
		if len(out.Errors) != 0 || len(out.Logs) != 1 || out.Logs[0].Text != "2" {
			t.Errorf("%s: %+v %+v", where, out.Errors, out.Logs)
		}
	}
}
