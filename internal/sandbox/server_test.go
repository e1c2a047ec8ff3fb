package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

// onServer asks the API of Data Center with the personal access token.
func (b box) onServer(method, path, body string) string {
	b.t.Helper()
	w := b.send(method, "/rest/api/2/"+path, body, bearing(b.cfg.Token))
	return fmt.Sprint(w.Code, " ", w.Body)
}

// TestServer: the paths and shapes of Data Center, one story.
func TestServer(t *testing.T) {
	b := rich(t)
	typeID := number("issuetype", "Task")
	for _, step := range []struct{ method, path, body, want string }{
		{"GET", "serverInfo", "", `"deploymentType":"Server"`},
		{"GET", "myself", "", `"key":"sandbox-account","name":"sandbox-account"`},
		{"GET", "user?username=bsmith", "", `"displayName":"Bob"`},
		{"GET", "user/assignable/search?project=FIN&username=bsm", "", `"name":"bsmith"`},
		{"GET", "user/assignable/search?project=FIN&username=zed", "", "200 []"},
		{"GET", "mypermissions?projectKey=FIN", "", `"CREATE_ISSUES":{`},
		{"GET", "project", "", `"key":"OPS"`},
		{"GET", "issue/createmeta/FIN/issuetypes?maxResults=2", "", `"isLast":false,"maxResults":2,"startAt":0,"total":3,"values":[`},
		{"GET", "issue/createmeta/FIN/issuetypes/" + typeID, "", `"values":[{"allowedValues"`},
		{"POST", "issue/bulk", `{"issueUpdates":[{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"one","description":"h1. *bold*\n","labels":["x"],"assignee":{"name":"bsmith"}}}]}`, `"key":"OPS-1"`},
		{"POST", "issue", `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"two","description":{"type":"doc"}}}`, "must be a string"},
		{"PUT", "issue/OPS-1", `{"fields":{"assignee":{"accountId":"bob"}}}`, "cannot be assigned"},
		{"PUT", "issue/OPS-1?returnIssue=true", `{"fields":{"summary":"uno"},"historyMetadata":{"extraData":{"op":"9"}}}`, "204 "},
		{"POST", "issue/OPS-1/comment", `{"body":"see {code}x{code}","properties":[{"key":"op","value":1}]}`, `"body":"see {code}x{code}"`},
		{"GET", "issue/OPS-1", "", `"description":"h1. *bold*\n"`},
		{"GET", "issue/OPS-1?expand=changelog&fields=assignee", "", `"op":"9"`},
		{"GET", "issue/OPS-1", "", `"name":"bsmith"`},
		{"GET", "search?jql=labels+%3D+x&maxResults=1", "", `"maxResults":1,"startAt":0,"total":1`},
		{"POST", "search", `{"jql":"assignee = bsmith","fields":["summary"],"startAt":0}`, `"summary":"uno"`},
		{"POST", "search", `{"jql":"id in (1, 2)"}`, "A value with ID '1' does not exist"},
		{"POST", "search", `{"jql":"id in (1, 2)","validateQuery":false}`, `"total":0`},
		{"POST", "search", `{"jql":"key = OPS-1","startAt":5}`, `"issues":[]`},
		{"POST", "search", `{"jql":"key"}`, "400 "},
		{"GET", "field", "", `"id":"customfield_10010"`},
		{"GET", "issueLinkType", "", "Relates"},
		{"GET", "search/jql?jql=key=OPS-1", "", "404 "},
		{"POST", "issue/bulkfetch", `{}`, "40"},
		{"POST", "changelog/bulkfetch", `{}`, "404 "},
	} {
		if got := b.onServer(step.method, step.path, step.body); !strings.Contains(got, step.want) {
			t.Errorf("%s %s: %s", step.method, step.path, got)
		}
	}
	// The same issue over the other API: wiki text has become a document.
	if got := b.text("GET", "issue/OPS-1?fields=description", ""); !strings.Contains(got, `"type":"doc"`) {
		t.Error(got)
	}
	if w := b.send("GET", "/rest/api/2/myself", "", nil); w.Code != 401 {
		t.Errorf("a password: HTTP %d", w.Code)
	}
	if got := b.text("GET", "search?jql=key=OPS-1", ""); !strings.HasPrefix(got, "410 ") {
		t.Errorf("Cloud's old search: %s", got)
	}
}

// TestServerAlone: a Data Center has no version 3.
func TestServerAlone(t *testing.T) {
	cfg := config("")
	cfg.Server = true
	b := openBox(t, cfg)
	if status, _ := b.ask("GET", "myself", ""); status != 404 {
		t.Errorf("HTTP %d", status)
	}
	if got := b.onServer("GET", "myself", ""); !strings.HasPrefix(got, "200") {
		t.Error(got)
	}
}
