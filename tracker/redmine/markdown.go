package redmine

import (
	"html"
	"regexp"
	"strings"
)

// markdownOf turns Textile into Markdown, as far as tickets have it: headings, lists,
// tables, code, quotes, links and emphasis. What it does not know stays as it is.
func markdownOf(textile string) string {
	var out []string
	code := false
	for _, line := range strings.Split(textile, "\n") {
		if found := preOpen.FindStringSubmatch(line); found != nil && !code {
			out, code = append(out, "```"+found[1]), true
			if line = line[len(found[0]):]; line == "" {
				continue
			}
		}
		if code {
			var lines []string
			lines, code = codeLine(line)
			out = append(out, lines...)
			continue
		}
		out = append(out, markdownLine(line)...)
	}
	return strings.Join(out, "\n")
}

var (
	preOpen  = regexp.MustCompile(`^<pre>(?:<code class="([^"]*)">|<code>)?`)
	preClose = regexp.MustCompile(`(?:</code>)?</pre>.*$`)
)

// codeLine is a line of a block of code, and whether the block goes on.
func codeLine(line string) ([]string, bool) {
	code := preClose.ReplaceAllString(line, "")
	goesOn := code == line
	code = strings.NewReplacer("&lt;/pre", "</pre", "&lt;/code", "</code").Replace(code)
	switch {
	case goesOn:
		return []string{code}, true
	case code == "":
		return []string{"```"}, false
	}
	return []string{code, "```"}, false
}

var (
	heading  = regexp.MustCompile(`^h([1-6])\. +(.*)$`)
	listItem = regexp.MustCompile(`^([*#]+) (.*)$`)
)

// markdownLine translates one line; a header row brings the rule below it.
func markdownLine(line string) []string {
	if m := heading.FindStringSubmatch(line); m != nil {
		return []string{strings.Repeat("#", int(m[1][0]-'0')) + " " + markdownInline(m[2])}
	}
	if m := listItem.FindStringSubmatch(line); m != nil {
		mark := "- "
		if strings.HasSuffix(m[1], "#") {
			mark = "1. "
		}
		return []string{indent(m[1]) + mark + markdownInline(m[2])}
	}
	row := strings.TrimSpace(line)
	if len(row) < 2 || row[0] != '|' || row[len(row)-1] != '|' {
		return []string{markdownInline(line)}
	}
	var cells, rules []string
	head := false
	for _, cell := range strings.Split(row[1:len(row)-1], "|") {
		text, isHead := strings.CutPrefix(cell, "_.")
		head = head || isHead
		cells, rules = append(cells, strings.ReplaceAll(markdownInline(strings.TrimSpace(text)), "|", `\|`)), append(rules, "---")
	}
	lines := []string{"| " + strings.Join(cells, " | ") + " |"}
	if head {
		lines = append(lines, "| "+strings.Join(rules, " | ")+" |")
	}
	return lines
}

// indent is how far in a list of these bullets stands.
func indent(bullets string) string {
	width := 0
	for _, b := range bullets[:len(bullets)-1] {
		width += 2
		if b == '#' {
			width++
		}
	}
	return strings.Repeat(" ", width)
}

// What stands within a line; the characters around a mark must not be of a word.
var (
	inCode   = regexp.MustCompile(`@([^@\s](?:[^@]*[^@\s])?)@|<code>(.*?)</code>`)
	inLink   = regexp.MustCompile(`"([^"]+)":(https?://[^\s"<>]*[^\s"<>.,;:!?)])`)
	inStrong = regexp.MustCompile(`(^|[^\pL\pN*])\*([^\s*](?:[^*]*[^\s*])?)\*([^\pL\pN*]|$)`)
	inEm     = regexp.MustCompile(`(^|[^\pL\pN_])_([^\s_](?:[^_]*[^\s_])?)_([^\pL\pN_]|$)`)
	inStrike = regexp.MustCompile(`(^|[^\pL\pN-])-([^\s-](?:[^-]*[^\s-])?)-([^\pL\pN-]|$)`)
)

// markdownInline translates what stands within a line. Code is left as it is.
func markdownInline(text string) string {
	var b strings.Builder
	for {
		at := inCode.FindStringSubmatchIndex(text)
		if at == nil {
			break
		}
		b.WriteString(markdownWords(text[:at[0]]))
		if at[2] >= 0 {
			b.WriteString("`" + text[at[2]:at[3]] + "`")
		} else {
			b.WriteString("`" + html.UnescapeString(text[at[4]:at[5]]) + "`")
		}
		text = text[at[1]:]
	}
	b.WriteString(markdownWords(text))
	return b.String()
}

func markdownWords(text string) string {
	text = inEm.ReplaceAllString(text, "$1\x00$2\x00$3") // its mark is part of the next one
	text = inStrong.ReplaceAllString(text, "$1**$2**$3")
	text = strings.ReplaceAll(text, "\x00", "*")
	text = inStrike.ReplaceAllString(text, "$1~~$2~~$3")
	text = inLink.ReplaceAllString(text, "[$1]($2)")
	// A mark that was written as an entity is a plain character in Markdown too.
	return entityIn.ReplaceAllStringFunc(text, func(entity string) string {
		character := html.UnescapeString(entity)
		// A mark that was written as an entity is a plain character in Markdown too.
		if strings.Contains("*_`~", character) {
			return `\` + character
		}
		return character
	})
}

var entityIn = regexp.MustCompile(`&` + entityShape)
