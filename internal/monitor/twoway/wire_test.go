package twoway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
)

const latency = 100 * time.Millisecond // of one call, on the virtual clock

// wire carries requests to the sandbox without a socket, in virtual time, and counts them.
type wire struct {
	site  http.Handler
	clock *clock.Manual
	door  func(where string) error // where a process may die; nil for people

	mu      sync.Mutex
	calls   int
	puts    int // writes of fields
	moves   int // transitions
	said    int // comments
	foreign int // answers that show what is none of ours
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := errors.Join(r.Context().Err(), w.cross("before a call")); err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
		trace.WroteHeaders()
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	there := r.Clone(context.Background())
	there.Body, there.RequestURI, there.Host = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI(), r.URL.Host
	answer := &answer{ResponseRecorder: httptest.NewRecorder()}
	answer.serve(w.site, there)
	w.clock.Advance(latency)
	w.count(r, answer.Body.Bytes())
	if err := w.cross("after a call"); err != nil {
		return nil, err
	}
	return answer.response(r)
}

func (w *wire) cross(where string) error {
	if w.door == nil {
		return nil
	}
	return w.door(where)
}

func (w *wire) count(r *http.Request, answer []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	below := strings.Contains(r.URL.Path, "/issue/")
	switch {
	case below && strings.HasSuffix(r.URL.Path, "/transitions") && r.Method == http.MethodPost:
		w.moves++
	case below && strings.HasSuffix(r.URL.Path, "/comment") && r.Method == http.MethodPost:
		w.said++
	case below && r.Method == http.MethodPut:
		w.puts++
	}
	if bytes.Contains(answer, []byte(foreign)) {
		w.foreign++
	}
}

// counts are calls so far.
type counts struct{ calls, writes, said int }

func (w *wire) counts() counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return counts{w.calls, w.puts + w.moves, w.said}
}

// answer is what the server writes, which may break off.
type answer struct {
	*httptest.ResponseRecorder
	broken bool
}

func (a *answer) serve(site http.Handler, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				panic(p)
			}
			a.broken = true
		}
	}()
	site.ServeHTTP(a, r)
}

// response is what the client gets of it: nothing, a part, or the whole.
func (a *answer) response(r *http.Request) (*http.Response, error) {
	if a.broken && a.Body.Len() == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	response := a.Result()
	response.Request = r
	promised, err := strconv.Atoi(response.Header.Get("Content-Length"))
	if a.broken || err == nil && promised > a.Body.Len() {
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(a.Body.Bytes()), broken{}))
	}
	response.ContentLength = -1
	return response, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
