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
	for i, g := range gathered {
		if i == 0 || g.At.After(now) {
			now = g.At
		}
	}
	session, err := rules.NewSession(rule.SessionOptions{})
	if err != nil {
		return nil, err
	}
	if err := session.SetClock(now); err != nil {
		return nil, err
	}
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
				return nil, trimtab.Errorf(trimtab.Invalid, "what source %s gathered does not fit the rules: %w", g.Source, err)
			}
		}
	}
	return session.Run(ctx)
}
