package trimtab

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/shopspring/decimal"
)

// Decimal is an exact decimal number: the type of every amount from the cost
// file to the ticket. Floating point never carries money.
type Decimal = decimal.Decimal

// QuoScale is the number of decimal places that a quotient keeps.
const QuoScale = 12

// Money is an amount in one currency. Amounts of two currencies are never
// added or compared: the methods that would do so return an error naming both.
type Money struct {
	Amount   Decimal
	Currency string // ISO 4217 code in capitals, "" only in the zero value
}

// ParseMoney reads "30.00 USD".
func ParseMoney(s string) (Money, error) {
	amount, currency, ok := strings.Cut(strings.TrimSpace(s), " ")
	if !ok {
		return Money{}, fmt.Errorf("%q is no amount of money: write it as \"30.00 USD\"", s)
	}
	return NewMoney(amount, strings.TrimSpace(currency))
}

// NewMoney makes money from a number's text and a currency code.
func NewMoney(amount, currency string) (Money, error) {
	d, err := decimal.NewFromString(amount)
	if err != nil {
		return Money{}, fmt.Errorf("%q is no decimal number", amount)
	}
	if !isCurrency(currency) {
		return Money{}, fmt.Errorf("%q is no currency code: three capital letters such as USD", currency)
	}
	return Money{Amount: d, Currency: currency}, nil
}

func isCurrency(s string) bool {
	if len(s) != 3 {
		return false
	}
	for _, r := range s {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return true
}

// IsZero reports whether m is the zero value or an amount of nothing.
func (m Money) IsZero() bool { return m.Amount.IsZero() }

// String writes money with at least two decimal places and all that it has:
// "30.00 USD", "0.00144 USD".
func (m Money) String() string {
	s := m.Amount.String() // without trailing zeros
	if _, places, _ := strings.Cut(s, "."); len(places) < 2 {
		s = m.Amount.StringFixed(2)
	}
	return strings.TrimSpace(s + " " + m.Currency)
}

// Display writes money for people: rounded half-even to cents.
func (m Money) Display() string {
	return strings.TrimSpace(m.Amount.StringFixedBank(2) + " " + m.Currency)
}

// Add returns m + o.
func (m Money) Add(o Money) (Money, error) {
	c, err := m.common(o, "add")
	return Money{m.Amount.Add(o.Amount), c}, err
}

// Sub returns m - o.
func (m Money) Sub(o Money) (Money, error) {
	c, err := m.common(o, "subtract")
	return Money{m.Amount.Sub(o.Amount), c}, err
}

// Cmp is -1, 0 or 1 as m is less than, equal to or more than o.
func (m Money) Cmp(o Money) (int, error) {
	_, err := m.common(o, "compare")
	return m.Amount.Cmp(o.Amount), err
}

// Mul returns m times a plain number.
func (m Money) Mul(d Decimal) Money { return Money{m.Amount.Mul(d), m.Currency} }

// Equal reports whether both are the same amount of the same currency.
func (m Money) Equal(o Money) bool {
	return m.Currency == o.Currency && m.Amount.Equal(o.Amount)
}

// common is the currency of both; the zero value has every currency.
func (m Money) common(o Money, verb string) (string, error) {
	switch {
	case m.Currency == o.Currency, o.Currency == "" && o.IsZero():
		return m.Currency, nil
	case m.Currency == "" && m.IsZero():
		return o.Currency, nil
	}
	return "", fmt.Errorf("cannot %s %s and %s: amounts of two currencies are never mixed", verb, m.Currency, o.Currency)
}

// Quo divides exactly and rounds half-even to [QuoScale] places; dividing by
// zero is an error.
func Quo(a, b Decimal) (Decimal, error) {
	if b.IsZero() {
		return Decimal{}, fmt.Errorf("division of %s by zero", a)
	}
	q, rest := a.QuoRem(b, QuoScale)
	if rest.IsZero() {
		return q, nil
	}
	unit := decimal.New(int64(a.Sign()*b.Sign()), -QuoScale)
	twice := rest.Abs().Mul(decimal.NewFromInt(2)).Shift(QuoScale)
	switch twice.Cmp(b.Abs()) {
	case 1:
		return q.Add(unit), nil
	case 0:
		if isOdd(q) {
			return q.Add(unit), nil
		}
	}
	return q, nil
}

// isOdd looks at the last of the QuoScale places.
func isOdd(q Decimal) bool {
	n := q.Shift(QuoScale).BigInt()
	return new(big.Int).And(n, big.NewInt(1)).Sign() != 0
}

// MarshalText writes money as "30.00 USD"; the zero value as nothing.
func (m Money) MarshalText() ([]byte, error) {
	if m.Currency == "" && m.IsZero() {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (m *Money) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*m = Money{}
		return nil
	}
	*m, err = ParseMoney(string(text))
	return err
}
