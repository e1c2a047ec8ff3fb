package main

import (
	"slices"
	"strings"
	"testing"
)

// TestMatcher plays every workload small: each must fire as the table says, and
// as the same joins by hand and CLIPS do.
func TestMatcher(t *testing.T) {
	clips, missing := findClips()
	if missing != "" {
		t.Log("without CLIPS:", missing)
	}
	for _, c := range smallContests() {
		t.Run(c.name+" "+c.size, func(t *testing.T) {
			r, err := c.contend(2, clips, missing)
			if err == nil {
				err = r.check()
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func smallContests() []*contest {
	var all []*contest
	for _, c := range churns {
		c.rules = 40
		all = append(all, c.contest(2000))
	}
	all = append(all, load{1000}.contest())
	for _, sums := range []bool{false, true} {
		all = append(all, drift{sums: sums}.contest(3000))
	}
	all = append(all, manners{8}.contest(), manners{16}.contest(), waltz{1}.contest(), warm{1000, "load"}.contest(), warm{1000, "change"}.contest(), warm{1000, "edit"}.contest(), building{100, false}.contest(), building{100, true}.contest())
	return all
}

// TestFloors plays the joins by hand at the sizes of the table, where the
// engine would take too long for a test.
func TestFloors(t *testing.T) {
	for facts, want := range loadFirings {
		expect(t, load{facts}.byHand(), 0, []int{want})
	}
	expect(t, drift{}.byHand(), 100_000, driftFirings[:tallyTotal])
	expect(t, drift{sums: true}.byHand(), 100_000, driftFirings)
}

func expect(t *testing.T, p player, changes int, want []int) {
	t.Helper()
	if err := p.prepare(); err != nil {
		t.Fatal(err)
	}
	s, err := p.play(changes)
	if err != nil || !slices.Equal(s.firings, want) {
		t.Errorf("%v firings, want %v (%v)", s.firings, want, err)
	}
}

// TestClipsRule writes a rule of every kind of test and deed for CLIPS.
func TestClipsRule(t *testing.T) {
	var b strings.Builder
	writeClips(&b, rule{
		name: "all", priority: -1, tally: 2,
		when: []clause{
			fact("a", "x", eq("p", "m"), in("q", 1, 2)),
			fact("b", "y", eq("p", at("x.p")), ne("q", at("x.q")), gt("r", 7)),
			no("c", "z", lt("p", at("y.r")), ne("q", "nil")),
		},
		then: []deed{put("d", setting{"p", plus{"y.r", 1}}), set("x", setting{"q", at("y.s")}), drop("y"), {verb: halt}},
	})
	want := `(defrule all (declare (salience -1))` +
		` ?x <- (a (p ?x-p&m) (q ?x-q&1|2))` +
		` ?y <- (b (p ?x-p) (q ~?x-q) (r ?y-r&:(> ?y-r 7)) (s ?y-s))` +
		` (not (c (p ?z-p&:(< ?z-p ?y-r)) (q ~nil)))` +
		` => (bind ?*n2* (+ ?*n2* 1)) (assert (d (p (+ ?y-r 1)))) (modify ?x (q ?y-s)) (retract ?y) (halt))` + "\n"
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", &b, want)
	}
}

// TestJunctions tells the kinds of junction apart, whatever the order of edges.
func TestJunctions(t *testing.T) {
	const base, west, east, north, south, northeast = 5*pointBase + 5, 2*pointBase + 5, 9*pointBase + 5, 5*pointBase + 8, 5*pointBase + 1, 7*pointBase + 7
	for _, test := range []struct {
		kind  string
		ends  [3]int
		shaft int // 0 for a fork, which has none
	}{
		{"tee", [3]int{west, north, east}, north},
		{"tee", [3]int{west, east, north}, north},
		{"arrow", [3]int{northeast, north, east}, northeast},
		{"arrow", [3]int{north, east, northeast}, northeast},
		{"fork", [3]int{northeast, west, south}, 0},
	} {
		row := makeThree.row([]int{base, test.ends[0], test.ends[1], test.ends[2]})
		if row[0] != text(test.kind) || test.shaft != 0 && row[3] != number(test.shaft) {
			t.Errorf("%v: %v, want a %s with shaft %d", test.ends, row, test.kind, test.shaft)
		}
	}
}
