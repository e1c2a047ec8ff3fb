package sandbox

import (
	"slices"
	"strings"
	"unicode"
)

// reservedSigns mean something to the text search unless a backslash is before them.
const reservedSigns = `+-&|!(){}[]^~*?\\:/"`

// phrase reads a search for words in a row: text ~ "\"some words\"". What else the text
// search can do is not tried.
func (p *jqlParser) phrase(c condition) (condition, error) {
	if !p.accept("~") {
		return c, p.wrong("an operator that the sandbox has for " + c.field)
	}
	value, err := p.value()
	if err != nil {
		return c, err
	}
	inner, ok := strings.CutPrefix(value, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	text, plain := unescaped(inner)
	c.op, c.phrase = "~", wordsOf(text)
	if !ok || !closed || !plain || len(c.phrase) == 0 {
		return c, refusedJQL("The text query '%s' for field '%s' is not valid.", value, c.field)
	}
	return c, nil
}

// unescaped takes the backslashes out; not ok if a sign that needs one has none.
func unescaped(text string) (plain string, ok bool) {
	var b strings.Builder
	escaped := false
	for _, r := range text {
		switch {
		case escaped || !strings.ContainsRune(reservedSigns, r):
			b.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		default:
			return "", false
		}
	}
	return b.String(), !escaped
}

// wordsOf takes a text apart as the index does: signs are no part of a word.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// says reports whether the words stand in a row in one of the texts of an issue.
func (i *Issue) says(phrase []string) bool {
	texts := []string{i.Summary, plainText(i.Description)}
	for _, c := range i.Comments {
		texts = append(texts, plainText(c.Body))
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		words := wordsOf(text)
		for at := 0; at+len(phrase) <= len(words); at++ {
			if slices.Equal(words[at:at+len(phrase)], phrase) {
				return true
			}
		}
		return false
	})
}
