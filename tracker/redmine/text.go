package redmine

import (
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// Markup is how a Redmine formats text.
type Markup string

// The markups that Redmine comes with.
const (
	Textile  Markup = "textile"
	Markdown Markup = "markdown" // also CommonMark
)

// format translates Markdown to what is kept, and back.
type format struct {
	within func(md string, limit int) string // what is kept of a text, in so many bytes at most
	read   func(kept string) string
	em     string // stands around emphasised words
}

var formats = map[Markup]format{
	Markdown: {within: func(md string, limit int) string { return cutBytes(tidy(md), limit) }, read: tidy, em: "*"},
	Textile:  {within: textileWithin, read: func(kept string) string { return markdownOf(tidy(kept)) }, em: "_"},
}

func (f format) write(md string) string { return f.within(md, maxText) }

// describe writes a description. One that is too long is cut within our part, whose last
// line must be there.
func (f format) describe(md string) string {
	block, ok := tracker.Block(md)
	if !ok {
		return f.write(md)
	}
	text, _ := f.setBlock(f.write(tracker.SetBlock(md, tracker.Managed(""))), block)
	return text
}

// block is our part of a text as it is kept, in Markdown.
func (f format) block(kept string) string {
	block, _ := tracker.Block(tidy(kept))
	return f.read(block)
}

// minBlock is what our part may have however long the rest is.
const minBlock = 1000

// setBlock puts another text, in Markdown, in the place of our part, and nothing else: what
// people wrote stays as it is kept. It reports whether anything differs.
func (f format) setBlock(kept, md string) (text string, differs bool) {
	others := len(tracker.SetBlock(kept, f.wrap("")))
	block := f.within(md, max(maxText-others, minBlock))
	if is, ok := tracker.Block(tidy(kept)); ok && is == strings.TrimSpace(block) {
		return kept, false
	}
	return tracker.SetBlock(kept, f.wrap(block)), true
}

// wrap is [tracker.Managed] of a text as it is kept.
func (f format) wrap(block string) string {
	return f.em + tracker.BlockBegin + f.em + "\n\n" + block + "\n\n" + f.em + tracker.BlockEnd + f.em + "\n"
}

// tidy is a text as it compares: browsers send lines with a carriage return.
func tidy(text string) string {
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \n\t")
}
