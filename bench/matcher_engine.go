package main

import (
	"context"
	"fmt"

	"github.com/trimtab/trimtab/rete"
)

// Whatever touches the fact API of package rete is in this file.

// scalar is a value of a fact.
type scalar = rete.Value

func number(n int) scalar  { return rete.Int(int64(n)) }
func text(s string) scalar { return rete.String(s) }

// shape is a list of fields of a type; the engine's own is known when it has
// compiled.
type shape struct {
	typ    string
	fields []string
	rows   *rete.Shape
}

func assertRow(tx *rete.Tx, s *shape, values ...scalar) (rete.Handle, error) {
	return tx.AssertRow(s.rows, values...)
}

func updateRow(tx *rete.Tx, h rete.Handle, s *shape, values ...scalar) error {
	return tx.UpdateRow(h, s.rows, values...)
}

// sumOfCosts is the condition of d2: an owner and the sum of his resources.
func sumOfCosts(above int) []rete.Element {
	return []rete.Element{
		rete.Match("owner", "o"),
		rete.Accumulate(rete.Accumulation{
			From: []rete.Element{rete.Match("res", "r", rete.JoinEq("owner", "o", "name"))},
			Let:  []rete.Aggregate{{Name: "total", Op: rete.Sum, Of: rete.Read("r", "cost")}},
		}),
		rete.Having("total", rete.Greater("", above)),
	}
}

// engine is a session of Trimtab with the counts of its firings.
type engine struct {
	base    *rete.Base
	session *rete.Session
	shapes  map[string]*shape
	all     []*shape // those of shapes, and those of deeds
	counts  []int
}

// newEngine compiles rules and opens a session without facts.
func newEngine(types []schema, rules []rule) (*engine, error) {
	e := &engine{}
	e.declare(types)
	productions, err := e.productions(rules)
	if err != nil {
		return nil, err
	}
	if e.base, err = rete.Compile(reteTypes(types), productions); err != nil {
		return nil, err
	}
	for _, s := range e.all {
		if s.rows, err = e.base.Shape(s.typ, s.fields...); err != nil {
			return nil, err
		}
	}
	e.session = rete.NewSession(e.base, rete.Config{MaxFirings: 10_000_000})
	return e, nil
}

// declare names the shapes: a type's own, and "type.field" for one field of it.
func (e *engine) declare(types []schema) {
	e.shapes = map[string]*shape{}
	for _, t := range types {
		e.shapes[t.name] = e.shape(t.name, t.fields)
		for _, f := range t.fields {
			e.shapes[t.name+"."+f] = e.shape(t.name, []string{f})
		}
	}
}

// shape notes a shape to be found.
func (e *engine) shape(typ string, fields []string) *shape {
	s := &shape{typ: typ, fields: fields}
	e.all = append(e.all, s)
	return s
}

func reteTypes(types []schema) []rete.Type {
	all := make([]rete.Type, len(types))
	for i, t := range types {
		all[i].Name = t.name
		if t.key != "" {
			all[i].Key = []string{t.key}
		}
		for _, f := range t.fields {
			all[i].Fields = append(all[i].Fields, rete.Field{Name: f})
		}
	}
	return all
}

// batch makes changes in one batch.
func (e *engine) batch(change func(tx *rete.Tx) error) error {
	tx := e.session.Begin()
	defer tx.Rollback()
	if err := change(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// run fires what there is to fire.
func (e *engine) run() error {
	report, err := e.session.Run(context.Background())
	if err == nil && len(report.Errors) > 0 {
		err = report.Errors[0]
	}
	return err
}

// productions brings rules into the engine's language.
func (e *engine) productions(rules []rule) ([]rete.Production, error) {
	tallies := 1
	for _, r := range rules {
		tallies = max(tallies, r.tally+1)
	}
	e.counts = make([]int, tallies)
	all := make([]rete.Production, len(rules))
	count := counter(&e.counts[0]) // shared by the million rules that do no more
	for i, r := range rules {
		then, err := count, error(nil)
		if r.tally > 0 || len(r.then) > 0 {
			then, err = e.action(r)
		}
		if err != nil {
			return nil, err
		}
		all[i] = rete.Production{ID: r.name, Priority: r.priority, When: append(elements(r.when), r.own...), Reads: reads(r), Then: then}
	}
	return all, nil
}

func elements(when []clause) []rete.Element {
	all := make([]rete.Element, len(when))
	for i, c := range when {
		tests := make([]rete.Test, len(c.tests))
		for j, t := range c.tests {
			tests[j] = condition(t)
		}
		all[i] = rete.Match(c.typ, c.as, tests...)
		if c.absent {
			all[i] = rete.Not(all[i])
		}
	}
	return all
}

func condition(t test) rete.Test {
	if with, is := t.to[0].(at); is {
		join := [...]func(field, name, other string) rete.Test{rete.JoinEq, rete.JoinNe, rete.JoinGreater, rete.JoinLess}[t.relation]
		name, field := with.parts()
		return join(t.field, name, field)
	}
	switch t.relation {
	case differs:
		return rete.Ne(t.field, t.to[0])
	case greater:
		return rete.Greater(t.field, t.to[0])
	case less:
		return rete.Less(t.field, t.to[0])
	case among:
		return rete.In(t.field, t.to...)
	}
	return rete.Eq(t.field, t.to[0])
}

// reads are the fields that a rule's firing looks at.
func reads(r rule) []rete.Ref {
	var refs []rete.Ref
	add := func(all []at) {
		for _, a := range all {
			name, field := a.parts()
			refs = append(refs, rete.Ref{Name: name, Field: field})
		}
	}
	add(r.reads)
	for _, d := range r.then {
		add(d.refs())
	}
	return refs
}

// act is a deed in the engine's language.
type act func(f *rete.Firing) error

// action counts the firing and does the rule's deeds.
func (e *engine) action(r rule) (act, error) {
	count, types := counter(&e.counts[r.tally]), map[string]string{}
	for _, c := range r.when {
		types[c.as] = c.typ
	}
	acts := []act{count}
	for _, d := range r.then {
		a, err := e.act(d, types)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.name, err)
		}
		acts = append(acts, a)
	}
	return func(f *rete.Firing) error {
		for _, a := range acts {
			if err := a(f); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// counter counts firings.
func counter(n *int) act {
	return func(*rete.Firing) error { *n++; return nil }
}

func (e *engine) act(d deed, types map[string]string) (act, error) {
	names, values := settings(d.values)
	switch d.verb {
	case assert:
		s := e.shape(d.on, names)
		return func(f *rete.Firing) error { _, err := f.AssertRow(s.rows, values(f)...); return err }, nil
	case update:
		s := e.shape(types[d.on], names)
		return func(f *rete.Firing) error { return f.UpdateRow(f.Handle(d.on), s.rows, values(f)...) }, nil
	case retract:
		return func(f *rete.Firing) error { return f.Retract(f.Handle(d.on)) }, nil
	case halt:
		return func(f *rete.Firing) error { f.Halt(); return nil }, nil
	case calculate:
		s := e.shapes[d.on]
		return func(f *rete.Firing) error {
			_, err := f.AssertRow(s.rows, d.call.row(integers(f, d.values))...)
			return err
		}, nil
	}
	return nil, fmt.Errorf("no verb %d", d.verb)
}

// settings are the fields that a deed sets, and what gives their values; the
// slice that it gives is good until the next call.
func settings(all []setting) (names []string, values func(f *rete.Firing) []scalar) {
	sources := make([]func(f *rete.Firing) scalar, len(all))
	for i, s := range all {
		names = append(names, s.field)
		sources[i] = source(s.value)
	}
	row := make([]scalar, len(all))
	return names, func(f *rete.Firing) []scalar {
		for i, s := range sources {
			row[i] = s(f)
		}
		return row
	}
}

// source gives what a field is set to.
func source(value any) func(f *rete.Firing) scalar {
	switch v := value.(type) {
	case at:
		as, field := v.parts()
		return func(f *rete.Firing) scalar { v, _ := f.Read(as, field); return v }
	case plus:
		return func(f *rete.Firing) scalar { return number(integer(f, v.to) + v.by) }
	}
	constant := rete.Of(value)
	return func(*rete.Firing) scalar { return constant }
}

func integer(f *rete.Firing, a at) int {
	as, field := a.parts()
	v, _ := f.Read(as, field)
	n, _ := v.Int()
	return int(n)
}

func integers(f *rete.Firing, values []setting) []int {
	all := make([]int, len(values))
	for i, s := range values {
		all[i] = integer(f, s.value.(at))
	}
	return all
}
