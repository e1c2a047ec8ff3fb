package jira_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// company is a site that lacks much of what its boards want.
func company(denied ...string) http.HandlerFunc {
	inner := screened(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch path := strings.TrimPrefix(r.URL.Path, "/rest/api/3/"); path {
		case "myself":
			_, _ = io.WriteString(w, `{"accountId":"me","displayName":"Me"}`)
		case "mypermissions":
			var all []string
			for _, name := range strings.Split(q.Get("permissions"), ",") {
				all = append(all, fmt.Sprintf(`%q:{"key":%q,"havePermission":%v}`, name, name, !slices.Contains(denied, name)))
			}
			_, _ = io.WriteString(w, `{"permissions":{`+strings.Join(all, ",")+`}}`)
		case "project/FIN/statuses":
			_, _ = io.WriteString(w, `[{"id":"1","name":"Task","self":"http://x","subtask":false,"statuses":[{"name":"Backlog","statusCategory":{"key":"new"}},{"name":"Closed","statusCategory":{"key":"done"}}]}]`)
		case "resolution":
			_, _ = io.WriteString(w, `[{"id":"1","name":"Done"},{"id":"2","name":"Won't Do"}]`)
		case "user/assignable/search":
			users := `[]`
			if q.Get("accountId") == "acc-ann" {
				users = `[{"accountId":"acc-ann","displayName":"Ann"}]`
			}
			_, _ = io.WriteString(w, users)
		case "search/jql":
			_, _ = io.WriteString(w, `{"issues":[{"id":"1","key":"FIN-1","fields":{"status":{"name":"Backlog"}}}],"isLast":true}`)
		case "issue/1/transitions":
			_, _ = io.WriteString(w, `{"transitions":[]}`)
		case "field":
			_, _ = io.WriteString(w, `[]`)
		default:
			_, _ = io.WriteString(w, `{"key":"FIN"}`)
		}
	}, extra...)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		inner.ServeHTTP(w, r)
	}
}

// TestCheckBoards: all that a site lacks is said before the first ticket is due, each
// with what to do.
func TestCheckBoards(t *testing.T) {
	server := httptest.NewServer(company("CREATE_ISSUES", "LINK_ISSUES", "SCHEDULE_ISSUES"))
	defer server.Close()
	c, err := jira.New(jira.Config{
		URL: server.URL, Email: email, Token: token, HTTP: &http.Client{Transport: checked(t)},
		Status: map[string]map[string]string{"FIN": {"done": "Shipped", "wont_do": "Closed/Nonsense"}},
		Users:  map[string]string{"platform": "acc-ann", "data": "acc-gone"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Fatal problems of the project end its check, so that the drafts come apart.
	problems, err := c.Check(t.Context(), []tracker.Draft{{Target: tracker.Target{Project: "FIN", Type: "Task"}, Due: time.Now()}})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, problems,
		"true the account lacks the permission CREATE_ISSUES in project FIN: no ticket can be filed → grant it",
		"false the account lacks the permission LINK_ISSUES in project FIN: tickets are not linked → grant it",
		"false the account lacks the permission SCHEDULE_ISSUES in project FIN: tickets get no due date → grant it",
		`false project FIN has no status "Shipped", to which done is mapped → its statuses are Backlog, Closed`,
		"false project FIN has no status that means in_progress → map it to one of its statuses: Backlog, Closed",
		`false the site has no resolution "Nonsense", to which wont_do of project FIN is mapped → its resolutions are Done, Won't Do`,
		`false the workflow of project FIN offers this account no transition of FIN-1 out of "Backlog" → check the conditions`,
		`false the owner "data" is mapped to the account "acc-gone", which cannot be assigned in project FIN → map the owner`,
	)
	fine := httptest.NewServer(company())
	defer fine.Close()
	if c, err = jira.New(jira.Config{URL: fine.URL, Email: email, Token: token, HTTP: &http.Client{Transport: checked(t)}}); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	problems, err = c.Check(t.Context(), []tracker.Draft{
		{Target: tracker.Target{Project: "FIN", Type: "Epic"}, Components: []string{"Net"}, Priority: "High"},
		{Target: tracker.Target{Project: "FIN"}, Fields: map[string]any{"Team": "Green", "Nowhere": "x"}, Assignee: "nobody@example.com"},
		{Target: tracker.Target{Project: "FIN", Type: "Story"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, problems,
		"false project FIN has no status that means in_progress → map it",
		`false the workflow of project FIN offers`,
		`true project FIN, type Epic: the field "Components": "Net" is not allowed → it allows: Cloud, Data`,
		`false no single account for the owner "nobody@example.com" can be assigned in project FIN → map the owner`,
		`false the field "Nowhere" could not be set: the site has no field of this name → check its name`,
		`true project FIN, type Task: the field "Team": "Green" is not allowed → it allows: Blue, Red`,
		`true project FIN has no issue type "Story" that this account can create → its types are: Task, Epic`,
	)
}

// holds compares problems with the beginnings of what they should say.
func holds(t *testing.T, problems []tracker.Problem, want ...string) {
	t.Helper()
	for i, p := range problems {
		got := fmt.Sprintf("%v %s → %s", p.Fatal, p.Message, p.Next)
		if i >= len(want) || !strings.HasPrefix(got, want[i]) {
			t.Errorf("problem %d: %s", i+1, got)
		}
	}
	if len(problems) != len(want) {
		t.Errorf("%d problems, want %d", len(problems), len(want))
	}
}

// step is a transition's answer, with a field on its screen.
func step(id, to, category, fields string) string {
	return fmt.Sprintf(`{"id":%q,"name":"Close","to":{"id":"s-%s","name":%q,"statusCategory":{"key":%q}},"fields":{%s}}`, id, to, to, category, fields)
}

// flow is an issue with a workflow of two statuses.
type flow struct {
	status   string
	offered  []string // answers to the look at transitions, in order; the last stays
	taken    []string // bodies of transitions
	refusals int      // of transitions, each after a person has moved the issue
}

func (f *flow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/transitions") && r.Method == http.MethodGet:
		_, _ = io.WriteString(w, `{"transitions":[`+f.offered[0]+`]}`)
		if len(f.offered) > 1 {
			f.offered = f.offered[1:]
		}
	case strings.HasSuffix(r.URL.Path, "/transitions"):
		body, _ := io.ReadAll(r.Body)
		f.taken = append(f.taken, string(body))
		if f.refusals > 0 {
			f.refusals--
			f.status = "Review"
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errorMessages":["It seems that you have tried to perform an illegal workflow operation."],"errors":{}}`)
			return
		}
		f.status = "Closed"
		w.WriteHeader(http.StatusNoContent)
	default:
		category := map[string]string{"Open": "new", "Review": "indeterminate", "Closed": "done"}[f.status]
		_, _ = fmt.Fprintf(w, `{"issues":[{"id":"1","key":"FIN-1","fields":{"status":{"id":"s-%s","name":%q,"statusCategory":{"key":%q}}}}],"issueErrors":[]}`, f.status, f.status, category)
	}
}

// TestTransitionScreens: what a screen demands comes from the configuration, or is
// asked of a person.
func TestTransitionScreens(t *testing.T) {
	team := `"customfield_1":{"name":"Team","required":true,"hasDefaultValue":false,"key":"customfield_1","operations":["set"],"schema":{"type":"option"},"allowedValues":[{"id":"21","value":"Blue"}]}`
	tests := []struct {
		name, fields string
		screens      map[string]any
		want, words  string
	}{
		{"nothing demanded", "", nil, `"transition":{"id":"31"}`, ""},
		{"demanded and given", team, map[string]any{"team": "Blue"}, `"customfield_1":{"id":"21"}`, ""},
		{"demanded and not given", team, nil, "", `the transition "Close" of project FIN: the field "Team" is required; give it a value`},
		{"given and not allowed", team, map[string]any{"Team": "Red"}, "", `"Red" is not allowed; it allows: Blue`},
		{"with a default", strings.Replace(team, `"hasDefaultValue":false`, `"hasDefaultValue":true`, 1), nil, `"transition":{"id":"31"}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &flow{status: "Open", offered: []string{step("31", "Closed", "done", test.fields)}}
			c, err := jira.New(jira.Config{
				URL: newServer(t, f.ServeHTTP), Email: email, Token: token, HTTP: &http.Client{Transport: checked(t)},
				Screens: map[string]map[string]any{"FIN": test.screens},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			_, err = c.Update(t.Context(), "1", tracker.Set(tracker.Change{Op: "a", Status: tracker.Done}))
			if test.words != "" {
				judged(t, err, tracker.Rejected, test.words)
				if len(f.taken) > 0 {
					t.Errorf("sent %q", f.taken)
				}
			} else if err != nil || !strings.Contains(f.taken[0], test.want) {
				t.Errorf("sent %q, %v", f.taken, err)
			}
		})
	}
}

// TestStaleTransition: a person moved the issue between our look and our step. Whether it is
// still to be moved is for the caller to decide, who has not heard of it.
func TestStaleTransition(t *testing.T) {
	f := &flow{status: "Open", refusals: 1, offered: []string{step("31", "Closed", "done", ""), step("41", "Closed", "done", "")}}
	c, err := jira.New(jira.Config{URL: newServer(t, f.ServeHTTP), Email: email, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Update(t.Context(), "1", tracker.Set(tracker.Change{Op: "a", Status: tracker.Done}))
	judged(t, err, tracker.Retry, `somebody has moved it to "Review" meanwhile`)
	if len(f.taken) != 1 {
		t.Errorf("sent %q", f.taken)
	}
	got, err := c.Update(t.Context(), "1", tracker.Set(tracker.Change{Op: "a", Status: tracker.Done}))
	if err != nil || got.Status != tracker.Done || len(f.taken) != 2 || !strings.Contains(f.taken[1], `"41"`) {
		t.Errorf("%+v, %v, sent %q", got, err, f.taken)
	}
}

// TestSwallowedAtCreation: what Jira took and did not keep is told.
func TestSwallowedAtCreation(t *testing.T) {
	f := &form{}
	inner := screened(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/bulkfetch") {
			_, _ = io.WriteString(w, `{"issues":[{"id":"1","key":"FIN-1","fields":{"summary":"x","duedate":null,"components":[{"name":"Data"}]}}],"issueErrors":[]}`)
			return
		}
		f.answer(w, r)
	}, extra...)
	c, err := jira.New(jira.Config{URL: newServer(t, inner.ServeHTTP), Email: email, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := draft(1)
	d.Due, d.Components, d.Parent = time.Now(), []string{"Data"}, "FIN-9"
	results, err := c.Create(t.Context(), []tracker.Draft{d})
	want := []string{"Jira accepted the due date but did not keep it", "Jira accepted the parent but did not keep it"}
	if err != nil || results[0].Err != nil || !slices.Equal(results[0].Notes, want) {
		t.Errorf("%v, %+v", err, results)
	}
}

// TestMappedOwners: whom the configuration names is not looked up.
func TestMappedOwners(t *testing.T) {
	f := newForm(t)
	c, err := jira.New(jira.Config{URL: f.URL, Email: email, Token: token, Users: map[string]string{"platform": "acc-ann"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := draft(1)
	d.Assignee = "platform"
	if results, err := c.Create(t.Context(), []tracker.Draft{d}); err != nil || results[0].Err != nil || slices.Contains(f.calls, "GET user/assignable/search") {
		t.Errorf("%v, %+v, %q", err, results, f.calls)
	}
	if got := fmt.Sprint(f.fields[0]["assignee"]); got != "map[accountId:acc-ann]" {
		t.Errorf("assignee %s", got)
	}
}

// TestClockSkew: a wrong clock is told of and stops nothing.
func TestClockSkew(t *testing.T) {
	s := open(t, nil)
	for skew, want := range map[time.Duration]string{
		0: "", 110 * time.Second: "", 10 * time.Minute: "clock skew: this machine is 10m0s behind Jira", -3 * time.Minute: "clock skew: this machine is 3m0s ahead of Jira",
	} {
		s.sandbox.Skew(skew)
		problems, err := s.client.Check(t.Context(), []tracker.Draft{draft(1)})
		switch {
		case err != nil:
			t.Error(err)
		case want == "" && len(problems) > 0, want != "" && (len(problems) != 1 || problems[0].Message != want || problems[0].Fatal || problems[0].Next == ""):
			t.Errorf("%s: %+v", skew, problems)
		}
	}
}
