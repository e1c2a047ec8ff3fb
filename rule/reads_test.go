package rule

import (
	"fmt"
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"
)

// scopeOf is what a where of pattern p sees: another fact q, two values and the
// parameters of conjunctTypes.
func scopeOf(s *Set) *scope {
	return &scope{env: s.env, params: paramsOf(s), names: []name{
		{name: "q", fact: "A"}, {name: "v", cel: decimalType}, {name: "l", cel: types.NewListType(types.IntType)}, {name: "p", fact: "A"},
	}}
}

// TestReads: what an expression is said to look at is all that it looks at and
// nothing more. A field too few, and a rule misses a change; one too many, and it
// fires for nothing.
func TestReads(t *testing.T) {
	s := load(t, conjunctTypes)
	for src, want := range map[string]string{
		`true`:                                  "",
		`p.i == 1`:                              "p.i",
		`p.i == q.i && p.i > 0`:                 "p.i q.i",
		`q.s == p.s`:                            "p.s q.s",
		`has(p.i)`:                              "p.i",
		`has(p.i) ? p.i > 1 : q.b`:              "p.i q.b",
		`v > 1`:                                 "v.",
		`v > p.d && v < q.d`:                    "p.d q.d v.",
		`p.s in ["a", q.s]`:                     "p.s q.s",
		`params.i > 0`:                          "params: i",
		`p.i > params.i && p.f < params.f`:      "p.f p.i params: f i",
		`p.t > now`:                             "p.t timed",
		`p.t > now - duration("1h")`:            "p.t timed",
		`l.exists(x, x == p.i)`:                 "l. p.i loops",
		`l.exists(p, p == 1)`:                   "l. loops",
		`l.exists(q, q == p.i) && q.b`:          "l. p.i q.b loops",
		`[1, 2].all(x, [3].exists(y, x < y))`:   "loops",
		`[p.i].map(x, x + q.i).size() == 1`:     "p.i q.i loops",
		`l.exists(now, now == 3)`:               "l. loops",
		`{"a": p.s, q.s: "b"}.size() == 2`:      "p.s q.s",
		`p.?s.orValue("none") == "none"`:        "p.s",
		`p.y.deep.deeper == 1`:                  "p.y",
		`p.y[q.s] == 1`:                         "p.y q.s",
		`p == q`:                                "p. q.",
		`p == q && p.i == 1`:                    "p. q.",
		`type(p.i) == int`:                      "p.i",
		`string(p.d * 2) + q.s == p.s`:          "p.d p.s q.s",
		`p.s.startsWith(q.s) && size(p.s) > 1`:  "p.s q.s",
		`!(p.m == money("1 USD"))`:              "p.m",
		`p.m != q.m`:                            "p.m q.m",
		`p.d * 0.5 == v`:                        "p.d v.",
		`dyn(p.i) == dyn(q.s)`:                  "p.i q.s",
		`[p.i, q.i].exists(p, p == params.i)`:   "p.i q.i params: i loops",
		`math.greatest(p.i, q.i) == 3`:          "p.i q.i",
		`p.t.getHours() > 3 && p.u < q.u`:       "p.t p.u q.u",
		`(p.i + 1) * 2 > q.i && -p.f < 0.0`:     "p.f p.i q.i",
		`p.b || (q.b && v == 1)`:                "p.b q.b v.",
		`params.s == p.s && params.s != q.s`:    "p.s q.s params: s",
		`l[0] == p.i`:                           "l. p.i",
		`p.i in l`:                              "l. p.i",
		`sets.contains(l, [p.i])`:               "l. p.i",
		`optional.of(p.i).hasValue()`:           "p.i",
		`duration("1h") < q.u`:                  "q.u",
		`p.m.currency() == "USD"`:               "p.m",
		`money(v, p.s) > money("1 USD") && p.b`: "p.b p.s v.",
	} {
		e, ok := scopeOf(s).compile(src, func(_ int, f fault) { t.Errorf("%s: %s", src, f.message) })
		if !ok {
			continue
		}
		var got []string
		for _, r := range e.reads {
			got = append(got, r.Name+"."+r.Field)
		}
		if len(e.params) > 0 {
			got = append(got, "params: "+strings.Join(e.params, " "))
		}
		if e.timed {
			got = append(got, "timed")
		}
		if e.loops {
			got = append(got, "loops")
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s reads %q, want %q", src, text, want)
		}
	}
}

// TestReadsOfParts: every conjunct reads its own names only, and together they
// read what the whole does.
func TestReadsOfParts(t *testing.T) {
	s := load(t, conjunctTypes)
	for src, want := range map[string]string{
		`p.i > 1 && q.i > 2`:                         "p.i | q.i",
		`p.i + 1 > q.i && p.s == "a"`:                "p.i q.i | p.s",
		`(p.b && q.b) && (p.i > 1 || q.i > 1)`:       "p.b | q.b | p.i q.i",
		`p.b && (q.b && (p.i > 1 && params.i == 1))`: "p.b | q.b | p.i | ",
		`l.all(x, x > p.i) && p.b`:                   "l. p.i | p.b",
		`p.t > now && p.b`:                           "p.t | p.b",
	} {
		e, ok := scopeOf(s).compile(src, func(_ int, f fault) { t.Errorf("%s: %s", src, f.message) })
		if !ok {
			continue
		}
		var parts []string
		for _, c := range conjuncts(e.checked.Expr()) {
			part := e.part(c)
			var reads []string
			for _, r := range part.reads {
				reads = append(reads, r.Name+"."+r.Field)
			}
			parts = append(parts, strings.Join(reads, " "))
			if part.timed != strings.Contains(part.text, "now") || part.loops != strings.Contains(part.text, "all") {
				t.Errorf("%s: timed %v, loops %v", part.text, part.timed, part.loops)
			}
		}
		if got := strings.Join(parts, " | "); got != want {
			t.Errorf("%s: parts read %q, want %q", src, got, want)
		}
	}
}

// TestGroups: functions over the same names stay one, in the order of the text;
// what the matcher can index stands apart from them.
func TestGroups(t *testing.T) {
	s := load(t, conjunctTypes)
	for src, want := range map[string]string{
		`p.i % 2 == 0 && p.i % 3 == 0`:                               "p.i % 2 == 0 && p.i % 3 == 0",
		`p.i % 2 == 0 && q.i % 3 == 0 && p.i % 5 == 0`:               "p.i % 2 == 0 && p.i % 5 == 0 | q.i % 3 == 0",
		`p.i % 2 == q.i && q.i % 3 == p.i`:                           "p.i % 2 == q.i && q.i % 3 == p.i",
		`p.s == "a" && p.i % 2 == 0`:                                 "p.i % 2 == 0",
		`has(p.i) && p.i > 1 && p.b`:                                 "has(p.i) && p.i > 1",
		`(p.b || p.i > 1) && p.s == q.s`:                             "p.b || p.i > 1",
		`params.i > 0 && p.i > 1`:                                    "params.i > 0",
		`p.m == money("1 USD") && p.m > money("0 USD") && p.d > 0.5`: `p.m == money("1 USD")`,
	} {
		e, ok := scopeOf(s).compile(src, func(_ int, f fault) { t.Errorf("%s: %s", src, f.message) })
		if !ok {
			continue
		}
		parts := conjuncts(e.checked.Expr())
		guarded := guards(parts)
		var groups []*group
		for _, p := range parts {
			if _, indexed := e.dataTest(p, "p", guarded); !indexed {
				groups = e.addTo(groups, p)
			}
		}
		var got []string
		for _, g := range groups {
			part := e.part(e.conjoin(g.parts))
			got = append(got, part.text)
		}
		if text := strings.Join(got, " | "); text != want {
			t.Errorf("%s: functions %q, want %q", src, text, want)
		}
	}
}

// TestLabels: the matcher takes functions of one label for one function.
func TestLabels(t *testing.T) {
	s := load(t, conjunctTypes)
	label := func(src string) string {
		e, ok := scopeOf(s).compile(src, func(_ int, f fault) { t.Errorf("%s: %s", src, f.message) })
		if !ok {
			return ""
		}
		return e.label()
	}
	for src, want := range map[string]string{
		`p.i > 1`:                          `p.i > 1`,
		`p.i > params.i`:                   `p.i > params.i [i = int 1]`,
		`p.f > params.f && p.i > params.i`: `p.f > params.f && p.i > params.i [f = double 0.5, i = int 1]`,
		`p.s == params.s`:                  `p.s == params.s [s = string "a"]`,
	} {
		if got := label(src); got != want {
			t.Errorf("label %s, want %s", got, want)
		}
	}
	if fmt.Sprint(label(`p.i > 1`)) == label(`p.i > 2`) {
		t.Error("two functions of one label")
	}
}
