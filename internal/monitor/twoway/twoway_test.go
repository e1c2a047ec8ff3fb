package twoway

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/merge"
)

var (
	seeds   = flag.Int("twoway.seeds", 6, "how many seeds")
	first   = flag.Uint64("twoway.first", 1, "the first of them, to make one again")
	tickets = flag.Int("twoway.tickets", 0, "how many tickets each has; 0 is 1000 for the first three and 150 for the others, a tenth of that with -short or the race detector")

	slow bool // the race detector is on
)

// drawn is what a seed stands for.
func drawn(t testing.TB, seed uint64) *world {
	t.Helper()
	draws := rand.New(rand.NewPCG(seed, 11))
	kind := []string{"cloud", "data center", "board"}[seed%3]
	w := newWorld(t, kind, seed)
	winner := func() merge.Winner {
		return []merge.Winner{merge.TrackerWins, merge.TrimtabWins, merge.Newest, merge.Ask}[draws.IntN(4)]
	}
	for _, field := range []string{merge.Status, merge.Summary, merge.Assignee} {
		w.fields[field] = merge.Rule{Direction: merge.Both, Conflict: winner()}
	}
	w.fields[merge.Priority] = merge.Rule{Direction: []merge.Direction{merge.In, merge.Both, merge.Out}[draws.IntN(3)], Conflict: winner()}
	w.fields[merge.Description] = merge.Rule{Direction: merge.Out, Conflict: []merge.Winner{merge.Ask, merge.TrackerWins, merge.TrimtabWins}[draws.IntN(3)]}
	w.closes = draws.IntN(4) > 0
	w.deadly = []int{0, 60, 400}[draws.IntN(3)]
	intensity := []float64{0, 0.03, 0.12}[draws.IntN(3)]
	if site, ok := w.place.(*jiraPlace); ok && intensity > 0 {
		site.site.Chaos(seed, intensity)
	}
	w.story = fmt.Sprintf("seed %d: %s, %.0f %% of the requests go wrong, dies at one of %d doors, closes %v, %v", seed, kind, 100*intensity, w.deadly, w.closes, w.fields)
	w.start()
	return w
}

// size is how many tickets a seed has.
func size(n int) int {
	if *tickets > 0 {
		return *tickets
	}
	if slow || testing.Short() {
		return n / 10
	}
	return n
}

// play is everything at the same time, for some rounds.
func (w *world) play(n, rounds int) {
	w.others(max(40, n/10))
	w.see(n)
	w.before = w.place.strangers()
	w.place.quicker(w.hasty)
	for range rounds {
		did := w.theirs
		w.work(n / 3)
		w.busy(20 * (w.theirs - did))
		w.scan()
		w.walk()
		w.work(n / 10)
		w.walk()
		w.clock.Advance(time.Duration(w.draws.IntN(8)) * time.Hour)
	}
	w.busy(20*w.theirs - w.strange)
}

// hasty is a person who is quicker than a write of ours.
func (w *world) hasty(id string) {
	if w.draws.IntN(20) == 0 {
		w.act(id, w.deed())
		w.clock.Advance(time.Millisecond) // no two changes of a ticket are of one moment
	}
}

// TestSeeds lets people and Trimtab work on the same tickets, and everything go wrong. Each
// seed is the same story every time: -twoway.first N -twoway.seeds 1.
func TestSeeds(t *testing.T) {
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			n := size(150)
			if seed < *first+3 && *tickets == 0 {
				n = size(1000)
			}
			w := drawn(t, seed)
			w.play(n, 5)
			w.rest()
			w.finish(t)
		})
	}
}
