package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// box is a sandbox with a clock that moves a second with each look.
type box struct {
	*Jira
	t    *testing.T
	path string
}

func config(path string) Config {
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	return Config{
		Projects: []Project{{Key: "FIN"}, {Key: "OPS"}}, Users: []User{{AccountID: "ann", Email: "ann@example.com", Name: "Ann Archer"}},
		Email: "me@example.com", Token: "token", Journal: path,
		Now: func() time.Time { now = now.Add(time.Second); return now },
	}
}

func openBox(t *testing.T, cfg Config) box {
	t.Helper()
	j, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return box{Jira: j, t: t, path: cfg.Journal}
}

// ask sends a request past the network and gives the status and the answer.
func (b box) ask(method, path, body string) (int, map[string]any) {
	b.t.Helper()
	w := b.send(method, "/rest/api/3/"+path, body, nil)
	var answer map[string]any
	if w.Body.Len() > 0 && w.Body.Bytes()[0] == '{' {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			b.t.Fatal(err)
		}
	}
	return w.Code, answer
}

// text is ask for those who look for words in the answer.
func (b box) text(method, path, body string) string {
	b.t.Helper()
	w := b.send(method, "/rest/api/3/"+path, body, nil)
	return fmt.Sprint(w.Code, " ", w.Body.String())
}

// send sends a request to any path; credentials are those of the main account
// unless others are given.
func (b box) send(method, path, body string, credentials func(*http.Request)) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(b.cfg.Email, b.cfg.Token)
	if credentials != nil {
		credentials(r)
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	hold(b.t, r, w)
	return w
}

// as is a user of Cloud's API, bearing one with a bare token.
func as(email, token string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(email, token) }
}

func bearing(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// file creates an issue in a project and gives its key.
func (b box) file(project, summary string, labels ...string) string {
	b.t.Helper()
	list, err := json.Marshal(append([]string{}, labels...))
	if err != nil {
		b.t.Fatal(err)
	}
	status, answer := b.ask("POST", "issue/bulk", fmt.Sprintf(
		`{"issueUpdates":[{"fields":{"project":{"key":%q},"issuetype":{"name":"Task"},"summary":%q,"labels":%s},"properties":[{"key":"trimtab","value":{"op":"1"}}]}]}`,
		project, summary, list))
	if status != http.StatusCreated {
		b.t.Fatalf("HTTP %d: %v", status, answer)
	}
	return answer["issues"].([]any)[0].(map[string]any)["key"].(string)
}

func (b box) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestCredentials(t *testing.T) {
	b := openBox(t, config(""))
	for _, pair := range [][2]string{{"", ""}, {"me@example.com", "wrong"}, {"other@example.com", "token"}, {"me@example.com\x00token", ""}} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/rest/api/3/myself", nil)
		if pair[0] != "" {
			r.SetBasicAuth(pair[0], pair[1])
		}
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%q: HTTP %d", pair, w.Code)
		}
	}
}

// TestRefusals: what does not fit is refused with its field, and does nothing.
func TestRefusals(t *testing.T) {
	b := openBox(t, config(""))
	key := b.file("FIN", "one", "a")
	before, _ := b.Get(key)
	doc := func(content string) string {
		return `{"fields":{"description":{"type":"doc","version":1,"content":[` + content + `]}}}`
	}
	tests := []struct{ name, method, path, body, want string }{
		{"no JSON", "PUT", "issue/" + key, `{`, "Invalid request payload"},
		{"two lines", "PUT", "issue/" + key, `{"fields":{"summary":"a\nb"}}`, "summary"},
		{"too long", "PUT", "issue/" + key, `{"fields":{"summary":"` + strings.Repeat("🙂", 128) + `"}}`, "summary"},
		{"no summary", "PUT", "issue/" + key, `{"fields":{"summary":" "}}`, "summary"},
		{"a label of two words", "PUT", "issue/" + key, `{"update":{"labels":[{"add":"a b"}]}}`, "labels"},
		{"an unknown verb", "PUT", "issue/" + key, `{"update":{"labels":[{"toggle":"a"}]}}`, "labels"},
		{"a field twice", "PUT", "issue/" + key, `{"fields":{"labels":[]},"update":{"labels":[]}}`, "labels"},
		{"an unknown field", "PUT", "issue/" + key, `{"fields":{"customfield_1":1}}`, "customfield_1"},
		{"an unknown account", "PUT", "issue/" + key, `{"fields":{"assignee":{"accountId":"nobody"}}}`, "assignee"},
		{"an unknown priority", "PUT", "issue/" + key, `{"fields":{"priority":{"name":"Urgent"}}}`, "priority"},
		{"a plain description", "PUT", "issue/" + key, `{"fields":{"description":"text"}}`, "description"},
		{"an empty text", "PUT", "issue/" + key, doc(`{"type":"paragraph","content":[{"type":"text","text":""}]}`), "description"},
		{"text outside of a block", "PUT", "issue/" + key, doc(`{"type":"text","text":"a"}`), "description"},
		{"bold code", "PUT", "issue/" + key, doc(`{"type":"paragraph","content":[{"type":"text","text":"a","marks":[{"type":"code"},{"type":"strong"}]}]}`), "description"},
		{"an item without text", "PUT", "issue/" + key, doc(`{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"bulletList"}]}]}`), "description"},
		{"a heading of level 9", "PUT", "issue/" + key, doc(`{"type":"heading","attrs":{"level":9}}`), "description"},
		{"too much text", "PUT", "issue/" + key, doc(`{"type":"paragraph","content":[{"type":"text","text":"` + strings.Repeat("x", 32768) + `"}]}`), "description"},
		{"a transition from elsewhere", "POST", "issue/" + key + "/transitions", `{"transition":{"id":"51"}}`, "illegal workflow operation"},
		{"an unknown resolution", "POST", "issue/" + key + "/transitions", `{"transition":{"id":"31"},"fields":{"resolution":{"name":"Never"}}}`, "resolution"},
		{"a resolution on the way in", "POST", "issue/" + key + "/transitions", `{"transition":{"id":"11"},"fields":{"resolution":{"name":"Done"}}}`, "resolution"},
		{"an empty comment", "POST", "issue/" + key + "/comment", `{"body":{"type":"doc","version":1,"content":[]}}`, "comment"},
		{"nothing to create", "POST", "issue/bulk", `{"issueUpdates":[]}`, "Between 1 and 50"},
		{"a null among creations", "POST", "issue/bulk", `{"issueUpdates":[null]}`, "Between 1 and 50"},
		{"101 issues", "POST", "issue/bulkfetch", `{"issueIdsOrKeys":[` + strings.Repeat(`"1",`, 100) + `"1"]}`, "Between 1 and 100"},
		{"a foreign token", "POST", "search/jql", `{"jql":"project = FIN","nextPageToken":"eyJTdGFydCI6MX0"}`, "page token"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, answer := b.ask(test.method, test.path, test.body)
			if status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(answer), test.want) {
				t.Errorf("HTTP %d: %v", status, answer)
			}
		})
	}
	if after, _ := b.Get(key); !reflect.DeepEqual(before, after) {
		t.Errorf("a refused request did something: %+v", after)
	}
	if status, _ := b.ask("PUT", "issue/FIN-99", `{}`); status != http.StatusNotFound {
		t.Errorf("a missing issue: HTTP %d", status)
	}
}

// TestQuietEdit: an edit that changes nothing leaves no trace.
func TestQuietEdit(t *testing.T) {
	b := openBox(t, config(""))
	key := b.file("FIN", "one", "a")
	before, _ := b.Get(key)
	if status, _ := b.ask("PUT", "issue/"+key, `{"fields":{"summary":"one"},"update":{"labels":[{"add":"a"},{"remove":"z"}]}}`); status != http.StatusNoContent {
		t.Errorf("HTTP %d", status)
	}
	if after, _ := b.Get(key); !reflect.DeepEqual(before, after) {
		t.Errorf("%+v", after)
	}
}

// TestChangelog: the entries of people and of the API, oldest first.
func TestChangelog(t *testing.T) {
	b := openBox(t, config(""))
	key := b.file("FIN", "one")
	b.must(b.Transition(key, "In Progress", "", "ann"))
	if status, _ := b.ask("PUT", "issue/"+key, `{"fields":{"summary":"two"},"historyMetadata":{"extraData":{"op":"7"}}}`); status != http.StatusNoContent {
		t.Fatalf("HTTP %d", status)
	}
	_, answer := b.ask("GET", "issue/"+key+"/changelog?maxResults=1&startAt=1", "")
	values := answer["values"].([]any)
	text := fmt.Sprint(values)
	if answer["total"] != 2.0 || answer["isLast"] != true || len(values) != 1 || !strings.Contains(text, "op:7") || !strings.Contains(text, "toString:two") {
		t.Errorf("%v", answer)
	}
}

// TestPages: the id alone unless more is asked for, no total, an end.
func TestPages(t *testing.T) {
	b := openBox(t, config(""))
	for n := range 5 {
		b.file("FIN", fmt.Sprint(n), "x")
	}
	var keys []string
	token := ""
	for range 3 {
		_, answer := b.ask("GET", "search/jql?jql=labels+%3D+x+order+by+key+desc&maxResults=2&nextPageToken="+token, "")
		for _, i := range answer["issues"].([]any) {
			if i.(map[string]any)["fields"] != nil {
				t.Error("fields that nobody asked for")
			}
			keys = append(keys, i.(map[string]any)["key"].(string))
		}
		if answer["total"] != nil {
			t.Error("there is a total")
		}
		token, _ = answer["nextPageToken"].(string)
		if (token == "") != (answer["isLast"] == true) {
			t.Errorf("%v", answer)
		}
	}
	if !slices.Equal(keys, []string{"FIN-5", "FIN-4", "FIN-3", "FIN-2", "FIN-1"}) || token != "" {
		t.Errorf("%v, then %q", keys, token)
	}
}

func TestPeople(t *testing.T) {
	b := openBox(t, config(""))
	key := b.file("FIN", "Stop idle VM", "x")
	title, text, priority := "Stop it", "Two\nlines", "High"
	b.must(b.Edit(key, Edited{Summary: &title, Description: &text, Priority: &priority, Labels: []string{"y", "x", "y"}}, "ann"))
	b.must(b.Assign(key, "ann", "ann"))
	got := b.FindBySummary("Stop it")
	if len(got) != 1 || got[0].Assignee != "ann" || plainText(got[0].Description) != text || !slices.Equal(b.ByLabel("y")[0].Labels, []string{"x", "y"}) {
		t.Errorf("%+v", got)
	}
	for name, err := range map[string]error{
		"no way": b.Transition(key, "Nowhere", "", "ann"), "resolution": b.Transition(key, "Done", "Never", "ann"),
		"account": b.Assign(key, "nobody", "ann"), "issue": b.Comment("FIN-9", "x", "ann"),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	b.must(b.Delete(key))
	if _, ok := b.Get(key); ok || len(b.Issues("FIN")) != 0 {
		t.Error("still there")
	}
}

// TestCallersGetCopies: what a caller does to an issue stays with the caller.
func TestCallersGetCopies(t *testing.T) {
	b := openBox(t, config(""))
	b.file("FIN", "one", "a")
	got := b.Issues("FIN")[0]
	got.Labels[0], got.Properties["trimtab"] = "spoiled", nil
	if again := b.Issues("FIN")[0]; again.Labels[0] != "a" || again.Properties["trimtab"] == nil {
		t.Errorf("%+v", again)
	}
}

// TestOnCommit: the hook comes after the commit and before the answer.
func TestOnCommit(t *testing.T) {
	cfg, path := config(filepath.Join(t.TempDir(), "journal")), ""
	path = cfg.Journal
	var seen []Request
	cfg.OnCommit = func(r Request) {
		seen = append(seen, r)
		if text, err := os.ReadFile(path); err != nil || !bytes.Contains(text, []byte(r.Keys[0])) {
			t.Errorf("not committed yet: %v", err)
		}
	}
	b := openBox(t, cfg)
	b.file("FIN", "one")
	if len(seen) != 1 || seen[0].Method != "POST" || seen[0].Path != "/rest/api/3/issue/bulk" || !slices.Equal(seen[0].Keys, []string{"FIN-1"}) {
		t.Errorf("%+v", seen)
	}
	b.inject("element-made", nil)
	b.text("POST", "issue/bulk", `{"issueUpdates":[{"fields":{"project":{"key":"FIN"},"issuetype":{"name":"Task"},"summary":"two"}}]}`)
	if len(seen) != 2 || !slices.Equal(seen[1].Keys, []string{"FIN-2"}) {
		t.Errorf("what is made and not told of: %+v", seen)
	}
}

// TestStartStop: over a real port; stopping twice is no harm, and a caller who
// is kept waiting is let go.
func TestStartStop(t *testing.T) {
	b := openBox(t, config(""))
	if err := b.Start("192.0.2.1:0"); err == nil {
		t.Error("it listens elsewhere than on loopback")
	}
	b.must(b.Start("127.0.0.1:0"))
	if err := b.Start("127.0.0.1:0"); err == nil {
		t.Error("started twice")
	}
	key := b.file("FIN", "<b>one</b>")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), "GET", b.URL()+"/browse/"+key, nil)
	b.must(err)
	resp, err := client.Do(r)
	b.must(err)
	page, err := io.ReadAll(resp.Body)
	b.must(err)
	b.must(resp.Body.Close())
	if !bytes.Contains(page, []byte("&lt;b&gt;one")) {
		t.Errorf("the page: %s", page)
	}
	b.Inject(Fault{Kind: Slow})
	arrived, done := make(chan struct{}), make(chan error)
	inner := b.server.Handler
	b.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { close(arrived); inner.ServeHTTP(w, r) })
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), "GET", b.URL()+"/rest/api/3/myself", nil)
		if err == nil {
			r.SetBasicAuth(b.cfg.Email, b.cfg.Token)
			_, err = client.Do(r) //nolint:bodyclose // there is no answer
		}
		done <- err
	}()
	<-arrived
	b.must(b.Stop(t.Context()))
	if err := <-done; err == nil {
		t.Error("the slow request was answered")
	}
	b.must(b.Stop(t.Context()))
	if b.URL() != "" {
		t.Error("a stopped sandbox has an address")
	}
}

func TestFaultsTakeTurns(t *testing.T) {
	b := openBox(t, config(""))
	b.Inject(Fault{Kind: Refuse5xx, Method: "GET", Path: "/rest/api/3/myself", After: 1, Times: 2, Status: 502})
	b.Inject(Fault{Kind: Unauthorized, Path: "/rest/api/3/myself", After: 1})
	var got []int
	for range 5 {
		status, _ := b.ask("GET", "myself", "")
		got = append(got, status)
	}
	if !slices.Equal(got, []int{200, 502, 502, 401, 200}) {
		t.Errorf("%v", got)
	}
	b.Inject(Fault{Kind: TooMany, Times: -1})
	for range 3 {
		if status, _ := b.ask("GET", "serverInfo", ""); status != http.StatusTooManyRequests {
			t.Errorf("HTTP %d", status)
		}
	}
	b.ClearFaults()
	if status, _ := b.ask("GET", "serverInfo", ""); status != http.StatusOK {
		t.Errorf("HTTP %d", status)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, edit := range map[string]func(*Config){
		"no token": func(c *Config) { c.Token = "" }, "no key": func(c *Config) { c.Projects[0].Key = "" },
		"a key with a dash": func(c *Config) { c.Projects[0].Key = "A-B" }, "a key twice": func(c *Config) { c.Projects[1].Key = "FIN" },
		"a category": func(c *Config) { c.Projects[0].Workflow = Workflow{Statuses: []Status{{"A", "open"}}} },
		"an edge": func(c *Config) {
			c.Projects[0].Workflow = Workflow{Statuses: []Status{{"A", "new"}}, Transitions: []Transition{{To: "B"}}}
		},
		"a folder": func(c *Config) { c.Journal = os.TempDir() },
	} {
		cfg := config("")
		edit(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
