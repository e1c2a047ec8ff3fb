// Package clock is the time that the jobs are given: the system's, one that
// pretends a moment ("as of"), or one that a test moves by hand.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time and waits. Nothing else in the jobs does either.
type Clock interface {
	Now() time.Time
	// Sleep waits for a span, or until the context ends, whose error it returns.
	Sleep(ctx context.Context, d time.Duration) error
}

// System is the machine's clock, in UTC, moved by a fixed offset: 0 for the
// real time.
type System struct{ Offset time.Duration }

// AsOf is a running clock that shows t now.
func AsOf(t time.Time) System { return System{Offset: time.Until(t)} }

// Now implements [Clock].
func (s System) Now() time.Time { return time.Now().Add(s.Offset).UTC() }

// Sleep implements [Clock].
func (System) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err // a timer of no time is ready at once, and select would toss a coin
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Manual is a clock for tests: it stands until it is set, and a sleep moves it
// on at once.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// At makes a manual clock that shows t.
func At(t time.Time) *Manual { return &Manual{now: t} }

// Now implements [Clock].
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Set moves the clock to t.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = t
}

// Advance moves the clock on.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// Sleep implements [Clock]; who was told to stop does not move the clock.
func (m *Manual) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.Advance(d)
	return nil
}
