package main

import (
	"fmt"

	"github.com/trimtab/trimtab/rete"
)

// building adds the rules of b1 to an empty network, or takes them away again.
type building struct {
	rules  int
	remove bool
}

// contest makes the workload for the table. Its result is not firings but the
// rules that are there, or what is left of nodes, tokens and matches when all
// rules are gone.
func (b building) contest() *contest {
	c := &contest{name: "build", size: fmt.Sprintf("%d rules", b.rules), whole: true, ours: b.ours}
	c.want = func(int) []int { return []int{b.rules} }
	if b.remove {
		c.name = "unbuild"
		c.want = func(int) []int { return []int{0} }
	}
	if b.rules <= 10_000 {
		c.clips = b.program
	} else {
		c.noClips = "quadratic: left out"
	}
	return c
}

// site is a session that rules are added to and taken from.
type site struct {
	building
	empty   *rete.Base
	session *rete.Session
	rules   []rete.Production
}

// ours plays it on Trimtab.
func (b building) ours() player {
	s := &site{building: b}
	return &local{lay: s.lay, round: s.round}
}

func (s *site) lay() (err error) {
	e := &engine{}
	if s.rules, err = e.productions(churn{rules: s.building.rules}.ruleset()); err != nil {
		return err
	}
	if s.empty, err = rete.Compile(reteTypes(churnTypes), nil); err != nil {
		return err
	}
	s.session = rete.NewSession(s.empty, rete.Config{})
	if s.remove {
		return s.add()
	}
	return nil
}

// round adds or takes away, and counts.
func (s *site) round(int) ([]int, error) {
	if s.remove {
		err := s.take()
		return []int{s.left()}, err
	}
	err := s.add()
	return []int{len(s.session.Base().Productions())}, err
}

func (s *site) add() error {
	next, err := s.session.Base().With(nil, s.rules)
	if err != nil {
		return err
	}
	return s.session.Adopt(next)
}

func (s *site) take() error {
	next, err := s.session.Base().Without(s.session.Base().Productions()...)
	if err != nil {
		return err
	}
	return s.session.Adopt(next)
}

// left is what there is more than in a session that never had a rule.
func (s *site) left() int {
	is, was := s.session.Size(), rete.NewSession(s.empty, rete.Config{}).Size()
	return is.Nodes - was.Nodes + is.Tokens - was.Tokens + is.Matches - was.Matches
}

// program is the workload for CLIPS, which reads the rules from a file.
func (b building) program() clipsProgram {
	lay, do := "(undefrule *)", `(load* "rules.clp")`
	if b.remove {
		lay, do = `(load* "rules.clp")`, "(undefrule *)"
	}
	return clipsProgram{
		types: churnTypes, rules: churn{rules: b.rules}.ruleset(), apart: true,
		driver: fmt.Sprintf(`
(unwatch all)
(deffunction prepare () %s)
(deffunction play (?c) %s (bind ?*n0* (length$ (get-defrule-list))))
(deffunction bare (?c))
`, lay, do),
	}
}
