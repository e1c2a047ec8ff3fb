package jira

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// Find implements [tracker.Tracker]. Jira's search may not know of a ticket for
// minutes. Keys are given in order, and reading by key goes past the search: the
// numbers after the last known ticket are read first.
func (c *Client) Find(ctx context.Context, sought []tracker.Sought) ([]tracker.Issue, error) {
	want := map[trimtab.Marker]bool{}
	for _, s := range sought {
		want[s.Marker] = true
	}
	found, err := c.probe(ctx, sought)
	if err != nil {
		return nil, err
	}
	// What was found by key needs no search, which would ask the late index.
	for _, i := range found {
		delete(want, c.shown(&i).Marker)
	}
	more, err := c.searchMarkers(ctx, sought, want)
	if err != nil {
		return nil, err
	}
	for _, i := range more {
		if !slices.ContainsFunc(found, func(f issue) bool { return f.ID == i.ID }) {
			found = append(found, i)
		}
	}
	issues := c.shownAll(c.originals(found))
	return issues, c.sees(ctx, sought, issues)
}

// sees makes sure that what was not found is not merely hidden: of a project that the
// account may not browse nobody can tell what is there.
func (c *Client) sees(ctx context.Context, sought []tracker.Sought, found []tracker.Issue) error {
	there, asked := map[trimtab.Marker]bool{}, map[string]bool{}
	for _, i := range found {
		there[i.Marker] = true
	}
	for _, s := range sought {
		if s.Project == "" || there[s.Marker] || asked[s.Project] {
			continue
		}
		asked[s.Project] = true
		have, err := c.permits(ctx, s.Project, []string{"BROWSE_PROJECTS"})
		if kind := tracker.KindOf(err); err != nil && kind != tracker.Missing && kind != tracker.Forbidden {
			return err
		}
		if !have["BROWSE_PROJECTS"] {
			k := call{method: http.MethodGet, path: c.path("mypermissions")}
			return c.failed(k, tracker.Forbidden, 0, "the account may not browse project "+s.Project+", so that nobody can tell which of its tickets are there", nil)
		}
	}
	return nil
}

// searchMarkers searches for those of the sought that are still wanted.
func (c *Client) searchMarkers(ctx context.Context, sought []tracker.Sought, want map[trimtab.Marker]bool) ([]issue, error) {
	var names []string
	for _, s := range sought {
		if want[s.Marker] {
			names = append(names, string(s.Marker))
		}
	}
	var found []issue
	for chunk := range slices.Chunk(names, pageSize) {
		some, err := c.edition.search(c, ctx, query{jql: "labels in (" + strings.Join(quoted(chunk), ", ") + ") ORDER BY created ASC, key ASC"})
		if err != nil {
			return nil, err
		}
		for _, i := range some {
			// A label may stand on an issue whose property names another marker.
			if want[c.shown(&i).Marker] {
				found = append(found, i)
			}
		}
	}
	return found, nil
}

// originals leaves out copies that people made of a ticket: they have its labels
// but not its property. The oldest comes first.
func (c *Client) originals(found []issue) []issue {
	// Only where the original is there too: a lone one may have lost its property.
	whole := map[trimtab.Marker]bool{}
	for i := range found {
		if p := found[i].property(); p.Marker != "" {
			whole[p.Marker] = true
		}
	}
	found = slices.DeleteFunc(found, func(i issue) bool { return whole[c.shown(&i).Marker] && i.property().Marker == "" })
	slices.SortStableFunc(found, func(a, b issue) int { return a.Fields.Created.Compare(b.Fields.Created.Time) })
	return found
}

// probing reads a project's issues by number.
type probing struct {
	project string
	after   int
	want    map[trimtab.Marker]bool
	found   []issue
}

// take keeps an issue that is sought.
func (p *probing) take(c *Client, i *issue) {
	if marker := c.shown(i).Marker; p.want[marker] {
		p.found = append(p.found, *i)
		delete(p.want, marker)
	}
}

// key is that of a number.
func (p *probing) key(n int) string { return fmt.Sprintf("%s-%d", p.project, n) }

// probe reads, project by project, what was created after the last known ticket.
func (c *Client) probe(ctx context.Context, sought []tracker.Sought) ([]issue, error) {
	var found []issue
	for _, p := range probings(sought) {
		// Late as the search may be, what it does show is a place to begin.
		if p.after < 0 {
			newest, err := c.newestNumber(ctx, p.project)
			if err != nil {
				return nil, err
			}
			// The search below judges a project that cannot be seen: no ticket is in it.
			if newest < 0 {
				continue
			}
			p.after = newest
		}
		if err := c.edition.probe(c, ctx, p); err != nil {
			return nil, err
		}
		found = append(found, p.found...)
	}
	return found, nil
}

// probings sorts what is sought by project; after is −1 where no ticket is known.
func probings(sought []tracker.Sought) []*probing {
	var all []*probing
	for _, s := range sought {
		if s.Project == "" {
			continue
		}
		at := slices.IndexFunc(all, func(p *probing) bool { return p.project == s.Project })
		if at < 0 {
			at = len(all)
			all = append(all, &probing{project: s.Project, after: -1, want: map[trimtab.Marker]bool{}})
		}
		all[at].want[s.Marker] = true
		// A ticket that has moved says nothing about this project's numbers.
		if number, ok := strings.CutPrefix(s.After, s.Project+"-"); ok {
			if n, err := strconv.Atoi(number); err == nil {
				all[at].after = max(all[at].after, n)
			}
		}
	}
	return all
}

// newestNumber is the number of the newest issue that a search shows of a project:
// 0 of an empty one, −1 of one that cannot be seen.
func (c *Client) newestNumber(ctx context.Context, project string) (int, error) {
	found, err := c.edition.latest(c, ctx, "project = "+quote(project)+" ORDER BY created DESC, key DESC")
	if kind := tracker.KindOf(err); kind == tracker.Rejected || kind == tracker.Forbidden || kind == tracker.Missing {
		return -1, nil
	}
	if err != nil || len(found) == 0 {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimPrefix(found[0].Key, project+"-"))
	if err != nil {
		return -1, nil
	}
	return n, nil
}

const (
	maxProbes = 5  // times 100 numbers: others create too while an answer is lost
	maxGap    = 10 // numbers without an issue after which, one by one, no more are expected
)

// probeInBulk reads 100 numbers at a time, until all is found or there are no more.
func (c *Client) probeInBulk(ctx context.Context, p *probing) error {
	for range maxProbes {
		keys := make([]string, pageSize)
		for i := range keys {
			keys[i] = p.key(p.after + 1 + i)
		}
		some, err := c.bulkFetch(ctx, keys, slim)
		if err != nil {
			return err
		}
		for i := range some {
			p.take(c, &some[i])
		}
		// A hundred numbers without an issue are the end: gaps come from deletions.
		if len(some) == 0 || len(p.want) == 0 {
			return nil
		}
		p.after += pageSize
	}
	return nil
}

// probeOneByOne reads number after number, until all is found or a run of them has
// no issues.
func (c *Client) probeOneByOne(ctx context.Context, p *probing) error {
	for gap, n := 0, p.after+1; gap < maxGap && n <= p.after+pageSize && len(p.want) > 0; n++ {
		one, err := c.get(ctx, p.key(n), slim)
		if err != nil {
			return err
		}
		if gap++; one != nil {
			gap = 0
			p.take(c, one)
		}
	}
	return nil
}
