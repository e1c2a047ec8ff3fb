package durabletest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/durable"
)

// killer dies at one crossing of a boundary: before or after a commit, before or after a
// call to the outside. From then on the process gets nothing from anybody.
type killer struct {
	mu        sync.Mutex
	crossings int
	at        int
	dead      bool
}

func (k *killer) cross(string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		return errKilled{}
	}
	if k.crossings++; k.crossings == k.at {
		k.dead = true
		return errKilled{}
	}
	return nil
}

// restart is a new process, which is not killed.
func (k *killer) restart() (died bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	died, k.dead, k.at = k.dead, false, 0
	return died
}

// outside is what workflows act on: it remembers each request, and acts once for each
// key, as a tracker that looks markers up does.
type outside struct {
	mu    sync.Mutex
	acted map[string]bool
	calls int
}

// call acts, unless the process dies at the door to it.
func (o *outside) call(k *killer, key string) error {
	if err := k.cross("before call"); err != nil {
		return err
	}
	o.mu.Lock()
	o.calls++
	o.acted[key] = true
	o.mu.Unlock()
	return k.cross("after call")
}

// world is what a random workflow acts on, and what it is made of.
type world struct {
	site *Site
	kill *killer
	out  *outside
	plan plan
}

// plan is a random workflow: nodes with dependencies, each of some actions.
type plan struct {
	Limit int
	Nodes []node
}

type node struct {
	After   []int
	Actions []action
}

// action is one thing that a workflow does.
type action struct {
	Kind  string // call, row, fail, flaky, sleep, each
	Items int
}

func drawPlan(t *rapid.T) plan {
	p := plan{Limit: rapid.IntRange(1, 3).Draw(t, "limit")}
	for i := range rapid.IntRange(1, 4).Draw(t, "nodes") {
		var n node
		for before := range i {
			if rapid.IntRange(0, 3).Draw(t, "depends") == 0 {
				n.After = append(n.After, before)
			}
		}
		for range rapid.IntRange(1, 3).Draw(t, "actions") {
			n.Actions = append(n.Actions, action{
				Kind:  rapid.SampledFrom([]string{"call", "call", "row", "row", "fail", "flaky", "sleep", "each"}).Draw(t, "kind"),
				Items: rapid.IntRange(1, 4).Draw(t, "items"),
			})
		}
		p.Nodes = append(p.Nodes, n)
	}
	return p
}

// workflow makes the plan's code.
func (w *world) workflow() durable.Workflow {
	retry := durable.Policy{Retry: durable.Retry{Attempts: 3, First: time.Minute}}
	tried := &counter{}
	call := durable.NewStep("call", func(_ context.Context, key string) (string, error) { return key + "!", w.out.call(w.kill, key) })
	row := durable.NewStepTx("row", func(_ context.Context, tx any, key string) (string, error) {
		return key, w.site.Record(tx, key)
	})
	fail := durable.NewStep("fail", func(_ context.Context, key string) (string, error) {
		return "", trimtab.Errorf(trimtab.Invalid, "%s is wrong", key)
	})
	flaky := durable.NewStep("flaky", func(_ context.Context, key string) (string, error) {
		if tried.add(key) == 1 {
			return "", trimtab.Errorf(trimtab.Outside, "down")
		}
		return key, w.out.call(w.kill, key)
	}).With(retry)
	do := func(f *durable.Flow, name string, a action) (err error) {
		switch a.Kind {
		case "call":
			_, err = call.Item(f, name, name)
		case "row":
			_, err = row.Item(f, name, name)
		case "fail":
			_, err = fail.Item(f, name, name)
		case "flaky":
			_, err = flaky.Item(f, name, name)
		case "sleep":
			err = f.Sleep(name, time.Hour)
		case "each":
			items := make([]string, a.Items)
			for i := range items {
				items[i] = fmt.Sprint(name, ".", i)
			}
			_, err = call.Each(f, 2, items, func(s string) string { return s })
		}
		return err
	}
	return durable.NewWorkflow("random", 1, func(f *durable.Flow, _ int) (string, error) {
		g := f.Graph(w.plan.Limit)
		var jobs []*durable.Job
		for i, n := range w.plan.Nodes {
			var after []*durable.Job
			for _, before := range n.After {
				after = append(after, jobs[before])
			}
			jobs = append(jobs, g.Job(fmt.Sprint("n", i), func(f *durable.Flow) error {
				for k, a := range n.Actions {
					if err := do(f, fmt.Sprintf("%d-%d", i, k), a); err != nil {
						return err
					}
				}
				return nil
			}, after...))
		}
		return "end", g.Run()
	}, call, row, fail, flaky)
}

// play runs the workflow to its end, with a new process after each death.
func (w *world) play(t testing.TB) (*durable.Run, []*durable.Record) {
	t.Helper()
	flow := w.workflow()
	var id int64
	for life := 0; ; life++ {
		if life > 30 {
			t.Fatal("it does not come to an end")
		}
		run, records, err := w.live(t, flow, &id)
		w.kill.restart()
		if err == nil && run.Status.Ended() {
			return run, records
		}
		if err != nil && !errors.As(err, new(errKilled)) {
			t.Fatal(err)
		}
		w.site.Clock.Advance(2 * time.Hour) // timers ring, leases lapse
	}
}

// live is one process: it begins the run if there is none, works, and looks.
func (w *world) live(t testing.TB, flow durable.Workflow, id *int64) (*durable.Run, []*durable.Record, error) {
	t.Helper()
	e, err := durable.New(durable.Config{Log: w.site.Open(), Clock: w.site.Clock, Worker: worker(), Poll: 5 * time.Millisecond, Rules: durable.Rules{MaxCrashes: 99}}, flow)
	check(t, err)
	if *id, _, err = e.Submit(context.Background(), durable.Request{Workflow: "random", Key: "it"}); err != nil {
		return nil, nil, err
	}
	if err := e.Drain(context.Background()); err != nil {
		return nil, nil, err
	}
	return e.Show(context.Background(), *id)
}

// picture is what must be the same however often the process died.
func picture(run *durable.Run, records []*durable.Record, w *world) string {
	outcomes := map[string]string{}
	for _, r := range records {
		outcomes[r.Name] = fmt.Sprintf("%s %s", r.Outcome, r.Output)
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		lines = append(lines, name+" "+outcomes[name])
	}
	defer w.close()
	return fmt.Sprintf("%s %s %+v\n%v\n%v\n%v", run.Status, run.Output, run.Error, lines, slices.Sorted(maps.Keys(w.out.acted)), w.site.Rows())
}

// close ends the world: hundreds of them are made in one test.
func (w *world) close() {
	if w.site.Close != nil {
		w.site.Close()
	}
}

// Boundaries counts how many were tried, over all tests of the process.
var Boundaries struct {
	sync.Mutex
	Tried int
}

// testBoundaries: random workflows, killed at every crossing.
func testBoundaries(t *testing.T, open func(*testing.T) *Site) {
	// The outer loop is over plans; the inner one over all of a plan's crossings.
	examples := rapid.Custom(drawPlan)
	n := 12
	if testing.Short() {
		n = 3
	}
	for seed := range n {
		p := examples.Example(seed)
		t.Run(fmt.Sprint("plan ", seed), func(t *testing.T) {
			t.Parallel() // they wait for the disk more than for anything else
			testPlan(t, p, open)
		})
	}
}

// testPlan holds what is left of a plan, killed at each of its crossings, against the one
// that never died.
func testPlan(t *testing.T, p plan, open func(*testing.T) *Site) {
	calm := newWorld(open(t), p, 0)
	run, records := calm.play(t)
	want := picture(run, records, calm)
	for at := 1; at <= calm.kill.crossings; at++ {
		w := newWorld(open(t), p, at)
		run, records := w.play(t)
		if got := picture(run, records, w); got != want {
			t.Fatalf("plan %+v, killed at crossing %d of %d:\n got %s\nwant %s", p, at, calm.kill.crossings, got, want)
		}
		Boundaries.Lock()
		Boundaries.Tried++
		Boundaries.Unlock()
	}
}

func newWorld(site *Site, p plan, at int) *world {
	k := &killer{at: at}
	site.Jam(k.cross)
	return &world{site: site, kill: k, out: &outside{acted: map[string]bool{}}, plan: p}
}
