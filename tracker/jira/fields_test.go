package jira_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// extra are fields beside the usual ones, as create metadata shows them.
var extra = []string{
	`{"fieldId":"priority","key":"priority","name":"Priority","required":false,"operations":["set"],"schema":{"type":"priority","system":"priority"},"allowedValues":[{"id":"1","name":"High"},{"id":"2","name":"Low"}]}`,
	`{"fieldId":"components","key":"components","name":"Components","required":false,"operations":["set"],"schema":{"type":"array","items":"component","system":"components"},"allowedValues":[{"id":"11","name":"Cloud"},{"id":"12","name":"Data"}]}`,
	`{"fieldId":"duedate","key":"duedate","name":"Due date","required":false,"operations":["set"],"schema":{"type":"date","system":"duedate"}}`,
	`{"fieldId":"parent","key":"parent","name":"Parent","required":false,"operations":["set"],"schema":{"type":"issuelink","system":"parent"}}`,
	custom(1, "Team", `"type":"option"`, `,"allowedValues":[{"id":"21","value":"Blue"},{"id":"22","value":"Red"}]`),
	custom(2, "Areas", `"type":"array","items":"option"`, `,"allowedValues":[{"id":"31","value":"A"},{"id":"32","value":"B"}]`),
	custom(3, "Saving", `"type":"number"`, ""),
	custom(4, "Steps", `"type":"string","custom":"com.atlassian.jira.plugin.system.customfieldtypes:textarea"`, ""),
	custom(5, "Code", `"type":"string","custom":"com.atlassian.jira.plugin.system.customfieldtypes:textfield"`, ""),
	custom(6, "Tags", `"type":"array","items":"string"`, ""),
	custom(7, "Approver", `"type":"user"`, ""),
	custom(8, "Review", `"type":"datetime"`, ""),
	custom(9, "Odd", `"type":"sd-request"`, ""),
	custom(10, "Twin", `"type":"string"`, ""),
	custom(11, "twin", `"type":"string"`, ""),
}

func custom(n int, name, schema, more string) string {
	return fmt.Sprintf(`{"fieldId":"customfield_%d","key":"customfield_%d","name":%q,"required":false,"operations":["set"],"schema":{%s}%s}`, n, n, name, schema, more)
}

// form is a Jira that takes every creation and remembers its fields.
type form struct {
	*httptest.Server
	client  *jira.Client
	clock   *clock.Manual
	fields  []map[string]any
	calls   []string
	answers []string // to creations, in order; then all succeed
}

func newForm(t *testing.T, more ...string) *form {
	f := &form{clock: clock.At(time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC))}
	inner := screened(f.answer, more...)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.calls = append(f.calls, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/rest/api/3/"))
		w.Header().Set("Content-Type", "application/json")
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	var err error
	f.client, err = jira.New(jira.Config{URL: f.URL, Email: email, Token: token, Now: f.clock.Now, HTTP: &http.Client{Transport: checked(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.Close)
	return f
}

func (f *form) answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/issue/bulk"):
		var body struct {
			Updates []struct{ Fields map[string]any } `json:"issueUpdates"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		f.fields = nil
		refs := []string{}
		for i, u := range body.Updates {
			f.fields = append(f.fields, u.Fields)
			refs = append(refs, fmt.Sprintf(`{"id":"%d","key":"FIN-%d","self":"http://x/%d"}`, i+1, i+1, i+1))
		}
		if len(f.answers) > 0 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, f.answers[0])
			f.answers = f.answers[1:]
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"issues":[`+strings.Join(refs, ",")+`],"errors":[]}`)
	case strings.HasSuffix(r.URL.Path, "/field"):
		_, _ = io.WriteString(w, `[{"id":"customfield_77","key":"customfield_77","name":"Elsewhere","custom":true,"schema":{"type":"string"}}]`)
	case strings.HasSuffix(r.URL.Path, "/assignable/search"):
		users := `[]`
		if q := r.URL.Query().Get("query"); strings.HasPrefix(q, "ann@") {
			users = `[{"accountId":"acc-ann","emailAddress":"ann@example.com","displayName":"Ann"}]`
		}
		_, _ = io.WriteString(w, users)
	default:
		_, _ = io.WriteString(w, `{"issues":[],"issueErrors":[]}`)
	}
}

// TestFields: what boards say by name arrives as Jira wants it.
func TestFields(t *testing.T) {
	tests := []struct {
		name  string
		edit  func(*tracker.Draft)
		field string
		want  string // JSON of the field; "" if it is left out
		words string // of the note, or with fatal of the error
		fatal bool
	}{
		{"priority", func(d *tracker.Draft) { d.Priority = "high" }, "priority", `{"id":"1"}`, "", false},
		{"priority that is not there", func(d *tracker.Draft) { d.Priority = "Urgent" }, "", "", `"Urgent" is not allowed`, false},
		{"components", func(d *tracker.Draft) { d.Components = []string{"Data", "Cloud"} }, "components", `[{"id":"12"},{"id":"11"}]`, "", false},
		{"component that is not there", func(d *tracker.Draft) { d.Components = []string{"Net"} }, "", "", `project FIN, type Task: the field "Components": "Net" is not allowed; it allows: Cloud, Data`, true},
		{"due", func(d *tracker.Draft) { d.Due = time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC) }, "duedate", `"2026-10-31"`, "", false},
		{"parent", func(d *tracker.Draft) { d.Parent = "FIN-9" }, "parent", `{"key":"FIN-9"}`, "", false},
		{"option", set("Team", "blue"), "customfield_1", `{"id":"21"}`, "", false},
		{"by id", set("customfield_1", "Red"), "customfield_1", `{"id":"22"}`, "", false},
		{"options", set("areas", []string{"A", "B"}), "customfield_2", `[{"id":"31"},{"id":"32"}]`, "", false},
		{"one of options", set("Areas", "B"), "customfield_2", `[{"id":"32"}]`, "", false},
		{"option that is not there", set("Team", "Green"), "", "", `"Green" is not allowed; it allows: Blue, Red`, true},
		{"number", set("Saving", 30.5), "customfield_3", `30.5`, "", false},
		{"number as text", set("Saving", "30"), "customfield_3", `30`, "", false},
		{"no number", set("Saving", "much"), "", "", `"much" is no number`, true},
		{"long text", set("Steps", "*a*"), "customfield_4", `{"content":[{"content":[{"marks":[{"type":"em"}],"text":"a","type":"text"}],"type":"paragraph"}],"type":"doc","version":1}`, "", false},
		{"short text", set("Code", "a\n b"), "customfield_5", `"a b"`, "", false},
		{"texts", set("Tags", []any{"x y", "z"}), "customfield_6", `["x-y","z"]`, "", false},
		{"user", set("Approver", "ann@example.com"), "customfield_7", `{"accountId":"acc-ann"}`, "", false},
		{"unknown user", set("Approver", "bob@example.com"), "customfield_7", "", `no single account for the owner "bob@example.com"`, false},
		{"time", set("Review", "2026-09-01T08:00:00Z"), "customfield_8", `"2026-09-01T08:00:00.000+0000"`, "", false},
		{"a kind we do not know", set("Odd", "x"), "", "", `fields of the kind "sd-request"`, true},
		{"two of a name", set("Twin", "x"), "customfield_10", "", "several fields", false},
		{"not on the screen", set("Elsewhere", "x"), "customfield_77", "", "it is not on the create screen of Task in project FIN", false},
		{"nowhere", set("Nowhere", "x"), "", "", "the site has no field of this name", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newForm(t, extra...)
			d := draft(1)
			test.edit(&d)
			results, err := f.client.Create(t.Context(), []tracker.Draft{d, draft(2)})
			if err != nil || results[1].Err != nil {
				t.Fatal(err, results)
			}
			if test.fatal {
				judged(t, results[0].Err, tracker.Rejected, test.words, "not sent")
				if len(f.fields) != 1 {
					t.Errorf("%d drafts were sent", len(f.fields))
				}
				return
			}
			value, sent := f.fields[0][test.field]
			got, _ := json.Marshal(value)
			if sent != (test.want != "") || sent && string(got) != test.want {
				t.Errorf("sent %v: %s, want %s", sent, got, test.want)
			}
			if !strings.Contains(strings.Join(results[0].Notes, "; "), test.words) {
				t.Errorf("notes %q", results[0].Notes)
			}
		})
	}
}

func set(name string, value any) func(*tracker.Draft) {
	return func(d *tracker.Draft) { d.Fields = map[string]any{name: value} }
}

// TestRequired: a field that a project demands is named before anything is sent.
func TestRequired(t *testing.T) {
	team := strings.Replace(extra[4], `"required":false`, `"required":true`, 1)
	f := newForm(t, team)
	results, err := f.client.Create(t.Context(), []tracker.Draft{draft(1)})
	if err != nil {
		t.Fatal(err)
	}
	judged(t, results[0].Err, tracker.Rejected, `a new Task in project FIN needs the field "Team"`, "give it a value among the fields of the board")
	d := draft(1)
	d.Fields = map[string]any{"Team": "Red"}
	if results, err = f.client.Create(t.Context(), []tracker.Draft{d}); err != nil || results[0].Err != nil {
		t.Error(err, results)
	}
	// A default of Jira's will do.
	f = newForm(t, strings.Replace(team, `"required":true`, `"required":true,"hasDefaultValue":true`, 1))
	if results, err = f.client.Create(t.Context(), []tracker.Draft{draft(1)}); err != nil || results[0].Err != nil {
		t.Error(err, results)
	}
}

// TestStaleScreen: an option was removed since the screen was read. The ticket goes
// out without it, or is refused where it must have it; then the truth is read.
func TestStaleScreen(t *testing.T) {
	refusal := `{"issues":[],"errors":[{"status":400,"failedElementNumber":0,"elementErrors":{"errorMessages":[],"errors":{"customfield_1":"Option id '21' is not valid"}}}]}`
	meta := func(f *form) int {
		return len(slices.DeleteFunc(slices.Clone(f.calls), func(c string) bool { return !strings.Contains(c, "createmeta") }))
	}
	for _, required := range []bool{false, true} {
		f := newForm(t, strings.Replace(extra[4], `"required":false`, fmt.Sprintf(`"required":%v`, required), 1))
		d := draft(1)
		d.Fields = map[string]any{"Team": "Blue"}
		for range 3 {
			if results, err := f.client.Create(t.Context(), []tracker.Draft{d}); err != nil || results[0].Err != nil {
				t.Fatal(err, results)
			}
		}
		if n := meta(f); n != 2 {
			t.Errorf("%d calls for the screen, want 2", n)
		}
		f.answers = []string{refusal}
		results, err := f.client.Create(t.Context(), []tracker.Draft{d})
		if err != nil {
			t.Fatal(err)
		}
		if required {
			judged(t, results[0].Err, tracker.Rejected, "Option id '21' is not valid")
		} else if results[0].Err != nil || !strings.Contains(strings.Join(results[0].Notes, ""), "the team could not be set: Option id '21'") {
			t.Errorf("%+v", results[0])
		}
		if _, err := f.client.Create(t.Context(), []tracker.Draft{d}); err != nil || meta(f) != 4 {
			t.Errorf("%d calls for the screen, want 4: %v", meta(f), err)
		}
		f.clock.Advance(16 * time.Minute)
		if _, err := f.client.Create(t.Context(), []tracker.Draft{d}); err != nil || meta(f) != 6 {
			t.Errorf("after a quarter of an hour: %d calls, want 6: %v", meta(f), err)
		}
	}
}

// TestForbiddenProject: one project that refuses the account does not stop another.
func TestForbiddenProject(t *testing.T) {
	f := newForm(t)
	f.answers = []string{`{"issues":[],"errors":[{"status":403,"failedElementNumber":0,"elementErrors":{"errorMessages":["No."],"errors":{}}}]}`}
	results, err := f.client.Create(t.Context(), []tracker.Draft{draft(1)})
	if err != nil {
		t.Fatal(err)
	}
	judged(t, results[0].Err, tracker.Forbidden, "No.")
	other := draft(2)
	other.Project = "OPS"
	if results, err = f.client.Create(t.Context(), []tracker.Draft{draft(1), other}); err != nil || results[1].Err != nil || len(f.fields) != 1 {
		t.Fatal(err, results)
	}
	if e := judged(t, results[0].Err, tracker.Forbidden, "not sent", "project FIN has refused"); e.RetryAfter <= 0 {
		t.Errorf("come back after %s", e.RetryAfter)
	}
	f.clock.Advance(2 * time.Minute)
	if results, err = f.client.Create(t.Context(), []tracker.Draft{draft(1)}); err != nil || results[0].Err != nil {
		t.Error(err, results)
	}
}
