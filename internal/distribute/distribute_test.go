package distribute

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
)

// world is a state, a board and a distributor between them.
type world struct {
	t     *testing.T
	path  string
	store *store.Store
	rows  *board.Memory
	door  *door
	clock *clock.Manual
	job   *Job
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "trimtab.db"), rows: &board.Memory{Blind: true}, clock: clock.At(time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC))}
	var err error
	if w.store, err = sqlite.Open(t.Context(), w.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	w.door = &door{Tracker: board.New(board.Config{Projects: []string{"FIN", "OPS"}, Now: w.clock.Now}, w.rows)}
	w.start()
	return w
}

// start is a fresh process over what the last one left.
func (w *world) start() {
	w.door.killed, w.door.at, w.door.crossings = false, 0, 0
	w.store.Jam(func(d store.Door) error { return w.door.cross(string(d)) })
	w.job = &Job{
		Store: w.store, Trackers: map[string]tracker.Tracker{"b": w.door}, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
		Boards: map[string]Board{"fin": {Name: "fin", Tracker: "b", Project: "FIN", Type: "Task"}, "ops": {Name: "ops", Tracker: "b", Project: "OPS", Type: "Task"}},
		Policy: Policy{Sightings: 1, MaxAttempts: 5, MaxWait: time.Minute}, Life: lifecycle.DefaultPolicy(),
		Settle: map[string]time.Duration{"b": 10 * time.Second},
	}
}

var errKilled = errors.New("killed")

// door is the way to the tracker, and counts every place at which a process
// may die: before and after each call and each commit. At crossing number at
// the process is killed; from then on nothing gets through.
type door struct {
	tracker.Tracker
	crossings, at int
	killed        bool
	fail          func(call string) error // an answer in place of the tracker's, before it acts
	lose          func(call string) error // in place of its answer, after it acted
}

func (d *door) cross(string) error {
	if d.killed {
		return errKilled
	}
	if d.crossings++; d.crossings == d.at {
		d.killed = true
		return errKilled
	}
	return nil
}

func through[T any](d *door, call string, act func() (T, error)) (T, error) {
	var none T
	if err := d.cross("before " + call); err != nil {
		return none, err
	}
	if d.fail != nil {
		if err := d.fail(call); err != nil {
			return none, err
		}
	}
	answer, err := act()
	if err == nil && d.lose != nil {
		err = d.lose(call)
	}
	if crossed := d.cross("after " + call); crossed != nil {
		err = crossed
	}
	if err != nil {
		return none, err
	}
	return answer, nil
}

func (d *door) Create(ctx context.Context, drafts []tracker.Draft) ([]tracker.Result, error) {
	return through(d, "create", func() ([]tracker.Result, error) { return d.Tracker.Create(ctx, drafts) })
}

func (d *door) Find(ctx context.Context, sought []tracker.Sought) ([]tracker.Issue, error) {
	return through(d, "find", func() ([]tracker.Issue, error) { return d.Tracker.Find(ctx, sought) })
}

func (d *door) Update(ctx context.Context, id string, decide func(tracker.Issue) tracker.Change) (tracker.Issue, error) {
	return through(d, "update", func() (tracker.Issue, error) { return d.Tracker.Update(ctx, id, decide) })
}

// see lets a scan conclude n recommendations that are worth 100, 99, 98 …
func (w *world) see(n int) {
	w.t.Helper()
	w.check(w.store.Write(context.Background(), func(tx *store.Tx) error {
		for i := range n {
			if err := w.seeOne(tx, i); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (w *world) seeOne(tx *store.Tx, i int) error {
	resource, boards := fmt.Sprintf("vm-%02d", i), []string{"fin", "ops"}
	money := trimtab.Money{Amount: decimal.NewFromInt(int64(max(1, 100-i))), Currency: "USD"}
	rec := &trimtab.Recommendation{
		CreatedAt: w.clock.Now(), Action: "stop", Subject: trimtab.Subject{Resource: resource}, Title: "Stop " + resource, Savings: money, MonthlyCost: money,
		Board: boards[i%2], Owner: trimtab.Owner{Name: "ann@example.com", Source: "tag owner"}, Reasons: []trimtab.Reason{{Rule: "p/r"}},
	}
	e := &store.Episode{Key: trimtab.KeyOf("i", "stop", resource, ""), Number: 1, Action: "stop", Resource: resource, Owner: rec.Owner.Name, Board: rec.Board, Rules: []string{"p/r"}}
	if known, err := tx.LatestEpisode(e.Key); err != nil || known != nil {
		return err
	}
	step := store.Step{Actor: "scan", At: w.clock.Now(), Policy: lifecycle.DefaultPolicy()}
	if _, err := tx.Advance(e, lifecycle.Seen{At: w.clock.Now(), Savings: money, Cost: money}, step); err != nil {
		return err
	}
	if _, err := tx.AddRecommendation(rec, 1, e); err != nil {
		return err
	}
	return tx.SaveEpisode(e)
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// tell feeds every episode an event, as the other jobs would.
func (w *world) tell(event lifecycle.Event) {
	w.t.Helper()
	w.check(w.store.Write(context.Background(), func(tx *store.Tx) error {
		open, err := tx.OpenEpisodes()
		for _, e := range open {
			_, failed := tx.Advance(e, event, store.Step{Actor: "test", At: w.clock.Now(), Policy: lifecycle.DefaultPolicy()})
			err = errors.Join(err, failed)
		}
		return err
	}))
}

// picture is the end state that every run must come to, however often it was
// killed: what the tables and the board say.
func (w *world) picture() map[string][][]any {
	w.t.Helper()
	queries := []string{
		`SELECT k.remote_key IS NOT NULL, k.status, k.board, e.resource, e.workflow FROM tickets k JOIN episodes e ON e.ticket_id = k.id ORDER BY e.resource`,
		`SELECT recommendation_id, first_recommendation_id, ticket_id IS NOT NULL FROM recommendation_ticket_map ORDER BY 1`,
		`SELECT kind, state, COUNT(*) FROM ops GROUP BY kind, state ORDER BY kind, state`,
		`SELECT state, COUNT(*) FROM links GROUP BY state`,
	}
	picture := map[string][][]any{}
	w.store.Jam(nil)
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		for _, q := range queries {
			rows, err := tx.Query(q)
			if err != nil {
				return err
			}
			picture[q] = rows
		}
		return nil
	}))
	for _, row := range w.board() {
		picture["board "+row.Summary] = append(picture["board "+row.Summary], []any{row.Status, len(row.Comments), row.Project})
	}
	return picture
}

func (w *world) board() []board.Row {
	rows, err := w.rows.Changed(context.Background(), w.store.Installation(), time.Time{})
	w.check(err)
	return rows
}

func TestFilesOncePerRecommendation(t *testing.T) {
	w := newWorld(t)
	w.see(60) // more than one batch
	for range 3 {
		_, err := w.job.Run(t.Context(), true)
		w.check(err)
	}
	if rows := w.board(); len(rows) != 60 {
		t.Fatalf("%d tickets for 60 recommendations", len(rows))
	}
	first := w.board()[0]
	if first.Summary != "Stop vm-00 (saves 100.00 USD a month)" || first.Assignee != "ann@example.com" || first.Project != "FIN" {
		t.Errorf("%+v", first)
	}
}

// story files 4 tickets, reopens them all and closes them: every kind of write.
func story(w *world, run func() error) {
	w.see(4)
	w.check(run())
	w.clock.Advance(time.Hour)
	w.tell(lifecycle.Told{At: w.clock.Now(), Status: tracker.Done})
	w.tell(lifecycle.Seen{At: w.clock.Now().Add(30 * 24 * time.Hour), Savings: trimtab.Money{Amount: decimal.NewFromInt(50), Currency: "USD"}, After: lifecycle.Measurement{Days: 20, Window: 14}})
	w.check(run())
	w.clock.Advance(40 * 24 * time.Hour)
	w.tell(lifecycle.Outranked{At: w.clock.Now(), By: "k"})
	w.check(run())
}

// TestKilledAnywhere kills the distributor at every crossing there is, starts
// it anew, and holds the end state against the run that was never killed.
func TestKilledAnywhere(t *testing.T) {
	calm := newWorld(t)
	crossings := 0
	story(calm, func() error {
		_, err := calm.job.Run(t.Context(), true)
		crossings = max(crossings, calm.door.crossings)
		return err
	})
	want := calm.picture()
	if crossings < 10 {
		t.Fatalf("only %d crossings: the doors are not counted", crossings)
	}
	for at := 1; at <= crossings; at++ {
		t.Run(fmt.Sprintf("crossing %d", at), func(t *testing.T) {
			w := newWorld(t)
			story(w, func() error { return w.runKilled(at) })
			if got := w.picture(); !reflect.DeepEqual(got, want) {
				t.Errorf("killed at crossing %d:\n got %v\nwant %v", at, got, want)
			}
		})
	}
}

// runKilled runs the distributor, kills it at a crossing if it comes so far,
// and starts it again until it ends by itself.
func (w *world) runKilled(at int) error {
	w.start()
	w.door.at = at
	_, err := w.job.Run(context.Background(), true)
	for n := 0; errors.Is(err, errKilled) || w.door.killed; n++ {
		if n > 3 {
			return fmt.Errorf("still killed: %w", err)
		}
		w.start()
		_, err = w.job.Run(context.Background(), true)
	}
	w.start() // so that what the test does itself crosses no counted door
	return err
}

// TestFaults: each way in which a tracker fails, and what becomes of 3 tickets.
func TestFaults(t *testing.T) {
	answer := func(kind tracker.Kind, after time.Duration, times int) func(string) error {
		return func(call string) error {
			if times--; call != "create" || times < 0 {
				return nil
			}
			return &tracker.Error{Kind: kind, Request: "POST /issue/bulk", RetryAfter: after}
		}
	}
	cases := []struct {
		name       string
		fail, lose func(string) error
		tickets    int
		code       trimtab.Code
	}{
		{"the answer is lost", nil, answer(tracker.Ambiguous, 0, 1), 3, ""},
		{"the answer is lost and the tracker did nothing", answer(tracker.Ambiguous, 0, 1), nil, 3, ""},
		{"too many requests", answer(tracker.Retry, 2*time.Second, 2), nil, 3, ""},
		{"down", answer(tracker.Retry, 0, 99), nil, 0, trimtab.Outside},
		{"401", answer(tracker.Unauthorized, 0, 99), nil, 0, trimtab.Outside},
		{"refused", answer(tracker.Rejected, 0, 99), nil, 0, trimtab.Partial},
		{"always lost, never done", answer(tracker.Ambiguous, 0, 999), nil, 0, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.see(3)
			w.door.fail, w.door.lose = c.fail, c.lose
			_, err := w.job.Run(t.Context(), true)
			if trimtab.CodeOf(err) != c.code {
				t.Errorf("code %q of %v", trimtab.CodeOf(err), err)
			}
			if rows := w.board(); len(rows) != c.tickets {
				t.Errorf("%d tickets", len(rows))
			}
			w.door.fail, w.door.lose = nil, nil
			w.clock.Advance(time.Hour)
			if _, err := w.job.Unblock(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err = w.job.Run(t.Context(), true)
			w.check(err)
			if rows := w.board(); len(rows) != 3 {
				t.Errorf("%d tickets once the tracker works again", len(rows))
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Job)
		filed  int
		why    string
	}{
		{"minimum savings", func(j *Job) {
			j.Policy.MinSavings = trimtab.Money{Amount: decimal.NewFromInt(98), Currency: "USD"}
		}, 3, "below the minimum of 98.00 USD"},
		{"sightings", func(j *Job) { j.Policy.Sightings = 2 }, 0, "fewer than 2 scans"},
		{"open per owner", func(j *Job) { j.Policy.OpenPerOwner = 4 }, 4, "its owner has 4 open"},
		{"new per board", func(j *Job) { j.Policy.NewPerBoardWeek = 2 }, 4, "its board got 2"},
		{"no board", func(j *Job) { delete(j.Boards, "ops") }, 3, `no board "ops"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.see(6)
			c.change(w.job)
			report, err := w.job.Run(t.Context(), true)
			w.check(err)
			if rows := w.board(); len(rows) != c.filed {
				t.Errorf("%d filed, want %d", len(rows), c.filed)
			}
			if why := fmt.Sprint(report.Held); !strings.Contains(why, c.why) {
				t.Errorf("held: %s", why)
			}
		})
	}
}

func TestRehearse(t *testing.T) {
	w := newWorld(t)
	w.see(3)
	before := w.picture()
	var previews []Preview
	errRollback := errors.New("roll back")
	err := w.store.Write(t.Context(), func(tx *store.Tx) (err error) {
		previews, _, err = w.job.Rehearse(tx)
		return errors.Join(err, errRollback)
	})
	if !errors.Is(err, errRollback) || len(previews) != 3 || !strings.Contains(previews[0].Op.Description, "100.00 USD a month") {
		t.Errorf("%v, %+v", err, previews)
	}
	if after := w.picture(); !reflect.DeepEqual(before, after) {
		t.Errorf("a rehearsal changed %v to %v", before, after)
	}
}

// What a person dismisses before its ticket was made gets none, until it comes
// back.
func TestDismissedBeforeItWasFiled(t *testing.T) {
	w := newWorld(t)
	w.see(2)
	w.door.fail = func(string) error { return &tracker.Error{Kind: tracker.Retry, Request: "POST /issue/bulk"} }
	if _, err := w.job.Run(t.Context(), true); trimtab.CodeOf(err) != trimtab.Outside {
		t.Fatal(err)
	}
	w.door.fail = nil
	w.tell(lifecycle.Dismissed{At: w.clock.Now(), Until: w.clock.Now().AddDate(0, 0, 30), Reason: "not now"})
	w.clock.Advance(time.Hour)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	if rows := w.board(); len(rows) != 0 {
		t.Fatalf("%d tickets for what was dismissed", len(rows))
	}
	w.clock.Advance(31 * 24 * time.Hour)
	w.tell(lifecycle.Tick{At: w.clock.Now()})
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	if rows := w.board(); len(rows) != 2 || rows[0].Status != tracker.Open {
		t.Errorf("%+v once the dismissal is over", rows)
	}
}

// The writes to one ticket keep their order when one of them fails; those to
// other tickets go on.
func TestLanes(t *testing.T) {
	w := newWorld(t)
	w.see(2)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	w.check(w.store.Write(t.Context(), func(tx *store.Tx) error {
		return errors.Join(
			tx.Plan(1, store.OpComment, store.OpPayload{Comment: "first"}, w.clock.Now()), tx.Plan(1, store.OpComment, store.OpPayload{Comment: "second"}, w.clock.Now()),
			tx.Plan(2, store.OpComment, store.OpPayload{Comment: "other"}, w.clock.Now()))
	}))
	failures := 1
	w.door.fail = func(call string) error {
		if call != "update" || failures == 0 {
			return nil
		}
		failures--
		return &tracker.Error{Kind: tracker.Retry, Request: "PUT /issue/1"}
	}
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	said := func() string {
		var all []string
		for _, row := range w.board() {
			for _, c := range row.Comments {
				all = append(all, fmt.Sprint(row.ID, " ", c.Text))
			}
		}
		return strings.Join(all, ", ")
	}
	if got := said(); got != "2 other" {
		t.Errorf("while the first write waits: %s", got)
	}
	w.clock.Advance(time.Hour)
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	if got := said(); got != "2 other, 1 first, 1 second" && got != "1 first, 1 second, 2 other" {
		t.Errorf("in the end: %s", got)
	}
}

// What has gone before its ticket was made has nothing to be closed, and no write waits
// for it; when it is there again its ticket says nothing of all that.
func TestGoneBeforeItWasFiled(t *testing.T) {
	w := newWorld(t)
	w.see(2)
	w.door.fail = func(string) error { return &tracker.Error{Kind: tracker.Retry, Request: "POST /issue/bulk"} }
	if _, err := w.job.Run(t.Context(), true); trimtab.CodeOf(err) != trimtab.Outside {
		t.Fatal(err)
	}
	w.door.fail = nil
	for range 2 {
		w.clock.Advance(time.Hour)
		w.tell(lifecycle.Missed{At: w.clock.Now(), Reason: "condition_cleared"})
	}
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	if len(w.board()) != 0 || report.Waiting != 2 { // the creations, for when it comes back
		t.Errorf("%d tickets, %+v", len(w.board()), report)
	}
	w.clock.Advance(time.Hour)
	w.write(func(tx *store.Tx) error {
		for i := range 2 {
			e, err := tx.LatestEpisode(trimtab.KeyOf("i", "stop", fmt.Sprintf("vm-%02d", i), ""))
			if err != nil {
				return err
			}
			seen := lifecycle.Seen{At: w.clock.Now(), Savings: e.State.Savings, Cost: e.State.Cost}
			if _, err := tx.Advance(e, seen, store.Step{Actor: "scan", At: w.clock.Now(), Policy: lifecycle.DefaultPolicy()}); err != nil {
				return err
			}
		}
		return nil
	})
	report, err = w.job.Run(t.Context(), true)
	w.check(err)
	for _, row := range w.board() {
		for _, c := range row.Comments {
			if strings.HasPrefix(c.Text, "Closed") {
				t.Errorf("%s says %q", row.Summary, c.Text)
			}
		}
	}
	if len(w.board()) != 2 || report.Waiting != 0 {
		t.Errorf("%d tickets, %+v", len(w.board()), report)
	}
}

// TestClosedBeforeItWasKnown: a person closes a ticket whose making was not heard of yet;
// what both sides agreed on is that it was open, so that the monitor hears of it.
func TestClosedBeforeItWasKnown(t *testing.T) {
	w := newWorld(t)
	w.see(1)
	lost := 1
	w.door.lose = func(call string) error {
		if lost--; call != "create" || lost < 0 {
			return nil
		}
		_, err := w.door.Tracker.Update(context.Background(), fmt.Sprint(w.board()[0].ID), tracker.Set(tracker.Change{Status: tracker.Done}))
		w.check(err)
		return &tracker.Error{Kind: tracker.Ambiguous, Request: "POST /issue/bulk"}
	}
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	w.check(w.store.Read(t.Context(), func(tx *store.Tx) error {
		link, err := tx.Link(w.links()[0])
		if report.Adopted != 1 || link.Base[merge.Status].Theirs != string(tracker.Open) {
			t.Errorf("%+v, %v", report, link.Base)
		}
		return err
	}))
}

// asking is a tracker that notes what is looked for.
type asking struct {
	*door
	asked []string
}

func (a *asking) Find(ctx context.Context, sought []tracker.Sought) ([]tracker.Issue, error) {
	a.asked = append(a.asked, fmt.Sprintf("%d of %s after %q", len(sought), sought[0].Project, sought[0].After))
	return a.door.Find(ctx, sought)
}

// TestLooksWhereItSent: each lost call is looked for after what there was when it was
// sent, however much has been filed since.
func TestLooksWhereItSent(t *testing.T) {
	w := newWorld(t)
	w.see(160)
	calls := 0
	w.door.lose = func(call string) error {
		if call != "create" {
			return nil
		}
		w.clock.Advance(time.Second)
		if calls++; calls == 1 || calls == 3 {
			return &tracker.Error{Kind: tracker.Ambiguous, Request: "POST /issue/bulk"}
		}
		return nil
	}
	a := &asking{door: w.door}
	w.job.Trackers["b"] = a
	looks := 0
	w.door.fail = func(call string) error {
		if call != "find" {
			return nil
		}
		if looks++; looks == 2 { // one that fails costs the others nothing
			return &tracker.Error{Kind: tracker.Retry, Request: "POST /search"}
		}
		return nil
	}
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	if len(w.board()) != 160 || report.Adopted != 100 {
		t.Fatalf("%d tickets, %+v", len(w.board()), report)
	}
	want := `25 of FIN after "", 25 of FIN after "FIN-99", 25 of OPS after "", 25 of OPS after "OPS-100", 25 of FIN after "FIN-99"`
	if got := strings.Join(a.asked, ", "); got != want {
		t.Errorf("asked for %s", got)
	}
}
