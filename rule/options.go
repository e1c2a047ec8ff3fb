package rule

import (
	"fmt"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// options are what a rule says about when and how often it fires.
type options struct {
	salience  *expr // a computed priority
	group     string
	exclusive string
	per       *expr // of exclusive, or of a pack with mode: first
	from      time.Time
	until     time.Time
	order     int // in a pack with mode: first: the earlier, the larger
}

// modeFirst is the exclusive group of a pack with that mode; no group that an author
// names has such a name.
const modeFirst = "mode: first"

// priorityBits leave room below a priority for the order of rules in a pack with
// mode: first. What is shown of a priority is without them.
const priorityBits = 20

// maxPriority bounds priorities, written and computed, on both sides.
const maxPriority = 1_000_000

// readOptions reads what the conditions have bound names for.
func (b *builder) readOptions() {
	o := &b.options
	b.readPriority(b.fs.Get("priority"))
	if n := b.fs.Get("group"); !n.IsZero() {
		o.group = b.pack.agendaGroup(n.Text())
		b.pack.grouped = append(b.pack.grouped, n)
	}
	b.readExclusive(b.fs.Get("exclusive"))
	b.readEffective(b.fs.Get("effective"))
	if b.pack.first {
		b.readPer()
	}
}

// readPriority takes a whole number, or CEL over the bindings.
func (b *builder) readPriority(n strictyaml.Node) {
	if n.IsZero() || n.Kind() == strictyaml.Scalar && n.Tag() == "!!int" {
		if i := n.Int(); i > maxPriority || i < -maxPriority {
			n.Errorf("a priority lies between %d and %d", -maxPriority, maxPriority)
		} else {
			b.rule.Priority = int(i)
		}
		return
	}
	e, ok := b.expression(n, b.scope)
	if !ok || !b.now(e, false, n) {
		return
	}
	if e.out.Kind() != types.IntKind && e.out.Kind() != types.DynKind {
		n.Errorf("a priority is a whole number, not %s", withArticle(typeName(e.out)))
		return
	}
	b.options.salience = e
}

// readExclusive reads {group: g, per: e}.
func (b *builder) readExclusive(n strictyaml.Node) {
	if n.IsZero() {
		return
	}
	fs := n.Fields(exclusiveMapping.Names()...)
	b.options.exclusive = b.pack.agendaGroup(fs.Need("group").Text())
	b.options.per = b.perValue(fs.Get("per"))
	if b.pack.first {
		b.fs.Key("exclusive").Errorf("mode: first makes the rules of the pack exclusive already")
	}
}

// perValue compiles what an exclusive group is counted by.
func (b *builder) perValue(n strictyaml.Node) *expr {
	e, ok := b.expression(n, b.scope)
	if !ok || !b.now(e, false, n) {
		return nil
	}
	if e.out.Kind() == types.StructKind && !isAmount(e.out) {
		n.Errorf("per needs a value, not a whole fact").WithHint("name one of its fields")
		return nil
	}
	return e
}

// readPer compiles the pack's per in the scope of this rule: which subject it is
// about.
func (b *builder) readPer() {
	n := b.pack.per
	b.options.exclusive = b.pack.agendaGroup(modeFirst)
	if n.IsZero() {
		return
	}
	e, ok := b.compiled(n.Text(), b.scope, func(_ int, f fault) {
		b.fs.Get("id").Errorf("the pack's per, %s, does not fit this rule: %s", n.Text(), f.message).
			WithHint("every rule of the pack must bind what per reads")
	})
	if ok && b.now(e, false, n) {
		b.options.per = e
	}
}

// readEffective reads {from: t, until: t}; a day stands for its first moment in UTC.
func (b *builder) readEffective(n strictyaml.Node) {
	if n.IsZero() {
		return
	}
	fs := n.Fields(effectiveMapping.Names()...)
	o := &b.options
	o.from, o.until = readMoment(fs.Get("from")), readMoment(fs.Get("until"))
	switch {
	case n.Kind() != strictyaml.Mapping:
	case !fs.Has("from") && !fs.Has("until"):
		n.Errorf("effective needs from, until or both")
	case !o.from.IsZero() && !o.until.IsZero() && !o.from.Before(o.until):
		fs.Get("until").Errorf("the rule ends before it begins")
	}
}

// readMoment reads a time or a day.
func readMoment(n strictyaml.Node) time.Time {
	if n.Kind() == strictyaml.Scalar {
		if day, err := time.Parse(time.DateOnly, n.Text()); err == nil {
			return day
		}
	}
	return readTime(n)
}

// production is the rule's own production with its options.
func (o options) production(r *Rule) rete.Production {
	p := rete.Production{ID: r.ID, Priority: r.Priority<<priorityBits | o.order, Group: o.group}
	p.Exclusive.Group = o.exclusive
	if o.per != nil {
		p.Exclusive.Per = o.per.valueFn()
	}
	if o.salience != nil {
		p.Salience = o.salience.salienceFn(o.order)
	}
	return p
}

// salienceFn is a computed priority in the matcher's scale.
func (e *expr) salienceFn(order int) rete.Func {
	f := e.fn()
	f.Value = func(env rete.Env) (any, error) {
		v, err := e.value(env)
		if err != nil {
			return nil, err
		}
		i, ok := v.(int64)
		if !ok {
			return nil, fmt.Errorf("a priority is a whole number, not %s", show(v))
		}
		return min(max(i, -maxPriority), maxPriority)<<priorityBits | int64(order), nil
	}
	return f
}

// inEffect is the condition that the clock is within the rule's dates; nil if it
// has none.
func (o options) inEffect() []rete.Element {
	if o.from.IsZero() && o.until.IsZero() {
		return nil
	}
	from, until := o.from, o.until
	return []rete.Element{rete.Where(rete.Func{
		Label: "effective from " + from.Format(time.RFC3339) + " until " + until.Format(time.RFC3339),
		Timed: true,
		Test: func(env rete.Env) (bool, error) {
			now := env.Now()
			return !now.Before(from) && (until.IsZero() || now.Before(until)), nil
		},
		Until: func(env rete.Env) (time.Time, bool) {
			for _, at := range []time.Time{from, until} {
				if at.After(env.Now()) {
					return at, true
				}
			}
			return time.Time{}, false
		},
	})}
}
