package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
)

// part is a node of an Atlassian document, as far as it is checked.
type part struct {
	Type    string         `json:"type"`
	Version int            `json:"version"`
	Text    *string        `json:"text"`
	Attrs   map[string]any `json:"attrs"`
	Marks   []struct {
		Type  string         `json:"type"`
		Attrs map[string]any `json:"attrs"`
	} `json:"marks"`
	Content []part `json:"content"`
}

// What stands within a line, and the blocks that a table's cell may hold.
var (
	inlineParts = []string{"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status"}
	cellParts   = []string{"paragraph", "bulletList", "orderedList", "codeBlock", "blockquote", "heading", "rule", "panel"}
)

// children says which nodes each node may have inside, after Atlassian's schema
// of documents. Nodes that are not listed are refused.
var children = map[string][]string{
	"doc": {
		"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "rule", "table", "panel", "mediaSingle", "mediaGroup", "expand", "taskList",
	},
	"mediaSingle": {"media"},
	"mediaGroup":  {"media"},
	"expand":      {"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "rule", "panel", "table"},
	"taskList":    {"taskItem"},
	"taskItem":    inlineParts,
	"paragraph":   inlineParts,
	"heading":     inlineParts,
	"bulletList":  {"listItem"},
	"orderedList": {"listItem"},
	"listItem":    {"paragraph", "bulletList", "orderedList", "codeBlock"},
	"codeBlock":   {"text"},
	"blockquote":  {"paragraph", "bulletList", "orderedList", "codeBlock"},
	"panel":       {"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "rule"},
	"table":       {"tableRow"},
	"tableRow":    {"tableCell", "tableHeader"},
	"tableCell":   cellParts,
	"tableHeader": cellParts,
	"text":        nil, "hardBreak": nil, "rule": nil, "mention": nil, "emoji": nil, "inlineCard": nil, "date": nil, "status": nil, "media": nil,
}

// notEmpty are the nodes that must have something inside.
var notEmpty = []string{"bulletList", "orderedList", "listItem", "blockquote", "table", "tableRow", "tableCell", "tableHeader"}

// knownMarks are the ways to show a text. One unknown mark refuses the whole
// document, as one unknown node does.
var knownMarks = []string{"strong", "em", "code", "strike", "link", "underline", "subsup", "textColor"}

// checkDocument says why a value is no Atlassian document, or "". null is one.
func checkDocument(value json.RawMessage) string {
	var doc *part
	if err := json.Unmarshal(value, &doc); err != nil || doc != nil && (doc.Type != "doc" || doc.Version != 1) {
		return "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
	}
	// That empties a description.
	if doc == nil {
		return ""
	}
	// An empty content will do, a missing one will not. Jira says neither which node
	// is wrong nor why, so a client must get it right without help.
	if doc.Content == nil || !doc.valid() {
		return "INVALID_INPUT"
	}
	// The limit is on what a person reads, not on the JSON around it.
	if units(doc.text()) > maxText {
		return "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
	}
	return ""
}

// valid checks a node and all below it.
func (p *part) valid() bool {
	if (p.Type == "text") != (p.Text != nil) || p.Text != nil && *p.Text == "" || len(p.Content) == 0 && slices.Contains(notEmpty, p.Type) {
		return false
	}
	// It is not empty by now. An item that began with a list would have nothing to
	// hang its bullet on.
	if p.Type == "listItem" && p.Content[0].Type != "paragraph" && p.Content[0].Type != "codeBlock" {
		return false
	}
	if level, ok := p.Attrs["level"].(float64); p.Type == "heading" && (!ok || level < 1 || level > 6) {
		return false
	}
	for i := range p.Content {
		child := &p.Content[i]
		if !slices.Contains(children[p.Type], child.Type) || !child.valid() || p.Type == "codeBlock" && len(child.Marks) > 0 {
			return false
		}
	}
	return p.validMarks()
}

// validMarks: each once, code beside a link only, a link with an address.
func (p *part) validMarks() bool {
	seen := map[string]bool{}
	for _, m := range p.Marks {
		href, _ := m.Attrs["href"].(string)
		if seen[m.Type] || !slices.Contains(knownMarks, m.Type) || m.Type == "link" && href == "" {
			return false
		}
		seen[m.Type] = true
	}
	return !seen["code"] || len(p.Marks) == 1 || len(p.Marks) == 2 && seen["link"]
}

// text is the plain text of a node; blocks end with a line.
func (p *part) text() string {
	if p.Text != nil {
		return *p.Text
	}
	var b strings.Builder
	for i := range p.Content {
		b.WriteString(p.Content[i].text())
	}
	if p.Type == "hardBreak" || p.Type == "paragraph" || p.Type == "heading" || p.Type == "codeBlock" || p.Type == "tableRow" {
		b.WriteByte('\n')
	}
	return b.String()
}

// plainText is what a person sees of a document.
func plainText(doc json.RawMessage) string {
	var wiki string
	if json.Unmarshal(doc, &wiki) == nil && wiki != "" { // written at Data Center, word for word
		return wiki
	}
	var p part
	if json.Unmarshal(doc, &p) != nil { // no description at all
		return ""
	}
	return strings.TrimSpace(p.text())
}

// plainDocument makes a document of plain text, a paragraph a line.
func plainDocument(text string) json.RawMessage {
	content := []any{}
	for line := range strings.SplitSeq(text, "\n") {
		paragraph := map[string]any{"type": "paragraph"}
		// An empty line is a paragraph without content: Jira refuses empty texts.
		if line != "" {
			paragraph["content"] = []any{map[string]any{"type": "text", "text": line}}
		}
		content = append(content, paragraph)
	}
	doc, err := json.Marshal(map[string]any{"type": "doc", "version": 1, "content": content})
	if err != nil { // texts and maps always have a JSON form
		return nil
	}
	return doc
}
