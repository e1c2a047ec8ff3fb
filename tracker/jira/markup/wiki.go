package markup

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// WikiOf turns Markdown into the wiki markup of Jira Data Center, within the
// limit of a text field.
func WikiOf(md string) string {
	for limit := MaxText; ; {
		text := Wiki(Document(Cut(md, limit)))
		// Escapes make the text longer than its Markdown: what is too long is cut before
		// it is written, so that no markup is left open.
		units := len(utf16.Encode([]rune(text)))
		if units <= MaxText {
			return text
		}
		limit = max(limit*MaxText/units-1, 1)
	}
}

// Wiki writes a document as wiki markup.
func Wiki(doc Node) string { return wikiBlocks(doc.Content) }

func wikiBlocks(all []Node) string {
	var parts []string
	for _, n := range all {
		if text := wikiBlock(n); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "\n\n")
}

// wikiBlock writes one block without blank lines around it.
func wikiBlock(n Node) string {
	switch n.Type {
	case "heading":
		level := clamp(number(n.Attrs["level"]), 1, 6)
		return "h" + string(rune('0'+level)) + ". " + wikiInline(n.Content, " ")
	case "bulletList", "orderedList":
		return strings.Join(wikiItems(n, ""), "\n")
	case "codeBlock":
		return wikiCode(n)
	case "blockquote":
		return "{quote}\n" + wikiBlocks(n.Content) + "\n{quote}"
	case "rule":
		return "----"
	case "table":
		return wikiTable(n)
	case "paragraph", "taskItem", "decisionItem":
		return wikiStart(wikiInline(n.Content, "\n"))
	case "text", "hardBreak", "mention", "emoji", "inlineCard", "blockCard", "embedCard":
		return wikiStart(wikiInline([]Node{n}, "\n"))
	}
	return wikiBlocks(n.Content)
}

// wikiItems writes the items of a list, each with the bullets of all lists around
// it. Its further blocks go on below its text; the wiki has no number to begin at.
func wikiItems(list Node, around string) []string {
	bullets, lines := around+"*", []string{}
	if list.Type == "orderedList" {
		bullets = around + "#"
	}
	for _, item := range list.Content {
		first := true
		for _, block := range item.Content {
			switch text := ""; {
			case strings.HasSuffix(block.Type, "List"):
				lines = append(lines, wikiItems(block, bullets)...)
			case first:
				text = strings.ReplaceAll(wikiBlock(block), "\n\n", "\n")
				lines = append(lines, bullets+" "+text)
			default:
				lines = append(lines, strings.ReplaceAll(wikiBlock(block), "\n\n", "\n"))
			}
			first = false
		}
	}
	return lines
}

// wikiLanguages are those that Data Center can colour. It shows an error in
// place of any other.
var wikiLanguages = []string{
	"bash", "c", "c#", "c++", "cpp", "css", "go", "groovy", "haskell", "html", "java", "javascript", "js", "json", "lua", "perl", "php", "python", "r",
	"ruby", "scala", "sh", "sql", "swift", "xml", "yaml",
}

// wikiCode writes a block of code. The end of the block cannot be escaped inside
// of it: code that has it gets the other kind of block.
func wikiCode(n Node) string {
	var b strings.Builder
	for _, t := range n.Content {
		b.WriteString(t.Text)
	}
	text := b.String()
	if strings.Contains(text, "{code") {
		return "{noformat}\n" + strings.ReplaceAll(text, "{noformat", "{ noformat") + "\n{noformat}"
	}
	open := "{code}"
	if language, _ := n.Attrs["language"].(string); slices.Contains(wikiLanguages, strings.ToLower(language)) {
		open = "{code:" + strings.ToLower(language) + "}"
	}
	return open + "\n" + text + "\n{code}"
}

func wikiTable(n Node) string {
	var lines []string
	for _, row := range n.Content {
		var line strings.Builder
		bar := "|"
		for _, cell := range row.Content {
			bar = "|"
			if cell.Type == "tableHeader" {
				bar = "||"
			}
			// An empty cell needs a space, or its bars would read as a header's.
			line.WriteString(bar + cmp.Or(wikiCell(cell), " "))
		}
		lines = append(lines, line.String()+bar)
	}
	return strings.Join(lines, "\n")
}

// wikiCell writes the text of a cell in one line.
func wikiCell(n Node) string {
	if n.Type == "paragraph" || n.Type == "heading" || n.Type == "codeBlock" {
		return strings.TrimSpace(wikiInline(n.Content, " "))
	}
	var parts []string
	for _, child := range n.Content {
		if text := wikiCell(child); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// wikiInline writes the text of a block in which lines are broken as told.
func wikiInline(all []Node, lineBreak string) string {
	var b strings.Builder
	for i, n := range all {
		switch n.Type {
		case "text":
			b.WriteString(wikiMarked(n, touches(b.String(), all[i+1:])))
		case "hardBreak":
			if i < len(all)-1 {
				b.WriteString(lineBreak)
			}
		default:
			text, _ := n.Attrs["text"].(string)
			url, _ := n.Attrs["url"].(string)
			b.WriteString(wikiEscaped(cmp.Or(text, url)))
			b.WriteString(wikiInline(n.Content, lineBreak))
		}
	}
	return b.String()
}

// touches reports whether a piece of text stands against others without a space
// in between: there the wiki sees a mark only in braces.
func touches(before string, after []Node) bool {
	if before != "" && !strings.HasSuffix(before, " ") && !strings.HasSuffix(before, "\n") {
		return true
	}
	return len(after) > 0 && after[0].Type == "text" && !strings.HasPrefix(after[0].Text, " ")
}

// wikiMarks are the marks that the wiki has, outermost first.
var wikiMarks = []struct{ kind, text string }{{"strong", "*"}, {"em", "_"}, {"strike", "-"}}

// wikiMarked writes a text with its marks around it, spaces at its ends outside.
func wikiMarked(n Node, braced bool) string {
	text := strings.ReplaceAll(n.Text, "\n", " ")
	core := strings.TrimSpace(text)
	if core == "" {
		return text
	}
	start := strings.Index(text, core)
	before, after := text[:start], text[start+len(core):]
	href := ""
	isCode, open, shut := false, "", ""
	for _, d := range wikiMarks {
		if !slices.ContainsFunc(n.Marks, func(m Mark) bool { return m.Type == d.kind }) {
			continue
		}
		mark := d.text
		if braced {
			mark = "{" + mark + "}"
		}
		open, shut = open+mark, mark+shut
	}
	for _, m := range n.Marks {
		isCode = isCode || m.Type == "code"
		if m.Type == "link" {
			href, _ = m.Attrs["href"].(string)
		}
	}
	core = wikiEscaped(core)
	if isCode {
		core = "{{" + core + "}}"
	}
	if href != "" {
		core = "[" + core + "|" + wikiAddress.Replace(href) + "]"
	}
	return before + open + core + shut + after
}

// wikiAddress keeps an address together within its brackets.
var wikiAddress = strings.NewReplacer("|", "%7C", "[", "%5B", "]", "%5D", "{", "%7B", "}", "%7D", " ", "%20", "\n", "")

// wikiEscaped keeps a text from being read as markup. A mark between two
// characters of a word is none, and names of resources are full of them.
func wikiEscaped(text string) string {
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		before, after := ' ', ' '
		if i > 0 {
			before = runes[i-1]
		}
		if i < len(runes)-1 {
			after = runes[i+1]
		}
		switch {
		case r == '\\':
			b.WriteString("&#92;") // two of them would break the line
		case r == '&' && entity.MatchString(string(runes[i:min(i+40, len(runes))])):
			b.WriteString("&amp;")
		case special(r, before, after):
			b.WriteRune('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// special reports whether a character between two others may be markup.
func special(r, before, after rune) bool {
	switch r {
	case '{', '}', '[', ']', '|':
		return true
	case '*', '_', '+', '^', '~', '-':
		// Alone between spaces, a mark is one of no text.
		return (!wordy(before) || !wordy(after)) && (r == '*' || before != ' ' || after != ' ')
	case '?':
		return before == '?' || after == '?'
	case '!':
		return !unicode.IsSpace(after)
	case '(':
		return strings.ContainsRune("!?/xiyno*+-f", after) // (!) and its likes are pictures
	case ':', ';':
		return strings.ContainsRune("()DPp|", after)
	}
	return false
}

var (
	wikiBullets = regexp.MustCompile(`(?m)^([ \t]*)([#*-]+[ \t]|----)`)
	wikiLetters = regexp.MustCompile(`(?m)^([ \t]*)([hb])([1-6q]\.)`)
)

// wikiStart escapes what would begin a block at the start of a line.
func wikiStart(text string) string {
	text = wikiBullets.ReplaceAllString(text, `$1\$2`)
	return wikiLetters.ReplaceAllStringFunc(text, func(s string) string {
		// A letter cannot be escaped; as an entity it is the same letter.
		return strings.NewReplacer("h", "&#104;", "b", "&#98;").Replace(s)
	})
}
