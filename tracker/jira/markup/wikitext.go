package markup

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wikiText reads the text of a line with its marks.
func wikiText(text string) []Node {
	s := wikiScanner{text: text}
	return joined(s.run(nil))
}

// wikiScanner reads a piece of text. hopeless are marks that no more are shut;
// depth counts the pieces around, which are read only so deep.
type wikiScanner struct {
	text     string
	depth    int
	at       int
	plain    strings.Builder
	nodes    []Node
	hopeless [256]bool
}

var (
	wikiEntity = regexp.MustCompile(`^&#?[A-Za-z0-9]{1,31};`)
	wikiLink   = regexp.MustCompile(`^\[((?:[^\]\[\\|\n]|\\.)*)(?:\|([^\]\[|\n]*)(?:\|[^\]\[\n]*)?)?\]`)
	// Both are bounded: a long text of openings must not be searched to its end each time.
	wikiMono  = regexp.MustCompile(`^\{\{((?:[^}\\]|\\.)+)\}\}`)
	wikiMacro = regexp.MustCompile(`^\{(?:color|anchor|panel|quote|info|note|tip|warning)(?::[^}\n]{0,200})?\}`)
)

// run reads all of the text; marks stand around it.
func (s *wikiScanner) run(marks []Mark) []Node {
	for s.at < len(s.text) {
		if s.markup(s.text[s.at:], marks) {
			continue
		}
		_, size := utf8.DecodeRuneInString(s.text[s.at:])
		s.plain.WriteString(s.text[s.at : s.at+size])
		s.at += size
	}
	s.flush(marks)
	return s.nodes
}

// inner reads a text within this one.
func (s *wikiScanner) inner(text string, marks []Mark) []Node {
	if s.depth >= maxNesting {
		return textNode(text, marks)
	}
	within := wikiScanner{text: text, depth: s.depth + 1}
	return within.run(marks)
}

// flush ends a run of plain text.
func (s *wikiScanner) flush(marks []Mark) {
	s.nodes = append(s.nodes, textNode(s.plain.String(), marks)...)
	s.plain.Reset()
}

// add puts nodes behind the text so far, and skips what they were read from.
func (s *wikiScanner) add(size int, marks []Mark, nodes ...Node) bool {
	s.flush(marks)
	s.nodes, s.at = append(s.nodes, nodes...), s.at+size
	return true
}

// markup reads what begins here, if it is no plain text.
func (s *wikiScanner) markup(rest string, marks []Mark) bool {
	switch rest[0] {
	case '\\':
		return s.escape(rest, marks)
	case '&':
		if m := wikiEntity.FindString(rest); m != "" {
			s.plain.WriteString(html.UnescapeString(m))
			s.at += len(m)
			return true
		}
	case '[':
		return s.link(rest, marks)
	case '{':
		if end := strings.Index(rest, "}}"); end > 0 && end < 4000 {
			if m := wikiMono.FindStringSubmatch(rest[:min(end+3, len(rest))]); m != nil {
				return s.add(len(m[0]), marks, s.inner(m[1], withCode(marks))...)
			}
		}
		if m := wikiMacro.FindString(rest); m != "" {
			s.at += len(m)
			return true
		}
		if len(rest) > 6 && rest[2] == '}' {
			if i := strings.Index(rest[3:], rest[:3]); i > 0 {
				return s.phrase(rest[1], rest[3:3+i], i+6, marks)
			}
		}
	}
	if size := s.closing(rest); size > 0 {
		return s.phrase(rest[0], rest[1:size-1], size, marks)
	}
	return false
}

// escape reads a backslash: of two, a line break; before a mark, the mark itself.
func (s *wikiScanner) escape(rest string, marks []Mark) bool {
	if len(rest) < 2 {
		return false
	}
	if rest[1] == '\\' {
		return s.add(2, marks, Node{Type: "hardBreak"})
	}
	if rest[1] >= utf8.RuneSelf || !unicode.IsPunct(rune(rest[1])) && !unicode.IsSymbol(rune(rest[1])) {
		return false
	}
	s.plain.WriteByte(rest[1])
	s.at += 2
	return true
}

// link reads [text|address], [address] and [~user].
func (s *wikiScanner) link(rest string, marks []Mark) bool {
	m := wikiLink.FindStringSubmatch(rest)
	if m == nil {
		return false
	}
	text, href := m[1], m[2]
	if href == "" {
		href = text
	}
	if name, ok := strings.CutPrefix(href, "~"); ok {
		return s.add(len(m[0]), marks, textNode("@"+name, marks)...)
	}
	linked := withLink(marks, href)
	if len(linked) == len(marks) { // not an address that can be followed
		return false
	}
	return s.add(len(m[0]), marks, s.inner(text, linked)...)
}

// phrases are the marks of the wiki and what they mean here; those of no
// counterpart leave their text.
var phrases = map[byte]string{'*': "strong", '_': "em", '-': "strike", '+': "", '^': "", '~': ""}

// closing gives the size of a phrase that begins here, its marks included; 0 if
// none does. A mark opens at the start of a word and shuts at the end of one.
func (s *wikiScanner) closing(rest string) int {
	mark := rest[0]
	before, _ := utf8.DecodeLastRuneInString(s.text[:s.at])
	if _, ok := phrases[mark]; !ok || s.hopeless[mark] || s.at > 0 && (wordy(before) || before == rune(mark)) || len(rest) < 3 || rest[1] == ' ' || rest[1] == mark {
		return 0
	}
	for i := 1; i < len(rest); i++ {
		after, _ := utf8.DecodeRuneInString(rest[i+1:])
		switch {
		case rest[i] == '\\':
			i++
		case rest[i] == mark && rest[i-1] != ' ' && (i == len(rest)-1 || !wordy(after) && after != rune(mark)):
			return i + 1
		}
	}
	s.hopeless[mark] = true
	return 0
}

// phrase reads the text between two marks.
func (s *wikiScanner) phrase(mark byte, text string, size int, marks []Mark) bool {
	kind, ok := phrases[mark]
	if !ok {
		return false
	}
	around := marks
	if kind != "" {
		around = with(marks, Mark{Type: kind})
	}
	return s.add(size, marks, s.inner(text, around)...)
}
