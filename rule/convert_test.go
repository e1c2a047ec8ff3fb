package rule

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

func mustType(t testing.TB, text string) valueType {
	t.Helper()
	typ, err := parseType(text)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func TestParseType(t *testing.T) {
	for in, want := range map[string]string{
		"int": "int", " money ? ": "money?", "list( string )": "list(string)", "map(string,int)?": "map(string, int)?",
		"list(map(string, list(dyn)))": "list(map(string, list(dyn)))",
	} {
		if got := mustType(t, in).String(); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	for _, bad := range []string{"", "?", "int??", "list", "list()", "map(string)", "map(int, int)", "Int", "list(int", "list", "map"} {
		if typ, err := parseType(bad); err == nil {
			t.Errorf("%q is taken for %s", bad, typ)
		}
	}
}

// TestConvert: what comes from Go, JSON and scripts, and what it becomes.
func TestConvert(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		typ  string
		in   any
		want string // as show writes it; "" for an error
	}{
		{"bool", true, "true"},
		{"bool", "true", ""},
		{"bool", 1, ""},
		{"int", 3, "3"},
		{"int", uint8(3), "3"},
		{"int", json.Number("3"), "3"},
		{"int", 3.0, "3"},
		{"int", 3.5, ""},
		{"int", json.Number("3.5"), ""},
		{"int", "3", ""},
		{"int", uint64(1 << 63), ""},
		{"double", 3, "3"},
		{"double", float32(0.5), "0.5"},
		{"double", json.Number("1e3"), "1000"},
		{"double", "1", ""},
		{"decimal", "1.50", "1.5"},
		{"decimal", json.Number("1.10"), "1.1"},
		{"decimal", 2, "2"},
		{"decimal", 0.1, "0.1"},
		{"decimal", decimal.New(5, -1), "0.5"},
		{"decimal", "x", ""},
		{"decimal", "1e9999", ""},
		{"decimal", true, ""},
		{"money", "3 USD", "3.00 USD"},
		{"money", trimtab.Money{Currency: "EUR"}, "0.00 EUR"},
		{"money", 3, ""},
		{"money", "3", ""},
		{"string", "a", `"a"`},
		{"string", 3, ""},
		{"string", nil, ""},
		{"string?", nil, "absent"},
		{"string?", rete.Absent, "absent"},
		{"timestamp", at, `"2026-11-20T10:00:00Z"`},
		{"timestamp", "2026-11-20T11:00:00+01:00", `"2026-11-20T10:00:00Z"`},
		{"timestamp", "2026-11-20", ""},
		{"timestamp", 3, ""},
		{"duration", "14d", `"336h0m0s"`},
		{"duration", time.Minute, `"1m0s"`},
		{"duration", "soon", ""},
		{"duration", 3, ""},
		{"bytes", []byte("a"), `"YQ=="`},
		{"bytes", "YQ==", `"YQ=="`},
		{"bytes", "!", ""},
		{"bytes", 3, ""},
		{"list(int)", []int{1, 2}, "[1,2]"},
		{"list(int)", []any{"a"}, ""},
		{"list(int)", 3, ""},
		{"map(string, money)", map[string]string{"a": "1 USD"}, `{"a":"1.00 USD"}`},
		{"map(string, int)", map[int]int{1: 1}, ""},
		{"map(string, int)", map[string]string{"a": "b"}, ""},
		{"dyn", nil, "null"},
		{"dyn", []string{"a"}, `["a"]`},
		{"dyn", map[string]any{"a": json.Number("1.5")}, `{"a":1.5}`},
		{"dyn", struct{}{}, ""},
		{"dyn", trimtab.Money{Currency: "USD"}, "0.00 USD"},
		{"dyn", map[int]int{}, ""},
		{"dyn", uint16(3), "3"},
		{"dyn", float32(1), "1"},
		{"dyn", at, `"2026-11-20T10:00:00Z"`},
	} {
		got, err := mustType(t, c.typ).convert(c.in)
		text := ""
		switch {
		case err == nil && got == rete.Absent:
			text = "absent"
		case err == nil:
			text = show(got)
		}
		if text != c.want {
			t.Errorf("%v as %s is %s, want %s (%v)", c.in, c.typ, text, c.want, err)
		}
	}
}

// TestDeepValue: a dyn field does not take values without end.
func TestDeepValue(t *testing.T) {
	var v any = "x"
	for range 100 {
		v = []any{v}
	}
	if _, err := mustType(t, "dyn").convert(v); err == nil {
		t.Error("a value 100 deep is taken")
	}
}

// TestLiteral: what is written in YAML means what its field's type says.
func TestLiteral(t *testing.T) {
	for _, c := range []struct{ typ, in, want string }{
		{"string", "012", `"012"`},
		{"string", "yes", `"yes"`},
		{"string", "1.50", `"1.50"`},
		{"string", "[a]", ""},
		{"bool", "true", "true"},
		{"bool", "yes", ""},
		{"bool", "'true'", ""},
		{"int", "12", "12"},
		{"int", "1.5", ""},
		{"int", "'12'", ""},
		{"double", "5", "5"},
		{"double", "1e-3", "0.001"},
		{"decimal", "30.10", "30.1"},
		{"decimal", "'0.2'", "0.2"},
		{"money", "30.10 USD", "30.10 USD"},
		{"money", "30.10", ""},
		{"timestamp", "2026-11-20T10:00:00Z", `"2026-11-20T10:00:00Z"`},
		{"duration", "30d", `"720h0m0s"`},
		{"list(string)", "[a, 1]", `["a","1"]`},
		{"list(int)", "[a]", ""},
		{"list(int)", "3", ""},
		{"map(string, int)", "{a: 1}", `{"a":1}`},
		{"map(string, int)", "{a: b}", ""},
		{"map(string, int)", "[1]", ""},
		{"dyn", "{a: [1, x, 2.5, true, ~]}", `{"a":[1,"x",2.5,true,null]}`},
		{"string", "~", ""},
	} {
		_, root := strictyaml.Open("x.yaml", []byte("v: "+c.in+"\n"))
		got, err := mustType(t, c.typ).literal(root.Fields("v").Get("v"))
		text := ""
		if err == nil {
			text = show(got)
		}
		if text != c.want {
			t.Errorf("%s as %s is %s, want %s (%v)", c.in, c.typ, text, c.want, err)
		}
	}
}

// TestRoundTrip: a value that goes into a fact, through CEL and out again is the
// same, and its JSON form is read back as the same.
func TestRoundTrip(t *testing.T) {
	types := []string{"bool", "int", "double", "decimal", "money", "string", "timestamp", "duration", "bytes", "list(int)", "map(string, money)"}
	exprs := map[string]Expr{}
	for _, typ := range types {
		f, err := Expression("x", map[string]string{"x": typ}, typ)
		if err != nil {
			t.Fatal(err)
		}
		exprs[typ] = f
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(types).Draw(t, "type")
		typ, err := parseType(name)
		if err != nil {
			t.Fatal(err)
		}
		in := drawValue(t, name)
		through, err := exprs[name](map[string]any{"x": in})
		if err != nil {
			t.Fatal(err)
		}
		a, err := typ.convert(in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := typ.convert(through)
		if err != nil || !same(a, b) {
			t.Fatalf("%v came out as %v (%v)", in, through, err)
		}
		var back map[string]any
		data, err := json.Marshal(map[string]any{"v": jsonValue(a)})
		if err == nil {
			err = decode(data, &back)
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, err := typ.convert(back["v"]); err != nil || !same(a, c) {
			t.Fatalf("%s was read back as %v (%v)", data, back["v"], err)
		}
	})
}

func drawValue(t *rapid.T, typ string) any {
	amount := func() trimtab.Money {
		return trimtab.Money{Amount: decimal.New(rapid.Int64().Draw(t, "units"), rapid.Int32Range(-8, 4).Draw(t, "exponent")), Currency: "USD"}
	}
	switch typ {
	case "bool":
		return rapid.Bool().Draw(t, "v")
	case "int":
		return rapid.Int64().Draw(t, "v")
	case "double":
		return rapid.Float64().Draw(t, "v")
	case "decimal":
		return amount().Amount
	case "money":
		return amount()
	case "timestamp":
		return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
	case "duration":
		return time.Duration(rapid.Int64().Draw(t, "v"))
	case "bytes":
		return rapid.SliceOf(rapid.Byte()).Draw(t, "v")
	case "list(int)":
		return rapid.SliceOf(rapid.Int()).Draw(t, "v")
	case "map(string, money)":
		return map[string]trimtab.Money{strings.ToValidUTF8(rapid.String().Draw(t, "k"), "?"): amount()}
	}
	return rapid.String().Draw(t, "v")
}
