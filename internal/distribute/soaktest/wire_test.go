package soaktest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
)

const (
	latency  = 100 * time.Millisecond // of one call, on the virtual clock
	patience = 30 * time.Second       // after which the client gives a call up
	lateness = 20 * time.Second       // after which a call that was given up acts all the same
	largest  = 4 << 20                // answer that the client reads
)

// wire carries requests to the sandbox without a socket, in virtual time: whoever would
// wait moves the clock on.
type wire struct {
	site  http.Handler
	clock *clock.Manual
	door  func(where string) error // where a process may die

	mu    sync.Mutex
	calls int
	late  []*carried // given up by their caller and not carried out yet
}

// carried is a request on the server's side.
type carried struct {
	answer *answer
	waits  chan struct{} // closed when the server waits for the caller to give up
	leave  chan struct{} // closed when it may go on
	ended  chan struct{}
	due    time.Time
}

// errGivenUp is what a client sees that has waited too long.
var errGivenUp = errors.New("no answer in time")

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.settle(w.clock.Now())
	if err := errors.Join(r.Context().Err(), w.door("before a call")); err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
		trace.WroteHeaders()
	}
	c, err := w.carry(r)
	if err != nil {
		return nil, err
	}
	w.clock.Advance(latency)
	select {
	case <-c.ended:
	case <-c.waits:
		w.clock.Advance(patience)
		w.mu.Lock()
		c.due = w.clock.Now().Add(lateness)
		w.late = append(w.late, c)
		w.mu.Unlock()
		return nil, errors.Join(errGivenUp, w.door("after a call"))
	}
	if err := w.door("after a call"); err != nil {
		return nil, err
	}
	return c.answer.response(r)
}

// carry takes a request to the server.
func (w *wire) carry(r *http.Request) (*carried, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	w.calls++
	w.mu.Unlock()
	c := &carried{answer: &answer{head: http.Header{}}, waits: make(chan struct{}), leave: make(chan struct{}), ended: make(chan struct{})}
	there := r.Clone(&server{Context: context.Background(), call: c})
	there.Body, there.RequestURI, there.Host = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI(), r.URL.Host
	go func() {
		defer close(c.ended)
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
		}()
		w.site.ServeHTTP(c.answer, there)
		c.answer.whole = true
	}()
	return c, nil
}

// settle lets what was given up happen at last, if it is due.
func (w *wire) settle(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.late[:0]
	for _, c := range w.late {
		if c.due.After(now) {
			left = append(left, c)
			continue
		}
		close(c.leave)
		<-c.ended
	}
	w.late = left
}

// server is the context of a request on the server's side: only who waits for the
// caller's end asks for it.
type server struct {
	context.Context
	call *carried
	once sync.Once
}

// Done implements [context.Context].
func (s *server) Done() <-chan struct{} {
	s.once.Do(func() { close(s.call.waits) })
	return s.call.leave
}

// answer is what the server writes; it takes no more than any client reads.
type answer struct {
	head  http.Header
	sent  http.Header // as it was when the status was written
	code  int
	body  bytes.Buffer
	whole bool
}

var errEnough = errors.New("the caller has had enough")

func (a *answer) Header() http.Header { return a.head }

func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code, a.sent = code, a.head.Clone()
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body.Len() > 2*largest {
		return 0, errEnough
	}
	return a.body.Write(p)
}

// response is what the client gets of it: nothing, a part, or the whole.
func (a *answer) response(r *http.Request) (*http.Response, error) {
	if !a.whole && a.code == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	a.WriteHeader(http.StatusOK)
	var body io.Reader = &a.body
	if promised, err := strconv.Atoi(a.sent.Get("Content-Length")); err == nil && promised > a.body.Len() || !a.whole {
		body = io.MultiReader(body, broken{})
	}
	return &http.Response{
		StatusCode: a.code, Status: http.StatusText(a.code), Header: a.sent, Body: io.NopCloser(body), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
