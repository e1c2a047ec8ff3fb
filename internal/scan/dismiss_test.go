package scan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// dismiss lets a person dismiss what stands about a resource.
func (h *house) dismiss(resource string) {
	h.t.Helper()
	now := h.ours.Now()
	h.check(h.store.Write(h.t.Context(), func(tx *store.Tx) error {
		e, err := tx.LatestEpisode(trimtab.KeyOf(h.store.Installation(), "stop", resource, ""))
		if err != nil {
			return err
		}
		event := lifecycle.Dismissed{At: now, Until: now.AddDate(0, 0, 30), Reason: "needed", Author: "ann"}
		_, err = tx.Advance(e, event, store.Step{Actor: "ann", At: now, Policy: h.scan.Policy})
		return err
	}))
}

// tickets are the issues of the board as it shows them.
func (h *house) tickets() []tracker.Issue {
	h.t.Helper()
	changes, err := h.board.Changed(h.t.Context(), h.store.Installation(), time.Time{})
	h.check(err)
	return changes.Issues
}

// What a person dismisses in Trimtab ends its ticket as not to be done, whatever policy says
// of closing, and no brake asks again.
func TestDismissalEndsTheTicket(t *testing.T) {
	h := newHouse(t)
	h.distribute.Policy.Brake = distribute.Brake{Tickets: 1}
	h.conclude(10, found{10, "stop", "VM1", 90})
	_, err := h.distribute.Run(t.Context(), false)
	h.check(err)
	h.dismiss("VM1")
	_, err = h.distribute.Run(t.Context(), false)
	h.check(err)
	issues := h.tickets()
	if len(issues) != 1 || issues[0].Status != tracker.WontDo {
		t.Fatalf("%+v", issues)
	}
	rows := h.rows(`SELECT comments FROM board_issues`)
	if said, _ := rows[0][0].(string); !strings.Contains(said, "Dismissed by ann until 1970-01-31: needed") {
		t.Errorf("the ticket says %v", rows)
	}
	if got := h.rows(`SELECT detail FROM timeline WHERE actor = 'ann'`); len(got) != 1 || got[0][0] != "needed (by ann until 1970-01-31)" {
		t.Errorf("timeline %v", got)
	}
	if _, err = h.monitor.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.rows(`SELECT workflow FROM episodes`); got[0][0] != "dismissed" {
		t.Errorf("the echo made it %v", got)
	}
}

// A ticket with a checklist ends with its last part; the others are only ticked in its text.
func TestDismissalOfParts(t *testing.T) {
	h := newHouse(t)
	fin := h.distribute.Boards["fin"]
	fin.Checklist = true
	h.distribute.Boards["fin"] = fin
	h.conclude(10, found{10, "stop", "VM1", 90}, found{10, "stop", "VM2", 80})
	_, err := h.distribute.Run(t.Context(), false)
	h.check(err)
	for i, want := range []tracker.Status{tracker.Open, tracker.WontDo} {
		h.dismiss([]string{"VM1", "VM2"}[i])
		_, err := h.distribute.Run(t.Context(), false)
		h.check(err)
		issues := h.tickets()
		marks := strings.Count(issues[0].Description, "- ☒")
		if len(issues) != 1 || issues[0].Status != want || marks != i+1 {
			t.Errorf("after %d parts: %d tickets, %s, %d marks", i+1, len(issues), issues[0].Status, marks)
		}
	}
	kinds := h.rows(`SELECT kind FROM ops WHERE kind = 'dismiss'`)
	if len(kinds) != 1 || slices.ContainsFunc(h.rows(`SELECT released FROM ops`), func(r []any) bool { return r[0] != int64(1) }) {
		t.Errorf("%d dismissals: one is wanted, released", len(kinds))
	}
}
