package main

import (
	"fmt"
	"strconv"

	"github.com/trimtab/trimtab/rete"
)

// load is workload c: half the facts are resources, half uses of one of them,
// all loaded in one batch.
type load struct{ facts int }

const (
	loadKinds  = 10
	loadOwners = 1000
	loadUses   = 100 // different quantities
)

var loadTypes = []schema{
	{name: "res", fields: []string{"id", "kind", "owner"}},
	{name: "use", fields: []string{"res", "kind", "qty"}},
}

// loadFirings are known for some sizes; equal uses are one fact.
var loadFirings = map[int]int{1000: 47, 10_000: 469, 100_000: 4952, 1_000_000: 49783}

func (l load) ruleset() []rule {
	all := make([]rule, loadKinds)
	for j := range all {
		all[j] = rule{
			name: fmt.Sprintf("kind-%d", j),
			when: []clause{
				fact("res", "r", eq("kind", j)),
				fact("use", "u", eq("kind", j), eq("res", at("r.id"))),
			},
			reads: []at{"r.owner", "u.qty"},
		}
	}
	return all
}

// each gives the facts in order; names are made as they come, for they come
// from outside.
func (l load) each(res func(id string, kind int, owner string) error, use func(res string, kind, qty int) error) error {
	half, random := l.facts/2, start
	for i := range half {
		if err := res("r"+strconv.Itoa(i), i%loadKinds, "o"+strconv.Itoa(i%loadOwners)); err != nil {
			return err
		}
	}
	for range half {
		r, k, q := random.draw(half), random.draw(loadKinds), random.draw(loadUses)
		if err := use("r"+strconv.Itoa(r), k, q); err != nil {
			return err
		}
	}
	return nil
}

func (l load) contest() *contest {
	return &contest{
		name: "c", size: fmt.Sprintf("%d facts", l.facts), whole: true, facts: l.facts,
		want:  l.want(),
		ours:  l.ours,
		floor: l.byHand,
		clips: l.program,
	}
}

func (l load) want() func(int) []int {
	if n, known := loadFirings[l.facts]; known {
		return func(int) []int { return []int{n} }
	}
	return nil
}

// ours plays it on Trimtab.
func (l load) ours() player {
	var e *engine
	return &local{
		lay:   func() (err error) { e, err = newEngine(loadTypes, l.ruleset()); return err },
		round: func(int) ([]int, error) { return l.round(e) },
	}
}

func (l load) round(e *engine) ([]int, error) {
	resource, use := e.shapes["res"], e.shapes["use"]
	err := e.batch(func(tx *rete.Tx) error {
		return l.each(func(id string, kind int, owner string) error {
			_, err := assertRow(tx, resource, text(id), number(kind), text(owner))
			return err
		}, func(id string, kind, qty int) error {
			_, err := assertRow(tx, use, text(id), number(kind), number(qty))
			return err
		})
	})
	if err == nil {
		err = e.run()
	}
	return []int{e.counts[0]}, err
}

// byHand plays it without an engine.
func (l load) byHand() player {
	var f *loadFloor
	return &local{
		lay: func() error { f = newLoadFloor(); return nil },
		round: func(int) ([]int, error) {
			err := l.each(f.addResource, f.addUse)
			return []int{f.fired}, err
		},
	}
}

func (l load) program() clipsProgram {
	return clipsProgram{types: loadTypes, rules: l.ruleset(), driver: fmt.Sprintf(`
(deffunction prepare () (reset) (zero))
(deffunction resource (?i) (assert (res (id (sym-cat r ?i)) (kind (mod ?i %[2]d)) (owner (sym-cat o (mod ?i %[3]d))))))
(deffunction use (?r ?k ?q) (assert (use (res (sym-cat r ?r)) (kind ?k) (qty ?q))))
(deffunction play (?c)
  (loop-for-count (?i 0 (- %[1]d 1)) do (resource ?i))
  (loop-for-count %[1]d do (use (draw %[1]d) (draw %[2]d) (draw %[4]d)))
  (run))
(deffunction skip-use (?r ?k ?q))
(deffunction skip-resource (?i) (mod ?i %[2]d) (mod ?i %[3]d))
(deffunction bare (?c)
  (loop-for-count (?i 0 (- %[1]d 1)) do (skip-resource ?i))
  (loop-for-count %[1]d do (skip-use (draw %[1]d) (draw %[2]d) (draw %[4]d)))
  (bind ?*x* 42))
`, l.facts/2, loadKinds, loadOwners, loadUses)}
}
