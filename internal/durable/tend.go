package durable

import (
	"context"
	"maps"
	"slices"
	"time"
)

// tend keeps the leases of what is at work here, and hears that a run is to end or is
// not ours any more. It ends when nothing is at work.
func (e *Engine) tend(ctx context.Context) {
	renewed := time.Now()
	for {
		e.cfg.Log.Wait(ctx, e.cfg.Lease/6)
		if ctx.Err() != nil {
			return
		}
		active := e.snapshot()
		began := time.Now()
		due := began.Sub(renewed) >= e.cfg.Lease/3
		var err error
		if due {
			err = e.cfg.Log.Write(ctx, func(tx Tx) error { return e.renew(tx, active, began) })
		} else {
			err = e.cfg.Log.Read(ctx, func(tx Tx) error { return e.hear(tx, active) })
		}
		if ctx.Err() != nil {
			return // nothing is at work any more, and the error is of that
		}
		if err != nil {
			e.log().Warn("leases cannot be kept", "error", err)
			continue
		}
		if due {
			renewed = began
		}
	}
}

// snapshot lists what is at work.
func (e *Engine) snapshot() map[int64]*execution {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.active)
}

// renew moves the leases on.
func (e *Engine) renew(tx Tx, active map[int64]*execution, began time.Time) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	// In one order: two workers that both believe they have two runs must not wait for each
	// other's rows.
	for _, id := range slices.Sorted(maps.Keys(active)) {
		x := active[id]
		run, err := tx.Run(id)
		if err != nil {
			return err
		}
		next, err := e.cfg.Rules.Step(*run, Renewed{Epoch: x.run.Epoch, Until: now.Add(e.cfg.Lease)})
		if err != nil {
			_ = x.stop(ErrFenced)
			continue
		}
		next.Progress = x.counted()
		if err := tx.Save(&next); err != nil {
			return err
		}
		x.lease.renew(began, e.cfg.Lease)
		x.heed(next)
	}
	return nil
}

// hear looks at what was asked of the runs meanwhile.
func (e *Engine) hear(tx Tx, active map[int64]*execution) error {
	mine, err := tx.Find(Filter{Owner: e.cfg.Worker, Statuses: []Status{Running}, Limit: 10 * e.cfg.Slots})
	if err != nil {
		return err
	}
	for _, run := range mine {
		if x := active[run.ID]; x != nil && run.Epoch == x.run.Epoch {
			x.heed(*run)
		}
	}
	return nil
}

// heed does what was asked.
func (x *execution) heed(run Run) {
	if run.Cancel {
		_ = x.stop(ErrCancelled)
	}
}
