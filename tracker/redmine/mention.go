package redmine

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// Mentioning implements [tracker.Tracker]. Redmine has no filter for one of two fields or
// of several words: either each word is asked for twice, or all open issues are read,
// whichever is fewer calls. What comes is looked at again, since Redmine looks for the
// parts of a word and not for the case.
func (c *Client) Mentioning(ctx context.Context, project string, words []string) ([]tracker.Issue, error) {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.TrimSpace(w) == "" })
	if len(words) == 0 {
		return nil, nil
	}
	p, err := c.project(ctx, project)
	if err != nil {
		return nil, err
	}
	// Those of projects below are another board's.
	open := url.Values{"project_id": {strconv.Itoa(p.ID)}, "subproject_id": {"!*"}, "status_id": {"o"}}
	count := maps.Clone(open)
	count.Set("limit", "1")
	_, total, err := c.list(ctx, count)
	if err != nil {
		return nil, err
	}
	found := map[int]issue{}
	for _, filter := range filters(words, total) {
		query := maps.Clone(open)
		maps.Copy(query, filter)
		some, err := c.ascending(ctx, query, 1)
		if err != nil {
			return nil, err
		}
		for _, i := range some {
			if i.Project.ID == p.ID && !i.Status.Closed && c.says(&i, words) {
				found[i.ID] = i
			}
		}
	}
	all := slices.SortedFunc(maps.Values(found), func(a, b issue) int { return cmp.Compare(a.ID, b.ID) })
	return c.show(ctx, all)
}

// filters are those of the queries that together show every open issue with one of the words.
func filters(words []string, open int) []url.Values {
	if open/pageSize < 2*len(words) {
		return []url.Values{{}}
	}
	var all []url.Values
	for _, w := range words {
		all = append(all, url.Values{"subject": {"~" + w}}, url.Values{"description": {"~" + w}})
	}
	return all
}

// says reports whether an issue has one of the words, as it is kept or as it is read.
func (c *Client) says(i *issue, words []string) bool {
	text := i.Subject + "\n" + tidy(i.Description) + "\n" + c.text.read(i.Description)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}
