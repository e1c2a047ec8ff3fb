package distribute

import (
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// TestLinks: a ticket leads back to its recommendation, to the ticket of the time before,
// and from a proposal that lost to the one that won.
func TestLinks(t *testing.T) {
	w := newWorld(t)
	for name, b := range w.job.Boards {
		b.Page = "https://trimtab.example"
		w.job.Boards[name] = b
	}
	w.see(3)
	report, err := w.job.Run(t.Context(), true)
	w.check(err)
	rows := w.board()
	if got := rows[0].Extra.Backlinks; report.Written != 3 || len(got) != 1 || got[0].URL != "https://trimtab.example/recommendations/1" || got[0].ID != string(rows[0].Marker) {
		t.Fatalf("%+v, %+v", report, got)
	}
	// The first comes again, long after it was closed: another ticket, tied to the old one.
	w.write(func(tx *store.Tx) error {
		old, err := tx.EpisodeOf(1)
		if err != nil {
			return err
		}
		again := &store.Episode{Key: old.Key, Number: 2, Action: old.Action, Resource: old.Resource, Owner: old.Owner, Board: old.Board, Rules: old.Rules}
		step := store.Step{Actor: "scan", At: w.clock.Now(), Policy: lifecycle.DefaultPolicy()}
		old.State.Workflow = trimtab.Verified
		if err := tx.SaveEpisode(old); err != nil {
			return err
		}
		if _, err := tx.Advance(again, lifecycle.Seen{At: w.clock.Now(), Savings: old.State.Savings}, step); err != nil {
			return err
		}
		rec, err := tx.Recommendation(1)
		if err != nil {
			return err
		}
		if _, err := tx.AddRecommendation(rec, 2, again); err != nil {
			return err
		}
		if err := tx.SaveEpisode(again); err != nil {
			return err
		}
		// And the third beats the second.
		lost, err := tx.EpisodeOf(2)
		if err != nil {
			return err
		}
		won, err := tx.EpisodeOf(3)
		if err != nil {
			return err
		}
		_, err = tx.Advance(lost, lifecycle.Outranked{At: w.clock.Now(), By: won.Key}, step)
		return err
	})
	_, err = w.job.Run(t.Context(), true)
	w.check(err)
	rows = w.board()
	if got := rows[3].Extra.Links; len(rows) != 4 || len(got) != 1 || got[0] != (tracker.Link{Relation: tracker.Relates, To: "1"}) {
		t.Errorf("the time before: %+v", got)
	}
	if got := rows[1].Extra.Links; len(got) != 1 || got[0].To != "3" {
		t.Errorf("the better proposal: %+v", got)
	}
}
