package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/trimtab/trimtab"
)

// maxShared is how many writers share a commit at the most, so that the first of them
// does not wait for ever.
const maxShared = 64

// writer is a call of Write on its way.
type writer struct {
	ctx      context.Context
	fn       func(*Tx) error
	err      error
	panicked any
	woke     bool
	turn     chan bool // true: lead the next commit; false: yours is over
}

// queue lets writers that wait for the only writing transaction of a database share its
// commit: one flush to the disk for all of them ("group commit", Gawlick and Kinkade,
// "Varieties of Concurrency Control in IMS/VS Fast Path", 1985). Whoever comes first
// leads.
type queue struct {
	mu      sync.Mutex
	waiting []*writer
	leading bool
}

// join lines a writer up and reports whether it leads.
func (q *queue) join(w *writer) (leads bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	if q.leading {
		return false
	}
	q.leading = true
	return true
}

// take gives the leader the writers of its commit, itself among them.
func (q *queue) take() []*writer {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxShared)
	group := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return group
}

// pass hands the lead to whoever has waited longest.
func (q *queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.leading = false
		return
	}
	q.waiting[0].turn <- true
}

// commit runs fn in a writing transaction, together with others that wait if the
// database has only one.
func (s *Store) commit(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &writer{ctx: ctx, fn: fn, turn: make(chan bool, 1)}
	if !s.dialect.Exclusive {
		s.commitGroup([]*writer{w})
	} else if s.queue.join(w) || <-w.turn {
		group := s.queue.take()
		s.commitGroup(group)
		s.queue.pass()
		for _, other := range group {
			if other != w {
				other.turn <- false
			}
		}
	}
	if w.panicked != nil {
		panic(w.panicked) // in the goroutine whose function it was
	}
	return w.err
}

// commitGroup carries out a group in one transaction and sets each writer's error.
func (s *Store) commitGroup(group []*writer) {
	err := s.inTransaction(context.WithoutCancel(group[0].ctx), func(tx *sql.Tx) error {
		for i, w := range group {
			if err := s.carry(tx, w, i, len(group) > 1); err != nil {
				return err
			}
		}
		return s.ready(tx, group)
	})
	woke := false
	for _, w := range group {
		if w.err == nil {
			w.err = err
		}
		if w.err == nil {
			w.err = s.pass(AfterCommit)
		}
		woke = woke || w.woke && err == nil
	}
	if woke {
		s.news.Tell()
	}
}

// carry runs one writer's function. Of several, each has a savepoint, so that one that
// fails takes nothing of the others with it. The error is one of the whole transaction.
func (s *Store) carry(tx *sql.Tx, w *writer, n int, shared bool) (broken error) {
	if w.err = w.ctx.Err(); w.err != nil {
		return nil
	}
	point := fmt.Sprintf("w%d", n)
	if shared {
		if _, err := tx.Exec("SAVEPOINT " + point); err != nil { //nolint:noctx // the transaction's own ends with it
			return trimtab.Errorf(trimtab.Outside, "begin a transaction: %w", err)
		}
	}
	// A statement that is interrupted can take the whole transaction with it
	// (https://www.sqlite.org/c3ref/interrupt.html), so these end only by themselves.
	t := &Tx{ctx: context.WithoutCancel(w.ctx), tx: tx, dialect: s.dialect, store: s, writing: true}
	w.err = w.run(t)
	w.woke = t.woke
	if w.err == nil || !shared {
		return w.err
	}
	if _, err := tx.Exec("ROLLBACK TO " + point); err != nil { //nolint:noctx // likewise
		return trimtab.Errorf(trimtab.Outside, "undo a part of a transaction: %w", err)
	}
	return nil
}

// run calls the function and keeps its panic for the goroutine that it belongs to.
func (w *writer) run(t *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.panicked, err = p, trimtab.Errorf(trimtab.Internal, "panic: %v", p)
		}
	}()
	if err := w.fn(t); err != nil {
		return err
	}
	return t.err
}

// ready asks at the door before the commit, and tells other processes if there is news.
func (s *Store) ready(tx *sql.Tx, group []*writer) error {
	woke := false
	for _, w := range group {
		if w.err != nil {
			continue
		}
		if err := s.pass(BeforeCommit); err != nil {
			return err
		}
		woke = woke || w.woke
	}
	if !woke || s.dialect.Notify == "" {
		return nil
	}
	_, err := tx.Exec(s.dialect.Notify) //nolint:noctx // likewise
	return wrapSQL(s.dialect.Notify, err)
}
