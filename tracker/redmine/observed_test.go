package redmine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine"
)

// What Redmine does, and what the client does about it. Where the client keeps away
// from a trap, the trap itself is shown first: when a later Redmine has it no more, the
// test says so.

type listed struct {
	Issues []struct {
		ID      int       `json:"id"`
		Updated time.Time `json:"updated_on"`
	} `json:"issues"`
	Total int `json:"total_count"`
	Limit int `json:"limit"`
}

func TestClosedIssuesAreHiddenByDefault(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	update(t, c, made.ID, tracker.Change{Op: "a", Status: tracker.Done})
	var plain listed
	raw(t, s, robotKey, http.MethodGet, "/issues.json", "", &plain)
	if plain.Total != 0 {
		t.Errorf("Redmine shows %d issues without being asked for closed ones", plain.Total)
	}
	found, err := c.Find(t.Context(), []tracker.Sought{{Marker: made.Marker}})
	if err != nil || len(found) != 1 || found[0].Status != tracker.Done {
		t.Errorf("found %+v, %v", found, err)
	}
	if some, err := c.Fetch(t.Context(), []string{made.ID}); err != nil || len(some) != 1 {
		t.Errorf("fetched %+v, %v", some, err)
	}
}

func TestTimesAreTakenInUTCAlone(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	since := made.Updated.In(time.FixedZone("", 2*3600))
	offset := "/issues.json?updated_on=" + url.QueryEscape(">="+since.Format(time.RFC3339))
	if status := raw(t, s, robotKey, http.MethodGet, offset, "", nil); status != http.StatusUnprocessableEntity {
		t.Errorf("Redmine answers %d to a time with an offset", status)
	}
	changed, err := issues(c.Changed(t.Context(), installation, since))
	if err != nil || len(changed) != 1 {
		t.Errorf("changed at or after its own time: %v, %v", changed, err)
	}
	if later, err := issues(c.Changed(t.Context(), installation, since.Add(time.Second))); err != nil || len(later) != 0 {
		t.Errorf("changed a second later: %v, %v", later, err)
	}
}

// Three changes in one second have one time: the contents tell them apart.
func TestTimesAreWholeSeconds(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	s.Ruby(t, `Issue.find(`+made.ID+`).update_column(:updated_on, Time.utc(2026, 3, 1, 12, 0, 0.25r)); 1`, nil)
	before, err := c.Fetch(t.Context(), []string{made.ID})
	if err != nil {
		t.Fatal(err)
	}
	s.Ruby(t, `Issue.find(`+made.ID+`).update_columns(updated_on: Time.utc(2026, 3, 1, 12, 0, 0.75r), subject: "Other"); 1`, nil)
	changed, err := issues(c.Changed(t.Context(), installation, before[0].Updated))
	if err != nil || len(changed) != 1 || !changed[0].Updated.Equal(before[0].Updated) || changed[0].Summary == before[0].Summary {
		t.Errorf("before %+v, after %+v, %v", before, changed, err)
	}
}

// A change that changes nothing moves the time: a client that did so would hear of it,
// write again, and never end.
func TestWritingNothingIsNoWrite(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	s.Advance(t, time.Minute)
	if status := raw(t, s, robotKey, http.MethodPut, "/issues/"+made.ID+".json", `{"issue":{"status_id":1}}`, nil); status != http.StatusNoContent {
		t.Fatalf("HTTP %d", status)
	}
	after, err := c.Fetch(t.Context(), []string{made.ID})
	if err != nil || !after[0].Updated.After(made.Updated) {
		t.Errorf("Redmine no longer moves the time of what stays as it is: %v", err)
	}
	var journals int
	s.Ruby(t, `Journal.count`, &journals)
	if journals != 0 {
		t.Errorf("%d journals of nothing", journals)
	}
	summary, owner := made.Summary, ""
	again := update(t, c, made.ID, tracker.Change{
		Op: "a", Status: tracker.Open, Summary: &summary, Assignee: &owner, AddLabels: []string{"finops"}, RemoveLabels: []string{"none"},
	})
	if !again.Updated.Equal(after[0].Updated) {
		t.Error("the client wrote what was so already")
	}
}

// Each of these is a 204 that has changed nothing.
func TestSilentRefusals(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	if status := raw(t, s, robotKey, http.MethodPut, "/issues/"+made.ID+".json", `{"issue":{"status_id":77}}`, nil); status != http.StatusNoContent {
		t.Errorf("an unknown status: HTTP %d", status)
	}
	s.Ruby(t, `Project.find_by(identifier: "other") || Project.create!(name: "Other", identifier: "other", is_public: false, trackers: Tracker.all.to_a); 1`, nil)
	if status := raw(t, s, robotKey, http.MethodPut, "/issues/"+made.ID+".json", `{"issue":{"project_id":"other"}}`, nil); status != http.StatusNoContent {
		t.Errorf("a project of others: HTTP %d", status)
	}
	got, err := c.Fetch(t.Context(), []string{made.ID})
	if err != nil || got[0].Status != tracker.Open || got[0].Project != "finops" {
		t.Errorf("%+v, %v", got, err)
	}

	cfg := configOf(s)
	cfg.Key = reporterKey
	reporter := open(t, cfg)
	summary := "Other"
	for name, change := range map[string]tracker.Change{
		"status": {Op: "a", Status: tracker.Done}, "subject": {Op: "b", Summary: &summary}, `"Trimtab"`: {Op: "c", AddLabels: []string{"x"}},
	} {
		_, err := reporter.Update(t.Context(), made.ID, tracker.Set(change))
		if tracker.KindOf(err) != tracker.Rejected {
			t.Fatalf("%s: %v", name, err)
		}
		contains(t, err.Error(), "accepted the change but did not make it", name)
	}
	if got := update(t, reporter, made.ID, tracker.Change{Op: "d", Comment: "A reporter may say this."}); got.Status != tracker.Open {
		t.Errorf("%+v", got)
	}
}

// A note is as silently refused.
func TestNotesThatAreNotAdded(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	s.Ruby(t, `Role.find_by(name: "Manager").remove_permission!(:add_issue_notes); 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `Role.find_by(name: "Manager").add_permission!(:add_issue_notes); 1`, nil) })
	_, err := c.Update(t.Context(), made.ID, tracker.Set(tracker.Change{Op: "a", Comment: "It is still there."}))
	if tracker.KindOf(err) != tracker.Rejected {
		t.Fatal(err)
	}
	contains(t, err.Error(), "but did not add it")
}

// A status that the workflow does not lead to is one of the silent refusals.
func TestWorkflowForbids(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	s.Ruby(t, `$kept = WorkflowTransition.where(new_status_id: 5).map(&:attributes); WorkflowTransition.where(new_status_id: 5).delete_all; 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `WorkflowTransition.insert_all($kept); 1`, nil) })
	_, err := c.Update(t.Context(), made.ID, tracker.Set(tracker.Change{Op: "a", Status: tracker.Done, Comment: "Done."}))
	if tracker.KindOf(err) != tracker.Rejected {
		t.Fatal(err)
	}
	contains(t, err.Error(), `"New" and not "Closed"`, "In Progress")
	var notes int
	s.Ruby(t, `Journal.where.not(notes: [nil, ""]).count`, &notes)
	if notes != 0 {
		t.Error("a note speaks of what was not done")
	}
}

// The version of an issue cannot be used to compare and swap: a wrong one is refused
// without a word, the right one is shown nowhere.
func TestLockVersionIsNoHelp(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	var shown struct {
		Issue map[string]any `json:"issue"`
	}
	raw(t, s, robotKey, http.MethodGet, "/issues/"+made.ID+".json", "", &shown)
	if _, has := shown.Issue["lock_version"]; has {
		t.Error("Redmine shows the version now: use it")
	}
	var refused struct {
		Errors []string `json:"errors"`
	}
	status := raw(t, s, robotKey, http.MethodPut, "/issues/"+made.ID+".json", `{"issue":{"subject":"Other","lock_version":77}}`, &refused)
	if status != http.StatusUnprocessableEntity || len(refused.Errors) != 0 {
		t.Errorf("HTTP %d, %q", status, refused.Errors)
	}
}

// A server of more than one thread on SQLite answers some of several writers with 500,
// and nobody is told whether it wrote. This one is a lock from outside.
func TestLockedDatabaseIsInDoubt(t *testing.T) {
	s := site(t)
	cfg := configOf(s)
	c := open(t, cfg)
	file(t, c, draft(1)) // what the client has to know is asked for first
	s.Ruby(t, `
		class Issue; def busy; raise ActiveRecord::StatementInvalid, "SQLite3::BusyException: database is locked" if subject == "Locked"; end; end
		Issue.before_create :busy; 1`, nil)
	d := draft(2)
	d.Summary = "Locked"
	results, err := c.Create(t.Context(), []tracker.Draft{d, draft(3)})
	if err != nil || results[0].Err == nil || results[0].Err.Kind != tracker.Ambiguous || results[0].Err.Status != http.StatusInternalServerError {
		t.Fatalf("%+v, %v", results, err)
	}
	if results[1].Err != nil {
		t.Errorf("the next draft: %v", results[1].Err)
	}
	if found, err := c.Find(t.Context(), []tracker.Sought{{Marker: d.Marker}}); err != nil || len(found) != 0 {
		t.Errorf("it was written: %+v, %v", found, err)
	}
}

// Two processes that file at once get all tickets or a failure that says so.
func TestParallelCreates(t *testing.T) {
	s := site(t)
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() {
			c, err := redmine.New(configOf(s))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			results, err := c.Create(context.Background(), []tracker.Draft{draft(2*n + 1), draft(2*n + 2)})
			if err != nil || results[0].Err != nil || results[1].Err != nil {
				t.Errorf("%+v, %v", results, err)
			}
		})
	}
	wg.Wait()
	if all, err := issues(open(t, configOf(s)).Changed(t.Context(), installation, time.Time{})); err != nil || len(all) != 4 {
		t.Errorf("%d issues, %v", len(all), err)
	}
}

// Deleted and hidden look alike to who writes, though Redmine tells them apart.
func TestDeletedAndHidden(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	gone, hidden := file(t, c, draft(1)), file(t, c, draft(2))
	for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		if status := raw(t, s, robotKey, http.MethodDelete, "/issues/"+gone.ID+".json", "", nil); status != want {
			t.Errorf("deleting: HTTP %d, want %d", status, want)
		}
	}
	s.Ruby(t, `p = Project.find_by(identifier: "other") || Project.create!(name: "Other", identifier: "other", is_public: false)
		Issue.find(`+hidden.ID+`).update_column(:project_id, p.id); 1`, nil)
	if status := raw(t, s, robotKey, http.MethodGet, "/issues/"+hidden.ID+".json", "", nil); status != http.StatusForbidden {
		t.Errorf("of a hidden issue Redmine says HTTP %d", status)
	}
	for _, issue := range []tracker.Issue{gone, hidden} {
		if _, err := c.Update(t.Context(), issue.ID, tracker.Set(tracker.Change{Op: "a", Status: tracker.Done})); tracker.KindOf(err) != tracker.Missing {
			t.Errorf("%s: %v", issue.Key, err)
		}
	}
	if some, err := c.Fetch(t.Context(), []string{gone.ID, hidden.ID}); err != nil || len(some) != 0 {
		t.Errorf("fetched %+v, %v", some, err)
	}
}

// A move keeps the number: a ticket is found wherever it goes.
func TestMovedIssues(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	s.Ruby(t, `p = Project.create!(name: "Moved", identifier: "moved", is_public: false, trackers: Tracker.all.to_a, issue_custom_fields: IssueCustomField.all.to_a)
		Member.create!(project: p, principal: User.find_by_login("robot"), roles: [Role.find_by!(name: "Manager")]); 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `Project.find_by(identifier: "moved").destroy; 1`, nil) })
	if status := raw(t, s, robotKey, http.MethodPut, "/issues/"+made.ID+".json", `{"issue":{"project_id":"moved"}}`, nil); status != http.StatusNoContent {
		t.Fatalf("HTTP %d", status)
	}
	found, err := c.Find(t.Context(), []tracker.Sought{{Marker: made.Marker, Project: "finops"}})
	if err != nil || len(found) != 1 || found[0].ID != made.ID || found[0].Project != "moved" {
		t.Errorf("%+v, %v", found, err)
	}
	if got := update(t, c, made.ID, tracker.Change{Op: "a", Status: tracker.Done}); got.Status != tracker.Done {
		t.Errorf("%+v", got)
	}
}

// A stripped marker or origin loses what it held and nothing else.
func TestStrippedFields(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	made := file(t, c, draft(1))
	s.Ruby(t, `Issue.find(`+made.ID+`).custom_values.where(custom_field_id: [`+fmt.Sprint(fields.Marker, ",", fields.Origin)+`]).update_all(value: "mine"); 1`, nil)
	got := update(t, c, made.ID, tracker.Change{Op: "a", AddLabels: []string{"urgent"}})
	if got.Marker != "" || got.Op != "" || !slices.Equal(got.Labels, []string{"mine", "urgent"}) {
		t.Errorf("%+v", got)
	}
}
