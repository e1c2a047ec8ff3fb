package distribute

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// waits runs the job into its brake and gives the run.
func (w *world) waits(says string) *durable.Run {
	w.t.Helper()
	_, err := w.job.Run(w.t.Context(), false)
	if !errors.Is(err, durable.ErrWaits) || !strings.Contains(err.Error(), says) {
		w.t.Fatalf("%v, not %q", err, says)
	}
	runs, err := w.operator().List(w.t.Context(), durable.Filter{Statuses: []durable.Status{durable.Waiting}})
	w.check(err)
	if len(runs) != 1 || !strings.HasPrefix(runs[0].Awaits, Approval+" ") {
		w.t.Fatalf("%+v", runs)
	}
	return runs[0]
}

func (w *world) operator() durable.Operator { return durable.Operator{Log: w.store.Runs()} }

func (w *world) approve(run *durable.Run) {
	w.t.Helper()
	_, err := w.operator().Signal(w.t.Context(), run.ID, run.Awaits, "ann")
	w.check(err)
}

// write changes the state as another part of Trimtab would.
func (w *world) write(fn func(*store.Tx) error) {
	w.t.Helper()
	w.check(w.store.Write(context.Background(), fn))
}

// TestBrakeWaits: a run that would do more than anybody expects does nothing before
// somebody approves, and then just what was shown.
func TestBrakeWaits(t *testing.T) {
	w := newWorld(t)
	w.see(6)
	w.job.Policy.Brake.Tickets = 5
	run := w.waits("create 6 tickets, more than the brake of 5")
	if n := len(w.board()); n != 0 {
		t.Fatalf("%d tickets before approval", n)
	}
	w.waits("create 6 tickets") // asked again, it still waits
	// What comes meanwhile is not what is approved.
	w.write(func(tx *store.Tx) error {
		if err := w.seeOne(tx, 6); err != nil {
			return err
		}
		_, err := w.job.plan(tx, 0)
		return err
	})
	w.approve(run)
	report, err := w.job.Run(t.Context(), false)
	w.check(err)
	if report.Filed != 6 || len(w.board()) != 6 {
		t.Errorf("%d filed, %d there", report.Filed, len(w.board()))
	}
	if _, err = w.job.Run(t.Context(), false); err != nil || len(w.board()) != 7 {
		t.Errorf("%d after the next run, %v", len(w.board()), err)
	}
}

func TestBrakeApprovedBefore(t *testing.T) {
	w := newWorld(t)
	w.see(6)
	w.job.Policy.Brake.Tickets = 5
	if _, err := w.job.Run(t.Context(), true); err != nil || len(w.board()) != 6 {
		t.Errorf("%d tickets, %v", len(w.board()), err)
	}
}

// TestBrakeCounts: closing and editing are touching too; a ticket counts once, however
// many writes there are to it, and a share of the open tickets may be touched.
func TestBrakeCounts(t *testing.T) {
	w := newWorld(t)
	w.see(20)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	w.job.Policy.Brake = Brake{Tickets: 5, Share: decimal.RequireFromString("0.5")}
	links := w.links()
	w.write(func(tx *store.Tx) error {
		for i, link := range links[:11] {
			kind := store.OpRefresh
			if i < 4 {
				kind = store.OpClose
			}
			if err := errors.Join(tx.Plan(link, store.OpComment, store.OpPayload{Comment: "x"}, w.clock.Now()), tx.Plan(link, kind, store.OpPayload{}, w.clock.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	w.waits("close 4, edit 7 tickets, more than the brake of 10")
}

func (w *world) links() (ids []int64) {
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		open, err := tx.OpenEpisodes()
		for _, e := range open {
			link, failed := tx.LinkOf(e.ID)
			if err = errors.Join(err, failed); link != nil {
				ids = append(ids, link.ID)
			}
		}
		return err
	}))
	return ids
}

// TestRunsOnAfterKill: the brake's wait survives its process.
func TestBrakeSurvives(t *testing.T) {
	for at := 1; at < 40; at++ {
		w := newWorld(t)
		w.see(3)
		w.job.Policy.Brake.Tickets = 1
		w.door.at = at
		_, err := w.job.Run(context.Background(), false)
		for n := 0; n < 3 && !errors.Is(err, durable.ErrWaits); n++ {
			w.start()
			w.job.Policy.Brake.Tickets = 1
			_, err = w.job.Run(context.Background(), false)
		}
		if !errors.Is(err, durable.ErrWaits) || len(w.board()) > 0 {
			t.Fatalf("killed at %d: %v, %d tickets", at, err, len(w.board()))
		}
		w.start()
		w.approve(w.waits("create 3"))
		if _, err := w.job.Run(context.Background(), false); err != nil || len(w.board()) != 3 {
			t.Fatalf("killed at %d: %v, %d tickets", at, err, len(w.board()))
		}
	}
}

// TestPauses: what is for a paused board waits, with all that was decided; a paused rule
// files nothing that it alone concludes.
func TestPauses(t *testing.T) {
	w := newWorld(t)
	w.see(2)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	w.pause(store.Pause{Kind: store.PauseBoard, Name: "fin", Since: w.clock.Now(), Why: "moving house"})
	links := w.links()
	w.write(func(tx *store.Tx) error {
		return errors.Join(tx.Plan(links[0], store.OpComment, store.OpPayload{Comment: "x"}, w.clock.Now()), tx.Plan(links[1], store.OpComment, store.OpPayload{Comment: "x"}, w.clock.Now()))
	})
	w.see(4)
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	if report.Held["its board is paused: moving house"] != 1 || report.Filed != 1 || report.Written != 1 || report.Waiting != 1 {
		t.Errorf("%+v", report)
	}
	w.pause(store.Pause{Kind: store.PauseRule, Name: "p/r", Since: w.clock.Now(), Until: w.clock.Now().Add(time.Hour)})
	w.write(func(tx *store.Tx) error {
		ended, err := tx.Resume(store.PauseBoard, "fin")
		if !ended {
			t.Error("it was not paused")
		}
		return err
	})
	report, err = w.job.Run(t.Context(), true)
	w.check(err)
	if report.Held["its rule p/r is paused"] != 1 || report.Filed != 0 || report.Written != 1 {
		t.Errorf("%+v", report)
	}
	w.clock.Advance(2 * time.Hour) // its end was said
	report, err = w.job.Run(t.Context(), true)
	w.check(err)
	if report.Filed != 1 || len(report.Held) != 0 {
		t.Errorf("%+v", report)
	}
}

func (w *world) pause(p store.Pause) {
	w.t.Helper()
	w.write(func(tx *store.Tx) error { return tx.SavePause(p) })
}

// TestRollout: an installation's first rules are live; later ones begin where the policy
// says, and so does one whose text has changed.
func TestRollout(t *testing.T) {
	w := newWorld(t)
	rules := []RuleText{{"p/old", "1"}}
	w.job.Rules = func() []RuleText { return rules }
	w.job.Policy.Rollout = Rollout{New: store.StageShadow, Canary: []string{"ops"}}
	w.see(0)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	rules = append(rules, RuleText{"p/r", "1"})
	for _, step := range []struct {
		name   string
		change func()
		filed  int
		held   string
	}{
		{"new", func() { w.see(4) }, 0, "its rule p/r is in shadow"},
		{"canary", func() { w.stage(store.StageCanary, "1") }, 2, "its rule p/r is a canary, only on ops"},
		{"live", func() { w.stage(store.StageLive, "1") }, 2, ""},
		{"changed", func() { rules[1].Hash = "2"; w.see(6) }, 0, "its rule p/r is in shadow"},
	} {
		step.change()
		report, err := w.job.Run(t.Context(), true)
		w.check(err)
		if report.Filed != step.filed || step.held != "" && report.Held[step.held] == 0 || step.held == "" && len(report.Held) > 0 {
			t.Errorf("%s: %+v", step.name, report)
		}
	}
}

func (w *world) stage(s store.Stage, hash string) {
	w.write(func(tx *store.Tx) error {
		return tx.SaveRuleStage(store.RuleStage{Rule: "p/r", Hash: hash, Stage: s, Since: w.clock.Now(), Actor: "ann"})
	})
}

// TestFreeze: a board in its freeze takes no new tickets, but hears of what it has.
func TestFreeze(t *testing.T) {
	w := newWorld(t)
	w.see(1)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	frozen := w.job.Boards["fin"]
	frozen.Freeze = []Span{{From: w.clock.Now().AddDate(0, 0, -1).Truncate(24 * time.Hour), To: w.clock.Now().Truncate(24 * time.Hour)}}
	w.job.Boards["fin"] = frozen
	w.write(func(tx *store.Tx) error {
		return tx.Plan(w.links()[0], store.OpComment, store.OpPayload{Comment: "x"}, w.clock.Now())
	})
	w.see(3)
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	if report.Filed != 1 || report.Written != 1 || report.Held["its board takes no new tickets until 2026-09-01"] != 1 {
		t.Errorf("%+v", report)
	}
	w.clock.Advance(18 * time.Hour) // the last day is over
	if report, err = w.job.Run(t.Context(), true); err != nil || report.Filed != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestForbidden: a project that refuses us stops no other, is found out with few calls,
// and is asked again by the next run.
func TestForbidden(t *testing.T) {
	w := newWorld(t)
	w.see(10)
	calls := 0
	w.job.Trackers["b"] = &refusing{door: w.door, project: "OPS", calls: &calls}
	_, err := w.job.Run(t.Context(), true)
	if trimtab.CodeOf(err) != trimtab.Outside || !strings.Contains(err.Error(), "project OPS") || strings.Contains(err.Error(), "project FIN") {
		t.Fatal(err)
	}
	if n := len(w.board()); n != 5 || calls != 3 {
		t.Errorf("%d tickets, %d calls", n, calls)
	}
	w.job.Trackers["b"] = w.door
	if _, err := w.job.Run(t.Context(), true); err != nil || len(w.board()) != 10 {
		t.Errorf("%d tickets, %v", len(w.board()), err)
	}
}

// refusing is a tracker without permission in one project.
type refusing struct {
	*door
	project string
	calls   *int
}

func (r *refusing) Create(ctx context.Context, drafts []tracker.Draft) ([]tracker.Result, error) {
	*r.calls++
	if slices.ContainsFunc(drafts, func(d tracker.Draft) bool { return d.Project == r.project }) {
		return nil, &tracker.Error{Kind: tracker.Forbidden, Request: "POST", Status: 403}
	}
	return r.door.Create(ctx, drafts)
}

// TestNeverFiled: a write to a ticket whose creation was given up ends with it.
func TestNeverFiled(t *testing.T) {
	w := newWorld(t)
	w.see(1)
	w.write(func(tx *store.Tx) error {
		_, err := w.job.plan(tx, 0)
		return err
	})
	w.tell(lifecycle.Missed{At: w.clock.Now().Add(time.Hour), Reason: "condition_cleared"})
	w.tell(lifecycle.Missed{At: w.clock.Now().Add(2 * time.Hour), Reason: "condition_cleared"})
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	if len(w.board()) != 0 || report.Blocked != 0 || report.Written != 0 {
		t.Errorf("%d tickets, %+v", len(w.board()), report)
	}
}

// curtain is a tracker that hides a project.
type curtain struct {
	*door
	project string
}

func (c *curtain) Find(ctx context.Context, sought []tracker.Sought) ([]tracker.Issue, error) {
	if sought[0].Project == c.project {
		return nil, &tracker.Error{Kind: tracker.Forbidden, Request: "GET permissions", Message: "hidden"}
	}
	return c.door.Find(ctx, sought)
}

// TestHiddenProject: what may have been filed is not filed again while its project cannot
// be seen, and other projects go on.
func TestHiddenProject(t *testing.T) {
	w := newWorld(t)
	w.see(4)
	lost := true
	w.door.lose = func(call string) error {
		if call != "create" || !lost {
			return nil
		}
		lost = false
		return &tracker.Error{Kind: tracker.Ambiguous, Request: "POST /issue/bulk"}
	}
	w.job.Trackers["b"] = &curtain{w.door, "OPS"}
	for range 3 {
		_, err := w.job.Run(t.Context(), true)
		if trimtab.CodeOf(err) != trimtab.Outside || !strings.Contains(err.Error(), "project OPS: look tickets up") {
			t.Fatal(err)
		}
		w.clock.Advance(time.Hour)
	}
	if n := len(w.board()); n != 4 {
		t.Fatalf("%d tickets for 4 recommendations", n)
	}
	w.job.Trackers["b"] = w.door
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	if n := len(w.board()); n != 4 || report.Adopted != 2 {
		t.Errorf("%d tickets, %+v", n, report)
	}
}
