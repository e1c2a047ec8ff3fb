package jira

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// fetchBySearch reads issues on Data Center, which has no call for many. A search
// fails as a whole for one id that is gone, and does not show what its index has
// not got to: what it does not give is read one by one.
func (c *Client) fetchBySearch(ctx context.Context, ids []string, e extent) ([]issue, error) {
	var found []issue
	if len(ids) > 1 {
		p, err := c.startPage(ctx, query{jql: "id in (" + strings.Join(quoted(ids), ", ") + ") ORDER BY key ASC", extent: e}, 0, pageSize)
		// Refused for an id that is gone: then all are read one by one.
		if kind := tracker.KindOf(err); err != nil && kind != tracker.Rejected {
			return nil, err
		}
		found = p.Issues
	}
	got := map[string]bool{}
	for i := range found {
		// A search does not give the property. It is read where the label, which says the
		// same, has been taken off.
		marker, _ := splitLabels(found[i].Fields.Labels, "")
		got[found[i].ID], got[found[i].Key] = marker != "", marker != ""
	}
	found = slices.DeleteFunc(found, func(i issue) bool { return !got[i.ID] })
	for _, id := range ids {
		if got[id] {
			continue
		}
		one, err := c.get(ctx, id, e)
		if err != nil {
			return nil, err
		}
		if one != nil && !got[one.ID] { // it may have been asked for by a key of before
			found, got[one.ID] = append(found, *one), true
		}
	}
	return found, nil
}

// quoted writes values into a search.
func quoted(all []string) []string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = quote(s)
	}
	return texts
}

// get reads one issue past the index, by id or key; nil if it is gone or hidden.
func (c *Client) get(ctx context.Context, id string, e extent) (*issue, error) {
	asked := url.Values{"fields": {strings.Join(e.fields(), ",")}, "properties": {propertyKey}}
	if e == whole {
		asked.Set("expand", history)
	}
	var one issue
	err := c.do(ctx, call{method: http.MethodGet, path: c.issuePath(id), query: asked, reads: true}, &one)
	if tracker.KindOf(err) == tracker.Missing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &one, nil
}

// startPage is a page of a search that counts.
type startPage struct {
	Issues []issue `json:"issues"`
	Total  int     `json:"total"`
}

// startPage asks for a page. Data Center then leaves out ids that are gone, where
// it would else refuse the whole.
func (c *Client) startPage(ctx context.Context, q query, start, size int) (startPage, error) {
	body := map[string]any{"jql": q.jql, "startAt": start, "maxResults": size, "fields": q.extent.fields(), "validateQuery": false}
	if q.extent == whole {
		body["expand"] = []string{history}
	}
	var p startPage
	err := c.do(ctx, call{method: http.MethodPost, path: c.path("search"), body: body, reads: true, clock: q.clock}, &p)
	for i := range p.Issues {
		p.Issues[i].bare = true
	}
	return p, err
}

// maxShifts is how often a search is begun anew because its pages moved.
const maxShifts = 5

// searchByStart reads all pages. While one reads, an issue that changes moves to
// another page and pulls the rest along: each page therefore begins with the last
// issue of the one before, and where it does not, the search begins anew.
func (c *Client) searchByStart(ctx context.Context, q query) ([]issue, error) {
	found, at := []issue{}, map[string]int{}
	start, shifts, last := 0, 0, ""
	for range maxPages {
		p, err := c.startPage(ctx, q, start, pageSize)
		if err != nil {
			return nil, err
		}
		q.clock = nil // the first page tells when the search began
		if last != "" && (len(p.Issues) == 0 || p.Issues[0].ID != last) {
			// What was found stays found: the next round adds what this one missed.
			if shifts++; shifts > maxShifts {
				return nil, c.endless(c.path("search"), "its pages shift all the time")
			}
			start, last = 0, ""
			continue
		}
		for _, one := range p.Issues {
			if i, ok := at[one.ID]; ok {
				found[i] = one
				continue
			}
			at[one.ID] = len(found)
			found = append(found, one)
		}
		// A site may give fewer than it was asked for: what came is what counts.
		if n := len(p.Issues); n == 0 || start+n >= p.Total || n == 1 && last != "" {
			return found, nil
		}
		start, last = start+len(p.Issues)-1, p.Issues[len(p.Issues)-1].ID
	}
	return nil, c.endless(c.path("search"), fmt.Sprintf("it has more than %d pages", maxPages))
}

// latestByStart reads the first issue of a query, with its property.
func (c *Client) latestByStart(ctx context.Context, jql string) ([]issue, error) {
	p, err := c.startPage(ctx, query{jql: jql}, 0, 1)
	if err != nil || len(p.Issues) == 0 {
		return nil, err
	}
	// Which write made it stands in the property, which no search gives.
	one, err := c.get(ctx, p.Issues[0].ID, slim)
	if err != nil || one == nil {
		return nil, err
	}
	return []issue{*one}, nil
}
