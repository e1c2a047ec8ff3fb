package sqlite

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/storetest"
	"github.com/trimtab/trimtab/tracker/board/boardtest"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "a state with spaces ?#%.db")
		return func() (*store.Store, error) { return Open(t.Context(), path) }
	})
}

func TestDurable(t *testing.T) {
	storetest.Durable(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "trimtab.db")
		return func() (*store.Store, error) { return Open(t.Context(), path) }
	})
}

// The embedded board is as good on the state as it is in memory.
func TestBoard(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Site {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "trimtab.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return boardtest.Site(t, s.BoardRows())
	})
}

func TestOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trimtab.db")
	first, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path)
	if trimtab.CodeOf(err) != trimtab.Busy || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("a second writer: %v", err)
	}
	reader, err := OpenRead(t.Context(), path)
	if err != nil {
		t.Fatalf("a reader beside the writer: %v", err)
	}
	if err := reader.Write(t.Context(), func(tx *store.Tx) error { return tx.SaveWatermark("x", store.Watermark{}) }); err == nil {
		t.Error("a reader wrote")
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	second, err := Open(t.Context(), path)
	if err != nil {
		t.Fatalf("after the first has closed: %v", err)
	}
	_ = second.Close()
}

func TestBadStates(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenRead(t.Context(), filepath.Join(dir, "none.db")); trimtab.CodeOf(err) != trimtab.NotFound || trimtab.NextOf(err) == "" {
		t.Errorf("no state: %v", err)
	}
	path := filepath.Join(dir, "text.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); trimtab.CodeOf(err) != trimtab.Invalid || !strings.Contains(err.Error(), "is no state") {
		t.Errorf("a text file: %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(data), "this is no database") {
		t.Error("the file was changed")
	}
}

// Every commit is on the disk before it is reported.
func TestDurability(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "trimtab.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	err = s.Write(t.Context(), func(tx *store.Tx) error {
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
			rows, err := tx.Query("PRAGMA " + pragma)
			if err != nil {
				return err
			}
			if got := strings.ToLower(strings.Trim(sprint(rows[0][0]), "[]")); got != want {
				t.Errorf("%s is %s, want %s", pragma, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sprint(v any) string {
	if n, ok := v.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	s, _ := v.(string)
	return s
}
