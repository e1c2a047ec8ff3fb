package jira

import (
	"context"
	"fmt"
	"net/http"

	"github.com/trimtab/trimtab/tracker"
)

const searchPath = "search/jql"

// bulkFetch reads up to 100 issues past the search index, which lags behind.
func (c *Client) bulkFetch(ctx context.Context, ids []string, e extent) ([]issue, error) {
	var answer struct {
		Issues []issue `json:"issues"`
	}
	body := map[string]any{"issueIdsOrKeys": ids, "fields": e.fields(), "properties": []string{propertyKey}}
	if e == whole {
		body["expand"] = []string{history}
	}
	k := call{method: http.MethodPost, path: c.path("issue/bulkfetch"), body: body, reads: true}
	err := c.do(ctx, k, &answer)
	return answer.Issues, err
}

// page is one page of a search. There is no total; the last page has no token.
type page struct {
	Issues []issue `json:"issues"`
	Token  string  `json:"nextPageToken"`
	Last   bool    `json:"isLast"`
}

// searchByToken reads all pages. An issue that changes meanwhile may come on two of
// them: its later state counts. A search that does not end is an error, so that
// nobody takes the part that came for the whole.
func (c *Client) searchByToken(ctx context.Context, q query) ([]issue, error) {
	found, at, tokens := []issue{}, map[string]int{}, map[string]bool{}
	token := ""
	for range maxPages {
		p, err := c.searchPage(ctx, q, token, pageSize)
		if err != nil {
			return nil, err
		}
		q.clock = nil // the first page tells when the search began
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
			return nil, c.endless(c.path(searchPath), "its pages do not lead on")
		}
		token, tokens[p.Token] = p.Token, true
	}
	return nil, c.endless(c.path(searchPath), fmt.Sprintf("it has more than %d pages", maxPages))
}

// latestByToken reads the first issue of a query.
func (c *Client) latestByToken(ctx context.Context, jql string) ([]issue, error) {
	p, err := c.searchPage(ctx, query{jql: jql}, "", 1)
	return p.Issues, err
}

// endless is the error of a search that was given up. The caller keeps its
// watermark and comes again.
func (c *Client) endless(path, why string) error {
	return c.failed(call{method: http.MethodPost, path: path}, tracker.Retry, 0, "the search does not end: "+why, nil)
}

// searchPage asks by POST: a hundred markers do not fit into every address. It
// names the fields, because the default is the id alone.
func (c *Client) searchPage(ctx context.Context, q query, token string, size int) (page, error) {
	body := map[string]any{"jql": q.jql, "maxResults": size, "fields": q.extent.fields(), "properties": []string{propertyKey}}
	if q.extent == whole {
		body["expand"] = history // a text here, a list in all other calls
	}
	if token != "" {
		body["nextPageToken"] = token
	}
	var p page
	err := c.do(ctx, call{method: http.MethodPost, path: c.path(searchPath), body: body, reads: true, clock: q.clock}, &p)
	return p, err
}
