package rule

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"cel.dev/cel-go/common/types"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
)

const closureTypes = `apiVersion: trimtab/v1
pack: p
facts:
  A: {fields: {n: int, i: 'int?', j: 'int?', f: 'double?', g: 'double?', s: 'string?', r: 'string?', b: 'bool?', d: 'decimal?', e: 'decimal?', m: 'money?', o: 'money?', t: 'timestamp?', v: 'timestamp?', u: 'duration?', tags: 'map(string, string)?', list: 'list(string)?', y: 'dyn?', z: 'dyn?'}}
params: {i: {type: int, default: 1}, f: {type: double, default: 0.5}, s: {type: string, default: a}, m: {type: money, default: 1 USD}}
rules: []
`

// grammar gives, for a type, the ways to write an expression of it; %T stands for
// an expression of type T.
var grammar = map[byte][]string{
	'B': {
		"p.b", "true", "has(p.i)", "has(p.s)", "has(p.tags.env)", "!(%B)", "(%B) && (%B)", "(%B) || (%B)", "(%B) ? (%B) : (%B)",
		"%S == %S", "%S != %S", "%S < %S", "%S >= %S", "%I == %I", "%I < %I", "%I >= %I", "%F == %F", "%F <= %F", "%F > %F", "%I < %F",
		"%D == %D", "%D < %D", "%D >= 0.5", "%M == %M", "%M < %M", "%M >= money(\"1 USD\")", "%T < %T", "%T == %T", "%U > %U", "p.b == (%B)",
		"%S.startsWith(%S)", "%S.endsWith(%S)", "%S.contains(%S)", `%S.matches("^a.*$")`, `%S in ["a", "b"]`, "%I in [0, 1]", "%S in p.tags",
		"now < %T", "now - %U >= %T", "now == %T", "%T != %T", "%U == %U", "%U <= %U", "p.b != (%B)", "(%B) == (%B)", "!p.b", "vb",
		"%I != %I", "%I <= %I", "%I > %I", "%F != %F", "%F < %F", "%F >= %F", "%S <= %S", "%S > %S", "%D != %D", "%D <= %D", "%D > %D", "%D < %I",
		"%M != %M", "%M <= %M", "%M > %M", "%T <= %T", "%T > %T", "%T >= %T", "%U != %U", "%U < %U", "%U >= %U",
		"p.y == p.z", "p.y == %I", "p.z != %F", "p.y == %S", "p.y == (%B)", "p.y < %I", "has(p.y)", "has(p.tags)", "%F in [0.5, 1.0]", "p.y in [1, 2]",
	},
	'S': {"p.s", "p.r", `"a"`, `"é"`, "params.s", "(%S + %S)", "p.tags.env", "p.tags[%S]", "((%B) ? %S : %S)", `"😀é"`, "vs"},
	'I': {"p.i", "p.j", "0", "1", "-1", "params.i", "(%I + %I)", "(%I - %I)", "(%I * %I)", "(%I / %I)", "(%I % %I)", "size(%S)", "size(p.tags)", "p.list.size()", "9223372036854775807", "(-9223372036854775807 - 1)", "((%B) ? %I : %I)", "%S.size()", "-%I", "vi", "p.y"},
	'F': {"p.f", "p.g", "0.5", "-0.0", "params.f", "(%F + %F)", "(%F * %F)", "(%F / %F)", "(%F - %F)", "double(%I)", "((%B) ? %F : %F)", "-%F", "vf"},
	'D': {"p.d", "p.e", `decimal("0.5")`, "(%D + %D)", "(%D * %D)", "(%D / %D)", "(%D - 1)", "(%D * 0.2)", "(%D * %I)", "(%M / %M)", "decimal(%I)", "((%B) ? %D : %D)", "-%D", "vd", "%M.amount()"},
	'M': {"p.m", "p.o", "params.m", `money("2 EUR")`, "(%M + %M)", "(%M - %M)", "(%M * 0.5)", "(%D * %M)", "(%M / 2)", "(%M / %D)", "((%B) ? %M : %M)", "-%M", "vm"},
	'T': {"p.t", "p.v", `timestamp("2026-11-20T10:00:00Z")`, "(%T + %U)", "(%U + %T)", "(%T - %U)", `timestamp("2026-11-20T11:00:00+01:00")`, "vt"},
	'U': {"p.u", `duration("1h")`, "(%T - %T)", "(%U + %U)", `duration("-90m")`, "vu"},
}

// drawExpression writes an expression of a type.
func drawExpression(t *rapid.T, of byte, depth int) string {
	forms := grammar[of]
	if depth == 0 {
		forms = forms[:3]
	}
	form := rapid.SampledFrom(forms).Draw(t, "form")
	out := ""
	for i := 0; i < len(form); i++ {
		if form[i] == '%' && i+1 < len(form) && grammar[form[i+1]] != nil {
			out += drawExpression(t, form[i+1], max(depth-1, 0))
			i++
			continue
		}
		out += string(form[i])
	}
	return out
}

// plainBindings are the values of one fact called p, and named values.
type plainBindings struct {
	fact   rete.Fact
	values map[string]any
}

func (b plainBindings) Fact(name string) (rete.Fact, bool) { return b.fact, name == "p" }
func (b plainBindings) Value(name string) (any, bool)      { v, ok := b.values[name]; return v, ok }
func (b plainBindings) Now() time.Time                     { return time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC) }

func drawClosureFact(t *rapid.T) rete.Fields {
	pick := func(name string, values ...any) any {
		return rapid.SampledFrom(append(values, rete.Absent)).Draw(t, name)
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	ints := []any{int64(0), int64(1), int64(-1), int64(7), int64(math.MaxInt64), int64(math.MinInt64)}
	floats := []any{0.0, math.Copysign(0, -1), 0.5, 1.0, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 53}
	texts := []any{"", "a", "b", "é", "e\u0301", "ab", "😀", "a😀é", "\U0010ffff"}
	decimals := []any{"0", "0.5", "0.50", "1", "-1", "0.000000000001", "12345678901234567890.5"}
	amounts := []any{"1 USD", "1.00 USD", "2 USD", "0 USD", "-1 USD", "1 EUR", "0 EUR"}
	moments := []any{
		at, at.Add(time.Hour), at.In(time.FixedZone("", 2*3600)), at.Add(time.Nanosecond), time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	mixed := []any{int64(1), 1.0, "1", true, "a", math.NaN(), math.Copysign(0, -1), int64(0), int64(1<<53 + 1), []any{int64(1)}, map[string]any{"a": 1.0}}
	return rete.Fields{
		"n": int64(0), "i": pick("i", ints...), "j": pick("j", ints...), "f": pick("f", floats...), "g": pick("g", floats...),
		"s": pick("s", texts...), "r": pick("r", texts...), "b": pick("b", true, false), "d": pick("d", decimals...), "e": pick("e", decimals...),
		"m": pick("m", amounts...), "o": pick("o", amounts...), "t": pick("t", moments...), "v": pick("v", moments...),
		"u": pick("u", time.Hour, time.Duration(0), -time.Minute, time.Duration(math.MaxInt64)), "y": pick("y", mixed...), "z": pick("z", mixed...),
		"tags": pick("tags", map[string]any{}, map[string]any{"env": "a", "a": "é"}),
		"list": pick("list", []any{}, []any{"a"}),
	}
}

// drawValues are those of the names that let and aggregates bind; sums of nothing
// are whole zeros whatever their type.
func drawValues(t *rapid.T, f rete.Fact) map[string]any {
	out := map[string]any{}
	for name, field := range map[string]string{"vb": "b", "vs": "s", "vi": "i", "vf": "f", "vd": "d", "vm": "m", "vt": "t", "vu": "u"} {
		v, ok := f.Get(field)
		switch {
		case (name == "vd" || name == "vm" || name == "vf") && rapid.Bool().Draw(t, name):
			out[name] = int64(0)
		case ok:
			out[name] = v
		default:
			out[name] = rete.Absent
		}
	}
	return out
}

// namesAbsent reports whether an expression reads a named value that is absent.
func namesAbsent(e *expr, b plainBindings) bool {
	return slices.ContainsFunc(e.reads, func(r rete.Ref) bool { return b.values[r.Name] == rete.Absent })
}

// closureScope sees the fact p, one named value of each type, and parameters.
func closureScope(s *Set) *scope {
	sc := &scope{env: s.env, names: []name{{name: "p", fact: "A"}}, params: s.packs["p"].params.record}
	for _, n := range []name{
		{name: "vb", cel: types.BoolType},
		{name: "vs", cel: types.StringType},
		{name: "vi", cel: types.IntType},
		{name: "vf", cel: types.DoubleType, summed: true},
		{name: "vd", cel: decimalType, summed: true},
		{name: "vm", cel: moneyType, summed: true},
		{name: "vt", cel: types.TimestampType},
		{name: "vu", cel: types.DurationType},
	} {
		sc = sc.with(n)
	}
	return sc
}

// outcome of an evaluation: a value, an absent field, or a failure.
func outcomeOf(v any, err error) string {
	switch {
	case errors.Is(err, rete.ErrAbsent):
		return "absent"
	case err != nil:
		return "error"
	}
	return show(v)
}

// TestClosuresEqualCEL holds expressions that became Go code to what CEL makes of
// them, on random expressions and facts.
func TestClosuresEqualCEL(t *testing.T) {
	s := load(t, closureTypes)
	sc := closureScope(s)
	closed, left := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		b := drawBindings(t, s)
		for range 40 {
			of := rapid.SampledFrom([]byte("BBBBSIFDM")).Draw(t, "type")
			src := drawExpression(t, of, rapid.IntRange(1, 3).Draw(t, "depth"))
			e, ok := sc.compile(src, func(int, fault) {})
			switch {
			case !ok:
			case e.ready().fastValue == nil:
				left++
			default:
				closed++
				equalsCEL(t, e, b)
			}
		}
	})
	if closed == 0 || left > 2*closed {
		t.Errorf("%d expressions became closures, %d did not", closed, left)
	}
}

// drawBindings are a fact p and named values.
func drawBindings(t *rapid.T, s *Set) plainBindings {
	session, err := s.NewSession(SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := session.assert("A", drawClosureFact(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := session.commit(); err != nil {
		t.Fatal(err)
	}
	f, _ := session.memory.Get(h)
	return plainBindings{f, drawValues(t, f)}
}

// equalsCEL holds one expression to what CEL makes of it.
func equalsCEL(t *rapid.T, e *expr, b plainBindings) {
	v, err := e.ready().fastValue(b)
	if errors.Is(err, errUntyped) {
		if !namesAbsent(e, b) {
			t.Fatalf("%s: a value of another type", e.text)
		}
		return // a named value that is absent is left to CEL
	}
	slow, slowErr := e.eval(b)
	var want any
	if slowErr == nil {
		want, slowErr = fromCEL(slow)
	}
	if got, want := outcomeOf(v, err), outcomeOf(want, slowErr); got != want {
		t.Fatalf("%s\nfact %s\nclosure %s (%v)\nCEL     %s (%v)", e.text, b.fact, got, err, want, slowErr)
	}
}

// TestShapesBecomeClosures: what is written most is not left to CEL, in every type.
func TestShapesBecomeClosures(t *testing.T) {
	sc := closureScope(load(t, closureTypes))
	for _, src := range []string{
		`p.i < 5 || p.f > 0.5`, `p.b && !p.b`, `p.b == true`, `p.b != (p.i == 1)`, `has(p.i)`, `has(p.tags.env)`, `"a" in p.tags`, `p.s in ["a", "b"]`, `p.i in [1, 2]`,
		`p.s.startsWith("a")`, `p.s.endsWith(p.r)`, `p.s.contains("a")`, `p.s.matches("^a")`, `p.s + "b" == p.r`, `p.tags.env == "a"`, `p.tags["env"] != p.s`,
		`size(p.s) > 1`, `p.list.size() == 0`, `size(p.tags) < 2`, `p.i + p.j * 2 - 1 >= p.i / 2 % 3`, `p.f * 2.0 - p.g / 0.5 <= double(p.i) + params.f`,
		`p.d + p.e > p.d * 0.2 - 1`, `p.d / p.e == decimal(p.i)`, `p.m + p.o > p.m * 0.5`, `p.m / 2 < p.o`, `p.m < params.m`, `p.m / p.o >= 0.5`, `p.t < now - duration("240h")`,
		`p.t + p.u == p.v`, `p.u + p.t != p.v`, `p.t - p.v > p.u`, `p.u <= duration("1h")`, `p.b ? p.i : p.j`, `p.b ? p.f : 1.0`, `p.b ? p.s : "x"`, `p.b ? p.m : p.o`,
		`vi + 1`, `vf * 2.0`, `vs + "x"`, `vd * 2`, `vm + p.m`, `vb || vt < now`, `vu > duration("0s")`,
	} {
		e, ok := sc.compile(src, func(_ int, f fault) { t.Error(src, f) })
		if ok && e.ready().fastValue == nil {
			t.Errorf("%s is left to CEL", src)
		}
	}
}

// BenchmarkClosure compares a condition as Go code with the same by CEL.
func BenchmarkClosure(b *testing.B) {
	s := load(b, closureTypes)
	sc := &scope{env: s.env, names: []name{{name: "p", fact: "A"}}, params: paramsOf(s)}
	session, err := s.NewSession(SessionOptions{})
	if err != nil {
		b.Fatal(err)
	}
	h, err := session.assert("A", rete.Fields{
		"n": 1, "i": 3, "f": 0.25, "s": "prod-web", "m": "30 USD", "o": "10 USD", "t": "2026-11-01T00:00:00Z", "tags": map[string]any{"env": "prod"},
	})
	if err == nil {
		err = session.commit()
	}
	if err != nil {
		b.Fatal(err)
	}
	f, _ := session.memory.Get(h)
	for _, src := range []string{
		`p.i < 5 || p.f > 0.5`, `p.s.startsWith("prod-")`, `p.o < p.m * 0.5`, `p.t < now - duration("240h")`, `has(p.tags.env) && p.tags.env == "prod"`,
	} {
		e, ok := sc.compile(src, func(_ int, f fault) { b.Error(f) })
		if !ok || e.ready().fastTest == nil {
			b.Fatal(src)
		}
		var at bindings = plainBindings{fact: f} // as the matcher has it, in an interface already
		for name, test := range map[string]func(bindings) (bool, error){"closure": e.ready().fastTest, "cel": e.slowTest} {
			b.Run(fmt.Sprint(name, "/", src), func(b *testing.B) {
				for b.Loop() {
					if ok, err := test(at); !ok || err != nil {
						b.Fatal(ok, err)
					}
				}
			})
		}
	}
}
