package markup

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Markdown writes an Atlassian document as Markdown. Nodes that Markdown does
// not have (panels, mentions, macros) leave their text.
func Markdown(doc Node) string { return strings.TrimRight(blocksText(doc.Content), "\n") }

// Words is the bare text of a document without its white space: what is left
// to compare when Jira has rearranged the rest.
func Words(n Node) string {
	var b strings.Builder
	b.WriteString(strings.Join(strings.Fields(n.Text), ""))
	for _, child := range n.Content {
		b.WriteString(Words(child))
	}
	return b.String()
}

// blocksText joins blocks by blank lines. Of two lists in a row the second gets
// the other bullet, or they would read as one.
func blocksText(all []Node) string {
	var parts []string
	other := false
	for i, n := range all {
		other = i > 0 && all[i-1].Type == n.Type && !other
		if text := blockText(n, other); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "\n\n")
}

// blockText writes one block without blank lines around it.
func blockText(n Node, other bool) string {
	switch n.Type {
	case "paragraph", "taskItem", "decisionItem":
		return lineStart(inlineText(n.Content, "\\\n"))
	// Text that stands where a block belongs is shown like a paragraph.
	case "text", "hardBreak", "mention", "emoji", "inlineCard", "blockCard", "embedCard", "date", "status":
		return lineStart(inlineText([]Node{n}, "\\\n"))
	case "heading":
		return strings.Repeat("#", clamp(number(n.Attrs["level"]), 1, 6)) + " " + closingHashes.ReplaceAllString(inlineText(n.Content, " "), `\$1`)
	case "bulletList", "orderedList":
		return listText(n, other)
	case "codeBlock":
		return codeText(n)
	case "blockquote":
		return prefixed(blocksText(n.Content), "> ", "> ")
	case "rule":
		return "---"
	case "table":
		return tableText(n)
	}
	return blocksText(n.Content)
}

// clamp holds a number that a document gives within what Markdown has.
func clamp(n, low, high int) int { return min(max(n, low), high) }

// number reads an attribute, which JSON gives as a float.
func number(v any) int {
	switch v := v.(type) {
	case float64:
		return int(v)
	case int:
		return v
	}
	return 0
}

// listText writes a list, loosely if one of its items has more than one block.
func listText(n Node, other bool) string {
	items := make([]string, len(n.Content))
	for i, item := range n.Content {
		bullet := "- "
		if other {
			bullet = "* "
		}
		if n.Type == "orderedList" {
			bullet = fmt.Sprint(max(number(n.Attrs["order"]), 0)+i) + ". "
			if other {
				bullet = strings.Replace(bullet, ".", ")", 1)
			}
		}
		// Later lines stand under the text, not under the bullet: else they would leave
		// the item.
		items[i] = prefixed(blocksText(item.Content), bullet, strings.Repeat(" ", len(bullet)))
	}
	separator := "\n"
	if slices.ContainsFunc(items, func(s string) bool { return strings.Contains(s, "\n\n") }) {
		separator = "\n\n"
	}
	return strings.Join(items, separator)
}

// prefixed indents a block; blank lines stay blank unless the prefix shows.
func prefixed(text, first, rest string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		prefix := rest
		if i == 0 {
			prefix = first
		}
		lines[i] = strings.TrimRight(prefix+line, " ")
	}
	return strings.Join(lines, "\n")
}

var backticks = regexp.MustCompile("`+")

// fence is longer than every run of backticks in the text.
func fence(text string, least int) string {
	longest := 0
	for _, run := range backticks.FindAllString(text, -1) {
		longest = max(longest, len(run))
	}
	if longest == 0 && least == 1 {
		return "`"
	}
	return strings.Repeat("`", max(longest+1, least))
}

// codeText fences code with more backticks than it has itself.
func codeText(n Node) string {
	var b strings.Builder
	for _, t := range n.Content {
		b.WriteString(t.Text)
	}
	language, _ := n.Attrs["language"].(string)
	// A backtick or a space in it would end the line that opens the fence.
	language = strings.Join(strings.FieldsFunc(language, func(r rune) bool { return unicode.IsSpace(r) || r == '`' }), "-")
	marks := fence(b.String(), 3)
	return marks + language + "\n" + b.String() + "\n" + marks
}

// tableText writes a table; its first row is the head, as Markdown wants one.
func tableText(n Node) string {
	var lines []string
	for i, row := range n.Content {
		cells := make([]string, len(row.Content))
		for j, cell := range row.Content {
			cells[j] = strings.ReplaceAll(cellText(cell), "|", `\|`)
		}
		lines = append(lines, "| "+strings.Join(cells, " | ")+" |")
		if i == 0 {
			lines = append(lines, strings.Repeat("| --- ", len(cells))+"|")
		}
	}
	return strings.Join(lines, "\n")
}

// cellText writes the text of a cell in one line.
func cellText(n Node) string {
	if n.Type == "paragraph" || n.Type == "heading" || n.Type == "codeBlock" {
		return inlineText(n.Content, " ")
	}
	var parts []string
	for _, child := range n.Content {
		if text := cellText(child); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// inlineText writes the text of a block in which lines are broken as told.
func inlineText(all []Node, lineBreak string) string {
	var b strings.Builder
	for i, n := range all {
		switch n.Type {
		case "text":
			b.WriteString(marked(n))
		case "hardBreak":
			// At the end of a block a break shows nothing and would be read as a backslash.
			if i < len(all)-1 {
				b.WriteString(lineBreak)
			}
		case "inlineCard", "blockCard", "embedCard":
			url, _ := n.Attrs["url"].(string)
			b.WriteString(escaped(url))
		default:
			text, _ := n.Attrs["text"].(string)
			short, _ := n.Attrs["shortName"].(string)
			// Mentions and emoji have their text in an attribute; macros have it inside.
			b.WriteString(escaped(cmp.Or(text, short)))
			b.WriteString(inlineText(n.Content, lineBreak))
		}
	}
	return b.String()
}

// delimiters are the marks that Markdown has, outermost first.
var delimiters = []struct{ kind, text string }{{"strong", "**"}, {"em", "*"}, {"strike", "~~"}}

// marked writes a text with its marks around it; spaces at its ends stay
// outside, where Markdown wants them.
func marked(n Node) string {
	text := strings.ReplaceAll(n.Text, "\n", " ")
	core := strings.TrimSpace(text)
	if core == "" {
		return text
	}
	start := strings.Index(text, core)
	before, after := text[:start], text[start+len(core):]
	href, isCode := "", false
	open, shut := "", ""
	for _, d := range delimiters {
		if slices.ContainsFunc(n.Marks, func(m Mark) bool { return m.Type == d.kind }) {
			open, shut = open+d.text, d.text+shut
		}
	}
	for _, m := range n.Marks {
		isCode = isCode || m.Type == "code"
		if m.Type == "link" {
			href, _ = m.Attrs["href"].(string)
		}
	}
	if isCode {
		// In code a space is a character like others.
		core, before, after = codeSpan(text), "", ""
	} else {
		core = escaped(core)
	}
	if href != "" {
		core = "[" + core + "](" + linkEscapes.Replace(href) + ")"
	}
	return before + open + core + shut + after
}

// linkEscapes keeps an address together within its parentheses.
var linkEscapes = strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`, "&", `\&`, "<", "%3C", " ", "%20", "\n", "")

// codeSpan writes code within a line. A space at each end is what Markdown
// takes away again.
func codeSpan(text string) string {
	marks := fence(text, 1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || strings.HasPrefix(text, " ") && strings.HasSuffix(text, " ") {
		text = " " + text + " "
	}
	return marks + text + marks
}

// escaped keeps a text from being read as markup. An underscore inside of a
// word is none, and names are full of them.
func escaped(text string) string {
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		switch r {
		case '\\', '`', '*', '[', ']', '<', '~':
			b.WriteRune('\\')
		case '&':
			// No name of a character is longer, and a longer look would cost for nothing.
			if entity.MatchString(string(runes[i:min(i+40, len(runes))])) {
				b.WriteRune('\\')
			}
		case '_':
			if i == 0 || i == len(runes)-1 || !wordy(runes[i-1]) || !wordy(runes[i+1]) {
				b.WriteRune('\\')
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// entity is an ampersand that Markdown would read as the start of a character.
var entity = regexp.MustCompile(`^&#?[A-Za-z0-9]+;`)

// wordy characters on both sides make an underscore part of a name.
func wordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

var (
	closingHashes = regexp.MustCompile(`(#+[ \t]*)$`)
	bulletStart   = regexp.MustCompile(`(?m)^([ \t]*)([-+#>=|:])`)
	numberStart   = regexp.MustCompile(`(?m)^([ \t]*\d{1,9})([.)])`)
)

// lineStart escapes what would begin a block at the start of a line.
func lineStart(text string) string {
	return numberStart.ReplaceAllString(bulletStart.ReplaceAllString(text, `$1\$2`), `$1\$2`)
}
