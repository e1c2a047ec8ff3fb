package markup

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FromWiki reads wiki markup as a document: headings, lists, tables, code,
// quotes, rules, links and emphasis. Macros that it does not know leave their
// text.
func FromWiki(text string) Node {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n")
	r := &wikiReader{lines: strings.Split(text, "\n")}
	return Node{Type: "doc", Version: 1, Content: r.blocks("", 0)}
}

// wikiReader goes through the lines of a text.
type wikiReader struct {
	lines []string
	at    int
}

var (
	wikiHeading = regexp.MustCompile(`^[ \t]*h([1-6])\.[ \t]+(.*)$`)
	wikiItem    = regexp.MustCompile(`^[ \t]*([*#-]+)[ \t]+(.*)$`)
	wikiRule    = regexp.MustCompile(`^[ \t]*-{4,}[ \t]*$`)
	wikiFence   = regexp.MustCompile(`^[ \t]*\{(code|noformat)(?::([^}|]*)[^}]*)?\}(.*)$`)
	wikiBox     = regexp.MustCompile(`^[ \t]*\{(quote|panel|info|note|tip|warning|color)(?::[^}]*)?\}[ \t]*$`)
)

// blocks reads until a line that is end, or to the end of the text; level counts the
// boxes around, which are read only so deep.
func (r *wikiReader) blocks(end string, level int) []Node {
	var all []Node
	for r.at < len(r.lines) {
		line := r.lines[r.at]
		if end != "" && strings.TrimSpace(line) == end {
			r.at++
			break
		}
		if strings.TrimSpace(line) == "" {
			r.at++
			continue
		}
		all = append(all, r.block(line, level)...)
	}
	return all
}

// block reads the block that begins with a line.
func (r *wikiReader) block(line string, level int) []Node {
	if m := wikiHeading.FindStringSubmatch(line); m != nil {
		r.at++
		return []Node{{Type: "heading", Attrs: map[string]any{"level": int(m[1][0] - '0')}, Content: wikiText(m[2])}}
	}
	if rest, ok := strings.CutPrefix(line, "bq. "); ok {
		r.at++
		return []Node{{Type: "blockquote", Content: []Node{paragraph(wikiText(rest))}}}
	}
	if m := wikiFence.FindStringSubmatch(line); m != nil {
		return []Node{r.code(m[1], m[2], m[3])}
	}
	if m := wikiBox.FindStringSubmatch(line); m != nil && level < maxNesting {
		r.at++
		content := r.blocks("{"+m[1]+"}", level+1)
		if m[1] == "quote" {
			return []Node{{Type: "blockquote", Content: filled(content)}}
		}
		return content
	}
	switch {
	case wikiRule.MatchString(line):
		r.at++
		return []Node{{Type: "rule"}}
	case strings.HasPrefix(strings.TrimSpace(line), "|"):
		return []Node{r.table()}
	case wikiItem.MatchString(line):
		return r.lists()
	}
	return []Node{paragraph(r.paragraph())}
}

// starts reports whether a line begins a block of its own.
func starts(line string) bool {
	return strings.TrimSpace(line) == "" || wikiHeading.MatchString(line) || strings.HasPrefix(line, "bq. ") || wikiFence.MatchString(line) ||
		wikiBox.MatchString(line) || wikiRule.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), "|") || wikiItem.MatchString(line)
}

// paragraph reads lines up to the next block. Where a line ends in the wiki, it
// ends on the page.
func (r *wikiReader) paragraph() []Node {
	var all []Node
	for first := true; r.at < len(r.lines) && (first || !starts(r.lines[r.at])); first = false {
		if !first {
			all = append(all, Node{Type: "hardBreak"})
		}
		all = append(all, wikiText(strings.TrimSpace(r.lines[r.at]))...)
		r.at++
	}
	return joined(all)
}

// code reads a block as it stands, up to its end or that of the text.
func (r *wikiReader) code(kind, language, rest string) Node {
	end := "{" + kind + "}"
	block := Node{Type: "codeBlock"}
	if language != "" && !strings.Contains(language, "=") {
		block.Attrs = map[string]any{"language": language}
	}
	var lines []string
	if rest != "" {
		lines = append(lines, rest)
	}
	for i, line := range r.lines[r.at:] {
		// The first line is what stands behind the opening.
		if i == 0 {
			line = rest
		}
		if before, _, found := strings.Cut(line, end); found {
			if i == 0 {
				lines = nil
			}
			if strings.TrimSpace(before) != "" {
				lines = append(lines, before)
			}
			r.at += i + 1
			return block.with(strings.Join(lines, "\n"))
		}
		if i > 0 {
			lines = append(lines, line)
		}
	}
	r.at = len(r.lines)
	return block.with(strings.Join(lines, "\n"))
}

// with gives a block of code its text.
func (n Node) with(text string) Node {
	if text != "" {
		n.Content = []Node{{Type: "text", Text: text}}
	}
	return n
}

// lists reads items up to the first line that is none; each further bullet is a
// list within.
func (r *wikiReader) lists() []Node {
	var items []wikiEntry
	for r.at < len(r.lines) {
		m := wikiItem.FindStringSubmatch(r.lines[r.at])
		if m == nil && (len(items) == 0 || starts(r.lines[r.at])) {
			break
		}
		r.at++
		if m == nil { // the item goes on in the next line
			last := &items[len(items)-1]
			last.text = append(append(last.text, Node{Type: "hardBreak"}), wikiText(strings.TrimSpace(r.lines[r.at-1]))...)
			continue
		}
		items = append(items, wikiEntry{bullets: m[1][:min(len(m[1]), maxNesting)], text: wikiText(strings.TrimSpace(m[2]))})
	}
	return nest(items, 0)
}

// wikiEntry is an item with the bullets before it.
type wikiEntry struct {
	bullets string
	text    []Node
}

// nest makes lists of items that have more than depth bullets.
func nest(items []wikiEntry, depth int) []Node {
	var lists []Node
	for i := 0; i < len(items); {
		kind := "bulletList"
		if items[i].bullets[depth] == '#' {
			kind = "orderedList"
		}
		if len(lists) == 0 || lists[len(lists)-1].Type != kind {
			list := Node{Type: kind}
			if kind == "orderedList" {
				list.Attrs = map[string]any{"order": 1}
			}
			lists = append(lists, list)
		}
		// What has more bullets belongs to the item before it.
		item, next := Node{Type: "listItem"}, i
		if len(items[i].bullets) == depth+1 {
			item.Content, next = []Node{paragraph(joined(items[i].text))}, i+1
		} else {
			item.Content = []Node{{Type: "paragraph"}}
		}
		end := next
		for end < len(items) && len(items[end].bullets) > depth+1 {
			end++
		}
		item.Content = append(item.Content, nest(items[next:end], depth+1)...)
		last := &lists[len(lists)-1]
		last.Content, i = append(last.Content, item), end
	}
	return lists
}

// table reads rows; two bars begin a head.
func (r *wikiReader) table() Node {
	table := Node{Type: "table"}
	for r.at < len(r.lines) {
		line := strings.TrimSpace(r.lines[r.at])
		if !strings.HasPrefix(line, "|") {
			break
		}
		r.at++
		table.Content = append(table.Content, Node{Type: "tableRow", Content: wikiCells(line)})
	}
	return table
}

// wikiCells takes a row apart at the bars that are neither escaped nor within a
// link.
func wikiCells(line string) []Node {
	var cells []Node
	kind, inLink := "", false
	start := 0
	add := func(end int) {
		if kind != "" {
			cells = append(cells, Node{Type: kind, Content: []Node{paragraph(wikiText(strings.TrimSpace(line[start:end])))}})
		}
	}
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '[':
			inLink = strings.Contains(line[i:], "]")
		case ']':
			inLink = false
		case '|':
			if inLink {
				continue
			}
			add(i)
			kind = "tableCell"
			if i+1 < len(line) && line[i+1] == '|' {
				kind, i = "tableHeader", i+1
			}
			start = i + 1
		}
	}
	// A row may lack its last bar.
	if start < len(line) {
		add(len(line))
	}
	return cells
}

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
