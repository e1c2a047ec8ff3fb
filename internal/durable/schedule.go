package durable

import (
	"context"
	"time"
)

// Schedule starts runs at times.
type Schedule struct {
	Name string
	Spec string // as people write it; a changed one counts from now
	Next func(time.Time) time.Time
	// AtOnce starts the first run when the schedule is first seen.
	AtOnce bool
	Make   func(now time.Time) Request
}

// tick starts what is due by the engine's clock. When a schedule is next due is kept in
// the state, so that of several workers one starts it, and one time that was missed while
// none was there is made up for, once.
func (e *Engine) tick(ctx context.Context) error {
	for _, s := range e.schedules {
		now := e.cfg.Clock.Now().UTC()
		var next int64
		err := e.cfg.Log.Read(ctx, func(tx Tx) (err error) {
			next, err = tx.Mark(s.mark())
			return err
		})
		if err == nil && (next == 0 || next <= now.UnixMilli()) {
			err = e.cfg.Log.Write(ctx, func(tx Tx) error { return e.fire(tx, s, now) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s Schedule) mark() string { return "schedule " + s.Name + " " + s.Spec }

// fire starts one schedule, if no other worker was quicker. A run that has not ended yet
// takes the place of the new one.
func (e *Engine) fire(tx Tx, s Schedule, now time.Time) error {
	due, err := tx.Mark(s.mark())
	if err != nil || due > now.UnixMilli() {
		return err
	}
	if due != 0 || s.AtOnce {
		if _, _, err := e.insert(tx, s.Make(now)); err != nil {
			return err
		}
	}
	return tx.SetMark(s.mark(), s.Next(now).UnixMilli())
}
