package strictyaml

import (
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// PosAt is the line and column in the file of the character at an offset (in
// characters) of a scalar's value: what quoting, escapes, folding and
// indentation have moved is found again. Outside a scalar it is the node's own
// position.
func (n Node) PosAt(offset int) (line, col int) {
	if n.Kind() != Scalar {
		return n.Pos()
	}
	value := []rune(n.y.Value)
	offset = min(max(offset, 0), len(value))
	if n.y.Style&yaml.LiteralStyle != 0 {
		return n.posInLiteral(value, offset)
	}
	w := n.walk()
	for i := 0; i < offset; i++ {
		w.step(value[i])
	}
	w.settle(value, offset)
	return w.line, w.col + 1
}

// posInLiteral finds a place in a | block, whose lines are those of the file
// without their indentation.
func (n Node) posInLiteral(value []rune, offset int) (line, col int) {
	before := string(value[:offset])
	down := strings.Count(before, "\n")
	col = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return n.y.Line + 1 + down, n.blockIndent() + col + 1
}

// blockIndent is the indentation of a block scalar: that of its first line with
// text, unless the header gives one, which is then relative to the parent's and
// found by looking at the value's own leading space.
func (n Node) blockIndent() int {
	lead := 0
	for _, l := range strings.Split(n.y.Value, "\n") {
		if t := strings.TrimLeft(l, " "); t != "" {
			lead = len(l) - len(t)
			break
		}
	}
	for i := n.y.Line + 1; i <= len(n.f.lines); i++ {
		l := n.f.Line(i)
		if t := strings.TrimLeft(l, " "); t != "" {
			return max(0, len(l)-len(t)-lead)
		}
	}
	return 0
}

// walk begins at the first character of the scalar's text in the file.
func (n Node) walk() *walker {
	w := &walker{f: n.f, style: n.y.Style, line: n.y.Line, col: n.y.Column - 1}
	if w.style&yaml.FoldedStyle != 0 {
		w.line, w.col = w.line+1, n.blockIndent()
		w.skipSpace()
		return w
	}
	w.skipTag()
	if w.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		w.col++
	}
	return w
}

// walker goes through a scalar's source in step with its value.
type walker struct {
	f     *File
	style yaml.Style
	line  int // from 1
	col   int // from 0, in characters
}

// rest is what is left of the current line.
func (w *walker) rest() []rune {
	runes := w.f.lineRunes(w.line)
	return runes[min(w.col, len(runes)):]
}

// skipTag passes a tag such as !!str before the text.
func (w *walker) skipTag() {
	r := w.rest()
	if len(r) == 0 || r[0] != '!' {
		return
	}
	end := slices.Index(r, ' ')
	if end < 0 {
		return
	}
	w.col += end
	w.skipSpace()
}

// step passes the source of one character of the value.
func (w *walker) step(r rune) {
	w.joinLines()
	rest := w.rest()
	space := r == ' ' || r == '\n' || r == '\t'
	switch {
	case len(rest) > 0 && rest[0] == r:
		w.col += w.width(rest)
	case w.style&yaml.DoubleQuotedStyle != 0 && len(rest) > 0 && rest[0] == '\\':
		w.col += escapeWidth(rest)
	case space && blank(rest):
		w.skipSpace() // a fold: one or several characters of value for all of it
	case space: // a further character of a fold that is already passed
	default:
		w.col++
	}
}

// width is 2 where a quote is doubled inside single quotes.
func (w *walker) width(rest []rune) int {
	if w.style&yaml.SingleQuotedStyle != 0 && len(rest) > 1 && rest[0] == '\'' && rest[1] == '\'' {
		return 2
	}
	if w.style&yaml.DoubleQuotedStyle != 0 && rest[0] == '\\' {
		return escapeWidth(rest)
	}
	return 1
}

// settle moves from the end of a line to where the next character stands.
func (w *walker) settle(value []rune, offset int) {
	w.joinLines()
	if offset < len(value) && !strings.ContainsRune(" \n\t", value[offset]) && blank(w.rest()) {
		w.skipSpace()
	}
}

// joinLines passes an escaped line end inside double quotes.
func (w *walker) joinLines() {
	rest := w.rest()
	if w.style&yaml.DoubleQuotedStyle != 0 && len(rest) == 1 && rest[0] == '\\' {
		w.line, w.col = w.line+1, 0
		w.skipSpace()
	}
}

// skipSpace passes white space and line ends.
func (w *walker) skipSpace() {
	for w.line <= len(w.f.lines) {
		for _, r := range w.rest() {
			if r != ' ' && r != '\t' {
				return
			}
			w.col++
		}
		if w.line == len(w.f.lines) {
			return
		}
		w.line, w.col = w.line+1, 0
	}
}

func blank(rest []rune) bool {
	for _, r := range rest {
		if r != ' ' && r != '\t' {
			return false
		}
	}
	return true
}

// escapeWidth is the length of an escape such as \n, \x41 or \u00e9.
func escapeWidth(rest []rune) int {
	if len(rest) < 2 {
		return 1
	}
	switch rest[1] {
	case 'x':
		return 4
	case 'u':
		return 6
	case 'U':
		return 10
	}
	return 2
}
