package main

import (
	"os/exec"
	"slices"
	"testing"
)

// TestMatcher plays every workload small: each must fire as the table says, and
// as the same joins by hand and CLIPS do.
func TestMatcher(t *testing.T) {
	clips, missing := smallClips(t)
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

// smallClips finds CLIPS; the test installs nothing.
func smallClips(t *testing.T) (path, missing string) {
	path, err := exec.LookPath("clips")
	if err != nil {
		t.Log("without CLIPS:", err)
		return "", "no clips"
	}
	return path, ""
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
	all = append(all, manners{8}.contest(), manners{16}.contest(), waltz{1}.contest(), building{100, false}.contest(), building{100, true}.contest())
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
