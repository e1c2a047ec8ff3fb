package redmine_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// bulk makes n issues as Ruby may: with the times that are given.
func bulk(n int, times string) string {
	return fmt.Sprintf(`
		rows = (1..%d).map { |i| at = %s; { project_id: $finops.id, tracker_id: 2, subject: "bulk #{i}", status_id: 1, priority_id: 2, author_id: 1,
			created_on: at, updated_on: at, lft: 1, rgt: 2, done_ratio: 0, is_private: false, lock_version: 0 } }
		Issue.insert_all(rows)
		Issue.connection.execute("UPDATE issues SET root_id = id")
		CustomValue.insert_all(Issue.pluck(:id).map { |id| { customized_type: "Issue", customized_id: id, custom_field_id: %d, value: "tt-inst-%s op-1" } })
		1`, n, times, fields.Origin, installation)
}

// Redmine gives a hundred at most, whatever it is asked for, and says so in a number
// that nobody reads.
func TestPages(t *testing.T) {
	base := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, times := range map[string]string{
		"over many seconds":  `Time.utc(2026, 3, 1, 12) + i / 3`,
		"all in one second":  `Time.utc(2026, 3, 1, 12) + i / 1000r`,
		"around two seconds": `Time.utc(2026, 3, 1, 12) + (i < 110 ? 0.9r : 1.1r)`,
	} {
		t.Run(name, func(t *testing.T) {
			s := site(t)
			s.Ruby(t, bulk(130, times), nil)
			var page listed
			raw(t, s, robotKey, http.MethodGet, "/issues.json?limit=500", "", &page)
			if len(page.Issues) != 100 || page.Limit != 100 {
				t.Errorf("a page of %d", len(page.Issues))
			}
			c := open(t, configOf(s))
			changed, err := issues(c.Changed(t.Context(), installation, base))
			if err != nil || len(changed) != 130 {
				t.Fatalf("%d issues, %v", len(changed), err)
			}
			if !slices.IsSortedFunc(changed, func(a, b tracker.Issue) int { return a.Updated.Compare(b.Updated) }) {
				t.Error("not oldest first")
			}
		})
	}
}

func TestLongLists(t *testing.T) {
	s := site(t)
	s.Ruby(t, bulk(130, `Time.utc(2026, 3, 1, 12) + i`), nil)
	c := open(t, configOf(s))
	all, err := issues(c.Changed(t.Context(), installation, time.Time{}))
	if err != nil || len(all) != 130 {
		t.Fatalf("%d issues, %v", len(all), err)
	}
	ids := make([]string, len(all))
	for i := range ids {
		ids[i] = all[i].ID
	}
	if some, err := c.Fetch(t.Context(), append(ids, "word", "99999999999999999999")); err != nil || len(some) != 130 {
		t.Errorf("fetched %d, %v", len(some), err)
	}
}

// between does something before the second request of a list.
type between struct {
	lists int
	do    func()
}

func (b *between) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/issues.json") && req.URL.Query().Has("updated_on") {
		if b.lists++; b.lists == 2 {
			b.do()
		}
	}
	return http.DefaultTransport.RoundTrip(req)
}

// Whoever changes an issue of the first page moves all behind it one place forward:
// read by place, the first of the second page would be missed.
func TestPagesThatShift(t *testing.T) {
	s := site(t)
	s.Ruby(t, bulk(130, `Time.utc(2026, 3, 1, 12) + i`), nil)
	cfg := configOf(s)
	moved := 0
	cfg.HTTP = &http.Client{Transport: &between{do: func() {
		s.Ruby(t, `i = Issue.order(:id).first; i.update_column(:updated_on, Time.now); i.id`, &moved)
	}}}
	changed, err := issues(open(t, cfg).Changed(t.Context(), installation, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	if err != nil || len(changed) != 130 {
		t.Fatalf("%d issues, %v", len(changed), err)
	}
	if last := changed[129]; last.ID != fmt.Sprint(moved) {
		t.Errorf("the one that moved is %s, last is %s", fmt.Sprint(moved), last.ID)
	}
}

// Posting twice makes two: the marker is searched exactly, and both are shown.
func TestPostingTwiceMakesTwo(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	first, second := file(t, c, draft(1)), file(t, c, draft(1))
	found, err := c.Find(t.Context(), []tracker.Sought{{Marker: first.Marker}})
	if err != nil || len(found) != 2 || found[0].ID != first.ID || found[1].ID != second.ID {
		t.Errorf("found %+v, %v", found, err)
	}
	// What only begins so, or is a part of it, is another.
	s.Ruby(t, `Issue.find(`+second.ID+`).custom_values.where(custom_field_id: `+fmt.Sprint(fields.Marker)+`).update_all(value: "`+string(first.Marker)+`x"); 1`, nil)
	if found, err := c.Find(t.Context(), []tracker.Sought{{Marker: first.Marker}}); err != nil || len(found) != 1 {
		t.Errorf("found %+v, %v", found, err)
	}
}

// A hundred and one markers are more than an address or a page holds.
func TestFindMany(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	var sought []tracker.Sought
	for i := range 100 {
		sought = append(sought, tracker.Sought{Marker: trimtab.MarkerOf(installation, trimtab.Key(fmt.Sprint("none", i)), 1)})
	}
	sought = append(sought, tracker.Sought{Marker: made.Marker})
	if found, err := c.Find(t.Context(), sought); err != nil || len(found) != 1 {
		t.Errorf("found %+v, %v", found, err)
	}
}

// People copy tickets, markers and all. The copy is told by the relation that Redmine
// ties to it.
func TestCopiesAreNoTickets(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	s.Ruby(t, `User.current = User.find_by_login("robot"); c = Issue.new.copy_from(Issue.find(`+made.ID+`)); c.save!; c.id`, nil)
	found, err := c.Find(t.Context(), []tracker.Sought{{Marker: made.Marker}})
	if err != nil || len(found) != 1 || found[0].ID != made.ID {
		t.Errorf("found %+v, %v", found, err)
	}
}

// A filter that Redmine does not know it leaves out: the answer is every issue there is.
func TestFieldsThatAreNoFilters(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	file(t, c, draft(1))
	s.Ruby(t, `IssueCustomField.update_all(is_filter: false); 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `IssueCustomField.update_all(is_filter: true); 1`, nil) })
	_, byMarker := c.Find(t.Context(), []tracker.Sought{{Marker: "tt-aaaaaaaaaaaaaaaaaaaaaaaaaa"}})
	s.Ruby(t, `Issue.first.custom_values.where(custom_field_id: `+fmt.Sprint(fields.Origin)+`).update_all(value: ""); 1`, nil)
	_, byOrigin := c.Changed(t.Context(), installation, time.Time{})
	_, newest := c.Newest(t.Context(), installation)
	for _, err := range []error{byMarker, byOrigin, newest} {
		if tracker.KindOf(err) != tracker.Rejected {
			t.Fatalf("an answer of all issues was taken: %v", err)
		}
		contains(t, err.Error(), "Used as a filter")
	}
	problems, err := c.Check(t.Context(), []tracker.Draft{draft(1)})
	if err != nil || len(problems) != 2 || !problems[0].Fatal {
		t.Errorf("%+v, %v", problems, err)
	}
}

// Who else uses this Redmine is not seen, even if the name differs only in its case,
// which Redmine's filter does not tell apart, or goes on.
func TestOtherInstallations(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	d := draft(1)
	d.Installation = "prod"
	mine := file(t, c, d)
	d = draft(2)
	d.Installation = "Prod"
	file(t, c, d)
	d = draft(3)
	d.Installation = "prod.eu"
	file(t, c, d)
	newest, err := c.Newest(t.Context(), "prod")
	if err != nil || newest == nil || newest.ID != mine.ID {
		t.Errorf("newest %+v, %v", newest, err)
	}
	if changed, err := issues(c.Changed(t.Context(), "prod", time.Time{})); err != nil || len(changed) != 1 || changed[0].ID != mine.ID {
		t.Errorf("changed %+v, %v", changed, err)
	}
}
