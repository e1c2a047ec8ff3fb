package sqlite

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/trimtab/trimtab/internal/durable/durabletest"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/storetest"
)

// A disk that is full: the file may not grow.
func TestDiskFull(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "trimtab.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	limit := func(pages string) {
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Query("PRAGMA max_page_count = " + pages)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	durabletest.Outage(t, storetest.Site(t, s), func() { limit("1") }, func() { limit("1000000") })
}

// A database that stays locked for longer than we wait.
func TestDatabaseLocked(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "trimtab.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var locked atomic.Bool
	s.Jam(func(store.Door) error {
		if locked.Load() {
			return fmt.Errorf("commit: %w", sqlite3.Error{Code: sqlite3.ErrBusy})
		}
		return nil
	})
	durabletest.Outage(t, storetest.Site(t, s), func() { locked.Store(true) }, func() { locked.Store(false) })
}
