package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
)

// What people ask for comes as a name and JSON, from a command with the state in its
// hands or from one beside the process that serves: either way it goes through [App.act].

// Resumed names a pause that is to end.
type Resumed struct {
	Kind store.PauseKind `json:"kind"`
	Name string          `json:"name"`
}

// Staged says how far a rule is let.
type Staged struct {
	Rule  string      `json:"rule"`
	Stage store.Stage `json:"stage"`
	Actor string      `json:"actor,omitempty"`
}

// Backfilling looks on boards for tickets that people have made already.
type Backfilling struct {
	Board string `json:"board,omitempty"` // "" is all
	Link  bool   `json:"link"`            // those that leave no choice
	Actor string `json:"actor,omitempty"`
}

// PutOff is a person's word about a recommendation: dismissed for a reason, or snoozed.
type PutOff struct {
	Recommendation int64  `json:"recommendation"`
	Days           int    `json:"days"`
	Dismiss        bool   `json:"dismiss"`
	Reason         string `json:"reason,omitempty"`
	Actor          string `json:"actor,omitempty"`
}

// Moved says what became of a recommendation.
type Moved struct {
	Was   trimtab.Workflow `json:"was"`
	Is    trimtab.Workflow `json:"is"`
	Until time.Time        `json:"until"`
}

// acts are what can be asked for.
var acts = map[string]func(*App, context.Context, json.RawMessage) (any, error){
	"pause": act(func(a *App, ctx context.Context, in store.Pause) (struct{}, error) {
		return struct{}{}, a.Distribute.Stop(ctx, in)
	}),
	"resume": act(func(a *App, ctx context.Context, in Resumed) (struct{}, error) {
		return struct{}{}, a.Distribute.Resume(ctx, in.Kind, in.Name)
	}),
	"stage": act(func(a *App, ctx context.Context, in Staged) (struct{}, error) {
		return struct{}{}, a.Distribute.SetStage(ctx, in.Rule, in.Stage, in.Actor)
	}),
	"recall": act(func(a *App, ctx context.Context, in distribute.RecallRequest) (*distribute.Recalled, error) {
		return a.Distribute.Recall(ctx, in)
	}),
	"put-off": act((*App).putOff),
	"link": act(func(a *App, ctx context.Context, in distribute.Binding) (*distribute.Bound, error) {
		return a.Distribute.Bind(ctx, in)
	}),
	"unlink": act(func(a *App, ctx context.Context, in distribute.Unbinding) ([]distribute.Bound, error) {
		return a.Distribute.Unbind(ctx, in)
	}),
	"refile": act(func(a *App, ctx context.Context, in distribute.Binding) (*distribute.Bound, error) {
		return a.Distribute.Refile(ctx, in.Recommendation, in.Actor)
	}),
	"backfill": act(func(a *App, ctx context.Context, in Backfilling) ([]distribute.Candidate, error) {
		return a.Distribute.Backfill(ctx, in.Board, in.Link, in.Actor)
	}),
	"resolve": act(func(a *App, ctx context.Context, in distribute.Resolution) (*store.Conflict, error) {
		return a.Distribute.Resolve(ctx, in)
	}),
}

// act reads what is asked for before doing it.
func act[In, Out any](do func(*App, context.Context, In) (Out, error)) func(*App, context.Context, json.RawMessage) (any, error) {
	return func(a *App, ctx context.Context, written json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(written, &in); err != nil {
			return nil, trimtab.Errorf(trimtab.Invalid, "the request cannot be read: %w", err)
		}
		return do(a, ctx, in)
	}
}

// act does what a name says.
func (a *App) act(ctx context.Context, name string, in json.RawMessage) (any, error) {
	do, ok := acts[name]
	if !ok {
		return nil, trimtab.Errorf(trimtab.NotFound, "there is no act %q", name).WithNext("%s", strings.Join(slices.Sorted(maps.Keys(acts)), ", "))
	}
	return do(a, ctx, in)
}

// Act implements [actor] with the state in this process's hands.
func (a *App) Act(ctx context.Context, name string, in, out any) error {
	written, err := json.Marshal(in)
	if err != nil {
		return err
	}
	came, err := a.act(ctx, name, written)
	if err != nil || out == nil {
		return err
	}
	if written, err = json.Marshal(came); err != nil {
		return err
	}
	return json.Unmarshal(written, out)
}

// putOff feeds a person's word to a recommendation.
func (a *App) putOff(ctx context.Context, in PutOff) (m Moved, err error) {
	err = a.Store.Write(ctx, func(tx *store.Tx) error {
		e, err := tx.EpisodeOf(in.Recommendation)
		if err != nil {
			return err
		}
		was, now := e.State, a.Clock.Now()
		actor := in.Actor
		if actor == "" {
			actor = "person"
		}
		until := now.AddDate(0, 0, in.Days)
		var event lifecycle.Event = lifecycle.Snoozed{At: now, Until: until, Author: actor}
		if in.Dismiss {
			event = lifecycle.Dismissed{At: now, Until: until, Reason: in.Reason, Author: actor}
		}
		if _, err := tx.Advance(e, event, store.Step{Actor: actor, At: now, Policy: a.Distribute.Life}); err != nil {
			return err
		}
		m.Was, m.Is, m.Until = was.Workflow, e.State.Workflow, e.State.Until
		// The lifecycle ignores what does not fit its state; a person must hear of it. The
		// error undoes the write.
		if m.Is == m.Was && m.Until.Equal(was.Until) {
			return trimtab.Errorf(trimtab.Invalid, "recommendation %d is %s: that cannot be done now", in.Recommendation, m.Was)
		}
		return nil
	})
	return m, err
}

// Recover looks up on the trackers what was filed, after a state was restored from a
// backup or copied; see [distribute.Job.Recover].
func (a *App) Recover(ctx context.Context) (*distribute.Recovery, error) {
	return a.Distribute.Recover(ctx)
}

// ruleTexts are the rules that recommend, as the distributor sees them.
func (a *App) ruleTexts() []distribute.RuleText {
	if texts := a.atWork.Load(); texts != nil {
		return *texts
	}
	return nil
}

// noteRules keeps them apart from the rules, which may be exchanged while it works.
func (a *App) noteRules() {
	var texts []distribute.RuleText
	for _, r := range a.Rules.Rules() {
		if len(r.Actions) > 0 {
			texts = append(texts, distribute.RuleText{ID: r.ID, Hash: r.Hash})
		}
	}
	a.atWork.Store(&texts)
}
