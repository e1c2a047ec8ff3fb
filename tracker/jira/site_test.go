package jira_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// numbers are a store that workers share.
type numbers struct {
	mu  sync.Mutex
	all map[string]int64
}

func (n *numbers) Get(_ context.Context, name string) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all[name], nil
}

func (n *numbers) Raise(_ context.Context, name string, value int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all[name] = max(n.all[name], value)
	return nil
}

// TestThrottled: a short pause is waited for within the call, a long one is left
// to the caller, with the time to come back.
func TestThrottled(t *testing.T) {
	tests := []struct {
		name  string
		fault sandbox.Fault
		kind  tracker.Kind // "" if the call succeeds in the end
		least time.Duration
		calls int
	}{
		{"once", sandbox.Fault{RetryAfter: "3"}, "", 3 * time.Second, 2},
		{"with a pause of 0", sandbox.Fault{RetryAfter: "0", Times: 2}, "", 3 * time.Second, 3},
		{"without a pause", sandbox.Fault{Times: 3}, "", 5 * time.Second, 4},
		{"too often", sandbox.Fault{RetryAfter: "1", Times: 4}, tracker.Retry, 3 * time.Second, 4},
		{"too long", sandbox.Fault{RetryAfter: "31"}, tracker.Retry, 0, 1},
		{"for an hour", sandbox.Fault{RetryAfter: "3600", Reason: "jira-quota-tenant-based"}, tracker.Retry, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var calls atomic.Int32
			s := open(t, func(_ *sandbox.Config, c *jira.Config) {
				c.HTTP = &http.Client{Transport: counting{checked(t), &calls}}
			})
			test.fault.Kind = sandbox.TooMany
			s.sandbox.Inject(test.fault)
			began := s.clock.Now()
			_, err := s.client.Now(t.Context())
			if test.kind == "" && err != nil {
				t.Error(err)
			}
			if test.kind != "" {
				if e := judged(t, err, test.kind, "HTTP 429"); e.RetryAfter < time.Second {
					t.Errorf("come back after %s", e.RetryAfter)
				}
			}
			if waited := s.clock.Now().Sub(began); waited < test.least || waited > 30*time.Second {
				t.Errorf("waited %s", waited)
			}
			if n := int(calls.Load()); n != test.calls {
				t.Errorf("%d calls, want %d", n, test.calls)
			}
		})
	}
}

type counting struct {
	below http.RoundTripper
	calls *atomic.Int32
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return c.below.RoundTrip(r)
}

// TestPausesAreShared: what one worker was told holds for all; another client of the
// process learns it without the store.
func TestPausesAreShared(t *testing.T) {
	store := &numbers{all: map[string]int64{}}
	var calls atomic.Int32
	s := open(t, func(_ *sandbox.Config, c *jira.Config) {
		c.Site, c.MaxWait, c.HTTP = jira.NewSite(store), -1, &http.Client{Transport: counting{checked(t), &calls}}
	})
	other, err := jira.New(jira.Config{URL: s.url, Email: email, Token: token, Now: s.clock.Now, MaxWait: -1, Site: jira.NewSite(store), HTTP: &http.Client{Transport: counting{http.DefaultTransport, &calls}}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s.sandbox.Inject(sandbox.Fault{Kind: sandbox.TooMany, RetryAfter: "600", Reason: "jira-quota-global-based"})
	_, err = s.client.Now(t.Context())
	judged(t, err, tracker.Retry, "jira-quota-global-based")
	e := judged(t, second(other.Now(t.Context())), tracker.Retry, "not sent", "another worker was told to wait")
	if e.RetryAfter < 599*time.Second || calls.Load() != 1 {
		t.Errorf("come back after %s, %d calls", e.RetryAfter, calls.Load())
	}
	for name := range store.all {
		if !strings.HasPrefix(name, "jira/127.0.0.1:") || !strings.HasSuffix(name, "/pause/site") {
			t.Errorf("kept as %q", name)
		}
	}
	s.clock.Advance(601 * time.Second)
	if _, err := other.Now(t.Context()); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// watching sees how many writes to an issue run at once.
type watching struct {
	below      http.RoundTripper
	now, worst atomic.Int32
}

func (w *watching) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut {
		return w.below.RoundTrip(r)
	}
	n := w.now.Add(1)
	defer w.now.Add(-1)
	for old := w.worst.Load(); n > old && !w.worst.CompareAndSwap(old, n); old = w.worst.Load() {
	}
	return w.below.RoundTrip(r)
}

// TestOneWriteAtATime: writes to one issue queue up, whoever sends them.
func TestOneWriteAtATime(t *testing.T) {
	var w watching
	s := open(t, func(_ *sandbox.Config, c *jira.Config) {
		w.below = checked(t)
		c.HTTP = &http.Client{Transport: &w}
	})
	id := s.filed(t)
	began := s.clock.Now()
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			label := string(rune('a' + i))
			if _, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: label, AddLabels: []string{label}})); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if w.worst.Load() != 1 {
		t.Errorf("%d writes at once", w.worst.Load())
	}
	if passed := s.clock.Now().Sub(began); passed < 4*time.Second {
		t.Errorf("12 writes within %s of virtual time", passed)
	}
}

// TestSiteIsDown: after some failures calls are not sent any more, until one is tried.
func TestSiteIsDown(t *testing.T) {
	var calls atomic.Int32
	s := open(t, func(_ *sandbox.Config, c *jira.Config) {
		c.MaxWait, c.HTTP = -1, &http.Client{Transport: counting{checked(t), &calls}}
	})
	s.sandbox.Inject(sandbox.Fault{Kind: sandbox.Refuse5xx, Times: 5})
	for range 9 {
		_, err := s.client.Now(t.Context())
		judged(t, err, tracker.Retry)
	}
	if calls.Load() != 5 {
		t.Errorf("%d calls of a site that is down", calls.Load())
	}
	s.clock.Advance(20 * time.Second)
	if _, err := s.client.Now(t.Context()); err != nil {
		t.Error(err)
	}
}
