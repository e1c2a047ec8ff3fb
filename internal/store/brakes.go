package store

import (
	"time"
)

// PauseKind is what can be paused.
type PauseKind string

// The kinds of pauses.
const (
	PauseRule  PauseKind = "rule"  // nothing that it alone concludes becomes a ticket
	PauseBoard PauseKind = "board" // nothing is written to it
)

// Pause is what a person has stopped.
type Pause struct {
	Kind  PauseKind `json:"kind"`
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // zero: until somebody resumes it
	Actor string    `json:"actor,omitempty"`
	Why   string    `json:"why,omitempty"`
}

// SavePause begins a pause, or changes the one that there is.
func (t *Tx) SavePause(p Pause) error {
	return t.exec(`INSERT INTO pauses (kind, name, since, until, actor, why) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (kind, name) DO UPDATE SET until = excluded.until, actor = excluded.actor, why = excluded.why`,
		string(p.Kind), p.Name, millis(p.Since), millis(p.Until), p.Actor, p.Why)
}

// Resume ends a pause and reports whether there was one.
func (t *Tx) Resume(kind PauseKind, name string) (ended bool, err error) {
	known, err := t.Pauses(time.Time{})
	if err != nil {
		return false, err
	}
	for _, p := range known {
		ended = ended || p.Kind == kind && p.Name == name
	}
	return ended, t.exec(`DELETE FROM pauses WHERE kind = ? AND name = ?`, string(kind), name)
}

// Pauses lists what is paused at a time; the zero time is ever.
func (t *Tx) Pauses(at time.Time) ([]Pause, error) {
	return list(t, func(r scanner) (p Pause, err error) {
		var since, until int64
		err = r.Scan(&p.Kind, &p.Name, &since, &until, &p.Actor, &p.Why)
		p.Since, p.Until = fromMillis(since), fromMillis(until)
		return p, err
	}, `SELECT kind, name, since, until, actor, why FROM pauses WHERE until = 0 OR until > ? ORDER BY kind, name`, millis(at))
}

// Stage is how far a rule is let.
type Stage string

// The stages of a rule.
const (
	StageShadow Stage = "shadow" // it recommends and files nothing
	StageCanary Stage = "canary" // it files on the canary boards
	StageLive   Stage = "live"
)

// RuleStage is the stage of a rule's text.
type RuleStage struct {
	Rule  string    `json:"rule"`
	Hash  string    `json:"hash"` // of its text and parameters
	Stage Stage     `json:"stage"`
	Since time.Time `json:"since"`
	Actor string    `json:"actor,omitempty"`
}

// RuleStages reads the stage of every rule that has been seen, by its id.
func (t *Tx) RuleStages() (map[string]RuleStage, error) {
	all, err := list(t, func(r scanner) (s RuleStage, err error) {
		var since int64
		err = r.Scan(&s.Rule, &s.Hash, &s.Stage, &since, &s.Actor)
		s.Since = fromMillis(since)
		return s, err
	}, `SELECT rule, hash, stage, since, actor FROM rule_stages`)
	stages := make(map[string]RuleStage, len(all))
	for _, s := range all {
		stages[s.Rule] = s
	}
	return stages, err
}

// SaveRuleStage writes the stage of a rule.
func (t *Tx) SaveRuleStage(s RuleStage) error {
	return t.exec(`INSERT INTO rule_stages (rule, hash, stage, since, actor) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (rule) DO UPDATE SET hash = excluded.hash, stage = excluded.stage, since = excluded.since, actor = excluded.actor`,
		s.Rule, s.Hash, string(s.Stage), millis(s.Since), s.Actor)
}

// Epoch is how often the state was recovered from its trackers, plus one; recovered is
// when it last was, zero for never.
func (t *Tx) Epoch() (epoch int64, recovered time.Time, err error) {
	const query = `SELECT epoch, recovered_at FROM installation`
	var at int64
	err = t.row(query).Scan(&epoch, &at)
	return epoch, fromMillis(at), wrapSQL(query, err)
}

// Recovered begins an epoch.
func (t *Tx) Recovered(epoch int64, at time.Time) error {
	return t.exec(`UPDATE installation SET epoch = ?, recovered_at = ?`, epoch, millis(at))
}
