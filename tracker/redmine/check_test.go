package redmine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine"
)

// said is the text of problems, fatal ones marked.
func said(t *testing.T, c *redmine.Client, drafts ...tracker.Draft) string {
	t.Helper()
	problems, err := c.Check(t.Context(), drafts)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%t %s: %s\n", p.Fatal, p.Message, p.Next)
	}
	return b.String()
}

func TestCheckTheKey(t *testing.T) {
	s := site(t)
	cfg := configOf(s)
	cfg.Key = "0123"
	c := open(t, cfg)
	contains(t, said(t, c), "true Redmine refuses the key", "REST API")
	if _, err := c.Create(t.Context(), []tracker.Draft{draft(1)}); tracker.KindOf(err) != tracker.Unauthorized {
		t.Error(err)
	}
}

func TestCheckPermissions(t *testing.T) {
	s := site(t)
	cfg := configOf(s)
	if text := said(t, open(t, cfg), draft(1)); text != "" {
		t.Error(text)
	}
	cfg.Key = reporterKey
	contains(t, said(t, open(t, cfg), draft(1)), "false the account rita lacks the permission edit_issues in the project finops", "Reporter")
	cfg.Key = adminKey
	if text := said(t, open(t, cfg), draft(1)); text != "" {
		t.Error(text)
	}
	s.Ruby(t, `$finops.update!(is_public: true); $robot = Member.find_by(user_id: User.find_by_login("robot").id); $robot.destroy; 1`, nil)
	t.Cleanup(func() {
		s.Ruby(t, `$finops.update!(is_public: false); Member.create!(project: $finops, principal: User.find_by_login("robot"), roles: [Role.find_by!(name: "Manager")]); 1`, nil)
	})
	cfg.Key = robotKey
	contains(t, said(t, open(t, cfg), draft(1)), "no member of the project finops")
}

func TestCheckTargets(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	d := draft(1)
	d.Type, d.Priority, d.Components = "Epic", "Whatever", []string{"None"}
	text := said(t, c, d)
	contains(t, text, `true the project finops has no tracker "Epic": it has: Bug, Feature, Support`, `false there is no priority "Whatever": Redmine has: Low, Normal`, `false the project finops has no category "None"`)
	results, err := c.Create(t.Context(), []tracker.Draft{d})
	if err != nil || results[0].Err == nil || results[0].Err.Kind != tracker.Rejected {
		t.Errorf("%+v, %v", results, err)
	}
	s.Ruby(t, `$finops.close; 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `$finops.reopen; 1`, nil) })
	contains(t, said(t, c, draft(1)), "true the project finops is closed or archived")
}

// Which fields are ours is found by name where that can be seen, else said by number.
func TestCheckFields(t *testing.T) {
	s := site(t)
	file(t, open(t, configOf(s)), draft(1))
	cfg := configOf(s)
	cfg.Marker = "No such"
	contains(t, said(t, open(t, cfg), draft(1)), `true`, `no custom field "No such" can be seen`, "configure its number", "Administration, Custom fields")

	s.Ruby(t, `Issue.delete_all; CustomField.find_each { |f| f.update!(is_for_all: true); f.projects = [] }; 1`, nil)
	t.Cleanup(func() {
		s.Ruby(t, `CustomField.find_each { |f| f.update!(is_for_all: false); f.projects = [$finops] }; 1`, nil)
	})
	cfg = configOf(s)
	contains(t, said(t, open(t, cfg), draft(1)), `no custom field "Trimtab marker" can be seen`)
	cfg.Marker, cfg.Origin = fmt.Sprint(fields.Marker), fmt.Sprint(fields.Origin)
	numbered := open(t, cfg)
	if text := said(t, numbered, draft(1)); text != "" {
		t.Error(text)
	}
	file(t, numbered, draft(1))
	// The issue shows the names that nothing else does.
	if text := said(t, open(t, configOf(s)), draft(1)); text != "" {
		t.Error(text)
	}
	cfg = configOf(s)
	cfg.Key = adminKey
	if text := said(t, open(t, cfg), draft(1)); text != "" {
		t.Error(text)
	}
}
