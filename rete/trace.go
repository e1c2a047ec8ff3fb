package rete

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Trace is a [Listener] that writes a line for each event, as the watch command of
// CLIPS does: "==>" for what comes, "<==" for what goes, "FIRE" for a firing. With
// kinds it writes only those. What cannot be written is lost.
func Trace(w io.Writer, kinds ...EventKind) Listener {
	return ListenerFunc(func(e Event) {
		if len(kinds) == 0 || slices.Contains(kinds, e.Kind) {
			_, _ = fmt.Fprintln(w, e)
		}
	})
}

// String says the event in one line.
func (e Event) String() string {
	switch e.Kind {
	case FactAdded:
		return "==> " + e.Fact.String()
	case FactChanged:
		return "<=> " + e.Fact.String()
	case FactRemoved:
		return "<== " + e.Old.String()
	case MatchAdded:
		return "==> match " + e.Production + " " + e.Bind.String()
	case MatchRemoved:
		return "<== match " + e.Production + " " + e.Bind.String()
	case Fired:
		return strings.TrimSpace("FIRE " + e.Production + " " + e.Bind.String() + " " + strings.Join(e.Logs, " "))
	}
	return fmt.Sprintf("FAIL %s %s: %v", e.Production, e.Bind, e.Err)
}

// String says the fact in one line: its number, type and fields by name.
func (f Fact) String() string {
	if f.v == nil {
		return "no fact"
	}
	fields := f.Fields()
	text := fmt.Sprintf("%s %s", f.Handle(), f.Type())
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		text += fmt.Sprintf(" %s=%v", name, fields[name])
	}
	if f.Derived() {
		text += " (derived)"
	}
	return text
}

// String is the fact's number, in the order in which facts came to be: f-17.
func (h Handle) String() string { return fmt.Sprintf("f-%d", uint64(h)>>handleBits) }

// String lists the names with their facts.
func (b Bind) String() string {
	words := make([]string, 0, len(b))
	for _, name := range slices.Sorted(maps.Keys(b)) {
		words = append(words, name+"="+b[name].String())
	}
	return strings.Join(words, " ")
}
