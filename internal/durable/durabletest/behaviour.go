package durabletest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/durable"
)

// counter counts the calls of steps by name.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name]++
	return c.n[name]
}

func (c *counter) of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// say is a step that counts its calls and gives its name; fail, if not nil, may fail it.
func say(c *counter, name string, fail func(call int) error) *durable.Step[string, string] {
	return durable.NewStep(name, func(_ context.Context, in string) (string, error) {
		n := c.add(name)
		if fail != nil {
			if err := fail(n); err != nil {
				return "", err
			}
		}
		return name + "(" + in + ")", nil
	})
}

// testMemo: a step is done once, and what it gave is given again.
func testMemo(t *testing.T, site *Site) {
	var c counter
	a, b := say(&c, "a", nil), say(&c, "b", nil)
	tx := durable.NewStepTx("tx", func(_ context.Context, tx any, in string) (int, error) { return len(in), nil })
	down := true
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, in string) (string, error) {
		x, err := a.Do(f, in)
		if err != nil {
			return "", err
		}
		n, err := tx.Do(f, x)
		if err != nil {
			return "", err
		}
		if down {
			if err := f.Sleep("night", time.Hour); err != nil {
				return "", err
			}
		}
		y, err := b.Do(f, x)
		return fmt.Sprintf("%s %d", y, n), err
	}, a, b, tx)
	first := newBench(t, site, nil, flow)
	id := first.submit(durable.Request{Workflow: "w", Input: "in"})
	first.drain()
	first.want(id, durable.Waiting, "")
	site.Clock.Advance(time.Hour)
	second := newBench(t, site, nil, flow)
	second.drain()
	second.want(id, durable.Done, `"b(a(in)) 5"`)
	if c.of("a") != 1 || c.of("b") != 1 {
		t.Errorf("%v", c.n)
	}
}

// testRetry: failures are tried again after pauses, up to the policy, unless they are
// final.
func testRetry(t *testing.T, site *Site) {
	var c counter
	down := trimtab.Errorf(trimtab.Outside, "down").WithNext("wait")
	steps := []*durable.Step[string, string]{
		say(&c, "mended", func(n int) error {
			if n < 3 {
				return down
			}
			return nil
		}),
		say(&c, "hopeless", func(int) error { return down }),
		say(&c, "wrong", func(int) error { return trimtab.Errorf(trimtab.Invalid, "wrong") }),
		say(&c, "final", func(int) error { return durable.Permanent(down) }),
		say(&c, "panics", func(int) error { panic("oh") }),
	}
	var listed []durable.Registered
	for _, s := range steps {
		s.With(durable.Policy{Retry: durable.Retry{Attempts: 3, First: time.Minute}})
		listed = append(listed, s)
	}
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, which int) (string, error) { return steps[which].Do(f, "x") }, listed...)
	b := newBench(t, site, nil, flow)
	var ids []int64
	for i := range steps {
		ids = append(ids, b.submit(durable.Request{Workflow: "w", Input: i}))
	}
	b.drain()
	run, records := b.show(ids[0])
	if run.Status != durable.Waiting || records["mended"].Outcome != durable.StepRetrying || records["mended"].Attempts != 1 {
		t.Errorf("%+v, %+v", run, records["mended"])
	}
	if wait := records["mended"].NextAt.Sub(site.Clock.Now()); wait < 50*time.Second || wait > 70*time.Second {
		t.Errorf("a pause of %s", wait)
	}
	for range 3 {
		site.Clock.Advance(3 * time.Minute)
		b.drain()
	}
	b.want(ids[0], durable.Done, `"mended(x)"`)
	if run := b.want(ids[1], durable.Failed, ""); run.Error.Code != trimtab.Outside || run.Error.Text != "down" || run.Error.Next != "wait" {
		t.Errorf("%+v", run.Error)
	}
	for _, id := range ids[2:] {
		b.want(id, durable.Failed, "")
	}
	for name, want := range map[string]int{"mended": 3, "hopeless": 3, "wrong": 1, "final": 1, "panics": 1} {
		if c.of(name) != want {
			t.Errorf("%s was called %d times", name, c.of(name))
		}
	}
}

// testTimers: a wait survives its process and is counted from its beginning.
func testTimers(t *testing.T, site *Site) {
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (time.Time, error) {
		began, err := f.Now("began")
		if err != nil {
			return began, err
		}
		if err := f.Sleep("short", time.Second); err != nil {
			return began, err
		}
		return began, f.Sleep("long", 2*time.Hour)
	})
	began := site.Clock.Now()
	b := newBench(t, site, nil, flow)
	id := b.submit(durable.Request{Workflow: "w"})
	b.drain()
	b.want(id, durable.Waiting, "")
	site.Clock.Advance(time.Hour)
	b = newBench(t, site, nil, flow)
	b.drain()
	b.want(id, durable.Waiting, "")
	site.Clock.Advance(time.Hour)
	b = newBench(t, site, nil, flow)
	b.drain()
	b.want(id, durable.Done, `"`+began.Format(time.RFC3339)+`"`)
}

// testSignals: a run waits for a signal, with and without a limit.
func testSignals(t *testing.T, site *Site) {
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, limit time.Duration) (string, error) {
		got, err := f.Signal("approve", "a person must approve", limit)
		return string(got), err
	})
	b := newBench(t, site, nil, flow)
	patient, hasty := b.submit(durable.Request{Workflow: "w"}), b.submit(durable.Request{Workflow: "w", Input: time.Hour})
	b.drain()
	for _, id := range []int64{patient, hasty} {
		if run := b.want(id, durable.Waiting, ""); run.Awaits != "approve" || !strings.Contains(run.Reason, "approve") {
			t.Errorf("%+v", run)
		}
	}
	site.Clock.Advance(2 * time.Hour)
	b.drain()
	if run := b.want(hasty, durable.Failed, ""); !strings.Contains(run.Error.Text, "deadline") {
		t.Errorf("%+v", run.Error)
	}
	b.want(patient, durable.Waiting, "")
	if run, err := b.Follow(t.Context(), patient); err != nil || !run.Indefinite() {
		t.Errorf("whoever follows it hears that it waits: %+v, %v", run, err)
	}
	if added, err := b.Signal(t.Context(), patient, "other", 1); !added || err != nil {
		t.Errorf("%t, %v", added, err)
	}
	b.drain()
	b.want(patient, durable.Waiting, "")
	if added, err := b.Signal(t.Context(), patient, "approve", "ann"); !added || err != nil {
		t.Errorf("%t, %v", added, err)
	}
	if added, err := b.Signal(t.Context(), patient, "approve", "ben"); added || err != nil {
		t.Errorf("the second of a name: %t, %v", added, err)
	}
	b.drain()
	b.want(patient, durable.Done, `"\"ann\""`)
	if _, err := b.Signal(t.Context(), hasty, "approve", 1); trimtab.CodeOf(err) != trimtab.Invalid {
		t.Errorf("a run that has ended: %v", err)
	}
}

// testEarlySignal: a signal that comes before the run waits for it is not lost.
func testEarlySignal(t *testing.T, site *Site) {
	var b *bench
	var id int64
	send := durable.NewStep("send", func(ctx context.Context, _ int) (int, error) {
		_, err := b.Signal(ctx, id, "go", 7)
		return 0, err
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (string, error) {
		if _, err := send.Do(f, 0); err != nil {
			return "", err
		}
		got, err := f.Signal("go", "", 0)
		return string(got), err
	}, send)
	b = newBench(t, site, nil, flow)
	id = b.submit(durable.Request{Workflow: "w"})
	b.drain()
	b.want(id, durable.Done, `"7"`)
}

// testRacingSignal: nor is one that comes between the look for it and the sleep.
func testRacingSignal(t *testing.T, site *Site) {
	var b *bench
	var id int64
	var armed atomic.Bool // looks come from the keeping of leases, too
	arm := durable.NewStep("arm", func(context.Context, int) (int, error) {
		armed.Store(true)
		return 0, nil
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (string, error) {
		if _, err := arm.Do(f, 0); err != nil {
			return "", err
		}
		got, err := f.Signal("go", "", 0)
		return string(got), err
	}, arm)
	b = newBench(t, site, func(c *durable.Config) {
		c.Log = racing{c.Log, func() {
			if armed.CompareAndSwap(true, false) {
				_, err := b.Signal(context.Background(), id, "go", 7)
				check(t, err)
			}
		}}
	}, flow)
	id = b.submit(durable.Request{Workflow: "w"})
	b.drain()
	b.want(id, durable.Done, `"7"`)
}

// racing is a log in which something happens after each look.
type racing struct {
	durable.Log
	then func()
}

// Read implements [durable.Log].
func (r racing) Read(ctx context.Context, fn func(durable.Tx) error) error {
	err := r.Log.Read(ctx, fn)
	r.then()
	return err
}

// testCancel: a run that nobody has ends at once.
func testCancel(t *testing.T, site *Site) {
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (int, error) { return 0, f.Sleep("long", time.Hour) })
	b := newBench(t, site, nil, flow)
	waiting, pending := b.submit(durable.Request{Workflow: "w"}), b.submit(durable.Request{Workflow: "w", At: site.Clock.Now().Add(time.Minute)})
	b.drain()
	for _, id := range []int64{waiting, pending} {
		check(t, b.Cancel(t.Context(), id))
		b.want(id, durable.Cancelled, "")
		if err := b.Cancel(t.Context(), id); trimtab.CodeOf(err) != trimtab.Invalid {
			t.Errorf("twice: %v", err)
		}
	}
	if err := b.Cancel(t.Context(), 99); trimtab.CodeOf(err) != trimtab.NotFound {
		t.Errorf("%v", err)
	}
}

// testCancelAtWork: cancelling reaches a step that is running.
func testCancelAtWork(t *testing.T, site *Site) {
	begun := make(chan struct{})
	step := durable.NewStep("step", func(ctx context.Context, _ int) (int, error) {
		close(begun)
		<-ctx.Done()
		return 0, ctx.Err()
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (int, error) { return step.Do(f, 0) }, step)
	b := newBench(t, site, func(c *durable.Config) { c.Lease = 60 * time.Millisecond; c.Margin = time.Millisecond }, flow)
	id := b.submit(durable.Request{Workflow: "w"})
	ended := make(chan *durable.Run)
	go func() {
		run, err := b.Follow(context.Background(), id)
		if err != nil {
			t.Error(err)
		}
		ended <- run
	}()
	<-begun
	check(t, b.Cancel(t.Context(), id))
	if run := <-ended; run.Status != durable.Cancelled {
		t.Errorf("%+v", run)
	}
	if _, records := b.show(id); len(records) != 0 {
		t.Errorf("an attempt that was cut off counts: %+v", records)
	}
}

// testGraph: what has no unmet dependency runs, a failure skips what depends on it and
// nothing else, and the run says what is missing.
func testGraph(t *testing.T, site *Site) {
	var c counter
	ok := say(&c, "ok", nil)
	bad := say(&c, "bad", func(int) error { return trimtab.Errorf(trimtab.Outside, "down") })
	var most, now atomic.Int32
	busy := func(f *durable.Flow) error {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		_, err := ok.Do(f, "")
		return err
	}
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (string, error) {
		g := f.Graph(2)
		a := g.Job("a", busy)
		broken := g.Job("broken", func(f *durable.Flow) error {
			_, err := bad.Do(f, "")
			return err
		})
		g.Job("b", busy, a)
		after := g.Job("after", busy, broken)
		g.Job("later", busy, after, a)
		g.Job("c", busy, a)
		return "rest", g.Run()
	}, ok, bad)
	b := newBench(t, site, nil, flow)
	id := b.submit(durable.Request{Workflow: "w"})
	b.drain()
	run := b.want(id, durable.Partial, `"rest"`)
	for _, want := range []string{"broken: down", "after: skipped, since broken is failed", "later: skipped, since after is skipped"} {
		if !strings.Contains(run.Error.Text, want) {
			t.Errorf("%q lacks %q", run.Error.Text, want)
		}
	}
	_, records := b.show(id)
	got := map[string]durable.Outcome{}
	for name, r := range records {
		if r.Kind == durable.KindJob {
			got[name] = r.Outcome
		}
	}
	want := map[string]durable.Outcome{
		"a": durable.StepDone, "b": durable.StepDone, "c": durable.StepDone, "broken": durable.StepFailed,
		"after": durable.StepSkipped, "later": durable.StepSkipped,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || c.of("ok") != 3 || most.Load() > 2 {
		t.Errorf("%v, %d calls, %d at once", got, c.of("ok"), most.Load())
	}
	if !slices.Equal(records["later"].After, []string{"after", "a"}) {
		t.Errorf("%+v", records["later"])
	}
}

// testNames: a job may have any name, and one that cannot be begun says so.
func testNames(t *testing.T, site *Site) {
	var c counter
	ok := say(&c, "ok", nil)
	names := []string{"eu/west[1]", "eu%2Fwest[1]", "plain"}
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, twice bool) (int, error) {
		given := names
		if twice {
			given = append(given, "plain")
		}
		results, err := durable.Side(f, "site", given, func(f *durable.Flow, i int) (string, error) { return ok.Do(f, given[i]) })
		n := 0
		for i, r := range results {
			if r.Item != given[i] || (r.Err != nil) != twice {
				t.Errorf("%+v", r)
			}
			if r.Err == nil && r.Out == "ok("+given[i]+")" {
				n++
			}
		}
		return n, err
	}, ok)
	b := newBench(t, site, nil, flow)
	id, twice := b.submit(durable.Request{Workflow: "w"}), b.submit(durable.Request{Workflow: "w", Input: true})
	b.drain()
	b.want(id, durable.Done, "3")
	b.want(twice, durable.Done, "0")
	if _, records := b.show(id); records["site eu%2Fwest%5B1%5D/ok"] == nil || records["site eu%252Fwest%5B1%5D/ok"] == nil {
		t.Errorf("%v", records)
	}
}

// testEach: many items, a bounded number at once, one failure stops nobody.
func testEach(t *testing.T, site *Site) {
	var most, now atomic.Int32
	square := durable.NewStep("square", func(_ context.Context, n int) (int, error) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		if n == 13 {
			return 0, trimtab.Errorf(trimtab.Outside, "unlucky")
		}
		return n * n, nil
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, n int) (int, error) {
		items := make([]int, n)
		for i := range items {
			items[i] = i
		}
		results, err := square.Each(f, 8, items, func(n int) string { return fmt.Sprint("n", n) })
		sum := 0
		for i, r := range results {
			if (r.Err != nil) != (i == 13) || r.Item != fmt.Sprint("n", i) {
				t.Errorf("%+v", r)
			}
			sum += r.Out
		}
		return sum, err
	}, square)
	b := newBench(t, site, nil, flow)
	id := b.submit(durable.Request{Workflow: "w", Input: 200})
	b.drain()
	want := 0
	for n := range 200 {
		if n != 13 {
			want += n * n
		}
	}
	run := b.want(id, durable.Done, fmt.Sprint(want))
	if most.Load() > 8 || run.Progress["square"].Total != 200 || run.Progress["square"].Done != 200 {
		t.Errorf("%d at once, %+v", most.Load(), run.Progress)
	}
}

// errKilled is what a dead process gets from everything.
type errKilled struct{}

// Error is the sentence.
func (errKilled) Error() string { return "killed" }

// Lost says that nothing can be told of what was asked for.
func (errKilled) Lost() bool { return true }

// testPoison: a run that kills its workers is parked, and killing alone counts no attempt.
func testPoison(t *testing.T, site *Site) {
	dead := false
	site.Jam(func(string) error {
		if dead {
			return errKilled{}
		}
		return nil
	})
	kills, parked := 3, 0
	step := durable.NewStep("step", func(context.Context, int) (int, error) {
		if kills > 0 {
			kills--
			dead = true
			return 0, errKilled{}
		}
		return 1, nil
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (int, error) { return step.Do(f, 0) }, step)
	live := func() *bench {
		dead = false
		return newBench(t, site, func(c *durable.Config) {
			c.Rules.MaxCrashes = 4
			c.Observe = func(n durable.Note) {
				if n.What == string(durable.Parked) {
					parked++
				}
			}
		}, flow)
	}
	id := live().submit(durable.Request{Workflow: "w"})
	for range 5 {
		_ = live().Drain(context.Background()) // it may die
		site.Clock.Advance(time.Minute)
	}
	run := live().want(id, durable.Done, "1")
	if _, records := live().show(id); records["step"].Attempts != 1 || run.Crashes != 0 {
		t.Errorf("%+v, %+v", run, records["step"])
	}
	kills = 99
	id = live().submit(durable.Request{Workflow: "w"})
	for range 8 {
		_ = live().Drain(context.Background()) // it dies
		site.Clock.Advance(time.Minute)
	}
	if run := live().want(id, durable.Parked, ""); !strings.Contains(run.Reason, "5 workers in a row died") || kills != 99-5 {
		t.Errorf("%q after %d kills", run.Reason, 99-kills)
	}
	if parked != 1 {
		t.Errorf("%d observers heard of it", parked)
	}
	kills = 0
	check(t, live().Resume(context.Background(), id))
	check(t, live().Drain(context.Background()))
	live().want(id, durable.Done, "1")
}

// testTakeover: where others may write, a run is taken over when its lease is over, and
// the first worker hears of it.
func testTakeover(t *testing.T, site *Site) {
	log := site.Open()
	if log.Exclusive() {
		return // a lock takes the place of leases; the boundaries try that
	}
	var calls atomic.Int32
	begun, over := make(chan struct{}), make(chan error, 1)
	step := durable.NewStep("step", func(ctx context.Context, _ int) (int, error) {
		if calls.Add(1) == 1 {
			close(begun)
			<-ctx.Done()
			over <- context.Cause(ctx)
			return 1, nil // as if it had not heard
		}
		return 2, nil
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (int, error) { return step.Do(f, 0) }, step)
	first := newBench(t, site, func(c *durable.Config) { c.Lease = 300 * time.Millisecond; c.Margin = time.Millisecond }, flow)
	id := first.submit(durable.Request{Workflow: "w"})
	go func() { _ = first.Drain(context.Background()) }()
	<-begun
	second := newBench(t, site, nil, flow)
	second.drain()
	second.want(id, durable.Running, "")
	site.Clock.Advance(time.Hour)
	second.drain()
	second.want(id, durable.Done, "2")
	if err := <-over; !errors.Is(err, durable.ErrFenced) {
		t.Errorf("the first worker hears %v", err)
	}
	second.want(id, durable.Done, "2")
}
