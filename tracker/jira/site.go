package jira

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/tracker/jira/governor"
)

// Shared is a store of numbers that all workers see. A worker that learns of a
// pause tells the others through it.
type Shared interface {
	// Get gives a number; 0 if there is none.
	Get(ctx context.Context, name string) (int64, error)
	// Raise sets a number, unless it is greater already.
	Raise(ctx context.Context, name string, value int64) error
}

// Site is what all clients of one Jira site in a process share: how fast they may
// go, and who writes to which issue. It is safe for use by many at once.
type Site struct {
	shared Shared
	mu     sync.Mutex
	state  *governor.State
	looked map[string]time.Time // when a shared number was last read
	lanes  map[string]*lane     // issues that are being written to
}

// lane lets one write at a time pass to an issue.
type lane struct {
	free    chan struct{}
	waiting int
}

// NewSite makes the state of a site; shared may be nil, for one process alone.
func NewSite(shared Shared) *Site {
	return &Site{shared: shared, state: governor.New(), looked: map[string]time.Time{}, lanes: map[string]*lane{}}
}

// lookEvery is how long a shared number is believed.
const lookEvery = time.Second

// enter waits until no other write to the same issue runs, and gives the way to
// let the next one in.
func (s *Site) enter(ctx context.Context, issue string) (leave func(), err error) {
	if issue == "" {
		return func() {}, nil
	}
	s.mu.Lock()
	l := s.lanes[issue]
	if l == nil {
		l = &lane{free: make(chan struct{}, 1)}
		l.free <- struct{}{}
		s.lanes[issue] = l
	}
	l.waiting++ // counted before the lock is let go, or the lane might be removed
	s.mu.Unlock()
	select {
	case <-l.free:
		return func() { s.leave(issue, l, true) }, nil
	case <-ctx.Done():
		s.leave(issue, l, false)
		return nil, ctx.Err()
	}
}

func (s *Site) leave(issue string, l *lane, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Who gave up does not have the lane and must not free it.
	if held {
		l.free <- struct{}{}
	}
	if l.waiting--; l.waiting == 0 {
		delete(s.lanes, issue)
	}
}

// ask asks the governor, after what others have learned.
func (s *Site) ask(ctx context.Context, c *Client, k call) governor.Decision {
	now := c.cfg.Now()
	s.learn(ctx, c, k.governed(), now)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Ask(now, k.governed())
}

// forbids gives the hold on a project, after what others have learned.
func (s *Site) forbids(ctx context.Context, c *Client, project string) (governor.Hold, bool) {
	now := c.cfg.Now()
	s.learn(ctx, c, governor.Call{Method: "POST", Project: project, Write: true}, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Forbids(now, project)
}

// learn reads the pauses of others that touch a call. A store that cannot be
// asked stops nobody: Jira itself still says when it is enough.
func (s *Site) learn(ctx context.Context, c *Client, k governor.Call, now time.Time) {
	if s.shared == nil {
		return
	}
	for _, scope := range k.Scopes() {
		if !s.due(scope, now) {
			continue
		}
		ms, err := s.shared.Get(ctx, c.pauseKey(scope))
		if until := time.UnixMilli(ms); err == nil && until.After(now) {
			s.mu.Lock()
			s.state.Learn(governor.Hold{Scope: scope, Until: until, Why: "another worker was told to wait"})
			s.mu.Unlock()
		}
	}
}

// due reports whether a shared number is to be read again.
func (s *Site) due(scope string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.looked[scope]) < lookEvery {
		return false
	}
	// Issues are many, and what was read a while ago is read again anyhow.
	if len(s.looked) > 1000 {
		clear(s.looked)
	}
	s.looked[scope] = now
	return true
}

// tell takes an outcome to the governor, and what follows from it to the others.
func (s *Site) tell(ctx context.Context, c *Client, k call, o governor.Outcome) {
	// Workers that were refused together shall not come back together.
	o.Jitter = 0.7 + 0.6*rand.Float64()
	s.mu.Lock()
	holds := s.state.Tell(c.cfg.Now(), k.governed(), o)
	s.mu.Unlock()
	if s.shared == nil {
		return
	}
	for _, h := range holds {
		// Even when the caller has given up: others shall know.
		_ = s.shared.Raise(context.WithoutCancel(ctx), c.pauseKey(h.Scope), h.Until.UnixMilli())
	}
}

// pauseKey names a pause in the shared store.
func (c *Client) pauseKey(scope string) string {
	return "jira/" + strings.ToLower(c.base.Host) + "/pause/" + scope
}

// governed is a call in the governor's words.
func (k call) governed() governor.Call {
	return governor.Call{Method: k.method, Issue: k.issue, Project: k.project, Write: !k.reads, Create: k.creates}
}

// wait sleeps until a time has passed or the context ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
