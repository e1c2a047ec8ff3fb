package rule

import (
	"fmt"
	"sort"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/parser"

	"github.com/trimtab/trimtab"
)

// Bounds of one expression.
//
// Packs come from people one does not know, by way of a download or a pull request:
// an expression must not be able to take the scan down with it.
const (
	maxExpression = 20_000    // characters
	maxNodes      = 5_000     // of its syntax tree
	maxNesting    = 100       // of its syntax tree
	maxCost       = 1_000_000 // steps of an expression with a loop
)

// environment checks and plans expressions. It keeps one CEL environment for
// each set of names that expressions see; rules of one shape share it.
//
// Making a CEL environment costs more than compiling with it, and there are
// thousands of expressions: most rules see the same few names of the same types, so
// one environment serves them all.
type environment struct {
	provider *provider
	base     *cel.Env
	parser   *parser.Parser
	cache    map[string]*cel.Env
	exprs    map[string]*expr // by what their scope means and their text
	ahead    *ahead           // while packs are loaded
}

// newEnvironment makes an environment without variables. Its limits hold for
// every expression, whoever wrote it.
func newEnvironment() (*environment, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	p := &provider{Registry: registry, records: map[string]*recordType{
		"decimal": {cel: decimalType}, "money": {cel: moneyType}, // no fields, but known to CEL
	}}
	options := append([]cel.EnvOption{
		cel.CustomTypeProvider(p), cel.CustomTypeAdapter(p),
		cel.CrossTypeNumericComparisons(true), cel.EnableMacroCallTracking(), cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxNesting),
		cel.ExpressionNodeLimit(maxNodes), cel.ExpressionNestingDepthLimit(maxNesting),
		cel.OptionalTypes(), ext.Strings(ext.StringsVersion(4)), ext.Math(), ext.Sets(),
	}, amountFunctions()...)
	base, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("CEL environment: %w", err)
	}
	quick, err := newParser(base)
	if err != nil {
		return nil, err
	}
	return &environment{provider: p, base: base, parser: quick, cache: map[string]*cel.Env{}, exprs: map[string]*expr{}}, nil
}

// with is the environment that knows some variables.
func (e *environment) with(vars map[string]*cel.Type) (*cel.Env, error) {
	names := make([]string, 0, len(vars))
	for name, t := range vars {
		names = append(names, name+":"+t.String())
	}
	sort.Strings(names)
	key := strings.Join(names, ",")
	if env, ok := e.cache[key]; ok {
		return env, nil
	}
	options := make([]cel.EnvOption, 0, len(vars))
	for name, t := range vars {
		options = append(options, cel.Variable(name, t))
	}
	env, err := e.base.Extend(options...)
	if err == nil {
		e.cache[key] = env
	}
	return env, err
}

// mixed begins the names of overloads of which one operand is no amount; the
// checker's result is then rewritten so that it is one (see amounts.go).
const mixed = "mixed_"

// amountFunctions declares arithmetic and comparison of decimals and money. The
// operators are CEL's own, which call the values' methods.
func amountFunctions() []cel.EnvOption {
	var out []cel.EnvOption
	for op, list := range amountOverloads() {
		out = append(out, cel.Function(op, list...))
	}
	return append(out, conversions()...)
}

// amountOverloads lists the signatures by operator. They carry no code: CEL calls
// the methods of the values.
func amountOverloads() map[string][]cel.FunctionOpt {
	dec, mon := decimalType, moneyType
	plain := []*cel.Type{cel.IntType, cel.DoubleType}
	ops := map[string][]cel.FunctionOpt{}
	add := func(op string, out *cel.Type, args ...*cel.Type) {
		id := op + "_" + args[0].TypeName()
		if len(args) == 2 {
			id += "_" + args[1].TypeName()
		}
		if len(args) == 2 && !(isAmount(args[0]) && isAmount(args[1])) {
			id = mixed + id
		}
		ops[op] = append(ops[op], cel.Overload(id, args, out))
	}
	for _, op := range []string{"_+_", "_-_", "_*_", "_/_"} {
		add(op, dec, dec, dec)
		for _, t := range plain {
			add(op, dec, dec, t)
			add(op, dec, t, dec)
		}
	}
	add("_+_", mon, mon, mon)
	add("_-_", mon, mon, mon)
	add("_*_", mon, mon, dec)
	add("_*_", mon, dec, mon)
	add("_/_", mon, mon, dec)
	add("_/_", dec, mon, mon)
	for _, t := range plain {
		add("_*_", mon, mon, t)
		add("_*_", mon, t, mon)
		add("_/_", mon, mon, t)
	}
	add("-_", dec, dec)
	add("-_", mon, mon)
	for _, op := range []string{"_<_", "_<=_", "_>_", "_>=_"} {
		add(op, cel.BoolType, dec, dec)
		add(op, cel.BoolType, mon, mon)
		for _, t := range plain {
			add(op, cel.BoolType, dec, t)
			add(op, cel.BoolType, t, dec)
		}
	}
	return ops
}

// conversions declares decimal(…), money(…), string(…), double(…) and the parts
// of an amount of money.
func conversions() []cel.EnvOption {
	dec, mon, text := decimalType, moneyType, cel.StringType
	one := func(id string, arg, out *cel.Type, f func(ref.Val) ref.Val) cel.FunctionOpt {
		return cel.Overload(id, []*cel.Type{arg}, out, cel.UnaryBinding(f))
	}
	part := func(id string, out *cel.Type, f func(ref.Val) ref.Val) cel.FunctionOpt {
		return cel.MemberOverload(id, []*cel.Type{mon}, out, cel.UnaryBinding(f))
	}
	return []cel.EnvOption{
		cel.Function("decimal", one("decimal_string", text, dec, celDecimal), one("decimal_int", cel.IntType, dec, celDecimal),
			one("decimal_double", cel.DoubleType, dec, celDecimal), one("decimal_decimal", dec, dec, celDecimal)),
		cel.Function("money", one("money_string", text, mon, celMoney), one("money_money", mon, mon, celMoney),
			cel.Overload("money_decimal_string", []*cel.Type{dec, text}, mon, cel.BinaryBinding(celMoneyOf))),
		cel.Function("string", one("string_decimal", dec, text, celText), one("string_money", mon, text, celText)),
		cel.Function("double", one("double_decimal", dec, cel.DoubleType, celDouble)),
		cel.Function("amount", part("money_amount", dec, celAmount)),
		cel.Function("currency", part("money_currency", text, celCurrency)),
	}
}

// celDecimal is decimal(…).
func celDecimal(v ref.Val) ref.Val {
	if s, ok := v.(types.String); ok {
		n, err := parseDecimal(string(s))
		return newNumber(n.d, err)
	}
	if d, ok := toDecimal(v); ok {
		return number{d}
	}
	return types.NewErr("%v is no decimal number", v)
}

// celMoney is money(…) of a text.
func celMoney(v ref.Val) ref.Val {
	switch x := v.(type) {
	case money:
		return x
	case types.String:
		m, err := parseMoney(string(x))
		return newMoney(m.m, err)
	}
	return types.MaybeNoSuchOverloadErr(v)
}

// celMoneyOf is money(d, "USD").
func celMoneyOf(amount, currency ref.Val) ref.Val {
	n, ok := amount.(number)
	c, isText := currency.(types.String)
	if !ok || !isText {
		return types.MaybeNoSuchOverloadErr(amount)
	}
	return newMoney(trimtab.NewMoney(n.d.String(), string(c)))
}

// celText is string(…), celDouble is double(…) of an amount.
func celText(v ref.Val) ref.Val   { return v.ConvertToType(types.StringType) }
func celDouble(v ref.Val) ref.Val { return v.ConvertToType(types.DoubleType) }

// celAmount is m.amount().
func celAmount(v ref.Val) ref.Val {
	if m, ok := v.(money); ok {
		return number{m.m.Amount}
	}
	return types.MaybeNoSuchOverloadErr(v)
}

// celCurrency is m.currency().
func celCurrency(v ref.Val) ref.Val {
	if m, ok := v.(money); ok {
		return types.String(m.m.Currency)
	}
	return types.MaybeNoSuchOverloadErr(v)
}
