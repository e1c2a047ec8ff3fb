// Package durabletest is the suite that every [durable.Log] passes, and the model
// checker: it runs workflows, kills the process at every boundary there is, and holds
// what is left in the end against the run that never died.
package durabletest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/durable"
)

// Site is one empty log under test.
type Site struct {
	// Open gives the log as a new process sees it; what an earlier one opened is dead.
	Open func() durable.Log
	// Clock is the database's, which a test moves.
	Clock *clock.Manual
	// Jam makes every commit ask at its doors; nil takes it away.
	Jam func(func(door string) error)
	// Record notes a domain row in a transaction's domain, and Rows counts them: what
	// must be there exactly once.
	Record func(domain any, what string) error
	Rows   func() map[string]int
	// Close gives back what the site holds; nil when that is nothing.
	Close func()
}

// Run runs the suite; open makes an empty site.
func Run(t *testing.T, open func(*testing.T) *Site) {
	for name, test := range map[string]func(*testing.T, *Site){
		"rows": testRows, "keys": testKeys, "due": testDue, "marks": testMarks, "undone": testUndone,
		"fence": testFence, "memo": testMemo, "retry": testRetry, "timers": testTimers, "signals": testSignals, "early signal": testEarlySignal, "racing signal": testRacingSignal,
		"cancel": testCancel, "cancel at work": testCancelAtWork, "graph": testGraph, "names": testNames, "each": testEach, "versions": testVersions,
		"poison": testPoison, "schedules": testSchedules, "queues": testQueues, "resume": testResume, "retry from": testRetryFrom,
		"takeover": testTakeover, "outage": testOutage, "clock steps": testClockSteps, "stop": testStop, "limits of steps": testStepLimits,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	t.Run("every boundary", func(t *testing.T) { testBoundaries(t, open) })
}

// bench is an engine over a site.
type bench struct {
	*durable.Engine
	t    *testing.T
	site *Site
	log  durable.Log
}

var workers struct {
	sync.Mutex
	n int
}

// worker is a name that nobody had.
func worker() string {
	workers.Lock()
	defer workers.Unlock()
	workers.n++
	return fmt.Sprintf("w%d", workers.n)
}

// newBench is a process that has just started.
func newBench(t *testing.T, site *Site, change func(*durable.Config), flows ...durable.Workflow) *bench {
	t.Helper()
	log := site.Open()
	cfg := durable.Config{Log: log, Clock: site.Clock, Worker: worker(), Poll: 10 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	e, err := durable.New(cfg, flows...)
	check(t, err)
	return &bench{Engine: e, t: t, site: site, log: log}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) submit(req durable.Request) int64 {
	b.t.Helper()
	id, _, err := b.Submit(context.Background(), req)
	check(b.t, err)
	return id
}

// drain works on everything that is due.
func (b *bench) drain() {
	b.t.Helper()
	check(b.t, b.Drain(context.Background()))
}

func (b *bench) show(id int64) (*durable.Run, map[string]*durable.Record) {
	b.t.Helper()
	run, records, err := b.Show(context.Background(), id)
	check(b.t, err)
	by := map[string]*durable.Record{}
	for _, r := range records {
		by[r.Name] = r
	}
	return run, by
}

// want holds a run's status and output.
func (b *bench) want(id int64, status durable.Status, output string) *durable.Run {
	b.t.Helper()
	run, _ := b.show(id)
	if run.Status != status || output != "" && string(run.Output) != output {
		b.t.Fatalf("run %d is %s with output %s, error %+v, reason %q; want %s %s", id, run.Status, run.Output, run.Error, run.Reason, status, output)
	}
	return run
}

func (b *bench) write(fn func(durable.Tx) error) {
	b.t.Helper()
	check(b.t, b.log.Write(context.Background(), fn))
}

func (b *bench) read(fn func(durable.Tx) error) {
	b.t.Helper()
	check(b.t, b.log.Read(context.Background(), fn))
}

var errBroken = errors.New("broken")

// NewMemory is the site of a log in memory that one process has.
func NewMemory() *Site { return memorySite(false) }

// NewSharedMemory is the site of a log in memory that several processes write to.
func NewSharedMemory() *Site { return memorySite(true) }

func memorySite(shared bool) *Site {
	manual := clock.At(time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC))
	log := &durable.Memory{Clock: manual, Shared: shared}
	rows := map[string]int{}
	var mu sync.Mutex
	return &Site{
		Open: func() durable.Log { return log }, Clock: manual,
		Jam: func(fn func(string) error) { log.Jam = fn },
		Record: func(domain any, what string) error {
			tx := domain.(durable.Tx) //nolint:forcetypeassert // memory's own
			// Memory has no other rows: a mark is one, and undone with the rest.
			n, err := tx.Mark("row " + what)
			if err != nil {
				return err
			}
			mu.Lock()
			rows[what] = 0
			mu.Unlock()
			return tx.SetMark("row "+what, n+1)
		},
		Rows: func() map[string]int {
			mu.Lock()
			defer mu.Unlock()
			got := map[string]int{}
			_ = log.Read(context.Background(), func(tx durable.Tx) error { // memory is always there
				for what := range rows {
					n, err := tx.Mark("row " + what)
					if err != nil {
						return err
					}
					if n > 0 {
						got[what] = int(n)
					}
				}
				return nil
			})
			return got
		},
	}
}
