package jira

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira/markup"
)

// pieces are a rich text of Jira's, taken apart no further than is needed to replace some:
// the nodes of a document, or the lines of wiki text. What is not replaced goes back as it
// came, with all that no Markdown could hold: mentions, media, panels.
type pieces []string

// block gives our part of a text as Markdown; "" without one.
func (f format) block(raw json.RawMessage) string {
	all := f.split(raw)
	begin, end := f.marks(all)
	if begin < 0 {
		return ""
	}
	return markup.Markdown(f.merge(all[begin+1 : end]))
}

// setBlock puts another text in the place of our part, or adds it at the end; same reports
// that it is there already.
func (f format) setBlock(raw json.RawMessage, md string) (text any, same bool) {
	all := f.split(raw)
	begin, end := f.marks(all)
	if begin < 0 {
		if all.blank() {
			all = nil
		}
		return f.join(raw, slices.Concat(all, f.pieces(tracker.Managed(markup.Cut(md, f.room(all)))))), false
	}
	around := slices.Concat(all[:begin+1], all[end:])
	made := f.pieces(markup.Cut(md, f.room(around)))
	if markup.Markdown(f.merge(made)) == markup.Markdown(f.merge(all[begin+1:end])) {
		return nil, true
	}
	return f.join(raw, slices.Concat(all[:begin+1], made, all[end:])), false
}

// room is how long our part can be beside the rest.
func (f format) room(rest pieces) int {
	const lines = 200 // the two around it
	room := markup.MaxText - lines - len(markup.Markdown(f.merge(rest)))
	// Where people have written so much, Jira says so better than half a sentence would.
	return max(room, 1000)
}

// blank reports whether nobody has written anything: an empty paragraph is no text.
func (p pieces) blank() bool {
	return !slices.ContainsFunc(p, func(one string) bool { return one != `{"type":"paragraph"}` && strings.TrimSpace(one) != "" })
}

// begins and ends are the words of the two lines around our part.
var begins, ends = spaceless(tracker.BlockBegin), spaceless(tracker.BlockEnd)

// marks finds the two pieces around our part, by their words: Jira and people change how
// they are shown, and write before and after them. −1 without them. The nearest pair
// counts, the first one of several.
func (f format) marks(all pieces) (begin, end int) {
	begin = -1
	for i, p := range all {
		words := f.words(p)
		first, last := strings.Contains(words, begins), strings.Contains(words, ends)
		switch {
		case first && last: // a copy of all of it in one place
		case first:
			begin = i
		case last && begin >= 0:
			return begin, i
		}
	}
	return -1, -1
}

// spaceless leaves the white space out, as [markup.Words] does.
func spaceless(text string) string { return strings.Join(strings.Fields(text), "") }

// description writes the description of a draft. A text that is too long is cut within our
// part: without the line at its end it could not be replaced any more.
func (f format) description(md string) any {
	block, ok := tracker.Block(md)
	text := f.write(md)
	for limit := min(len(block), markup.MaxText-len(md)+len(block)); ok && limit > 1000 && !f.closed(text); limit = limit * 3 / 4 {
		text = f.write(tracker.SetBlock(md, tracker.Managed(markup.Cut(block, limit))))
	}
	return text
}

// closed reports whether a text still has both lines.
func (f format) closed(text any) bool {
	raw, err := json.Marshal(text)
	begin, _ := f.marks(f.split(raw))
	return err == nil && begin >= 0
}

// nodesOf are the top-level nodes of a document.
func nodesOf(raw json.RawMessage) pieces {
	var doc struct {
		Content []json.RawMessage `json:"content"`
	}
	if json.Unmarshal(raw, &doc) != nil { // a plain text
		return nodes(markup.Read(raw).Content)
	}
	all := make(pieces, len(doc.Content))
	for i, node := range doc.Content {
		all[i] = string(node)
	}
	return all
}

// nodes writes nodes.
func nodes(all []markup.Node) pieces {
	var texts pieces
	for _, n := range all {
		text, err := json.Marshal(n)
		if err == nil { // nodes always have a JSON form
			texts = append(texts, string(text))
		}
	}
	return texts
}

// mergeNodes reads nodes as one document.
func mergeNodes(all pieces) markup.Node {
	doc := markup.Node{Type: "doc", Version: 1}
	for _, p := range all {
		doc.Content = append(doc.Content, markup.Read(json.RawMessage(p)))
	}
	return doc
}

// joinNodes puts nodes in the place of those of a document.
func joinNodes(raw json.RawMessage, all pieces) any {
	doc := map[string]any{}
	if json.Unmarshal(raw, &doc) != nil || doc["type"] != "doc" {
		doc = map[string]any{"type": "doc", "version": 1}
	}
	content := make([]json.RawMessage, len(all))
	for i, p := range all {
		content[i] = json.RawMessage(p)
	}
	doc["content"] = content
	return doc
}

// paragraphWords are the words of a paragraph; other nodes are none of the lines that we
// look for.
func paragraphWords(node string) string {
	n := markup.Read(json.RawMessage(node))
	if n.Type != "paragraph" {
		return ""
	}
	return markup.Words(n)
}

// linesOf are the lines of wiki text.
func linesOf(raw json.RawMessage) pieces {
	var text string
	if json.Unmarshal(raw, &text) != nil || text == "" { // null is no text
		return nil
	}
	return strings.Split(text, "\n")
}

// lineWords are the words of a line, if it can be one of those that we look for.
func lineWords(line string) string {
	if !strings.Contains(line, "Trimtab") {
		return ""
	}
	return markup.Words(markup.FromWiki(line))
}

func mergeLines(all pieces) markup.Node { return markup.FromWiki(strings.Join(all, "\n")) }

func joinLines(_ json.RawMessage, all pieces) any {
	return strings.TrimRight(strings.Join(all, "\n"), "\n")
}

// wikiPieces are our lines, with an empty one on either side.
func wikiPieces(md string) pieces {
	return slices.Concat([]string{""}, strings.Split(markup.WikiOf(md), "\n"), []string{""})
}
