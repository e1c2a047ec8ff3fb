// Package sqlite opens the state in one SQLite file: write-ahead log, every
// commit on disk before it is reported (synchronous=FULL), one writer.
//
// A writing process holds a lock on a file beside the state. The operating
// system gives it back the moment the process dies, so a killed writer never
// keeps its successor waiting, and two writers never meet.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
)

var dialect = store.Dialect{Name: "sqlite", ID: "INTEGER PRIMARY KEY AUTOINCREMENT", Bytes: "BLOB", Exclusive: true, Lost: lost}

// lost tells errors of the file and the disk from those of a statement: whatever was
// asked for may be asked for again when they are over.
func lost(err error) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrCantOpen, sqlite3.ErrReadonly, sqlite3.ErrNomem,
		sqlite3.ErrInterrupt, sqlite3.ErrProtocol:
		return true
	}
	return false
}

// Open opens or makes the state at path for writing. Another process that has
// it open for writing is an error of code Busy that names its process id.
func Open(ctx context.Context, path string) (*store.Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, trimtab.Errorf(trimtab.Outside, "make the state's folder: %w", err)
	}
	unlock, err := lock(path)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, path, unlock)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	return s, nil
}

func open(ctx context.Context, path string, onClose func() error) (*store.Store, error) {
	// "immediate" takes the write lock at BEGIN. A deferred transaction that reads first
	// fails with SQLITE_BUSY when it begins to write, and no timeout helps
	// (https://www.sqlite.org/lang_transaction.html, 2.2).
	write, err := connect(path, url.Values{"_txlock": {"immediate"}}, 1)
	if err != nil {
		return nil, err
	}
	// query_only, not mode=ro: a reader of a write-ahead log must be able to make the
	// -shm file (https://www.sqlite.org/wal.html, 5).
	read, err := connect(path, url.Values{"_query_only": {"true"}}, 4)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	s, err := store.New(ctx, write, read, dialect, onClose)
	if err != nil {
		return nil, errors.Join(unreadable(path, err), write.Close(), read.Close())
	}
	return s, nil
}

// OpenRead opens an existing state beside a writer; Write on it fails.
func OpenRead(ctx context.Context, path string) (*store.Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, trimtab.Errorf(trimtab.NotFound, "%w at %s yet", store.ErrNoState, path).
			WithNext("run `trimtab run` first, or name the right deployment file with -c")
	}
	read, err := connect(path, url.Values{"_query_only": {"true"}}, 4)
	if err != nil {
		return nil, err
	}
	s, err := store.Attach(ctx, read, dialect)
	if err != nil {
		return nil, errors.Join(unreadable(path, err), read.Close())
	}
	return s, nil
}

// unreadable tells a file that is no database from one that is only busy: the
// driver has words for both and the same type.
func unreadable(path string, err error) error {
	if !strings.Contains(err.Error(), "not a database") && !strings.Contains(err.Error(), "malformed") {
		return err
	}
	return trimtab.Errorf(trimtab.Invalid, "%s is no state of Trimtab: %w", path, err).
		WithNext("name another file as `state:`, or put a backup in its place")
}

// connect opens a pool with the settings of every connection. FULL, because in
// WAL mode NORMAL may lose the last commits when the power fails
// (https://www.sqlite.org/pragma.html#pragma_synchronous).
func connect(path string, extra url.Values, connections int) (*sql.DB, error) {
	q := url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"},
		"_busy_timeout": {"10000"}, "_foreign_keys": {"true"}, "_stmt_cache_size": {"64"},
	}
	for k, v := range extra {
		q[k] = v
	}
	// The path is escaped by hand: "?" and "#" in a file's name would begin the query
	// and the fragment of the URI (https://www.sqlite.org/uri.html, 3).
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Outside, "open state %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	return db, nil
}

// lock takes the writer's lock and leaves the process id in it for whoever
// comes second.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Outside, "lock the state: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		_ = f.Close()
		return nil, trimtab.Errorf(trimtab.Busy, "another trimtab (process %s) is writing to %s", strings.TrimSpace(string(holder)), path).
			WithNext("wait until it has finished, or stop it; reading commands work meanwhile")
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintln(os.Getpid()))); err != nil {
		return nil, errors.Join(trimtab.Errorf(trimtab.Outside, "lock the state: %w", err), f.Close())
	}
	return f.Close, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
