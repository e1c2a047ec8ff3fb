package redmine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine"
)

// imitation answers as Redmine where a test needs no more, and as the test says to writes.
func imitation(t *testing.T, write http.HandlerFunc) *redmine.Client {
	t.Helper()
	mux := http.NewServeMux()
	answers := map[string]string{
		"/projects/": `{"project":{"id":1,"identifier":"finops","status":1,"trackers":[{"id":2,"name":"Feature"}]}}`, "/issue_statuses.json": `{"issue_statuses":[{"id":1,"name":"New"}]}`,
		"/issues/": `{"issue":{"id":7,"project":{"id":1},"status":{"id":1,"name":"New"},"subject":"Old"}}`,
	}
	for path, text := range answers {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	}
	mux.HandleFunc("POST /issues.json", write)
	mux.HandleFunc("PUT /issues/", write)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return open(t, imitated(s.URL))
}

const secret = "s3cret+key/of=robot"

func imitated(url string) redmine.Config {
	return redmine.Config{URL: url, Key: secret, Marker: "1", Origin: "2", Timeout: 5 * time.Second}
}

// answer is a handler of one answer.
func answer(status int, body string, head ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(head); i += 2 {
			w.Header().Set(head[i], head[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// What each answer to a creation means: whether it may be sent again is all there is
// to know.
func TestJudgement(t *testing.T) {
	tests := map[string]struct {
		write http.HandlerFunc
		kind  tracker.Kind
		says  string
		pause time.Duration
	}{
		"refused":               {answer(422, `{"errors":["Subject is too long","Assignee is invalid"]}`), tracker.Rejected, "Subject is too long; Assignee is invalid", 0},
		"refused without words": {answer(422, `{"errors":[]}`), tracker.Rejected, "gives no reason", 0},
		"unauthorized":          {answer(401, ``), tracker.Unauthorized, "REST API is switched off", 0},
		"forbidden":             {answer(403, ``), tracker.Forbidden, "Forbidden", 0},
		"missing":               {answer(404, ``), tracker.Rejected, "Not Found", 0},
		"locked":                {answer(500, `{"status":500}`), tracker.Ambiguous, "Internal Server Error", 0},
		"gateway":               {answer(502, `<html>`), tracker.Ambiguous, "Bad Gateway", 0},
		"gateway's time-out":    {answer(504, ``), tracker.Ambiguous, "", 0},
		"down":                  {answer(503, ``), tracker.Ambiguous, "", 0},
		"down for a while":      {answer(503, ``, "Retry-After", "7"), tracker.Retry, "", 7 * time.Second},
		"too many":              {answer(429, ``), tracker.Retry, "", time.Second},
		"too many for ever":     {answer(429, ``, "Retry-After", "99999999999999999999"), tracker.Retry, "", 24 * time.Hour},
		"a login page":          {answer(302, ``, "Location", "https://sso.example/login?token=hush"), tracker.Rejected, "sso.example/login", 0},
		"a page with 200":       {answer(200, `<html>`, "Content-Type", "text/html"), tracker.Ambiguous, "not what Redmine gives", 0},
		"an answer of nothing":  {answer(201, `{}`), tracker.Ambiguous, "names no issue", 0},
		"half an answer":        {answer(201, `{"issue":{"id":7`), tracker.Ambiguous, "", 0},
		"no answer":             {hangUp, tracker.Ambiguous, "no answer", 0},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			results, err := imitation(t, c.write).Create(t.Context(), []tracker.Draft{draft(1)})
			if err == nil && results[0].Err != nil {
				err = results[0].Err
			}
			var e *tracker.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.RetryAfter != c.pause {
				t.Fatalf("%+v, want %s and a pause of %s", e, c.kind, c.pause)
			}
			contains(t, err.Error(), "POST /issues.json", c.says)
			if strings.Contains(err.Error(), "hush") {
				t.Error(err)
			}
		})
	}
}

// Before anything is sent it may be sent again; after, nobody knows.
func TestTimeOuts(t *testing.T) {
	cfg := imitated("http://127.0.0.1:1")
	if _, err := open(t, cfg).Create(t.Context(), []tracker.Draft{draft(1)}); tracker.KindOf(err) != tracker.Retry {
		t.Errorf("nobody there: %v", err)
	}
	held := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-held }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(held) })
	cfg = imitated(s.URL)
	cfg.Timeout = 50 * time.Millisecond
	if _, err := open(t, cfg).Fetch(t.Context(), []string{"1"}); tracker.KindOf(err) != tracker.Retry {
		t.Errorf("a slow read: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := imitation(t, func(http.ResponseWriter, *http.Request) { cancel(); <-ctx.Done() })
	results, err := c.Create(ctx, []tracker.Draft{draft(1), draft(2)})
	if err != nil || results[0].Err.Kind != tracker.Ambiguous || results[1].Err.Kind != tracker.Retry {
		t.Errorf("cancelled after it was sent: %+v, %v", results, err)
	}
}

// The failure of one draft says nothing against those before it, and those after it are
// never blocked for it.
func TestFailuresWithinABatch(t *testing.T) {
	made := `{"issue":{"id":7,"project":{"id":1},"status":{"id":1,"name":"New"},"custom_fields":[{"id":1,"value":"x"},{"id":2,"value":""}]}}`
	tests := map[string]struct {
		script []http.HandlerFunc
		want   string
	}{
		"a refusal":         {[]http.HandlerFunc{answer(201, made), answer(422, `{}`), answer(201, made)}, " rejected  "},
		"a door that shuts": {[]http.HandlerFunc{answer(201, made), answer(401, ``)}, " retry retry retry"},
		"a pause":           {[]http.HandlerFunc{answer(201, made), answer(429, ``)}, " retry retry retry"},
		"a lost answer":     {[]http.HandlerFunc{answer(201, made), hangUp}, " ambiguous retry retry"},
		"some 500":          {[]http.HandlerFunc{answer(500, ``), answer(500, ``), answer(201, made), answer(500, ``)}, "ambiguous ambiguous  ambiguous"},
		"nothing but 500":   {[]http.HandlerFunc{answer(500, ``), answer(500, ``), answer(500, ``)}, "ambiguous ambiguous ambiguous retry"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			n := 0
			client := imitation(t, func(w http.ResponseWriter, r *http.Request) {
				n++
				if n > len(c.script) {
					t.Errorf("request %d", n)
					return
				}
				c.script[n-1](w, r)
			})
			if name == "a refusal" {
				c.script = append(c.script, answer(201, made))
			}
			results, err := client.Create(t.Context(), []tracker.Draft{draft(1), draft(2), draft(3), draft(4)})
			if err != nil {
				t.Fatal(err)
			}
			kinds := make([]string, len(results))
			for i, r := range results {
				if r.Err != nil {
					kinds[i] = string(r.Err.Kind)
				}
			}
			if got := strings.Join(kinds, " "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A process that has lost the right to write begins no write, however late it learns.
func TestPermits(t *testing.T) {
	lost := errors.New("another process is at work")
	var written atomic.Int64 // requests that came whole: of others Redmine hears nothing
	c := imitation(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			written.Add(1)
		}
	})
	summary := "New"
	for _, asked := range []int{0, 1} { // times that it is still there: at the door, at the connection
		left := asked
		ctx := tracker.WithPermit(t.Context(), func() error {
			if left--; left < 0 {
				return lost
			}
			return nil
		})
		if _, err := c.Create(ctx, []tracker.Draft{draft(1)}); tracker.KindOf(err) != tracker.Withheld {
			t.Errorf("create: %v", err)
		}
		left = asked
		if _, err := c.Update(ctx, "7", tracker.Set(tracker.Change{Op: "a", Summary: &summary})); tracker.KindOf(err) != tracker.Withheld {
			t.Errorf("update: %v", err)
		}
		if _, err := c.Fetch(ctx, nil); err != nil {
			t.Errorf("a read: %v", err)
		}
	}
	if n := written.Load(); n > 0 {
		t.Errorf("%d writes", n)
	}
}

// What was written and cannot be read back is in doubt, not undone; what is read back
// as it was has not been written.
func TestReadingBack(t *testing.T) {
	summary := "New"
	change := tracker.Change{Op: "a", Summary: &summary}
	if _, err := imitation(t, answer(204, ``)).Update(t.Context(), "7", tracker.Set(change)); tracker.KindOf(err) != tracker.Rejected {
		t.Errorf("a write that changed nothing: %v", err)
	}
	cfg := imitated("")
	down := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			down = true
			w.WriteHeader(http.StatusNoContent)
		case down:
			w.WriteHeader(http.StatusBadGateway)
		case strings.HasPrefix(r.URL.Path, "/projects/"):
			fmt.Fprint(w, `{"project":{"id":1,"identifier":"finops"}}`)
		default:
			fmt.Fprint(w, `{"issue":{"id":7,"project":{"id":1},"subject":"Old"}}`)
		}
	}))
	t.Cleanup(s.Close)
	cfg.URL = s.URL
	if _, err := open(t, cfg).Update(t.Context(), "7", tracker.Set(change)); tracker.KindOf(err) != tracker.Ambiguous {
		t.Errorf("a write that nobody has seen: %v", err)
	}
	if _, err := open(t, cfg).Update(t.Context(), "word", tracker.Set(change)); tracker.KindOf(err) != tracker.Missing {
		t.Errorf("no id: %v", err)
	}
}

// The key is in no error and no print, even where a server repeats it.
func TestTheKeyStaysSecret(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://x.example/"+r.Header.Get("X-Redmine-API-Key"))
		status := 422
		if r.Method == http.MethodGet {
			status = 302
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":["no key %s, %%73"]}`, r.Header.Get("X-Redmine-API-Key"))
	}
	s := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(s.Close)
	cfg := imitated(s.URL)
	c := open(t, cfg)
	_, read := c.Fetch(t.Context(), []string{"1"})
	_, updated := c.Update(t.Context(), secret, tracker.Set(tracker.Change{}))
	results, _ := imitation(t, echo).Create(t.Context(), []tracker.Draft{draft(1)})
	cfg.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no " + secret) }}}
	_, dialled := open(t, cfg).Changed(t.Context(), installation, time.Time{})
	texts := []string{read.Error(), updated.Error(), results[0].Err.Error(), dialled.Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		texts = append(texts, fmt.Sprintf(verb, cfg), fmt.Sprintf(verb, c))
	}
	for _, text := range texts {
		if strings.Contains(text, secret) || strings.Contains(text, "s3cret") {
			t.Errorf("%q", text)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  redmine.Config
		says string
	}{
		"no address":      {redmine.Config{Key: "k"}, "is like https://"},
		"a password":      {redmine.Config{URL: "https://ann:hush@x.example", Key: "k"}, "is like https://"},
		"in clear":        {redmine.Config{URL: "http://x.example", Key: "k"}, "travel in clear"},
		"no key":          {redmine.Config{URL: "https://x.example"}, "missing"},
		"a key of lines":  {redmine.Config{URL: "https://x.example", Key: "a\nb"}, "missing or is none"},
		"another markup":  {redmine.Config{URL: "https://x.example", Key: "k", Markup: "html"}, `no markup "html"`},
		"another status":  {redmine.Config{URL: "https://x.example", Key: "k", Status: map[string]map[string]string{"p": {"closed": "Closed"}}}, `"closed" is not one of`},
		"an empty status": {redmine.Config{URL: "https://x.example", Key: "k", Status: map[string]map[string]string{"p": {"done": ""}}}, "names no status"},
	} {
		_, err := redmine.New(c.cfg)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		if contains(t, err.Error(), c.says); strings.Contains(err.Error(), "hush") {
			t.Error(err)
		}
	}
	if _, err := redmine.New(redmine.Config{URL: "https://x.example/redmine/", Key: "k"}); err != nil {
		t.Error(err)
	}
}
