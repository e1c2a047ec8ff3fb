package jira_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// TestPermitLostOnTheWay: whoever loses the right to write between the decision and the
// first byte sends nothing, over a connection that is open too. Reads go on.
func TestPermitLostOnTheWay(t *testing.T) {
	s := open(t, func(_ *sandbox.Config, c *jira.Config) { c.HTTP = nil })
	id := s.filed(t)
	gone := errors.New("another process has the lease")
	for left := range int32(3) {
		s.sandbox.ForgetCalls()
		var asked, reused atomic.Int32
		ctx := tracker.WithPermit(t.Context(), func() error {
			if asked.Add(1) > left {
				return gone
			}
			return nil
		})
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			if i.Reused {
				reused.Add(1)
			}
		}})
		_, err := s.client.Update(ctx, id, tracker.Set(tracker.Change{Op: "a", AddLabels: []string{"late"}}))
		writes := s.sandbox.Calls()["PUT /rest/api/3/issue/{issue}"]
		if left == 2 {
			if err != nil || writes != 1 {
				t.Errorf("with the right to: %d writes, %v", writes, err)
			}
			continue
		}
		judged(t, err, tracker.Withheld, "not sent", "another process")
		if writes != 0 || len(s.issue(t, id).Labels) != 3 || reused.Load() == 0 {
			t.Errorf("after %d questions: %d writes, labels %v, %d connections reused; calls %v", left, writes, s.issue(t, id).Labels, reused.Load(), s.sandbox.Calls())
		}
	}
}

// TestPermitLostOften: no timing lets a write slip through, nor one without a body.
func TestPermitLostOften(t *testing.T) {
	var writes atomic.Int32
	url := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete || r.Method == http.MethodPut {
			writes.Add(1)
		}
		_, _ = w.Write([]byte(`{"issues":[{"id":"1","key":"FIN-1","fields":{"labels":["tt-inst-x"]},"properties":{"trimtab":{"marker":""}}}]}`))
	})
	now := clock.At(time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC))
	sleep := func(ctx context.Context, d time.Duration) error {
		now.Advance(d)
		return ctx.Err()
	}
	c, err := jira.New(jira.Config{URL: url, Email: email, Token: token, Now: now.Now, Sleep: sleep})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for n := range 200 {
		var asked atomic.Int32
		permit := func() error {
			if asked.Add(1) > 1 {
				return context.Canceled
			}
			return nil
		}
		change := tracker.Change{Op: "a", Stamp: &tracker.Stamp{}}
		if n%2 == 0 {
			change = tracker.Change{Op: "a", AddLabels: []string{"late"}}
		}
		_, err := c.Update(tracker.WithPermit(t.Context(), permit), "1", tracker.Set(change))
		judged(t, err, tracker.Withheld)
	}
	if n := writes.Load(); n != 0 {
		t.Errorf("%d writes got through", n)
	}
}
