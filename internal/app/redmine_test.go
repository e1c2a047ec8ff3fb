package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/tracker/redmine/redminetest"
)

// A Redmine as it is installed lacks what tickets need: check says what, and what to do.
func TestCheckRedmine(t *testing.T) {
	if testing.Short() {
		t.Skip("a Redmine takes a while to start")
	}
	s := redminetest.Start(t)
	defer redminetest.Stop()
	const key = "a000000000000000000000000000000000000000"
	s.Ruby(t, `User.find(1).update!(must_change_passwd: false); Token.create!(user: User.find(1), action: "api").update_column(:value, "`+key+`"); 1`, nil)
	dir := t.TempDir()
	t.Setenv("TT_REDMINE", key)
	file := filepath.Join(dir, "trimtab.yaml")
	text := fmt.Sprintf("apiVersion: trimtab/v1\npacks: [builtin:finops]\ntrackers: [{name: desk, kind: redmine, url: '%s', auth: {token: '${TT_REDMINE}'}}]\n"+
		"boards: [{name: b, tracker: desk, project: finops, status: {done: Finished}}]\nroutes: [{board: b}]\n", s.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(wants ...string) {
		t.Helper()
		plan, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		findings, err := Check(t.Context(), plan, clock.System{})
		if err != nil {
			t.Fatal(err)
		}
		said := fmt.Sprintf("%+v", findings)
		for _, want := range wants {
			if !strings.Contains(said, want) {
				t.Errorf("%s lacks %q", said, want)
			}
		}
		if strings.Contains(said, key) {
			t.Error("the key is told")
		}
	}
	check(`no custom field "Trimtab marker" can be seen`, "Administration, Custom fields")
	s.Ruby(t, `["Trimtab marker", "Trimtab"].each { |n| IssueCustomField.create!(name: n, field_format: "string", is_filter: true, is_for_all: true, trackers: Tracker.all.to_a) }; 1`, nil)
	check(`there is no project "finops"`, "make the account a member")
	s.Ruby(t, `Project.create!(name: "Costs", identifier: "finops", trackers: Tracker.all.to_a); 1`, nil)
	check(`has no tracker "Task"`, "Bug, Feature, Support", `names "Finished" for done`)
}
