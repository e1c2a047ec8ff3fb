package app

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
)

// Memory judges the facts that the last scan gathered by a rule set and gives the
// memory in which it did, for those who ask why. Nothing is written.
func Memory(ctx context.Context, s *store.Store, rules *rule.Set, c clock.Clock) (*rule.Session, error) {
	gathered, err := Gathered(ctx, s)
	if err != nil {
		return nil, err
	}
	if len(gathered) == 0 {
		return nil, trimtab.Errorf(trimtab.NotFound, "no scan has gathered anything yet").WithNext("`trimtab scan` gathers")
	}
	session, _, err := scan.Memory(ctx, rules, gathered, c.Now())
	if err != nil {
		return nil, err
	}
	doubts, err := doubts(ctx, s)
	session.Doubt(doubts)
	return session, err
}

// doubts are the rules that the last scan could not judge, with why. A source that
// failed then gave no facts, and what it gave before still stands in for them.
func doubts(ctx context.Context, s *store.Store) (map[string]string, error) {
	out := map[string]string{}
	err := s.Read(ctx, func(tx *store.Tx) error {
		scans, err := tx.Scans(1)
		for _, last := range scans {
			for id, why := range last.Detail.NotEvaluable {
				out[id] = "the last scan could not judge the rule: " + why
			}
		}
		return err
	})
	return out, err
}
