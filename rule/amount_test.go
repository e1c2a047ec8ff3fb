package rule

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
)

// eval computes an expression over m (money), d (decimal), i (int), f (double).
func eval(t *testing.T, src, want string) (any, error) {
	t.Helper()
	f, err := Expression(src, map[string]string{"m": "money", "d": "decimal", "i": "int", "f": "double", "e": "money"}, want)
	if err != nil {
		return nil, err
	}
	return f(map[string]any{"m": "30.00 USD", "d": decimal.RequireFromString("0.2"), "i": 3, "f": 0.5, "e": "1.00 EUR"})
}

func TestArithmetic(t *testing.T) {
	for src, want := range map[string]string{
		`string(m * 0.2)`:                   "6.00 USD",
		`string(0.2 * m)`:                   "6.00 USD",
		`string(m * decimal("0.2"))`:        "6.00 USD",
		`string(m * d)`:                     "6.00 USD",
		`string(m * i)`:                     "90.00 USD",
		`string(i * m)`:                     "90.00 USD",
		`string(m / 7)`:                     "4.285714285714 USD",
		`string(m / d)`:                     "150.00 USD",
		`string(m + m - money("0.01 USD"))`: "59.99 USD",
		`string(-m)`:                        "-30.00 USD",
		`string(m / money("4.00 USD"))`:     "7.5",
		`string(d + 1)`:                     "1.2",
		`string(1 - d)`:                     "0.8",
		`string(2 / d)`:                     "10",
		`string(d * 0.1)`:                   "0.02",
		`string(decimal("0.1") + 0.2)`:      "0.3",
		`string(decimal(1) / 3)`:            "0.333333333333",
		`string(decimal(f) * d)`:            "0.1",
		`string(m.amount()) + m.currency()`: "30USD",
		`string(money(d, "EUR"))`:           "0.20 EUR",
		`string(double(d) + f)`:             "0.7",
		`string(d == 0.20)`:                 "true",
		`string(d != 1)`:                    "true",
		`string(d < f)`:                     "true",
		`string(1 > d)`:                     "true",
		`string(m > money("29.99 USD"))`:    "true",
		`string(m != money("30 USD"))`:      "false",
		`string(m != money("1 USD") && !(m == money("2 USD")))`: "true",
		`string(m == money("30 USD"))`:                          "true",
		`string(d in [decimal("0.20")])`:                        "true",
		`string([m, m].map(x, x * 0.5)[1])`:                     "15.00 USD",
		`string(type(m) == type(e))`:                            "true",
		`string(decimal("1e3"))`:                                "1000",
		`string(decimal("0.10") == decimal("0.1"))`:             "true",
	} {
		got, err := eval(t, src, "string")
		if err != nil || got != want {
			t.Errorf("%s = %v, want %s (%v)", src, got, want, err)
		}
	}
}

func TestArithmeticErrors(t *testing.T) {
	for src, want := range map[string]string{
		`m + e`:                      "USD and EUR",
		`m - e`:                      "USD and EUR",
		`[m < e][0] ? m : e`:         "USD and EUR",
		`m == e ? m : e`:             "USD and EUR",
		`m != e ? m : e`:             "USD and EUR",
		`m * (m / e)`:                "USD and EUR",
		`m / 0`:                      "by zero",
		`m / decimal("0")`:           "by zero",
		`money("30 usd")`:            "no currency",
		`money("thirty")`:            "no amount",
		`money(decimal("x"), "USD")`: "no decimal",
		`m * decimal("1e999")`:       "digits",
		`m * decimal(f / 0.0)`:       "no decimal",
		`m * decimal("1e400") * decimal("1e300")`: "digits",
	} {
		if _, err := eval(t, src, "money"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", src, err, want)
		}
	}
}

// TestInexact: doubles that were computed or read are not taken for amounts.
func TestInexact(t *testing.T) {
	for _, src := range []string{"m * f", "f * m", "m * (1.0 - 0.8)", "m / f", "money(d + f, 'USD')", "money(d * -f, 'USD')"} {
		_, err := Expression(src, map[string]string{"m": "money", "f": "double", "d": "decimal"}, "money")
		if err == nil || !strings.Contains(err.Error(), "write decimal(") {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// TestKeys holds the matcher's keys to equality, and its order to the order of
// numbers, for any scale.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) number {
			return number{decimal.New(rapid.Int64Range(-200, 200).Draw(t, name), rapid.Int32Range(-4, 4).Draw(t, name+" exponent"))}
		}
		a, b := draw("a"), draw("b")
		if (a.ReteKey() == b.ReteKey()) != a.d.Equal(b.d) {
			t.Fatalf("%s and %s have keys %q and %q", a.d, b.d, a.ReteKey(), b.ReteKey())
		}
		if c, err := a.ReteCompare(b); err != nil || c != a.d.Cmp(b.d) {
			t.Fatalf("%s against %s is %d (%v)", a.d, b.d, c, err)
		}
		m, n := money{trimtab.Money{Amount: a.d, Currency: "USD"}}, money{trimtab.Money{Amount: b.d, Currency: "EUR"}}
		if _, err := m.ReteCompare(n); err == nil && !a.d.IsZero() && !b.d.IsZero() {
			t.Fatal("two currencies have an order")
		}
		if m.ReteKey() == n.ReteKey() {
			t.Fatal("two currencies have one key")
		}
	})
}

func TestMoneyText(t *testing.T) {
	for in, want := range map[string]string{
		"30 USD": "30.00 USD", "30.00 USD": "30.00 USD", "0.00144 USD": "0.00144 USD",
		"1.5 EUR": "1.50 EUR", "-0.10 EUR": "-0.10 EUR", "1e2 USD": "100.00 USD",
	} {
		m, err := parseMoney(in)
		if err != nil || m.m.String() != want {
			t.Errorf("%s is written %s, want %s (%v)", in, m.m.String(), want, err)
		}
	}
}
