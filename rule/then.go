package rule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// step is one action of a then: values, all of which are computed before the
// first action of the firing changes anything, and what is done with them.
//
// Compiling to closures over what was checked leaves nothing to look up, and nothing
// to go wrong by name, when it runs.
type step struct {
	sets  []setting
	reads []rete.Ref // beyond those of the settings
	// prepare adds values that need no expression.
	prepare func(f *rete.Firing, values rete.Fields)
	apply   func(f *rete.Firing, values rete.Fields) error
}

// setting is a field and the expression of its value.
type setting struct {
	field    string
	e        *expr
	optional bool // an absent value leaves the field out
}

// run carries a firing out.
//
// Two passes: an update in the first action must not show in the value of the
// second, or the order of actions would be part of what they mean.
func run(steps []*step, f *rete.Firing) error {
	values := make([]rete.Fields, len(steps))
	for i, s := range steps {
		v, err := s.compute(f)
		if err != nil {
			return err
		}
		values[i] = v
	}
	for i, s := range steps {
		if err := s.apply(f, values[i]); err != nil {
			return err
		}
	}
	return nil
}

// compute evaluates a step before anything of the firing is changed.
func (s *step) compute(f *rete.Firing) (rete.Fields, error) {
	values := rete.Fields{}
	if s.prepare != nil {
		s.prepare(f, values)
	}
	for _, set := range s.sets {
		v, err := set.e.value(f)
		// An absent value of an optional field says nothing, which is what the field
		// can hold.
		if errors.Is(err, rete.ErrAbsent) && set.optional {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", set.field, err)
		}
		values[set.field] = v
	}
	return values, nil
}

// readsOfSteps lists what the actions look at: a change of it makes a standing
// match fire again, with new values.
func readsOfSteps(steps []*step) []rete.Ref {
	var out []rete.Ref
	for _, s := range steps {
		out = append(out, s.reads...)
		for _, set := range s.sets {
			out = append(out, set.e.reads...)
		}
	}
	return sortedRefs(out)
}

var actionKeys = actionMapping.Names()

// readThen compiles the actions in order.
func (b *builder) readThen() []*step {
	n := b.fs.Need("then")
	if n.Kind() == strictyaml.List && len(n.Items()) == 0 {
		n.Errorf("then needs at least one action")
	}
	var steps []*step
	for _, item := range n.Items() {
		if s := b.action(item); s != nil {
			steps = append(steps, s)
		}
	}
	// Two branches may recommend the same; the list says what a rule can do, once.
	slices.Sort(b.rule.Actions)
	b.rule.Actions = slices.Compact(b.rule.Actions)
	return steps
}

// action compiles one action.
func (b *builder) action(n strictyaml.Node) *step {
	fs := n.Fields(actionKeys...)
	if n.Kind() != strictyaml.Mapping {
		return nil
	}
	kind := oneKind(fs, actionMapping.OneOf, nil)
	if set, _ := actionMapping.Key("set"); fs.Has("set") && !slices.Contains(set.With, kind) {
		fs.Key("set").Errorf("set belongs to derive, assert and update")
	}
	switch kind {
	case "derive", "assert":
		return b.conclude(fs, kind)
	case "update":
		return b.update(fs)
	case "retract":
		return b.retract(fs.Get("retract"))
	case "recommend":
		return b.recommend(fs.Get("recommend"))
	case "assign":
		return b.assign(fs.Get("assign"))
	case "log":
		return b.log(fs.Get("log"))
	case "focus":
		return b.focus(fs.Get("focus"))
	case "halt":
		return b.halt(fs.Get("halt"))
	}
	return nil
}

// conclude compiles derive and assert.
func (b *builder) conclude(fs strictyaml.Fields, kind string) *step {
	n := fs.Get(kind)
	t := b.c.typeAt(n)
	if t == nil {
		// Its values are checked all the same, so that one wrong name hides nothing.
		b.settings(fs.Get("set"), nil, kind)
		return nil
	}
	if how := insteadOf[t.name]; how != "" {
		n.Errorf("%s is a type of Trimtab's own and cannot be made by %s", t.name, kind).WithHint("%s", how)
	}
	s := &step{sets: b.settings(fs.Need("set"), t, kind)}
	b.requireFields(fs, t, kind)
	name := t.name
	if kind == "derive" {
		b.rule.derives[name] = true
		s.apply = func(f *rete.Firing, v rete.Fields) error { _, err := f.Derive(name, v); return err }
	} else {
		b.rule.asserts[name] = true
		s.apply = func(f *rete.Firing, v rete.Fields) error { _, err := f.Assert(name, v); return err }
	}
	return s
}

// requireFields reports the fields that a new fact must have and is not given.
func (b *builder) requireFields(fs strictyaml.Fields, t *factType, kind string) {
	set := fs.Get("set")
	if set.Kind() != strictyaml.Mapping || kind == "assert" && len(t.key) > 0 {
		return // an assert may hit a fact that has the rest
	}
	t.missing(set, func(field string) bool { return !childOf(set, field).IsZero() })
}

// settings compiles set: {field: expression}.
func (b *builder) settings(n strictyaml.Node, t *factType, kind string) []setting {
	var out []setting
	for _, e := range n.Entries() {
		field := e.Key.Text()
		typ := valueType{}
		if t != nil && t.name != "" {
			var ok bool
			if typ, ok = t.field(field); !ok {
				e.Key.Errorf("%s has no field %q", t.name, field).Suggest(field, t.fieldNames())
			} else if kind == "update" && slices.Contains(t.key, field) {
				e.Key.Errorf("%s is a key field of %s: a fact keeps its identity", field, t.name)
			}
		}
		if set, ok := b.setting(field, e.Value, typ); ok {
			out = append(out, set)
		}
	}
	return out
}

// setting compiles one value and holds it against the field's type.
func (b *builder) setting(field string, n strictyaml.Node, t valueType) (setting, bool) {
	e, ok := b.expression(n, b.scope)
	if !ok {
		return setting{}, false
	}
	if !t.accepts(e.out) {
		d := n.Errorf("%s is %s, not %s", field, withArticle(t.present().String()), withArticle(typeName(e.out)))
		// A decimal knows no currency, and none may be guessed.
		if t.kind == kindMoney && e.out == decimalType {
			d.WithHint(`money(…, "USD") makes an amount of a decimal`)
		}
		return setting{}, false
	}
	return setting{field: field, e: e, optional: t.optional}, b.now(e, false, n)
}

// bound finds the top pattern that an action names.
//
// Only patterns at the top can be changed: what a negation binds is, by its meaning,
// not there.
func (b *builder) bound(n strictyaml.Node) (string, *factType) {
	text := n.Text()
	t, ok := b.patterns[text]
	if !ok && n.Kind() == strictyaml.Scalar {
		d := n.Errorf("%q is no fact that when matches", text).Suggest(text, sortedKeys(b.patterns))
		if d.Nearest == "" && len(b.patterns) > 0 {
			d.WithHint("it matches %v", sortedKeys(b.patterns))
		}
	}
	return text, t
}

// update compiles a change of a matched fact. A derived one refuses it when the
// rule fires: whether a fact is derived is not known before.
func (b *builder) update(fs strictyaml.Fields) *step {
	as, t := b.bound(fs.Get("update"))
	s := &step{sets: b.settings(fs.Need("set"), t, "update")}
	if t != nil && t.name != "" {
		b.rule.asserts[t.name] = true
	}
	s.apply = func(f *rete.Firing, v rete.Fields) error {
		fact, _ := f.Fact(as)
		return f.Update(fact.Handle(), v)
	}
	return s
}

// retract compiles the removal of a matched fact.
func (b *builder) retract(n strictyaml.Node) *step {
	as, t := b.bound(n)
	if t != nil && t.name != "" {
		b.rule.asserts[t.name] = true
	}
	return &step{apply: func(f *rete.Firing, _ rete.Fields) error {
		fact, _ := f.Fact(as)
		return f.Retract(fact.Handle())
	}}
}

// log compiles a line of the trace. It is undone with the firing if a later action
// fails.
func (b *builder) log(n strictyaml.Node) *step {
	e, ok := b.expression(n, b.scope)
	if !ok || !b.now(e, false, n) {
		return nil
	}
	if e.out.Kind() == types.StructKind && !isAmount(e.out) {
		n.Errorf("a whole fact cannot be logged").WithHint("log one of its fields")
		return nil
	}
	return &step{sets: []setting{{field: "log", e: e}}, apply: func(f *rete.Firing, v rete.Fields) error {
		f.Log(plainText(v["log"]))
		return nil
	}}
}

// halt compiles the end of the run after this firing.
func (b *builder) halt(n strictyaml.Node) *step {
	if n.Kind() != strictyaml.Null && !n.Bool() {
		n.Errorf("halt is either true or left out")
	}
	return &step{apply: func(f *rete.Firing, _ rete.Fields) error { f.Halt(); return nil }}
}

// actionName is what an action may be called: it is part of a key and a label.
var actionName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
