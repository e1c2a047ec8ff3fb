// Package durable makes plain Go functions survive the death of their process.
//
// A workflow is a function. What it does to the world it does in steps, and the
// result of each step is written down in the state, so that a function that is
// run again after a crash skips what has happened and goes on with what has not:
//
//	double := durable.NewStep("double", func(ctx context.Context, n int) (int, error) { return 2 * n, nil })
//	flow := durable.NewWorkflow("twice", 1, func(f *durable.Flow, n int) (int, error) {
//		n, err := double.Do(f, n)
//		...
//	}, double)
//	engine := durable.New(durable.Config{Log: log}, flow)
//	id, err := engine.Submit(ctx, durable.Request{Workflow: "twice", Input: 21})
//	run, err := engine.Follow(ctx, id)
//
// A step that only changes the state is made with [NewStepTx]: its rows and its
// result are one commit, so it has happened exactly once. Any other step may happen
// once more when the process dies between what it did and the commit of its result;
// what it does outside must bear that (docs/decisions/0002).
//
// # Who may write
//
// A worker claims a run with a lease. Each claim raises the run's fencing epoch, and
// every write for the run checks it in its own transaction: a worker that was paused
// and believes that it still has the run cannot change anything. Leases are measured
// by the database's clock; what is left of one is measured here by the clock that
// never steps, from before the claim was asked for ([Lease]).
//
// # What is decided where
//
// core.go decides and does nothing else: a run's state and an event in, the next
// state out. The rest carries it out over a [Log]: SQLite, PostgreSQL, or [Memory] in
// tests. durabletest is the suite that each passes.
//
// The model is that of memoised steps, as in Azure Durable Functions (Burckhardt et
// al., "Durable Functions: Semantics for Stateful Serverless", OOPSLA 2021), with
// names in place of order: a function may change the order of its steps, and run them
// side by side.
package durable

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/trimtab/trimtab"
)

// Status is how far a run has come.
type Status string

// The statuses of a run.
const (
	Pending   Status = "pending"   // may be claimed
	Running   Status = "running"   // a worker has it
	Waiting   Status = "waiting"   // for a time or a signal
	Done      Status = "done"      // ended well
	Partial   Status = "partial"   // ended; its error lists what is missing
	Failed    Status = "failed"    // ended with an error
	Cancelled Status = "cancelled" // ended because somebody asked
	Parked    Status = "parked"    // stopped for a person to look at; Reason says why
)

// Ended reports whether nothing happens to the run any more unless somebody asks.
func (s Status) Ended() bool {
	return s == Done || s == Partial || s == Failed || s == Cancelled
}

// Run is one execution of a workflow.
type Run struct {
	ID       int64
	Workflow string
	Version  int    // of the workflow's code that last had it
	Key      string // at most one run that has not ended has it; "" is none
	Queue    string
	Input    json.RawMessage
	Output   json.RawMessage
	Error    *Failure

	Status   Status
	Reason   string    // why it is parked, or what it waits for
	Awaits   string    // the signal that wakes it
	WakeAt   time.Time // when it may be claimed
	Cancel   bool      // somebody asked for its end
	Epoch    int64     // raised by each claim
	Owner    string    // the worker that has it
	Lease    time.Time // until when, by the database's clock
	Crashes  int       // claims lost in a row without any progress
	Progress Progress

	CreatedAt, StartedAt, EndedAt time.Time
}

// Indefinite reports whether the run waits for a signal and for nothing else: somebody must
// say something before it goes on.
func (r *Run) Indefinite() bool {
	return r.Status == Waiting && r.Awaits != "" && r.WakeAt.Equal(never)
}

// Progress tells people how far a run is: by the name of what counts.
type Progress map[string]Count

// Count is so many of so many.
type Count struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// Kind is what a record is about.
type Kind string

// The kinds of records.
const (
	KindStep   Kind = "step"
	KindTimer  Kind = "timer"
	KindSignal Kind = "signal"
	KindJob    Kind = "job" // a node of a graph: for people, not for replaying
)

// Outcome is how a record ended.
type Outcome string

// The outcomes of records.
const (
	StepDone     Outcome = "done"
	StepFailed   Outcome = "failed"
	StepRetrying Outcome = "retrying" // it failed, and is tried again at NextAt
	StepSkipped  Outcome = "skipped"  // a job whose predecessor failed
	StepPending  Outcome = "pending"  // a job that has not ended, a timer that has not come
)

// Record is what is written down of a step, a timer, a signal or a job.
type Record struct {
	Run      int64
	Name     string // unique in the run; "graph job/step[item]"
	Kind     Kind
	Outcome  Outcome
	Seq      int64    // in the order of writing
	After    []string // of a job: the names of those it depends on
	Shape    string   // the types of input and output
	Hash     string   // of the input
	Input    json.RawMessage
	Output   json.RawMessage
	Error    *Failure
	Attempts int       // that ended; a killed process counts none
	NextAt   time.Time // of the next attempt; of a timer, when it rings

	StartedAt, EndedAt time.Time
}

// Failure is an error as it is kept: a code for the program, a sentence and the next
// step for the person.
type Failure struct {
	Code  trimtab.Code `json:"code"`
	Text  string       `json:"text"`
	Next  string       `json:"next,omitempty"`
	Final bool         `json:"final,omitempty"` // trying again is of no use
}

// failureOf writes an error down; nil for nil.
func failureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	return &Failure{Code: trimtab.CodeOf(err), Text: err.Error(), Next: trimtab.NextOf(err), Final: errors.As(err, new(*permanent))}
}

// Err is the failure as an error again; nil for nil.
func (f *Failure) Err() error {
	if f == nil {
		return nil
	}
	e := trimtab.Errorf(f.Code, "%s", f.Text)
	e.Next = f.Next
	return e
}

// permanent marks an error that no further attempt can mend.
type permanent struct{ error }

// Unwrap gives the error itself.
func (p *permanent) Unwrap() error { return p.error }

// Permanent says of a step's error that trying again is of no use.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

// What ends the work on a run without being an outcome of it.
var (
	// ErrFenced means that somebody else has the run now.
	ErrFenced = errors.New("the run was taken over by another worker")
	// ErrCancelled means that somebody asked for the run's end.
	ErrCancelled = errors.New("the run was cancelled")
	// ErrStopped means that the worker is being stopped; the run goes on later.
	ErrStopped = errors.New("the worker is stopping")
	// ErrStalled means that a step gave no sign of life for too long.
	ErrStalled = errors.New("the step gave no sign of life")
	// ErrSuspended means that the run has nothing to do until its time or signal comes.
	// A workflow hands it on as it is.
	ErrSuspended = errors.New("the run is suspended")
	// ErrNoRun means that there is no run of that number.
	ErrNoRun = errors.New("there is no such run")
	// ErrKeyTaken means that another run that has not ended has the key.
	ErrKeyTaken = errors.New("another run of that key has not ended")

	errReadOnly = errors.New("a reading transaction cannot write")
)
