package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
)

// Config is what an engine is made of; zero fields have the defaults that stand there.
type Config struct {
	Log    Log
	Clock  clock.Clock // what pauses are waited with; the system's
	Worker string      // a name that no other process has or had; needed
	Rules  Rules
	Queues []Queue       // those with limits; a queue that is not named has none
	Slots  int           // runs at work here at once; 16
	Lease  time.Duration // 30 s
	Margin time.Duration // before a lease's end, in which nothing is begun outside; 5 s
	Poll   time.Duration // how often is looked for work that nobody told of; 2 s
	Inline time.Duration // the longest pause for which a run keeps its slot; 5 s
	Keep   time.Duration // how long runs are kept after their end; 30 days
	// Around adds to the context of every step; may be nil.
	Around func(context.Context, *Lease) context.Context
	// Observe is told what happens; may be nil.
	Observe func(Note)
	Logger  *slog.Logger // discards
}

// Queue limits the runs that are in it.
type Queue struct {
	Name  string
	Limit int           // at work at once, over all workers; 0 is no limit
	Every time.Duration // between two starts at the least; 0 is no limit
}

// Note tells an observer of a run that began or ended its work here.
type Note struct {
	Run  Run
	What string // "claimed", or the status that it came to
}

// Engine carries out runs of its workflows.
type Engine struct {
	Operator
	cfg       Config
	workflows map[string]Workflow

	mu     sync.Mutex
	active map[int64]*execution
	work   sync.WaitGroup
	untend context.CancelFunc // ends the keeping of leases; nil while nothing is at work
	tended <-chan struct{}    // closed when the keeping of leases has ended

	schedules []Schedule
	cancel    context.CancelFunc
	stopped   chan struct{}
}

// New makes an engine; it starts nothing. The error is a workflow that cannot be.
func New(cfg Config, workflows ...Workflow) (*Engine, error) {
	cfg.Clock = orClock(cfg.Clock)
	cfg.Slots, cfg.Lease, cfg.Margin = or(cfg.Slots, 16), or(cfg.Lease, 30*time.Second), or(cfg.Margin, 5*time.Second)
	cfg.Poll, cfg.Inline, cfg.Keep = or(cfg.Poll, 2*time.Second), or(cfg.Inline, 5*time.Second), or(cfg.Keep, 30*24*time.Hour)
	cfg.Rules.MaxCrashes = or(cfg.Rules.MaxCrashes, 10)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Queues = slices.SortedFunc(slices.Values(cfg.Queues), func(a, b Queue) int { return strings.Compare(a.Name, b.Name) })
	e := &Engine{cfg: cfg, workflows: map[string]Workflow{}, active: map[int64]*execution{}}
	e.Operator = Operator{Log: cfg.Log, Rules: cfg.Rules}
	for _, w := range workflows {
		if err := w.checkNames(); err != nil {
			return nil, err
		}
		if _, twice := e.workflows[w.name]; twice {
			return nil, trimtab.Errorf(trimtab.Internal, "there are two workflows %q", w.name)
		}
		e.workflows[w.name] = w
	}
	return e, nil
}

func orClock(c clock.Clock) clock.Clock {
	if c == nil {
		return clock.System{}
	}
	return c
}

// Request asks for a run.
type Request struct {
	Workflow string
	Key      string // at most one run that has not ended has it; "" is none
	Queue    string
	Input    any
	At       time.Time // not before; zero is now
}

// Submit adds a run, or finds the one that has the key and has not ended; added says
// which.
func (e *Engine) Submit(ctx context.Context, req Request) (id int64, added bool, err error) {
	err = e.cfg.Log.Write(ctx, func(tx Tx) (err error) {
		id, added, err = e.insert(tx, req)
		return err
	})
	return id, added, err
}

func (e *Engine) insert(tx Tx, req Request) (int64, bool, error) {
	w, ok := e.workflows[req.Workflow]
	if !ok {
		return 0, false, trimtab.Errorf(trimtab.Internal, "there is no workflow %q", req.Workflow)
	}
	input, err := json.Marshal(req.Input)
	if err != nil {
		return 0, false, trimtab.Errorf(trimtab.Internal, "write down the input of %s: %w", req.Workflow, err)
	}
	now, err := tx.Now()
	if err != nil {
		return 0, false, err
	}
	run := &Run{
		Workflow: w.name, Version: w.version, Key: req.Key, Queue: req.Queue, Input: input, Status: Pending, CreatedAt: now, WakeAt: now,
	}
	if req.At.After(now) {
		run.WakeAt = req.At
	}
	added, err := tx.Insert(run)
	return run.ID, added, err
}

// Start works on what is due until [Engine.Stop], and starts what schedules say.
func (e *Engine) Start(ctx context.Context, schedules ...Schedule) {
	ctx, cancel := context.WithCancel(ctx)
	e.schedules, e.cancel, e.stopped = schedules, cancel, make(chan struct{})
	go func() {
		defer close(e.stopped)
		e.loop(ctx)
	}()
}

// Stop ends the work in good order: runs give up their leases and go on from their last
// step when somebody claims them. It waits for them, or for ctx; twice is once.
func (e *Engine) Stop(ctx context.Context) error {
	if e.cancel != nil {
		e.cancel()
		<-e.stopped
		e.cancel = nil
	}
	e.interrupt(ErrStopped)
	idle := make(chan struct{})
	go func() {
		e.work.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Follow waits until a run has ended, is parked or waits for a signal without a limit, and
// gives it. Unless the engine was started, it works on the run here whenever nobody else
// does. When ctx ends, the run is given back, to go on later.
func (e *Engine) Follow(ctx context.Context, id int64) (*Run, error) {
	for {
		run, err := e.look(ctx, id)
		if err != nil {
			return nil, err
		}
		if run.Status.Ended() || run.Status == Parked || run.Indefinite() {
			return run, nil
		}
		if e.stopped == nil {
			claimed, err := e.claim(ctx, 1, id)
			if err != nil {
				return run, err
			}
			e.launch(ctx, claimed)
		}
		if err := e.await(ctx, id); err != nil {
			return run, err
		}
	}
}

func (e *Engine) look(ctx context.Context, id int64) (run *Run, err error) {
	err = e.cfg.Log.Read(ctx, func(tx Tx) (err error) {
		run, err = tx.Run(id)
		return err
	})
	return run, err
}

// await waits for the end of the work on a run here, or for news if it is elsewhere.
func (e *Engine) await(ctx context.Context, id int64) error {
	e.mu.Lock()
	x := e.active[id]
	e.mu.Unlock()
	if x == nil {
		e.cfg.Log.Wait(ctx, e.cfg.Poll)
		return ctx.Err()
	}
	select {
	case <-x.ended:
		return nil
	case <-ctx.Done():
		_ = x.stop(ErrStopped)
		<-x.ended
		return ctx.Err()
	}
}

// Drain works on what is due until nothing is, and returns when all of it has come to
// its end or to a wait.
func (e *Engine) Drain(ctx context.Context) error {
	for {
		claimed, err := e.claim(ctx, e.cfg.Slots, 0)
		if err != nil || len(claimed) == 0 {
			return err
		}
		e.launch(ctx, claimed)
		e.work.Wait()
	}
}

// interrupt ends the work on everything that is active.
func (e *Engine) interrupt(why error) {
	e.mu.Lock()
	all := slices.Collect(maps.Values(e.active))
	e.mu.Unlock()
	for _, x := range all {
		_ = x.stop(why)
	}
}

// loop claims what is due until ctx ends. While the database is away it keeps asking.
func (e *Engine) loop(ctx context.Context) {
	var pruned time.Time
	for ctx.Err() == nil {
		err := e.tick(ctx)
		if err == nil {
			err = e.claimDue(ctx)
		}
		if time.Since(pruned) > time.Hour && err == nil {
			pruned, err = time.Now(), e.prune(ctx)
		}
		if err != nil && ctx.Err() == nil {
			e.log().Error("runs cannot be claimed", "error", err, "next", "it is tried again until the state answers")
		}
		e.cfg.Log.Wait(ctx, e.cfg.Poll)
	}
}

// prune deletes what ended long ago.
func (e *Engine) prune(ctx context.Context) error {
	return e.cfg.Log.Write(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		_, err = tx.Prune(now.Add(-e.cfg.Keep))
		return err
	})
}

func (e *Engine) log() *slog.Logger { return e.cfg.Logger }

func (e *Engine) observe(n Note) {
	if e.cfg.Observe != nil {
		e.cfg.Observe(n)
	}
}

// named tells the workers of one process apart.
var named atomic.Int64

// Name is a name for a worker that no other has or had: host, process, and when.
func Name() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%x.%d", host, os.Getpid(), time.Now().UnixMicro(), named.Add(1))
}

// Progress is how far a run is that is at work here; nil if it is not.
func (e *Engine) Progress(id int64) Progress {
	e.mu.Lock()
	x := e.active[id]
	e.mu.Unlock()
	if x == nil {
		return nil
	}
	return x.counted()
}
