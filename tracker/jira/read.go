package jira

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
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
		some, err := c.edition.fetch(c, ctx, chunk, whole)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return c.toldAll(ctx, all)
}

// Changed implements [tracker.Tracker]. The search asks by label, not by
// project: one project that became unreadable would fail it. The moment goes in
// milliseconds, because words of time are read in the account's time zone. When
// nothing has changed it is one call.
func (c *Client) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	jql := "labels = " + quote(installationLabel(installation))
	// The zero time is far below 0 and asks for everything.
	if ms := since.UnixMilli(); ms > 0 {
		jql += fmt.Sprintf(" AND updated >= %d", ms)
	}
	var changes tracker.Changes
	began := c.cfg.Now()
	issues, err := c.edition.search(c, ctx, query{jql: jql + " ORDER BY updated ASC, key ASC", extent: whole, clock: &changes.At})
	if err != nil {
		return tracker.Changes{}, err
	}
	// An issue that came twice stands in its first place with its later time.
	slices.SortStableFunc(issues, func(a, b issue) int {
		return cmp.Or(a.Fields.Updated.Compare(b.Fields.Updated.Time), tracker.CompareIDs(a.ID, b.ID))
	})
	if changes.Issues, err = c.toldAll(ctx, issues); err != nil {
		return tracker.Changes{}, err
	}
	return changes, c.dated(ctx, &changes.At, began)
}

// dated asks for the time where a proxy has taken it off the answers. What has passed since
// the search began lies before it.
func (c *Client) dated(ctx context.Context, at *time.Time, began time.Time) error {
	if !at.IsZero() {
		return nil
	}
	now, err := c.Now(ctx)
	*at = now.Add(began.Sub(c.cfg.Now()) - time.Second)
	return err
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
func (c *Client) one(ctx context.Context, id string, e extent) (*issue, error) {
	issues, err := c.edition.fetch(c, ctx, []string{id}, e)
	if err != nil {
		return nil, err
	}
	if len(issues) == 0 {
		k := call{method: http.MethodGet, path: c.issuePath(id)}
		return nil, c.failed(k, tracker.Missing, 0, "issue "+id+" is deleted or hidden from this account", nil)
	}
	return &issues[0], nil
}
