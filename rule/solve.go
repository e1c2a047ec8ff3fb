package rule

import (
	"math"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/rete"
)

// maxTries bounds the search for values.
const maxTries = 20_000

// problem asks for values of fields for which some formulas hold.
type problem struct {
	formulas []*formula
	typeOf   func(variable) (valueType, bool)
	tries    int
}

// solve finds values, or proves that there are none: proved is false where the
// search was cut short.
//
// Every formula compares a field with constants, or two fields for equality. So the
// constants cut the values of a field into regions within which nothing changes; one
// value out of each, and absence, stand for all. Fields that are equal share their
// constants.
func (p *problem) solve() (found assignment, proved bool) {
	domains, order, ok := p.domains()
	if !ok {
		return nil, false
	}
	p.tries = 0
	a := assignment{}
	if p.search(order, domains, a) {
		return a, true
	}
	return nil, p.tries < maxTries
}

// search assigns the variables one after the other and looks at each formula as
// soon as all that it mentions has a value.
func (p *problem) search(order []variable, domains map[variable][]any, a assignment) bool {
	if len(order) == 0 {
		return true
	}
	v := order[0]
	for _, value := range domains[v] {
		if p.tries++; p.tries >= maxTries {
			return false
		}
		a[v] = value
		if p.possible(a, v) && p.search(order[1:], domains, a) {
			return true
		}
	}
	delete(a, v)
	return false
}

// possible reports whether the formulas that a variable completes hold.
func (p *problem) possible(a assignment, last variable) bool {
	for _, f := range p.formulas {
		complete, mentions := true, false
		f.variables(func(v variable) {
			_, known := a[v]
			complete, mentions = complete && known, mentions || v == last
		})
		if complete && mentions && f.holds(a) != yes {
			return false
		}
	}
	return true
}

// domains are the values to try for each variable, in the order of mention.
func (p *problem) domains() (map[variable][]any, []variable, bool) {
	var order []variable
	class := map[variable]variable{}
	root := func(v variable) variable {
		for class[v] != v {
			v = class[v]
		}
		return v
	}
	for _, f := range p.formulas {
		f.variables(func(v variable) {
			if _, known := class[v]; !known {
				class[v], order = v, append(order, v)
			}
		})
		f.joined(func(a, b variable) { class[root(a)] = root(b) })
	}
	constants := map[variable][]any{}
	for _, v := range order {
		for _, f := range p.formulas {
			constants[root(v)] = append(constants[root(v)], f.constantsOf(v)...)
		}
	}
	out := map[variable][]any{}
	for _, v := range order {
		t, known := p.typeOf(v)
		if !known {
			return nil, nil, false
		}
		if len(constants[root(v)]) > maxTries {
			return nil, nil, false // a list of so many would not be tried to its end
		}
		out[v] = t.samples(constants[root(v)])
	}
	return out, order, true
}

// joined calls do for each pair of variables that are compared.
func (f *formula) joined(do func(a, b variable)) {
	if f.b.name != "" {
		do(f.a, f.b)
	}
	for _, p := range f.parts {
		p.joined(do)
	}
}

// samples are one value out of every region of a type that constants bound, and
// absence where the field may be absent.
func (t valueType) samples(constants []any) []any {
	var out []any
	switch t.kind {
	case kindBool:
		out = []any{true, false}
	case kindString:
		out = append(sampleTexts(constants), "x", "")
	case kindInt:
		out = sampleInts(constants)
	case kindDouble:
		out = sampleDoubles(constants)
	case kindDecimal, kindMoney:
		out = t.sampleAmounts(constants)
	case kindTimestamp:
		out = sampleTimes(constants)
	case kindDuration:
		for _, c := range constants {
			if d, ok := c.(time.Duration); ok {
				out = append(out, d-1, d, d+1)
			}
		}
		out = append(out, time.Hour)
	}
	out = distinctValues(out)
	if t.optional {
		out = append(out, rete.Absent)
	}
	return out
}

// sampleTexts are the constants, and the next text after each in the order of texts.
func sampleTexts(constants []any) []any {
	var out []any
	for _, c := range constants {
		if s, ok := c.(string); ok {
			out = append(out, s)
		}
	}
	for _, c := range constants {
		if s, ok := c.(string); ok {
			out = append(out, s+"\x00")
		}
	}
	return out
}

// sampleInts are the whole numbers around each constant.
func sampleInts(constants []any) []any {
	out := []any{int64(1), int64(0)}
	for _, c := range constants {
		switch x := c.(type) {
		case int64:
			out = append(out, x)
			if x > math.MinInt64 {
				out = append(out, x-1)
			}
			if x < math.MaxInt64 {
				out = append(out, x+1)
			}
		case float64:
			if math.Abs(x) < 1<<52 {
				floor := int64(math.Floor(x))
				out = append(out, floor, floor-1, floor+1, floor+2)
			}
		}
	}
	return out
}

// sampleDoubles are the constants and their neighbours.
func sampleDoubles(constants []any) []any {
	out := []any{1.0, math.NaN()}
	for _, c := range constants {
		x, ok := c.(float64)
		if i, isInt := c.(int64); isInt {
			x, ok = float64(i), true
		}
		if ok && !math.IsNaN(x) {
			out = append(out, x, x+1, x-1, math.Nextafter(x, math.Inf(1)), math.Nextafter(x, math.Inf(-1)))
		}
	}
	return out
}

// sampleAmounts are the constants and their near neighbours, of each currency.
func (t valueType) sampleAmounts(constants []any) []any {
	var out []any
	near := decimal.New(1, -12)
	one := decimal.NewFromInt(1)
	add := func(d trimtab.Decimal, currency string) {
		for _, v := range []trimtab.Decimal{d, d.Add(one), d.Sub(one), d.Add(near), d.Sub(near)} {
			if t.kind == kindMoney {
				out = append(out, money{trimtab.Money{Amount: v, Currency: currency}})
			} else {
				out = append(out, number{v})
			}
		}
	}
	for _, c := range constants {
		switch x := c.(type) {
		case money:
			add(x.m.Amount, x.m.Currency)
		case number:
			add(x.d, "")
		default:
			if d, ok := toDecimal(c); ok {
				add(d, "")
			}
		}
	}
	if len(out) == 0 {
		add(decimal.NewFromInt(100), "USD")
	}
	return out
}

// sampleTimes are the constants and the instants beside them.
func sampleTimes(constants []any) []any {
	out := []any{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, c := range constants {
		if t, ok := c.(time.Time); ok {
			out = append(out, t, t.Add(-1), t.Add(1))
		}
	}
	return out
}

// distinctValues drops repetitions; the first of each stays where it is.
func distinctValues(values []any) []any {
	var out []any
	seen := map[any]bool{}
	for _, v := range values {
		if k := keyOf(v); !seen[k] {
			seen[k] = true
			out = append(out, v)
		}
	}
	return out
}
