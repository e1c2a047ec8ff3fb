package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// self is the op of what our own account did where Jira does not keep which write it was.
const self = "self"

// entry is a line of an issue's history.
type entry struct {
	ID       string          `json:"id"`
	Author   *user           `json:"author"` // nil if the account is gone
	Created  stamp           `json:"created"`
	Items    []item          `json:"items"`
	Metadata json.RawMessage `json:"historyMetadata"`
}

// item is what an entry says of one field.
type item struct {
	Field string `json:"field"`
	ID    string `json:"fieldId"` // on Cloud
	Kind  string `json:"fieldtype"`
	From  string `json:"fromString"`
	To    string `json:"toString"`
}

// comments is a page of an issue's comments.
type comments struct {
	Comments []comment `json:"comments"`
	Start    int       `json:"startAt"`
	Total    int       `json:"total"`
}

// comment is one of them. Its properties come only where they were asked for.
type comment struct {
	ID         string          `json:"id"`
	Author     *user           `json:"author"`
	Created    stamp           `json:"created"`
	Body       json.RawMessage `json:"body"`
	Properties []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
}

// newest reports whether the newest of all comments is on the page.
func (p *comments) newest() bool { return p.Start+len(p.Comments) >= p.Total }

// op names the write that made a comment, as far as its properties are shown.
func (k *comment) op() string {
	for _, p := range k.Properties {
		var value property
		if p.Key == propertyKey && json.Unmarshal(p.Value, &value) == nil {
			return value.Op
		}
	}
	return ""
}

// toldAll translates issues in their order, with their edits and comments.
func (c *Client) toldAll(ctx context.Context, issues []issue) ([]tracker.Issue, error) {
	told := make([]tracker.Issue, len(issues))
	for i := range issues {
		one, err := c.told(ctx, &issues[i])
		if err != nil {
			return nil, err
		}
		told[i] = one
	}
	return told, nil
}

// told translates one issue, with its edits and comments.
func (c *Client) told(ctx context.Context, i *issue) (tracker.Issue, error) {
	shown := c.shown(i)
	for _, e := range sorted(i.Changelog.Histories, func(e entry) string { return e.ID }) {
		op, err := c.opOf(ctx, &e)
		if err != nil {
			return shown, err
		}
		for _, f := range e.Items {
			shown.Edits = append(shown.Edits, tracker.Edit{
				ID: e.ID, At: e.Created.Time, Author: c.nameOf(e.Author), Op: op, Field: f.canonical(), From: f.From, To: f.To,
			})
		}
	}
	var err error
	shown.Comments, err = c.said(ctx, i)
	return shown, err
}

// sorted orders what has growing ids by them: oldest first, whichever way Jira gave it.
func sorted[T any](all []T, id func(T) string) []T {
	return slices.SortedStableFunc(slices.Values(all), func(a, b T) int { return tracker.CompareIDs(id(a), id(b)) })
}

// opOf names our write that made an entry; "" for everybody else's.
func (c *Client) opOf(ctx context.Context, e *entry) (string, error) {
	var made struct {
		Type  string            `json:"type"`
		Extra map[string]string `json:"extraData"`
	}
	// Whatever others write into it is theirs, readable or not.
	if json.Unmarshal(e.Metadata, &made) == nil && made.Type == signature {
		return cmp.Or(made.Extra["op"], self), nil
	}
	// Links are made by calls that take no name.
	unnamed := slices.ContainsFunc(e.Items, func(f item) bool { return f.Field == "Link" || f.Field == "RemoteIssueLink" })
	if !unnamed {
		return "", nil
	}
	ours, err := c.isSelf(ctx, e.Author)
	if err != nil || !ours {
		return "", err
	}
	return self, nil
}

// canonicalFields are the fields that all trackers share.
var canonicalFields = map[string]string{
	"status": "status", "assignee": "assignee", "priority": "priority", "summary": "summary", "description": "description", "labels": "labels", "duedate": "due",
}

// canonical is the name of the field in the words of all trackers, or Jira's own. A custom
// field may be called like one of Jira's.
func (f *item) canonical() string {
	name := cmp.Or(f.ID, f.Field)
	if f.Kind == "custom" {
		if canonicalFields[name] != "" {
			return "custom " + name
		}
		return name
	}
	return cmp.Or(canonicalFields[name], name)
}

// said gives the newest comments of an issue. Jira does not show with it which write made
// them: those of our own account are ours.
func (c *Client) said(ctx context.Context, i *issue) ([]tracker.Comment, error) {
	page := i.Fields.Comment
	if !page.newest() {
		var err error
		if page, err = c.comments(ctx, i.ID, 0); err != nil {
			return nil, err
		}
	}
	var all []tracker.Comment
	for _, k := range sorted(page.Comments, func(k comment) string { return k.ID }) {
		op := k.op()
		if op == "" {
			ours, err := c.isSelf(ctx, k.Author)
			if err != nil {
				return nil, err
			}
			if ours {
				op = self
			}
		}
		all = append(all, tracker.Comment{ID: k.ID, At: k.Created.Time, Author: c.nameOf(k.Author), Op: op, Text: c.edition.text.shown(k.Body)})
	}
	return all, nil
}

// comments reads a page of an issue's comments, newest first, with their properties.
func (c *Client) comments(ctx context.Context, id string, start int) (page comments, err error) {
	asked := url.Values{"expand": {"properties"}, "orderBy": {"-created"}, "startAt": {strconv.Itoa(start)}, "maxResults": {strconv.Itoa(pageSize)}}
	err = c.do(ctx, call{method: http.MethodGet, path: c.issuePath(id, "comment"), query: asked, reads: true}, &page)
	return page, err
}

// isSelf reports whether an account is the one that the client writes as.
func (c *Client) isSelf(ctx context.Context, u *user) (bool, error) {
	if u == nil {
		return false, nil
	}
	now := c.cfg.Now()
	if kept, ok := c.known.get("myself", now); ok {
		return kept.(string) == c.edition.users.id(u), nil
	}
	var me user
	k := call{method: http.MethodGet, path: c.path("myself"), reads: true}
	if err := c.do(ctx, k, &me); err != nil {
		return false, err
	}
	id := c.edition.users.id(&me)
	if id == "" {
		return false, c.failed(k, tracker.Retry, 0, "the answer names no account", nil)
	}
	c.known.put("myself", id, now.Add(time.Duration(math.MaxInt64))) // credentials stay with a client
	return id == c.edition.users.id(u), nil
}
