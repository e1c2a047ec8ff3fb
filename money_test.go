package trimtab

import (
	"encoding/json"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestMoneyText(t *testing.T) {
	for text, want := range map[string]string{
		"30.00 USD": "30.00 USD", "30 USD": "30.00 USD", "30.5 USD": "30.50 USD", "0.00144 EUR": "0.00144 EUR", "-1.230 USD": "-1.23 USD",
		"5.2E-9 USD": "0.0000000052 USD",
	} {
		m, err := ParseMoney(text)
		if err != nil || m.String() != want {
			t.Errorf("%s: %s, %v", text, m, err)
		}
	}
	for _, bad := range []string{"", "30", "USD", "30USD", "x USD", "30 usd", "30 US", "30 USDX", "30 € "} {
		if m, err := ParseMoney(bad); err == nil {
			t.Errorf("%q was read as %s", bad, m)
		}
	}
}

func TestMoneyJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"M":"12.34567890123456789 USD"}`: `{"M":"12.34567890123456789 USD"}`, `{"M":"7 EUR"}`: `{"M":"7.00 EUR"}`, `{"M":""}`: `{"M":""}`,
	} {
		var v struct{ M Money }
		if err := json.Unmarshal([]byte(in), &v); err != nil {
			t.Fatal(err)
		}
		if out, err := json.Marshal(v); err != nil || string(out) != want {
			t.Errorf("%s became %s, %v", in, out, err)
		}
	}
}

func TestTwoCurrencies(t *testing.T) {
	usd, eur := Money{decimal.NewFromInt(1), "USD"}, Money{decimal.NewFromInt(1), "EUR"}
	_, add := usd.Add(eur)
	_, sub := usd.Sub(eur)
	_, cmp := usd.Cmp(eur)
	for _, err := range []error{add, sub, cmp} {
		if err == nil || !strings.Contains(err.Error(), "USD and EUR") {
			t.Errorf("%v: both currencies are wanted", err)
		}
	}
	if sum, err := (Money{}).Add(eur); err != nil || !sum.Equal(eur) {
		t.Errorf("nothing and 1 EUR is %s, %v", sum, err)
	}
}

// Quo is held against big rationals: exact, or half-even at the last place.
func TestQuo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := decimal.New(rapid.Int64Range(-1e15, 1e15).Draw(t, "a"), -int32(rapid.IntRange(0, 14).Draw(t, "places")))
		b := decimal.New(rapid.Int64Range(-1e6, 1e6).Filter(func(n int64) bool { return n != 0 }).Draw(t, "b"), -3)
		got, err := Quo(a, b)
		if err != nil {
			t.Fatal(err)
		}
		exact := new(big.Rat).Quo(a.Rat(), b.Rat())
		unit := big.NewRat(1, 1)
		for range QuoScale {
			unit.Quo(unit, big.NewRat(10, 1))
		}
		off := new(big.Rat).Sub(got.Rat(), exact)
		half := new(big.Rat).Quo(unit, big.NewRat(2, 1))
		switch off.Abs(off).Cmp(half) {
		case 1:
			t.Fatalf("%s / %s = %s, off by more than half a unit", a, b, got)
		case 0:
			if isOdd(got) {
				t.Fatalf("%s / %s = %s: a tie goes to the even digit", a, b, got)
			}
		}
	})
	for a, want := range map[string]string{"0.0000000000005": "0", "0.0000000000015": "0.000000000002", "-0.0000000000025": "-0.000000000002"} {
		if got, err := Quo(decimal.RequireFromString(a), decimal.NewFromInt(1)); err != nil || !got.Equal(decimal.RequireFromString(want)) {
			t.Errorf("%s: %s, want %s (%v)", a, got, want, err)
		}
	}
	if _, err := Quo(decimal.NewFromInt(1), decimal.Zero); err == nil {
		t.Error("divided by zero")
	}
}

func TestKeys(t *testing.T) {
	base := KeyOf("i", "stop", "vm-1", "")
	for name, other := range map[string]Key{
		"installation": KeyOf("j", "stop", "vm-1", ""), "action": KeyOf("i", "stopv", "m-1", ""), "resource": KeyOf("i", "stop", "vm-2", ""),
		"variant": KeyOf("i", "stop", "vm-1", "x"), "seam": KeyOf("i", "sto", "pvm-1", ""),
	} {
		if other == base {
			t.Errorf("another %s gives the same key", name)
		}
	}
	if KeyOf("i", "stop", " vm-1 ", "") != base {
		t.Error("space around an id is no part of it")
	}
	if KeyOf("i", "stop", "/subscriptions/A/B", "") != KeyOf("i", "stop", "/Subscriptions/a/b", "") {
		t.Error("the case of an Azure id is no part of it")
	}
	m := MarkerOf("i", base, 1)
	if len(m) != 29 || strings.ContainsAny(string(m), " ABC=") || m == MarkerOf("i", base, 2) || m == MarkerOf("j", base, 1) {
		t.Errorf("marker %q", m)
	}
}

func TestErrors(t *testing.T) {
	inner := Errorf(Outside, "no route to %s", "jira").WithNext("wait")
	err := &Error{Code: Partial, Op: "distribute", Message: "3 tickets", Err: inner}
	if err.Error() != "distribute: 3 tickets: no route to jira" || CodeOf(err) != Partial || NextOf(err) != "wait" {
		t.Errorf("%v, %s, %q", err, CodeOf(err), NextOf(err))
	}
	if CodeOf(nil) != "" || CodeOf(io.EOF) != Internal || NextOf(nil) != "" {
		t.Error("codes of nothing and of strangers")
	}
}
