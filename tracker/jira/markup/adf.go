// Package markup translates the text of tickets: Markdown, which Trimtab writes
// and shows, to and from the Atlassian documents of Jira Cloud and the wiki
// markup of Jira Data Center. A document tree ([Node]) is in the middle of all
// of it. Plain words survive every way round, and none becomes markup by chance.
package markup

import (
	"bufio"
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	gmhtml "github.com/yuin/goldmark/renderer/html"
	gmtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Node is a node of an Atlassian document.
type Node struct {
	Type    string         `json:"type"`
	Version int            `json:"version,omitempty"`
	Attrs   map[string]any `json:"attrs,omitempty"`
	Text    string         `json:"text,omitempty"`
	Marks   []Mark         `json:"marks,omitempty"`
	Content []Node         `json:"content,omitempty"`
}

// Mark is how a text is shown: strong, em, code, strike, or link with its
// address.
type Mark struct {
	Type  string         `json:"type"`
	Attrs map[string]any `json:"attrs,omitempty"`
}

// document turns Markdown into an Atlassian document: paragraphs, headings,
// lists, tables, code, quotes, rules, links and emphasis. What Jira would
// refuse is left out or written plainly, since one wrong node refuses a ticket.
func Document(md string) Node {
	c := converter{source: []byte(Cut(md, MaxText))}
	parser := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)).Parser()
	blocks := c.blocks(parser.Parse(gmtext.NewReader(c.source)), 0)
	// A description of nothing is still a document with a paragraph.
	if len(blocks) == 0 {
		blocks = []Node{{Type: "paragraph"}}
	}
	return Node{Type: "doc", Version: 1, Content: blocks}
}

// Read reads a description as Jira Cloud gives it; a plain text is taken as it is.
func Read(raw json.RawMessage) Node {
	var doc Node
	if err := json.Unmarshal(raw, &doc); err == nil {
		return doc
	}
	var plain string
	if err := json.Unmarshal(raw, &plain); err != nil {
		return Node{}
	}
	return Node{Type: "doc", Content: []Node{paragraph([]Node{{Type: "text", Text: plain}})}}
}

// converter holds the Markdown into which the parsed nodes point.
type converter struct{ source []byte }

// maxNesting is how deep lists go; what lies deeper is laid flat.
const maxNesting = 6

// blocks converts the children of a block. Inside of lists and quotes, at a
// level above 0, Jira allows fewer kinds.
func (c converter) blocks(parent ast.Node, level int) []Node {
	var all []Node
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		all = append(all, c.block(n, level)...)
	}
	return all
}

// block converts one block; some become several, or none.
func (c converter) block(n ast.Node, level int) []Node {
	inner := level > 0
	switch n := n.(type) {
	case *ast.Heading:
		if inner {
			return []Node{paragraph(c.inlines(n, []Mark{{Type: "strong"}}))}
		}
		return []Node{{Type: "heading", Attrs: map[string]any{"level": n.Level}, Content: c.inlines(n, nil)}}
	case *ast.List:
		return c.list(n, level)
	case *ast.FencedCodeBlock:
		return []Node{c.code(n.Lines(), string(n.Language(c.source)))}
	case *ast.CodeBlock:
		return []Node{c.code(n.Lines(), "")}
	// Jira knows no HTML. What a rule's author wrote is shown, not lost.
	case *ast.HTMLBlock:
		return []Node{c.rawHTML(n)}
	case *ast.Blockquote:
		if inner {
			return c.blocks(n, level)
		}
		return []Node{{Type: "blockquote", Content: filled(c.blocks(n, level+1))}}
	case *ast.ThematicBreak:
		if inner {
			return nil
		}
		return []Node{{Type: "rule"}}
	case *extast.Table:
		return c.table(n, inner)
	}
	if text := c.inlines(n, nil); len(text) > 0 { // a paragraph, a list's text
		return []Node{paragraph(text)}
	}
	return nil
}

func paragraph(content []Node) Node { return Node{Type: "paragraph", Content: content} }

// filled: some nodes must have a content.
func filled(content []Node) []Node {
	if len(content) == 0 {
		return []Node{{Type: "paragraph"}}
	}
	return content
}

// list converts a list; below the deepest level its items become plain blocks.
func (c converter) list(n *ast.List, level int) []Node {
	list, flat := Node{Type: "bulletList"}, []Node{}
	if n.IsOrdered() {
		list.Type, list.Attrs = "orderedList", map[string]any{"order": n.Start}
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		content := filled(c.blocks(item, level+1))
		if level >= maxNesting {
			flat = append(flat, content...)
			continue
		}
		if strings.HasSuffix(content[0].Type, "List") { // an item begins with text
			content = slices.Insert(content, 0, Node{Type: "paragraph"})
		}
		list.Content = append(list.Content, Node{Type: "listItem", Content: content})
	}
	if level >= maxNesting {
		return flat
	}
	return []Node{list}
}

// lines joins the lines of a block without their last line end.
func (c converter) lines(lines *gmtext.Segments) string {
	var b strings.Builder
	for i := range lines.Len() {
		line := lines.At(i)
		b.Write(line.Value(c.source))
	}
	return strings.TrimRight(b.String(), "\n")
}

// code makes a block of code. Its text takes no marks and must not be empty,
// but the block itself may.
func (c converter) code(lines *gmtext.Segments, language string) Node {
	block := Node{Type: "codeBlock"}
	if language != "" {
		block.Attrs = map[string]any{"language": language}
	}
	if text := c.lines(lines); text != "" {
		block.Content = []Node{{Type: "text", Text: text}}
	}
	return block
}

// rawHTML shows HTML as the text that it is.
func (c converter) rawHTML(n *ast.HTMLBlock) Node {
	text := c.lines(n.Lines())
	if n.HasClosure() {
		text = strings.TrimRight(text+"\n"+string(n.ClosureLine.Value(c.source)), "\n")
	}
	return paragraph(broken(strings.TrimSpace(text)))
}

// broken puts hard breaks between lines.
func broken(text string) []Node {
	var all []Node
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			all = append(all, Node{Type: "hardBreak"})
		}
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, Node{Type: "text", Text: line})
		}
	}
	return all
}

// table converts a table; inside of a list its rows become lines.
func (c converter) table(n *extast.Table, inner bool) []Node {
	table, flat := Node{Type: "table"}, []Node{}
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		cellType := "tableCell"
		if _, head := row.(*extast.TableHeader); head {
			cellType = "tableHeader"
		}
		line, cells := []Node{}, []Node{}
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			text := c.inlines(cell, nil)
			if len(line) > 0 {
				line = append(line, Node{Type: "text", Text: " – "})
			}
			line = append(line, text...)
			cells = append(cells, Node{Type: cellType, Content: []Node{paragraph(text)}})
		}
		// Both shapes grow together: one is dropped at the end, and rows are few.
		flat = append(flat, paragraph(joined(line)))
		table.Content = append(table.Content, Node{Type: "tableRow", Content: cells})
	}
	if inner {
		return flat
	}
	return []Node{table}
}

// inlines converts the text of a block, with the marks that stand around it.
func (c converter) inlines(parent ast.Node, marks []Mark) []Node {
	var all []Node
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		all = append(all, c.inline(n, marks)...)
	}
	return joined(all)
}

// inline converts one piece of text. What has no form in a document goes on with
// its children, so that at least the words arrive.
func (c converter) inline(n ast.Node, marks []Mark) []Node {
	switch n := n.(type) {
	case *ast.Text:
		return c.text(n, marks)
	case *ast.String:
		return textNode(string(n.Value), marks)
	case *ast.CodeSpan:
		// A code span may go over lines in Markdown; its line ends are spaces.
		text := strings.ReplaceAll(c.raw(n), "\n", " ")
		return textNode(text, withCode(marks))
	case *ast.Emphasis:
		kind := "em"
		if n.Level == 2 {
			kind = "strong"
		}
		return c.inlines(n, with(marks, Mark{Type: kind}))
	case *extast.Strikethrough:
		return c.inlines(n, with(marks, Mark{Type: "strike"}))
	case *ast.Link:
		return c.link(n, n.Destination, marks)
	// Jira shows only images that were attached to the ticket: a link will do.
	case *ast.Image:
		return c.link(n, n.Destination, marks)
	case *ast.AutoLink:
		return textNode(string(n.Label(c.source)), withLink(marks, string(n.URL(c.source))))
	case *ast.RawHTML:
		return textNode(c.segments(n.Segments), marks)
	}
	return c.inlines(n, marks)
}

// text converts a run of text. A line that merely ends in the source ends with
// a space; a hard break is a node.
func (c converter) text(n *ast.Text, marks []Mark) []Node {
	text := string(n.Segment.Value(c.source))
	if !n.IsRaw() {
		text = resolved(text)
	}
	if n.SoftLineBreak() {
		text += " "
	}
	all := textNode(text, marks)
	if n.HardLineBreak() {
		all = append(all, Node{Type: "hardBreak"})
	}
	return all
}

// resolved undoes escapes and entities as the HTML writer does.
func resolved(text string) string {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	// The parser leaves both in the text. Its HTML writer alone knows them all, so
	// its output is turned back into text.
	gmhtml.DefaultWriter.Write(w, []byte(text))
	if w.Flush() != nil { // memory does not fail
		return text
	}
	return html.UnescapeString(b.String())
}

// raw is the text inside of a code span, where nothing is an escape.
func (c converter) raw(parent ast.Node) string {
	var b strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(c.source))
		case *ast.String:
			b.Write(n.Value)
		}
	}
	return b.String()
}

// segments is raw HTML within a line, on one line.
func (c converter) segments(all *gmtext.Segments) string {
	var b strings.Builder
	for i := range all.Len() {
		segment := all.At(i)
		b.Write(segment.Value(c.source))
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

// link shows a link by its text, or by its address where it has none.
func (c converter) link(n ast.Node, destination []byte, marks []Mark) []Node {
	href := string(util.URLEscape(destination, true))
	marks = withLink(marks, href)
	if text := c.inlines(n, marks); len(text) > 0 {
		return text
	}
	return textNode(href, marks)
}

// textNode drops empty texts, which Jira refuses.
func textNode(text string, marks []Mark) []Node {
	// Gathered texts may hold such bytes, and one of them would refuse the ticket.
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if text == "" {
		return nil
	}
	return []Node{{Type: "text", Text: text, Marks: marks}}
}

// with adds a mark once. Marks are kept in one order, so that texts with the
// same marks can be joined.
func with(marks []Mark, m Mark) []Mark {
	if slices.ContainsFunc(marks, func(old Mark) bool { return old.Type == m.Type }) {
		return marks
	}
	// Cloned, because brothers in the tree share the list that they add to.
	all := append(slices.Clone(marks), m)
	slices.SortFunc(all, func(a, b Mark) int { return strings.Compare(a.Type, b.Type) })
	return all
}

// withCode: Jira allows code beside a link only.
func withCode(marks []Mark) []Mark {
	marks = slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return m.Type != "link" })
	return with(marks, Mark{Type: "code"})
}

// withLink marks a text as a link, unless the address is one that should not
// be clicked.
func withLink(marks []Mark, href string) []Mark {
	u, err := url.Parse(href)
	if err != nil || !slices.Contains([]string{"http", "https", "mailto"}, strings.ToLower(u.Scheme)) {
		return marks
	}
	return with(marks, Mark{Type: "link", Attrs: map[string]any{"href": href}})
}

// joined merges neighbours with the same marks.
func joined(all []Node) []Node {
	var merged []Node
	for _, n := range all {
		if i := len(merged) - 1; i >= 0 && n.Type == "text" && merged[i].Type == "text" && slices.EqualFunc(n.Marks, merged[i].Marks, sameMark) {
			merged[i].Text += n.Text
			continue
		}
		merged = append(merged, n)
	}
	return merged
}

// sameMark: an address is all that marks of one type can differ in.
func sameMark(a, b Mark) bool { return a.Type == b.Type && a.Attrs["href"] == b.Attrs["href"] }
