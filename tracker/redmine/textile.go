package redmine

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	gmtext "github.com/yuin/goldmark/text"
)

// textileOf turns Markdown into Textile as Redmine reads it, within the limit.
func textileOf(md string) string { return textileWithin(md, maxText) }

// textileWithin turns Markdown into so many bytes of Textile at most.
func textileWithin(md string, room int) string {
	for limit := room; ; {
		source := []byte(cutBytes(tidy(md), limit))
		parser := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)).Parser()
		w := textiler{source: source}
		text := w.blocks(parser.Parse(gmtext.NewReader(source)))
		// Markup makes a text longer: what is too long is cut before it is written, so
		// that none is left open.
		if len(text) <= room || limit <= len("…") {
			return text
		}
		limit = max(limit*room/len(text)-1, len("…"))
	}
}

// textiler writes a parsed document.
type textiler struct{ source []byte }

func (w textiler) blocks(parent ast.Node) string {
	var parts []string
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if text := w.block(n); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "\n\n")
}

func (w textiler) block(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Heading:
		return fmt.Sprintf("h%d. %s", n.Level, w.inline(n))
	case *ast.List:
		return strings.Join(w.items(n, ""), "\n")
	case *ast.FencedCodeBlock:
		return pre(w.lines(n), string(n.Language(w.source)))
	case *ast.CodeBlock:
		return pre(w.lines(n), "")
	case *ast.HTMLBlock:
		return escapeText(strings.TrimSpace(w.lines(n)))
	case *ast.Blockquote:
		return "> " + strings.ReplaceAll(w.blocks(n), "\n", "\n> ")
	case *ast.ThematicBreak:
		return "---"
	case *extast.Table:
		return strings.Join(w.rows(n), "\n")
	}
	return guardStart(w.inline(n))
}

func (w textiler) lines(n ast.Node) string { return string(n.Lines().Value(w.source)) }

// pre writes code. Nothing inside of it is markup but its end.
func pre(code, language string) string {
	code = strings.TrimRight(code, "\n")
	code = strings.NewReplacer("</pre", "&lt;/pre", "</code", "&lt;/code").Replace(code)
	if wordOnly.MatchString(language) {
		return "<pre><code class=\"" + language + "\">\n" + code + "\n</code></pre>"
	}
	return "<pre>\n" + code + "\n</pre>"
}

var wordOnly = regexp.MustCompile(`^[A-Za-z0-9+#_.-]+$`)

// items writes the items of a list, each with the bullets of all lists around it.
func (w textiler) items(list *ast.List, around string) []string {
	bullets := around + "*"
	if list.IsOrdered() {
		bullets = around + "#"
	}
	var lines []string
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		text := bullets + " "
		var rest []string
		for n := item.FirstChild(); n != nil; n = n.NextSibling() {
			switch below := n.(type) {
			case *ast.List:
				rest = append(rest, w.items(below, bullets)...)
			case *ast.Paragraph, *ast.TextBlock:
				// A blank line would end the list.
				text += strings.ReplaceAll(w.inline(n), "\n", " ")
			default:
				rest = append(rest, w.block(n))
			}
		}
		lines = append(append(lines, text), rest...)
	}
	return lines
}

func (w textiler) rows(table ast.Node) []string {
	var lines []string
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		mark := "|"
		if row.Kind() == extast.KindTableHeader {
			mark = "|_."
		}
		var line strings.Builder
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			text := strings.ReplaceAll(w.inline(cell), "\n", " ")
			line.WriteString(mark + " " + strings.ReplaceAll(text, "|", "&#124;") + " ")
		}
		lines = append(lines, line.String()+"|")
	}
	return lines
}

// inline writes what stands within a block. Words are written in one piece: the parser
// cuts them at each mark, and what a mark does depends on the words around it.
func (w textiler) inline(parent ast.Node) string {
	var b, words strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch text := n.(type) {
		case *ast.Text:
			words.WriteString(wordsOf(string(text.Value(w.source))))
			if text.SoftLineBreak() || text.HardLineBreak() {
				words.WriteString("\n")
			}
			continue
		case *ast.RawHTML:
			words.Write(text.Segments.Value(w.source))
			continue
		}
		b.WriteString(escapeText(words.String()) + w.span(n))
		words.Reset()
	}
	return b.String() + escapeText(words.String())
}

// span writes what is more than words.
func (w textiler) span(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CodeSpan:
		return codeSpan(w.plain(n))
	case *ast.Emphasis:
		mark := strings.Repeat("_", 2-n.Level) + strings.Repeat("*", n.Level-1)
		return mark + w.inline(n) + mark
	case *extast.Strikethrough:
		return "-" + w.inline(n) + "-"
	case *ast.Link:
		return link(w.inline(n), string(n.Destination))
	case *ast.Image:
		return link(w.inline(n), string(n.Destination))
	case *ast.AutoLink:
		return string(n.URL(w.source))
	}
	return w.inline(n)
}

// plain is the text of code, as it stands.
func (w textiler) plain(parent ast.Node) string {
	var b strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if t, ok := n.(*ast.Text); ok {
			b.Write(t.Value(w.source))
		}
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

func codeSpan(code string) string {
	if strings.Contains(code, "@") || strings.TrimSpace(code) != code {
		return "<code>" + html.EscapeString(code) + "</code>"
	}
	return "@" + code + "@"
}

// link writes a link, or the words alone where the address has what would end it.
func link(text, to string) string {
	if to == "" || strings.ContainsAny(to, " \"<>\n") {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, "&quot;") + `":` + to
}

// wordsOf reads a text of Markdown: the backslashes come off that stand before punctuation,
// and entities become the characters that they stand for, in one go.
func wordsOf(text string) string {
	return escaped.ReplaceAllStringFunc(text, func(mark string) string {
		if mark[0] == '\\' {
			return mark[1:]
		}
		return html.UnescapeString(mark)
	})
}

const entityShape = `(#[0-9]+|#x[0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);`

var (
	entity  = regexp.MustCompile(`^` + entityShape)
	escaped = regexp.MustCompile(`\\[!-/:-@\[-\x60{-~]|&` + entityShape)
)

// escapeText writes plain words so that none becomes markup: a mark that would open
// something which another one closes, tags, macros and links to the wiki.
func escapeText(text string) string {
	var b strings.Builder
	before := rune(' ')
	for i, r := range text {
		rest := text[i+utf8.RuneLen(max(r, 0)):]
		if opens(before, r, rest) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

func opens(before, r rune, rest string) bool {
	next, _ := utf8.DecodeRuneInString(rest)
	switch r {
	case '<':
		return next == '/' || unicode.IsLetter(next)
	case '&': // what looks like an entity
		return entity.MatchString(rest)
	case '{', '[':
		return next == r
	case '*', '_', '-', '+', '^', '~', '@', '%', '?', '!', '"':
		closes := strings.IndexRune(rest, r)
		return rest != "" && !unicode.IsLetter(before) && !unicode.IsDigit(before) && !unicode.IsSpace(next) && closes > 0 && rest[closes-1] != ' '
	}
	return false
}

// guardStart keeps the beginning of a line of words from being a block of another kind.
func guardStart(text string) string {
	return blockStart.ReplaceAllStringFunc(text, func(start string) string { return fmt.Sprintf("&#%d;", start[0]) + start[1:] })
}

var blockStart = regexp.MustCompile(`(?m)^([*#]+ |h[1-6]\. |bq\. |p\. |fn\d+\. |> |\||---)`)
