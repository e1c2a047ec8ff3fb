package rule

import (
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// aggregate is one result of an accumulate.
type aggregate struct {
	name string
	op   rete.AggregateOp
	of   *expr // nil for a count of everything
	when *expr // its if; nil without
}

// expressions are those of the aggregate.
func (a aggregate) expressions() []*expr {
	var out []*expr
	for _, e := range []*expr{a.of, a.when} {
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}

// aggregateOps are the aggregates by the words of rules.
var aggregateOps = func() map[string]rete.AggregateOp {
	ops := map[string]rete.AggregateOp{}
	for op := rete.Count; op <= rete.P99; op++ {
		ops[op.String()] = op
	}
	return ops
}()

var (
	accumulateKeys = accumulateMapping.Names()
	aggregateKeys  = aggregateMapping.Names()
)

// accumulate compiles an aggregation: over what, by which groups, and which
// results. Names bound in from are not seen outside.
func (b *builder) accumulate(fs strictyaml.Fields, s *scope, p place) ([]*condition, *scope) {
	n := fs.Get("accumulate")
	in := n.Fields(accumulateKeys...)
	if n.Kind() != strictyaml.Mapping {
		return nil, s
	}
	from, inner := b.from(in.Need("from"), s, p.within(true))
	c := &condition{kind: "accumulate", node: fs.Node, inner: [][]*condition{from}}
	after := s
	for _, e := range in.Get("by").Entries() {
		after = b.group(c, e, inner, after, p)
	}
	lets := in.Need("let")
	if lets.Kind() == strictyaml.Mapping && len(lets.Entries()) == 0 {
		lets.Errorf("let needs at least one aggregate")
	}
	for _, e := range lets.Entries() {
		after = b.aggregate(c, e, inner, after, p)
	}
	b.where(c, in.Get("where"), after)
	if c.where != nil {
		b.joins.link("", c.where.reads, p)
	}
	return []*condition{c}, after
}

// from compiles what is aggregated: one pattern, or a list of elements.
func (b *builder) from(n strictyaml.Node, s *scope, p place) ([]*condition, *scope) {
	if n.Kind() == strictyaml.List {
		return b.list(n, s, p)
	}
	if n.IsZero() {
		return nil, s
	}
	return b.element(n, s, p)
}

// group compiles one name of by.
func (b *builder) group(c *condition, e strictyaml.Entry, inner, after *scope, p place) *scope {
	if !b.canName(e.Key, after) {
		return after
	}
	bound := name{name: e.Key.Text(), cel: types.DynType}
	if of, used := b.namedValue(e, inner); of != nil {
		c.groups = append(c.groups, grouping{bound.name, of})
		bound.cel, bound.used = of.out, used
		b.joins.value(bound.name, b.outer(of.reads, after), p)
	}
	return after.with(bound)
}

// outer are the reads of what is bound outside of an accumulate.
func (b *builder) outer(reads []rete.Ref, s *scope) []rete.Ref {
	return slices.DeleteFunc(slices.Clone(reads), func(r rete.Ref) bool { _, ok := s.find(r.Name); return !ok })
}

// aggregate compiles one result: {sum: e, if: e}.
func (b *builder) aggregate(c *condition, e strictyaml.Entry, inner, after *scope, p place) *scope {
	if !b.canName(e.Key, after) {
		return after
	}
	words := aggregateMapping.OneOf
	fs := e.Value.Fields(aggregateKeys...)
	bound := name{name: e.Key.Text(), cel: types.DynType, summed: true}
	word := b.aggregateWord(fs, words)
	a := aggregate{name: bound.name, op: aggregateOps[word]}
	if cond, ok := b.boolean(fs.Get("if"), inner); ok {
		a.when = cond
	}
	if word != "" && b.aggregated(&a, fs.Get(word), inner) {
		c.aggregates = append(c.aggregates, a)
		bound.cel = a.result()
		l := &let{node: e.Key}
		b.lets, bound.used = append(b.lets, l), &l.used
	}
	return after.with(bound)
}

// aggregateWord is the one word of an aggregate that says which it is.
func (b *builder) aggregateWord(fs strictyaml.Fields, words []string) string {
	found := ""
	for _, k := range fs.Names() {
		if !slices.Contains(words, k) {
			continue
		}
		if found != "" {
			fs.Key(k).Errorf("%s and %s cannot be one value", found, k).WithHint("give each a name of its own")
			return ""
		}
		found = k
	}
	// A key that nobody knows is told already.
	onlyIf := !slices.ContainsFunc(fs.Names(), func(k string) bool { return k != "if" })
	if found == "" && onlyIf && fs.Node.Kind() == strictyaml.Mapping {
		fs.Errorf("which aggregate is this? one of %s is needed", strings.Join(words, ", "))
	}
	return found
}

// aggregated compiles what is aggregated and holds it against what the aggregate
// can take.
func (b *builder) aggregated(a *aggregate, n strictyaml.Node, s *scope) bool {
	if a.op == rete.Count {
		// count: e counts the facts for which e is true.
		e, ok := b.boolean(n, s)
		a.of = e
		return ok
	}
	e, ok := b.expression(n, s)
	if !ok || !b.now(e, false, n) {
		return false
	}
	a.of = e
	if aggregates(a.op, e.out) {
		return true
	}
	d := n.Errorf("%s does not apply to %s", a.op, withArticle(typeName(e.out)))
	if e.out == moneyType {
		d.WithHint("an average of amounts is sum / count; a rank needs a number: double(x.amount())")
	}
	return false
}

// aggregates reports whether an aggregate takes values of a type.
func aggregates(op rete.AggregateOp, t *types.Type) bool {
	number := t.Kind() == types.IntKind || t.Kind() == types.DoubleKind || t == decimalType || t.Kind() == types.DynKind
	ordered := number || t == moneyType || t.Kind() == types.DurationKind
	switch op {
	case rete.Sum:
		return ordered
	case rete.Min, rete.Max:
		return ordered || t.Kind() == types.TimestampKind || t.Kind() == types.StringKind
	case rete.Distinct, rete.Collect:
		return t.Kind() != types.StructKind || isAmount(t)
	}
	return number
}

// result is the type of the aggregate.
func (a aggregate) result() *types.Type {
	switch a.op {
	case rete.Count, rete.Distinct:
		return cel.IntType
	case rete.Sum, rete.Min, rete.Max:
		return a.of.out
	case rete.Collect:
		return cel.ListType(a.of.out)
	}
	return cel.DoubleType
}

// typed gives the sum of nothing, which the matcher has as the number 0, the type
// that the name has.
func (n name) typed(v any) any {
	i, ok := v.(int64)
	switch {
	case !n.summed || !ok:
		return v
	case n.cel == decimalType:
		return number{decimal.NewFromInt(i)}
	case n.cel == moneyType:
		return money{} // of every currency
	case n.cel.Kind() == types.DoubleKind:
		return float64(i)
	case n.cel.Kind() == types.DurationKind:
		return time.Duration(i)
	}
	return v
}
