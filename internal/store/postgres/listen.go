package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// listener hears of changed runs on a connection of its own.
type listener struct{ cfg *pgx.ConnConfig }

// again is how long to wait before the connection is made anew. Until then workers look
// for work at their interval.
const again = time.Second

// run listens until ctx ends, over as many connections as it takes.
func (l *listener) run(ctx context.Context, tell func()) {
	for ctx.Err() == nil {
		l.follow(ctx, tell)
		timer := time.NewTimer(again)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// follow listens on one connection until it is lost, which workers are not told of: they
// find out by themselves.
func (l *listener) follow(ctx context.Context, tell func()) {
	c, err := pgx.ConnectConfig(ctx, l.cfg)
	if err != nil {
		return
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), again)
		defer cancel()
		_ = c.Close(closing)
	}()
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return
	}
	for {
		tell() // of what came while nobody listened, too
		if _, err := c.WaitForNotification(ctx); err != nil {
			return
		}
	}
}
