package sandbox

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// inbox is a receiver of webhooks that answers as it is told.
type inbox struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int // of the next answers; 200 after these
	got      []received
	arrived  chan struct{}
}

type received struct {
	header http.Header
	body   string
}

func newInbox(t *testing.T, statuses ...int) *inbox {
	in := &inbox{statuses: statuses, arrived: make(chan struct{}, 100)}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in.mu.Lock()
		defer in.mu.Unlock()
		in.got = append(in.got, received{r.Header, string(body)})
		if len(in.statuses) > 0 {
			w.WriteHeader(in.statuses[0])
			in.statuses = in.statuses[1:]
		}
		in.arrived <- struct{}{}
	}))
	t.Cleanup(in.Close)
	return in
}

// told lists the events that came.
func (in *inbox) told() (all []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, one := range in.got {
		event, _, _ := strings.Cut(one.body[strings.Index(one.body, `"webhookEvent":"`)+16:], `"`)
		all = append(all, event)
	}
	return all
}

// hooked is a site with one webhook.
func hooked(t *testing.T, in *inbox, jql string, events ...string) box {
	cfg := still()
	cfg.Webhooks = []Webhook{{URL: in.URL, Secret: "hush", JQL: jql, Events: events}}
	return openBox(t, cfg)
}

// TestEvents: each kind of change makes its message, if it fits the filter.
func TestEvents(t *testing.T) {
	in := newInbox(t)
	b := hooked(t, in, "project = FIN")
	b.file("OPS", "elsewhere")
	key := b.file("FIN", "one")
	b.text("PUT", "issue/"+key, put)
	b.text("PUT", "issue/"+key, put) // changes nothing
	b.must(b.Comment(key, "hello", "ann"))
	b.text("PUT", "issue/"+key+"/properties/p", `1`)
	b.text("DELETE", "issue/"+key+"/properties/p", "")
	b.must(b.Delete(key))
	if n := b.Deliver(t.Context()); n != 6 || b.Waiting() != 0 {
		t.Errorf("%d sent, %d left", n, b.Waiting())
	}
	want := []string{issueCreated, issueUpdated, commentCreated, propertySet, propertyDeleted, issueDeleted}
	if got := in.told(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	update := in.got[1]
	if !strings.Contains(update.body, `"toString":"ours"`) || !strings.Contains(update.body, `"key":"FIN-1"`) {
		t.Error(update.body)
	}
	if got := update.header.Get("X-Hub-Signature"); got != "sha256="+hex.EncodeToString(hmacOf("hush", []byte(update.body))) {
		t.Errorf("signature %q", got)
	}
	if update.header.Get("X-Atlassian-Webhook-Identifier") == "" || update.header.Get("X-Atlassian-Webhook-Flow") != "Primary" {
		t.Errorf("%v", update.header)
	}
}

func TestFlow(t *testing.T) {
	in := newInbox(t)
	b := hooked(t, in, "", issueCreated)
	b.text("POST", "issue/bulk", bulk)
	b.text("PUT", "issue/FIN-1", put) // not among the events
	if n := b.Deliver(t.Context()); n != 3 || in.got[0].header.Get("X-Atlassian-Webhook-Flow") != "Secondary" {
		t.Errorf("%d, %v", n, in.got[0].header)
	}
}

// TestRetries: what may pass is tried five times, 5 to 15 minutes apart, under
// one identifier; what will not is not.
func TestRetries(t *testing.T) {
	for _, test := range []struct{ status, tries int }{{408, 5}, {409, 5}, {425, 5}, {429, 5}, {500, 5}, {503, 5}, {400, 1}, {404, 1}, {302, 1}, {200, 1}} {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			in := newInbox(t, slices.Repeat([]int{test.status}, 9)...)
			b := hooked(t, in, "")
			b.file("FIN", "one")
			for range 9 {
				b.Deliver(t.Context())
				b.Advance(leastPause - time.Second)
				if n := b.Deliver(t.Context()); n != 0 {
					t.Error("a second try within five minutes")
				}
				b.Advance(pauseSpread + time.Second)
			}
			ids, retries := map[string]bool{}, ""
			for _, one := range in.got {
				ids[one.header.Get("X-Atlassian-Webhook-Identifier")] = true
				retries += one.header.Get("X-Atlassian-Webhook-Retry")
			}
			if len(in.got) != test.tries || len(ids) != 1 || retries != "1234"[:test.tries-1] {
				t.Errorf("%d tries, identifiers %v, retries %q", len(in.got), ids, retries)
			}
		})
	}
	in := newInbox(t)
	b := hooked(t, in, "")
	in.Close() // nobody is there
	b.file("FIN", "one")
	if n := b.Deliver(t.Context()); n != 1 || b.Waiting() != 1 {
		t.Errorf("%d tries, %d left", n, b.Waiting())
	}
}

// TestHookFaults: what can happen to a message on its way.
func TestHookFaults(t *testing.T) {
	for _, test := range []struct {
		name               string
		atOnce, minute, in int // messages that have come
		first              string
	}{
		{"hook-lost", 1, 1, 1, issueUpdated},
		{"hook-duplicated", 3, 3, 3, issueCreated},
		{"hook-delayed", 1, 1, 2, issueUpdated},
		{"hook-reordered", 1, 2, 2, issueUpdated},
		{"hook-forged", 2, 2, 2, issueCreated},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := newInbox(t)
			b := hooked(t, in, "")
			b.inject(test.name, nil)
			b.file("FIN", "one")
			b.text("PUT", "issue/FIN-1", put)
			var came []int
			for _, pause := range []time.Duration{0, time.Minute, 29 * time.Minute} {
				b.Advance(pause)
				b.Deliver(t.Context())
				came = append(came, len(in.got))
			}
			if !slices.Equal(came, []int{test.atOnce, test.minute, test.in}) || in.told()[0] != test.first {
				t.Errorf("%v, first %s", came, in.told()[0])
			}
			good := "sha256=" + hex.EncodeToString(hmacOf("hush", []byte(in.got[0].body)))
			if forged := in.got[0].header.Get("X-Hub-Signature") != good; forged != (test.name == "hook-forged") {
				t.Errorf("forged: %v", forged)
			}
			ids := []string{}
			for _, one := range in.got {
				ids = append(ids, one.header.Get("X-Atlassian-Webhook-Identifier"))
			}
			slices.Sort(ids)
			if len(slices.Compact(ids)) != min(2, test.in) {
				t.Errorf("identifiers %v", ids)
			}
		})
	}
}

// TestPump: a started site delivers by itself, also what falls due when its
// clock is advanced.
func TestPump(t *testing.T) {
	in := newInbox(t, http.StatusServiceUnavailable)
	b := hooked(t, in, "")
	b.must(b.Start("127.0.0.1:0"))
	url := b.URL()
	b.file("FIN", "one")
	<-in.arrived
	for b.Waiting() == 0 { // it is on its way back into the queue
		runtime.Gosched()
	}
	b.Advance(leastPause + pauseSpread)
	<-in.arrived
	b.must(b.Stop(t.Context()))
	if !strings.Contains(in.got[1].body, url) {
		t.Error(in.got[1].body)
	}
}

// TestNowhere: messages do not leave the machine.
func TestNowhere(t *testing.T) {
	in := newInbox(t)
	b := hooked(t, in, "")
	b.hooks.all[0].URL = "http://192.0.2.1:9/"
	b.file("FIN", "one")
	if b.Deliver(t.Context()) != 1 || b.Waiting() != 1 {
		t.Error("it was not refused")
	}
	cfg := still()
	cfg.Webhooks = []Webhook{{URL: in.URL, JQL: "what"}}
	if _, err := New(cfg); err == nil {
		t.Error("a filter that is none")
	}
}

// TestDynamicHooks: an app's own webhooks, five at most, for 30 days.
func TestDynamicHooks(t *testing.T) {
	in := newInbox(t)
	b, tokens := oauthBox(t)
	app := func(method, path, body string) string {
		w := b.send(method, "/ex/jira/"+defaultCloudID+"/rest/api/3/"+path, body, bearing(tokens.Access))
		return fmt.Sprint(w.Code, " ", w.Body)
	}
	hook := func(jql string) string {
		return `{"url":"` + in.URL + `","webhooks":[{"jqlFilter":"` + jql + `","events":["jira:issue_created"]}]}`
	}
	for _, step := range []struct{ method, path, body, want string }{
		{"POST", "webhook", hook("project = FIN"), `200 {"webhookRegistrationResult":[{"createdWebhookId":1}]}`},
		{"POST", "webhook", hook("labels = x"), "cannot be filtered by"},
		{"POST", "webhook", hook("project"), `"errors":["Error in the JQL`},
		{"POST", "webhook", hook("project != OPS"), `"createdWebhookId":2`},
		{"POST", "webhook", hook("status = Done"), `"createdWebhookId":3`},
		{"POST", "webhook", hook("status = Done"), `"createdWebhookId":4`},
		{"POST", "webhook", hook("status = Done"), `"createdWebhookId":5`},
		{"POST", "webhook", hook("status = Done"), "5 webhooks for each user"},
		{"DELETE", "webhook", `{"webhookIds":[2,99]}`, "202 "},
		{"DELETE", "webhook", `{}`, "400 "},
		{"GET", "webhook", "", `"total":4`},
	} {
		if got := app(step.method, step.path, step.body); !strings.Contains(got, step.want) {
			t.Errorf("%s %s %s: %s", step.method, step.path, step.body, got)
		}
	}
	for _, method := range []string{"GET", "POST", "DELETE"} {
		if got := b.text(method, "webhook", `{}`); !strings.HasPrefix(got, "403") {
			t.Errorf("no app: %s", got)
		}
	}
	b.file("FIN", "one")
	b.Deliver(t.Context())
	token, _ := strings.CutPrefix(in.got[0].header.Get("Authorization"), "Bearer ")
	at := strings.LastIndex(token, ".")
	if token == "" || token != webToken("app", "secret", b.Clock()) || at < 0 {
		t.Errorf("token %q", token)
	}
	b.Advance(20 * 24 * time.Hour)
	_, text := b.refresh(tokens.Refresh)
	tokens.Access = "access-2-ann"
	if got := app("PUT", "webhook/refresh", `{"webhookIds":[1]}`); !strings.HasPrefix(got, `200 {"expirationDate":`) {
		t.Errorf("%s (%s)", got, text)
	}
	b.Advance(11 * 24 * time.Hour)
	_, _ = b.refresh("refresh-2-ann")
	tokens.Access = "access-3-ann"
	if got := app("GET", "webhook", ""); !strings.Contains(got, `"total":1`) {
		t.Error(got)
	}
	b.Advance(30 * 24 * time.Hour)
	b.file("FIN", "two")
	if n := b.Deliver(t.Context()); n != 0 || !bytes.Contains([]byte(in.got[0].body), []byte("FIN-1")) {
		t.Errorf("%d messages to webhooks that have expired", n)
	}
}
