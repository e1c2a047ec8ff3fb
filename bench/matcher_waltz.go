package main

import (
	"fmt"

	"github.com/trimtab/trimtab/rete"
)

// waltz labels the lines of a drawing of blocks after Waltz, "Understanding Line
// Drawings of Scenes with Shadows": each line is convex (+), concave (-) or a
// boundary (b), and the kind of a junction allows few combinations.
//
// The stages are those of the classic rules: duplicate each line into two
// edges, detect junctions, label the two outermost of them, let labels spread,
// plot.
type waltz struct{ regions int }

// firings are 276 a region, less the 12 that the lines to the region before save
// the first. The classic data of N regions have one more than their name says.
func (w waltz) firings() int { return 276*(w.regions+1) - 12 }

var waltzTypes = []schema{
	{name: "context", fields: []string{"state"}},
	{name: "line", fields: []string{"p1", "p2"}},
	{name: "edge", fields: []string{"p1", "p2", "joined", "label", "plotted"}},
	{name: "junction", fields: []string{"kind", "base", "p1", "p2", "p3"}},
}

// waltzRules are the rules of all stages.
func waltzRules() []rule {
	rules := append(duplicateRules(), detectRules()...)
	rules = append(rules, boundaryRules()...)
	return append(append(rules, spreadRules()...), plotRules()...)
}

func duplicateRules() []rule {
	edge := func(from, to at) deed {
		return put("edge", setting{"p1", from}, setting{"p2", to}, setting{"joined", "no"}, setting{"label", "none"}, setting{"plotted", "no"})
	}
	return []rule{
		{
			name: "reverse-edges",
			when: []clause{stage("duplicate"), fact("line", "l")},
			then: []deed{edge("l.p1", "l.p2"), edge("l.p2", "l.p1"), drop("l")},
		},
		{
			name: "done-reversing", priority: -10,
			when: []clause{stage("duplicate"), no("line", "l")},
			then: []deed{goTo("detect")},
		},
	}
}

// detectRules join the edges that meet in a point, three before two.
func detectRules() []rule {
	loose, joined := eq("joined", "no"), setting{"joined", "yes"}
	from := eq("p1", at("a.p1"))
	return []rule{
		{
			name: "make-three", priority: 10,
			when: []clause{
				stage("detect"), fact("edge", "a", loose),
				fact("edge", "b", loose, from, ne("p2", at("a.p2"))),
				fact("edge", "c", loose, from, ne("p2", at("a.p2")), ne("p2", at("b.p2"))),
			},
			then: []deed{
				{verb: calculate, on: "junction", call: &makeThree, values: []setting{
					{"", at("a.p1")}, {"", at("a.p2")}, {"", at("b.p2")}, {"", at("c.p2")},
				}},
				set("a", joined), set("b", joined), set("c", joined),
			},
		},
		{
			name: "make-l",
			when: []clause{
				stage("detect"), fact("edge", "a", loose),
				fact("edge", "b", loose, from, ne("p2", at("a.p2"))),
				no("edge", "c", from, ne("p2", at("a.p2")), ne("p2", at("b.p2"))),
			},
			then: []deed{
				put("junction", setting{"kind", "l"}, setting{"base", at("a.p1")}, setting{"p1", at("a.p2")}, setting{"p2", at("b.p2")}, setting{"p3", -1}),
				set("a", joined), set("b", joined),
			},
		},
		{
			name: "done-detecting", priority: -10,
			when: []clause{stage("detect"), no("edge", "e", loose)},
			then: []deed{goTo("first-boundary")},
		},
	}
}

// boundaryRules label the junctions of the highest and the lowest point: what
// is outermost is a boundary.
func boundaryRules() []rule {
	var rules []rule
	for _, b := range []struct {
		state, next string
		beyond      test
	}{
		{"first-boundary", "second-boundary", gt("base", at("j.base"))},
		{"second-boundary", "label", lt("base", at("j.base"))},
	} {
		outermost := no("junction", "k", b.beyond)
		rules = append(rules, rule{
			name: b.state + "-l",
			when: []clause{stage(b.state), fact("junction", "j", eq("kind", "l")), ray("a", "p1"), ray("b", "p2"), outermost},
			then: []deed{set("a", setting{"label", "b"}), set("b", setting{"label", "b"}), goTo(b.next)},
		}, rule{
			name: b.state + "-arrow",
			when: []clause{stage(b.state), fact("junction", "j", eq("kind", "arrow")), ray("a", "p1"), ray("b", "p2"), ray("c", "p3"), outermost},
			then: []deed{set("a", setting{"label", "b"}), set("b", setting{"label", "+"}), set("c", setting{"label", "b"}), goTo(b.next)},
		})
	}
	return rules
}

// ray is the edge from the junction to one of its points.
func ray(as, point string, tests ...test) clause {
	return fact("edge", as, append([]test{eq("p1", at("j.base")), eq("p2", at("j."+point))}, tests...)...)
}

// spread is one line of the dictionary: at a junction of a kind, edges with the
// labels give the others theirs.
type spread struct {
	name     string
	priority int
	kind     string
	rays     []spreadRay
}

// spreadRay is an edge of the junction: the point that it goes to, or "" for any
// that no earlier ray goes to; the labels that it must have, none for any; and the
// one that it gets, a letter or a field.
type spreadRay struct {
	point string
	has   []any
	gets  any
}

// dictionary is Waltz's. Where either of two edges may be the unlabelled one,
// there is a line for each; the more urgent is that of the shaft.
func dictionary() []spread {
	none := []any{"none"}
	var arrows []spread
	for _, side := range []struct{ name, near, far string }{{"right", "p1", "p3"}, {"left", "p3", "p1"}} {
		near, far := side.near, side.far
		arrows = append(
			arrows,
			spread{"arrow-edge-shaft-" + side.name, 5, "arrow", []spreadRay{{near, []any{"b", "-"}, nil}, {"p2", none, "+"}, {far, nil, at("a.label")}}},
			spread{"arrow-edge-barb-" + side.name, 0, "arrow", []spreadRay{{near, []any{"b", "-"}, nil}, {"p2", nil, "+"}, {far, none, at("a.label")}}},
			spread{"arrow-ridge-shaft-" + side.name, 5, "arrow", []spreadRay{{near, []any{"+"}, nil}, {"p2", none, "-"}, {far, nil, "+"}}},
			spread{"arrow-ridge-barb-" + side.name, 0, "arrow", []spreadRay{{near, []any{"+"}, nil}, {"p2", nil, "-"}, {far, none, "+"}}},
			spread{"arrow-valley-" + side.name, 5, "arrow", []spreadRay{{"p2", []any{"-"}, nil}, {near, nil, "+"}, {far, none, "+"}}},
		)
	}
	return append(
		arrows,
		spread{"l", 0, "l", []spreadRay{{"", []any{"+", "-"}, nil}, {"", none, "b"}}},
		spread{"tee-right", 5, "tee", []spreadRay{{"p1", none, "b"}, {"p3", nil, "b"}}},
		spread{"tee-left", 0, "tee", []spreadRay{{"p1", nil, "b"}, {"p3", none, "b"}}},
		spread{"fork-ridges", 0, "fork", []spreadRay{{"", []any{"+"}, nil}, {"", none, "+"}, {"", nil, "+"}}},
		spread{"fork-boundary", 0, "fork", []spreadRay{{"", []any{"b"}, nil}, {"", []any{"-"}, nil}, {"", none, "b"}}},
		spread{"fork-boundaries", 0, "fork", []spreadRay{{"", []any{"b"}, nil}, {"", []any{"b"}, nil}, {"", none, "-"}}},
		spread{"fork-valleys", 0, "fork", []spreadRay{{"", []any{"-"}, nil}, {"", []any{"-"}, nil}, {"", none, "-"}}},
	)
}

// spreadRules are the dictionary and what carries a label to the other
// direction of an edge.
func spreadRules() []rule {
	rules := []rule{{
		name: "label-match-edge",
		when: []clause{
			stage("label"), fact("edge", "a", in("label", "+", "-", "b")),
			fact("edge", "b", eq("p1", at("a.p2")), eq("p2", at("a.p1")), eq("label", "none")),
		},
		then: []deed{set("a", setting{"plotted", "yes"}), set("b", setting{"label", at("a.label")}, setting{"plotted", "yes"})},
	}}
	for _, s := range dictionary() {
		rules = append(rules, s.rule())
	}
	return append(rules, rule{
		name: "done-labelling", priority: -10,
		when: []clause{stage("label")},
		then: []deed{goTo("plot")},
	})
}

func (s spread) rule() rule {
	r := rule{
		name: "label-" + s.name, priority: s.priority,
		when: []clause{stage("label"), fact("junction", "j", eq("kind", s.kind))},
	}
	for i, e := range s.rays {
		as := string(rune('a' + i))
		tests := []test{eq("p1", at("j.base"))}
		if e.point != "" {
			tests = append(tests, eq("p2", at("j."+e.point)))
		} else {
			for other := range i {
				tests = append(tests, ne("p2", at(string(rune('a'+other))+".p2")))
			}
		}
		if e.has != nil {
			tests = append(tests, in("label", e.has...))
		}
		r.when = append(r.when, fact("edge", as, tests...))
		if e.gets != nil {
			r.then = append(r.then, set(as, setting{"label", e.gets}))
		}
	}
	return r
}

func plotRules() []rule {
	unplotted := eq("plotted", "no")
	plot := []deed{set("e", setting{"plotted", "yes"})}
	return []rule{
		{name: "plot-remaining", when: []clause{stage("plot"), fact("edge", "e", unplotted, ne("label", "none"))}, then: plot},
		{name: "plot-boundaries", when: []clause{stage("plot"), fact("edge", "e", unplotted, eq("label", "none"))}, then: plot},
		{name: "done-plotting", priority: -10, when: []clause{stage("plot"), no("edge", "e", unplotted)}, then: []deed{goTo("done")}},
	}
}

// pointBase separates the coordinates in a point's number.
const pointBase = 10_000

// makeThree finds the kind of a junction of three edges, and which of them is the
// shaft, by the signs of cross products: exact where angles would be rounded.
var makeThree = function{
	name: "make-three-junction",
	clips: `(deffunction cross (?b ?p ?q)
  (- (* (- (div ?p 10000) (div ?b 10000)) (- (mod ?q 10000) (mod ?b 10000)))
     (* (- (mod ?p 10000) (mod ?b 10000)) (- (div ?q 10000) (div ?b 10000)))))
(deffunction shaft (?b ?s ?l ?r)
  (bind ?wide (cross ?b ?l ?r))
  (if (= ?wide 0) then (return tee))
  (if (and (> (* (cross ?b ?l ?s) ?wide) 0) (> (* (cross ?b ?s ?r) ?wide) 0)) then (return arrow))
  none)
(deffunction make-three-junction (?b ?x ?y ?z)
  (bind ?kind (shaft ?b ?y ?x ?z))
  (if (neq ?kind none) then (assert (junction (kind ?kind) (base ?b) (p1 ?x) (p2 ?y) (p3 ?z))) (return))
  (bind ?kind (shaft ?b ?x ?y ?z))
  (if (neq ?kind none) then (assert (junction (kind ?kind) (base ?b) (p1 ?y) (p2 ?x) (p3 ?z))) (return))
  (bind ?kind (shaft ?b ?z ?x ?y))
  (if (neq ?kind none) then (assert (junction (kind ?kind) (base ?b) (p1 ?x) (p2 ?z) (p3 ?y))) (return))
  (assert (junction (kind fork) (base ?b) (p1 ?x) (p2 ?y) (p3 ?z))))
`,
	row: func(args []int) []scalar {
		base, x, y, z := args[0], args[1], args[2], args[3]
		for _, try := range [][3]int{{x, y, z}, {y, x, z}, {x, z, y}} {
			if kind := shaftKind(base, try[1], try[0], try[2]); kind != "" {
				return []scalar{text(kind), number(base), number(try[0]), number(try[1]), number(try[2])}
			}
		}
		return []scalar{text("fork"), number(base), number(x), number(y), number(z)}
	},
}

// shaftKind tells what junction it is if s is its shaft; "" when it is not.
func shaftKind(base, s, left, right int) string {
	wide := cross(base, left, right)
	switch {
	case wide == 0:
		return "tee"
	case cross(base, left, s)*wide > 0 && cross(base, s, right)*wide > 0:
		return "arrow"
	}
	return ""
}

func cross(base, p, q int) int {
	return (p/pointBase-base/pointBase)*(q%pointBase-base%pointBase) - (p%pointBase-base%pointBase)*(q/pointBase-base/pointBase)
}

// segment is a line of the drawing.
type segment struct{ from, to int }

// block is a cube in oblique view with its corner towards us, as chains of
// points; sides have points between the corners where a neighbour may touch.
var block = [][][2]int{
	{{0, 0}, {2, 0}, {3, 0}, {4, 0}},
	{{0, 0}, {0, 2}, {0, 3}, {0, 4}, {4, 4}, {4, 0}},
	{{4, 0}, {5, 1}, {5, 2}, {5, 3}, {5, 5}, {4, 4}},
	{{5, 5}, {3, 5}, {2, 5}, {1, 5}, {0, 4}},
}

// drawing is a strip of regions, each four blocks in a square that lines join to
// each other and to the region before.
func (w waltz) drawing() []segment {
	var lines []segment
	draw := func(x, y int, chain ...[2]int) {
		for i := 1; i < len(chain); i++ {
			p, q := chain[i-1], chain[i]
			lines = append(lines, segment{(x+p[0])*pointBase + y + p[1], (x+q[0])*pointBase + y + q[1]})
		}
	}
	for region := range w.regions + 1 {
		x := 12 * region
		for _, corner := range [][2]int{{0, 0}, {6, 0}, {0, 6}, {6, 6}} {
			for _, chain := range block {
				draw(x+corner[0], corner[1], chain...)
			}
		}
		draw(x, 0, [2]int{5, 3}, [2]int{6, 3})
		draw(x, 0, [2]int{3, 5}, [2]int{3, 6})
		draw(x, 0, [2]int{8, 5}, [2]int{8, 6})
		draw(x, 0, [2]int{5, 8}, [2]int{6, 8})
		if region > 0 {
			draw(x, 0, [2]int{-1, 3}, [2]int{0, 3})
			draw(x, 0, [2]int{-3, 5}, [2]int{-3, 6})
			draw(x, 0, [2]int{2, 5}, [2]int{2, 6})
			draw(x, 0, [2]int{-1, 8}, [2]int{0, 8})
		}
	}
	return lines
}

func (w waltz) contest() *contest {
	return &contest{
		name: "waltz", size: fmt.Sprintf("%d regions", w.regions), whole: true,
		want:  func(int) []int { return []int{w.firings()} },
		ours:  func() player { return storyPlayer(waltzTypes, waltzRules(), w.load) },
		clips: func() clipsProgram { return clipsStory(waltzTypes, waltzRules(), w.clipsFacts()) },
	}
}

func (w waltz) load(e *engine, tx *rete.Tx) error {
	for _, l := range w.drawing() {
		if _, err := assertRow(tx, e.shapes["line"], number(l.from), number(l.to)); err != nil {
			return err
		}
	}
	_, err := assertRow(tx, e.shapes["context"], text("duplicate"))
	return err
}

func (w waltz) clipsFacts() []string {
	var facts []string
	for _, l := range w.drawing() {
		facts = append(facts, fmt.Sprintf("(line (p1 %d) (p2 %d))", l.from, l.to))
	}
	return append(facts, "(context (state duplicate))")
}
