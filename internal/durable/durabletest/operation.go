package durabletest

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/durable"
)

// testVersions: changed code goes on with what still fits, and says why not otherwise.
func testVersions(t *testing.T, site *Site) {
	var c counter
	made := func(version int, steps ...*durable.Step[string, string]) durable.Workflow {
		var listed []durable.Registered
		for _, s := range steps {
			listed = append(listed, s)
		}
		return durable.NewWorkflow("w", version, func(f *durable.Flow, in string) (out string, err error) {
			out = in
			if _, err := f.Now("began"); err != nil {
				return out, err
			}
			for i, s := range steps {
				if out, err = s.Do(f, out); err != nil {
					return out, err
				}
				if i == 0 {
					if err := f.Sleep("night", time.Hour); err != nil {
						return out, err
					}
				}
			}
			return out, nil
		}, listed...)
	}
	a, x := say(&c, "a", nil), say(&c, "x", nil)
	old := newBench(t, site, nil, made(1, a))
	fits, stuck := old.submit(durable.Request{Workflow: "w", Input: "f"}), int64(0)
	old.drain()
	site.Clock.Advance(time.Hour)
	next := newBench(t, site, nil, made(2, a, x))
	next.drain()
	next.want(fits, durable.Done, `"x(a(f))"`)

	old = newBench(t, site, nil, made(1, a))
	stuck = old.submit(durable.Request{Workflow: "w", Input: "s"})
	old.drain()
	site.Clock.Advance(time.Hour)
	without := newBench(t, site, nil, made(2, x))
	without.drain()
	if run := without.want(stuck, durable.Parked, ""); !strings.Contains(run.Reason, `step "a"`) {
		t.Errorf("%q", run.Reason)
	}
	number := durable.NewStep("a", func(context.Context, int) (int, error) { return 0, nil })
	check(t, without.Resume(t.Context(), stuck))
	other := newBench(t, site, nil, durable.NewWorkflow("w", 3, func(f *durable.Flow, _ string) (int, error) { return number.Do(f, 1) }, number))
	other.drain()
	if run := other.want(stuck, durable.Parked, ""); !strings.Contains(run.Reason, "other types") {
		t.Errorf("%q", run.Reason)
	}
	check(t, other.Resume(t.Context(), stuck))
	same := newBench(t, site, nil, durable.NewWorkflow("w", 3, func(f *durable.Flow, in string) (string, error) { return a.Do(f, in+"?") }, a))
	same.drain()
	if run := same.want(stuck, durable.Parked, ""); !strings.Contains(run.Reason, "another input") {
		t.Errorf("%q", run.Reason)
	}
	if c.of("a") != 2 {
		t.Errorf("a was done %d times for two runs", c.of("a"))
	}
}

// testSchedules: of two workers one starts a run; one time that was missed is made up for.
func testSchedules(t *testing.T, site *Site) {
	done := durable.NewStep("done", func(context.Context, int) (int, error) { return 1, nil })
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (int, error) { return done.Do(f, 0) }, done)
	hourly := durable.Schedule{
		Name: "s", Spec: "hourly", Next: func(now time.Time) time.Time { return now.Truncate(time.Hour).Add(time.Hour) },
		Make: func(time.Time) durable.Request { return durable.Request{Workflow: "w", Key: "w"} },
	}
	start := func() (stop func()) {
		var all []*bench
		for range workersOf(site) {
			b := newBench(t, site, nil, flow)
			b.Start(context.Background(), hourly)
			all = append(all, b)
		}
		return func() {
			for _, b := range all {
				check(t, b.Stop(context.Background()))
			}
		}
	}
	b := newBench(t, site, nil, flow)
	ended := func() int {
		runs, err := b.List(context.Background(), durable.Filter{Statuses: []durable.Status{durable.Done}})
		check(t, err)
		return len(runs)
	}
	until := func(want int) {
		t.Helper()
		limit := time.After(20 * time.Second)
		for ended() < want {
			select {
			case <-limit:
				t.Fatalf("%d runs, want %d", ended(), want)
			default:
				b.log.Wait(context.Background(), 5*time.Millisecond)
			}
		}
	}
	mark := func() (n int64) {
		b.read(func(tx durable.Tx) (err error) {
			n, err = tx.Mark("schedule s hourly")
			return err
		})
		return n
	}
	stop := start()
	for mark() == 0 {
		b.log.Wait(context.Background(), time.Millisecond)
	}
	site.Clock.Advance(time.Hour)
	until(1)
	stop()
	site.Clock.Advance(5 * time.Hour) // nobody is there
	stop = start()
	until(2)
	stop()
	if n := ended(); n != 2 {
		t.Errorf("%d runs for two starts", n)
	}
}

// workersOf is how many processes may write at once.
func workersOf(site *Site) int {
	if site.Open().Exclusive() {
		return 1
	}
	return 2
}

// testQueues: limits hold over workers.
func testQueues(t *testing.T, site *Site) {
	entered, release := make(chan struct{}, 99), make(chan struct{})
	step := durable.NewStep("step", func(context.Context, int) (int, error) {
		entered <- struct{}{}
		<-release
		return 0, nil
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (int, error) { return step.Do(f, 0) }, step)
	b := newBench(t, site, func(c *durable.Config) {
		c.Queues = []durable.Queue{{Name: "narrow", Limit: 2}, {Name: "slow", Every: time.Minute}}
	}, flow)
	of := func(queue string, status durable.Status) int {
		runs, err := b.List(context.Background(), durable.Filter{Queue: queue, Statuses: []durable.Status{status}})
		check(t, err)
		return len(runs)
	}
	for range 10 {
		b.submit(durable.Request{Workflow: "w", Queue: "narrow"})
	}
	drained := make(chan error)
	go func() { drained <- b.Drain(context.Background()) }()
	<-entered
	if n := of("narrow", durable.Running); n != 2 {
		t.Errorf("%d at once", n)
	}
	close(release)
	check(t, <-drained)
	if n := of("narrow", durable.Done); n != 10 {
		t.Errorf("%d ended", n)
	}
	for range 3 {
		b.submit(durable.Request{Workflow: "w", Queue: "slow"})
	}
	for want := range 3 {
		b.drain()
		b.drain()
		if n := of("slow", durable.Done); n != want+1 {
			t.Errorf("%d ended after %d minutes", n, want)
		}
		site.Clock.Advance(time.Minute)
	}
}

// testResume: a failed run goes on with what is done.
func testResume(t *testing.T, site *Site) {
	var c counter
	down := true
	a := say(&c, "a", nil)
	z := say(&c, "z", func(int) error {
		if down {
			return trimtab.Errorf(trimtab.Outside, "down")
		}
		return nil
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, in string) (string, error) {
		x, err := a.Do(f, in)
		if err != nil {
			return "", err
		}
		return z.Do(f, x)
	}, a, z)
	b := newBench(t, site, nil, flow)
	id := b.submit(durable.Request{Workflow: "w", Input: "i", Key: "k"})
	b.drain()
	b.want(id, durable.Failed, "")
	down = false
	check(t, b.Resume(t.Context(), id))
	b.drain()
	b.want(id, durable.Done, `"z(a(i))"`)
	if c.of("a") != 1 || c.of("z") != 2 {
		t.Errorf("%v", c.n)
	}
}

// testRetryFrom: a step and what depends on it are done anew, and nothing else.
func testRetryFrom(t *testing.T, site *Site) {
	var c counter
	one, two := say(&c, "one", nil), say(&c, "two", nil)
	job := func(name string) func(*durable.Flow) error {
		return func(f *durable.Flow) error {
			c.add(name)
			if _, err := one.Do(f, name); err != nil {
				return err
			}
			_, err := two.Do(f, name)
			return err
		}
	}
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ string) (int, error) {
		g := f.Graph(1)
		a := g.Job("a", job("a"))
		g.Job("b", job("b"))
		g.Job("c", job("c"), a)
		if err := g.Run(); err != nil {
			return 0, err
		}
		_, err := one.Do(f, "end")
		return 0, err
	}, one, two)
	b := newBench(t, site, nil, flow)
	id := b.submit(durable.Request{Workflow: "w"})
	b.drain()
	b.want(id, durable.Done, "")
	if err := b.Retry(t.Context(), id, "a/three"); trimtab.CodeOf(err) != trimtab.Invalid || !strings.Contains(trimtab.NextOf(err), "a/two") {
		t.Errorf("%v, next %q", err, trimtab.NextOf(err))
	}
	check(t, b.Retry(t.Context(), id, "a/two"))
	b.drain()
	b.want(id, durable.Done, "")
	// of a only "two", of b nothing, all of c and the end
	if c.of("one") != 4+2 || c.of("two") != 3+2 {
		t.Errorf("%v", c.n)
	}
}

// testStepLimits: time-outs and hearts end an attempt, not the run.
func testStepLimits(t *testing.T, site *Site) {
	var calls atomic.Int32
	hang := func(ctx context.Context, _ int) (int, error) {
		if calls.Add(1) > 1 {
			return 1, nil
		}
		durable.Beat(ctx, "x", 1, 2)
		<-ctx.Done()
		return 0, ctx.Err()
	}
	for name, policy := range map[string]durable.Policy{
		"deadline":     {Timeout: 5 * time.Millisecond},
		"sign of life": {Heartbeat: 5 * time.Millisecond},
	} {
		calls.Store(0)
		policy.Retry = durable.Retry{Attempts: 2}
		step := durable.NewStep("step", hang).With(policy)
		once := durable.NewStep("once", hang).With(durable.Policy{Timeout: policy.Timeout, Heartbeat: policy.Heartbeat})
		b := newBench(t, site, nil, durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (int, error) { return step.Do(f, 0) }, step),
			durable.NewWorkflow("once", 1, func(f *durable.Flow, _ int) (int, error) { return once.Do(f, 0) }, once))
		id := b.submit(durable.Request{Workflow: "w"})
		b.drain()
		b.want(id, durable.Done, "1")
		calls.Store(0)
		id = b.submit(durable.Request{Workflow: "once"})
		b.drain()
		if run := b.want(id, durable.Failed, ""); !strings.Contains(run.Error.Text, name) {
			t.Errorf("%+v", run.Error)
		}
	}
}
