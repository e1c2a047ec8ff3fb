package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// admin asks the admin endpoint or a page, as from this machine.
func (b box) admin(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, "http://127.0.0.1:8080"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	if method == "POST" && !strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w
}

// TestAdmin: each way to play the site, and that it is played.
func TestAdmin(t *testing.T) {
	b := wild(t)
	issue := func(key string) Issue { i, _ := b.Get(key); return i }
	for _, step := range []struct {
		method, path, body, want string
		done                     func() bool
	}{
		{"GET", "/sandbox/state", "", `"FIN":2`, nil},
		{"GET", "/sandbox/faults", "", `{"name":"lose-answer","does":"The request`, nil},
		{"POST", "/sandbox/faults", `{"fault":"error-500","path":"/rest/api/3/myself","times":3,"probability":1,"for":"1h"}`, `"clock"`, func() bool { return len(b.PendingFaults()) == 1 }},
		{"GET", "/sandbox/state", "", `"faults":["error-500"]`, nil},
		{"POST", "/sandbox/faults", `{"fault":"limit-burst","retryAfter":"","status":0,"reason":"x","value":"y"}`, `"clock"`, nil},
		{"POST", "/sandbox/faults", `{"fault":"none"}`, `there is no fault`, nil},
		{"POST", "/sandbox/faults", `{"fault":"reset","for":"long"}`, `invalid duration`, nil},
		{"POST", "/sandbox/faults", `{"fault":"reset","often":true}`, `unknown field`, nil},
		{"POST", "/sandbox/faults", `{"fault":"issue-moved","issue":"FIN-2","value":"OPS","now":true}`, `"clock"`, func() bool { return issue("FIN-2").Key == "OPS-2" }},
		{"POST", "/sandbox/faults", `{"fault":"reset","issue":"FIN-2","now":true}`, `needs a request`, nil},
		{"POST", "/sandbox/faults", `{"fault":"issue-moved","issue":"FIN-99","now":true}`, `no issue`, nil},
		{"DELETE", "/sandbox/faults", "", `"clock"`, func() bool { return len(b.PendingFaults()) == 0 }},
		{"POST", "/sandbox/clock", `{"advance":"5m","skew":"-10m"}`, `"clock":"2026-09-01T08:06:00Z"`, func() bool { return b.now().Minute() == 56 }},
		{"POST", "/sandbox/clock", `{"advance":"soon"}`, `invalid duration`, nil},
		{"GET", "/sandbox/clock", "", `08:06:00`, nil},
		{"POST", "/sandbox/chaos", `{"seed":7,"intensity":1}`, `"clock"`, func() bool { return b.faults.chaos.seed == 7 }},
		{"GET", "/sandbox/chaos", "", `[]`, nil},
		{"POST", "/sandbox/chaos", `{"intensity":0}`, `"clock"`, func() bool { return b.faults.chaos == nil }},
		{"GET", "/sandbox/calls", "", `"POST /rest/api/3/issue/bulk":3`, nil},
		{"DELETE", "/sandbox/calls", "", `"clock"`, func() bool { return len(b.Calls()) == 0 }},
		{"POST", "/sandbox/people", `{"issue":"FIN-1","do":"transition","status":"Done","resolution":"Duplicate","as":"ann"}`, `"clock"`, func() bool { return issue("FIN-1").Resolution == "Duplicate" }},
		{"POST", "/sandbox/people", `{"issue":"FIN-1","do":"assign","assignee":"","as":"ann"}`, `"clock"`, func() bool { return issue("FIN-1").Assignee == "" }},
		{"POST", "/sandbox/people", `{"issue":"FIN-1","do":"comment","text":"hi","as":"ann"}`, `"clock"`, func() bool { return len(issue("FIN-1").Comments) == 1 }},
		{"POST", "/sandbox/people", `{"issue":"FIN-1","do":"edit","summary":"new","text":"words","labels":["a"],"as":"ann"}`, `"clock"`, func() bool { return issue("FIN-1").Summary == "new" && issue("FIN-1").Labels[0] == "a" }},
		{"POST", "/sandbox/people", `{"issue":"FIN-1","do":"edit","priority":"Low","due":"2026-10-01","add":["b"],"remove":["a"],"document":{"type":"doc","version":1,"content":[]},"as":"ann"}`, `"clock"`, func() bool {
			i := issue("FIN-1")
			return i.Priority == "Low" && i.Due == "2026-10-01" && i.Labels[0] == "b" && i.Summary == "new" && strings.Contains(string(i.Description), `"content":[]`)
		}},
		{"POST", "/sandbox/people", `{"do":"file","project":"OPS","summary":"theirs","text":"words","as":"ann"}`, `"clock"`, func() bool { return len(b.FindBySummary("theirs")) == 1 }},
		{"POST", "/sandbox/people", `{"issue":"FIN-1","do":"move","project":"OPS","as":"ann"}`, `"clock"`, func() bool { return issue("FIN-1").Project == "OPS" }},
		{"POST", "/sandbox/people", `{"issue":"OPS-1","do":"archive"}`, `"clock"`, func() bool { return issue("OPS-1").Archived }},
		{"POST", "/sandbox/people", `{"issue":"OPS-1","do":"delete"}`, `"clock"`, func() bool { return issue("OPS-1").ID == 0 }},
		{"POST", "/sandbox/people", `{"issue":"FIN-1","do":"dance"}`, `can file, transition`, nil},
		{"POST", "/sandbox/accounts", `{"account":"ann","active":false,"revoke":true}`, `"clock"`, func() bool { return b.user("ann").Inactive }},
		{"POST", "/sandbox/permissions", `{"project":"FIN","account":"ann","deny":["CREATE_ISSUES"]}`, `"clock"`, func() bool { return !b.project("FIN").may("ann", Create) }},
		{"POST", "/sandbox/permissions", `{"project":"FIN","account":"ann","allow":["CREATE_ISSUES"]}`, `"clock"`, func() bool { return b.project("FIN").may("ann", Create) }},
		{"POST", "/sandbox/permissions", `{"project":"FIN","deny":["FLY"]}`, `no permission`, nil},
		{"POST", "/sandbox/authorize", `{"app":"app","account":"ann"}`, `"access_token":"access-1-ann"`, nil},
		{"POST", "/sandbox/authorize", `{"app":"app","account":"zed"}`, `no app`, nil},
		{"POST", "/sandbox/deliver", ``, `{"tries":0}`, nil},
	} {
		w := b.admin(step.method, step.path, step.body)
		if !strings.Contains(w.Body.String(), step.want) || step.done != nil && !step.done() {
			t.Errorf("%s %s %s: HTTP %d %s", step.method, step.path, step.body, w.Code, w.Body)
		}
	}
}

// TestOnlyHere: neither other machines nor pages of other sites play the site.
func TestOnlyHere(t *testing.T) {
	b := wild(t)
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, test := range map[string]struct {
		method string
		change func(*http.Request)
		want   int
	}{
		"from another machine":      {"GET", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:5" }, 403},
		"by another name":           {"GET", func(r *http.Request) { r.Host = "sandbox.example.com:8080" }, 403},
		"by its name":               {"GET", func(r *http.Request) { r.Host = "localhost:8080" }, 200},
		"by its other address":      {"GET", func(r *http.Request) { r.Host = "[::1]:8080" }, 200},
		"from another site's page":  {"POST", set("Origin", "http://evil.example"), 403},
		"from a page of the same":   {"POST", set("Origin", "http://127.0.0.1:8080"), 200},
		"across sites":              {"POST", set("Sec-Fetch-Site", "cross-site"), 403},
		"from another local server": {"POST", set("Sec-Fetch-Site", "same-site"), 403},
		"from the same origin":      {"POST", set("Sec-Fetch-Site", "same-origin"), 200},
		"typed in":                  {"POST", set("Sec-Fetch-Site", "none"), 200},
	} {
		path := "/sandbox/clock"
		if w := b.admin(test.method, path, `{}`, test.change); w.Code != test.want {
			t.Errorf("%s: HTTP %d", name, w.Code)
		}
		if w := b.admin("POST", "/browse/FIN-1", "do=summary&summary=evil&as=ann", test.change); w.Code == http.StatusSeeOther && test.want == 403 {
			t.Errorf("%s: the form was taken", name)
		}
	}
}

// TestBoards: every issue that is not archived stands in the column of its
// status, and what people wrote is text.
func TestBoards(t *testing.T) {
	b := wild(t)
	b.file("OPS", "<script>alert(1)</script>")
	b.must(b.Transition("FIN-2", "Done", "", "ann"))
	b.must(b.Archive("OPS-1"))
	w := b.admin("GET", "/", "")
	for _, want := range []string{`href="/browse/FIN-1"`, `card done" href="/browse/FIN-2"`, "Ann Archer", `<span class="label">mark</span>`, "&lt;script&gt;", "Nothing here"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(w.Body.String(), "<script>") || strings.Contains(w.Body.String(), "OPS-1\"") {
		t.Error("a script, or an archived issue")
	}
	if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v", w.Header())
	}
	if w := b.admin("GET", "/nothing", ""); w.Code != http.StatusNotFound {
		t.Errorf("HTTP %d", w.Code)
	}
}

// TestPlay: a person plays the owner by the forms of the page.
func TestPlay(t *testing.T) {
	b := wild(t)
	for _, step := range []struct {
		form string
		want int
		done func(Issue) bool
	}{
		{"do=move+31&resolution=Won't+Do&as=ann", 303, func(i Issue) bool {
			return i.Status == "Done" && i.Resolution == "Won't Do" && i.Changes[len(i.Changes)-1].Author == "ann"
		}},
		{"do=move+31&as=ann", 400, nil},
		{"do=assign&assignee=&as=ann", 303, func(i Issue) bool { return i.Assignee == "" }},
		{"do=comment&comment=a%0D%0Ab&as=ann", 303, func(i Issue) bool { return plainText(i.Comments[0].Body) == "a\nb" }},
		{"do=comment&comment=+&as=ann", 400, nil},
		{"do=summary&summary=new&as=ann", 303, func(i Issue) bool { return i.Summary == "new" }},
		{"do=summary&summary=&as=ann", 400, nil},
		{"do=labels&labels=b++a&as=ann", 303, func(i Issue) bool { return fmt.Sprint(i.Labels) == "[a b]" }},
		{"do=labels&labels=&as=ann", 303, func(i Issue) bool { return len(i.Labels) == 0 }},
		{"do=dance&as=ann", 400, nil},
		{"do=summary&summary=x&as=zed", 400, nil},
	} {
		before, _ := b.Get("FIN-1")
		w := b.admin("POST", "/browse/FIN-1", step.form)
		i, _ := b.Get("FIN-1")
		if w.Code != step.want || step.done != nil && !step.done(i) || step.want == 400 && !i.Updated.Equal(before.Updated) {
			t.Errorf("%s: HTTP %d, %+v", step.form, w.Code, i)
		}
		if step.want == 400 && !strings.Contains(w.Body.String(), `class="wrong"`) {
			t.Errorf("%s: nothing is said", step.form)
		}
	}
	w := b.admin("GET", "/browse/FIN-1", "", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie, Value: "ann"}) })
	if !strings.Contains(w.Body.String(), `<option value="ann" selected>`) || !strings.Contains(w.Body.String(), "Won&#39;t Do") {
		t.Error(w.Body.String())
	}
}

// TestMarkup: a document as HTML, and nothing that a writer could smuggle in.
func TestMarkup(t *testing.T) {
	text := func(text, marks string) string {
		quoted, _ := json.Marshal(text)
		return `{"type":"text","text":` + string(quoted) + `,"marks":[` + marks + `]}`
	}
	for _, test := range []struct{ content, want string }{
		{`{"type":"paragraph","content":[` + text("<b>", "") + `,{"type":"hardBreak"},` + text("x", `{"type":"strong"},{"type":"em"}`) + `]}`, `<p>&lt;b&gt;<br><strong><em>x</em></strong></p>`},
		{`{"type":"paragraph","content":[` + text("go", `{"type":"link","attrs":{"href":"https://x/?a=\"&b"}}`) + `]}`, `<p><a rel="noreferrer" href="https://x/?a=&#34;&amp;b">go</a></p>`},
		{`{"type":"paragraph","content":[` + text("bad", `{"type":"link","attrs":{"href":"javascript:alert(1)"}}`) + `]}`, `<p>bad</p>`},
		{`{"type":"heading","attrs":{"level":1},"content":[` + text("h", "") + `]}`, `<h3>h</h3>`},
		{`{"type":"codeBlock","content":[` + text("a<b", "") + `]}`, `<pre>a&lt;b</pre>`},
		{`{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph"}]}]}`, `<ul><li><p></p></li></ul>`},
		{`{"type":"panel","content":[{"type":"rule"}]}`, `<div class="panel"><hr></div>`},
		{`{"type":"paragraph","content":[{"type":"mention","attrs":{"text":"@<ann>"}},{"type":"inlineCard","attrs":{"url":"http://x"}}]}`, `<p>@&lt;ann&gt;http://x</p>`},
		{`{"type":"script","content":[` + text("x", "") + `]}`, `x`},
	} {
		if got := shownText(json.RawMessage(`{"type":"doc","version":1,"content":[` + test.content + `]}`)); string(got) != test.want {
			t.Errorf("%s\nis %s", test.content, got)
		}
	}
	if got := shownText(json.RawMessage(`"h1. <b>"`)); got != "<pre>h1. &lt;b&gt;</pre>" {
		t.Error(got)
	}
	if shownText(nil) != "" || shownText(json.RawMessage(`""`)) != "" || shownText(json.RawMessage(`5`)) != "" {
		t.Error("nothing is something")
	}
}

// TestPageShows: all that an issue has is on its page.
func TestPageShows(t *testing.T) {
	b := wild(t)
	b.text("POST", "issueLink", `{"type":{"name":"Blocks"},"inwardIssue":{"key":"FIN-1"},"outwardIssue":{"key":"FIN-2"}}`)
	b.text("POST", "issue/FIN-1/remotelink", `{"relationship":"saves","object":{"url":"http://x/","title":"X & Y"}}`)
	b.text("PUT", "issue/FIN-1", `{"fields":{"customfield_10010":{"value":"Blue"},"duedate":"2026-10-01"}}`)
	b.Advance(time.Minute)
	b.must(b.Move("FIN-1", "OPS", "ann"))
	page := b.admin("GET", "/browse/"+url.PathEscape("FIN-1"), "").Body.Bytes()
	for _, want := range []string{"blocks <a href=\"/browse/FIN-2\">", "X &amp; Y", "2026-10-01", "<dt>Old keys</dt><dd>FIN-1</dd>", "To Do", "Start → In Progress"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("no %s in %s", want, page)
		}
	}
}
