package jira_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker/jira"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

const (
	email = "trimtab@example.com"
	token = "tok-3f9c-SECRET/+&"
)

// site is a sandbox behind a real server, and a client of it.
type site struct {
	sandbox *sandbox.Jira
	client  *jira.Client
	clock   *clock.Manual
	url     string
	journal string
}

// open starts a site; edit, if not nil, changes what it is made of.
func open(t *testing.T, edit func(*sandbox.Config, *jira.Config)) *site {
	t.Helper()
	now := clock.At(time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC))
	sc := sandbox.Config{
		Projects: []sandbox.Project{{Key: "FIN", Name: "Finance"}, {Key: "OPS", Name: "Operations"}},
		Users: []sandbox.User{
			{AccountID: "acc-ann", Email: "ann@example.com", Name: "Ann Archer"},
			{AccountID: "acc-ben", Email: "ben@example.com", Name: "Ben Baker"},
			{AccountID: "acc-eve", Email: "eve@example.com", Name: "Eve Hidden", HideEmail: true},
		},
		Email: email, Token: token, Now: now.Now, Journal: filepath.Join(t.TempDir(), "journal.ndjson"),
	}
	jc := jira.Config{Email: email, Token: token, Now: now.Now, HTTP: &http.Client{Transport: checked(t)}}
	jc.Sleep = func(ctx context.Context, d time.Duration) error {
		now.Advance(d)
		return ctx.Err()
	}
	if edit != nil {
		edit(&sc, &jc)
	}
	s := &site{clock: now, journal: sc.Journal}
	var err error
	if s.sandbox, err = sandbox.New(sc); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.sandbox.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if err := s.sandbox.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	s.url, jc.URL = server.URL, server.URL
	if jc.OAuth != nil {
		jc.APIURL, jc.CloudID, jc.OAuth.TokenURL = server.URL, sc.CloudID, server.URL+"/oauth/token"
	}
	if s.client, err = jira.New(jc); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	return s
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Site { return open(t, nil).suite() })
}

func TestNewRefuses(t *testing.T) {
	good := jira.Config{URL: "https://company.atlassian.net", Email: email, Token: token}
	tests := []struct {
		name string
		edit func(*jira.Config)
		want string
	}{
		{"no URL", func(c *jira.Config) { c.URL = "" }, "URL of a Jira site"},
		{"a password in the URL", func(c *jira.Config) { c.URL = "https://me:" + "pw@company.atlassian.net" }, "URL of a Jira site"},
		{"a clear connection", func(c *jira.Config) { c.URL = "http://company.atlassian.net" }, "in clear"},
		{"no token", func(c *jira.Config) { c.Token = "" }, "API token"},
		{"an unknown status", func(c *jira.Config) { c.Status = map[string]map[string]string{"FIN": {"closed": "Done"}} }, `"closed"`},
		{"an empty status", func(c *jira.Config) { c.Status = map[string]map[string]string{"FIN": {"done": ""}} }, "names no status"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := good
			test.edit(&cfg)
			_, err := jira.New(cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "pw@") {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := jira.New(good); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

// metaFields is a create screen as Jira shows it.
const metaFields = `{"total":8,"fields":[
	{"fieldId":"summary","key":"summary","name":"Summary","required":true,"operations":["set"],"schema":{"type":"string","system":"summary"}},
	{"fieldId":"description","key":"description","name":"Description","required":false,"operations":["set"],"schema":{"type":"string","system":"description"}},
	{"fieldId":"labels","key":"labels","name":"Labels","required":false,"operations":["set"],"schema":{"type":"array","items":"string","system":"labels"}},
	{"fieldId":"project","key":"project","name":"Project","required":true,"operations":["set"],"schema":{"type":"project","system":"project"}},
	{"fieldId":"issuetype","key":"issuetype","name":"Issue Type","required":true,"operations":[],"schema":{"type":"issuetype","system":"issuetype"}},
	{"fieldId":"assignee","key":"assignee","name":"Assignee","required":false,"operations":["set"],"schema":{"type":"user","system":"assignee"}},
	{"fieldId":"reporter","key":"reporter","name":"Reporter","required":true,"operations":["set"],"schema":{"type":"user","system":"reporter"}}%s]}`

// screened answers for the create screen of every project, so that a server need
// only answer what comes after; more are further fields of the screen.
func screened(next http.HandlerFunc, more ...string) http.Handler {
	extra := ""
	for _, f := range more {
		extra += "," + f
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/issuetypes"):
			_, _ = io.WriteString(w, `{"issueTypes":[{"id":"1","name":"Task"},{"id":"2","name":"Epic"}],"total":2}`)
		case strings.Contains(r.URL.Path, "/issuetypes/"):
			_, _ = fmt.Fprintf(w, metaFields, extra)
		default:
			next(w, r)
		}
	})
}

// swallowing is the same site after its projects came to ignore a field.
func (s *site) swallowing(t *testing.T, field string) *site {
	t.Helper()
	if err := s.sandbox.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return open(t, func(c *sandbox.Config, _ *jira.Config) {
		c.Projects[0].Swallows, c.Journal = []string{field}, s.journal
	})
}

// newServer serves until the test ends, and gives its address.
func newServer(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}
