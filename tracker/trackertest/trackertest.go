// Package trackertest is the suite that every tracker passes: what the
// distributor and the monitor rely on, whatever stands behind it.
package trackertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// Site is a tracker under test with one project.
type Site struct {
	Tracker tracker.Tracker
	Target  tracker.Target // a project and type that exist
	// Settle waits until what was written shows in searches; nil if at once.
	Settle func()
	// Advance moves the site's clock on, so that a later change has a later time; Clock
	// reads it.
	Advance func(time.Duration)
	Clock   func() time.Time
	Owner   string // an owner whom the site knows, as in a draft
	Other   string // another one
	// Delete removes an issue for good, as a person with the right to do so.
	Delete func(id string)
	// Person changes an issue as somebody else does: Status, Summary, Labels, Comment and
	// Priority of the change, whose Op is empty. Name is that person as an [tracker.Edit] has it.
	Person func(t *testing.T, id string, c tracker.Change)
	Name   string
	// Describe puts another text, in Markdown, in the place of the whole description, as a
	// person does.
	Describe func(t *testing.T, id, md string)
	// Foreign files a ticket as a person does, without any stamp, and gives its id.
	Foreign func(t *testing.T, project, summary, description string) string
	// Strip takes from an issue a part of what searches find it by; nil where nobody can.
	Strip func(t *testing.T, id string)
	// Anonymous: the site's history tells that an edit is ours, and not of which write.
	Anonymous bool
	// Elsewhere is another project that the site has.
	Elsewhere string
}

const installation = "tt-installation-test"

// Run runs the suite; open makes a fresh, empty site for each test.
func Run(t *testing.T, open func(t *testing.T) Site) {
	tests := []struct {
		name string
		test func(*testing.T, Site)
	}{
		{"files a draft whole", testCreate},
		{"gives one result per draft, in order", testBatch},
		{"finds by marker", testFind},
		{"tells the newest ticket and what made it", testNewest},
		{"links tickets, and back to where they come from", testLinks},
		{"fetches by id or key and leaves out what is gone", testFetch},
		{"tells what changed, oldest first", testChanged},
		{"tells by its own clock when it looked", testChangedAt},
		{"changes status, summary, assignee and labels", testUpdate},
		{"writes nothing where all is so already", testNoWrite},
		{"says a comment once however often it is told to", testComment},
		{"asks what to write once it has read", testDecide},
		{"replaces its block and nothing around it", testBlock},
		{"adds a block where there is none", testNewBlock},
		{"tells who edited what", testEdits},
		{"tells who said what", testComments},
		{"sets the priority and shows the due day", testPlan},
		{"stamps a ticket of a person and lets it go", testStamp},
		{"heals a stamp", testStrip},
		{"finds open tickets that mention a word", testMentioning},
		{"keeps an unknown owner from losing the ticket", testUnknownOwner},
		{"cuts what is too long, on characters", testLong},
		{"refuses an unknown project with a reason", testUnknownProject},
		{"checks its targets", testCheck},
		{"judges an update of nothing", testMissing},
		{"stops when it is told to", testCancel},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// draft is a whole one: every kind of text that rules write into a description.
func (s Site) draft(n int) tracker.Draft {
	return tracker.Draft{
		Target: s.Target, Marker: trimtab.MarkerOf(installation, trimtab.Key(fmt.Sprint("key", n)), 1), Installation: installation,
		Op: fmt.Sprint("op-", n), Summary: fmt.Sprint("Stop idle VM ", n), Labels: []string{"finops"}, Assignee: s.Owner,
		Description: "**Saves 30.00 USD**\n\n- Resource: `i-1`\n\n| fact | value |\n| --- | --- |\n| cpu | 1.2 |\n\n```\naws ec2 stop-instances\n```\n",
	}
}

// file creates drafts 1 … n and gives their issues.
func (s Site) file(t *testing.T, n int) []tracker.Issue {
	t.Helper()
	drafts := make([]tracker.Draft, n)
	for i := range drafts {
		drafts[i] = s.draft(i + 1)
	}
	results, err := s.Tracker.Create(t.Context(), drafts)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != n {
		t.Fatalf("%d results for %d drafts", len(results), n)
	}
	issues := make([]tracker.Issue, n)
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("draft %d: %v", i+1, r.Err)
		}
		issues[i] = r.Issue
	}
	s.settle()
	return issues
}

// settle waits for a search index that lags behind, as Jira's does.
func (s Site) settle() {
	if s.Settle != nil {
		s.Settle()
	}
}

func (s Site) fetch(t *testing.T, id string) tracker.Issue {
	t.Helper()
	issues, err := s.Tracker.Fetch(t.Context(), []string{id})
	if err != nil || len(issues) != 1 {
		t.Fatalf("fetch %s: %d issues, %v", id, len(issues), err)
	}
	return issues[0]
}

func testCreate(t *testing.T, s Site) {
	before := s.Clock()
	made, d := s.file(t, 1)[0], s.draft(1)
	for _, issue := range []tracker.Issue{made, s.fetch(t, made.ID)} {
		if issue.ID == "" || issue.Key == "" || issue.Project != s.Target.Project {
			t.Errorf("id %q, key %q, project %q", issue.ID, issue.Key, issue.Project)
		}
		if issue.Marker != d.Marker || issue.Summary != d.Summary || issue.Status != tracker.Open || issue.Assignee != s.Owner {
			t.Errorf("marker %q, summary %q, status %q, assignee %q", issue.Marker, issue.Summary, issue.Status, issue.Assignee)
		}
		if !slices.Equal(issue.Labels, d.Labels) {
			t.Errorf("labels %q: marker and installation are not shown", issue.Labels)
		}
		// A site may keep whole seconds.
		if issue.Created.Before(before.Add(-time.Second)) || issue.Updated.Before(issue.Created) {
			t.Errorf("created %s, updated %s, began %s", issue.Created, issue.Updated, before)
		}
		for _, word := range []string{"Saves 30.00 USD", "i-1", "1.2", "aws ec2 stop-instances"} {
			if !strings.Contains(issue.Description, word) {
				t.Errorf("the description lacks %q: %s", word, issue.Description)
			}
		}
	}
}

// The results are by position: one out of order ties a recommendation to another's
// ticket.
func testBatch(t *testing.T, s Site) {
	issues := s.file(t, tracker.MaxBatch)
	seen := map[string]bool{}
	for i, issue := range issues {
		if want := s.draft(i + 1); issue.Marker != want.Marker || issue.Summary != want.Summary {
			t.Errorf("result %d is of another draft: %s", i, issue.Summary)
		}
		seen[issue.ID] = true
	}
	if len(seen) != tracker.MaxBatch {
		t.Errorf("%d different ids", len(seen))
	}
}

// This is how an unknown outcome is looked up: one marker missed is a ticket twice.
func testFind(t *testing.T, s Site) {
	made := s.file(t, 3)
	sought := []tracker.Sought{
		{Marker: made[2].Marker, Project: s.Target.Project, After: made[1].Key},
		{Marker: "tt-aaaaaaaaaaaaaaaaaaaaaaaaaa", Project: s.Target.Project},
		{Marker: made[0].Marker},
	}
	found, err := s.Tracker.Find(t.Context(), sought)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, issue := range found {
		ids[issue.ID] = true
	}
	if len(found) != 2 || !ids[made[0].ID] || !ids[made[2].ID] {
		t.Errorf("found %v", found)
	}
	if none, err := s.Tracker.Find(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("no markers: %v, %v", none, err)
	}
}

// By the newest ticket an old state is told from a new one.
func testNewest(t *testing.T, s Site) {
	if none, err := s.Tracker.Newest(t.Context(), installation); err != nil || none != nil {
		t.Errorf("an empty site: %v, %v", none, err)
	}
	made := s.file(t, 3)
	s.Advance(time.Minute)
	d := s.draft(9)
	if _, err := s.Tracker.Create(t.Context(), []tracker.Draft{d}); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if _, err := s.Tracker.Update(t.Context(), made[0].ID, tracker.Set(tracker.Change{Op: "later", Status: tracker.Done})); err != nil {
		t.Fatal(err)
	}
	newest, err := s.Tracker.Newest(t.Context(), installation)
	if err != nil || newest == nil || newest.Marker != d.Marker || newest.Op != d.Op {
		t.Errorf("newest %+v, %v", newest, err)
	}
	if other, err := s.Tracker.Newest(t.Context(), "another"); err != nil || other != nil {
		t.Errorf("of another installation: %v, %v", other, err)
	}
}

// A link that is told twice is one link.
func testLinks(t *testing.T, s Site) {
	made := s.file(t, 2)
	change := tracker.Change{
		Op: "l", Link: tracker.Link{Relation: tracker.Duplicates, To: made[1].ID},
		Backlink: tracker.Backlink{ID: "tt-1", URL: "https://trimtab.example/recommendations/1", Title: "Recommendation 1"},
	}
	first, err := s.Tracker.Update(t.Context(), made[0].ID, tracker.Set(change))
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(time.Minute)
	again, err := s.Tracker.Update(t.Context(), made[0].ID, tracker.Set(change))
	if err != nil || !again.Updated.Equal(first.Updated) {
		t.Errorf("told twice: %v, %v, %v", first.Updated, again.Updated, err)
	}
}

// What is gone must not fail the rest: the monitor asks for hundreds at once.
func testFetch(t *testing.T, s Site) {
	made := s.file(t, 2)
	if s.Delete == nil {
		t.Skip("SKIPPED: this site cannot delete")
	}
	s.Delete(made[0].ID)
	for _, name := range []string{made[1].ID, made[1].Key} {
		got, err := s.Tracker.Fetch(t.Context(), []string{made[0].ID, name, "999999999"})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].ID != made[1].ID {
			t.Errorf("by %s: %v", name, got)
		}
	}
}

// Oldest first, so that a pull that broke off can go on from where it was.
func testChanged(t *testing.T, s Site) {
	made := s.file(t, 3)
	if all := s.changed(t, time.Time{}); len(all) != 3 {
		t.Fatalf("since ever: %d issues", len(all))
	}
	if other, err := s.Tracker.Changed(t.Context(), "tt-somebody-else", time.Time{}); err != nil || len(other.Issues) != 0 {
		t.Errorf("another installation sees %v, %v", other.Issues, err)
	}
	s.Advance(2 * time.Minute)
	since := s.Clock()
	s.update(t, made[2].ID, tracker.Change{Op: "a", Status: tracker.InProgress})
	s.Advance(2 * time.Minute)
	s.update(t, made[0].ID, tracker.Change{Op: "b", Status: tracker.Done})
	s.settle()
	if changed := s.changed(t, since); len(changed) != 2 || changed[0].ID != made[2].ID || changed[1].ID != made[0].ID {
		t.Errorf("changed: %v", changed)
	}
}

func (s Site) changed(t *testing.T, since time.Time) []tracker.Issue {
	t.Helper()
	changes, err := s.Tracker.Changed(t.Context(), installation, since)
	if err != nil {
		t.Fatal(err)
	}
	return changes.Issues
}

func (s Site) update(t *testing.T, id string, c tracker.Change) tracker.Issue {
	t.Helper()
	issue, err := s.Tracker.Update(t.Context(), id, tracker.Set(c))
	if err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	return issue
}

// The path goes over statuses that most workflows do not join directly.
func testUpdate(t *testing.T, s Site) {
	id := s.file(t, 1)[0].ID
	summary := "Stop it now"
	s.update(t, id, tracker.Change{
		Op: "a", Status: tracker.InProgress, Summary: &summary, Assignee: &s.Other, AddLabels: []string{"urgent"}, RemoveLabels: []string{"finops"},
	})
	got := s.fetch(t, id)
	if got.Status != tracker.InProgress || got.Summary != summary || got.Assignee != s.Other || !slices.Equal(got.Labels, []string{"urgent"}) {
		t.Errorf("%+v", got)
	}
	if got.Marker == "" {
		t.Error("the marker is gone")
	}
	for i, status := range []tracker.Status{tracker.Done, tracker.Open, tracker.WontDo, tracker.InProgress, tracker.Open} {
		issue := s.update(t, id, tracker.Change{Op: fmt.Sprint("s", i), Status: status})
		if issue.Status != status || s.fetch(t, id).Status != status {
			t.Errorf("step %d: status %s, want %s", i, issue.Status, status)
		}
	}
}

// A write of what is so already would come back to the monitor as news.
func testNoWrite(t *testing.T, s Site) {
	made := s.file(t, 1)[0]
	before := s.fetch(t, made.ID)
	s.Advance(time.Minute)
	summary := made.Summary
	s.update(t, made.ID, tracker.Change{Op: "a", Status: tracker.Open, Summary: &summary, AddLabels: []string{"finops"}, RemoveLabels: []string{"never"}})
	if after := s.fetch(t, made.ID); !after.Updated.Equal(before.Updated) {
		t.Errorf("updated moved from %s to %s", before.Updated, after.Updated)
	}
}

// The op, not the text, tells a repeat: the same sentence may be true twice.
func testComment(t *testing.T, s Site) {
	id := s.file(t, 1)[0].ID
	s.Advance(time.Minute)
	s.update(t, id, tracker.Change{Op: "op-7", Comment: "It is still there."})
	once := s.fetch(t, id)
	s.Advance(time.Minute)
	s.update(t, id, tracker.Change{Op: "op-7", Comment: "It is still there."})
	if again := s.fetch(t, id); !again.Updated.Equal(once.Updated) {
		t.Error("the same comment was written twice")
	}
	s.update(t, id, tracker.Change{Op: "op-8", Comment: "It is still there."})
	if third := s.fetch(t, id); !third.Updated.After(once.Updated) {
		t.Error("a comment of another write was taken for the first")
	}
}

// A ticket without its owner is worth more than none.
func testUnknownOwner(t *testing.T, s Site) {
	d := s.draft(1)
	d.Assignee = "nobody-here@example.invalid"
	results, err := s.Tracker.Create(t.Context(), []tracker.Draft{d})
	if err != nil || results[0].Err != nil {
		t.Fatalf("%v, %v", err, results)
	}
	if got := s.fetch(t, results[0].Issue.ID); got.Marker != d.Marker {
		t.Errorf("%+v", got)
	}
}

// Four-byte runes: a cut in the middle of one would be no text.
func testLong(t *testing.T, s Site) {
	d := s.draft(1)
	d.Summary = strings.Repeat("é🙂", 400)
	d.Description = strings.Repeat("🙂 long text\n\n", 5000)
	results, err := s.Tracker.Create(t.Context(), []tracker.Draft{d})
	if err != nil || results[0].Err != nil {
		t.Fatalf("%v, %v", err, results)
	}
	got := s.fetch(t, results[0].Issue.ID)
	if !strings.HasPrefix(got.Summary, "é🙂é🙂") || strings.ContainsRune(got.Summary, '\uFFFD') {
		t.Errorf("summary %.40q…", got.Summary)
	}
}

// One wrong route must not hold up every other board.
func testUnknownProject(t *testing.T, s Site) {
	good, bad := s.draft(1), s.draft(2)
	bad.Project = "NOSUCH"
	results, err := s.Tracker.Create(t.Context(), []tracker.Draft{bad, good})
	if err != nil {
		t.Fatalf("one bad draft must not stop the others: %v", err)
	}
	if results[0].Err == nil || results[0].Err.Kind != tracker.Rejected && results[0].Err.Kind != tracker.Forbidden {
		t.Errorf("an unknown project: %v", results[0].Err)
	}
	if results[1].Err != nil || results[1].Issue.Marker != good.Marker {
		t.Errorf("the good draft: %+v", results[1])
	}
}

// Said before the first ticket is due, with what to do.
func testCheck(t *testing.T, s Site) {
	problems, err := s.Tracker.Check(t.Context(), []tracker.Draft{s.draft(1)})
	if err != nil || len(problems) != 0 {
		t.Errorf("the good target: %v, %v", problems, err)
	}
	problems, err = s.Tracker.Check(t.Context(), []tracker.Draft{{Target: tracker.Target{Project: "NOSUCH", Type: "Task"}}})
	if err != nil || len(problems) == 0 || !problems[0].Fatal || problems[0].Next == "" {
		t.Errorf("an unknown project: %+v, %v", problems, err)
	}
}

// The pipeline drops a write to a deleted ticket; any other kind it would repeat.
func testMissing(t *testing.T, s Site) {
	_, err := s.Tracker.Update(t.Context(), "999999999", tracker.Set(tracker.Change{Op: "a", Status: tracker.Done}))
	if kind := tracker.KindOf(err); kind != tracker.Missing {
		t.Errorf("kind %q of %v", kind, err)
	}
}

// A stopped process files nothing on its way out.
func testCancel(t *testing.T, s Site) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Tracker.Create(ctx, []tracker.Draft{s.draft(1)}); err == nil {
		t.Error("a cancelled call filed a ticket")
	}
}
