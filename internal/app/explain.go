package app

import (
	"context"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
)

// Memory judges the facts that the last scan gathered by a rule set and gives the
// memory in which it did, for those who ask why. Nothing is written.
func Memory(ctx context.Context, s *store.Store, rules *rule.Set, c clock.Clock) (*rule.Session, error) {
	gathered, err := lastGathered(ctx, s)
	if err != nil {
		return nil, err
	}
	session, _, err := scan.Memory(ctx, rules, gathered, c.Now())
	return session, err
}

// lastGathered are the facts of the last scan.
func lastGathered(ctx context.Context, s *store.Store) (gathered []store.Gathered, err error) {
	err = s.Read(ctx, func(tx *store.Tx) (err error) {
		gathered, err = tx.Gathered()
		return err
	})
	return gathered, err
}
