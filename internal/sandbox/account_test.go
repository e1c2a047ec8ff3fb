package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestAccounts: each account acts under its own name, as far as it may.
func TestAccounts(t *testing.T) {
	b := rich(t)
	key := b.file("OPS", "one", "x")
	bob := as("bob@example.com", "bobs")
	doc := `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"hi"}]}]}`
	steps := []struct{ deny, method, path, body, want string }{
		{"", "GET", "myself", "", `"accountId":"bob"`},
		{"", "GET", "myself", "", `"timeZone":"Pacific/Kiritimati"`},
		{"", "POST", "issue/" + key + "/comment", `{"body":` + doc + `}`, `"displayName":"Bob"`},
		{Create, "POST", "issue", `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"s"}}`, "403 "},
		{Create, "POST", "issue/bulk", `{"issueUpdates":[{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"s"}}]}`, `"status":403`},
		{Create, "GET", "issue/createmeta/OPS/issuetypes", "", `"total":0`},
		{EditIssues, "PUT", "issue/" + key, `{"fields":{"summary":"s"}}`, "403 "},
		{EditIssues, "PUT", "issue/" + key + "/properties/x", `1`, "403 "},
		{EditIssues, "GET", "mypermissions?projectKey=OPS&permissions=EDIT_ISSUES", "", `"havePermission":false`},
		{EditIssues, "GET", "mypermissions?issueKey=OPS-1&permissions=BROWSE_PROJECTS", "", `"havePermission":true`},
		{Move, "GET", "issue/" + key + "/transitions", "", `"transitions":[]`},
		{Move, "POST", "issue/" + key + "/transitions", `{"transition":{"id":"11"}}`, "illegal workflow operation"},
		{AssignTo, "PUT", "issue/" + key, `{"fields":{"assignee":{"accountId":"ann"}}}`, "permission to assign"},
		{AssignTo, "PUT", "issue/" + key, `{"fields":{"assignee":null}}`, "204 "},
		{Assignable, "PUT", "issue/" + key, `{"fields":{"assignee":{"accountId":"bob"}}}`, "User 'bob' cannot be assigned"},
		{Assignable, "GET", "user/assignable/search?project=OPS&query=bob", "", "200 []"},
		{Say, "POST", "issue/" + key + "/comment", `{"body":` + doc + `}`, "400 "},
		{LinkIssues, "POST", "issue/" + key + "/remotelink", `{"object":{"url":"http://x","title":"X"}}`, "403 "},
		{Browse, "GET", "issue/" + key, "", "404 "},
		{Browse, "GET", "project/OPS", "", "404 "},
		{Browse, "GET", "project/search", "", `"total":1`},
		{Browse, "GET", "mypermissions?projectKey=OPS&permissions=BROWSE_PROJECTS", "", "404 "},
		{Browse, "POST", "issue/bulkfetch", `{"issueIdsOrKeys":["OPS-1"]}`, `"errorMessage":"Issue does not exist`},
		{Browse, "POST", "search/jql", `{"jql":"labels = x"}`, `"issues":[]`},
		{Browse, "POST", "search/jql", `{"jql":"project = OPS"}`, "does not exist for the field 'project'"},
		{Browse, "POST", "search/jql", `{"jql":"project in (FIN, OPS)"}`, "400 "},
	}
	for _, step := range steps {
		b.Deny("OPS", "bob", step.deny)
		w := b.send(step.method, "/rest/api/3/"+step.path, step.body, bob)
		if got := fmt.Sprint(w.Code, " ", w.Body); !strings.Contains(got, step.want) {
			t.Errorf("without %s: %s %s: %s", step.deny, step.method, step.path, got)
		}
		b.Allow("OPS", "bob", step.deny)
	}
	b.Deny("OPS", "", EditIssues)
	if got := b.text("PUT", "issue/"+key, `{"fields":{"summary":"s"}}`); !strings.HasPrefix(got, "403") {
		t.Error(got)
	}
}

// TestShutOut: a revoked token, an inactive account.
func TestShutOut(t *testing.T) {
	b := rich(t)
	bob := as("bob@example.com", "bobs")
	see := func() int { return b.send("GET", "/rest/api/3/myself", "", bob).Code }
	b.SetActive("bob", false)
	if code := see(); code != http.StatusUnauthorized {
		t.Errorf("an inactive account: HTTP %d", code)
	}
	b.SetActive("bob", true)
	if code := see(); code != http.StatusOK {
		t.Errorf("an active account: HTTP %d", code)
	}
	b.Revoke("bob")
	if code := see(); code != http.StatusUnauthorized {
		t.Errorf("a revoked token: HTTP %d", code)
	}
	if w := b.send("GET", "/rest/api/3/myself", "", as("bob@example.com", "")); w.Code != http.StatusUnauthorized {
		t.Errorf("no token at all opens the account: HTTP %d", w.Code)
	}
}

// oauthBox is a site with an app and a clock that stands unless advanced.
func oauthBox(t *testing.T) (box, Tokens) {
	cfg := config("")
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	cfg.Now, cfg.Apps = func() time.Time { return now }, []App{{"app", "secret"}}
	b := openBox(t, cfg)
	tokens, err := b.Authorize("app", "ann")
	b.must(err)
	return b, tokens
}

// refresh trades a refresh token and gives the answer.
func (b box) refresh(token string) (int, string) {
	w := b.send("POST", "/oauth/token", `{"grant_type":"refresh_token","client_id":"app","client_secret":"secret","refresh_token":"`+token+`"}`, nil)
	return w.Code, w.Body.String()
}

func TestOAuth(t *testing.T) {
	b, tokens := oauthBox(t)
	site := "/ex/jira/" + defaultCloudID + "/rest/api/3/myself"
	code := func(path, token string) int { return b.send("GET", path, "", bearing(token)).Code }
	for _, test := range []struct {
		path, token string
		want        int
	}{
		{site, tokens.Access, 200},
		{site, tokens.Refresh, 401},
		{site, "", 401},
		{"/rest/api/3/myself", tokens.Access, 401},
		{"/ex/jira/other/rest/api/3/myself", tokens.Access, 404},
		{"/oauth/token/accessible-resources", tokens.Access, 200},
		{"/oauth/token/accessible-resources", "x", 401},
	} {
		if got := code(test.path, test.token); got != test.want {
			t.Errorf("%s with %q: HTTP %d", test.path, test.token, got)
		}
	}
	if w := b.send("GET", site, "", nil); w.Code != http.StatusOK {
		t.Errorf("an API token below /ex/jira: HTTP %d", w.Code)
	}
	b.Advance(time.Hour)
	if got := code(site, tokens.Access); got != http.StatusUnauthorized {
		t.Errorf("after an hour: HTTP %d", got)
	}
	status, text := b.refresh(tokens.Refresh)
	if status != http.StatusOK || !strings.Contains(text, `"expires_in":3600`) {
		t.Fatalf("HTTP %d: %s", status, text)
	}
	if got := code(site, "access-2-ann"); got != http.StatusOK {
		t.Errorf("the next access token: HTTP %d", got)
	}
	// The race that kills the grant: the second of two workers comes with the token
	// that the first has used.
	if status, _ := b.refresh(tokens.Refresh); status != http.StatusForbidden {
		t.Errorf("a refresh token used twice: HTTP %d", status)
	}
	if got := code(site, "access-2-ann"); got != http.StatusUnauthorized {
		t.Errorf("the grant outlived it: HTTP %d", got)
	}
	if status, _ := b.refresh("refresh-2-ann"); status != http.StatusForbidden {
		t.Errorf("its refresh token too: HTTP %d", status)
	}
}

func TestOAuthRefusals(t *testing.T) {
	b, tokens := oauthBox(t)
	form := func(v url.Values) int {
		return b.send("POST", "/oauth/token", v.Encode(), func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }).Code
	}
	good := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": {"secret"}, "refresh_token": {tokens.Refresh}}
	for name, want := range map[string]int{"grant_type": 400, "client_id": 401, "client_secret": 401, "refresh_token": 403} {
		bad := url.Values{}
		for key, value := range good {
			bad[key] = value
		}
		bad.Set(name, "other")
		if got := form(bad); got != want {
			t.Errorf("a wrong %s: HTTP %d", name, got)
		}
	}
	if got := form(good); got != http.StatusOK {
		t.Errorf("a form: HTTP %d", got)
	}
	b.RevokeGrants("app", "ann")
	if status, _ := b.refresh("refresh-2-ann"); status != http.StatusForbidden {
		t.Errorf("a revoked grant: HTTP %d", status)
	}
	b.ExpireAccess()
	if _, err := b.Authorize("other", "ann"); err == nil {
		t.Error("an app that does not exist was let in")
	}
}
