// Package store keeps the state of an installation: what was recommended and
// when, the life of each recommendation, its ticket, the outbox of writes to
// trackers, watermarks, the savings ledger, the last gathered facts, and durable runs.
//
// There is one schema and one SQL text; a subpackage per database (sqlite, postgres)
// opens it and says in what the databases differ, and storetest is the suite
// that each passes. All work happens in [Store.Read] or [Store.Write], one
// transaction each: what belongs together is committed together, so that a kill
// between two steps leaves either both or neither.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/durable"
)

// Dialect says in what a database differs from the common SQL text.
type Dialect struct {
	Name   string
	ID     string // column type of a growing key
	Bytes  string // column type of bytes
	Dollar bool   // placeholders are $1, $2 … instead of ?
	// Exclusive says that one process at a time can write, with one transaction at a
	// time. Otherwise the following are needed.
	Exclusive bool
	Now       string             // reads the database's clock, in Unix milliseconds; "" is the process's
	ForUpdate string             // after a SELECT, locks what it reads until the end
	Lock      string             // locks a number, given as an argument, until the end
	Snapshot  sql.IsolationLevel // of a reading transaction that sees one moment
	Notify    string             // tells other processes that runs have changed
	Lost      func(error) bool   // whether an error says that the database could not be used
}

// Store is the state. It is safe for concurrent use.
type Store struct {
	write, read  *sql.DB
	dialect      Dialect
	installation string
	onClose      func() error
	door         func(Door) error
	queue        queue
	gate         chan struct{} // held by the one call of Write that has or asks for a connection
	news         durable.News
	listening    sync.WaitGroup
	unlisten     context.CancelFunc // nil until Listen
}

// Door is a place at which a process may die: tests jam it.
type Door string

// The doors of a writing transaction.
const (
	BeforeCommit Door = "before commit"
	AfterCommit  Door = "after commit"
)

// Jam makes every writing transaction ask fn at its doors; an error at one is
// what a process that dies there leaves behind: before the commit nothing is
// written, after it all is and the caller does not know. For tests.
func (s *Store) Jam(fn func(Door) error) { s.door = fn }

// pass asks at a door; without a jam every door is open.
func (s *Store) pass(d Door) error {
	if s.door == nil {
		return nil
	}
	return s.door(d)
}

//go:embed schema/*.sql
var schemaFiles embed.FS

// New makes a store of open databases (the same one twice, or a writer and a
// pool of readers), migrates the schema and gives a new state its installation
// id. onClose runs after the databases are closed; it may be nil.
func New(ctx context.Context, write, read *sql.DB, dialect Dialect, onClose func() error) (*Store, error) {
	s := &Store{write: write, read: read, dialect: dialect, onClose: onClose, gate: make(chan struct{}, 1)}
	if err := s.migrate(ctx); err != nil {
		return nil, fmt.Errorf("migrate the state: %w", err)
	}
	err := s.Write(ctx, func(tx *Tx) (err error) {
		s.installation, err = tx.ensureInstallation()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the installation id: %w", err)
	}
	return s, nil
}

// ErrNoState says that there is nothing at the place of the state yet.
var ErrNoState = errors.New("there is no state")

// Attach makes a store of a state that exists, for reading only.
func Attach(ctx context.Context, read *sql.DB, dialect Dialect) (*Store, error) {
	s := &Store{write: read, read: read, dialect: dialect, gate: make(chan struct{}, 1)}
	err := s.Read(ctx, func(tx *Tx) error {
		if err := tx.row(`SELECT id FROM installation`).Scan(&s.installation); err != nil {
			return wrapSQL("SELECT id FROM installation", err)
		}
		_, _, err := tx.migrations()
		return err
	})
	return s, err
}

// Installation is the random id of this state: part of every key and marker.
func (s *Store) Installation() string { return s.installation }

// Exclusive reports whether one process at a time can write to the state.
func (s *Store) Exclusive() bool { return s.dialect.Exclusive }

// Listen runs fn until [Store.Close]. It calls tell whenever another process may have
// changed runs. To be called once, by whoever opens the store.
func (s *Store) Listen(ctx context.Context, fn func(ctx context.Context, tell func())) {
	// It outlives the call that opened the store.
	ctx, s.unlisten = context.WithCancel(context.WithoutCancel(ctx))
	s.listening.Go(func() { fn(ctx, s.news.Tell) })
}

// Close closes the databases and gives the state's lock back.
func (s *Store) Close() error {
	if s.unlisten != nil {
		s.unlisten()
		s.listening.Wait()
	}
	errs := []error{s.write.Close()}
	if s.read != s.write {
		errs = append(errs, s.read.Close())
	}
	if s.onClose != nil {
		errs = append(errs, s.onClose())
	}
	return errors.Join(errs...)
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// Tx is one transaction. It ends with the function it was given to.
type Tx struct {
	ctx     context.Context
	tx      *sql.Tx
	dialect Dialect
	store   *Store
	writing bool
	woke    bool  // it changed what workers wait for
	err     error // of what has no error of its own; ends the transaction
}

// Write runs fn in a transaction that may change the state: all of it is
// committed, or, when fn fails or the process dies, none. One runs at a time, in all
// processes, so fn sees what it decides on as it is. In a durable step it commits only
// while the run is still this worker's.
func (s *Store) Write(ctx context.Context, fn func(*Tx) error) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	fence := durable.FenceOf(ctx)
	return s.commit(ctx, func(tx *Tx) error {
		tx.lockDomain()
		if err := errors.Join(tx.err, ctx.Err()); err != nil {
			return err
		}
		if err := fn(tx); err != nil || fence == nil {
			return err
		}
		return fence(tx.RunTx())
	})
}

// enter keeps this process's other calls of Write from waiting for the domain's lock with
// a connection in their hands, which they would take from those who keep leases. Where
// writers share a commit they wait in a queue of their own.
func (s *Store) enter(ctx context.Context) (leave func(), err error) {
	if s.dialect.Exclusive {
		return func() {}, nil
	}
	select {
	case s.gate <- struct{}{}:
		return func() { <-s.gate }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// domainLock is the number that whoever changes the domain's rows holds.
const domainLock = "domain"

// lockDomain waits until nobody else changes the domain's rows. Where one transaction at
// a time can write, it is that one.
func (t *Tx) lockDomain() {
	if t.writing && t.err == nil {
		t.err = t.lock(domainLock)
	}
}

// lock keeps every other transaction from locking the same name until this one ends,
// where more than one can write.
func (t *Tx) lock(name string) error {
	if !t.writing || t.dialect.Exclusive {
		return nil
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return t.exec(t.dialect.Lock, int64(h.Sum64()))
}

// Read runs fn on one consistent view of the state.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) error {
	return s.inTransactionOf(ctx, s.read, &sql.TxOptions{ReadOnly: true, Isolation: s.dialect.Snapshot}, func(tx *sql.Tx) error {
		return fn(&Tx{ctx: ctx, tx: tx, dialect: s.dialect, store: s})
	})
}

// inTransaction is a writing transaction.
func (s *Store) inTransaction(ctx context.Context, fn func(*sql.Tx) error) error {
	return s.inTransactionOf(ctx, s.write, nil, fn)
}

// inTransactionOf ends a transaction on every way out, a panic included: one left open
// would hold SQLite's only writer for good.
func (s *Store) inTransactionOf(ctx context.Context, db *sql.DB, opts *sql.TxOptions, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return trimtab.Errorf(trimtab.Outside, "begin a transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return trimtab.Errorf(trimtab.Outside, "commit: %w", err)
	}
	return nil
}

// ensureInstallation reads the state's id, or draws it in a new state.
func (t *Tx) ensureInstallation() (string, error) {
	var id string
	err := t.row(`SELECT id FROM installation`).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	// 80 random bits: two installations that share a Jira must never share a marker.
	raw := make([]byte, 10)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	id = hex.EncodeToString(raw)
	return id, t.exec(`INSERT INTO installation (id, created_at) VALUES (?, ?)`, id, time.Now().UnixMilli())
}

// migrate applies the schema files that the state does not have yet, each in a
// transaction with the note that it was applied.
func (s *Store) migrate(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error {
		if err := tx.exec(`CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT NOT NULL PRIMARY KEY)`); err != nil {
			return err
		}
		known, files, err := tx.migrations()
		if err != nil {
			return err
		}
		for _, name := range files[len(known):] {
			if err := tx.apply(name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
}

// migrations gives the schema files that the state has and those that there
// are, in their order. A reader asks as well: a newer schema may say other
// things in columns of the same name.
func (t *Tx) migrations() (known, files []string, err error) {
	if files, err = fs.Glob(schemaFiles, "schema/*.sql"); err != nil {
		return nil, nil, err
	}
	if known, err = list(t, readString, `SELECT name FROM schema_migrations`); err != nil {
		return nil, nil, err
	}
	return known, files, knowsAll(known, files)
}

// knowsAll refuses a state that a newer Trimtab has migrated.
func knowsAll(applied, files []string) error {
	if len(applied) <= len(files) {
		return nil
	}
	return trimtab.Errorf(trimtab.Invalid, "the state has %d migrations and this trimtab knows %d: it was written by a newer version",
		len(applied), len(files)).WithNext("use the newer trimtab, or a backup from before the upgrade")
}

// apply runs a schema file. The words in braces are what databases call
// differently; everything else in it is common SQL.
func (t *Tx) apply(name string) error {
	text, err := schemaFiles.ReadFile(name)
	if err != nil {
		return err
	}
	sqlText := strings.NewReplacer("{{id}}", t.dialect.ID, "{{bytes}}", t.dialect.Bytes).Replace(string(text))
	if _, err := t.tx.ExecContext(t.ctx, sqlText); err != nil {
		return err
	}
	return t.exec(`INSERT INTO schema_migrations (name) VALUES (?)`, name)
}

func readString(r scanner) (s string, err error) { return s, r.Scan(&s) }

// Times are Unix milliseconds; the zero time is 0. Whole numbers sort
// alike in every database; SQLite has no type for times
// (https://www.sqlite.org/datatype3.html, 2.2).
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
