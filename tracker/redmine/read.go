package redmine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

const (
	pageSize = 100 // Redmine gives no more, whatever it is asked for
	maxPages = 2000
)

// page is a page of issues.
type page struct {
	Issues []issue `json:"issues"`
	Total  int     `json:"total_count"`
}

// page asks for issues, closed ones too, which Redmine leaves out by itself; and gives a
// time before that.
func (c *Client) page(ctx context.Context, query url.Values) (p page, at time.Time, err error) {
	if !query.Has("status_id") {
		query.Set("status_id", "*")
	}
	at, err = c.timed(ctx, get("/issues.json", query), &p)
	return p, at, err
}

func (c *Client) list(ctx context.Context, query url.Values) ([]issue, int, error) {
	p, _, err := c.page(ctx, query)
	return p.Issues, p.Total, err
}

func cf(field int) string { return "cf_" + strconv.Itoa(field) }

// ignored is the error of a filter that Redmine does not know: it then leaves it out
// and shows all that there is.
func (c *Client) ignored(name string) error {
	return c.failed(get("/issues.json", nil), tracker.Rejected, 0,
		fmt.Sprintf("Redmine ignores the filter by the custom field %q: check \"Used as a filter\" in its settings", name), nil)
}

// Find implements [tracker.Tracker]. Redmine finds what was written a moment ago.
func (c *Client) Find(ctx context.Context, sought []tracker.Sought) ([]tracker.Issue, error) {
	ours, err := c.ourFields(ctx)
	if err != nil {
		return nil, err
	}
	var found []issue
	// So many still fit into an address.
	for chunk := range slices.Chunk(sought, 50) {
		markers := make([]string, len(chunk))
		for i, s := range chunk {
			markers[i] = string(s.Marker)
		}
		query := url.Values{cf(ours.marker): {strings.Join(markers, "|")}, "include": {"relations"}}
		some, err := c.ascending(ctx, query, 1)
		if err != nil {
			return nil, err
		}
		for i := range some {
			is := some[i].value(ours.marker)
			if !slices.ContainsFunc(markers, func(m string) bool { return strings.EqualFold(m, is) }) { // some databases ignore case
				return nil, c.ignored(c.cfg.Marker)
			}
			if slices.Contains(markers, is) {
				found = append(found, some[i])
			}
		}
	}
	slices.SortFunc(found, func(a, b issue) int { return cmp.Compare(a.ID, b.ID) })
	return c.show(ctx, originals(found, ours.marker))
}

// originals leaves out copies that people made of a ticket, which have its fields too.
// Redmine ties a copy to its original, unless it was told not to.
func originals(found []issue, marker int) []issue {
	owner := map[int]string{}
	for i := range found {
		owner[found[i].ID] = found[i].value(marker)
	}
	return slices.DeleteFunc(found, func(i issue) bool {
		return slices.ContainsFunc(i.Relations, func(r relation) bool {
			return r.Type == "copied_to" && r.To == i.ID && owner[r.From] == i.value(marker)
		})
	})
}

// ascending reads all issues of a query from an id on. Each page asks for ids after
// the last one: a page of a fixed place would shift when an issue before it goes.
func (c *Client) ascending(ctx context.Context, query url.Values, from int) ([]issue, error) {
	var all []issue
	query.Set("sort", "id:asc")
	query.Set("limit", strconv.Itoa(pageSize))
	for range maxPages {
		query.Set("issue_id", ">="+strconv.Itoa(from))
		page, _, err := c.list(ctx, query)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < pageSize {
			return all, nil
		}
		from = page[len(page)-1].ID + 1
	}
	return nil, c.endless()
}

func (c *Client) endless() error {
	return c.failed(get("/issues.json", nil), tracker.Retry, 0, fmt.Sprintf("no end after %d pages", maxPages), nil)
}

// Newest implements [tracker.Tracker].
func (c *Client) Newest(ctx context.Context, installation string) (*tracker.Issue, error) {
	ours, err := c.ourFields(ctx)
	if err != nil {
		return nil, err
	}
	word := installationWord(installation)
	query := url.Values{cf(ours.origin): {"^" + word + " "}, "sort": {"id:desc"}, "limit": {strconv.Itoa(pageSize)}}
	for range maxPages {
		page, _, err := c.list(ctx, query)
		if err != nil {
			return nil, err
		}
		mine, err := c.mine(page, ours.origin, word)
		if err != nil {
			return nil, err
		}
		if len(mine) > 0 {
			newest, err := c.showOne(ctx, &mine[0])
			return &newest, err
		}
		if len(page) < pageSize {
			return nil, nil
		}
		query.Set("issue_id", "<="+strconv.Itoa(page[len(page)-1].ID-1))
	}
	return nil, c.endless()
}

// mine picks an installation's issues out of those that were asked for: Redmine's filter
// does not tell small letters from capitals.
func (c *Client) mine(page []issue, field int, word string) ([]issue, error) {
	var mine []issue
	for i := range page {
		text := page[i].value(field)
		if !strings.HasPrefix(strings.ToLower(text), installationPrefix) {
			return nil, c.ignored(c.cfg.Origin)
		}
		if readOrigin(text).installation == word {
			mine = append(mine, page[i])
		}
	}
	return mine, nil
}

// Fetch implements [tracker.Tracker]. A key is the number with the mark before it.
func (c *Client) Fetch(ctx context.Context, ids []string) ([]tracker.Issue, error) {
	var numbers []string
	for _, id := range ids {
		id = strings.TrimPrefix(id, "#")
		// What is no number is of no ticket, which is an answer: it is left out.
		if _, err := strconv.ParseUint(id, 10, 31); err == nil {
			numbers = append(numbers, id)
		}
	}
	var all []issue
	for chunk := range slices.Chunk(numbers, pageSize) {
		page, _, err := c.list(ctx, url.Values{"issue_id": {strings.Join(chunk, ",")}, "sort": {"id:asc"}, "limit": {strconv.Itoa(pageSize)}})
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	all, err := c.whole(ctx, all)
	if err != nil {
		return nil, err
	}
	return c.show(ctx, all)
}

// stamp writes a moment in the only form that Redmine reads as meant.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Changed implements [tracker.Tracker]. Who changes an issue while pages are read moves
// it to the end, and all behind it one place forward: so each page begins at the time
// at which the one before it ended, not at a place. The time is told by the first answer,
// so that a question without news is one call.
func (c *Client) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	ours, err := c.ourFields(ctx)
	if err != nil {
		return tracker.Changes{}, err
	}
	// The times that Redmine shows have lost their fractions.
	since = since.UTC().Truncate(time.Second)
	s := &scan{client: c, field: ours.origin, word: installationWord(installation), found: map[int]issue{}}
	err = s.run(ctx, since)
	if err == nil && s.at.IsZero() { // no web server tells the time: it has to be known before
		if s.at, err = c.lastChange(ctx); err == nil {
			err = s.run(ctx, since)
		}
	}
	if err != nil {
		return tracker.Changes{}, err
	}
	changed := slices.DeleteFunc(slices.Collect(maps.Values(s.found)), func(i issue) bool { return i.Updated.Before(since) })
	if changed, err = c.whole(ctx, changed); err != nil {
		return tracker.Changes{}, err
	}
	slices.SortFunc(changed, func(a, b issue) int { return cmp.Or(a.Updated.Compare(b.Updated), cmp.Compare(a.ID, b.ID)) })
	issues, err := c.show(ctx, changed)
	return tracker.Changes{Issues: issues, At: s.at}, err
}

// lastChange is the time of the last change of all, which is as late as is known where
// nobody tells the time; of an empty Redmine that of the account. A time too early only
// asks for changes again.
func (c *Client) lastChange(ctx context.Context) (time.Time, error) {
	last, _, err := c.list(ctx, url.Values{"sort": {"updated_on:desc"}, "limit": {"1"}})
	if err != nil {
		return time.Time{}, err
	}
	if len(last) > 0 {
		return last[0].Updated.UTC(), nil
	}
	me, err := c.me(ctx)
	return me.Created.UTC(), err
}

// scan reads an installation's issues by the time of their last change. One that is
// read again is kept as it was last.
type scan struct {
	client *Client
	field  int
	word   string
	found  map[int]issue
	at     time.Time // on Redmine's clock, before the first page; zero where nobody tells
}

func (s *scan) query() url.Values { return url.Values{cf(s.field): {"^" + s.word + " "}} }

func (s *scan) take(page []issue) error {
	mine, err := s.client.mine(page, s.field, s.word)
	for _, i := range mine {
		s.found[i.ID] = i
	}
	return err
}

func (s *scan) run(ctx context.Context, from time.Time) error {
	for range maxPages {
		query := s.query()
		query.Set("sort", "updated_on:asc,id:asc")
		query.Set("limit", strconv.Itoa(pageSize))
		if from.Year() >= 1970 {
			query.Set("updated_on", ">="+stamp(from))
		}
		page, at, err := s.client.page(ctx, query)
		if err != nil {
			return err
		}
		if s.at.IsZero() {
			s.at = at
		}
		if err := s.take(page.Issues); err != nil || len(page.Issues) < pageSize {
			return err
		}
		if last := page.Issues[len(page.Issues)-1].Updated.UTC(); last.After(from) {
			from = last
			continue
		}
		if err := s.second(ctx, from); err != nil {
			return err
		}
		from = from.Add(time.Second)
	}
	return s.client.endless()
}

// second reads all of one second, in which more has changed than a page holds. The
// range ends a second later, since Redmine's times have fractions that it compares.
func (s *scan) second(ctx context.Context, at time.Time) error {
	query := s.query()
	query.Set("updated_on", "><"+stamp(at)+"|"+stamp(at.Add(time.Second)))
	all, err := s.client.ascending(ctx, query, 1)
	if err != nil {
		return err
	}
	return s.take(all)
}
