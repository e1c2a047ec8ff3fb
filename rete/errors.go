package rete

import (
	"errors"
	"fmt"
	"strings"
)

// What a change of facts can fail with, inside a [FactError].
var (
	ErrUnknownType  = errors.New("unknown fact type")
	ErrUnknownField = errors.New("no such field")
	ErrMissingField = errors.New("field is missing")
	ErrNoFact       = errors.New("no such fact")
	ErrDerived      = errors.New("a derived fact cannot be changed")
	ErrKeyField     = errors.New("a key field cannot be changed")
	ErrKind         = errors.New("value of a kind that facts cannot hold")
	ErrShape        = errors.New("the shape does not fit")
)

// Other conditions that callers tell apart with [errors.Is].
var (
	// ErrAbsent is what a function returns that reads a field that is not there:
	// no match, counted in [Report.AbsentReads].
	ErrAbsent = errors.New("field is absent")
	// ErrBusy means that a batch is open or a production is firing.
	ErrBusy = errors.New("the session is in the middle of a batch")
	// ErrClosed means that the batch or firing is over.
	ErrClosed = errors.New("the batch is closed")
	// ErrSessionClosed means that the session was closed.
	ErrSessionClosed = errors.New("the session is closed")
	// ErrUncomparable means that two values have no order.
	ErrUncomparable = errors.New("values have no order")
	// ErrStrategy means that there is no strategy of that name or number.
	ErrStrategy = errors.New("unknown strategy")
)

// CompileError is one mistake in a type or a production.
type CompileError struct {
	Production string // its ID; "" for a mistake in a type
	Type       string // the type, if the mistake is in one
	Text       string
}

// Error names the production or type and the mistake.
func (e *CompileError) Error() string {
	if e.Type != "" {
		return fmt.Sprintf("type %s: %s", e.Type, e.Text)
	}
	return fmt.Sprintf("production %s: %s", e.Production, e.Text)
}

// QueryError is a question that cannot be answered.
type QueryError struct {
	Production string
	Text       string
}

// Error names the production and what is wrong.
func (e *QueryError) Error() string { return fmt.Sprintf("query %s: %s", e.Production, e.Text) }

// FactError is a change of facts that was refused.
type FactError struct {
	Type   string
	Field  string // "" when it is about the whole fact
	Handle Handle // 0 when the fact does not exist yet
	Err    error
}

// Error names type, field and reason.
func (e *FactError) Error() string {
	var b strings.Builder
	switch {
	case e.Type != "" && e.Field != "":
		fmt.Fprintf(&b, "%s.%s: ", e.Type, e.Field)
	case e.Type != "":
		fmt.Fprintf(&b, "%s: ", e.Type)
	default:
		fmt.Fprintf(&b, "fact %d: ", e.Handle>>handleBits)
	}
	fmt.Fprint(&b, e.Err)
	return b.String()
}

// Unwrap gives the reason, one of the sentinels or what Convert returned.
func (e *FactError) Unwrap() error { return e.Err }

// FiringError is a firing that failed; its changes were rolled back.
type FiringError struct {
	Production string
	Bind       Bind
	Facts      []Fact
	Err        error
}

// Error names the production and the reason.
func (e *FiringError) Error() string { return fmt.Sprintf("firing %s: %v", e.Production, e.Err) }

// Unwrap gives what Then returned.
func (e *FiringError) Unwrap() error { return e.Err }

// TestError is a test or value that failed while matching, which is no match.
// Equal failures are counted, not repeated.
type TestError struct {
	Production string
	Test       string // the label of the function, or the test in words
	Count      int
	Err        error // the first
}

// Error names the production, the test and the reason.
func (e *TestError) Error() string {
	return fmt.Sprintf("matching %s: %s: %v", e.Production, e.Test, e.Err)
}

// Unwrap gives what the test returned first.
func (e *TestError) Unwrap() error { return e.Err }

// MaxFiringsError ends a run that fired too often.
type MaxFiringsError struct {
	Limit   int
	Busiest []string // productions, the one that fired most first
}

// Error names the limit and the busiest productions.
func (e *MaxFiringsError) Error() string {
	return fmt.Sprintf("no end after %d firings; busiest: %s", e.Limit, strings.Join(e.Busiest, ", "))
}

// UnstratifiedError ends a run in which a production keeps withdrawing its own
// reason: it concludes what its condition denies.
type UnstratifiedError struct {
	Production string
	Bind       Bind
}

// Error names the production.
func (e *UnstratifiedError) Error() string {
	return fmt.Sprintf("production %s withdraws its own reason: what it derives makes its condition false", e.Production)
}

// LimitError ends a run or a batch that passed one of [Limits]. The session is of no
// use afterwards: everything fails with this error.
type LimitError struct {
	What        string // "facts", "tokens" or "bytes"
	Limit       int
	Productions []string // that are responsible, as far as is known

	memory *memory
}

// Error names the limit and who passed it.
func (e *LimitError) Error() string {
	text := fmt.Sprintf("more than %d %s", e.Limit, e.What)
	if len(e.Productions) > 0 {
		text += ", by " + strings.Join(e.Productions, ", ")
	}
	return text
}
