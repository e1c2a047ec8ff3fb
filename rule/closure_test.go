package rule

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
)

const closureTypes = `apiVersion: trimtab/v1
pack: p
facts:
  A: {fields: {n: int, i: 'int?', j: 'int?', f: 'double?', g: 'double?', s: 'string?', r: 'string?', b: 'bool?', d: 'decimal?', e: 'decimal?', m: 'money?', o: 'money?', t: 'timestamp?', v: 'timestamp?', u: 'duration?', tags: 'map(string, string)?', list: 'list(string)?'}}
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
		"now < %T", "now - %U >= %T",
	},
	'S': {"p.s", "p.r", `"a"`, `"é"`, "params.s", "(%S + %S)", "p.tags.env", "p.tags[%S]", "((%B) ? %S : %S)"},
	'I': {"p.i", "p.j", "0", "1", "-1", "params.i", "(%I + %I)", "(%I - %I)", "(%I * %I)", "(%I / %I)", "(%I % %I)", "size(%S)", "size(p.tags)", "p.list.size()", "9223372036854775807"},
	'F': {"p.f", "p.g", "0.5", "-0.0", "params.f", "(%F + %F)", "(%F * %F)", "(%F / %F)", "double(%I)"},
	'D': {"p.d", "p.e", `decimal("0.5")`, "(%D + %D)", "(%D * %D)", "(%D / %D)", "(%D - 1)", "(%D * 0.2)", "decimal(%I)"},
	'M': {"p.m", "p.o", "params.m", `money("2 EUR")`, "(%M + %M)", "(%M - %M)", "(%M * 0.5)", "(%M / 2)"},
	'T': {"p.t", "p.v", `timestamp("2026-11-20T10:00:00Z")`, "(%T + %U)", "(%T - %U)"},
	'U': {"p.u", `duration("1h")`, "(%T - %T)"},
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

// plainBindings are the values of one fact called p.
type plainBindings struct{ fact rete.Fact }

func (b plainBindings) Fact(string) (rete.Fact, bool) { return b.fact, true }
func (b plainBindings) Value(string) (any, bool)      { return nil, false }
func (b plainBindings) Now() time.Time                { return time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC) }

func drawClosureFact(t *rapid.T) rete.Fields {
	pick := func(name string, values ...any) any {
		return rapid.SampledFrom(append(values, rete.Absent)).Draw(t, name)
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	ints := []any{int64(0), int64(1), int64(-1), int64(7), int64(math.MaxInt64), int64(math.MinInt64)}
	floats := []any{0.0, math.Copysign(0, -1), 0.5, 1.0, math.NaN(), math.Inf(1)}
	texts := []any{"", "a", "b", "é", "ab"}
	decimals, amounts := []any{"0", "0.5", "0.50", "1", "-1"}, []any{"1 USD", "1.00 USD", "2 USD", "1 EUR"}
	moments := []any{at, at.Add(time.Hour), time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)}
	return rete.Fields{
		"n": int64(0), "i": pick("i", ints...), "j": pick("j", ints...), "f": pick("f", floats...), "g": pick("g", floats...),
		"s": pick("s", texts...), "r": pick("r", texts...), "b": pick("b", true, false), "d": pick("d", decimals...), "e": pick("e", decimals...),
		"m": pick("m", amounts...), "o": pick("o", amounts...), "t": pick("t", moments...), "v": pick("v", moments...),
		"u": pick("u", time.Hour, time.Duration(0)), "tags": pick("tags", map[string]any{}, map[string]any{"env": "a", "a": "é"}),
		"list": pick("list", []any{}, []any{"a"}),
	}
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
	sc := &scope{env: s.env, names: []name{{name: "p", fact: "A"}}, params: paramsOf(s)}
	closed, left := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SampledFrom([]byte("BBBBSIFDM")).Draw(t, "type")
		src := drawExpression(t, of, rapid.IntRange(1, 3).Draw(t, "depth"))
		e, ok := sc.compile(src, func(int, fault) {})
		if !ok {
			return
		}
		if e.ready().fastValue == nil {
			left++
			return
		}
		closed++
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
		b := plainBindings{f}
		v, err := e.ready().fastValue(b)
		if errors.Is(err, errUntyped) {
			t.Fatalf("%s: a value of another type", src)
		}
		slow, slowErr := e.eval(b)
		var want any
		if slowErr == nil {
			want, slowErr = fromCEL(slow)
		}
		if got, want := outcomeOf(v, err), outcomeOf(want, slowErr); got != want {
			t.Fatalf("%s\nfact %s\nclosure %s (%v)\nCEL     %s (%v)", src, f, got, err, want, slowErr)
		}
	})
	if closed == 0 || left > closed {
		t.Errorf("%d expressions became closures, %d did not", closed, left)
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
		for name, test := range map[string]func(bindings) (bool, error){"closure": e.ready().fastTest, "cel": e.slowTest} {
			b.Run(fmt.Sprint(name, "/", src), func(b *testing.B) {
				for b.Loop() {
					if ok, err := test(plainBindings{f}); !ok || err != nil {
						b.Fatal(ok, err)
					}
				}
			})
		}
	}
}
