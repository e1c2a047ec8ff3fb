package distribute

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
)

// checklists makes both boards keep one ticket for each owner and rule.
func (w *world) checklists() {
	for name, b := range w.job.Boards {
		b.Checklist = true
		w.job.Boards[name] = b
	}
}

// TestChecklist is the life of a ticket about several resources: it is filed once, what is
// found later joins it, what ends is ticked, and it ends with the last part.
func TestChecklist(t *testing.T) {
	w := newWorld(t)
	w.checklists()
	w.job.Policy.CloseTickets = true
	w.see(6)
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	if rows := w.board(); report.Filed != 2 || len(rows) != 2 || strings.Count(rows[0].Description, "- ☐ ") != 3 {
		t.Fatalf("%+v, %+v", report, rows)
	}
	w.see(8)
	report, err = w.job.Run(t.Context(), true)
	w.check(err)
	if rows := w.board(); report.Filed != 0 || report.Written != 2 || len(rows) != 2 || strings.Count(rows[1].Description, "- ☐ ") != 4 {
		t.Fatalf("joined: %+v, %+v", report, rows)
	}
	// Two parts of the first ticket go; it stays open, and says nothing but in its list.
	w.end(0, 2)
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	row := w.fin()
	if row.Status != tracker.Open || len(row.Comments) != 0 || strings.Count(row.Description, "- ☑ ") != 2 || strings.Count(row.Description, "- ☐ ") != 2 {
		t.Fatalf("%+v", row)
	}
	w.end(4, 6)
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	if row = w.fin(); row.Status != tracker.Done || len(row.Comments) != 1 || strings.Contains(row.Description, "☐ `") {
		t.Fatalf("%+v", row)
	}
	w.statuses("closed", "created")
	// What comes after that is about a new ticket.
	w.write(func(tx *store.Tx) error { return errors.Join(w.seeOne(tx, 8), w.seeOne(tx, 9)) })
	report, err = w.job.Run(t.Context(), true)
	w.check(err)
	if report.Filed != 1 || len(w.board()) != 3 {
		t.Errorf("%+v, %d tickets", report, len(w.board()))
	}
}

// end lets scans miss what was seen of some resources.
func (w *world) end(numbers ...int) {
	w.t.Helper()
	w.write(func(tx *store.Tx) error {
		for _, i := range numbers {
			e, err := tx.EpisodeOf(int64(i + 1))
			if err != nil {
				return err
			}
			for n := range 2 {
				at := w.clock.Now().Add(time.Duration(n+1) * time.Hour)
				step := store.Step{Actor: "scan", At: at, Policy: lifecycle.DefaultPolicy()}
				if _, err := tx.Advance(e, lifecycle.Missed{At: at, Reason: "condition_cleared"}, step); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// fin is the first ticket of the board fin.
func (w *world) fin() board.Row {
	for _, row := range w.board() {
		if row.Project == "FIN" {
			return row
		}
	}
	w.t.Fatal("no ticket on the board")
	return board.Row{}
}

func (w *world) statuses(want ...string) {
	w.t.Helper()
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT status FROM tickets ORDER BY id`)
		for i, row := range rows {
			if i < len(want) && row[0] != want[i] {
				w.t.Errorf("ticket %d is %v, want %s", i+1, row[0], want[i])
			}
		}
		if len(rows) < len(want) {
			w.t.Errorf("%d tickets", len(rows))
		}
		return err
	}))
}

// TestChecklistBeforeItIsSent: what joins a ticket that waits at the brake is in its text.
func TestChecklistBeforeItIsSent(t *testing.T) {
	w := newWorld(t)
	w.checklists()
	plan := func(n int) {
		w.see(n)
		w.write(func(tx *store.Tx) error {
			_, err := w.job.plan(tx, 0)
			return err
		})
	}
	plan(2)
	plan(6)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	if row := w.fin(); strings.Count(row.Description, "- ☐ ") != 3 || len(w.board()) != 2 {
		t.Errorf("%s", row.Description)
	}
	w.check(w.store.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT COUNT(DISTINCT ticket_id), COUNT(ticket_id) FROM recommendation_ticket_map`)
		if len(rows) != 1 || rows[0][0] != int64(2) || rows[0][1] != int64(6) {
			t.Errorf("%v", rows)
		}
		return err
	}))
}

// TestChecklistSurvives: killed anywhere, there is one ticket for each group with all of
// its parts.
func TestChecklistSurvives(t *testing.T) {
	for at := 1; at < 30; at++ {
		w := newWorld(t)
		w.checklists()
		w.see(6)
		w.door.at = at
		_, err := w.job.Run(context.Background(), true)
		for n := 0; n < 4 && err != nil; n++ {
			w.start()
			w.checklists()
			_, err = w.job.Run(context.Background(), true)
		}
		if rows := w.board(); err != nil || len(rows) != 2 || strings.Count(rows[0].Description+rows[1].Description, "- ☐ ") != 6 {
			t.Fatalf("killed at %d: %v, %d tickets", at, err, len(rows))
		}
	}
}

// TestChecklistText holds the text of a checklist to a golden file that people have read.
func TestChecklistText(t *testing.T) {
	w := newWorld(t)
	w.checklists()
	w.see(6)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	w.end(0)
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	row := w.fin()
	got := row.Summary + "\n\n" + row.Description
	golden := filepath.Join("testdata", "checklist.md")
	if *update {
		w.check(os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestOwnText: a board may word its tickets itself, and a mistake is told before any is
// filed.
func TestOwnText(t *testing.T) {
	text, err := ParseText("mine.md", "{{.Title}} of {{.Subject.Resource}}{{with .Page}} at {{.}}{{end}}{{range evidence .}}{{.Fact}}{{end}}")
	if err != nil {
		t.Fatal(err)
	}
	payload, err := render(&trimtab.Recommendation{ID: 7, Title: "Stop it", Subject: trimtab.Subject{Resource: "i-1"}}, Board{Text: text, Page: "https://t.example"})
	if err != nil || payload.Description != "Stop it of i-1 at https://t.example/recommendations/7" {
		t.Errorf("%q, %v", payload.Description, err)
	}
	for _, bad := range []string{"{{.Title", "{{.Titel}}", "{{nonsense .}}"} {
		if _, err := ParseText("mine.md", bad); err == nil || !strings.Contains(err.Error(), "mine.md") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
