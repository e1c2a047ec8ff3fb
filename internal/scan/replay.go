package scan

import (
	"context"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
)

// Replay judges what was gathered before by a rule set, as of the moment at
// which it was gathered (or now, if nothing was). It writes nothing.
func Replay(ctx context.Context, rules *rule.Set, gathered []store.Gathered, now time.Time) (*rule.Outcome, error) {
	_, outcome, err := Memory(ctx, rules, gathered, now)
	return outcome, err
}

// Memory is [Replay] with the working memory as the run left it, for those who
// look at how the outcome came about.
func Memory(ctx context.Context, rules *rule.Set, gathered []store.Gathered, now time.Time) (*rule.Session, *rule.Outcome, error) {
	session, err := rules.NewSession(rule.SessionOptions{})
	if err != nil {
		return nil, nil, err
	}
	if err := session.SetClock(lastGathered(gathered, now)); err != nil {
		return nil, nil, err
	}
	if err := state(session, rules, gathered); err != nil {
		return nil, nil, err
	}
	outcome, err := session.Run(ctx)
	return session, outcome, err
}

// lastGathered is when the youngest batch was gathered; now without any.
func lastGathered(gathered []store.Gathered, now time.Time) time.Time {
	for i, g := range gathered {
		if i == 0 || g.At.After(now) {
			now = g.At
		}
	}
	return now
}

// state states what was gathered of the types that the rules know.
func state(session *rule.Session, rules *rule.Set, gathered []store.Gathered) error {
	known := map[string]bool{}
	for _, t := range rules.Types() {
		known[t.Name] = true
	}
	for _, g := range gathered {
		for _, f := range g.Facts {
			if !known[f.Type] {
				continue // a pack that declared it has gone
			}
			if err := session.Assert(f.Type, f.Fields); err != nil {
				return trimtab.Errorf(trimtab.Invalid, "what source %s gathered does not fit the rules: %w", g.Source, err)
			}
		}
	}
	return nil
}
