package distribute

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// TestRecall: what a bad rule filed is withdrawn with one comment each, what others
// conclude too stays, and nothing is filed again until somebody resumes the rule.
func TestRecall(t *testing.T) {
	w := newWorld(t)
	w.rules("p/r", "p/other")
	w.see(2)
	_, err := w.job.Run(t.Context(), true)
	w.check(err)
	runs := w.runOf()
	w.see(5)
	w.write(func(tx *store.Tx) error {
		e, err := tx.EpisodeOf(5)
		if err != nil {
			return err
		}
		e.Rules = []string{"p/other", "p/r"}
		return tx.SaveEpisode(e)
	})
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	r, err := w.job.Recall(t.Context(), RecallRequest{Rule: "p/r", Run: w.runOf(), Actor: "ann", Why: "It counted weekends."})
	w.check(err)
	if runs == w.runOf() || *r != (Recalled{Tickets: 2, Shared: 1, Paused: true}) {
		t.Errorf("%+v", r)
	}
	w.job.Policy.Brake.Tickets = 1 // a recall is no surprise to anybody
	report, err := w.job.Run(t.Context(), false)
	w.check(err)
	closed := 0
	for _, row := range w.board() {
		if row.Status == tracker.WontDo {
			closed++
			if len(row.Comments) != 1 || !strings.HasSuffix(row.Comments[0].Text, "It counted weekends.") {
				t.Errorf("%+v", row.Comments)
			}
		}
	}
	if closed != 2 || report.Written != 2 {
		t.Errorf("%d closed, %+v", closed, report)
	}
	// Again changes nothing; the rest of the rule goes when no run is named.
	again, err := w.job.Recall(t.Context(), RecallRequest{Rule: "p/r"})
	w.check(err)
	if *again != (Recalled{Tickets: 2, Shared: 1}) {
		t.Errorf("%+v", again)
	}
}

// rules are those at work.
func (w *world) rules(ids ...string) {
	w.job.Rules = func() (all []RuleText) {
		for _, id := range ids {
			all = append(all, RuleText{ID: id, Hash: "1"})
		}
		return all
	}
}

// runOf is the newest run.
func (w *world) runOf() (id int64) {
	w.check(w.store.Read(w.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT MAX(id) FROM runs`)
		id, _ = rows[0][0].(int64)
		return err
	}))
	return id
}

func TestRefusedStops(t *testing.T) {
	w := newWorld(t)
	w.rules("p/r")
	for name, err := range map[string]error{
		`there is no board "fn"`:     w.job.Stop(t.Context(), store.Pause{Kind: store.PauseBoard, Name: "fn"}),
		`there is no rule "p/x"`:     w.job.Stop(t.Context(), store.Pause{Kind: store.PauseRule, Name: "p/x"}),
		`a "tracker" cannot`:         w.job.Stop(t.Context(), store.Pause{Kind: "tracker", Name: "b"}),
		`"p/r" is not paused`:        w.job.Resume(t.Context(), store.PauseRule, "p/r"),
		`there is no stage "x"`:      w.job.SetStage(t.Context(), "p/r", "x", ""),
		`there are no canary boards`: w.job.SetStage(t.Context(), "p/r", store.StageCanary, ""),
		`there is no rule "p/y"`:     w.job.SetStage(t.Context(), "p/y", store.StageLive, ""),
	} {
		if err == nil || !strings.Contains(err.Error(), name) || trimtab.NextOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
