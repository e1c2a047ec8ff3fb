package tracker

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a failure means for the next try.
type Kind string

// The kinds of failure.
const (
	// Retry: the tracker did nothing; the same request may be sent again.
	Retry Kind = "retry"
	// Ambiguous: the tracker may have acted; look before sending again.
	Ambiguous Kind = "ambiguous"
	// Rejected: the request cannot succeed as it is; a person must change something.
	Rejected Kind = "rejected"
	// Unauthorized: the credentials are wrong or expired; nothing else will work.
	Unauthorized Kind = "unauthorized"
	// Forbidden: the credentials are fine but lack a permission here.
	Forbidden Kind = "forbidden"
	// Withheld: it was not sent, because the process has lost the right to ([Permitted]).
	// Nothing is wrong with it; whoever has the right now sends it.
	Withheld Kind = "withheld"
	// Missing: what was asked for is deleted or hidden; the two look alike.
	Missing Kind = "missing"
)

// Error is a failed request to a tracker.
type Error struct {
	Kind       Kind
	Request    string // method and path, never credentials
	Status     int    // HTTP status, 0 without one
	Message    string
	RetryAfter time.Duration // not before; 0 if the tracker did not say
	Err        error
}

// Error names the request, the status and what the tracker said.
func (e *Error) Error() string {
	s := e.Request
	if e.Status != 0 {
		s += fmt.Sprintf(": HTTP %d", e.Status)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the first [Error] in the chain. An error that no
// adapter judged is Ambiguous, the careful answer; nil has no kind.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Ambiguous
}
