package markup

import (
	"regexp"
	"strings"
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
