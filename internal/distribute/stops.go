package distribute

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
)

// RuleText is a rule as it is at work; the hash is of its text and parameters.
type RuleText struct{ ID, Hash string }

// Rollout says how rules that are new or changed begin to file.
type Rollout struct {
	New    store.Stage // where they begin; "" is live
	Canary []string    // the boards on which a canary files
}

// stops is what people have stopped, and how far each rule is let.
type stops struct {
	rules  map[string]store.Pause
	boards map[string]store.Pause
	stages map[string]store.RuleStage
	canary []string
	open   map[string]int // open tickets by board
}

// loadStops reads what is stopped, after giving new and changed rules their stage.
func (j *Job) loadStops(tx *store.Tx, now time.Time) (*stops, error) {
	s := &stops{canary: j.Policy.Rollout.Canary, rules: map[string]store.Pause{}}
	var err error
	if s.stages, err = j.enterStages(tx, now); err != nil {
		return nil, err
	}
	if s.open, err = tx.OpenPerBoard(); err != nil {
		return nil, err
	}
	pauses, err := tx.Pauses(now)
	for _, p := range pauses {
		if p.Kind == store.PauseRule {
			s.rules[p.Name] = p
		}
	}
	if err != nil {
		return nil, err
	}
	s.boards, err = pausedBoards(tx, now)
	return s, err
}

// pausedBoards are the boards to which nothing is written now.
func pausedBoards(tx *store.Tx, now time.Time) (map[string]store.Pause, error) {
	pauses, err := tx.Pauses(now)
	boards := map[string]store.Pause{}
	for _, p := range pauses {
		if p.Kind == store.PauseBoard {
			boards[p.Name] = p
		}
	}
	return boards, err
}

// enterStages gives rules whose text has not been seen the stage where they begin. An
// installation's first rules are live: it has no tickets yet that they could disturb.
func (j *Job) enterStages(tx *store.Tx, now time.Time) (map[string]store.RuleStage, error) {
	stages, err := tx.RuleStages()
	if err != nil || j.Rules == nil {
		return stages, err
	}
	begin := j.Policy.Rollout.New
	if begin == "" || len(stages) == 0 {
		begin = store.StageLive
	}
	for _, r := range j.Rules() {
		if known, ok := stages[r.ID]; ok && known.Hash == r.Hash {
			continue
		}
		stages[r.ID] = store.RuleStage{Rule: r.ID, Hash: r.Hash, Stage: begin, Since: now, Actor: "distribute"}
		if err := tx.SaveRuleStage(stages[r.ID]); err != nil {
			return nil, err
		}
	}
	return stages, nil
}

// refuse says what keeps a recommendation back, or "".
func (s *stops) refuse(e *store.Episode, board Board, now time.Time, joins bool) string {
	if p, ok := s.boards[e.Board]; ok {
		return "its board is paused" + because(p.Why)
	}
	for _, f := range board.Freeze {
		if f.covers(now) {
			return "its board takes no new tickets until " + f.To.Format(time.DateOnly)
		}
	}
	if !joins && board.Open > 0 && s.open[e.Board] >= board.Open {
		return fmt.Sprintf("its board has %d open tickets", board.Open)
	}
	return s.refuseRules(e)
}

// refuseRules: what several rules conclude is filed if one of them may file it.
func (s *stops) refuseRules(e *store.Episode) string {
	why := ""
	for _, rule := range e.Rules {
		refused := s.refuseRule(rule, e.Board)
		if refused == "" {
			return ""
		}
		if why == "" {
			why = refused
		}
	}
	return why
}

func (s *stops) refuseRule(rule, board string) string {
	if p, ok := s.rules[rule]; ok {
		return "its rule " + rule + " is paused" + because(p.Why)
	}
	switch s.stages[rule].Stage {
	case store.StageShadow:
		return "its rule " + rule + " is in shadow"
	case store.StageCanary:
		if !slices.Contains(s.canary, board) {
			return "its rule " + rule + " is a canary, only on " + strings.Join(s.canary, ", ")
		}
	}
	return ""
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// Stop pauses a rule or a board that there is.
func (j *Job) Stop(ctx context.Context, p store.Pause) error {
	if err := j.known(p.Kind, p.Name); err != nil {
		return err
	}
	p.Since = j.Clock.Now()
	return j.Store.Write(ctx, func(tx *store.Tx) error { return tx.SavePause(p) })
}

// Resume ends a pause. What has waited goes out with the next distribution.
func (j *Job) Resume(ctx context.Context, kind store.PauseKind, name string) error {
	return j.Store.Write(ctx, func(tx *store.Tx) error {
		ended, err := tx.Resume(kind, name)
		if err == nil && !ended {
			return trimtab.Errorf(trimtab.NotFound, "the %s %q is not paused", kind, name).WithNext("`trimtab pause` lists what is")
		}
		return err
	})
}

// SetStage says how far a rule's present text is let.
func (j *Job) SetStage(ctx context.Context, rule string, stage store.Stage, actor string) error {
	if !slices.Contains([]store.Stage{store.StageShadow, store.StageCanary, store.StageLive}, stage) {
		return trimtab.Errorf(trimtab.Invalid, "there is no stage %q", stage).WithNext("shadow, canary or live")
	}
	i := slices.IndexFunc(j.rules(), func(r RuleText) bool { return r.ID == rule })
	if i < 0 {
		return j.known(store.PauseRule, rule)
	}
	if stage == store.StageCanary && len(j.Policy.Rollout.Canary) == 0 {
		return trimtab.Errorf(trimtab.Invalid, "there are no canary boards").WithNext("name them in the deployment file: policy: {rollout: {canary: [board]}}")
	}
	return j.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.SaveRuleStage(store.RuleStage{Rule: rule, Hash: j.rules()[i].Hash, Stage: stage, Since: j.Clock.Now(), Actor: actorOf(actor)})
	})
}

func (j *Job) rules() []RuleText {
	if j.Rules == nil {
		return nil
	}
	return j.Rules()
}

// known refuses the name of a rule or a board that there is not.
func (j *Job) known(kind store.PauseKind, name string) error {
	switch kind {
	case store.PauseBoard:
		if _, ok := j.Boards[name]; !ok {
			return trimtab.Errorf(trimtab.NotFound, "there is no board %q", name).WithNext("the deployment file names them under `boards:`")
		}
		return nil
	case store.PauseRule:
		if !slices.ContainsFunc(j.rules(), func(r RuleText) bool { return r.ID == name }) {
			return trimtab.Errorf(trimtab.NotFound, "there is no rule %q", name).WithNext("`trimtab rules list` shows them")
		}
		return nil
	}
	return trimtab.Errorf(trimtab.Invalid, "a %q cannot be paused", kind).WithNext("a rule or a board can")
}
