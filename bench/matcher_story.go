package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/rete"
)

// storyPlayer plays rules that run from a set of facts to their own end.
func storyPlayer(types []schema, rules []rule, load func(e *engine, tx *rete.Tx) error) player {
	var e *engine
	return &local{
		lay: func() (err error) { e, err = newEngine(types, rules); return err },
		round: func(int) ([]int, error) {
			err := e.batch(func(tx *rete.Tx) error { return load(e, tx) })
			if err == nil {
				err = e.run()
			}
			return e.counts, err
		},
	}
}

// clipsStory is the same for CLIPS, from facts in its language.
//
// They are asserted by many small functions: CLIPS takes quadratic time to read
// a long one.
func clipsStory(types []schema, rules []rule, facts []string) clipsProgram {
	var define, call strings.Builder
	n := 0
	for some := range slices.Chunk(facts, 50) {
		fmt.Fprintf(&define, "(deffunction begin-%d () (assert\n%s))\n", n, strings.Join(some, "\n"))
		fmt.Fprintf(&call, " (begin-%d)", n)
		n++
	}
	return clipsProgram{types: types, rules: rules, driver: define.String() + `
(deffunction prepare () (reset) (zero))
(deffunction play (?c)` + call.String() + ` (run))
(deffunction bare (?c))
`}
}
