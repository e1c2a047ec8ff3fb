package strictyaml

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Node is a value in a file. The zero Node is an absent value: reading it gives
// zero values and says nothing.
type Node struct {
	f *File
	y *yaml.Node
}

// Kind is what a node is.
type Kind string

// The kinds; None is that of an absent node.
const (
	None    Kind = ""
	Mapping Kind = "mapping"
	List    Kind = "list"
	Scalar  Kind = "value"
	Null    Kind = "null"
)

// Kind is what the node is.
func (n Node) Kind() Kind {
	switch {
	case n.y == nil:
		return None
	case n.y.Kind == yaml.MappingNode:
		return Mapping
	case n.y.Kind == yaml.SequenceNode:
		return List
	case n.y.Kind == yaml.ScalarNode && n.y.Tag == "!!null":
		return Null
	case n.y.Kind == yaml.ScalarNode:
		return Scalar
	}
	return None // an alias, which Open has refused
}

// IsZero reports whether there is no such value.
func (n Node) IsZero() bool { return n.y == nil }

// File is the file that the node is in, nil for the zero Node.
func (n Node) File() *File { return n.f }

// Pos is the node's line and column, counted from 1.
func (n Node) Pos() (line, col int) {
	if n.y == nil {
		return 0, 0
	}
	return n.y.Line, n.y.Column
}

// Errorf notes an error about the node.
func (n Node) Errorf(format string, args ...any) *Diagnostic {
	return n.say(Error, fmt.Sprintf(format, args...))
}

// Warnf notes a warning about the node.
func (n Node) Warnf(format string, args ...any) *Diagnostic {
	return n.say(Warning, fmt.Sprintf(format, args...))
}

// Finding is a diagnostic about the node that is given back and not noted on the
// file: what a check says of a file that was read long ago.
func (n Node) Finding(severity Severity, id, format string, args ...any) Diagnostic {
	if n.f == nil {
		return Diagnostic{Severity: severity, ID: id, Message: fmt.Sprintf(format, args...)}
	}
	line, col := n.Pos()
	d := n.f.about(line, col, severity, fmt.Sprintf(format, args...))
	d.ID = id
	return d
}

// ErrorfAt notes an error about the character at an offset of a scalar's value.
func (n Node) ErrorfAt(offset int, format string, args ...any) *Diagnostic {
	if n.f == nil {
		return &Diagnostic{}
	}
	if n.f.errors >= maxErrors {
		n.f.errors++ // it would not be told, and its place is not looked for
		return &Diagnostic{}
	}
	line, col := n.PosAt(offset)
	return n.f.add(line, col, Error, fmt.Sprintf(format, args...))
}

func (n Node) say(s Severity, message string) *Diagnostic {
	if n.f == nil {
		return &Diagnostic{}
	}
	line, col := n.Pos()
	return n.f.add(line, col, s, message)
}

// want notes that the node is not what is needed.
func (n Node) want(what string) {
	got := string(n.Kind())
	if n.Kind() == Scalar {
		got = strconv.Quote(shorten(n.y.Value))
	}
	n.Errorf("%s is needed here, not %s", what, got)
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// scalar is the node's text if it is a scalar.
func (n Node) scalar(what string) (string, bool) {
	if n.IsZero() {
		return "", false
	}
	if n.Kind() != Scalar {
		if n.y.Kind != yaml.AliasNode {
			n.want(what)
		}
		return "", false
	}
	return n.y.Value, true
}

// Text is a scalar as it is written: 012 stays "012".
func (n Node) Text() string {
	s, _ := n.scalar("a text")
	return s
}

// Tag is the YAML tag that the scalar resolves to, as "!!int"; quoted scalars
// are "!!str".
func (n Node) Tag() string {
	if n.Kind() != Scalar {
		return ""
	}
	return n.y.Tag
}

// Bool is true or false, written so.
func (n Node) Bool() bool {
	s, ok := n.scalar("true or false")
	if ok && s != "true" && s != "false" {
		n.want("true or false")
	}
	return s == "true"
}

// Int is a whole number in decimal.
func (n Node) Int() int64 {
	s, ok := n.scalar("a whole number")
	if !ok {
		return 0
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n.want("a whole number")
	}
	return i
}

// Float is a number.
func (n Node) Float() float64 {
	s, ok := n.scalar("a number")
	if !ok {
		return 0
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		n.want("a number")
		return 0
	}
	return x
}

// Duration is a length of time such as 5m, 90s, 1h30m or 14d.
func (n Node) Duration() time.Duration {
	const what = "a length of time such as 60s, 5m or 14d"
	s, ok := n.scalar(what)
	if !ok {
		return 0
	}
	d, err := ParseDuration(s)
	if err != nil {
		n.want(what)
	}
	return d
}

// ParseDuration reads what [time.ParseDuration] reads, and whole days as 14d.
func ParseDuration(s string) (time.Duration, error) {
	days, ok := strings.CutSuffix(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseInt(days, 10, 32)
	if err != nil || n > 100_000 || n < -100_000 { // more does not fit a Duration
		return 0, fmt.Errorf("%q is no length of time", s)
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

// OneOf is a scalar that must be one of the choices; "" if it is not.
func (n Node) OneOf(choices ...string) string {
	s, ok := n.scalar("one of " + strings.Join(choices, ", "))
	if !ok {
		return ""
	}
	for _, c := range choices {
		if s == c {
			return s
		}
	}
	n.Errorf("%q is not one of %s", shorten(s), strings.Join(choices, ", ")).Suggest(s, choices)
	return ""
}

// Items are the elements of a list.
func (n Node) Items() []Node {
	if n.IsZero() {
		return nil
	}
	if n.Kind() != List {
		n.want("a list")
		return nil
	}
	items := make([]Node, len(n.y.Content))
	for i, c := range n.y.Content {
		items[i] = Node{n.f, c}
	}
	return items
}

// Texts are the elements of a list of texts; a single text is a list of one.
func (n Node) Texts() []string {
	if n.Kind() == Scalar {
		return []string{n.Text()}
	}
	items := n.Items()
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = item.Text()
	}
	return texts
}

// Plain is the node as plain Go values: map[string]any, []any, string, int64,
// float64, bool or nil; numbers that fit neither stay text.
func (n Node) Plain() any {
	switch n.Kind() {
	case Mapping:
		out := map[string]any{}
		for _, e := range n.Entries() {
			out[e.Key.Text()] = e.Value.Plain()
		}
		return out
	case List:
		out := []any{}
		for _, item := range n.Items() {
			out = append(out, item.Plain())
		}
		return out
	case Scalar:
		return plainScalar(n.y)
	}
	return nil
}

func plainScalar(y *yaml.Node) any {
	switch y.Tag {
	case "!!bool":
		return y.Value == "true"
	case "!!int":
		if i, err := strconv.ParseInt(y.Value, 10, 64); err == nil {
			return i
		}
	case "!!float":
		// a whole number too large for an int64 stays exact as text
		whole := strings.Trim(y.Value, "+-0123456789") == ""
		if f, err := strconv.ParseFloat(y.Value, 64); err == nil && !whole {
			return f
		}
	}
	return y.Value
}
