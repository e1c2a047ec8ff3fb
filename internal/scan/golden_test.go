package scan

import (
	"context"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/monitor"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
)

// house is a state with an embedded board and two clocks that are set by hand:
// ours and the board's.
type house struct {
	t          *testing.T
	store      *store.Store
	ours       *clock.Manual
	theirs     *clock.Manual
	board      *board.Board
	scan       *Job
	distribute *distribute.Job
	monitor    *monitor.Job
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, ours: clock.At(time.UnixMilli(0).UTC()), theirs: clock.At(time.UnixMilli(0).UTC())}
	var err error
	if h.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "trimtab.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	rules, err := rule.Load(rule.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h.board = board.New(board.Config{Projects: []string{"FIN"}, Now: h.theirs.Now}, h.store.BoardRows())
	trackers := map[string]tracker.Tracker{"b": h.board}
	log, life := slog.New(slog.DiscardHandler), lifecycle.DefaultPolicy()
	h.scan = &Job{Store: h.store, Rules: rules, Policy: life, Verify: Windows{State: 3, Cost: 14}, Clock: h.ours, Log: log}
	h.distribute = &distribute.Job{
		Store: h.store, Trackers: trackers, Boards: map[string]distribute.Board{"fin": {Name: "fin", Tracker: "b", Project: "FIN", Type: "Task"}},
		Policy: distribute.Policy{Sightings: 1, MaxAttempts: 3}, Life: life, Clock: h.ours, Log: log,
	}
	h.monitor = &monitor.Job{
		Store: h.store, Trackers: trackers, Life: life, Clock: h.ours, Log: log,
		Fields: map[string]merge.Rule{"status": {Direction: merge.Both, Conflict: merge.TrackerWins}},
	}
	return h
}

func (h *house) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// found is one thing that a scan concludes at a time.
type found struct {
	at               int64
	action, resource string
	savings          int64
}

// verdict is what a complete scan found.
func (h *house) verdict(all ...found) *Verdict {
	v := &Verdict{rules: h.scan.Rules, outcome: &rule.Outcome{}, resources: map[string]bool{}}
	for _, f := range all {
		v.Recommendations = append(v.Recommendations, &trimtab.Recommendation{
			CreatedAt: time.UnixMilli(f.at).UTC(), Action: f.action, Subject: trimtab.Subject{Resource: f.resource}, Board: "fin",
			Savings: trimtab.Money{Amount: decimal.NewFromInt(f.savings), Currency: "USD"}, Reasons: []trimtab.Reason{{Rule: "p/r"}},
		})
	}
	return v
}

// conclude reconciles what a complete scan found and ends it.
func (h *house) conclude(end int64, all ...found) *Report {
	h.t.Helper()
	v := h.verdict(all...)
	h.ours.Set(time.UnixMilli(end).UTC())
	report := &Report{Complete: true, Recommendations: v.Recommendations}
	h.check(h.store.Write(context.Background(), func(tx *store.Tx) (err error) {
		if report.ID, err = tx.BeginScan(h.ours.Now(), ""); err != nil {
			return err
		}
		return h.scan.keep(tx, &sight{report: report, verdict: v})
	}))
	return report
}

// fileOneByOne lets the distributor file what is due while the board's clock
// shows each of the times in turn.
func (h *house) fileOneByOne(times ...int64) {
	h.t.Helper()
	next := 0
	now := func() time.Time { return time.UnixMilli(times[min(next, len(times)-1)]).UTC() }
	cfg := board.Config{Projects: []string{"FIN"}, Now: now}
	h.distribute.Trackers["b"] = &counting{Board: board.New(cfg, h.store.BoardRows()), next: &next}
	_, err := h.distribute.Run(context.Background(), false)
	h.check(err)
	h.distribute.Trackers["b"] = h.board
}

// counting moves on to the next time after each ticket.
type counting struct {
	*board.Board
	next *int
}

// Create files the drafts one at a time.
func (c *counting) Create(ctx context.Context, drafts []tracker.Draft) ([]tracker.Result, error) {
	var all []tracker.Result
	for _, d := range drafts {
		results, err := c.Board.Create(ctx, []tracker.Draft{d})
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
		*c.next++
	}
	return all, nil
}

// rows reads a table as the SQL of a person would.
func (h *house) rows(query string) [][]any {
	h.t.Helper()
	var rows [][]any
	h.check(h.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		rows, err = tx.Query(query)
		return err
	}))
	return rows
}

// TestGoldenTables is the example of lifecycle.md, row for row.
func TestGoldenTables(t *testing.T) {
	h := newHouse(t)
	h.conclude(16, found{10, "resize", "VM1", 90}, found{12, "delete", "VM2", 80}, found{15, "delete", "VM3", 70})
	h.fileOneByOne(110, 112, 115)
	h.conclude(20, found{17, "resize", "VM1", 90}, found{18, "delete", "VM4", 80}, found{19, "resize", "VM5", 70})
	h.fileOneByOne(118, 119)
	h.theirs.Set(time.UnixMilli(200).UTC())
	for _, id := range []string{"4", "5"} {
		_, err := h.board.Update(t.Context(), id, tracker.Set(tracker.Change{Status: tracker.Done}))
		h.check(err)
	}
	_, err := h.monitor.Run(t.Context())
	h.check(err)

	golden := map[string][][]any{
		`SELECT id, created_at, recommendation, resource FROM recommendations ORDER BY id`: {
			{int64(1), int64(10), "resize", "VM1"},
			{int64(2), int64(12), "delete", "VM2"},
			{int64(3), int64(15), "delete", "VM3"},
			{int64(4), int64(17), "resize", "VM1"},
			{int64(5), int64(18), "delete", "VM4"},
			{int64(6), int64(19), "resize", "VM5"},
		},
		`SELECT id, last_successful_recommendation_generated FROM recommendations_generated ORDER BY id`: {
			{int64(1), int64(16)}, {int64(2), int64(20)},
		},
		`SELECT id, created_at, status FROM tickets ORDER BY id`: {
			{int64(1), int64(110), "created"},
			{int64(2), int64(112), "created"},
			{int64(3), int64(115), "created"},
			{int64(4), int64(118), "closed"},
			{int64(5), int64(119), "closed"},
		},
		`SELECT recommendation_id, first_recommendation_id, ticket_id FROM recommendation_ticket_map ORDER BY recommendation_id`: {
			{int64(1), int64(1), int64(1)},
			{int64(2), int64(2), int64(2)},
			{int64(3), int64(3), int64(3)},
			{int64(4), int64(1), int64(1)},
			{int64(5), int64(5), int64(4)},
			{int64(6), int64(6), int64(5)},
		},
	}
	for query, want := range golden {
		if got := h.rows(query); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %v\nwant %v", query, got, want)
		}
	}
}
