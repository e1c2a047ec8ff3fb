package app

import (
	"context"
	"strconv"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/postgres"
	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/rule"
)

var sessionOptions = rule.SessionOptions{}

// openForWriting opens the state where the deployment says it is.
func openForWriting(ctx context.Context, state string) (*store.Store, error) {
	if deploy.IsAddress(state) {
		return postgres.Open(ctx, state)
	}
	return sqlite.Open(ctx, state)
}

func openForReading(ctx context.Context, state string) (*store.Store, error) {
	if deploy.IsAddress(state) {
		return postgres.OpenRead(ctx, state)
	}
	return sqlite.OpenRead(ctx, state)
}

// OpenState opens the state of a deployment for reading, beside a writer. The
// secrets of trackers need not be at hand for that.
func OpenState(ctx context.Context, path string) (*store.Store, error) {
	state, err := deploy.StatePath(path)
	if err != nil {
		return nil, err
	}
	return openForReading(ctx, state)
}

// Gathered is what the last scan gathered, by source.
func Gathered(ctx context.Context, s *store.Store) (gathered []store.Gathered, err error) {
	err = s.Read(ctx, func(tx *store.Tx) (err error) {
		gathered, err = tx.Gathered()
		return err
	})
	return gathered, err
}

// Diff judges the facts that the last scan gathered by two rule sets and says
// what would change if next took the place of old. Nothing is written.
func Diff(ctx context.Context, s *store.Store, old, next *rule.Set, c clock.Clock) (rule.Difference, error) {
	gathered, err := Gathered(ctx, s)
	if err != nil {
		return rule.Difference{}, err
	}
	before, err := scan.Replay(ctx, old, gathered, c.Now())
	if err != nil {
		return rule.Difference{}, err
	}
	after, err := scan.Replay(ctx, next, gathered, c.Now())
	if err != nil {
		return rule.Difference{}, err
	}
	return rule.Diff(*before, *after), nil
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
