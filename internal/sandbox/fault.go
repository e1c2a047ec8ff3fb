package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// faults are those that are still to come, oldest first.
type faults struct {
	mu      sync.Mutex
	pending []*Fault
	draws   *rand.Rand    // for probabilities
	chaos   *chaos        // nil without
	stopped chan struct{} // closed when the server stops: who is kept waiting may go
}

// Inject adds a fault. Faults that fit the same request come one at a time, in
// the order in which they were added.
func (j *Jira) Inject(f Fault) {
	if f.For > 0 {
		f.until = j.clock().Add(f.For)
	}
	if f.Times == 0 {
		f.Times = 1
		if f.For > 0 {
			f.Times = -1
		}
	}
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	j.faults.pending = append(j.faults.pending, &f)
}

// PendingFaults lists the names of the faults that have not come yet.
func (j *Jira) PendingFaults() []string {
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	names := []string{}
	for _, f := range j.faults.pending {
		names = append(names, f.nameOf())
	}
	return names
}

// ClearFaults forgets the faults that have not come yet, and ends chaos.
func (j *Jira) ClearFaults() {
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	j.faults.pending, j.faults.chaos = nil, nil
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

// next takes the first fault that fits and comes now, if one does.
func (f *faults) next(now time.Time, fits func(*Fault) bool) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending = slices.DeleteFunc(f.pending, func(one *Fault) bool { return !one.until.IsZero() && !now.Before(one.until) })
	for i, one := range f.pending {
		if !fits(one) {
			continue
		}
		// One that lets the request pass leaves it to those behind it.
		if one.After > 0 {
			one.After--
			continue
		}
		if one.Probability > 0 && f.draws.Float64() >= one.Probability {
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

// fits reports whether a fault is for a request.
func (f *Fault) fits(r *http.Request) bool {
	if f.Kind >= HookTwice || f.Method != "" && f.Method != r.Method || !strings.HasPrefix(r.URL.Path, f.Path) {
		return false
	}
	switch f.Kind {
	// Rules answer what is written, and only writes can be lost in silence.
	case AutoComment, AutoRevert, NoOp:
		return writes(r)
	case PageInvalid:
		return isSearch(r) && pageToken(r) != ""
	case PageRepeat, PageEmpty, PageCut, BlindLabels, StaleIndex:
		return isSearch(r)
	case RefuseElement, MadeElement:
		return strings.HasSuffix(r.URL.Path, "/issue/bulk")
	}
	return true
}

func isSearch(r *http.Request) bool { return strings.Contains(r.URL.Path, "/search") }

// writes reports whether a request changes an issue that is there.
func writes(r *http.Request) bool {
	_, rest, ok := strings.Cut(r.URL.Path, "/issue/")
	return ok && r.Method != http.MethodGet && rest != "bulk" && rest != "bulkfetch"
}

// faulty passes requests on, unless a fault comes for them.
func (j *Jira) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := j.faults.next(j.clock(), func(f *Fault) bool { return f.fits(r) })
		if f == nil {
			f = j.faults.drawn(r)
		}
		switch {
		case f == nil:
			next.ServeHTTP(w, r)
		case f.Kind >= PersonEdits:
			j.befall(w, r, f, next)
		case f.Kind >= PageInvalid:
			of(r).fault = f
			next.ServeHTTP(w, r)
		default:
			j.fail(w, r, f, next)
		}
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
		status := max(f.Status, http.StatusInternalServerError)
		if f.Value == "html" || status == http.StatusBadGateway {
			page(w, status, "Jira is down for maintenance")
			return
		}
		refuse(w, status, "Internal server error")
	case Refuse4xx:
		refuse(w, max(f.Status, http.StatusBadRequest), "The request was refused for no reason.")
	case TooMany:
		refuse(w, http.StatusTooManyRequests, "Rate limit exceeded.")
	case Unauthorized:
		refuse(w, http.StatusUnauthorized, "Client must be authenticated to access this resource.")
	case Conflict:
		refuse(w, http.StatusConflict, "The issue could not be updated due to a conflicting update.")
	case HTML:
		// With 200, as a login page or a proxy in between gives it: success, until one
		// reads it.
		page(w, http.StatusOK, "Log in")
	case Redirect:
		w.Header().Set("Location", cmp.Or(f.Value, "http://elsewhere.invalid")+r.URL.Path)
		w.WriteHeader(http.StatusFound)
	case NoOp:
		w.WriteHeader(http.StatusNoContent)
	case Reset:
		reset(w)
	case SlowCommit:
		j.wait(r)
		// The caller has gone, and its request is carried out all the same.
		next.ServeHTTP(&recorder{header: http.Header{}}, r.WithContext(context.WithoutCancel(r.Context())))
		panic(http.ErrAbortHandler)
	default:
		j.actAndFail(w, r, f.Kind, next)
	}
}

// page answers with HTML where JSON is expected.
func page(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html><html><title>" + title + "</title><form action=/login></form></html>"))
}

// wait keeps a caller waiting until it gives up, or the server stops.
func (j *Jira) wait(r *http.Request) {
	select {
	// Nothing is sent: it is the caller's own limit that has to end this.
	case <-r.Context().Done():
	case <-j.faults.stop():
	}
}

// hugeAnswer is more than any client should read.
const hugeAnswer = 100 << 20

// actAndFail does what is asked and spoils the answer in one way or another.
func (j *Jira) actAndFail(w http.ResponseWriter, r *http.Request, kind Kind, next http.Handler) {
	// Jira acts before the answer is lost: the case that files tickets twice.
	answer := &recorder{header: http.Header{}, code: http.StatusOK}
	next.ServeHTTP(answer, r)
	switch kind {
	case Slow:
		j.wait(r)
	case WrongType:
		answer.header.Set("Content-Type", "text/plain")
		answer.send(w)
		return
	case Huge:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.code)
		// Blanks may stand before JSON: only a limit tells that this is too much.
		blanks := bytes.Repeat([]byte(" "), 1<<20)
		for range hugeAnswer / len(blanks) {
			if _, err := w.Write(blanks); err != nil { // the caller has had enough
				return
			}
		}
		_, _ = w.Write(answer.body.Bytes())
		return
	case Truncate:
		// The promised length is that of the whole, or half an answer would look complete.
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(answer.body.Len()))
		w.WriteHeader(answer.code)
		_, _ = w.Write(answer.body.Bytes()[:answer.body.Len()/2])
		_ = http.NewResponseController(w).Flush() // else nothing of it would leave
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

// send passes the answer on.
func (r *recorder) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.code)
	_, _ = w.Write(r.body.Bytes())
}

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
