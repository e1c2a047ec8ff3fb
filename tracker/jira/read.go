package jira

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

const (
	pageSize   = 100 // issues of one search page, markers of one search, ids of one fetch
	maxPages   = 2000
	searchPath = "/rest/api/3/search/jql"
)

// Find implements [tracker.Tracker].
func (c *Client) Find(ctx context.Context, sought []tracker.Sought) ([]tracker.Issue, error) {
	var found []issue
	for chunk := range slices.Chunk(sought, pageSize) {
		quoted := make([]string, len(chunk))
		for i, s := range chunk {
			quoted[i] = quote(string(s.Marker))
		}
		some, err := c.search(ctx, "labels in ("+strings.Join(quoted, ", ")+") ORDER BY created ASC, key ASC")
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	// Each search is in order, several of them are not: the oldest comes first,
	// because it is the original where there are copies.
	slices.SortStableFunc(found, func(a, b issue) int { return a.Fields.Created.Compare(b.Fields.Created.Time) })
	return c.shownAll(found), nil
}

// Newest implements [tracker.Tracker].
func (c *Client) Newest(ctx context.Context, installation string) (*tracker.Issue, error) {
	p, err := c.searchPage(ctx, "labels = "+quote(installationLabel(installation))+" ORDER BY created DESC, key DESC", "", 1)
	if err != nil || len(p.Issues) == 0 {
		return nil, err
	}
	newest := c.shown(&p.Issues[0])
	return &newest, nil
}

// Fetch implements [tracker.Tracker].
func (c *Client) Fetch(ctx context.Context, ids []string) ([]tracker.Issue, error) {
	var all []issue
	for chunk := range slices.Chunk(ids, pageSize) {
		some, err := c.fetch(ctx, chunk)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return c.shownAll(all), nil
}

// Changed implements [tracker.Tracker]. The search asks by label, not by
// project: one project that became unreadable would fail it. The moment goes in
// milliseconds, because words of time are read in the account's time zone.
func (c *Client) Changed(ctx context.Context, installation string, since time.Time) ([]tracker.Issue, error) {
	jql := "labels = " + quote(installationLabel(installation))
	// The zero time is far below 0 and asks for everything.
	if ms := since.UnixMilli(); ms > 0 {
		jql += fmt.Sprintf(" AND updated >= %d", ms)
	}
	issues, err := c.search(ctx, jql+" ORDER BY updated ASC, key ASC")
	if err != nil {
		return nil, err
	}
	// An issue that came twice stands in its first place with its later time. Ids
	// are numbers in text: the shorter one is the smaller.
	slices.SortStableFunc(issues, func(a, b issue) int {
		return cmp.Or(a.Fields.Updated.Compare(b.Fields.Updated.Time), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return c.shownAll(issues), nil
}

// shownAll translates issues in their order.
func (c *Client) shownAll(issues []issue) []tracker.Issue {
	shown := make([]tracker.Issue, len(issues))
	for i := range issues {
		shown[i] = c.shown(&issues[i])
	}
	return shown
}

// fetch reads up to 100 issues past the search index, which lags behind.
func (c *Client) fetch(ctx context.Context, ids []string) ([]issue, error) {
	var answer struct {
		Issues []issue `json:"issues"`
	}
	body := map[string]any{"issueIdsOrKeys": ids, "fields": issueFields, "properties": []string{propertyKey}}
	k := call{method: http.MethodPost, path: "/rest/api/3/issue/bulkfetch", body: body, reads: true}
	err := c.do(ctx, k, &answer)
	return answer.Issues, err
}

// one reads a single issue.
func (c *Client) one(ctx context.Context, id string) (*issue, error) {
	issues, err := c.fetch(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(issues) == 0 {
		k := call{method: http.MethodPost, path: "/rest/api/3/issue/bulkfetch"}
		return nil, c.failed(k, tracker.Missing, 0, "issue "+id+" is deleted or hidden from this account", nil)
	}
	return &issues[0], nil
}

// page is one page of a search. There is no total; the last page has no token.
type page struct {
	Issues []issue `json:"issues"`
	Token  string  `json:"nextPageToken"`
	Last   bool    `json:"isLast"`
}

// search reads all pages. An issue that changes meanwhile may come on two of
// them: its later state counts. A search that does not end is an error, so that
// nobody takes the part that came for the whole.
func (c *Client) search(ctx context.Context, jql string) ([]issue, error) {
	found, at, tokens := []issue{}, map[string]int{}, map[string]bool{}
	token := ""
	for range maxPages {
		p, err := c.searchPage(ctx, jql, token, pageSize)
		if err != nil {
			return nil, err
		}
		for _, one := range p.Issues {
			if i, ok := at[one.ID]; ok {
				found[i] = one
				continue
			}
			at[one.ID] = len(found)
			found = append(found, one)
		}
		if p.Token == "" || p.Last {
			return found, nil
		}
		// A token that comes again, or a page of nothing that is not the last, would go
		// on for ever.
		if tokens[p.Token] || len(p.Issues) == 0 {
			return nil, c.endless("its pages do not lead on")
		}
		token, tokens[p.Token] = p.Token, true
	}
	return nil, c.endless(fmt.Sprintf("it has more than %d pages", maxPages))
}

// endless is the error of a search that was given up. The caller keeps its
// watermark and comes again.
func (c *Client) endless(why string) error {
	return c.failed(call{method: http.MethodPost, path: searchPath}, tracker.Retry, 0, "the search does not end: "+why, nil)
}

// searchPage asks by POST: a hundred markers do not fit into every address. It
// names the fields, because the default is the id alone.
func (c *Client) searchPage(ctx context.Context, jql, token string, size int) (page, error) {
	body := map[string]any{"jql": jql, "maxResults": size, "fields": issueFields, "properties": []string{propertyKey}}
	if token != "" {
		body["nextPageToken"] = token
	}
	var p page
	err := c.do(ctx, call{method: http.MethodPost, path: searchPath, body: body, reads: true}, &p)
	return p, err
}
