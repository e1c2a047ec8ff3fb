package redmine

import (
	"context"
	"net/url"
	"strconv"
)

// allFields are the fields as an administrator sees them.
func (c *Client) allFields(ctx context.Context) ([]ref, error) {
	all, err := c.fields(ctx)
	list := make([]ref, len(all))
	for i, f := range all {
		list[i] = f.ref
	}
	return list, err
}

// projectFields are the fields that are assigned to projects, active or closed, which
// their members see.
func (c *Client) projectFields(ctx context.Context) ([]ref, error) {
	var list []ref
	for offset := 0; offset < pageSize*maxPages; offset += pageSize {
		var page struct {
			Projects []project `json:"projects"`
			Total    int       `json:"total_count"`
		}
		query := url.Values{"include": {"issue_custom_fields"}, "status": {"1|5"}, "limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)}}
		if _, err := c.do(ctx, get("/projects.json", query), &page); err != nil {
			return nil, err
		}
		for _, p := range page.Projects {
			list = append(list, p.Fields...)
		}
		if len(page.Projects) == 0 || offset+pageSize >= page.Total {
			break
		}
	}
	return list, nil
}

// issueFields are the fields that the newest issues show.
func (c *Client) issueFields(ctx context.Context) ([]ref, error) {
	issues, _, err := c.list(ctx, url.Values{"sort": {"id:desc"}, "limit": {strconv.Itoa(pageSize)}})
	if refusedToShow(err) {
		return nil, nil
	}
	var list []ref
	for i := range issues {
		for _, f := range issues[i].Fields {
			list = append(list, ref{ID: f.ID, Name: f.Name})
		}
	}
	return list, err
}
