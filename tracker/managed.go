package tracker

import "strings"

// The lines around our part of a description. People see them, so they say what they are
// for; a tracker may show them with other marks of emphasis.
const (
	BlockBegin = "Trimtab keeps what follows up to date."
	BlockEnd   = "Trimtab keeps what stands above up to date; write below."
)

// Managed wraps our part of a description: what people write around it is theirs.
func Managed(md string) string {
	return "*" + BlockBegin + "*\n\n" + strings.TrimSpace(md) + "\n\n*" + BlockEnd + "*\n"
}

// Block cuts our part out of a description in Markdown; ok says that it is there, whole.
func Block(md string) (block string, ok bool) {
	lines := strings.Split(md, "\n")
	begin, end := blockLines(lines)
	if begin < 0 {
		return "", false
	}
	return strings.TrimSpace(strings.Join(lines[begin+1:end], "\n")), true
}

// SetBlock puts another text, wrapped as [Managed] does, in the place of our part of a
// description that a tracker keeps as lines, or adds it at the end.
func SetBlock(text, block string) string {
	lines := strings.Split(text, "\n")
	begin, end := blockLines(lines)
	if begin < 0 {
		if strings.TrimSpace(text) == "" {
			return block
		}
		return strings.TrimRight(text, "\n") + "\n\n" + block
	}
	before, after := strings.Join(lines[:begin], "\n"), strings.Join(lines[end+1:], "\n")
	if before != "" {
		before += "\n"
	}
	return before + strings.TrimRight(block, "\n") + "\n" + after
}

// blockLines finds the two lines around our part; −1 without them. Where there are several,
// as in a copied text, the first pair counts.
func blockLines(lines []string) (begin, end int) {
	begin = -1
	for i, line := range lines {
		switch word := strings.Trim(line, " \t\r*_"); {
		// The nearest one: where a line at the end was lost, what people wrote since is theirs.
		case word == BlockBegin:
			begin = i
		case begin >= 0 && word == BlockEnd:
			return begin, i
		}
	}
	return -1, -1
}
