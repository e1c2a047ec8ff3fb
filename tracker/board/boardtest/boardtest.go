// Package boardtest opens boards for the suite that every tracker passes.
package boardtest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

// Rows are those of a board that people can delete tickets of.
type Rows interface {
	board.Rows
	Delete(ctx context.Context, id int64) error
}

// Site is a board over empty rows, with people.
func Site(t *testing.T, rows Rows) trackertest.Site {
	now := clock.At(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC))
	b := board.New(board.Config{Projects: []string{"FIN", "OPS"}, Now: now.Now}, rows)
	p := people{rows: rows, board: b.By("kim")}
	return trackertest.Site{
		Tracker: b, Target: tracker.Target{Project: "FIN", Type: "Task"}, Elsewhere: "OPS", Advance: now.Advance, Clock: now.Now,
		Owner: "ann@example.com", Other: "ben@example.com", Name: "kim", Person: p.change, Describe: p.describe, Foreign: p.file, Strip: p.strip,
		Delete: func(id string) {
			if err := rows.Delete(t.Context(), number(t, id)); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// people use a board by hand.
type people struct {
	rows  Rows
	board *board.Board
}

func (p people) change(t *testing.T, id string, c tracker.Change) {
	t.Helper()
	if _, err := p.board.Update(t.Context(), id, tracker.Set(c)); err != nil {
		t.Fatal(err)
	}
}

func (p people) describe(t *testing.T, id, md string) {
	t.Helper()
	_, err := p.rows.Update(t.Context(), number(t, id), func(row *board.Row) bool {
		row.Description = md
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p people) file(t *testing.T, project, summary, description string) string {
	t.Helper()
	results, err := p.board.Create(t.Context(), []tracker.Draft{{Target: tracker.Target{Project: project}, Summary: summary, Description: description}})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	return results[0].Issue.ID
}

// strip takes the installation off and leaves the marker.
func (p people) strip(t *testing.T, id string) {
	t.Helper()
	_, err := p.rows.Update(t.Context(), number(t, id), func(row *board.Row) bool {
		row.Installation = ""
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, id string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
