package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
)

// Config is what an engine is made of; zero fields have the defaults that stand there.
type Config struct {
	Log    Log
	Clock  clock.Clock   // what pauses are waited with; the system's
	Worker string        // a name that no other process has or had; needed
	Rules  Rules         //
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

// SubmitTx is Submit in the caller's transaction: the run is there if what it is about
// is, and not otherwise.
func (e *Engine) SubmitTx(tx Tx, req Request) (id int64, added bool, err error) {
	return e.insert(tx, req)
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

// Follow waits until a run has ended or is parked, and gives it. Unless the engine was
// started, it works on the run here whenever nobody else does. When ctx ends, the run is
// given back, to go on later.
func (e *Engine) Follow(ctx context.Context, id int64) (*Run, error) {
	for {
		run, err := e.look(ctx, id)
		if err != nil {
			return nil, err
		}
		if run.Status.Ended() || run.Status == Parked {
			return run, nil
		}
		if e.stopped == nil {
			claimed, err := e.claim(ctx, 1, func(r *Run) bool { return r.ID == id })
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
		claimed, err := e.claim(ctx, e.cfg.Slots, nil)
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
		e.cfg.Log.Wait(ctx, e.pause())
	}
}

// pause is how long to wait for news.
func (e *Engine) pause() time.Duration { return e.cfg.Poll }

// claimDue claims and starts as many due runs as there are slots for.
func (e *Engine) claimDue(ctx context.Context) error {
	for {
		free := e.cfg.Slots - e.busy()
		if free <= 0 {
			return nil
		}
		claimed, err := e.claim(ctx, free, nil)
		if err != nil || len(claimed) == 0 {
			return err
		}
		e.launch(ctx, claimed)
	}
}

func (e *Engine) busy() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.active)
}

// claim takes due runs, at most so many; only, if not nil, says which. A look comes
// first, since most looks find nothing and a look writes nothing.
func (e *Engine) claim(ctx context.Context, limit int, only func(*Run) bool) ([]*execution, error) {
	found := 0
	err := e.cfg.Log.Read(ctx, func(tx Tx) error {
		due, err := e.due(tx, limit, only)
		found = len(due)
		return err
	})
	if err != nil || found == 0 {
		return nil, err
	}
	var claimed []*execution
	began := time.Now()
	err = e.cfg.Log.Write(ctx, func(tx Tx) error {
		claimed = nil
		due, err := e.due(tx, limit, only)
		for _, run := range due {
			if err != nil {
				return err
			}
			var x *execution
			if x, err = e.take(tx, run, began); err == nil && x != nil {
				claimed = append(claimed, x)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// due are the runs that may be claimed and whose code is here. Those of a newer version
// are left to a newer worker.
func (e *Engine) due(tx Tx, limit int, only func(*Run) bool) ([]*Run, error) {
	now, err := tx.Now()
	if err != nil {
		return nil, err
	}
	q := DueQuery{Now: now, Worker: e.cfg.Worker, Void: e.cfg.Log.Exclusive(), Except: e.activeIDs(), Limit: limit}
	if only != nil {
		q.Limit = 1000
	}
	all, err := tx.Due(q)
	mine := slices.DeleteFunc(all, func(r *Run) bool {
		w, known := e.workflows[r.Workflow]
		return !known || r.Version > w.version || only != nil && !only(r)
	})
	return mine[:min(len(mine), limit)], err
}

func (e *Engine) activeIDs() []int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.active))
}

// take claims one run in the caller's transaction; nil if its queue is full, or it had to
// be parked.
func (e *Engine) take(tx Tx, run *Run, began time.Time) (*execution, error) {
	now, err := tx.Now()
	if err != nil {
		return nil, err
	}
	if ok, err := e.admit(tx, run, now); err != nil || !ok {
		return nil, err
	}
	w := e.workflows[run.Workflow]
	records, err := tx.Records(run.ID)
	if err != nil {
		return nil, err
	}
	before := *run
	next, err := e.cfg.Rules.Step(before, Claimed{
		Worker: e.cfg.Worker, Version: max(w.version, before.Version), Now: now, Until: now.Add(e.cfg.Lease), Void: e.cfg.Log.Exclusive(),
	})
	if err != nil {
		return nil, err
	}
	why := ""
	if before.Version != w.version && next.Status == Running {
		why = w.fits(records)
	}
	if why != "" {
		if next, err = e.cfg.Rules.Step(next, Misfit{Epoch: next.Epoch, Now: now, Why: changed(why)}); err != nil {
			return nil, err
		}
	}
	if err := tx.Save(&next); err != nil || next.Status != Running {
		return nil, err
	}
	return e.newExecution(next, w, records, began), nil
}

func (e *Engine) newExecution(run Run, w Workflow, records []*Record, began time.Time) *execution {
	x := &execution{
		engine: e, run: run, flow: w, resumed: len(records) > 0, records: map[string]*Record{}, used: map[string]bool{},
		progress: maps.Clone(run.Progress), lease: &Lease{until: began.Add(e.cfg.Lease), margin: e.cfg.Margin},
	}
	if x.progress == nil {
		x.progress = Progress{}
	}
	for _, r := range records {
		x.records[r.Name] = r
	}
	return x
}

// admit reports whether a run's queue lets it start.
func (e *Engine) admit(tx Tx, run *Run, now time.Time) (bool, error) {
	i := slices.IndexFunc(e.cfg.Queues, func(q Queue) bool { return q.Name == run.Queue })
	if i < 0 {
		return true, nil
	}
	q := e.cfg.Queues[i]
	// Asking for the mark keeps other workers from counting at the same time.
	next, err := tx.Mark("queue " + q.Name)
	if err != nil {
		return false, err
	}
	if q.Limit > 0 && run.Status != Running {
		running, err := tx.Find(Filter{Queue: q.Name, Statuses: []Status{Running}})
		if err != nil || len(running) >= q.Limit {
			return false, err
		}
	}
	if q.Every > 0 {
		if now.UnixMilli() < next {
			return false, nil
		}
		next = now.Add(q.Every).UnixMilli()
	}
	return true, tx.SetMark("queue "+q.Name, next)
}

// launch starts the work on claimed runs, and on keeping their leases.
func (e *Engine) launch(ctx context.Context, claimed []*execution) {
	ctx = context.WithoutCancel(ctx) // work is ended by Stop, with a reason
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range claimed {
		x.ctx, x.cancel = context.WithCancelCause(ctx)
		x.lease.ctx, x.ended = x.ctx, make(chan struct{})
		x.heed(x.run)
		e.active[x.run.ID] = x
		e.observe(Note{Run: x.run, What: "claimed"})
		e.work.Go(func() {
			x.work()
			e.leave(x)
		})
	}
	if e.untend == nil && len(e.active) > 0 {
		tending, untend := context.WithCancel(ctx)
		e.untend = untend
		e.work.Go(func() { e.tend(tending) })
	}
}

// leave takes a run off the list of what is at work here; after the last one there are
// no leases to keep.
func (e *Engine) leave(x *execution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.active, x.run.ID)
	close(x.ended)
	if len(e.active) == 0 {
		e.untend()
		e.untend = nil
	}
}

// apply ends the work on a run here by an event, in a transaction of its own.
func (e *Engine) apply(ctx context.Context, x *execution, what func(now time.Time) Event) (Run, error) {
	var next Run
	err := e.cfg.Log.Write(ctx, func(tx Tx) error {
		run, err := tx.Run(x.run.ID)
		if err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		event := what(now)
		if slept, ok := event.(Slept); ok && slept.Awaits != "" {
			if event, err = awake(tx, run.ID, slept, now); err != nil {
				return err
			}
		}
		if next, err = e.cfg.Rules.Step(*run, event); err != nil {
			return err
		}
		next.Progress = x.counted()
		return tx.Save(&next)
	})
	return next, err
}

// awake lets a run that is to wait for a signal go on at once if that has come while it
// was still at work.
func awake(tx Tx, id int64, s Slept, now time.Time) (Event, error) {
	records, err := tx.Records(id)
	for _, r := range records {
		if r.Kind == KindSignal && r.Name == signalRecord(s.Awaits) {
			s.Until = now
		}
	}
	return s, err
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
