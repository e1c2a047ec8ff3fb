package soaktest

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/sandbox"
)

var (
	seeds   = flag.Int("soak.seeds", 12, "how many seeds of random faults and kills")
	first   = flag.Uint64("soak.first", 1, "the first of them, to make one again")
	tickets = flag.Int("soak.tickets", 20000, "how many tickets are filed in one go; a tenth with the race detector")
	full    = flag.Bool("soak.full", false, "every fault on every edition, with more tickets")

	slow bool // the race detector is on
)

// befalling are the faults that chaos does not draw, because they stay: each seed has some.
var befalling = []string{
	"issue-moved", "issue-deleted", "issue-archived", "automation-comment", "automation-revert", "project-hidden", "project-read-only", "project-archived",
	"workflow-changed", "transition-absent", "transition-field", "field-off-create", "field-off-edit", "option-removed", "user-deactivated",
	"token-revoked", "token-expired", "slow", "slow-commit", "maintenance", "limit-global", "limit-tenant", "unauthorized", "bad-request",
	"forbidden", "redirect",
}

// chaotic is the story of a seed: an edition, an intensity, some faults that stay, kills.
func chaotic(t *testing.T, seed uint64, n int) (*world, string) {
	t.Helper()
	draws := rand.New(rand.NewPCG(seed, 7))
	kind := []edition{cloud, dataCenter, app}[draws.IntN(3)]
	intensity := 0.02 + 0.2*draws.Float64()
	w := newWorld(t, fmt.Sprintf("seed %d", seed), kind, seed)
	names := []string{}
	for range draws.IntN(4) {
		names = append(names, befalling[draws.IntN(len(befalling))])
	}
	w.deadly = []int{0, 30, 200}[draws.IntN(3)]
	story := fmt.Sprintf("seed %d: %s, %.0f %% of the requests, %v, dies at one of %d doors", seed, kind, 100*intensity, names, w.deadly)
	w.faulty(n, func() {
		w.site.Chaos(seed, intensity)
		for _, name := range names {
			w.site.Inject(bouts(t, name))
		}
	})
	return w, story
}

// drawn counts the faults that have come.
func drawn(all []sandbox.Drawn) string {
	counts := map[string]int{}
	for _, d := range all {
		counts[d.Fault]++
	}
	var text []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		text = append(text, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(text, ", ")
}

// TestSeeds lets everything go wrong at once, with processes that die, for many seeds.
// Each seed is the same story every time: -soak.first N -soak.seeds 1.
func TestSeeds(t *testing.T) {
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w, story := chaotic(t, seed, 60)
			w.calm()
			w.repair()
			w.calm()
			v := w.judge()
			t.Logf("%s\n%d tickets, %d gone, %d second ones, %d blocked, %d waiting, %d calls, %d kills in %d runs; %s",
				story, v.Tickets, v.Gone, v.Second, v.Blocked, v.Waiting, v.Calls, v.Kills, w.runs, w.drawn)
			for _, wrong := range v.Wrong {
				t.Errorf("seed %d: %s", seed, wrong)
			}
		})
	}
}
