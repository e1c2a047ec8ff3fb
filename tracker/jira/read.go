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
	pageSize = 100 // issues of one search page, markers of one search, ids of one fetch
	maxPages = 2000
)

// Newest implements [tracker.Tracker].
func (c *Client) Newest(ctx context.Context, installation string) (*tracker.Issue, error) {
	found, err := c.edition.latest(c, ctx, "labels = "+quote(installationLabel(installation))+" ORDER BY created DESC, key DESC")
	if err != nil || len(found) == 0 {
		return nil, err
	}
	newest := c.shown(&found[0])
	return &newest, nil
}

// Fetch implements [tracker.Tracker].
func (c *Client) Fetch(ctx context.Context, ids []string) ([]tracker.Issue, error) {
	var all []issue
	for chunk := range slices.Chunk(ids, pageSize) {
		some, err := c.edition.fetch(c, ctx, chunk)
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
func (c *Client) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	now, err := c.Now(ctx)
	if err != nil {
		return tracker.Changes{}, err
	}
	jql := "labels = " + quote(installationLabel(installation))
	// The zero time is far below 0 and asks for everything.
	if ms := since.UnixMilli(); ms > 0 {
		jql += fmt.Sprintf(" AND updated >= %d", ms)
	}
	issues, err := c.edition.search(c, ctx, jql+" ORDER BY updated ASC, key ASC")
	if err != nil {
		return tracker.Changes{}, err
	}
	// An issue that came twice stands in its first place with its later time. Ids
	// are numbers in text: the shorter one is the smaller.
	slices.SortStableFunc(issues, func(a, b issue) int {
		return cmp.Or(a.Fields.Updated.Compare(b.Fields.Updated.Time), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return tracker.Changes{Issues: c.shownAll(issues), At: now}, nil
}

// Mentioning implements [tracker.Tracker].
func (c *Client) Mentioning(ctx context.Context, project string, words []string) ([]tracker.Issue, error) {
	var says []string
	for _, w := range words {
		says = append(says, "text ~ "+quote(quote(w)))
	}
	if len(says) == 0 {
		return nil, nil
	}
	issues, err := c.edition.search(c, ctx, "project = "+quote(project)+" AND statusCategory != Done AND ("+strings.Join(says, " OR ")+") ORDER BY created ASC, key ASC")
	return c.shownAll(issues), err
}

// shownAll translates issues in their order.
func (c *Client) shownAll(issues []issue) []tracker.Issue {
	shown := make([]tracker.Issue, len(issues))
	for i := range issues {
		shown[i] = c.shown(&issues[i])
	}
	return shown
}

// one reads a single issue.
func (c *Client) one(ctx context.Context, id string) (*issue, error) {
	issues, err := c.edition.fetch(c, ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(issues) == 0 {
		k := call{method: http.MethodGet, path: c.issuePath(id)}
		return nil, c.failed(k, tracker.Missing, 0, "issue "+id+" is deleted or hidden from this account", nil)
	}
	return &issues[0], nil
}
