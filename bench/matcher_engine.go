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

// shape is a list of fields of a type whose values are given in that order.
type shape struct {
	typ    string
	fields []string
	in     *engine
	rows   *rete.Shape // found when it is first used: rules come before their base
}

func (s *shape) shape() *rete.Shape {
	if s.rows == nil {
		rows, err := s.in.base.Shape(s.typ, s.fields...)
		if err != nil {
			panic(err) // of the workload's own making
		}
		s.rows = rows
	}
	return s.rows
}

func assertRow(tx *rete.Tx, s *shape, values ...scalar) (rete.Handle, error) {
	return tx.AssertRow(s.shape(), values...)
}

func updateRow(tx *rete.Tx, h rete.Handle, s *shape, values ...scalar) error {
	return tx.UpdateRow(h, s.shape(), values...)
}

// joinCompare is a comparison with a field of an earlier clause.
func joinCompare(as, field string, is relation, with at) rete.Test {
	name, other := with.parts()
	switch is {
	case differs:
		return rete.JoinNe(field, name, other)
	case greater:
		return rete.JoinGreater(field, name, other)
	}
	return rete.JoinLess(field, name, other)
}

// sumOfCosts is the condition of d2: the engine sums by itself, where CLIPS is given
// each owner's sum in a fact.
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
	e.open()
	return e, nil
}

// declare names the shapes: a type's own, and "type.field" for one field of it.
func (e *engine) declare(types []schema) {
	e.shapes = map[string]*shape{}
	for _, t := range types {
		e.shapes[t.name] = &shape{typ: t.name, fields: t.fields, in: e}
		for _, f := range t.fields {
			e.shapes[t.name+"."+f] = &shape{typ: t.name, fields: []string{f}, in: e}
		}
	}
}

// open starts again without facts, with the rules that are compiled.
func (e *engine) open() {
	e.session = rete.NewSession(e.base, rete.Config{MaxFirings: 10_000_000})
	clear(e.counts)
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
	report, err := e.session.Run(context.TODO())
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
			tests[j] = condition(c.as, t)
		}
		all[i] = rete.Match(c.typ, c.as, tests...)
		if c.absent {
			all[i] = rete.Not(all[i])
		}
	}
	return all
}

func condition(as string, t test) rete.Test {
	if with, is := t.to[0].(at); is {
		if t.relation != equal {
			return joinCompare(as, t.field, t.relation, with)
		}
		name, field := with.parts()
		return rete.JoinEq(t.field, name, field)
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
	names := make([]string, len(d.values))
	for i, s := range d.values {
		names[i] = s.field
	}
	switch d.verb {
	case assert:
		s := &shape{typ: d.on, fields: names, in: e}
		return func(f *rete.Firing) error { _, err := f.AssertRow(s.shape(), row(f, d.values)...); return err }, nil
	case update:
		s := &shape{typ: types[d.on], fields: names, in: e}
		return func(f *rete.Firing) error { return f.UpdateRow(f.Handle(d.on), s.shape(), row(f, d.values)...) }, nil
	case retract:
		return func(f *rete.Firing) error { return f.Retract(f.Handle(d.on)) }, nil
	case halt:
		return func(f *rete.Firing) error { f.Halt(); return nil }, nil
	case calculate:
		s := e.shapes[d.on]
		return func(f *rete.Firing) error {
			_, err := f.AssertRow(s.shape(), d.call.row(integers(f, d.values))...)
			return err
		}, nil
	}
	return nil, fmt.Errorf("no verb %d", d.verb)
}

// row are the values that a deed sets.
func row(f *rete.Firing, values []setting) []scalar {
	all := make([]scalar, len(values))
	for i, s := range values {
		switch v := s.value.(type) {
		case int:
			all[i] = number(v)
		case string:
			all[i] = text(v)
		case at:
			as, field := v.parts()
			all[i], _ = f.Read(as, field)
		case plus:
			all[i] = number(integer(f, v.to) + v.by)
		}
	}
	return all
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
