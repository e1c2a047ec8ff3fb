package durabletest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/durable"
)

// Outage holds that a database which cannot be used for a while costs nothing: no attempt,
// no step twice, no run. fail makes it unusable, mend usable again; both are called while
// a run is at work.
func Outage(t *testing.T, site *Site, fail, mend func()) {
	t.Helper()
	var c counter
	broken, noticed := make(chan struct{}), make(chan struct{})
	a, z := say(&c, "a", nil), say(&c, "z", nil)
	row := durable.NewStepTx("row", func(_ context.Context, tx any, in string) (string, error) { return in, site.Record(tx, in) })
	outage := durable.NewStep("outage", func(context.Context, string) (string, error) {
		if c.add("outage") == 1 {
			fail()
			close(broken)
		}
		// Large, so that a disk that is full has no place for it.
		return strings.Repeat("over", 1<<16), nil
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, in string) (string, error) {
		for _, s := range []*durable.Step[string, string]{a, row, outage, z} {
			out, err := s.Do(f, in)
			if err != nil {
				return "", err
			}
			in = out[:min(len(out), 5)]
		}
		return in, nil
	}, a, row, outage, z)
	var told atomic.Bool
	b := newBench(t, site, func(c *durable.Config) {
		c.Poll = 5 * time.Millisecond
		c.Log = noticing{c.Log, func(err error) {
			select {
			case <-broken:
				if err != nil && c.Log.Lost(err) && told.CompareAndSwap(false, true) {
					close(noticed)
				}
			default:
			}
		}}
	}, flow)
	id := b.submit(durable.Request{Workflow: "w", Input: "in"})
	b.Start(context.Background())
	<-noticed
	mend()
	run, err := b.Follow(context.Background(), id)
	check(t, err)
	check(t, b.Stop(context.Background()))
	if run.Status != durable.Done || string(run.Output) != `"z(ove"` || run.Crashes != 0 {
		t.Errorf("%+v", run)
	}
	_, records := b.show(id)
	if c.of("a") != 1 || site.Rows()["a(in)"] != 1 || records["outage"].Attempts != 1 {
		t.Errorf("%v, %v, %+v", c.n, site.Rows(), records["outage"])
	}
}

// noticing is a log whose errors are looked at.
type noticing struct {
	durable.Log
	see func(error)
}

// Write implements [durable.Log].
func (n noticing) Write(ctx context.Context, fn func(durable.Tx) error) error {
	err := n.Log.Write(ctx, fn)
	n.see(err)
	return err
}

// testOutage: the doors are shut for a while.
func testOutage(t *testing.T, site *Site) {
	var shut atomic.Bool
	site.Jam(func(string) error {
		if shut.Load() {
			return errKilled{}
		}
		return nil
	})
	Outage(t, site, func() { shut.Store(true) }, func() { shut.Store(false) })
}

// testClockSteps: a database's clock that steps back or forth delays a wait or ends it, and
// does nothing else.
func testClockSteps(t *testing.T, site *Site) {
	var c counter
	a := say(&c, "a", nil)
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, in string) (string, error) {
		out, err := a.Item(f, "before", in)
		if err != nil {
			return "", err
		}
		if err := f.Sleep("hour", time.Hour); err != nil {
			return "", err
		}
		return a.Item(f, "after", out)
	}, a)
	begun := site.Clock.Now()
	b := newBench(t, site, nil, flow)
	id := b.submit(durable.Request{Workflow: "w", Input: "in"})
	b.drain()
	b.want(id, durable.Waiting, "")
	site.Clock.Set(begun.Add(-24 * time.Hour))
	b.drain()
	b.want(id, durable.Waiting, "")
	late := b.submit(durable.Request{Workflow: "w", Input: "late"})
	b.drain()
	b.want(late, durable.Waiting, "")
	site.Clock.Set(begun.Add(48 * time.Hour))
	b.drain()
	for want, run := range map[string]int64{`"a(a(in))"`: id, `"a(a(late))"`: late} {
		b.want(run, durable.Done, want)
	}
	if c.of("a") != 4 {
		t.Errorf("%v", c.n)
	}
}

// testStop: a worker that is stopped gives its runs back, which is no crash and no attempt.
func testStop(t *testing.T, site *Site) {
	begun := make(chan struct{}, 1)
	var calls atomic.Int32
	step := durable.NewStep("step", func(ctx context.Context, _ int) (int, error) {
		if calls.Add(1) > 1 {
			return 7, nil
		}
		begun <- struct{}{}
		<-ctx.Done()
		return 0, ctx.Err()
	})
	flow := durable.NewWorkflow("w", 1, func(f *durable.Flow, _ int) (int, error) { return step.Do(f, 0) }, step)
	b := newBench(t, site, nil, flow)
	id := b.submit(durable.Request{Workflow: "w"})
	b.Start(context.Background())
	<-begun
	check(t, b.Stop(context.Background()))
	check(t, b.Stop(context.Background()))
	run := b.want(id, durable.Pending, "")
	if _, records := b.show(id); len(records) != 0 || run.Crashes != 0 {
		t.Errorf("%+v, %v", run, records)
	}
	ctx, cancel := context.WithCancel(context.Background())
	calls.Store(0)
	followed := make(chan error)
	again := newBench(t, site, nil, flow)
	go func() {
		_, err := again.Follow(ctx, id)
		followed <- err
	}()
	<-begun
	cancel()
	if err := <-followed; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	again.want(id, durable.Pending, "")
	last := newBench(t, site, nil, flow)
	last.drain()
	last.want(id, durable.Done, "7")
}
