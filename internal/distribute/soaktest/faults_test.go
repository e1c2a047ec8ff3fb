package soaktest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
)

// bouts is how a fault comes: often for a while if it is of answers, a few times if it
// befalls a ticket or the site.
func bouts(t *testing.T, name string) sandbox.Fault {
	t.Helper()
	f, err := sandbox.NamedFault(name)
	if err != nil {
		t.Fatal(err)
	}
	f.Probability, f.Times, f.For = 0.2, -1, 2*time.Hour
	switch {
	case f.Kind >= sandbox.AutoComment && f.Kind <= sandbox.AutoRevert:
		f.Probability = 1
	case f.Kind >= sandbox.PersonEdits:
		f.Probability, f.Times = 0.1, 5
	case f.Kind == sandbox.Huge:
		f.Times = 5
	}
	return f
}

// repair is what administrators do when they hear of it.
func (w *world) repair() {
	for _, project := range []string{"FIN", "OPS"} {
		w.site.Allow(project, self, sandbox.Browse, sandbox.EditIssues)
		w.site.ArchiveProject(project, false)
		w.site.ShowField(project, "labels")
		w.site.AddOption(project, "customfield_10050", "CC-1")
		w.check(w.site.SetWorkflow(project, sandbox.Workflow{}))
	}
	w.site.GiveToken(self, token)
	w.site.SetActive("acc-ann", true)
	w.site.SetActive("acc-ben", true)
	w.authorize()
	w.start()
	if _, err := w.dist.Unblock(w.t.Context()); err != nil {
		w.check(err)
	}
}

// faulty files n recommendations and works on them while a fault comes and goes.
func (w *world) faulty(n int, inject func()) {
	w.see(n / 3)
	w.walk()
	inject()
	for round := range 6 {
		if round < 2 {
			w.see(n / 3)
		}
		w.walk()
		w.people(n / 12)
		w.scan(round == 2 || round == 3)
	}
	w.drawn = drawn(w.site.Drawn())
	w.site.ClearFaults()
}

// TestEachFault lets every fault that the fake Jira knows come by itself.
func TestEachFault(t *testing.T) {
	n, editions := 48, []edition{cloud, dataCenter, app}
	if slow {
		n = 24
	}
	if *full {
		n = 120
	}
	for at, kind := range editions {
		for seed, info := range sandbox.Faults() {
			// Those of deliveries the jobs do not hear.
			if strings.HasPrefix(info.Name, "hook-") || !*full && seed%len(editions) != at && info.Name != "token-expired" {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", kind, info.Name), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, info.Name, kind, uint64(seed))
				w.faulty(n, func() { w.site.Inject(bouts(t, info.Name)) })
				w.calm()
				first := w.judge()
				w.repair()
				w.calm()
				last := w.judge()
				t.Logf("%+v\nblocked before repair: %d, waiting %d, e.g. %.200s", last, first.Blocked, first.Waiting, fmt.Sprint(first.errors))
				for _, wrong := range last.Wrong {
					t.Errorf("%s, %s: %s", kind, info.Name, wrong)
				}
			})
		}
	}
}
