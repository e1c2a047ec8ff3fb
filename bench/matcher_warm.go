package main

import (
	"fmt"

	"github.com/trimtab/trimtab/rete"
)

// warm is a memory of resources that lives on: fifty rules conclude from a kind and
// a threshold. The work of a change is to be that of what changed.
type warm struct {
	facts int
	step  string // load, change (1 % of the facts) or edit (one rule's threshold)
}

const (
	warmKinds = 20
	warmRules = 50
)

// warmResource is what a resource says; busy is in hundredths of a percent.
type warmResource struct{ kind, busy int }

// contest makes the workload for the table; the floor looks at every resource.
func (w warm) contest() *contest {
	return &contest{
		name: "warm " + w.step, size: fmt.Sprintf("%d facts, %d rules", w.facts, warmRules), whole: true,
		ours: w.ours, floor: w.byHand, noClips: "not written for it",
	}
}

// threshold is how busy a resource may be for a rule.
func threshold(rule int) int { return 40 + rule%3 }

// warmGame is the memory on Trimtab.
type warmGame struct {
	warm
	engine *engine
	random parkMiller
	rows   *rete.Shape
	busy   *rete.Shape
}

// ours plays it on Trimtab.
func (w warm) ours() player {
	g := &warmGame{warm: w}
	return &local{lay: g.lay, round: g.round}
}

func warmRule(rule, limit int) rete.Production {
	return rete.Production{
		ID: fmt.Sprintf("idle-%02d", rule), Version: fmt.Sprint(limit),
		When: []rete.Element{rete.Match("res", "r", rete.Eq("kind", rule%warmKinds), rete.Less("busy", limit))},
		Then: func(f *rete.Firing) error {
			id, _ := f.Read("r", "id")
			_, err := f.Derive("idle", rete.Fields{"id": id.Any(), "rule": rule})
			return err
		},
	}
}

func (g *warmGame) lay() (err error) {
	types := []rete.Type{
		{Name: "res", Key: []string{"id"}, Fields: []rete.Field{{Name: "id"}, {Name: "kind"}, {Name: "busy"}}},
		{Name: "idle", Fields: []rete.Field{{Name: "id"}, {Name: "rule"}}},
	}
	var rules []rete.Production
	for i := range warmRules {
		rules = append(rules, warmRule(i, threshold(i)))
	}
	g.engine = &engine{}
	if g.engine.base, err = rete.Compile(types, rules); err != nil {
		return err
	}
	if g.rows, err = g.engine.base.Shape("res", "id", "kind", "busy"); err != nil {
		return err
	}
	if g.busy, err = g.engine.base.Shape("res", "id", "busy"); err != nil {
		return err
	}
	g.engine.session, g.random = rete.NewSession(g.engine.base, rete.Config{MaxFirings: g.facts * warmRules}), start
	if g.step == "load" {
		return nil
	}
	return g.load()
}

// round does the step and counts what is concluded.
func (g *warmGame) round(int) (counts []int, err error) {
	switch g.step {
	case "load":
		err = g.load()
	case "change":
		err = g.change()
	case "edit":
		err = g.edit()
	}
	concluded := 0
	for range g.engine.session.FactsOf("idle") {
		concluded++
	}
	return []int{concluded}, err
}

func (g *warmGame) load() error {
	err := g.engine.batch(func(tx *rete.Tx) error {
		for i := range g.facts {
			r := drawWarm(&g.random)
			if _, err := tx.AssertRow(g.rows, number(i), number(r.kind), number(r.busy)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = g.engine.run()
	}
	return err
}

// change gives one resource in a hundred another load.
func (g *warmGame) change() error {
	err := g.engine.batch(func(tx *rete.Tx) error {
		for i := 0; i < g.facts; i += 100 {
			if _, err := tx.AssertRow(g.busy, number(i), number(g.random.draw(10_000))); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = g.engine.run()
	}
	return err
}

// edit doubles the threshold of one rule.
func (g *warmGame) edit() error {
	rule := warmRule(7, 2*threshold(7))
	next, err := g.engine.base.Without(rule.ID)
	if err != nil {
		return err
	}
	if next, err = next.With(nil, []rete.Production{rule}); err != nil {
		return err
	}
	if err := g.engine.session.Adopt(next); err != nil {
		return err
	}
	return g.engine.run()
}

// drawWarm draws a resource.
func drawWarm(random *parkMiller) warmResource {
	kind := random.draw(warmKinds)
	return warmResource{kind, random.draw(10_000)}
}

// byHand counts what each rule concludes from each resource.
func (w warm) byHand() player {
	var all []warmResource
	limits := make([]int, warmRules)
	return &local{
		lay: func() error {
			random := start
			all = all[:0]
			for range w.facts {
				all = append(all, drawWarm(&random))
			}
			for i := range limits {
				limits[i] = threshold(i)
			}
			if w.step == "change" {
				for i := 0; i < w.facts; i += 100 {
					all[i].busy = random.draw(10_000)
				}
			}
			if w.step == "edit" {
				limits[7] *= 2
			}
			return nil
		},
		round: func(int) ([]int, error) { return []int{countWarm(all, limits)}, nil },
	}
}

// countWarm is how many conclusions stand.
func countWarm(all []warmResource, limits []int) (n int) {
	for _, r := range all {
		for rule := r.kind; rule < warmRules; rule += warmKinds {
			if r.busy < limits[rule] {
				n++
			}
		}
	}
	return n
}
