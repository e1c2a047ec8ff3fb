package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// wild is a site with something to lose: two issues on FIN, one on OPS, an
// option, an assignee, an app.
func wild(t *testing.T) box {
	cfg := still()
	cfg.Projects[0].Fields = []Field{{Name: "Team", Kind: Option, Options: []string{"Red", "Blue"}}}
	cfg.Projects[0].Types = []string{"Task", "Sub-task"}
	cfg.Apps = []App{{"app", "secret"}}
	b := openBox(t, cfg)
	b.file("FIN", "one", "mark", "other")
	b.file("FIN", "two", "mark")
	b.file("OPS", "three", "mark")
	b.must(b.Assign("FIN-1", "ann", "ann"))
	b.Advance(time.Minute)
	return b
}

// inject injects a fault by its name, changed a little if so wished.
func (b box) inject(name string, change func(*Fault)) {
	b.t.Helper()
	f, err := NamedFault(name)
	b.must(err)
	if change != nil {
		change(&f)
	}
	b.Inject(f)
}

const (
	put    = `{"fields":{"summary":"ours"}}`
	create = `{"fields":{"project":{"key":"FIN"},"issuetype":{"name":"Task"},"summary":"new","labels":["mark"]}}`
	bulk   = `{"issueUpdates":[` + create + `,` + create + `,` + create + `]}`
)

// TestAnswers: faults that one sees in the answer itself. Each comes once; the
// same request after it is answered as ever.
func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name, method, path, body string
		want                     string // of the answer
		summary                  string // of FIN-1 after it
	}{
		{"error-500", "PUT", "issue/FIN-1", put, "500 {", "one"},
		{"error-502", "PUT", "issue/FIN-1", put, "502 <!DOCTYPE", "one"},
		{"error-503", "PUT", "issue/FIN-1", put, "503 {", "one"},
		{"error-503-pause", "PUT", "issue/FIN-1", put, "503 {", "one"},
		{"error-504", "PUT", "issue/FIN-1", put, "504 {", "one"},
		{"limit-burst", "PUT", "issue/FIN-1", put, "429 {", "one"},
		{"limit-issue", "PUT", "issue/FIN-1", put, "429 {", "one"},
		{"limit-global", "PUT", "issue/FIN-1", put, "429 {", "one"},
		{"limit-tenant", "PUT", "issue/FIN-1", put, "429 {", "one"},
		{"limit-zero", "PUT", "issue/FIN-1", put, "429 {", "one"},
		{"limit-bare", "PUT", "issue/FIN-1", put, "429 {", "one"},
		{"unauthorized", "PUT", "issue/FIN-1", put, "401 {", "one"},
		{"bad-request", "PUT", "issue/FIN-1", put, "400 {", "one"},
		{"forbidden", "PUT", "issue/FIN-1", put, "403 {", "one"},
		{"conflict", "PUT", "issue/FIN-1", put, "409 {", "one"},
		{"html", "GET", "issue/FIN-1", "", "200 <!DOCTYPE", "one"},
		{"redirect", "GET", "issue/FIN-1", "", "302 ", "one"},
		{"no-op", "PUT", "issue/FIN-1?returnIssue=true", put, "204 ", "one"},
		{"page-invalid", "POST", "search/jql", `{"jql":"labels = mark","maxResults":1,"nextPageToken":"@"}`, "400 {", "one"},
		{"page-empty", "POST", "search/jql", `{"jql":"labels = mark","maxResults":1}`, `200 {"isLast":false,"issues":[],"nextPageToken"`, "one"},
		{"page-cut", "POST", "search/jql", `{"jql":"labels = mark","maxResults":1}`, `200 {"isLast":true,"issues":[{`, "one"},
		{"blind-labels", "POST", "search/jql", `{"jql":"labels = mark"}`, `200 {"isLast":true,"issues":[]}`, "one"},
		{"stale-index", "POST", "search/jql", `{"jql":"project = FIN"}`, `200 {"isLast":true,"issues":[]}`, "one"},
		{"element-first", "POST", "issue/bulk", bulk, `"failedElementNumber":0}`, "one"},
		{"element-middle", "POST", "issue/bulk", bulk, `"failedElementNumber":1}`, "one"},
		{"element-last", "POST", "issue/bulk", bulk, `"failedElementNumber":2}`, "one"},
		{"element-limited", "POST", "issue/bulk", bulk, `{"status":429,`, "one"},
		{"element-made", "POST", "issue/bulk", bulk, `{"status":500,`, "one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := wild(t)
			if test.name == "page-invalid" {
				_, first := b.ask("POST", "search/jql", `{"jql":"labels = mark","maxResults":1}`)
				test.body = strings.Replace(test.body, "@", first["nextPageToken"].(string), 1)
			}
			healthy := b.text(test.method, test.path, test.body)
			b = wild(t)
			b.inject(test.name, nil)
			if got := b.text(test.method, test.path, test.body); !strings.Contains(got, test.want) || strings.Contains(healthy, test.want) {
				t.Errorf("%s\nwithout the fault %s", got, healthy)
			}
			if i, _ := b.Get("FIN-1"); i.Summary != test.summary {
				t.Errorf("the summary is %q", i.Summary)
			}
			if again := b.text(test.method, test.path, test.body); again != healthy && !strings.HasPrefix(again, "201") {
				t.Errorf("the second time: %s", again)
			}
		})
	}
}

// TestElements: what is refused is not there, and what is only said to be is.
func TestElements(t *testing.T) {
	for name, want := range map[string]int{"element-middle": 2, "element-made": 3} {
		b := wild(t)
		b.inject(name, nil)
		_, answer := b.ask("POST", "issue/bulk", bulk)
		if made := len(b.Issues("FIN")) - 2; made != want || len(answer["issues"].([]any)) != 2 {
			t.Errorf("%s: %d made, %v", name, made, answer)
		}
	}
}

// TestPageRepeat: the token of a page is that of the page itself.
func TestPageRepeat(t *testing.T) {
	b := wild(t)
	body := `{"jql":"labels = mark","maxResults":1,"nextPageToken":"` + "%s" + `"}`
	token := ""
	for range 3 {
		b.inject("page-repeat", nil)
		_, answer := b.ask("POST", "search/jql", fmt.Sprintf(body, token))
		next, _ := answer["nextPageToken"].(string)
		if token != "" && next != token {
			t.Errorf("%q leads to %q", token, next)
		}
		token = next
	}
}

// TestBefall: what happens to an issue or the site while the caller holds its
// answer. The caller asks, then asks again.
func TestBefall(t *testing.T) {
	search := `{"jql":"labels = mark AND project = FIN","fields":["summary"]}`
	for _, test := range []struct{ name, value, method, path, body, before, after string }{
		{"human-edit", "", "GET", "issue/FIN-1?fields=summary", "", `"one"`, `"one (edited)"`},
		{"same-second", "", "GET", "issue/FIN-1?fields=summary,updated", "", `"one","updated":"2026-09-01T08:00:00`, `"one (edited)","updated":"2026-09-01T08:00:00`},
		{"bump", "", "GET", "issue/FIN-1?fields=updated,summary", "", "08:00:00", `"one","updated":"2026-09-01T08:01:00`},
		{"issue-moved", "", "GET", "issue/FIN-1?fields=summary", "", `"key":"FIN-1"`, `"key":"OPS-2"`},
		{"issue-deleted", "", "GET", "issue/FIN-1", "", "200 ", "404 "},
		{"issue-archived", "", "PUT", "issue/FIN-1", `{}`, "204 ", "403 "},
		{"issue-converted", "", "GET", "issue/FIN-1?fields=issuetype,parent", "", `"subtask":false`, `"parent":{`},
		{"label-stripped", "ma", "GET", "issue/FIN-1?fields=labels", "", `["mark","other"]`, `["other"]`},
		{"property-deleted", "", "GET", "issue/FIN-1/properties/trimtab", "", "200 ", "404 "},
		{"automation-comment", "", "PUT", "issue/FIN-1?returnIssue=true", put, "200 ", `"summary":"ours"`},
		{"automation-revert", "", "PUT", "issue/FIN-1", put, "204 ", "204 "},
		{"project-hidden", "", "GET", "issue/FIN-1", "", "200 ", "404 "},
		{"project-read-only", "", "PUT", "issue/FIN-1", `{}`, "204 ", "403 "},
		{"project-archived", "", "POST", "issue", create, "201 ", "valid project is required"},
		{"workflow-changed", "", "GET", "issue/FIN-1?fields=status", "", `"name":"To Do","self"`, `"name":"To Do (new)"`},
		{"transition-absent", "", "GET", "issue/FIN-1/transitions", "", `"name":"Close"`, `"name":"Start"`},
		{"transition-field", "duedate", "POST", "issue/FIN-1/transitions", `{"transition":{"id":"11"}}`, "204 ", "400 "},
		{"field-off-create", "", "POST", "issue", create, "201 ", "not on the appropriate screen"},
		{"field-off-edit", "", "PUT", "issue/FIN-1", `{"update":{"labels":[{"add":"x"}]}}`, "204 ", "not on the appropriate screen"},
		{"option-removed", "", "PUT", "issue/FIN-1", `{"fields":{"customfield_10010":{"value":"Red"}}}`, "204 ", "Specify a valid"},
		{"user-deactivated", "", "GET", "issue/FIN-1?fields=assignee", "", `"active":true`, `"active":false`},
		{"token-revoked", "", "GET", "issue/FIN-1", "", "200 ", "401 "},
		{"human-edit", "", "POST", "search/jql", search, `"summary":"one"`, "(edited)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := wild(t)
			b.inject(test.name, func(f *Fault) { f.Value = test.value })
			if got := b.text(test.method, test.path, test.body); !strings.Contains(got, test.before) {
				t.Errorf("first: %s", got)
			}
			got := b.text(test.method, test.path, test.body)
			if test.name == "transition-absent" && strings.Contains(got, "Close") {
				t.Errorf("still there: %s", got)
			}
			if !strings.Contains(got, test.after) {
				t.Errorf("second: %s", got)
			}
		})
	}
}

// TestAutomation: rules answer every write and no read.
func TestAutomation(t *testing.T) {
	b := wild(t)
	b.inject("automation-comment", nil)
	b.text("GET", "issue/FIN-1", "")
	b.text("PUT", "issue/FIN-1", put)
	b.text("PUT", "issue/FIN-1", `{"fields":{"summary":"again"}}`)
	if i, _ := b.Get("FIN-1"); len(i.Comments) != 2 {
		t.Errorf("%d comments", len(i.Comments))
	}
	b.ClearFaults()
	b.inject("automation-revert", nil)
	for range 2 {
		b.text("PUT", "issue/FIN-1", put)
	}
	if i, _ := b.Get("FIN-1"); i.Summary != "again" || len(i.Changes) < 6 {
		t.Errorf("%q after %d changes", i.Summary, len(i.Changes))
	}
}

// TestWorkflowSurvives: a changed workflow is in the journal with its issues.
func TestWorkflowSurvives(t *testing.T) {
	cfg := still()
	cfg.Journal = t.TempDir() + "/journal"
	b := openBox(t, cfg)
	b.file("FIN", "one")
	b.inject("workflow-changed", nil)
	before := b.text("GET", "issue/FIN-1/transitions", "")
	after := b.text("GET", "issue/FIN-1/transitions", "")
	if before == after || !strings.Contains(after, "(new)") {
		t.Error(after)
	}
	if again := openBox(t, cfg).text("GET", "issue/FIN-1/transitions", ""); again != after {
		t.Errorf("after a restart %s", again)
	}
	if err := b.SetWorkflow("FIN", Workflow{Statuses: []Status{{"A", "red"}}}); err == nil {
		t.Error("a workflow that is none")
	}
	if err := b.SetWorkflow("NOPE", Workflow{}); err == nil {
		t.Error("a project that is none")
	}
}

// TestStatusThatIsGone: a late index and a rule still know statuses that the
// workflow has lost.
func TestStatusThatIsGone(t *testing.T) {
	cfg := still()
	cfg.Lag = ConstantLag(time.Minute)
	b := openBox(t, cfg)
	b.file("FIN", "one", "x")
	b.Advance(time.Hour)
	b.must(b.Transition("FIN-1", "Done", "", "ann"))
	b.inject("workflow-changed", func(f *Fault) { f.Issue = "FIN-1" })
	b.text("GET", "myself", "")
	if got := b.text("POST", "search/jql", `{"jql":"labels = x","fields":["status"]}`); !strings.Contains(got, `"name":"To Do","self"`) {
		t.Error(got)
	}
	f, err := NamedFault("automation-revert")
	b.must(err)
	f.Issue = "FIN-1"
	b.must(b.Befall(f))
	if i, _ := b.Get("FIN-1"); i.Status != "Done (new)" {
		t.Errorf("%q", i.Status)
	}
	if w := b.admin("GET", "/", ""); w.Code != http.StatusOK {
		t.Errorf("the boards: HTTP %d", w.Code)
	}
}

// TestExpiry: access tokens of apps end before their hour.
func TestExpiry(t *testing.T) {
	b := wild(t)
	tokens, err := b.Authorize("app", "ann")
	b.must(err)
	b.inject("token-expired", nil)
	var codes []int
	for range 2 {
		codes = append(codes, b.send("GET", "/ex/jira/"+defaultCloudID+"/rest/api/3/issue/FIN-1", "", bearing(tokens.Access)).Code)
	}
	if !slices.Equal(codes, []int{200, 401}) {
		t.Errorf("%v", codes)
	}
	if status, _ := b.refresh(tokens.Refresh); status != 200 {
		t.Errorf("the grant is gone: HTTP %d", status)
	}
}

// TestConnections: faults that need a connection to break.
func TestConnections(t *testing.T) {
	for _, test := range []struct{ name, want, summary string }{
		{"lose-answer", "EOF", "ours"},
		{"reset", "reset by peer", "one"},
		{"slow", "context canceled", "ours"},
		{"slow-commit", "context canceled", "ours"},
		{"truncated", "unexpected EOF", "ours"},
		{"huge", "too much", "ours"},
		{"wrong-type", "text/plain", "ours"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := wild(t)
			arrived, left := make(chan struct{}), make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(arrived)
				defer close(left)
				b.Handler().ServeHTTP(w, r)
			}))
			defer server.Close()
			b.inject(test.name, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if strings.HasPrefix(test.name, "slow") {
				go func() { <-arrived; cancel() }()
			}
			got := exchange(ctx, server, b)
			<-left
			if i, _ := b.Get("FIN-1"); !strings.Contains(got, test.want) || i.Summary != test.summary {
				t.Errorf("%s; the summary is %q", got, i.Summary)
			}
		})
	}
}

// exchange edits FIN-1 over a connection and says how it went.
func exchange(ctx context.Context, server *httptest.Server, b box) string {
	r, err := http.NewRequestWithContext(ctx, "PUT", server.URL+"/rest/api/3/issue/FIN-1?returnIssue=true", strings.NewReader(put))
	if err != nil {
		return err.Error()
	}
	r.SetBasicAuth(b.cfg.Email, b.cfg.Token)
	client := server.Client()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	resp, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, hugeAnswer))
	switch {
	case err != nil:
		return err.Error()
	case len(body) == hugeAnswer:
		return "too much"
	}
	return resp.Header.Get("Content-Type")
}

// TestWindow: a fault ends with its time, and a chance is drawn by the seed.
func TestWindow(t *testing.T) {
	b := wild(t)
	b.inject("maintenance", nil)
	for range 3 {
		if got := b.text("GET", "myself", ""); !strings.HasPrefix(got, "503 <!DOCTYPE") {
			t.Error(got)
		}
	}
	b.Advance(time.Hour)
	if got := b.text("GET", "myself", ""); !strings.HasPrefix(got, "200") || len(b.PendingFaults()) != 0 {
		t.Error(got)
	}
	run := func(seed uint64) (codes string) {
		cfg := still()
		cfg.Seed = seed
		b := openBox(t, cfg)
		b.inject("error-500", func(f *Fault) { f.Probability, f.Times = 0.5, -1 })
		for range 40 {
			status, _ := b.ask("GET", "myself", "")
			codes += fmt.Sprint(status / 100)
		}
		return codes
	}
	if a, again, other := run(1), run(1), run(2); a != again || a == other || strings.Count(a, "5") < 8 || strings.Count(a, "5") > 32 {
		t.Errorf("%s\n%s\n%s", a, again, other)
	}
}

// TestChaos: the same seed draws the same, another one something else.
func TestChaos(t *testing.T) {
	run := func(seed uint64) string {
		b := wild(t)
		b.Chaos(seed, 0.5)
		for n := range 60 {
			func() {
				defer func() { _ = recover() }() // a dropped connection
				b.text("PUT", "issue/FIN-1", fmt.Sprintf(`{"fields":{"summary":"%d"}}`, n))
			}()
		}
		return fmt.Sprint(b.Drawn())
	}
	a, again, other := run(1), run(1), run(2)
	if a != again || a == other || strings.Count(a, "issue/FIN-1") < 10 {
		t.Errorf("%s\n%s\n%s", a, again, other)
	}
	b := wild(t)
	b.Chaos(1, 1)
	b.ClearFaults()
	if status, _ := b.ask("GET", "myself", ""); status != 200 || b.Drawn() != nil {
		t.Error("chaos goes on")
	}
}

// TestFaultNames: each name is there once, and each says what it does.
func TestFaultNames(t *testing.T) {
	seen := map[string]bool{}
	for _, info := range Faults() {
		if seen[info.Name] || info.Does == "" || info.kind.Kind == 0 {
			t.Errorf("%+v", info)
		}
		seen[info.Name] = true
	}
	if _, err := NamedFault("nothing"); err == nil {
		t.Error("a fault of no name")
	}
}

// TestPersonAct: a test says itself what the person does.
func TestPersonAct(t *testing.T) {
	b := wild(t)
	b.Inject(Fault{Kind: PersonEdits, Path: "/rest/api/3/issue/bulkfetch", Issue: "OPS-1", Act: func(j *Jira, key string) error { return j.Transition(key, "Done", "Won't Do", "ann") }})
	b.text("POST", "issue/bulkfetch", `{"issueIdsOrKeys":["FIN-1"]}`)
	if i, _ := b.Get("OPS-1"); i.Resolution != "Won't Do" {
		t.Errorf("%+v", i)
	}
}
