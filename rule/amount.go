package rule

import (
	"fmt"
	"math"
	"reflect"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/rete"
)

const amountTraits = traits.AdderType | traits.SubtractorType | traits.MultiplierType |
	traits.DividerType | traits.ComparerType | traits.NegatorType

// decimalType and moneyType are own types of CEL with arithmetic.
var (
	decimalType = types.NewObjectType("decimal", amountTraits)
	moneyType   = types.NewObjectType("money", amountTraits)
)

// number and money are the values of facts and of expressions alike: CEL
// computes with them and the matcher indexes and orders them, so nothing is
// converted on the way.
//
// Both kinds are exact from the file of costs to the ticket. A float never carries
// an amount: 0.1 + 0.2 would be a cent off after a year of adding.
type (
	number struct{ d trimtab.Decimal }
	money  struct{ m trimtab.Money }
)

var (
	_ rete.Keyer     = number{}
	_ rete.Orderer   = number{}
	_ rete.Keyer     = money{}
	_ rete.Orderer   = money{}
	_ traits.Adder   = number{}
	_ traits.Divider = money{}
)

// String writes the number with all its digits.
func (n number) String() string { return n.d.String() }

// String writes the amount as rule files do.
func (m money) String() string { return m.m.String() }

// ReteKey is equal for equal numbers: 1, 1.0 and 1.00 are one.
func (n number) ReteKey() string { return "decimal " + canonical(n.d) }

// ReteKey is equal for equal amounts of one currency.
func (m money) ReteKey() string { return "money " + canonical(m.m.Amount) + " " + m.m.Currency }

// ReteAdd and ReteSub add up numbers; what is added and taken away again leaves no
// trace, since decimals are exact.
func (n number) ReteAdd(other any) (any, error) { return n.sum(other, decimal.Decimal.Add) }

// ReteSub is the inverse of ReteAdd.
func (n number) ReteSub(other any) (any, error) { return n.sum(other, decimal.Decimal.Sub) }

func (n number) sum(other any, op func(a, b decimal.Decimal) decimal.Decimal) (any, error) {
	d, ok := toDecimal(other)
	if !ok {
		return nil, fmt.Errorf("%s cannot be added to %s", show(other), n.d)
	}
	out := op(n.d, d)
	return number{out}, bounded(out)
}

// ReteAdd and ReteSub add up amounts of one currency; zero without one goes with
// each.
func (m money) ReteAdd(other any) (any, error) { return m.sum(other, trimtab.Money.Add) }

// ReteSub is the inverse of ReteAdd.
func (m money) ReteSub(other any) (any, error) { return m.sum(other, trimtab.Money.Sub) }

func (m money) sum(other any, op func(a, b trimtab.Money) (trimtab.Money, error)) (any, error) {
	o, ok := other.(money)
	if !ok {
		return nil, fmt.Errorf("%s is no amount of money", show(other))
	}
	out, err := op(m.m, o.m)
	if err != nil {
		return nil, err
	}
	return money{out}, bounded(out.Amount)
}

// canonical writes equal decimals equally, whatever their scale, without
// writing out the zeros of a large exponent.
func canonical(d trimtab.Decimal) string {
	if d.IsZero() {
		return "0"
	}
	digits, exp := d.Coefficient().String(), int(d.Exponent())
	for digits[len(digits)-1] == '0' {
		digits, exp = digits[:len(digits)-1], exp+1
	}
	return digits + "e" + strconv.Itoa(exp)
}

// ReteCompare orders numbers, and numbers among ints and doubles.
func (n number) ReteCompare(other any) (int, error) {
	o, ok := toDecimal(other)
	if !ok {
		return 0, rete.ErrUncomparable
	}
	return n.d.Cmp(o), nil
}

// ReteCompare orders amounts of one currency.
//
// The error goes to the report and names both currencies: two amounts without an
// order are a mistake in the data, not "no".
func (m money) ReteCompare(other any) (int, error) {
	o, ok := other.(money)
	if !ok {
		return 0, rete.ErrUncomparable
	}
	return m.m.Cmp(o.m)
}

// toDecimal takes a number for a decimal: a double for the shortest decimal
// that is read back as the same double, so that 0.2 is two tenths.
func toDecimal(v any) (trimtab.Decimal, bool) {
	switch x := v.(type) {
	case number:
		return x.d, true
	case types.Int:
		return decimal.NewFromInt(int64(x)), true
	case int64:
		return decimal.NewFromInt(x), true
	case types.Double:
		return fromFloat(float64(x))
	case float64:
		return fromFloat(x)
	}
	return trimtab.Decimal{}, false
}

// fromFloat refuses what no decimal can say: NaN and the infinities.
func fromFloat(f float64) (trimtab.Decimal, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return trimtab.Decimal{}, false
	}
	return decimal.NewFromFloat(f), true
}

// maxDigits bounds decimals: no text and no product of an expression makes one
// whose exact sum with 1 fills the memory.
const maxDigits = 400

// bounded refuses decimals out of all proportion.
func bounded(d trimtab.Decimal) error {
	if d.Exponent() > maxDigits || d.Exponent() < -maxDigits || d.NumDigits() > maxDigits {
		return fmt.Errorf("a number of more than %d digits", maxDigits)
	}
	return nil
}

// parseDecimal looks at the length first: reading a text costs its length, and
// its exponent can ask for any number of zeros.
func parseDecimal(s string) (number, error) {
	if len(s) > maxDigits {
		return number{}, fmt.Errorf("a number of more than %d digits", maxDigits)
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return number{}, fmt.Errorf("%q is no decimal number", s)
	}
	return number{d}, bounded(d)
}

// parseMoney reads "30.00 USD", bounded as decimals are.
func parseMoney(s string) (money, error) {
	if len(s) > maxDigits {
		return money{}, fmt.Errorf("an amount of more than %d digits", maxDigits)
	}
	m, err := trimtab.ParseMoney(s)
	if err != nil {
		return money{}, err
	}
	return money{m}, bounded(m.Amount)
}

// newNumber is a result of arithmetic, or its error, as CEL carries it. The size
// is checked here because products grow.
func newNumber(d trimtab.Decimal, err error) ref.Val {
	if err == nil {
		err = bounded(d)
	}
	if err != nil {
		return types.WrapErr(err)
	}
	return number{d}
}

// newMoney is newNumber for amounts with a currency.
func newMoney(m trimtab.Money, err error) ref.Val {
	if err == nil {
		err = bounded(m.Amount)
	}
	if err != nil {
		return types.WrapErr(err)
	}
	return money{m}
}

// Add is n + other, a number.
func (n number) Add(other ref.Val) ref.Val {
	if o, ok := toDecimal(other); ok {
		return newNumber(n.d.Add(o), nil)
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Subtract is n - other, a number.
func (n number) Subtract(other ref.Val) ref.Val {
	if o, ok := toDecimal(other); ok {
		return newNumber(n.d.Sub(o), nil)
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Multiply is n times a number or an amount of money.
func (n number) Multiply(other ref.Val) ref.Val {
	if m, ok := other.(money); ok {
		return newMoney(m.m.Mul(n.d), nil)
	}
	if o, ok := toDecimal(other); ok {
		return newNumber(n.d.Mul(o), nil)
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Divide rounds half-even to 12 places.
func (n number) Divide(other ref.Val) ref.Val {
	if o, ok := toDecimal(other); ok {
		return newNumber(trimtab.Quo(n.d, o))
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Negate is -n.
func (n number) Negate() ref.Val { return number{n.d.Neg()} }

// Compare orders numbers.
func (n number) Compare(other ref.Val) ref.Val {
	if o, ok := toDecimal(other); ok {
		return types.Int(n.d.Cmp(o))
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Equal is equality of numbers; a decimal equals nothing of another type.
func (n number) Equal(other ref.Val) ref.Val {
	o, ok := other.(number)
	return types.Bool(ok && n.d.Equal(o.d))
}

// Add is m + other, of one currency.
func (m money) Add(other ref.Val) ref.Val {
	if o, ok := other.(money); ok {
		return newMoney(m.m.Add(o.m))
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Subtract is m - other, of one currency.
func (m money) Subtract(other ref.Val) ref.Val {
	if o, ok := other.(money); ok {
		return newMoney(m.m.Sub(o.m))
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Multiply is m times a number.
func (m money) Multiply(other ref.Val) ref.Val {
	if o, ok := toDecimal(other); ok {
		return newMoney(m.m.Mul(o), nil)
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Divide by a number gives money, by money of the same currency a decimal.
func (m money) Divide(other ref.Val) ref.Val {
	if o, ok := other.(money); ok {
		if _, err := m.m.Cmp(o.m); err != nil {
			return types.WrapErr(err)
		}
		return newNumber(trimtab.Quo(m.m.Amount, o.m.Amount))
	}
	o, ok := toDecimal(other)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	q, err := trimtab.Quo(m.m.Amount, o)
	return newMoney(trimtab.Money{Amount: q, Currency: m.m.Currency}, err)
}

// Negate is -m.
func (m money) Negate() ref.Val { return money{m.m.Mul(decimal.NewFromInt(-1))} }

// Compare orders amounts of one currency; two currencies are an error.
func (m money) Compare(other ref.Val) ref.Val {
	o, ok := other.(money)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	c, err := m.m.Cmp(o.m)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Int(c)
}

// Equal is equality of amounts of one currency. Whether 1 USD is 1 EUR is no
// question with an answer, so it is an error here too.
func (m money) Equal(other ref.Val) ref.Val {
	o, ok := other.(money)
	if !ok {
		return types.False
	}
	c, err := m.m.Cmp(o.m)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(c == 0)
}

// Type is decimal.
func (number) Type() ref.Type { return decimalType }

// Type is money.
func (money) Type() ref.Type { return moneyType }

// Value is the number itself.
func (n number) Value() any { return n }

// Value is the amount itself.
func (m money) Value() any { return m }

// ConvertToType gives a text or a double.
func (n number) ConvertToType(t ref.Type) ref.Val {
	switch t.TypeName() {
	case types.StringType.TypeName():
		return types.String(n.d.String())
	case types.DoubleType.TypeName():
		f, _ := n.d.Float64()
		return types.Double(f)
	case types.TypeType.TypeName():
		return decimalType
	}
	return types.NewErr("decimal cannot be converted to %s", t.TypeName())
}

// ConvertToType gives a text.
func (m money) ConvertToType(t ref.Type) ref.Val {
	switch t.TypeName() {
	case types.StringType.TypeName():
		return types.String(m.m.String())
	case types.TypeType.TypeName():
		return moneyType
	}
	return types.NewErr("money cannot be converted to %s", t.TypeName())
}

// ConvertToNative knows no other Go type.
func (n number) ConvertToNative(t reflect.Type) (any, error) { return sameType(n, t) }

// ConvertToNative knows no other Go type.
func (m money) ConvertToNative(t reflect.Type) (any, error) { return sameType(m, t) }

// sameType converts to an interface that the value has already, which is all that is
// ever asked.
func sameType(v any, t reflect.Type) (any, error) {
	if reflect.TypeOf(v).AssignableTo(t) {
		return v, nil
	}
	return nil, fmt.Errorf("%T cannot be converted to %v", v, t)
}
