package durable

import (
	"fmt"
	"time"
)

// Event is something that happens to a run. [Rules.Step] says what follows.
type Event interface{ event() }

// The events. Those that come from whoever has the run carry its epoch.
type (
	// Claimed: a worker takes the run. Void says that the lease counts no more,
	// whatever its time says: the worker's process is known to be gone.
	Claimed struct {
		Worker     string
		Version    int
		Now, Until time.Time
		Void       bool
	}
	// Renewed: its worker keeps it.
	Renewed struct {
		Epoch int64
		Until time.Time
	}
	// Held: its worker writes for it, and nothing has come of that yet.
	Held struct{ Epoch int64 }
	// Progressed: something of it was committed that need not be done again.
	Progressed struct {
		Epoch    int64
		Progress Progress
	}
	// Slept: it has nothing to do until a time, or a signal. The zero time is never.
	Slept struct {
		Epoch  int64
		Until  time.Time
		Awaits string
		Why    string
	}
	// Interrupted: its worker gives it back unfinished, in good order.
	Interrupted struct {
		Epoch int64
		Now   time.Time
	}
	// Returned: the function came to its end.
	Returned struct {
		Epoch   int64
		Now     time.Time
		Output  []byte
		Failure *Failure
		Partial bool // the failure lists what is missing; the rest is there
	}
	// Misfit: the code has changed so that the records do not fit it.
	Misfit struct {
		Epoch int64
		Now   time.Time
		Why   string
	}
	// Signalled: somebody sent a signal.
	Signalled struct {
		Name string
		Now  time.Time
	}
	// CancelAsked: somebody asked for its end.
	CancelAsked struct{ Now time.Time }
	// Revived: somebody wants it to go on, from parked or from an end. Again says that
	// it is to be done again even if all of it is done.
	Revived struct {
		Now   time.Time
		Again bool
	}
)

func (Claimed) event()     {}
func (Renewed) event()     {}
func (Held) event()        {}
func (Progressed) event()  {}
func (Slept) event()       {}
func (Interrupted) event() {}
func (Returned) event()    {}
func (Misfit) event()      {}
func (Signalled) event()   {}
func (CancelAsked) event() {}
func (Revived) event()     {}

// Rules are the numbers of the core.
type Rules struct {
	// MaxCrashes is how many workers in a row a run may lose without any progress
	// before it is parked; default 10.
	MaxCrashes int
}

// never is the wake-up time of a run that only a signal wakes.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// refusal is an event that does not fit the state of a run.
type refusal struct{ text string }

// Error is the sentence.
func (r *refusal) Error() string { return r.text }

// Step says what an event makes of a run. It changes nothing else, reads no clock and
// waits for nothing. The error is [ErrFenced] for a worker that lost the run, or says
// why the event does not fit.
func (rules Rules) Step(r Run, e Event) (Run, error) {
	switch e := e.(type) {
	case Claimed:
		return rules.claim(r, e)
	case Renewed:
		return held(r, e.Epoch, func(r *Run) { r.Lease = e.Until })
	case Held:
		return held(r, e.Epoch, func(*Run) {})
	case Progressed:
		return held(r, e.Epoch, func(r *Run) { r.Crashes, r.Progress = 0, e.Progress })
	case Slept:
		return held(r, e.Epoch, func(r *Run) { sleep(r, e) })
	case Interrupted:
		return held(r, e.Epoch, func(r *Run) { release(r, Pending); r.WakeAt = e.Now })
	case Returned:
		return held(r, e.Epoch, func(r *Run) { finish(r, e) })
	case Misfit:
		return held(r, e.Epoch, func(r *Run) { park(r, e.Why) })
	case Signalled:
		return signal(r, e)
	case CancelAsked:
		return cancel(r, e)
	case Revived:
		return revive(r, e)
	}
	return r, &refusal{fmt.Sprintf("%T is no event", e)}
}

// held applies a change of the worker that has the run.
func held(r Run, epoch int64, change func(*Run)) (Run, error) {
	if r.Status != Running || r.Epoch != epoch {
		return r, ErrFenced
	}
	change(&r)
	return r, nil
}

// claim gives the run to a worker. A lease that ran out is a crash of its worker,
// unless the same worker comes back to what it dropped while the database was away.
func (rules Rules) claim(r Run, e Claimed) (Run, error) {
	switch r.Status {
	case Pending, Waiting:
		if r.WakeAt.After(e.Now) {
			return r, &refusal{"its time has not come"}
		}
	case Running:
		mine := r.Owner == e.Worker
		if !mine && !e.Void && e.Now.Before(r.Lease) {
			return r, &refusal{"another worker has it"}
		}
		if !mine {
			r.Crashes++
		}
	default:
		return r, &refusal{"it is " + string(r.Status)}
	}
	r.Epoch++
	if r.Crashes > max(rules.MaxCrashes, 1) {
		park(&r, fmt.Sprintf("%d workers in a row died while they had it, and nothing of it was done meanwhile", r.Crashes))
		return r, nil
	}
	if r.StartedAt.IsZero() {
		r.StartedAt = e.Now
	}
	r.Status, r.Owner, r.Lease, r.Version = Running, e.Worker, e.Until, e.Version
	r.Reason, r.Awaits, r.WakeAt = "", "", time.Time{}
	return r, nil
}

// release takes the run from its worker.
func release(r *Run, s Status) {
	r.Status, r.Owner, r.Lease, r.Crashes = s, "", time.Time{}, 0
	r.Reason, r.Awaits, r.WakeAt = "", "", time.Time{}
}

// park stops the run until a person has looked at it.
func park(r *Run, why string) {
	release(r, Parked)
	r.Reason = why
}

// sleep lets the run wait. One that is to end does not wait.
func sleep(r *Run, e Slept) {
	cancelled := r.Cancel
	release(r, Waiting)
	r.Reason, r.Awaits, r.WakeAt = e.Why, e.Awaits, e.Until
	if e.Until.IsZero() {
		r.WakeAt = never
	}
	if cancelled {
		r.WakeAt = time.Time{}
	}
}

// finish ends the run.
func finish(r *Run, e Returned) {
	status := Done
	switch {
	case r.Cancel && e.Failure != nil:
		status = Cancelled
	case e.Partial:
		status = Partial
	case e.Failure != nil:
		status = Failed
	}
	release(r, status)
	r.Output, r.Error, r.EndedAt = e.Output, e.Failure, e.Now
}

// signal wakes a run that waits for it. What comes early is found by the run when it
// comes to wait.
func signal(r Run, e Signalled) (Run, error) {
	if r.Status.Ended() {
		return r, &refusal{"it has ended"}
	}
	if r.Status == Waiting && r.Awaits == e.Name {
		release(&r, Pending)
		r.WakeAt = e.Now
	}
	return r, nil
}

// cancel ends a run that nobody has, and tells the worker of one that somebody has.
// Twice is once.
func cancel(r Run, e CancelAsked) (Run, error) {
	switch {
	case r.Status.Ended():
		return r, &refusal{"it has ended"}
	case r.Status == Running:
		r.Cancel = true
		return r, nil
	}
	release(&r, Cancelled)
	r.Cancel, r.EndedAt, r.Error = true, e.Now, failureOf(ErrCancelled)
	return r, nil
}

// revive lets a parked or ended run go on with the records that it has.
func revive(r Run, e Revived) (Run, error) {
	if r.Status == Running || r.Status == Done && !e.Again {
		return r, &refusal{"it is " + string(r.Status)}
	}
	release(&r, Pending)
	// It begins anew, so that what it takes is what it takes now.
	r.WakeAt, r.StartedAt, r.EndedAt, r.Cancel, r.Error, r.Output = e.Now, time.Time{}, time.Time{}, false, nil, nil
	return r, nil
}
