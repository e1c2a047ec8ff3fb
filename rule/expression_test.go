package rule

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
)

func TestExpression(t *testing.T) {
	route, err := Expression(`rec.account.startsWith("plat-") && rec.savings > money("10 USD") && !("x" in rec.labels)`,
		map[string]string{"rec": "Recommendation"}, "bool")
	if err != nil {
		t.Fatal(err)
	}
	rec := map[string]any{"account": "plat-1", "savings": trimtab.Money{}, "labels": []string{"a"}}
	rec["savings"], err = trimtab.ParseMoney("11 USD")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := route(map[string]any{"rec": rec}); err != nil || got != true {
		t.Errorf("route: %v, %v", got, err)
	}
	delete(rec, "account")
	if _, err := route(map[string]any{"rec": rec}); !IsAbsent(err) {
		t.Errorf("absent: %v", err)
	}
	for _, c := range []struct {
		src, want string
		out       any
	}{
		{`"vm"`, "string", "vm"},
		{"InstanceId", "string", "i-1"},
		{"n + 1", "int", int64(4)},
		{"n", "double", 3.0},
		{"size(row)", "int", int64(1)},
		{"row.a", "string", "b"},
		{"null", "string?", nil},
		{"row.?z", "string?", nil},
		{"[1, 2].map(x, x * n)", "list(int)", []any{int64(3), int64(6)}},
	} {
		f, err := Expression(c.src, map[string]string{"InstanceId": "dyn", "n": "int", "row": "map(string, string)"}, c.want)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		got, err := f(map[string]any{"InstanceId": "i-1", "n": 3, "row": map[string]string{"a": "b"}})
		if err != nil || show(got) != show(c.out) {
			t.Errorf("%s = %v, want %v (%v)", c.src, got, c.out, err)
		}
	}
	f, _ := Expression("n", map[string]string{"n": "int"}, "int")
	if _, err := f(map[string]any{"n": "three"}); err == nil {
		t.Error("a text is taken for an int")
	}
	if _, err := f(nil); !IsAbsent(err) {
		t.Errorf("a missing variable: %v", err)
	}
}

func TestExpressionErrors(t *testing.T) {
	for _, c := range []struct{ src, typ, want, err string }{
		{"rec.acount", "Recommendation", "string", `did you mean "account"?`},
		{"rec", "strng", "string", "unknown type"},
		{"rec", "string", "strng", "unknown type"},
		{"rec + 1", "string", "string", "+ does not apply to string and int"},
		{"rec", "string", "bool", "a bool is needed here, not a string"},
		{"now > now", "string", "bool", "now cannot be used here"},
		{"rec +", "string", "bool", "Syntax error"},
	} {
		_, err := Expression(c.src, map[string]string{"rec": c.typ}, c.want)
		if err == nil || !strings.Contains(err.Error(), c.err) || trimtab.CodeOf(err) != trimtab.Invalid {
			t.Errorf("%s: %v", c.src, err)
		}
	}
	if _, err := Expression("a", map[string]string{"a b": "int"}, "int"); err == nil {
		t.Error("a variable with a space")
	}
}

func TestExpressionAt(t *testing.T) {
	file, root := strictyaml.Open("t.yaml", []byte("when: 'rec.acount == \"a\"'\nlist: []\n"))
	fs := root.Fields("when", "list")
	if f := ExpressionAt(fs.Get("when"), map[string]string{"rec": "Recommendation"}, "bool"); f != nil {
		t.Error("compiled")
	}
	if f := ExpressionAt(fs.Get("list"), nil, "bool"); f != nil {
		t.Error("compiled a list")
	}
	if err := file.Err(); err == nil || !strings.Contains(err.Error(), `t.yaml:1:11: error: Recommendation has no field "acount"`) {
		t.Error(err)
	}
}

// TestCost: a loop over loops ends with an error instead of taking for ever.
func TestCost(t *testing.T) {
	f, err := Expression("l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d >= 0))))", map[string]string{"l": "list(int)"}, "bool")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f(map[string]any{"l": make([]int, 200)}); err == nil || !strings.Contains(err.Error(), "cost") {
		t.Errorf("err = %v", err)
	}
}
