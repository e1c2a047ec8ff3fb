package jira_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// shelf serves a search by pages, from a list that changes while it is read.
type shelf struct {
	ids   []int
	calls int
	after func(call int, s *shelf)
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ StartAt, MaxResults int }
	_ = json.NewDecoder(r.Body).Decode(&body)
	start := min(body.StartAt, len(s.ids))
	var issues []string
	for _, id := range s.ids[start:min(start+body.MaxResults, len(s.ids))] {
		issues = append(issues, fmt.Sprintf(`{"id":"%d","key":"FIN-%d","fields":{}}`, id, id))
	}
	_, _ = fmt.Fprintf(w, `{"startAt":%d,"total":%d,"issues":[%s]}`, start, len(s.ids), strings.Join(issues, ","))
	s.calls++
	if s.after != nil {
		s.after(s.calls, s)
	}
}

// TestShiftingPages: an issue that changes while pages are read moves to the end and
// pulls the others along; none of them is missed.
func TestShiftingPages(t *testing.T) {
	tests := []struct {
		name  string
		after func(int, *shelf)
		found int // −1: an error
		calls int
	}{
		{"calm", nil, 350, 4},
		{"one moves to the end", func(call int, s *shelf) {
			if call == 2 {
				s.ids = append(s.ids[1:], s.ids[0])
			}
		}, 350, 7},
		{"one is deleted", func(call int, s *shelf) {
			if call == 1 {
				s.ids = s.ids[1:]
			}
		}, 350, 6},
		{"one is added", func(call int, s *shelf) {
			if call == 3 {
				s.ids = append(s.ids, 351)
			}
		}, 351, 4},
		{"they never rest", func(_ int, s *shelf) { s.ids = append(s.ids[1:], s.ids[0]) }, -1, 12},
		{"it fits one page", func(_ int, s *shelf) { s.ids = s.ids[:50] }, 350, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &shelf{after: test.after}
			for id := 1; id <= 350; id++ {
				s.ids = append(s.ids, id)
			}
			c, err := jira.New(jira.Config{URL: newServer(t, s.ServeHTTP), Edition: jira.DataCenter, Token: token})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			changes, err := c.Changed(t.Context(), "here", time.Time{})
			if test.found < 0 {
				judged(t, err, tracker.Retry, "shift")
			} else if err != nil || test.name != "it fits one page" && len(changes.Issues) != test.found {
				t.Errorf("%d issues, %v", len(changes.Issues), err)
			}
			if test.name != "it fits one page" && s.calls != test.calls {
				t.Errorf("%d calls, want %d", s.calls, test.calls)
			}
		})
	}
}

// TestAccessToken: a personal access token goes as a bearer.
func TestAccessToken(t *testing.T) {
	var got string
	url := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization") + " " + r.URL.Path
		_, _ = io.WriteString(w, `{"serverTime":"2026-09-01T08:00:00.000+0200"}`)
	})
	c, err := jira.New(jira.Config{URL: url, Edition: jira.DataCenter, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if at, err := c.Now(t.Context()); err != nil || at.Hour() != 6 || got != "Bearer "+token+" /rest/api/2/serverInfo" {
		t.Errorf("%s, %v, %q", at, err, got)
	}
}
