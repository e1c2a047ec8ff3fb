package distribute

import (
	"context"
	"slices"

	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
)

// RecallRequest says what to take back.
type RecallRequest struct {
	Rule  string `json:"rule"`
	Run   int64  `json:"run,omitempty"` // only what this run decided to file; 0 is all
	Actor string `json:"actor,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Recalled says what was taken back.
type Recalled struct {
	Tickets int  `json:"tickets"` // to be closed by the next distribution
	Shared  int  `json:"shared"`  // left, since other rules conclude the same
	Paused  bool `json:"paused"`  // the rule was at work, and is paused now
}

// Recall withdraws what a rule has filed and it alone concludes: each ticket gets one
// comment and is closed. The rule is paused, or it would file the same again.
func (j *Job) Recall(ctx context.Context, in RecallRequest) (*Recalled, error) {
	r := &Recalled{}
	return r, j.Store.Write(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenEpisodes()
		if err != nil {
			return err
		}
		for _, e := range open {
			if err := j.recallOne(tx, e, in, r); err != nil {
				return err
			}
		}
		return j.pauseRecalled(tx, in, r)
	})
}

func (j *Job) recallOne(tx *store.Tx, e *store.Episode, in RecallRequest, r *Recalled) error {
	if !slices.Contains(e.Rules, in.Rule) {
		return nil
	}
	filed, err := decidedBy(tx, e, in.Run)
	if err != nil || !filed {
		return err
	}
	if len(e.Rules) > 1 {
		r.Shared++
		return nil
	}
	now := j.Clock.Now()
	effects, err := tx.Advance(e, lifecycle.Recalled{At: now, Why: in.Why}, store.Step{Actor: actorOf(in.Actor), At: now, Policy: j.Life})
	if len(effects) > 0 {
		r.Tickets++
	}
	return err
}

// decidedBy reports whether a run decided to file the ticket of an episode; run 0 is any.
func decidedBy(tx *store.Tx, e *store.Episode, run int64) (bool, error) {
	link, err := tx.LinkOf(e.ID)
	if err != nil || link == nil || run == 0 {
		return link != nil, err
	}
	ops, err := tx.OpsOf(link.ID)
	return slices.ContainsFunc(ops, func(o *store.Op) bool { return o.Kind == store.OpCreate && o.Run == run }), err
}

// pauseRecalled pauses the rule, unless somebody has or it files nothing anyway.
func (j *Job) pauseRecalled(tx *store.Tx, in RecallRequest, r *Recalled) error {
	now := j.Clock.Now()
	pauses, err := tx.Pauses(now)
	if err != nil || slices.ContainsFunc(pauses, func(p store.Pause) bool { return p.Kind == store.PauseRule && p.Name == in.Rule }) {
		return err
	}
	r.Paused = true
	return tx.SavePause(store.Pause{Kind: store.PauseRule, Name: in.Rule, Since: now, Actor: actorOf(in.Actor), Why: or(in.Why, "recalled")})
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// actorOf is who did something, for the timeline.
func actorOf(name string) string { return or(name, "person") }
