package durable

import (
	"context"
	"maps"
	"slices"
	"time"
)

// claimDue claims and starts as many due runs as there are slots for.
func (e *Engine) claimDue(ctx context.Context) error {
	for {
		free := e.cfg.Slots - e.busy()
		if free <= 0 {
			return nil
		}
		claimed, err := e.claim(ctx, free, 0)
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

// claim takes due runs, at most so many; only, if not 0, is the one that may be taken. A
// look comes first, since most looks find nothing and a look writes nothing.
func (e *Engine) claim(ctx context.Context, limit int, only int64) ([]*execution, error) {
	found := 0
	err := e.cfg.Log.Read(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		due, _, err := e.due(tx, now, limit, only)
		found = len(due)
		return err
	})
	if err != nil || found == 0 {
		return nil, err
	}
	var claimed, parked []*execution
	began := time.Now()
	err = e.cfg.Log.Write(ctx, func(tx Tx) error {
		claimed, parked = nil, nil
		now, err := tx.Now()
		if err != nil {
			return err
		}
		due, places, err := e.due(tx, now, limit, only)
		if err != nil {
			return err
		}
		for _, run := range due {
			x, err := e.take(tx, run, now, places, began)
			switch {
			case err != nil:
				return err
			case x == nil:
			case x.run.Status == Parked:
				parked = append(parked, x)
			default:
				claimed = append(claimed, x)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, x := range parked {
		e.observe(Note{Run: x.run, What: string(Parked)})
	}
	return claimed, nil
}

// due are the runs that may be claimed and whose code is here, and the places that are
// free in queues with limits. Those of a newer version are left to a newer worker.
func (e *Engine) due(tx Tx, now time.Time, limit int, only int64) ([]*Run, map[string]int, error) {
	places, err := e.places(tx, now)
	if err != nil {
		return nil, nil, err
	}
	q := DueQuery{Now: now, Worker: e.cfg.Worker, Void: e.cfg.Log.Exclusive(), Except: e.activeIDs(), Only: only, Limit: limit}
	for _, name := range slices.Sorted(maps.Keys(e.workflows)) {
		q.Known = append(q.Known, Known{name, e.workflows[name].version})
	}
	for _, queue := range slices.Sorted(maps.Keys(places)) {
		if places[queue] == 0 {
			q.Full = append(q.Full, queue)
		}
	}
	runs, err := tx.Due(q)
	return runs, places, err
}

// places counts what is free in each queue that has a limit. Asking for the marks keeps
// other workers from counting at the same time; all ask in one order.
func (e *Engine) places(tx Tx, now time.Time) (map[string]int, error) {
	places := make(map[string]int, len(e.cfg.Queues))
	for _, q := range e.cfg.Queues {
		next, err := tx.Mark(q.mark())
		if err != nil {
			return nil, err
		}
		free := e.cfg.Slots
		if q.Limit > 0 {
			running, err := tx.Find(Filter{Queue: q.Name, Statuses: []Status{Running}, Limit: q.Limit})
			if err != nil {
				return nil, err
			}
			free = q.Limit - len(running)
		}
		switch {
		case q.Every == 0:
		case now.UnixMilli() < next:
			free = 0
		default:
			free = min(free, 1)
		}
		places[q.Name] = free
	}
	return places, nil
}

func (q Queue) mark() string { return "queue " + q.Name }

// admit takes a place in the run's queue; false if there is none. A run that lost its
// worker has its place already.
func (e *Engine) admit(tx Tx, run *Run, places map[string]int, now time.Time) (bool, error) {
	free, limited := places[run.Queue]
	if !limited || run.Status == Running {
		return true, nil
	}
	if free == 0 {
		return false, nil
	}
	places[run.Queue]--
	i := slices.IndexFunc(e.cfg.Queues, func(q Queue) bool { return q.Name == run.Queue })
	if every := e.cfg.Queues[i].Every; every > 0 {
		return true, tx.SetMark(e.cfg.Queues[i].mark(), now.Add(every).UnixMilli())
	}
	return true, nil
}

func (e *Engine) activeIDs() []int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.active))
}

// take claims one run in the caller's transaction, or parks it; nil if its queue is full.
func (e *Engine) take(tx Tx, run *Run, now time.Time, places map[string]int, began time.Time) (*execution, error) {
	if ok, err := e.admit(tx, run, places, now); err != nil || !ok {
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
	if err := tx.Save(&next); err != nil {
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
		tended := make(chan struct{})
		e.untend, e.tended = untend, tended
		e.work.Go(func() {
			defer close(tended)
			e.tend(tending)
		})
	}
}

// leave takes a run off the list of what is at work here; after the last one there are
// no leases to keep. Whoever hears of the end may close the log, so the keeping of leases
// ends before that.
func (e *Engine) leave(x *execution) {
	if tended := e.dismiss(x); tended != nil {
		<-tended
	}
	close(x.ended)
}

// dismiss takes a run off the list, and gives the end of the keeping of leases if it was
// the last one.
func (e *Engine) dismiss(x *execution) (tended <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.active, x.run.ID)
	if len(e.active) > 0 {
		return nil
	}
	e.untend()
	e.untend = nil
	return e.tended
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
