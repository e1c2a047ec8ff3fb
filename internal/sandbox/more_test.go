package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestPauses: what refusals say about when to come again, and why.
func TestPauses(t *testing.T) {
	for name, want := range map[string]string{
		"error-503": " ", "error-503-pause": "30 ", "maintenance": "600 ", "limit-burst": "1 jira-burst-based", "limit-issue": "2 jira-per-issue-on-write",
		"limit-global": "600 jira-quota-global-based", "limit-tenant": "3600 jira-quota-tenant-based", "limit-zero": "0 jira-burst-based", "limit-bare": " ",
	} {
		b := wild(t)
		b.inject(name, nil)
		h := b.send("GET", "/rest/api/3/myself", "", nil).Header()
		if got := h.Get("Retry-After") + " " + h.Get("RateLimit-Reason"); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestMoved: by its id and by either key it is the same issue, also where many
// are fetched; the old key is not given out again, not even after a restart.
func TestMoved(t *testing.T) {
	cfg := still()
	cfg.Journal = t.TempDir() + "/journal"
	b := openBox(t, cfg)
	b.file("FIN", "one", "x")
	id := b.Issues("")[0].ID
	b.must(b.Move("FIN-1", "OPS", "ann"))
	for _, again := range []box{b, openBox(t, cfg)} {
		for _, name := range []string{"FIN-1", "OPS-1", fmt.Sprint(id)} {
			if got := again.text("POST", "issue/bulkfetch", `{"issueIdsOrKeys":["`+name+`"],"fields":["project"]}`); !strings.Contains(got, `"key":"OPS-1"`) || !strings.Contains(got, fmt.Sprintf(`"id":"%d"`, id)) {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := again.text("POST", "search/jql", `{"jql":"key = FIN-1","fields":["key"]}`); !strings.Contains(got, "OPS-1") {
			t.Error(got)
		}
	}
	if key := openBox(t, cfg).file("FIN", "two"); key != "FIN-2" {
		t.Errorf("the next key is %s", key)
	}
	for _, project := range []string{"OPS", "NOPE"} {
		if err := b.Move("OPS-1", project, "ann"); err == nil {
			t.Errorf("moved to %s", project)
		}
	}
	if err := b.Convert("OPS-1", "OPS-1", "ann"); err == nil {
		t.Error("its own parent")
	}
}

// TestSummer: a date of an account is read with the offset that its zone has on
// that day.
func TestSummer(t *testing.T) {
	cfg := still()
	cfg.Users = append(cfg.Users, User{AccountID: "ny", Email: "ny@example.com", Name: "New York", Token: "t", TimeZone: "America/New_York"})
	b := openBox(t, cfg)
	j := b.Jira
	for text, want := range map[string]string{"2026-10-31 12:00": "2026-10-31T16:00:00Z", "2026-11-02 12:00": "2026-11-02T17:00:00Z"} {
		q, err := parseJQL(`updated >= "` + text + `"`)
		b.must(err)
		b.must(j.bind(&scope{account: "ny"}, q.conditions, true))
		if got := time.UnixMilli(q.conditions[0].millis).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s is %s", text, got)
		}
	}
}

// TestTogether: callers, people, the clock and chaos at once; the race detector
// looks on.
func TestTogether(t *testing.T) {
	in := newInbox(t)
	cfg := still()
	cfg.Lag, cfg.Limits, cfg.Webhooks = TypicalLag, CloudLimits(), []Webhook{{URL: in.URL}}
	b := openBox(t, cfg)
	key := b.file("FIN", "one", "x")
	b.inject("human-edit", func(f *Fault) { f.Times, f.Probability = -1, 0.5 })
	acts := []func(n int){
		func(n int) { b.text("PUT", "issue/"+key, fmt.Sprintf(`{"fields":{"summary":"%d"}}`, n)) },
		func(int) { b.text("POST", "search/jql", `{"jql":"labels = x","fields":["*all"]}`) },
		func(int) { b.file("FIN", "more", "x") },
		func(int) { b.Advance(time.Second); b.Deliver(t.Context()) },
		func(n int) { _ = b.Comment(key, fmt.Sprint(n), "ann") },
		func(int) { b.admin("GET", "/", ""); b.admin("GET", "/browse/"+key, ""); b.Calls() },
	}
	var all sync.WaitGroup
	for _, act := range acts {
		all.Go(func() {
			for n := range 20 {
				act(n)
			}
		})
	}
	all.Wait()
	if n := len(b.Issues("FIN")); n != 21 {
		t.Errorf("%d issues", n)
	}
	if got := b.send("GET", "/rest/api/3/issue/"+key, "", nil); got.Code != http.StatusOK {
		t.Errorf("HTTP %d", got.Code)
	}
}

// TestPutRight: what an administrator has taken away can be given back.
func TestPutRight(t *testing.T) {
	cfg := still()
	cfg.Projects[0].Fields = []Field{{ID: "customfield_10050", Name: "Centre", Kind: Option, Options: []string{"A"}}}
	b := openBox(t, cfg)
	b.HideField("FIN", "labels")
	b.RemoveOption("FIN", "customfield_10050", "A")
	self := b.self
	b.Revoke(self)
	if got := b.send("GET", "/rest/api/3/myself", "", nil).Code; got != http.StatusUnauthorized {
		t.Errorf("HTTP %d with a revoked token", got)
	}
	b.GiveToken(self, cfg.Token)
	b.ShowField("FIN", "labels")
	b.AddOption("FIN", "customfield_10050", "A")
	if code, answer := b.ask("POST", "issue", `{"fields":{"project":{"key":"FIN"},"issuetype":{"name":"Task"},"summary":"s","labels":["x"],"customfield_10050":{"value":"A"}}}`); code != http.StatusCreated {
		t.Errorf("HTTP %d: %v", code, answer)
	}
}
