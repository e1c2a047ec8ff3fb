package redmine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine"
	"github.com/trimtab/trimtab/tracker/redmine/redminetest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	redminetest.Stop()
	os.Exit(code)
}

const (
	installation = "tt-installation-test"
	adminKey     = "a000000000000000000000000000000000000000"
	robotKey     = "b000000000000000000000000000000000000000" // a manager of the project
	benKey       = "d000000000000000000000000000000000000000" // a developer
	reporterKey  = "c000000000000000000000000000000000000000" // may add issues and notes
)

var target = tracker.Target{Project: "finops", Type: "Feature"}

// people makes a Redmine as an administrator would: accounts, a project, our fields.
const people = `
def member(login, first, role, key = nil)
  u = User.new(firstname: first, lastname: "Test", mail: "#{login}@example.com", language: "en")
  u.login, u.password = login, "hush/hush@50%"
  u.save!
  u.pref.update!(hide_mail: false)
  Token.create!(user: u, action: "api", value: key).update_column(:value, key) if key
  Member.create!(project: $finops, principal: u, roles: [Role.find_by!(name: role)])
  u
end
def field(name, format = "string", **more)
  IssueCustomField.create!(name: name, field_format: format, is_filter: true, trackers: Tracker.all.to_a, projects: [$finops], **more)
end
$finops = Project.create!(name: "Cloud costs", identifier: "finops", is_public: false, trackers: Tracker.all.to_a)
$finops.issue_categories.create!(name: "Compute")
Token.create!(user: User.find(1), action: "api").update_column(:value, "` + adminKey + `")
User.find(1).update!(must_change_passwd: false)
member("robot", "Robot", "Manager", "` + robotKey + `")
member("rita", "Rita", "Reporter", "` + reporterKey + `")
member("ann", "Ann", "Developer")
member("ben", "Ben", "Developer", "` + benKey + `")
$other = Project.create!(name: "Others", identifier: "ops", is_public: false, trackers: Tracker.all.to_a)
%w(robot ben).each { |login| Member.create!(project: $other, principal: User.find_by_login(login), roles: [Role.find_by!(name: "Manager")]) }
{ marker: field("Trimtab marker").id, origin: field("Trimtab").id, cost: field("Cost centre").id, back: field("Recommendation", "link").id }
`

var fields struct{ Marker, Origin, Cost, Back int }

var prepare sync.Once

// site gives the Redmine of the package's tests, without issues.
func site(t *testing.T) *redminetest.Server {
	t.Helper()
	s := redminetest.Start(t)
	prepare.Do(func() { s.Ruby(t, people, &fields) })
	s.Empty(t)
	return s
}

func configOf(s *redminetest.Server) redmine.Config {
	return redmine.Config{URL: s.URL, Key: robotKey}
}

func open(t *testing.T, cfg redmine.Config) *redmine.Client {
	t.Helper()
	c, err := redmine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func draft(n int) tracker.Draft {
	return tracker.Draft{
		Target: target, Marker: trimtab.MarkerOf(installation, trimtab.Key(fmt.Sprint("key", n)), 1), Installation: installation,
		Op: fmt.Sprint("op-", n), Summary: fmt.Sprint("Stop idle VM ", n), Description: "It does nothing.", Labels: []string{"finops"},
	}
}

// file files one draft without a note.
func file(t *testing.T, c *redmine.Client, d tracker.Draft) tracker.Issue {
	t.Helper()
	result := fileNoted(t, c, d)
	if len(result.Notes) > 0 {
		t.Errorf("notes: %q", result.Notes)
	}
	return result.Issue
}

func fileNoted(t *testing.T, c *redmine.Client, d tracker.Draft) tracker.Result {
	t.Helper()
	results, err := c.Create(t.Context(), []tracker.Draft{d})
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Err != nil {
		t.Fatal(results[0].Err)
	}
	return results[0]
}

func update(t *testing.T, c *redmine.Client, id string, change tracker.Change) tracker.Issue {
	t.Helper()
	issue, err := c.Update(t.Context(), id, tracker.Set(change))
	if err != nil {
		t.Fatalf("%+v: %v", change, err)
	}
	return issue
}

// issues are what has changed, without the time.
func issues(changes tracker.Changes, err error) ([]tracker.Issue, error) { return changes.Issues, err }

// raw sends a request as it is, past the client; key may be anybody's.
func raw(t *testing.T, s *redminetest.Server, key, method, path, body string, out any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Redmine-API-Key", key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		t.Fatalf("%s: %v: %.300s", path, err, text)
	}
	return resp.StatusCode
}

func contains(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q lacks %q", text, word)
		}
	}
}
