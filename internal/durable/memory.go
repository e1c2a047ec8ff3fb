package durable

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
)

// Memory is a [Log] that forgets: for tests, and the dumb twin of the real ones. The zero
// value is empty and ready.
type Memory struct {
	Clock clock.Clock // the system's if nil
	// Jam is asked before and after each commit; an error there is what a process that
	// dies there leaves behind. May be nil.
	Jam func(door string) error
	// Shared says that other processes may write, so that leases count.
	Shared bool

	mu      sync.Mutex
	runs    map[int64]*Run
	records map[int64][]*Record
	marks   map[string]int64
	lastRun int64
	lastSeq int64
	news    News
}

// The doors that [Memory.Jam] is asked at.
const (
	BeforeCommit = "before commit"
	AfterCommit  = "after commit"
)

// Write implements [Log]: one transaction at a time, undone if it fails.
func (m *Memory) Write(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{m: m, writing: true}
	err := fn(tx)
	if err == nil {
		err = m.pass(BeforeCommit)
	}
	if err != nil {
		for _, undo := range slices.Backward(tx.undo) {
			undo()
		}
		return err
	}
	if len(tx.undo) > 0 {
		m.news.Tell()
	}
	return m.pass(AfterCommit)
}

func (m *Memory) pass(door string) error {
	if m.Jam == nil {
		return nil
	}
	return m.Jam(door)
}

// Read implements [Log].
func (m *Memory) Read(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return fn(&memoryTx{m: m})
}

// Wait implements [Log].
func (m *Memory) Wait(ctx context.Context, d time.Duration) { m.news.Wait(ctx, d) }

// Exclusive implements [Log].
func (m *Memory) Exclusive() bool { return !m.Shared }

// Lost implements [Log]: memory is always there; what a jam says is a death.
func (m *Memory) Lost(err error) bool {
	var lost interface{ Lost() bool }
	return errors.As(err, &lost) && lost.Lost()
}

// memoryTx is one transaction. What it hands out and takes in are copies.
type memoryTx struct {
	m       *Memory
	writing bool
	undo    []func()
}

// Domain implements [Tx]: there is nothing else in memory.
func (t *memoryTx) Domain() any { return t }

// Now implements [Tx].
func (t *memoryTx) Now() (time.Time, error) {
	if t.m.Clock == nil {
		return time.Now().UTC().Truncate(time.Millisecond), nil
	}
	return t.m.Clock.Now().UTC().Truncate(time.Millisecond), nil
}

// Insert implements [Runs].
func (t *memoryTx) Insert(r *Run) (bool, error) {
	for _, other := range t.m.runs {
		if r.Key != "" && other.Key == r.Key && !other.Status.Ended() {
			r.ID = other.ID
			return false, nil
		}
	}
	t.m.lastRun++
	r.ID = t.m.lastRun
	return true, t.Save(r)
}

// Run implements [Runs].
func (t *memoryTx) Run(id int64) (*Run, error) {
	r, ok := t.m.runs[id]
	if !ok {
		return nil, ErrNoRun
	}
	return cloned(r), nil
}

// Save implements [Runs].
func (t *memoryTx) Save(r *Run) error {
	if !t.writing {
		return errReadOnly
	}
	if t.m.runs == nil {
		t.m.runs = map[int64]*Run{}
	}
	for _, other := range t.m.runs {
		if r.Key != "" && !r.Status.Ended() && other.ID != r.ID && other.Key == r.Key && !other.Status.Ended() {
			return ErrKeyTaken
		}
	}
	id, old := r.ID, t.m.runs[r.ID]
	t.undo = append(t.undo, func() {
		if delete(t.m.runs, id); old != nil {
			t.m.runs[id] = old
		}
	})
	t.m.runs[id] = cloned(r)
	return nil
}

// Due implements [Runs].
func (t *memoryTx) Due(q DueQuery) ([]*Run, error) {
	due := t.where(func(r *Run) bool {
		known := slices.ContainsFunc(q.Known, func(k Known) bool { return k.Workflow == r.Workflow && r.Version <= k.Version })
		if !known || slices.Contains(q.Except, r.ID) || q.Only != 0 && r.ID != q.Only {
			return false
		}
		switch r.Status {
		case Pending, Waiting:
			return !r.WakeAt.After(q.Now) && !slices.Contains(q.Full, r.Queue)
		case Running:
			return r.Owner == q.Worker || q.Void || !q.Now.Before(r.Lease)
		}
		return false
	})
	slices.SortFunc(due, func(a, b *Run) int { return cmp.Or(a.WakeAt.Compare(b.WakeAt), cmp.Compare(a.ID, b.ID)) })
	return due[:min(len(due), q.Limit)], nil
}

// Find implements [Runs].
func (t *memoryTx) Find(f Filter) ([]*Run, error) {
	found := t.where(func(r *Run) bool {
		return (f.Workflow == "" || f.Workflow == r.Workflow) && (f.Key == "" || f.Key == r.Key) && (f.Queue == "" || f.Queue == r.Queue) &&
			(f.Owner == "" || f.Owner == r.Owner) && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, r.Status))
	})
	slices.SortFunc(found, func(a, b *Run) int { return cmp.Compare(b.ID, a.ID) })
	return found[:min(len(found), or(f.Limit, 1000))], nil
}

func (t *memoryTx) where(ok func(*Run) bool) (found []*Run) {
	for _, r := range t.m.runs {
		if ok(r) {
			found = append(found, cloned(r))
		}
	}
	return found
}

// Prune implements [Runs].
func (t *memoryTx) Prune(before time.Time) (int, error) {
	old := t.where(func(r *Run) bool { return r.Status.Ended() && r.EndedAt.Before(before) })
	for _, r := range old {
		run, records := t.m.runs[r.ID], t.m.records[r.ID]
		t.undo = append(t.undo, func() { t.m.runs[run.ID], t.m.records[run.ID] = run, records })
		delete(t.m.runs, r.ID)
		delete(t.m.records, r.ID)
	}
	return len(old), nil
}

// Records implements [Records].
func (t *memoryTx) Records(run int64) ([]*Record, error) {
	all := make([]*Record, len(t.m.records[run]))
	for i, r := range t.m.records[run] {
		all[i] = cloned(r)
	}
	return all, nil
}

// SaveRecord implements [Records].
func (t *memoryTx) SaveRecord(r *Record) error {
	if !t.writing {
		return errReadOnly
	}
	old := t.m.records[r.Run]
	next := slices.Clone(old)
	if i := slices.IndexFunc(next, func(o *Record) bool { return o.Name == r.Name }); i >= 0 {
		r.Seq = next[i].Seq
		next[i] = cloned(r)
	} else {
		t.m.lastSeq++
		r.Seq = t.m.lastSeq
		next = append(next, cloned(r))
	}
	t.setRecords(r.Run, old, next)
	return nil
}

// DropRecords implements [Records].
func (t *memoryTx) DropRecords(run int64, names []string) error {
	old := t.m.records[run]
	t.setRecords(run, old, slices.DeleteFunc(slices.Clone(old), func(r *Record) bool { return slices.Contains(names, r.Name) }))
	return nil
}

func (t *memoryTx) setRecords(run int64, old, next []*Record) {
	if t.m.records == nil {
		t.m.records = map[int64][]*Record{}
	}
	t.undo = append(t.undo, func() { t.m.records[run] = old })
	t.m.records[run] = next
}

// Mark implements [Marks].
func (t *memoryTx) Mark(name string) (int64, error) { return t.m.marks[name], nil }

// SetMark implements [Marks].
func (t *memoryTx) SetMark(name string, value int64) error {
	if !t.writing {
		return errReadOnly
	}
	if t.m.marks == nil {
		t.m.marks = map[string]int64{}
	}
	old := t.m.marks[name]
	t.undo = append(t.undo, func() { t.m.marks[name] = old })
	t.m.marks[name] = value
	return nil
}

// cloned copies a row. What it points to is never changed in place, by anybody.
func cloned[T any](v *T) *T {
	c := *v
	return &c
}
