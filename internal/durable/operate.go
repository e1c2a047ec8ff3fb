package durable

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Operator does to runs what people ask for. It needs no engine: whoever works on the
// runs hears of it.
type Operator struct {
	Log   Log
	Rules Rules
}

// List gives runs without their inputs' records, the newest first.
func (o Operator) List(ctx context.Context, f Filter) (runs []*Run, err error) {
	err = o.Log.Read(ctx, func(tx Tx) (err error) {
		runs, err = tx.Find(f)
		return err
	})
	return runs, err
}

// Show gives a run and what it has done.
func (o Operator) Show(ctx context.Context, id int64) (run *Run, records []*Record, err error) {
	err = o.Log.Read(ctx, func(tx Tx) (err error) {
		if run, err = tx.Run(id); err != nil {
			return o.unknown(id, err)
		}
		records, err = tx.Records(id)
		return err
	})
	return run, records, err
}

func (o Operator) unknown(id int64, err error) error {
	return trimtab.Errorf(trimtab.NotFound, "run %d: %w", id, err).WithNext("`trimtab runs list` shows which there are")
}

// Cancel ends a run: at once if nobody has it, otherwise its worker hears of it and
// stops what it is doing. A run that has ended is an error.
func (o Operator) Cancel(ctx context.Context, id int64) error {
	return o.change(ctx, id, func(tx Tx, run Run) (Run, error) {
		now, err := tx.Now()
		if err != nil {
			return run, err
		}
		return o.Rules.Step(run, CancelAsked{Now: now})
	})
}

// Resume lets a parked, failed or cancelled run go on: what is done stays done, and what
// failed is tried again.
func (o Operator) Resume(ctx context.Context, id int64) error {
	return o.revive(ctx, id, false, func(all []*Record) ([]string, error) { return withoutFailures(all), nil })
}

// Retry lets a run go on from a step: that one and all that came after it or depends on
// it are done anew, and so is what failed.
func (o Operator) Retry(ctx context.Context, id int64, step string) error {
	return o.revive(ctx, id, true, func(all []*Record) ([]string, error) {
		from, err := findRecord(all, step)
		if err != nil {
			return nil, err
		}
		return append(withoutFailures(all), after(all, from)...), nil
	})
}

// revive lets a run go on when some of its records are forgotten; again also lets one go
// on that is done.
func (o Operator) revive(ctx context.Context, id int64, again bool, forget func([]*Record) ([]string, error)) error {
	return o.change(ctx, id, func(tx Tx, run Run) (Run, error) {
		now, err := tx.Now()
		if err != nil {
			return run, err
		}
		next, err := o.Rules.Step(run, Revived{Now: now, Again: again})
		if err != nil {
			return run, err
		}
		records, err := tx.Records(id)
		if err != nil {
			return run, err
		}
		names, err := forget(records)
		if err != nil {
			return run, err
		}
		return next, tx.DropRecords(id, names)
	})
}

// withoutFailures names what a revived run tries again.
func withoutFailures(all []*Record) (names []string) {
	for _, r := range all {
		if r.Outcome == StepFailed || r.Outcome == StepSkipped || r.Outcome == StepRetrying || r.Kind == KindStep && r.Error != nil {
			names = append(names, r.Name)
		}
	}
	return names
}

func findRecord(all []*Record, name string) (*Record, error) {
	var names []string
	for _, r := range all {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return nil, trimtab.Errorf(trimtab.Invalid, "the run has no step %q", name).WithNext("it has %s", strings.Join(names, ", "))
}

// after names a record and what has to be done anew with it: what was written down later
// around it, and all of the jobs that depend on one that it stands in.
func after(all []*Record, from *Record) (redo []string) {
	around := append(scopes(from.Name), "")
	stale := map[string]bool{}
	for _, r := range all { // jobs are written down in the order of their graph
		if r.Kind == KindJob {
			stale[r.Name] = slices.ContainsFunc(r.After, func(b string) bool { return stale[b] || slices.Contains(around, b) })
		}
	}
	for _, r := range all {
		in := append(scopes(r.Name), "")
		later := r.Kind != KindJob && r.Seq > from.Seq && slices.Contains(around, in[0])
		holds := r.Kind == KindJob && slices.Contains(around, r.Name)
		depends := stale[r.Name] || slices.ContainsFunc(in, func(job string) bool { return stale[job] })
		if r.Name == from.Name || later || holds || depends {
			redo = append(redo, r.Name)
		}
	}
	return redo
}

// scopes are the jobs that a record stands in, the innermost first.
func scopes(name string) (jobs []string) {
	name, _, _ = strings.Cut(name, "[")
	for i := strings.LastIndex(name, "/"); i >= 0; i = strings.LastIndex(name, "/") {
		name = name[:i]
		jobs = append(jobs, name)
	}
	return jobs
}

// Signal sends a run a signal with a payload; the first of a name counts, and added says
// whether it was the first.
func (o Operator) Signal(ctx context.Context, id int64, name string, payload any) (added bool, err error) {
	if err := checkName(name); err != nil {
		return false, trimtab.Errorf(trimtab.Invalid, "a signal cannot be called %q", name)
	}
	written, err := json.Marshal(payload)
	if err != nil {
		return false, trimtab.Errorf(trimtab.Invalid, "write down the signal: %w", err)
	}
	err = o.change(ctx, id, func(tx Tx, run Run) (Run, error) {
		now, err := tx.Now()
		if err != nil {
			return run, err
		}
		records, err := tx.Records(id)
		if err != nil || slices.ContainsFunc(records, func(r *Record) bool { return r.Name == signalRecord(name) }) {
			return run, err
		}
		next, err := o.Rules.Step(run, Signalled{Name: name, Now: now})
		if err != nil {
			return run, err
		}
		added = true
		return next, tx.SaveRecord(&Record{
			Run: id, Name: signalRecord(name), Kind: KindSignal, Outcome: StepDone, Output: written, StartedAt: now, EndedAt: now,
		})
	})
	return added, err
}

// change brings one change to a run, in a transaction.
func (o Operator) change(ctx context.Context, id int64, decide func(Tx, Run) (Run, error)) error {
	return o.Log.Write(ctx, func(tx Tx) error {
		run, err := tx.Run(id)
		if err != nil {
			return o.unknown(id, err)
		}
		next, err := decide(tx, *run)
		if err != nil {
			return refused(id, err)
		}
		return tx.Save(&next)
	})
}

// refused says of an event that does not fit that it is the caller's mistake.
func refused(id int64, err error) error {
	if r, ok := err.(*refusal); ok { //nolint:errorlint // made here, never wrapped
		return trimtab.Errorf(trimtab.Invalid, "run %d: %s", id, r.text).WithNext("`trimtab runs show %d` says how it is", id)
	}
	return err
}
