package jira

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira/markup"
)

// maxWords is how many words one search asks for: Jira refuses one of too many clauses.
const maxWords = 20

// Mentioning implements [tracker.Tracker]. Jira's index knows words without their signs,
// and comments too: what it finds is read.
func (c *Client) Mentioning(ctx context.Context, project string, words []string) ([]tracker.Issue, error) {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !searchable(w) })
	found, seen := []issue{}, map[string]bool{}
	for chunk := range slices.Chunk(words, maxWords) {
		some, err := c.edition.search(c, ctx, query{jql: mentions(project, chunk)})
		if err != nil {
			return nil, err
		}
		for _, i := range some {
			if !seen[i.ID] && !c.statusOf(&i).Closed() && c.mentions(&i, words) {
				found, seen[i.ID] = append(found, i), true
			}
		}
	}
	slices.SortStableFunc(found, func(a, b issue) int {
		return cmp.Or(a.Fields.Created.Compare(b.Fields.Created.Time), tracker.CompareIDs(a.ID, b.ID))
	})
	return c.shownAll(found), nil
}

// mentions is a search for open issues with one of some words.
func mentions(project string, words []string) string {
	says := make([]string, len(words))
	for i, w := range words {
		says[i] = "text ~ " + quote(phrase(w))
	}
	return "project = " + quote(project) + " AND statusCategory != Done AND (" + strings.Join(says, " OR ") + ") ORDER BY created ASC, key ASC"
}

// signs mean something to Jira's text search, in a phrase too.
const signs = `+-&|!(){}[]^~*?\:/"`

// phrase writes a word for the text search, to be found as it stands. It still has to be
// quoted for the query around it.
func phrase(word string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(word), " ") {
		if strings.ContainsRune(signs, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return `"` + b.String() + `"`
}

// searchable words have something that the index knows; nothing else would be refused with
// all the others.
func searchable(word string) bool {
	return strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// mentions reports whether an issue says one of the words. Addresses of links are read
// too.
func (c *Client) mentions(i *issue, words []string) bool {
	doc := c.edition.text.read(i.Fields.Description)
	text := i.Fields.Summary + "\n" + markup.Markdown(doc)
	bare := spaceless(i.Fields.Summary) + "\n" + markup.Words(doc)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) || strings.Contains(bare, spaceless(w)) })
}
