package main

import (
	"fmt"

	"github.com/trimtab/trimtab/rete"
)

// drift is workload d: resources whose status and cost change one by one. Rules
// watch for an owner without bad resources, for bad ones, and for dear ones;
// with sums also for an owner who spends too much.
type drift struct{ sums bool }

const (
	driftOwners    = 100
	driftResources = 10_000
	driftLimit     = 990
	driftTotal     = 52_000
)

// The tallies of its rules.
const (
	tallyNone = iota // NEG: no bad resource
	tallyBad
	tallyBig
	tallyTotal
)

// driftFirings are known for 100,000 changes.
var driftFirings = []int{191, 560, 456, 11588}

// resource is a resource of the drift as its driver knows it.
type resource struct{ owner, status, cost int }

// driftResourcesAt gives the resources at the beginning.
func driftResourcesAt(random *parkMiller) []resource {
	all := make([]resource, driftResources)
	for i := range all {
		all[i].owner = i % driftOwners
		all[i].status = random.draw(100)
		all[i].cost = random.draw(1000)
	}
	return all
}

// drifts makes the changes. Status and cost are the new values, and only one of
// them is another than before.
func drifts(random *parkMiller, all []resource, changes int, change func(i int, was, is resource) error) error {
	for s := range changes {
		i := random.draw(len(all))
		was := all[i]
		if s%2 == 0 {
			all[i].status = (was.status + 1 + random.draw(99)) % 100
		} else {
			all[i].cost = (was.cost + 1 + random.draw(999)) % 1000
		}
		if err := change(i, was, all[i]); err != nil {
			return err
		}
	}
	return nil
}

// driftTypes are the facts: of a resource in one, or, for CLIPS, in two parts, one
// with its status and one with its cost.
//
// CLIPS changes a fact by making another, which fires all rules that match it.
// Parts give it the refraction by field that the workload asks for.
func driftTypes(parts bool) []schema {
	owner := schema{name: "owner", fields: []string{"name", "limit"}}
	if parts {
		return []schema{
			owner,
			{name: "standing", fields: []string{"id", "owner", "status"}},
			{name: "price", fields: []string{"id", "owner", "cost"}},
			{name: "total", fields: []string{"owner", "sum"}},
		}
	}
	return []schema{owner, {name: "res", key: "id", fields: []string{"id", "owner", "status", "cost"}}}
}

// ruleset is the rules over facts of the types that have status and cost.
func (d drift) ruleset(status, cost string, total rule) []rule {
	owner := fact("owner", "o")
	bad := []test{eq("owner", at("o.name")), eq("status", 0)}
	rules := []rule{
		{name: "neg", tally: tallyNone, when: []clause{owner, no(status, "r", bad...)}, reads: []at{"o.name"}},
		{name: "bad", tally: tallyBad, when: []clause{owner, fact(status, "r", bad...)}},
		{name: "big", tally: tallyBig, when: []clause{owner, fact(cost, "r", eq("owner", at("o.name")), gt("cost", at("o.limit")))}},
	}
	if d.sums {
		rules = append(rules, total)
	}
	return rules
}

// Trimtab sums itself; for CLIPS the driver keeps each owner's sum in a fact.
var (
	totalSummed = rule{name: "total", tally: tallyTotal, own: sumOfCosts(driftTotal)}
	totalKept   = rule{name: "total", tally: tallyTotal, when: []clause{fact("total", "t", gt("sum", driftTotal))}}
)

// contest makes the workload for the table.
func (d drift) contest(changes int) *contest {
	c := &contest{
		name: "d1", size: fmt.Sprintf("%d resources", driftResources), changes: changes,
		ours: d.ours, floor: d.byHand, clips: d.program,
	}
	tallies := tallyTotal
	if d.sums {
		c.name, tallies = "d2", tallyTotal+1
	}
	if changes == 100_000 {
		c.want = func(int) []int { return driftFirings[:tallies] }
	}
	return c
}

// driftGame is the drift on Trimtab.
type driftGame struct {
	drift
	engine       *engine
	status, cost *shape
	random       parkMiller
	resources    []resource
	handles      []rete.Handle
}

// ours plays it on Trimtab.
func (d drift) ours() player {
	g := &driftGame{drift: d}
	return &local{lay: g.lay, round: g.round}
}

// lay asserts owners and resources, runs and forgets the firings.
func (g *driftGame) lay() (err error) {
	if g.engine, err = newEngine(driftTypes(false), g.ruleset("res", "res", totalSummed)); err != nil {
		return err
	}
	g.status, g.cost = g.engine.shapes["res.status"], g.engine.shapes["res.cost"]
	g.random = start
	g.resources = driftResourcesAt(&g.random)
	g.handles = make([]rete.Handle, driftResources)
	if err = g.engine.batch(g.load); err != nil {
		return err
	}
	err = g.engine.run()
	clear(g.engine.counts)
	return err
}

func (g *driftGame) load(tx *rete.Tx) (err error) {
	res, owner := g.engine.shapes["res"], g.engine.shapes["owner"]
	for i, r := range g.resources {
		if g.handles[i], err = assertRow(tx, res, number(i), number(r.owner), number(r.status), number(r.cost)); err != nil {
			return err
		}
	}
	for o := range driftOwners {
		if _, err = assertRow(tx, owner, number(o), number(driftLimit)); err != nil {
			return err
		}
	}
	return nil
}

func (g *driftGame) round(changes int) ([]int, error) {
	err := drifts(&g.random, g.resources, changes, g.change)
	return g.engine.counts, err
}

// change updates the field that is another and runs.
func (g *driftGame) change(i int, was, is resource) (err error) {
	tx := g.engine.session.Begin()
	defer tx.Rollback()
	if is.status != was.status {
		err = updateRow(tx, g.handles[i], g.status, number(is.status))
	} else {
		err = updateRow(tx, g.handles[i], g.cost, number(is.cost))
	}
	if err == nil {
		err = tx.Commit()
	}
	if err == nil {
		err = g.engine.run()
	}
	return err
}

// program is the drift for CLIPS. It has no arrays; objects that no rule sees
// hold the facts by number.
func (d drift) program() clipsProgram {
	sum, total := "", ""
	if d.sums {
		sum = `
  (bind ?cell (cell t ?o))
  (bind ?f (send ?cell get-held))
  (send ?cell put-held (modify ?f (sum (+ (fact-slot-value ?f sum) ?by))))`
		total = `(loop-for-count (?o 0 99) do
    (bind ?sum 0)
    (bind ?i ?o)
    (while (< ?i 10000) do
      (bind ?sum (+ ?sum (fact-slot-value (send (cell p ?i) get-held) cost)))
      (bind ?i (+ ?i 100)))
    (hold t ?o (assert (total (owner ?o) (sum ?sum)))))`
	}
	return clipsProgram{types: driftTypes(true), rules: d.ruleset("standing", "price", totalKept), driver: fmt.Sprintf(driftDriver, driftLimit, total, sum)}
}

const driftDriver = `
(defclass CELL (is-a USER) (role concrete) (pattern-match non-reactive) (slot held (create-accessor read-write)))
(defglobal ?*laid* = 42)
(deffunction cell (?kind ?i) (symbol-to-instance-name (sym-cat ?kind ?i)))
(deffunction hold (?kind ?i ?f) (make-instance (cell ?kind ?i) of CELL (held ?f)))
(deffunction prepare ()
  (reset)
  (loop-for-count (?o 0 99) do (assert (owner (name ?o) (limit %d))))
  (loop-for-count (?i 0 9999) do
    (hold s ?i (assert (standing (id ?i) (owner (mod ?i 100)) (status (draw 100)))))
    (hold p ?i (assert (price (id ?i) (owner (mod ?i 100)) (cost (draw 1000))))))
  %s
  (run)
  (zero)
  (bind ?*laid* ?*x*))
(deffunction summed (?o ?by)%s)
(deffunction change-status (?i)
  (bind ?cell (cell s ?i))
  (bind ?f (send ?cell get-held))
  (send ?cell put-held (modify ?f (status (mod (+ (fact-slot-value ?f status) 1 (draw 99)) 100)))))
(deffunction change-cost (?i)
  (bind ?cell (cell p ?i))
  (bind ?f (send ?cell get-held))
  (bind ?was (fact-slot-value ?f cost))
  (bind ?is (mod (+ ?was 1 (draw 999)) 1000))
  (send ?cell put-held (modify ?f (cost ?is)))
  (summed (mod ?i 100) (- ?is ?was)))
(deffunction play (?c)
  (bind ?*x* ?*laid*)
  (loop-for-count (?s 0 (- ?c 1)) do
    (bind ?i (draw 10000))
    (if (= (mod ?s 2) 0) then (change-status ?i) else (change-cost ?i))
    (run)))
(deffunction look (?kind ?i ?slot ?n)
  (bind ?cell (cell ?kind ?i))
  (bind ?f (send ?cell get-held))
  (bind ?is (mod (+ (fact-slot-value ?f ?slot) 1 (draw ?n)) (+ ?n 1)))
  (send ?cell put-held ?f))
(deffunction bare (?c)
  (bind ?*x* ?*laid*)
  (loop-for-count (?s 0 (- ?c 1)) do
    (bind ?i (draw 10000))
    (if (= (mod ?s 2) 0) then (look s ?i status 99) else (look p ?i cost 999))))
`
