package naive

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// The facts of these tables: A with x and y, B with x.

func a(id uint64, x, y any) Fact {
	return Fact{Type: "A", ID: id, Fields: map[string]any{"x": x, "y": y}}
}

func b(id uint64, x any) Fact {
	return Fact{Type: "B", ID: id, Fields: map[string]any{"x": x}}
}

func i(n int64) any { return n }

// field reads a field of a bound fact.
func field(name, field string) func(Env) (any, bool) {
	return func(env Env) (any, bool) {
		v, ok := env.Facts[name].Fields[field]
		return v, ok
	}
}

func value(name string) func(Env) (any, bool) {
	return func(env Env) (any, bool) {
		v, ok := env.Values[name]
		return v, ok
	}
}

func allOf(typ, as string, tests ...Test) []Elem { return []Elem{Pattern{typ, as, tests}} }

func joins(name string) Test { return Test{Op: "==", Field: "x", Name: name, Other: "x"} }

func over(from []Elem, aggs ...Agg) Accumulate { return Accumulate{From: from, Aggs: aggs} }

// text is a match a line: the facts' IDs, /branches, values.
func text(envs []Env) string {
	var lines []string
	for _, env := range envs {
		var words []string
		for _, f := range env.Order {
			words = append(words, fmt.Sprint(f.ID))
		}
		for _, taken := range env.Branches {
			words = append(words, fmt.Sprint("/", taken))
		}
		for _, name := range slices.Sorted(maps.Keys(env.Values)) {
			words = append(words, fmt.Sprintf("%s=%T(%v)", name, env.Values[name], env.Values[name]))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.NewReplacer("int64", "", "float64", "f", "string", "").Replace(strings.Join(lines, "; "))
}

type story struct {
	name string
	when []Elem
	want string // "": one match that binds nothing, "none": no match
}

func tell(t *testing.T, facts []Fact, stories []story) {
	t.Helper()
	for _, s := range stories {
		got := Matches(s.when, facts)
		if none := len(got) == 0; none != (s.want == "none") || !none && text(got) != s.want {
			t.Errorf("%s: %d matches: %s\nwant %s", s.name, len(got), text(got), s.want)
		}
	}
}

func TestExists(t *testing.T) {
	facts := []Fact{a(1, i(1), i(0)), a(2, i(2), i(0)), b(3, i(1)), b(4, 1.0)}
	tell(t, facts, []story{
		{"once, however many", []Elem{Exists{allOf("B", "b")}}, ""},
		{"none", []Elem{Exists{allOf("C", "c")}}, "none"},
		{"an outer name", append(allOf("A", "a"), Exists{allOf("B", "b", joins("a"))}), "1"},
		{"a conjunction", append(allOf("A", "a"), Exists{append(allOf("B", "b", joins("a")), Pattern{"B", "c", []Test{joins("b")}})}), "1"},
		{"within not", append(allOf("A", "a"), Not{[]Elem{Exists{allOf("B", "b", joins("a"))}}}), "2"},
		{"binds nothing", []Elem{Exists{allOf("B", "b")}, Having{"b", []Test{{Op: "==", Field: "x", Value: i(1)}}}}, "none"},
	})
}

func TestForAll(t *testing.T) {
	facts := []Fact{a(1, i(1), i(0)), a(2, i(2), i(0)), b(3, i(1)), b(4, i(3))}
	partner := allOf("A", "a", joins("b"))
	tell(t, facts, []story{
		{"one fails", []Elem{ForAll{Pattern{"B", "b", nil}, partner}}, "none"},
		{"the rest hold", []Elem{ForAll{Pattern{"B", "b", []Test{{Op: "<", Field: "x", Value: i(3)}}}, partner}}, ""},
		{"of nothing", []Elem{ForAll{Pattern{"C", "c", nil}, partner}}, ""},
		{"an outer name", append(allOf("A", "o"), ForAll{Pattern{"B", "b", []Test{{Op: "!=", Field: "x", Value: i(3)}}}, allOf("A", "a", joins("b"), joins("o"))}), "1"},
	})
}

func TestAny(t *testing.T) {
	facts := []Fact{a(1, i(1), i(5)), a(2, i(2), i(6)), b(3, i(1))}
	isOne := []Elem{Having{"a", []Test{{Op: "==", Field: "x", Value: i(1)}}}}
	less := []Elem{Having{"a", []Test{{Op: "<=", Field: "x", Value: i(2)}}}}
	tell(t, facts, []story{
		{"two branches with the same facts are two matches", append(allOf("A", "a"), Any{[][]Elem{isOne, less}}), "1 /0; 1 /1; 2 /1"},
		{"branches with facts", []Elem{Any{[][]Elem{allOf("A", "f"), allOf("B", "f")}}}, "1 /0; 2 /0; 3 /1"},
		{"a name of every branch", []Elem{Any{[][]Elem{
			append(allOf("A", "a"), Let{"v", field("a", "y")}),
			append(allOf("B", "b"), Let{"v", field("b", "x")}),
		}}, Having{"v", []Test{{Op: ">", Value: i(1)}}}}, "1 /0 v=(5); 2 /0 v=(6)"},
		{"nested, outermost first", []Elem{Any{[][]Elem{{Any{[][]Elem{allOf("C", "c"), allOf("B", "b")}}}}}, Any{[][]Elem{{}}}}, "3 /0 /1 /0"},
		{"within not", []Elem{Not{[]Elem{Any{[][]Elem{allOf("C", "c"), allOf("D", "d")}}}}}, ""},
		{"within exists: no branch is seen outside", []Elem{Exists{[]Elem{Any{[][]Elem{allOf("A", "f"), allOf("B", "f")}}}}}, ""},
		{"no branch", []Elem{Any{}}, "none"},
	})
}

func TestHaving(t *testing.T) {
	facts := []Fact{a(1, i(1), i(5)), a(2, i(2), i(2)), {Type: "A", ID: 3}}
	tell(t, facts, []story{
		{"a field", append(allOf("A", "a"), Having{"a", []Test{{Op: ">", Field: "x", Value: i(1)}}}), "2"},
		{"all tests", append(allOf("A", "a"), Having{"a", []Test{{Op: ">", Field: "x", Value: i(0)}, {Op: ">", Field: "y", Value: i(2)}}}), "1"},
		{"with its own field", append(allOf("A", "a"), Having{"a", []Test{{Op: "==", Field: "x", Name: "a", Other: "y"}}}), "2"},
		{"a value", append(allOf("A", "a"), Let{"v", field("a", "y")}, Having{"v", []Test{{Op: "in", Value: []any{i(5)}}}}), "1 v=(5)"},
		{"a value with a field", append(allOf("A", "a"), Let{"v", field("a", "y")}, Having{"v", []Test{{Op: ">", Name: "a", Other: "x"}}}), "1 v=(5)"},
		{"an absent name", append(allOf("A", "a"), Having{"z", []Test{{Op: "!=", Value: i(5)}}}), "none"},
	})
}

// TestMatchesAreApart: extending one match leaves those beside it alone.
func TestMatchesAreApart(t *testing.T) {
	facts := []Fact{a(1, i(1), i(0)), a(2, i(1), i(0))}
	var when []Elem
	for n := range 5 {
		when = append(when, Pattern{Type: "A", As: fmt.Sprint("a", n)}, Any{[][]Elem{{}, {}}})
	}
	seen := map[string]bool{}
	for _, env := range Matches(when, facts) {
		seen[text([]Env{env})] = true
	}
	if len(seen) != 1<<10 {
		t.Errorf("%d different matches", len(seen))
	}
}

// TestAggregates: each aggregate over the same values.
func TestAggregates(t *testing.T) {
	const top = math.MaxInt64
	nan := math.NaN()
	for _, c := range []struct {
		values []any
		want   string // op=result; an op that is not named has none
	}{
		{nil, "count=(0) sum=(0) distinct=(0) collect=[]interface {}([])"},
		{
			[]any{i(3), i(1), i(3)},
			"count=(3) sum=(7) min=(1) max=(3) avg=f(2.3333333333333335) distinct=(2) collect=[]interface {}([3 1 3]) p50=f(3) p90=f(3) p95=f(3) p99=f(3)",
		},
		{
			[]any{i(3), 1.5, 3.0},
			"count=(3) sum=f(7.5) min=f(1.5) max=f(3) avg=f(2.5) distinct=(2) collect=[]interface {}([3 1.5 3]) p50=f(3) p90=f(3) p95=f(3) p99=f(3)",
		},
		{[]any{"b", "a"}, "count=(2) min=(a) max=(b) distinct=(2) collect=[]interface {}([b a])"},
		{[]any{"b", i(1)}, "count=(2) distinct=(2) collect=[]interface {}([b 1])"},
		{[]any{true}, "count=(1) distinct=(1) collect=[]interface {}([true])"},
		{[]any{[]any{}}, "count=(1) distinct=(1) collect=[]interface {}([[]])"},
		{
			[]any{nan, i(2)},
			"count=(2) sum=f(NaN) min=(2) max=(2) avg=f(NaN) distinct=(2) collect=[]interface {}([NaN 2]) p50=f(2) p90=f(2) p95=f(2) p99=f(2)",
		},
		{[]any{nan, nan}, "count=(2) sum=f(NaN) avg=f(NaN) distinct=(1) collect=[]interface {}([NaN NaN])"},
		{
			[]any{math.Inf(1), math.Inf(-1)},
			"count=(2) sum=f(NaN) min=f(-Inf) max=f(+Inf) avg=f(NaN) distinct=(2) collect=[]interface {}([+Inf -Inf]) p50=f(-Inf) p90=f(+Inf) p95=f(+Inf) p99=f(+Inf)",
		},
		{
			[]any{i(top), i(top)},
			"count=(2) min=(9223372036854775807) max=(9223372036854775807) avg=f(9.223372036854776e+18) distinct=(1) " +
				"collect=[]interface {}([9223372036854775807 9223372036854775807]) p50=f(9.223372036854776e+18) p90=f(9.223372036854776e+18) p95=f(9.223372036854776e+18) p99=f(9.223372036854776e+18)",
		},
		{
			[]any{i(1<<53 + 1), i(1 << 53)},
			"count=(2) sum=(18014398509481985) min=(9007199254740992) max=(9007199254740993) avg=f(9.007199254740992e+15) distinct=(1) " +
				"collect=[]interface {}([9007199254740993 9007199254740992]) p50=f(9.007199254740992e+15) p90=f(9.007199254740992e+15) p95=f(9.007199254740992e+15) p99=f(9.007199254740992e+15)",
		},
		{
			[]any{1e300, 1.0, -1e300},
			"count=(3) sum=f(1) min=f(-1e+300) max=f(1e+300) avg=f(0.3333333333333333) distinct=(3) collect=[]interface {}([1e+300 1 -1e+300]) p50=f(1) p90=f(1e+300) p95=f(1e+300) p99=f(1e+300)",
		},
	} {
		var facts []Fact
		for at, v := range c.values {
			facts = append(facts, b(uint64(at), v))
		}
		var got []string
		for _, op := range []string{"count", "sum", "min", "max", "avg", "distinct", "collect", "p50", "p90", "p95", "p99"} {
			if envs := Matches([]Elem{over(allOf("B", "b"), Agg{Name: op, Op: op, F: field("b", "x")})}, facts); len(envs) > 0 {
				got = append(got, text(envs))
			}
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%v:\n%s\nwant\n%s", c.values, got, c.want)
		}
	}
}

func TestPercentiles(t *testing.T) {
	for n, want := range map[int]string{
		1: "p50=f(1) p90=f(1) p95=f(1) p99=f(1)", 10: "p50=f(5) p90=f(9) p95=f(10) p99=f(10)",
		16: "p50=f(8) p90=f(15) p95=f(16) p99=f(16)",
		20: "p50=f(10) p90=f(18) p95=f(19) p99=f(20)", 100: "p50=f(50) p90=f(90) p95=f(95) p99=f(99)",
	} {
		var facts []Fact
		for at := range n {
			facts = append(facts, b(uint64(at), i(int64(n-at))))
		}
		x := field("b", "x")
		tell(t, facts, []story{{fmt.Sprint("1 to ", n), []Elem{over(allOf("B", "b"),
			Agg{"p50", "p50", x, nil}, Agg{"p90", "p90", x, nil}, Agg{"p95", "p95", x, nil}, Agg{"p99", "p99", x, nil})}, want}})
	}
}

func TestGroups(t *testing.T) {
	facts := []Fact{
		a(5, "p", i(1)), a(1, i(1), i(10)), a(2, i(2), i(20)), a(3, 1.0, i(30)),
		{Type: "A", ID: 4, Fields: map[string]any{"y": i(9)}},
		{Type: "A", ID: 6, Fields: map[string]any{"x": i(2)}},
		b(7, i(2)),
	}
	byX := []Let{{"g", field("a", "x")}}
	sumY := Agg{Name: "s", Op: "sum", F: field("a", "y")}
	big := func(env Env) bool { return env.Facts["a"].Fields["y"] == i(30) }
	noNames := Accumulate{allOf("A", "a"), nil, []Agg{{"n", "count", nil, nil}}}
	tell(t, facts, []story{
		{"all", []Elem{noNames}, "n=(6)"},
		{"equal values are one group, a missing one is none", []Elem{Accumulate{allOf("A", "a"), byX, []Agg{sumY}}}, "g=(1) s=(40); g=(2) s=(20); g=(p) s=(1)"},
		{"a group that has members but no values", []Elem{Accumulate{allOf("A", "a"), byX, []Agg{{"m", "max", field("a", "y"), big}}}}, "g=(1) m=(30)"},
		{"if leaves out of its aggregate only", []Elem{Accumulate{allOf("A", "a"), byX, []Agg{{"n", "count", nil, big}, sumY}}}, "g=(1) n=(1) s=(40); g=(2) n=(0) s=(20); g=(p) n=(0) s=(1)"},
		{"no group without facts", []Elem{Accumulate{allOf("C", "a"), byX, []Agg{sumY}}}, "none"},
		{"absent values are left out", []Elem{over(allOf("A", "a"), Agg{"n", "count", field("a", "x"), nil})}, "n=(5)"},
		{"two names", []Elem{Accumulate{allOf("A", "a"), []Let{byX[0], {"h", field("a", "y")}}, []Agg{{"n", "count", nil, nil}}}}, "g=(1) h=(10) n=(1); g=(2) h=(20) n=(1); g=f(1) h=(30) n=(1); g=(p) h=(1) n=(1)"},
		{"a name from the one before", []Elem{Accumulate{allOf("A", "a"), []Let{byX[0], {"h", value("g")}}, nil}}, "g=(1) h=(1); g=(2) h=(2); g=(p) h=(p)"},
		{"in the order of IDs", []Elem{over(allOf("A", "a"), Agg{"l", "collect", field("a", "y"), nil})}, "l=[]interface {}([10 20 30 9 1])"},
		{"per outer fact, without its facts", append(allOf("B", "b"), over(allOf("A", "a", joins("b")), sumY)), "7 s=(20)"},
		{"names within are not seen outside", []Elem{noNames, Having{"a", []Test{{Op: ">", Field: "y", Value: i(0)}}}}, "none"},
		{"results are", []Elem{noNames, Having{"n", []Test{{Op: ">", Value: i(5)}}}}, "n=(6)"},
		{"from a join", []Elem{over(append(allOf("A", "a"), Pattern{"A", "c", []Test{joins("a")}}), Agg{"n", "count", nil, nil})}, "n=(9)"},
		{"as a set", []Elem{over(allOf("A", "a"), Agg{"l", "collect", field("a", "x"), nil}), Pattern{"B", "b", []Test{{Op: "in", Field: "x", Name: "l"}}}}, "7 l=[]interface {}([1 2 1 p 2])"},
	})
	nans := []Fact{b(1, math.NaN()), b(2, math.NaN())}
	tell(t, nans, []story{
		{"all NaNs are one group", []Elem{Accumulate{allOf("B", "b"), []Let{{"g", field("b", "x")}}, []Agg{{"n", "count", nil, nil}}}}, "g=f(NaN) n=(2)"},
	})
}

func TestAccumulateWithin(t *testing.T) {
	facts := []Fact{a(1, i(1), i(10)), a(2, i(1), i(20)), a(3, i(2), i(5)), b(4, i(1)), b(5, i(2)), b(6, i(3))}
	count := over(allOf("A", "a", joins("b")), Agg{"n", "count", nil, nil})
	several := []Elem{count, Having{"n", []Test{{Op: ">", Value: i(1)}}}}
	perX := Accumulate{allOf("A", "a"), []Let{{"g", field("a", "x")}}, []Agg{{"s", "sum", field("a", "y"), nil}}}
	tell(t, facts, []story{
		{"not", append(allOf("B", "b"), Not{several}), "5; 6"},
		{"exists", append(allOf("B", "b"), Exists{several}), "4"},
		{"forall", []Elem{ForAll{Pattern{"B", "b", nil}, several}}, "none"},
		{"any", append(allOf("B", "b"), Any{[][]Elem{several, {}}}), "4 /0 n=(2); 4 /1; 5 /1; 6 /1"},
		{"accumulate", []Elem{over([]Elem{perX}, Agg{"most", "max", value("s"), nil}, Agg{"groups", "count", nil, nil})}, "groups=(2) most=(30)"},
		{"any in from: a way per branch", []Elem{over([]Elem{Any{[][]Elem{allOf("A", "f"), allOf("A", "f"), allOf("B", "f")}}}, Agg{"n", "count", nil, nil})}, "n=(9)"},
		{"not in from", []Elem{over(append(allOf("B", "b"), Not{several}), Agg{"s", "sum", field("b", "x"), nil})}, "s=(5)"},
	})
}
