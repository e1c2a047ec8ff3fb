package sandbox

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Kind is what goes wrong with a request.
type Kind int

// The kinds of faults.
const (
	LoseAnswer   Kind = iota + 1 // acts, then drops the connection without an answer
	Refuse5xx                    // answers with Status (500 if 0) and does nothing
	TooMany                      // answers 429 with RetryAfter and Reason and does nothing
	Unauthorized                 // answers 401 and does nothing
	HTML                         // answers 200 with a login page and does nothing
	Slow                         // acts, then keeps the caller waiting until it gives up
	Reset                        // resets the connection and does nothing
	Truncate                     // acts, and breaks the answer off in its middle
)

// Fault is one thing that goes wrong, for requests that fit Method and Path.
type Fault struct {
	Kind       Kind
	Method     string // "" fits every method
	Path       string // prefix; "" fits every path
	Times      int    // how often; 0 is once, negative for ever
	After      int    // how many fitting requests pass unharmed before
	Status     int
	RetryAfter string // the header's text, as "3" or a date; "" leaves it out
	Reason     string // the header RateLimit-Reason, as jira-burst-based
}

// faults are those that are still to come, oldest first.
type faults struct {
	mu      sync.Mutex
	pending []*Fault
	stopped chan struct{} // closed when the server stops: who is kept waiting may go
}

// Inject adds a fault. Faults that fit the same request come one at a time, in
// the order in which they were added.
func (j *Jira) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	j.faults.pending = append(j.faults.pending, &f)
}

// ClearFaults forgets the faults that have not come yet.
func (j *Jira) ClearFaults() {
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	j.faults.pending = nil
}

// stop is closed when the server stops.
func (f *faults) stop() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	// Made on first use, so that the zero value is ready.
	if f.stopped == nil {
		f.stopped = make(chan struct{})
	}
	return f.stopped
}

// release lets those go who are kept waiting.
func (f *faults) release() {
	stopped := f.stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	// Stop may be called twice, a channel is closed once.
	select {
	case <-stopped:
	default:
		close(stopped)
	}
}

// next takes the fault that comes for a request, if one does.
func (f *faults) next(r *http.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, one := range f.pending {
		if one.Method != "" && one.Method != r.Method || !strings.HasPrefix(r.URL.Path, one.Path) {
			continue
		}
		// One that lets the request pass leaves it to those behind it.
		if one.After > 0 {
			one.After--
			continue
		}
		// A negative count never gets to zero: for ever.
		if one.Times--; one.Times == 0 {
			f.pending = append(f.pending[:i:i], f.pending[i+1:]...)
		}
		return one
	}
	return nil
}

// faulty passes requests on, unless a fault comes for them.
func (j *Jira) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := j.faults.next(r); f != nil {
			j.fail(w, r, f, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fail lets a fault happen to a request.
func (j *Jira) fail(w http.ResponseWriter, r *http.Request, f *Fault, next http.Handler) {
	// For every kind: Jira asks for a pause on a 503 as well.
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Reason != "" {
		w.Header().Set("RateLimit-Reason", f.Reason)
	}
	switch f.Kind {
	case Refuse5xx:
		refuse(w, max(f.Status, http.StatusInternalServerError), "Internal server error")
	case TooMany:
		refuse(w, http.StatusTooManyRequests, "Rate limit exceeded.")
	case Unauthorized:
		refuse(w, http.StatusUnauthorized, "Client must be authenticated to access this resource.")
	case HTML:
		// With 200, as a login page or a proxy in between gives it: success, until one
		// reads it.
		w.Header().Set("Content-Type", "text/html;charset=UTF-8")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><title>Log in</title><form action=/login></form></html>"))
	case Reset:
		reset(w)
	default:
		j.actAndFail(w, r, f.Kind, next)
	}
}

// actAndFail does what is asked and loses the answer in one way or another.
func (j *Jira) actAndFail(w http.ResponseWriter, r *http.Request, kind Kind, next http.Handler) {
	// Jira acts before the answer is lost: the case that files tickets twice.
	answer := &recorder{header: http.Header{}, code: http.StatusOK}
	next.ServeHTTP(answer, r)
	switch kind {
	case Slow:
		select {
		// Nothing is sent: it is the caller's own limit that has to end this.
		case <-r.Context().Done():
		case <-j.faults.stop():
		}
	case Truncate:
		// The promised length is that of the whole, or half an answer would look complete.
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(answer.body.Len()))
		w.WriteHeader(answer.code)
		_, _ = w.Write(answer.body.Bytes()[:answer.body.Len()/2])
	}
	panic(http.ErrAbortHandler) // the server's word for "drop the connection"
}

// recorder keeps an answer that is not to arrive whole.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(code int)        { r.code = code }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// reset ends the connection with a RST instead of an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it would end politely
	}
	_ = conn.Close()
}
