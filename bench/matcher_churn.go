package main

import (
	"fmt"

	"github.com/trimtab/trimtab/rete"
)

// parkMiller is the generator of the workloads: the same numbers everywhere.
type parkMiller int64

// start is the seed of every round.
const start parkMiller = 42

func (p *parkMiller) draw(n int) int {
	*p = *p * 48271 % 2147483647
	return int(int64(*p) % int64(n))
}

// churn is a workload in which one fact is replaced again and again: b1 and b2
// in their variants. Every type has two fields, both integers.
type churn struct {
	name   string
	rules  int
	mirror bool // the two conditions are swapped
	moving string
	facts  func(rules int) []pair
	next   func(s, rules int, random *parkMiller) (a, b int)
	script string // next for CLIPS: two expressions of ?s and (draw n), with %d for the rules
	want   func(changes int) int
	floor  func(c churn) func(changes int) int
}

// pair is a fact of two integers.
type pair struct {
	typ  string
	a, b int
}

var churnTypes = []schema{
	{name: "item", fields: []string{"id", "kind"}},
	{name: "attr", fields: []string{"id", "on"}},
}

// churns are the workloads of this kind.
var churns = []churn{
	{
		name: "b1", moving: "item", facts: thousandAttributes, floor: floorB1, want: each,
		next:   func(s, rules int, random *parkMiller) (a, b int) { return s % 1000, random.draw(rules) },
		script: "(mod ?s 1000) (draw %d)",
	},
	{name: "b2r", moving: "attr", facts: oneItem, floor: floorB2, want: everyThousandth, next: nextAttribute, script: "(mod ?s 1000) 1"},
	{name: "b2l", moving: "attr", facts: oneItem, floor: floorB2, want: everyThousandth, next: nextAttribute, script: "(mod ?s 1000) 1", mirror: true},
	{
		name: "b2k", moving: "attr", facts: itemPerRule, floor: floorB2, want: each,
		next:   func(s, rules int, _ *parkMiller) (a, b int) { return s % rules, 1 },
		script: "(mod ?s %d) 1",
	},
}

func each(changes int) int            { return changes }
func everyThousandth(changes int) int { return (changes + 992) / 1000 }

func nextAttribute(s, _ int, _ *parkMiller) (a, b int) { return s % 1000, 1 }

func thousandAttributes(int) []pair {
	facts := make([]pair, 1000)
	for i := range facts {
		facts[i] = pair{"attr", i, 1}
	}
	return facts
}

func oneItem(int) []pair { return []pair{{"item", 7, 0}} }

func itemPerRule(rules int) []pair {
	facts := make([]pair, rules)
	for i := range facts {
		facts[i] = pair{"item", i, i}
	}
	return facts
}

// ruleset is a rule for each kind of item.
func (c churn) ruleset() []rule {
	all := make([]rule, c.rules)
	for i := range all {
		item, attr := fact("item", "i", eq("kind", i)), fact("attr", "a", eq("id", at("i.id")), eq("on", 1))
		when := []clause{item, attr}
		if c.mirror {
			when = []clause{fact("attr", "a", eq("on", 1)), fact("item", "i", eq("kind", i), eq("id", at("a.id")))}
		}
		all[i] = rule{name: fmt.Sprintf("r%07d", i), when: when}
	}
	return all
}

// contest makes the workload for the table.
func (c churn) contest(changes int) *contest {
	w := &contest{
		name: c.name, size: fmt.Sprintf("%d rules", c.rules), changes: changes, lasting: true,
		want:  func(changes int) []int { return []int{c.want(changes)} },
		ours:  c.ours,
		floor: c.byHand,
		clips: c.program,
	}
	if c.rules > 10_000 {
		w.clips, w.noClips = nil, "quadratic to load: left out"
	}
	return w
}

// ours plays it on Trimtab.
func (c churn) ours() player {
	var e *engine
	return &local{
		lay: func() (err error) {
			if e, err = newEngine(churnTypes, c.ruleset()); err != nil {
				return err
			}
			return e.batch(func(tx *rete.Tx) error { return c.load(e, tx) })
		},
		round: func(changes int) ([]int, error) { return c.round(e, changes) },
	}
}

// load asserts the facts that stay.
func (c churn) load(e *engine, tx *rete.Tx) error {
	for _, f := range c.facts(c.rules) {
		if _, err := assertRow(tx, e.shapes[f.typ], number(f.a), number(f.b)); err != nil {
			return err
		}
	}
	return nil
}

// round replaces the moving fact again and again, and takes it away at the end.
func (c churn) round(e *engine, changes int) ([]int, error) {
	random, moving, old := start, e.shapes[c.moving], rete.Handle(0)
	e.counts[0] = 0
	for s := range changes {
		a, b := c.next(s, c.rules, &random)
		next, err := replace(e, old, moving, a, b)
		if err == nil {
			err = e.run()
		}
		if err != nil {
			return nil, err
		}
		old = next
	}
	return []int{e.counts[0]}, e.batch(func(tx *rete.Tx) error { return tx.Retract(old) })
}

// replace retracts a fact, if there is one, and asserts another.
func replace(e *engine, old rete.Handle, s *shape, a, b int) (rete.Handle, error) {
	tx := e.session.Begin()
	defer tx.Rollback()
	if old != 0 {
		if err := tx.Retract(old); err != nil {
			return 0, err
		}
	}
	h, err := assertRow(tx, s, number(a), number(b))
	if err != nil {
		return 0, err
	}
	return h, tx.Commit()
}

// byHand plays it without an engine.
func (c churn) byHand() player {
	var round func(changes int) int
	return &local{
		lay:   func() error { round = c.floor(c); return nil },
		round: func(changes int) ([]int, error) { return []int{round(changes)}, nil },
	}
}

// program is the workload for CLIPS.
func (c churn) program() clipsProgram {
	next := c.script
	if c.name == "b1" || c.name == "b2k" {
		next = fmt.Sprintf(next, c.rules)
	}
	first := "(loop-for-count (?i 0 999) do (assert (attr (id ?i) (on 1))))"
	switch c.name {
	case "b2r", "b2l":
		first = "(assert (item (id 7) (kind 0)))"
	case "b2k":
		first = fmt.Sprintf("(loop-for-count (?i 0 %d) do (assert (item (id ?i) (kind ?i))))", c.rules-1)
	}
	second := map[string]string{"item": "kind", "attr": "on"}[c.moving]
	return clipsProgram{types: churnTypes, rules: c.ruleset(), driver: fmt.Sprintf(`
(defglobal ?*old* = FALSE)
(deffunction prepare () (reset) %[1]s (run))
(deffunction change (?a ?b)
  (if ?*old* then (retract ?*old*))
  (bind ?*old* (assert (%[3]s (id ?a) (%[4]s ?b))))
  (run))
(deffunction play (?c)
  (zero)
  (loop-for-count (?s 0 (- ?c 1)) do (change %[2]s))
  (retract ?*old*)
  (bind ?*old* FALSE))
(deffunction nothing (?a ?b))
(deffunction bare (?c) (loop-for-count (?s 0 (- ?c 1)) do (nothing %[2]s)))
`, first, next, c.moving, second)}
}
