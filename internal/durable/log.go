package durable

import (
	"context"
	"time"
)

// Log keeps runs. What is done in one Write is one transaction: all of it is there
// afterwards or none.
type Log interface {
	Write(ctx context.Context, fn func(Tx) error) error
	Read(ctx context.Context, fn func(Tx) error) error
	// Wait returns when something may have changed, or after d, or with ctx. It may
	// return early for no reason.
	Wait(ctx context.Context, d time.Duration)
	// Exclusive reports whether nobody else can be writing: then every lease of
	// another worker is one of a process that is gone.
	Exclusive() bool
	// Lost reports whether an error means that the database could not be used, and
	// says nothing about what it was asked for.
	Lost(err error) bool
}

// Tx is one transaction.
type Tx interface {
	// Domain is the transaction as the rest of the program knows it; nil if there is
	// none.
	Domain() any
	// Now is the database's clock.
	Now() (time.Time, error)
	Runs
	Records
	Marks
}

// Runs are the rows of runs.
type Runs interface {
	// Insert adds a run and sets its ID. If a run that has not ended has the key, that
	// one's ID is set instead and added is false.
	Insert(r *Run) (added bool, err error)
	// Run reads a run, and in a Write keeps everybody else from changing it until the
	// end. The error is [ErrNoRun] if there is none.
	Run(id int64) (*Run, error)
	Save(r *Run) error
	// Due are runs that may be claimed, the longest due first; rows that another
	// transaction is claiming are left out.
	Due(q DueQuery) ([]*Run, error)
	// Find lists runs, the newest first.
	Find(f Filter) ([]*Run, error)
	// Prune deletes runs that ended before a time, with their records.
	Prune(before time.Time) (int, error)
}

// DueQuery asks for runs that may be claimed.
type DueQuery struct {
	Now    time.Time
	Worker string
	Void   bool     // leases of other workers count no more
	Except []int64  // runs that are at work here
	Only   int64    // this one alone; 0 is any
	Known  []Known  // the workflows that can be carried out here
	Full   []string // queues from which none may be begun; who has a place in them keeps it
	Limit  int
}

// Known is a workflow with the newest version that can be carried out.
type Known struct {
	Workflow string
	Version  int
}

// Filter chooses runs; zero fields choose all.
type Filter struct {
	Workflow string
	Key      string
	Queue    string
	Statuses []Status
	Owner    string
	Limit    int // 0 is 1000
}

// Records are the rows of what runs have done.
type Records interface {
	// Records are those of a run, in the order of their Seq.
	Records(run int64) ([]*Record, error)
	// SaveRecord adds a record or replaces the one of its name. A new one is given the
	// next Seq, one that is replaced keeps its own.
	SaveRecord(r *Record) error
	DropRecords(run int64, names []string) error
}

// Marks are numbers by name: when a schedule is next due, when a queue may start its
// next run. Asking for one in a Write keeps everybody else from changing it until the
// end.
type Marks interface {
	Mark(name string) (value int64, err error) // 0 if there is none
	SetMark(name string, value int64) error
}
