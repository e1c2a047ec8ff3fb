package jira_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

func draft(n int) tracker.Draft {
	return tracker.Draft{
		Target: tracker.Target{Project: "FIN", Type: "Task"}, Marker: trimtab.MarkerOf("here", trimtab.Key(fmt.Sprint(n)), 1), Installation: "here",
		Op: fmt.Sprint("op-", n), Summary: fmt.Sprint("Ticket ", n), Description: "Text.", Labels: []string{"finops"},
	}
}

// judged checks the kind of an error, and that it names the request and keeps
// the token.
func judged(t *testing.T, err error, kind tracker.Kind, words ...string) *tracker.Error {
	t.Helper()
	var e *tracker.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not a tracker.Error", err)
	}
	if e.Kind != kind {
		t.Errorf("kind %s, want %s: %v", e.Kind, kind, err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(email + ":" + token))
	for _, secret := range []string{token, basic, "SECRET"} {
		if strings.Contains(fmt.Sprintf("%v %+v %q", err, e, e.Request), secret) {
			t.Errorf("the token shows: %v", err)
		}
	}
	if !strings.Contains(e.Request, " /rest/api/") || strings.Contains(e.Request, "?") {
		t.Errorf("request %q", e.Request)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v lacks %q", err, word)
		}
	}
	return e
}

func TestFaults(t *testing.T) {
	const bulk, search = "/rest/api/3/issue/bulk", "/rest/api/3/search"
	tests := []struct {
		name        string
		fault       sandbox.Fault
		write, read tracker.Kind
		pause       time.Duration
		filed       int // tickets after the failed creation
	}{
		{"answer lost", sandbox.Fault{Kind: sandbox.LoseAnswer}, tracker.Ambiguous, tracker.Retry, 0, 1},
		{"answer broken off", sandbox.Fault{Kind: sandbox.Truncate}, tracker.Ambiguous, tracker.Retry, 0, 1},
		{"reset", sandbox.Fault{Kind: sandbox.Reset}, tracker.Ambiguous, tracker.Retry, 0, 0},
		{"500", sandbox.Fault{Kind: sandbox.Refuse5xx}, tracker.Ambiguous, tracker.Retry, 0, 0},
		{"504", sandbox.Fault{Kind: sandbox.Refuse5xx, Status: 504}, tracker.Ambiguous, tracker.Retry, 0, 0},
		{"503 without a pause", sandbox.Fault{Kind: sandbox.Refuse5xx, Status: 503}, tracker.Ambiguous, tracker.Retry, 0, 0},
		{"503 with a pause", sandbox.Fault{Kind: sandbox.Refuse5xx, Status: 503, RetryAfter: "7"}, tracker.Retry, tracker.Retry, 7 * time.Second, 0},
		{"429", sandbox.Fault{Kind: sandbox.TooMany, RetryAfter: "3", Reason: "jira-burst-based"}, tracker.Retry, tracker.Retry, 3 * time.Second, 0},
		{"429 with no pause at all", sandbox.Fault{Kind: sandbox.TooMany}, tracker.Retry, tracker.Retry, time.Second, 0},
		{"429 with a pause of 0", sandbox.Fault{Kind: sandbox.TooMany, RetryAfter: "0"}, tracker.Retry, tracker.Retry, time.Second, 0},
		{"429 until a date", sandbox.Fault{Kind: sandbox.TooMany, RetryAfter: "Tue, 01 Sep 2026 08:01:00 GMT"}, tracker.Retry, tracker.Retry, time.Minute, 0},
		{"429 for a year", sandbox.Fault{Kind: sandbox.TooMany, RetryAfter: "31536000"}, tracker.Retry, tracker.Retry, 24 * time.Hour, 0},
		{"401", sandbox.Fault{Kind: sandbox.Unauthorized}, tracker.Unauthorized, tracker.Unauthorized, 0, 0},
		{"a page of HTML", sandbox.Fault{Kind: sandbox.HTML}, tracker.Ambiguous, tracker.Retry, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, func(_ *sandbox.Config, c *jira.Config) { c.MaxWait = -1 })
			test.fault.Path = bulk
			s.sandbox.Inject(test.fault)
			_, err := s.client.Create(t.Context(), []tracker.Draft{draft(1)})
			e := judged(t, err, test.write, "POST "+bulk, test.fault.Reason)
			if e.RetryAfter != test.pause {
				t.Errorf("pause %s, want %s", e.RetryAfter, test.pause)
			}
			if n := len(s.sandbox.Issues("FIN")); n != test.filed {
				t.Errorf("%d tickets, want %d", n, test.filed)
			}
			s.clock.Advance(25 * time.Hour) // every pause is over
			test.fault.Path = search
			s.sandbox.Inject(test.fault)
			_, err = s.client.Find(t.Context(), []tracker.Sought{{Marker: draft(1).Marker}})
			judged(t, err, test.read, "POST "+search)
			s.clock.Advance(25 * time.Hour)
			if found, err := s.client.Find(t.Context(), []tracker.Sought{{Marker: draft(1).Marker}}); err != nil || len(found) != test.filed {
				t.Errorf("afterwards: %v, %v", found, err)
			}
		})
	}
}

// TestSlow: Jira acts, and the client gives up before the answer.
func TestSlow(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := open(t, func(c *sandbox.Config, _ *jira.Config) { c.OnCommit = func(sandbox.Request) { cancel() } })
	s.sandbox.Inject(sandbox.Fault{Kind: sandbox.Slow, Path: "/rest/api/3/issue/bulk"})
	_, err := s.client.Create(ctx, []tracker.Draft{draft(1)})
	judged(t, err, tracker.Ambiguous)
	if n := len(s.sandbox.Issues("FIN")); n != 1 {
		t.Errorf("%d tickets", n)
	}
}

// TestTimeout: a server that never answers is not waited for without end.
func TestTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	c, err := jira.New(jira.Config{URL: server.URL, Email: email, Token: token, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Now(t.Context())
	judged(t, err, tracker.Retry)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v does not tell why", err)
	}
}

// TestCancelled: a caller who gives up gets an answer at once, and one that
// says whether Jira may have acted.
func TestCancelled(t *testing.T) {
	s := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.client.Create(ctx, []tracker.Draft{draft(1)})
	judged(t, err, tracker.Retry)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not tell why", err)
	}
	arrived := make(chan struct{})
	server := httptest.NewServer(screened(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err = raw(t, server.URL).Create(ctx, []tracker.Draft{draft(1)})
	judged(t, err, tracker.Ambiguous)
}

// raw is a client of a server that does as it likes.
func raw(t *testing.T, url string) *jira.Client {
	t.Helper()
	now := clock.At(time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC))
	c, err := jira.New(jira.Config{URL: url, Email: email, Token: token, MaxBody: 1 << 20, Now: now.Now, Sleep: func(ctx context.Context, d time.Duration) error {
		now.Advance(d)
		return ctx.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = raw(t, url).Create(t.Context(), []tracker.Draft{draft(1)})
	judged(t, err, tracker.Retry, "not reached")
	_, err = raw(t, url).Now(t.Context())
	judged(t, err, tracker.Retry)
}

// TestAnswers: what a server, a proxy or a login page may say.
func TestAnswers(t *testing.T) {
	reply := func(status int, body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name        string
		answer      http.HandlerFunc
		write, read tracker.Kind
		words       []string
	}{
		{"HTML with 200", reply(200, "<html>Log in</html>", "Content-Type", "text/html"), tracker.Ambiguous, tracker.Retry, []string{"text/html", "HTTP 200"}},
		{"half of a JSON", reply(201, `{"issues":[{"id":"1","ke`), tracker.Ambiguous, tracker.Retry, nil},
		{"nothing", reply(200, ""), tracker.Ambiguous, tracker.Retry, nil},
		{"JSON of another shape", reply(200, `{"issues":"none","serverTime":5}`), tracker.Ambiguous, tracker.Retry, nil},
		{"100 MB", flood, tracker.Ambiguous, tracker.Retry, []string{"larger than the limit"}},
		{"another host", reply(302, "", "Location", "https://evil.example/login?token=1"), tracker.Rejected, tracker.Rejected, []string{"evil.example/login"}},
		{"the same host", reply(307, "", "Location", "/elsewhere"), tracker.Rejected, tracker.Rejected, []string{"/elsewhere"}},
		{"400", reply(400, `{"errorMessages":["No."],"errors":{"b":"B!","a":"A!"}}`), tracker.Rejected, tracker.Rejected, []string{"No.; a: A!; b: B!"}},
		{"403", reply(403, `{"errorMessages":["Not you."]}`), tracker.Forbidden, tracker.Forbidden, []string{"Not you."}},
		{"403 of a captcha", reply(403, "", "X-Seraph-LoginReason", "AUTHENTICATION_DENIED"), tracker.Unauthorized, tracker.Unauthorized, nil},
		{"404", reply(404, ``), tracker.Missing, tracker.Missing, []string{"Not Found"}},
		{"409", reply(409, ``), tracker.Retry, tracker.Retry, nil},
		{"410", reply(410, `{"errorMessages":["The requested API has been removed."]}`), tracker.Rejected, tracker.Rejected, []string{"removed"}},
		{"an error that echoes the request", echo, tracker.Ambiguous, tracker.Retry, []string{"[removed]"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(screened(test.answer))
			defer server.Close()
			c := raw(t, server.URL)
			_, err := c.Create(t.Context(), []tracker.Draft{draft(1)})
			judged(t, err, test.write, test.words...)
			_, err = c.Now(t.Context())
			judged(t, err, test.read, test.words...)
			_, err = c.Find(t.Context(), []tracker.Sought{{Marker: draft(1).Marker}})
			judged(t, err, test.read, test.words...)
		})
	}
}

// flood answers without an end worth waiting for.
func flood(w http.ResponseWriter, _ *http.Request) {
	chunk := []byte(strings.Repeat(" ", 1<<20))
	for range 100 {
		if _, err := w.Write(chunk); err != nil {
			return // the client had enough
		}
	}
}

// echo is a debug page: it says what it was asked, credentials and all.
func echo(w http.ResponseWriter, r *http.Request) {
	_, password, _ := r.BasicAuth()
	w.WriteHeader(http.StatusBadGateway)
	_, _ = fmt.Fprintf(w, `{"errorMessages":["upstream failed: %s, %s"]}`, r.Header.Get("Authorization"), password)
}

// TestNoRedirectGetsTheToken: the other host is never asked.
func TestNoRedirectGetsTheToken(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host was asked: %s %s", r.Method, r.URL)
	}))
	defer other.Close()
	server := httptest.NewServer(screened(http.RedirectHandler(other.URL, http.StatusFound).ServeHTTP))
	defer server.Close()
	c, err := jira.New(jira.Config{URL: server.URL, Email: email, Token: token, HTTP: &http.Client{}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Now(t.Context())
	judged(t, err, tracker.Rejected)
	_, err = c.Create(t.Context(), []tracker.Draft{draft(1)})
	judged(t, err, tracker.Rejected)
}

// TestPaging: searches that do not end, and one that does.
func TestPaging(t *testing.T) {
	tests := []struct {
		name   string
		page   func(call int) string
		issues int // −1: an error
	}{
		{"the same token twice", func(int) string { return `{"issues":[{"id":"1"}],"nextPageToken":"a"}` }, -1},
		{"tokens in a circle", func(n int) string { return fmt.Sprintf(`{"issues":[{"id":"1"}],"nextPageToken":"%d"}`, n%3) }, -1},
		{"an empty page with a token", func(n int) string { return fmt.Sprintf(`{"issues":[],"nextPageToken":"%d"}`, n) }, -1},
		{"new tokens for ever", func(n int) string { return fmt.Sprintf(`{"issues":[{"id":"1"}],"nextPageToken":"%d"}`, n) }, -1},
		{"an issue on two pages", func(n int) string {
			return []string{`{"issues":[{"id":"1"},{"id":"2"}],"nextPageToken":"a"}`, `{"issues":[{"id":"2"},{"id":"3"}],"isLast":true}`}[n]
		}, 3},
		{"nothing", func(int) string { return `{"issues":[],"isLast":true}` }, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, test.page(calls))
				calls++
			}))
			defer server.Close()
			changes, err := raw(t, server.URL).Changed(t.Context(), "here", time.Time{})
			if test.issues < 0 {
				judged(t, err, tracker.Retry, "does not end")
			} else if err != nil || len(changes.Issues) != test.issues {
				t.Errorf("%d issues, %v", len(changes.Issues), err)
			}
		})
	}
}
