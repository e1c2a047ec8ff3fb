package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// rich is a site whose projects have all that a project can have.
func rich(t *testing.T) box {
	cfg := config("")
	cfg.Projects[0] = Project{
		Key: "FIN", Types: []string{"Task", "Epic", "Sub-task"}, Components: []string{"compute", "storage"},
		Fields: []Field{
			{Name: "Team", Kind: Option, Options: []string{"Red", "Blue"}},
			{Name: "Regions", Kind: Options, Options: []string{"eu", "us"}},
			{Name: "Saving", Kind: Number},
			{Name: "Notes", Kind: TextArea},
			{Name: "Approver", Kind: Person},
			{Name: "Code", Kind: Text, Default: "none"},
			{Name: "Until", Kind: Date},
		},
		Required: []string{"customfield_10010", "customfield_10015"},
		Screens:  map[string][]string{"customfield_10012": {"edit"}, "duedate": {"create"}},
		Workflow: Workflow{
			Statuses: []Status{{"Open", "new"}, {"Closed", "done"}},
			Transitions: []Transition{
				{Name: "Close", From: "Open", To: "Closed", Required: []string{"customfield_10016"}, Fields: []string{"assignee"}},
				{Name: "Open", From: "Closed", To: "Open"},
			},
		},
	}
	cfg.Users = append(cfg.Users, User{AccountID: "bob", Email: "bob@example.com", Name: "Bob", Token: "bobs", Username: "bsmith", TimeZone: "Pacific/Kiritimati"})
	return openBox(t, cfg)
}

// team is what FIN wants of every issue.
const team = `"customfield_10010":{"value":"Red"}`

// make creates an issue in FIN with more fields and gives the answer.
func (b box) make(fields string) string {
	b.t.Helper()
	return b.text("POST", "issue", `{"fields":{"project":{"key":"FIN"},"issuetype":{"name":"Task"},"summary":"s"`+fields+`}}`)
}

// TestFields: each kind of field, set in each way that fits and in one that
// does not.
func TestFields(t *testing.T) {
	b := rich(t)
	tests := []struct{ fields, want string }{
		{``, `400 {"errorMessages":[],"errors":{"customfield_10010":"Team is required."}}`},
		{`,"customfield_10010":null`, "Team is required."},
		{`,"customfield_10010":{"value":"Green"}`, "Specify a valid"},
		{`,"customfield_10010":{"id":"` + number("customfield_10010", "Blue") + `"}`, `201 `},
		{"," + team + `,"customfield_10012":5`, "not on the appropriate screen"},
		{"," + team + `,"customfield_10011":[{"value":"eu"},{"value":"mars"}]`, "Specify a valid"},
		{"," + team + `,"customfield_10011":{"value":"eu"}`, "not an array"},
		{"," + team + `,"customfield_10013":"text"`, "Atlassian Document"},
		{"," + team + `,"customfield_10014":{"accountId":"nobody"}`, "not valid for this user picker"},
		{"," + team + `,"customfield_10015":5`, "must be a string"},
		{"," + team + `,"customfield_10015":"` + strings.Repeat("x", 256) + `"`, "too long"},
		{"," + team + `,"customfield_10016":"tomorrow"`, "Error parsing date"},
		{"," + team + `,"components":[{"name":"network"}]`, "Component name 'network' is not valid"},
		{"," + team + `,"duedate":"2026-02-30"`, "Error parsing date"},
		{"," + team + `,"parent":{"key":"FIN-99"}`, "Could not find issue"},
		{"," + team + `,"customfield_99":1`, "or unknown"},
		{"," + team + `,"customfield_10011":[{"value":"us"},{"value":"eu"}],"customfield_10014":{"accountId":"bob"},"duedate":"2026-10-01",` +
			`"components":[{"name":"storage"},{"id":"` + number("componentFIN", "compute") + `"}],"customfield_10016":"2026-12-31",` +
			`"customfield_10013":{"type":"doc","version":1,"content":[]}`, "201 "},
	}
	for _, test := range tests {
		if got := b.make(test.fields); !strings.Contains(got, test.want) {
			t.Errorf("%s\nis %s", test.fields, got)
		}
	}
	made := b.text("GET", "issue/FIN-2", "")
	for _, want := range []string{
		`"customfield_10015":"none"`, `"value":"eu"`, `"displayName":"Bob"`, `"duedate":"2026-10-01"`, `"name":"compute"`, `"customfield_10012":null`,
	} {
		if !strings.Contains(made, want) {
			t.Errorf("no %s in %s", want, made)
		}
	}
}

// TestVerbs: lists are changed without knowing the rest of them.
func TestVerbs(t *testing.T) {
	b := rich(t)
	b.make("," + team + `,"customfield_10011":[{"value":"us"}],"components":[{"name":"storage"}]`)
	for _, body := range []string{
		`{"update":{"components":[{"add":{"name":"compute"}},{"remove":{"name":"storage"}}],"customfield_10011":[{"add":{"value":"eu"}}],"priority":[{"set":{"name":"High"}}]}}`,
		`{"fields":{"customfield_10012":12.5},"update":{"comment":[{"add":{"body":{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"hi"}]}]}}}]}}`,
	} {
		if got := b.text("PUT", "issue/FIN-1?returnIssue=true", body); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, `"key":"FIN-1"`) {
			t.Error(got)
		}
	}
	i, _ := b.Get("FIN-1")
	if fmt.Sprint(i.Components) != "[compute]" || string(i.Custom["customfield_10011"]) != `["eu","us"]` || i.Priority != "High" || len(i.Comments) != 1 || string(i.Custom["customfield_10012"]) != "12.5" {
		t.Errorf("%+v", i)
	}
	for _, body := range []string{
		`{"update":{"priority":[{"add":{"name":"High"}}]}}`, `{"update":{"customfield_10011":[{"add":{"value":"mars"}}]}}`, `{"fields":{"duedate":"2026-10-01"}}`,
		`{"update":{"comment":[{"remove":{"id":"1"}}]}}`, `{"update":{"issuelinks":[{"add":{"type":{"name":"Blocks"},"outwardIssue":{"key":"FIN-77"}}}]}}`,
	} {
		if got := b.text("PUT", "issue/FIN-1", body); !strings.HasPrefix(got, "400 ") {
			t.Errorf("%s: %s", body, got)
		}
	}
	if again, _ := b.Get("FIN-1"); again.Updated != i.Updated {
		t.Error("a refused edit left a trace")
	}
}

// TestScreens: what createmeta, editmeta and transitions tell is what
// creations, edits and transitions then ask.
func TestScreens(t *testing.T) {
	b := rich(t)
	typeID := number("issuetype", "Task")
	all := b.text("GET", "issue/createmeta/FIN/issuetypes/"+typeID, "")
	for _, want := range []string{`"fieldId":"customfield_10010"`, `"value":"Blue"`, `"hasDefaultValue":true`, `"operations":["add","set","remove"]`, `"custom":"com.atlassian.jira.plugin.system.customfieldtypes:select"`} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
	if strings.Contains(all, "customfield_10012") {
		t.Error("a field of the edit screen alone is on that of creations")
	}
	_, page := b.ask("GET", "issue/createmeta/FIN/issuetypes/"+typeID+"?startAt=16&maxResults=5", "")
	if len(page["fields"].([]any)) != 1 || page["total"] != 17.0 {
		t.Errorf("%v", page)
	}
	b.make("," + team)
	if meta := b.text("GET", "issue/FIN-1/editmeta", ""); !strings.Contains(meta, "customfield_10012") || strings.Contains(meta, "duedate") {
		t.Error(meta)
	}
	if list := b.text("GET", "issue/FIN-1/transitions?expand=transitions.fields", ""); !strings.Contains(list, `"customfield_10016":{`) || !strings.Contains(list, `"required":true`) {
		t.Error(list)
	}
	for body, want := range map[string]string{
		`{"transition":{"id":"11"}}`: "Until is required.",
		`{"transition":{"id":"11"},"fields":{"customfield_10016":"2026-12-31","summary":"x"}}`:                "not on the appropriate screen",
		`{"transition":{"id":"11"},"fields":{"customfield_10016":"2026-12-31","resolution":{"name":"Nope"}}}`: "not valid",
	} {
		if got := b.text("POST", "issue/FIN-1/transitions", body); !strings.HasPrefix(got, "400 ") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
	b.text("POST", "issue/FIN-1/transitions", `{"transition":{"id":"11"},"fields":{"customfield_10016":"2026-12-31","assignee":{"accountId":"bob"}}}`)
	if i, _ := b.Get("FIN-1"); i.Status != "Closed" || i.Assignee != "bob" || i.Resolution != "Done" {
		t.Errorf("%+v", i)
	}
	if fields := b.text("GET", "field", ""); !strings.Contains(fields, `"name":"Regions"`) || !strings.Contains(fields, `"customId":10011`) {
		t.Error(fields)
	}
}

// TestInlineTransition: a creation can take its first step with it.
func TestInlineTransition(t *testing.T) {
	b := openBox(t, config(""))
	for id, want := range map[string]int{"11": http.StatusCreated, "21": http.StatusBadRequest} {
		status, answer := b.ask("POST", "issue/bulk", `{"issueUpdates":[{"fields":{"project":{"key":"FIN"},"issuetype":{"name":"Task"},"summary":"s"},"transition":{"id":"`+id+`"}}]}`)
		if status != want {
			t.Errorf("%s: HTTP %d: %v", id, status, answer)
		}
	}
	if i := b.Issues(""); len(i) != 1 || i[0].Status != "In Progress" {
		t.Errorf("%+v", i)
	}
}

// TestParents: sub-tasks need one, and all that have one show it.
func TestParents(t *testing.T) {
	b := rich(t)
	b.make("," + team)
	sub := `{"fields":{"project":{"key":"FIN"},"issuetype":{"name":"Sub-task"},"summary":"s",` + team
	if got := b.text("POST", "issue", sub+`}}`); !strings.Contains(got, "parent issue key or id not specified") {
		t.Error(got)
	}
	if got := b.text("POST", "issue", sub+`,"parent":{"key":"FIN-1"}}}`); !strings.HasPrefix(got, "201 ") {
		t.Error(got)
	}
	if got := b.text("GET", "issue/FIN-2?fields=parent,issuetype", ""); !strings.Contains(got, `"parent":{"fields"`) || !strings.Contains(got, `"subtask":true`) {
		t.Error(got)
	}
}
