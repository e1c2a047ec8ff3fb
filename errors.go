package trimtab

import (
	"errors"
	"fmt"
	"strings"
)

// Code says to a program what kind of failure an error is. The command line
// turns it into the exit code.
type Code string

// The codes. Every error that leaves a part of Trimtab has one.
const (
	// Invalid is a mistake of the caller or of a file: nothing was changed.
	Invalid Code = "invalid"
	// NotFound is a name or id that does not exist.
	NotFound Code = "not_found"
	// Outside is a failure of something outside (a source, a tracker, a disk):
	// the work can be resumed.
	Outside Code = "outside"
	// Partial is work that finished with errors, which are listed.
	Partial Code = "partial"
	// Busy means that another process has the state.
	Busy Code = "busy"
	// Internal is a broken promise of Trimtab itself.
	Internal Code = "internal"
)

// Error is an error with a code for the program, a sentence for the person
// and, where there is one, the next step to try.
type Error struct {
	Code    Code
	Op      string // what was being done, as "open state trimtab.db"
	Message string // one sentence without the operation; "" leaves it to Err
	Next    string // what to try next; "" if nothing better than the message
	Err     error
}

// Error writes the operation, the sentence and the cause; not the next step,
// which the command line prints on a line of its own.
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{e.Op, e.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error with a code; %w wraps as in [fmt.Errorf].
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// WithNext sets the next step to try and returns the same error.
func (e *Error) WithNext(format string, args ...any) *Error {
	e.Next = fmt.Sprintf(format, args...)
	return e
}

// CodeOf is the code of the first [Error] in the chain, [Internal] for an
// error without one and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// NextOf is the next step that the first [Error] with one in the tree of err
// names.
func NextOf(err error) string {
	if e, ok := err.(*Error); ok && e.Next != "" { //nolint:errorlint // walks the tree itself
		return e.Next
	}
	switch e := err.(type) { //nolint:errorlint // likewise
	case interface{ Unwrap() error }:
		return NextOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if next := NextOf(one); next != "" {
				return next
			}
		}
	}
	return ""
}
