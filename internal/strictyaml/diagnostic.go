package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a diagnostic stops the file from being used.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is one thing to say about one place in a file.
type Diagnostic struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`   // from 1; 0 when no place is known
	Col      int      `json:"column"` // from 1, in characters
	Severity Severity `json:"severity"`
	// ID names the kind of a finding, for documentation and to silence it; "" for
	// what has no name.
	ID      string `json:"id,omitempty"`
	Message string `json:"message"`
	// Nearest is the known name that a misspelt one was probably meant to be.
	Nearest string `json:"nearest,omitempty"`
	// Hint says what to do, where the message does not.
	Hint string `json:"hint,omitempty"`
	// Excerpt is the source line, shortened when it is very long; Caret is the
	// column of the fault in it, from 1.
	Excerpt string `json:"excerpt,omitempty"`
	Caret   int    `json:"caret,omitempty"`
}

// Suggest sets Nearest to the candidate that name was probably meant to be, if
// there is one, and gives the diagnostic back.
func (d *Diagnostic) Suggest(name string, candidates []string) *Diagnostic {
	d.Nearest = Nearest(name, candidates)
	return d
}

// WithID names the kind of finding and gives the diagnostic back.
func (d *Diagnostic) WithID(id string) *Diagnostic {
	d.ID = id
	return d
}

// WithHint sets the hint and gives the diagnostic back.
func (d *Diagnostic) WithHint(format string, args ...any) *Diagnostic {
	d.Hint = fmt.Sprintf(format, args...)
	return d
}

// Headline is the diagnostic on one line: file:line:column: severity: message.
func (d Diagnostic) Headline() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", d.Line, d.Col)
	}
	fmt.Fprintf(&b, ": %s: %s", d.Severity, d.Message)
	if d.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %q?", d.Nearest)
	}
	if d.Hint != "" {
		b.WriteString("; " + d.Hint)
	}
	if d.ID != "" {
		b.WriteString(" [" + d.ID + "]")
	}
	return b.String()
}

// String is the headline and below it the source line with a caret.
func (d Diagnostic) String() string {
	if d.Excerpt == "" && d.Caret == 0 {
		return d.Headline()
	}
	number := fmt.Sprintf("%5d | ", d.Line)
	margin := strings.Repeat(" ", len(number)-2) + "| "
	return d.Headline() + "\n" + number + d.Excerpt + "\n" + margin + pad(d.Excerpt, d.Caret-1) + "^"
}

// pad is white space as wide as the first n characters of s: tabs stay tabs, so
// that the caret stands right whatever the terminal makes of them.
func pad(s string, n int) string {
	var b strings.Builder
	for _, r := range s {
		if n--; n < 0 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String() + strings.Repeat(" ", max(n, 0))
}

// Diagnostics is everything said about one or several files. As an error it
// prints all of it.
type Diagnostics []Diagnostic

// Error prints every diagnostic, one after the other.
func (ds Diagnostics) Error() string {
	texts := make([]string, len(ds))
	for i, d := range ds {
		texts[i] = d.String()
	}
	return strings.Join(texts, "\n")
}

// Sort orders by file, line and column; what was said first of a place stays
// first.
func (ds Diagnostics) Sort() {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

// Of gives the diagnostics of one severity, in order.
func (ds Diagnostics) Of(s Severity) Diagnostics {
	var out Diagnostics
	for _, d := range ds {
		if d.Severity == s {
			out = append(out, d)
		}
	}
	return out
}

// Err is nil if nothing in ds is an error, and the sorted errors otherwise.
func (ds Diagnostics) Err() error {
	errs := ds.Of(Error)
	if len(errs) == 0 {
		return nil
	}
	errs.Sort()
	return errs
}
