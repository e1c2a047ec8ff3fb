package redmine_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine"
)

// counter counts requests.
type counter struct{ reads, writes atomic.Int64 }

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		c.reads.Add(1)
	} else {
		c.writes.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A pull without news is one call; what has changed is read once, as long as Redmine's
// seconds tell that nothing has been added.
func TestPollIsOneCall(t *testing.T) {
	s := site(t)
	calls := &counter{}
	cfg := configOf(s)
	cfg.HTTP = &http.Client{Transport: calls}
	c := open(t, cfg)
	id := file(t, c, draft(1)).ID
	s.Advance(t, time.Minute)
	poll := func(since time.Time) (tracker.Changes, int64) {
		t.Helper()
		before := calls.reads.Load()
		changes, err := c.Changed(t.Context(), installation, since)
		if err != nil {
			t.Fatal(err)
		}
		return changes, calls.reads.Load() - before
	}
	now := s.Clock(t)
	changes, n := poll(now)
	if n != 1 || len(changes.Issues) != 0 || changes.At.After(s.Clock(t)) || changes.At.Before(now.Add(-5*time.Second)) {
		t.Errorf("idle: %d calls, %+v at %s", n, changes, now)
	}
	ben := person{s, redmine.Textile}
	ben.change(t, id, tracker.Change{Status: tracker.InProgress, Comment: "I am on it."})
	s.Advance(t, time.Minute)
	for round, most := range []int64{6, 1, 1} { // who wrote it, and who we are, is asked once
		if changes, n := poll(now); n > most || len(changes.Issues) != 1 || len(changes.Issues[0].Edits) != 1 || len(changes.Issues[0].Comments) != 1 {
			t.Errorf("pull %d: %d calls, %+v", round, n, changes)
		}
	}
}

// Without a Date the last change of all has to do, and lies before the search.
func TestWithoutDate(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	s.Ruby(t, `$dateless = true`, nil)
	t.Cleanup(func() { s.Ruby(t, `$dateless = false`, nil) })
	changes, err := c.Changed(t.Context(), installation, time.Time{})
	if err != nil || changes.At.IsZero() {
		t.Errorf("of an empty Redmine: %+v, %v", changes, err)
	}
	s.Advance(t, time.Hour)
	made := file(t, c, draft(1))
	if changes, err = c.Changed(t.Context(), installation, time.Time{}); err != nil || !changes.At.Equal(made.Updated) || len(changes.Issues) != 1 {
		t.Errorf("%+v, %v; the last change is of %s", changes, err, made.Updated)
	}
}

// Two edits of one second have one time: the numbers of the history tell them apart, also
// when the first was read in that second.
func TestEditsOfOneSecond(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	id := file(t, c, draft(1)).ID
	s.Advance(t, time.Minute)
	both := func(n int) {
		s.Ruby(t, fmt.Sprintf(`u = User.find_by_login("ben"); i = Issue.find(%s); i.init_journal(u); i.subject = "edit %d"; i.save!
			at = Time.utc(2027, 3, 1, 12, 0, %dr / 4); i.update_column(:updated_on, at); i.journals.last.update_column(:created_on, at); 1`, id, n, n), nil)
	}
	both(1)
	first, err := issues(c.Changed(t.Context(), installation, time.Time{}))
	if err != nil || len(first) != 1 || len(first[0].Edits) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	both(2)
	second, err := issues(c.Changed(t.Context(), installation, first[0].Updated))
	if err != nil || len(second) != 1 || len(second[0].Edits) != 2 {
		t.Fatalf("%+v, %v", second, err)
	}
	a, b := second[0].Edits[0], second[0].Edits[1]
	if a.ID == b.ID || !a.At.Equal(b.At) || a.To != "edit 1" || b.From != "edit 1" || b.To != "edit 2" || b.Author != "ben@example.com" || !second[0].Updated.Equal(first[0].Updated) {
		t.Errorf("%+v, %+v", a, b)
	}
}

// Every field has the name that all trackers share, and the words that people see.
func TestEditsOfFields(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	id := file(t, c, draft(1)).ID
	var annID int
	s.Ruby(t, `User.find_by_login("ann").id`, &annID)
	ben := person{s, redmine.Textile}
	ben.put(t, id, map[string]any{
		"priority_id": 3, "due_date": "2030-01-02", "assigned_to_id": annID, "status_id": 2, "description": "Other", "done_ratio": 10,
		"custom_fields": []map[string]any{{"id": fields.Origin, "value": "tt-inst-" + installation + " op-1 finops x"}, {"id": fields.Cost, "value": "7"}},
	})
	some, err := c.Fetch(t.Context(), []string{"#" + id})
	if err != nil || len(some) != 1 {
		t.Fatal(some, err)
	}
	is := map[string]string{}
	for _, e := range some[0].Edits {
		is[e.Field] = e.From + "→" + e.To + e.Op
	}
	want := map[string]string{
		"priority": "Normal→High", "due": "→2030-01-02", "assignee": "→ann@example.com", "status": "New→In Progress", "description": "It does nothing.→Other", "done_ratio": "0→10",
		"labels": "finops→finops x", "Cost centre": "→7",
	}
	for field, text := range want {
		if is[field] != text {
			t.Errorf("%s: %q, want %q", field, is[field], text)
		}
	}
	if len(is) != len(want) {
		t.Errorf("%+v", is)
	}
}

// What people wrote around our part stays byte for byte, markup that no Markdown has too.
func TestOnlyOurPartIsWritten(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	id := file(t, c, draft(1)).ID
	above := "p(note)>. %{color:red}Wait% for !picture.png! & \"Kim\":mailto:k@x\r\n\r\n{{toc}}\r\n\t two  spaces  \r\n"
	below := "\r\n|_. a|\\2. b |\r\nbq.. all\r\n\r\n  of it   \r\n"
	ben := person{s, redmine.Textile}
	ben.put(t, id, map[string]any{"description": above + "*" + tracker.BlockBegin + "*\r\n\r\nold\r\n\r\n_" + tracker.BlockEnd + "_\r\n" + below})
	block := "Saves **40 USD**.\n\n- i-1"
	update(t, c, id, tracker.Change{Op: "a", Block: &block})
	var kept string
	s.Ruby(t, `Issue.find(`+id+`).description`, &kept)
	want := above + "_" + tracker.BlockBegin + "_\r\n\r\nSaves *40 USD*.\r\n\r\n* i-1\r\n\r\n_" + tracker.BlockEnd + "_\r\n" + below
	if kept != want {
		t.Errorf("became\n%q, want\n%q", kept, want)
	}
}

// A text that is cut keeps the line at its end, or it would be added again.
func TestLongBlock(t *testing.T) {
	s := site(t)
	for _, markup := range []redmine.Markup{redmine.Textile, redmine.Markdown} {
		cfg := configOf(s)
		cfg.Markup = markup
		c := open(t, cfg)
		d := draft(1)
		d.Description = tracker.Managed(strings.Repeat("*a* 🙂 [x]\n\n", 6000))
		made := file(t, c, d)
		long := strings.Repeat("word ", 20000)
		for _, block := range []string{long, "Short."} {
			got := update(t, c, made.ID, tracker.Change{Op: "a", Block: &block})
			if made.Block == "" || !strings.HasPrefix(block, strings.TrimRight(got.Block, "…")) || strings.Count(got.Description, tracker.BlockEnd) != 1 {
				t.Errorf("%s: %d bytes, %.40q", markup, len(got.Description), got.Block)
			}
		}
	}
}

// A priority that there is not is refused before anything is written; a stamp that Redmine
// swallows is no success.
func TestRefusedChanges(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	none, summary := "Whatever", "Other"
	_, err := c.Update(t.Context(), made.ID, tracker.Set(tracker.Change{Op: "a", Priority: &none, Summary: &summary}))
	if tracker.KindOf(err) != tracker.Rejected {
		t.Fatal(err)
	}
	contains(t, err.Error(), `no priority "Whatever"`, "Low, Normal")
	cfg := configOf(s)
	cfg.Key = reporterKey
	_, err = open(t, cfg).Update(t.Context(), made.ID, tracker.Set(tracker.Change{Op: "b", Stamp: &tracker.Stamp{}}))
	if tracker.KindOf(err) != tracker.Rejected {
		t.Fatal(err)
	}
	contains(t, err.Error(), `"Trimtab marker"`)
	if got, err := c.Fetch(t.Context(), []string{made.ID}); err != nil || got[0].Summary == summary || !got[0].Stamped {
		t.Errorf("%+v, %v", got, err)
	}
}

// Where there are more open issues than words to look for, the words are asked for.
func TestMentioningAmongMany(t *testing.T) {
	s := site(t)
	s.Ruby(t, bulk(450, `Time.utc(2026, 3, 1, 12) + i`), nil)
	ben := person{s, redmine.Textile}
	odd := `a+b "c d" 50% _x_`
	want := ben.file(t, "finops", "Odd "+odd, "")
	calls := &counter{}
	cfg := configOf(s)
	cfg.HTTP = &http.Client{Transport: calls}
	c := open(t, cfg)
	for _, word := range []string{odd, "Odd"} {
		before := calls.reads.Load()
		found, err := c.Mentioning(t.Context(), "finops", []string{word, " "})
		if err != nil || len(found) != 1 || found[0].ID != want {
			t.Errorf("%q: %+v, %v", word, found, err)
		}
		if word == "Odd" && calls.reads.Load()-before != 3 {
			t.Errorf("%d calls", calls.reads.Load()-before)
		}
	}
}

// A copy has our fields, and nobody made it for us: it is no second ticket to be closed.
func TestCopiesHaveNoOp(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	s.Ruby(t, `User.current = User.find_by_login("ben"); c = Issue.new.copy_from(Issue.find(`+made.ID+`)); c.save!; c.id`, nil)
	all, err := issues(c.Changed(t.Context(), installation, time.Time{}))
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, i := range all {
		if (i.ID == made.ID) != (i.Op != "") {
			t.Errorf("%s was made by %q", i.Key, i.Op)
		}
	}
}
