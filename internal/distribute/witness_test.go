package distribute

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/tracker"
)

// copied copies the state, as a backup does, and gives the copy's path.
func (w *world) copied() string {
	w.t.Helper()
	w.check(w.store.Close())
	data, err := os.ReadFile(w.path)
	w.check(err)
	path := filepath.Join(w.t.TempDir(), "copy.db")
	w.check(os.WriteFile(path, data, 0o600))
	w.store, err = sqlite.Open(w.t.Context(), w.path)
	w.check(err)
	w.start()
	return path
}

// TestRestored: a state that was restored from a backup refuses to write, until it has
// looked every marker up; then it files what is missing and nothing twice.
func TestRestored(t *testing.T) {
	w := newWorld(t)
	w.see(3)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	backup := w.copied()
	w.see(6)
	w.clock.Advance(time.Hour)
	_, err = w.job.Run(t.Context(), true)
	w.check(err)

	w.check(w.store.Close())
	w.store, err = sqlite.Open(t.Context(), backup)
	w.check(err)
	w.start()
	w.see(9)
	_, err = w.job.Run(t.Context(), true)
	if trimtab.CodeOf(err) != trimtab.Outside || !strings.Contains(err.Error(), "was not filed from this state") || len(w.board()) != 6 {
		t.Fatalf("%v, %d tickets", err, len(w.board()))
	}
	r, err := w.job.Recover(t.Context())
	w.check(err)
	if r.Tickets != 6 || r.Known != 3 || r.Adopted != 3 || r.Unknown != 0 || r.Epoch != 2 {
		t.Errorf("%+v", r)
	}
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	if rows := w.board(); len(rows) != 9 || rows[8].Extra.Op == "" || !strings.HasPrefix(rows[8].Extra.Op, "op-2-") {
		t.Errorf("%d tickets, the last by %q", len(rows), rows[len(rows)-1].Extra.Op)
	}
}

// TestRestoredBeforeAScan: what the recovered state does not know yet is found when it is
// to be filed.
func TestRestoredBeforeAScan(t *testing.T) {
	w := newWorld(t)
	backup := w.copied()
	w.see(4)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	w.check(w.store.Close())
	w.store, err = sqlite.Open(t.Context(), backup)
	w.check(err)
	w.start()
	r, err := w.job.Recover(t.Context())
	w.check(err)
	if r.Unknown != 4 {
		t.Errorf("%+v", r)
	}
	w.see(6)
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	if report.Adopted != 4 || report.Filed != 2 || len(w.board()) != 6 {
		t.Errorf("%+v, %d tickets", report, len(w.board()))
	}
}

// TestCopied: of two copies the one that did not file last refuses, and after a recovery
// only the recovered one writes.
func TestCopied(t *testing.T) {
	w := newWorld(t)
	w.see(2)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	copied, err := sqlite.Open(t.Context(), w.copied())
	w.check(err)
	defer func() { w.check(copied.Close()) }()
	first := w.store

	w.store = copied
	w.start()
	w.see(4)
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	_, err = w.job.Recover(t.Context())
	w.check(err)
	w.see(6)
	_, err = w.job.Run(t.Context(), true)
	w.check(err)

	w.store = first
	w.start()
	w.see(8)
	if _, err = w.job.Run(t.Context(), true); err == nil || !strings.Contains(err.Error(), "recover --from-tracker") && trimtab.NextOf(err) == "" {
		t.Errorf("the first copy goes on: %v", err)
	}
	if n := len(w.board()); n != 6 {
		t.Errorf("%d tickets", n)
	}
}

// TestPropertyGone: a person who strips a ticket's property does not stop the house.
func TestPropertyGone(t *testing.T) {
	w := newWorld(t)
	w.see(2)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	w.job.Trackers["b"] = stripped{w.door}
	w.see(4)
	if _, err = w.job.Run(t.Context(), true); err != nil || len(w.board()) != 4 {
		t.Errorf("%v, %d tickets", err, len(w.board()))
	}
}

type stripped struct{ *door }

func (s stripped) Newest(ctx context.Context, installation string) (*tracker.Issue, error) {
	issue, err := s.door.Newest(ctx, installation)
	if issue != nil {
		issue.Op = ""
	}
	return issue, err
}

func TestOpNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epoch, id := rapid.Int64Range(1, 1<<40).Draw(t, "epoch"), rapid.Int64Range(1, 1<<40).Draw(t, "id")
		if e, i, ok := readOpName(opName(epoch, id)); !ok || e != epoch || i != id {
			t.Fatalf("%q is %d, %d, %t", opName(epoch, id), e, i, ok)
		}
	})
	for _, name := range []string{"", "op-", "op-x", "op-1-", "op--1", "1-2", "op-1-2-3"} {
		if _, _, ok := readOpName(name); ok {
			t.Errorf("%q is no name", name)
		}
	}
}
