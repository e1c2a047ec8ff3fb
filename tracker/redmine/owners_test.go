package redmine_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine/redminetest"
)

// hideMail has all people hide their e-mails, as new accounts do.
func hideMail(t *testing.T, s *redminetest.Server) {
	t.Helper()
	s.Ruby(t, `UserPreference.find_each { |p| p.update!(hide_mail: true) }; 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `UserPreference.find_each { |p| p.update!(hide_mail: false) }; 1`, nil) })
}

func TestOwners(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	for n, name := range []string{"ann@example.com", "ANN", "Ann Test"} {
		d := draft(n)
		d.Assignee = name
		if made := file(t, c, d); made.Assignee != "ann@example.com" {
			t.Errorf("%q is shown as %q", name, made.Assignee)
		}
	}
}

// Where the account may not see e-mails, a mapping names the owner, both ways.
func TestHiddenOwners(t *testing.T) {
	s := site(t)
	hideMail(t, s)
	cfg := configOf(s)
	d := draft(1)
	d.Assignee = "ann@example.com"
	result := fileNoted(t, open(t, cfg), d)
	if contains(t, strings.Join(result.Notes, ""), "ann@example.com", "users"); result.Issue.Assignee != "" {
		t.Errorf("%+v", result.Issue)
	}
	d.Assignee = "ann"
	if made := file(t, open(t, cfg), d); made.Assignee != "ann" {
		t.Errorf("by login it is shown as %q", made.Assignee)
	}
	cfg.Users = map[string]string{"ann@example.com": "ann", "platform": "Ben Test"}
	for name, person := range map[string]string{"ann@example.com": "Ann Test", "platform": "Ben Test"} {
		d.Assignee = name
		made := file(t, open(t, cfg), d)
		if is := look(t, s, made.ID).Issue.Assignee; made.Assignee != name || is == nil || is.Name != person {
			t.Errorf("%s: %+v", name, made)
		}
	}
	cfg = configOf(s)
	cfg.Key = adminKey // who sees all e-mails, and can ask for one
	d.Assignee = "ben@example.com"
	if made := file(t, open(t, cfg), d); made.Assignee != d.Assignee {
		t.Errorf("the administrator sees %q", made.Assignee)
	}
}

// Two of one name: better nobody than the wrong one.
func TestOwnersOfOneName(t *testing.T) {
	s := site(t)
	s.Ruby(t, `$double = member("ann2", "Ann", "Developer"); 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `$double.destroy; 1`, nil) })
	d := draft(1)
	d.Assignee = "Ann Test"
	if result := fileNoted(t, open(t, configOf(s)), d); result.Issue.Assignee != "" || len(result.Notes) != 1 {
		t.Errorf("%+v", result)
	}
}

func TestGroupsAreOwners(t *testing.T) {
	s := site(t)
	s.Ruby(t, `Setting.issue_group_assignment = "1"; $group = Group.create!(name: "Platform")
		Member.create!(project: $finops, principal: $group, roles: [Role.find_by!(name: "Developer")]); 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `Issue.delete_all; $group.destroy; Setting.issue_group_assignment = "0"; 1`, nil) })
	d := draft(1)
	d.Assignee = "platform"
	c := open(t, configOf(s))
	made := file(t, c, d)
	if made.Assignee != "Platform" {
		t.Errorf("%+v", made)
	}
	same := "Platform"
	if again := update(t, c, made.ID, tracker.Change{Op: "a", Assignee: &same}); again.Assignee != same {
		t.Errorf("%+v", again)
	}
}

func TestChangingTheOwner(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	id := file(t, c, draft(1)).ID
	ben, nobody, stranger := "ben@example.com", "", "stranger@example.com"
	if got := update(t, c, id, tracker.Change{Op: "a", Assignee: &ben}); got.Assignee != ben {
		t.Errorf("%+v", got)
	}
	summary := "Other"
	_, err := c.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "b", Assignee: &stranger, Summary: &summary}))
	if tracker.KindOf(err) != tracker.Rejected {
		t.Fatal(err)
	}
	if got := update(t, c, id, tracker.Change{Op: "c", Assignee: &nobody}); got.Assignee != "" || got.Summary == summary {
		t.Errorf("%+v", got)
	}
}

// An administrator may act for others: the note is theirs.
func TestSwitchingUsers(t *testing.T) {
	s := site(t)
	made := file(t, open(t, configOf(s)), draft(1))
	cfg := configOf(s)
	cfg.Key, cfg.HTTP = adminKey, &http.Client{Transport: as("ben")}
	update(t, open(t, cfg), made.ID, tracker.Change{Op: "a", Comment: "Said by another."})
	var author string
	if s.Ruby(t, fmt.Sprintf(`Issue.find(%s).journals.last.user.login`, made.ID), &author); author != "ben" {
		t.Errorf("the author is %q", author)
	}
}

type as string

func (login as) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("X-Redmine-Switch-User", string(login))
	return http.DefaultTransport.RoundTrip(req)
}
