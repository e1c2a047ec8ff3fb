package jira_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
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

const event = `{"timestamp":1788249600000,"webhookEvent":"jira:issue_updated","issue":{"id":"10001","key":"FIN-1"}}`

func signed(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestVerifyWebhook(t *testing.T) {
	tests := []struct{ name, signature, body, want string }{
		{"ours", "sha256=" + signed("s3cret", event), event, ""},
		{"another secret", "sha256=" + signed("other", event), event, "not made with our secret"},
		{"another body", "sha256=" + signed("s3cret", event), event + " ", "not made with our secret"},
		{"half of it", "sha256=" + signed("s3cret", event)[:32], event, "not made with our secret"},
		{"no signature", "", event, "no signature"},
		{"a weak method", "sha1=" + signed("s3cret", event), event, "no signature by sha256"},
		{"no method", signed("s3cret", event), event, "no signature"},
		{"no hex", "sha256=zz", event, "not made with our secret"},
		{"no JSON", "sha256=" + signed("s3cret", "{"), "{", "not what Jira sends"},
		{"another JSON", "sha256=" + signed("s3cret", "{}"), "{}", "not what Jira sends"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := http.Header{"X-Hub-Signature": {test.signature}, "X-Atlassian-Webhook-Identifier": {"d-1"}}
			got, err := jira.VerifyWebhook("s3cret", h, []byte(test.body))
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") || got != (jira.Delivery{}) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			want := jira.Delivery{ID: "d-1", Event: "jira:issue_updated", IssueID: "10001", IssueKey: "FIN-1", At: time.UnixMilli(1788249600000).UTC()}
			if err != nil || got != want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	if _, err := jira.VerifyWebhook("", http.Header{"X-Hub-Signature": {"sha256=" + signed("", event)}}, []byte(event)); err == nil {
		t.Error("no secret verified something")
	}
}

// jwt makes a token of a head and claims.
func jwt(secret, head, claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestVerifyAppWebhook(t *testing.T) {
	now := time.Unix(1_788_249_600, 0)
	hs, good := `{"alg":"HS256"}`, `{"iat":1788249590,"exp":1788249770}`
	tests := []struct{ name, header, want string }{
		{"ours", "Bearer " + jwt("s3cret", hs, good), ""},
		{"the other scheme", "JWT " + jwt("s3cret", hs, good), ""},
		{"a clock that is behind", "Bearer " + jwt("s3cret", hs, `{"iat":1788249690,"exp":1788249770}`), ""},
		{"another secret", "Bearer " + jwt("other", hs, good), "not signed"},
		{"no method", "Bearer " + jwt("s3cret", `{"alg":"none"}`, good), "not one by HS256"},
		{"another method", "Bearer " + jwt("s3cret", `{"alg":"RS256"}`, good), "not one by HS256"},
		{"no signature", "Bearer " + strings.Join(strings.Split(jwt("s3cret", `{"alg":"none"}`, good), ".")[:2], ".") + ".", "not signed"},
		{"expired", "Bearer " + jwt("s3cret", hs, `{"iat":1788240000,"exp":1788243600}`), "expired"},
		{"from the future", "Bearer " + jwt("s3cret", hs, `{"iat":1788253200,"exp":1788256800}`), "future"},
		{"for ever", "Bearer " + jwt("s3cret", hs, `{"iat":1788249590}`), "how long"},
		{"no token", "", "no token"},
		{"Basic", "Basic abc", "no token"},
		{"two parts", "Bearer a.b", "is none"},
		{"no JSON", "Bearer " + jwt("s3cret", "{", good), "not one by HS256"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := jira.VerifyAppWebhook("s3cret", now, http.Header{"Authorization": {test.header}}, []byte(event))
			if test.want == "" && (err != nil || got.IssueID != "10001") {
				t.Errorf("%+v, %v", got, err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// FuzzWebhook: nothing that comes in from outside breaks the reader, or is believed.
func FuzzWebhook(f *testing.F) {
	f.Add("sha256="+signed("other", event), "Bearer "+jwt("other", `{"alg":"HS256"}`, `{"iat":0,"exp":1e300}`), event)
	f.Add("sha256=", "Bearer ..", "{")
	f.Fuzz(func(t *testing.T, signature, token, body string) {
		h := http.Header{"X-Hub-Signature": {signature}, "Authorization": {token}}
		if _, err := jira.VerifyWebhook("a secret that is not in the corpus", h, []byte(body)); err == nil {
			t.Error("a forged signature was believed")
		}
		if _, err := jira.VerifyAppWebhook("a secret that is not in the corpus", time.Unix(0, 0), h, []byte(body)); err == nil {
			t.Error("a forged token was believed")
		}
	})
}

// hooks is Jira's list of an app's webhooks.
type hooks struct {
	now    func() time.Time
	list   []map[string]any
	next   int
	log    []string
	refuse bool
}

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.log = append(h.log, r.Method+strings.TrimPrefix(r.URL.Path, "/rest/api/3/webhook"))
	var body struct {
		URL   string
		Hooks []struct {
			JQL    string `json:"jqlFilter"`
			Events []string
		} `json:"webhooks"`
		IDs []int `json:"webhookIds"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	w.Header().Set("Content-Type", "application/json")
	ends := h.now().Add(30 * 24 * time.Hour).UnixMilli()
	switch {
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(map[string]any{"values": h.list, "isLast": true})
	case r.Method == http.MethodPut:
		h.list[0]["expirationDate"] = ends
		_, _ = fmt.Fprintf(w, `{"expirationDate":%d}`, ends)
	case r.Method == http.MethodPost && h.refuse:
		_, _ = io.WriteString(w, `{"webhookRegistrationResult":[{"errors":["The clause watchCount is unsupported"]}]}`)
	case r.Method == http.MethodPost:
		h.next++
		h.list = append(h.list, map[string]any{"id": h.next, "url": body.URL, "jqlFilter": body.Hooks[0].JQL, "events": body.Hooks[0].Events, "expirationDate": ends})
		_, _ = fmt.Fprintf(w, `{"webhookRegistrationResult":[{"createdWebhookId":%d}]}`, h.next)
	default:
		h.list = slices.DeleteFunc(h.list, func(one map[string]any) bool { return slices.Contains(body.IDs, one["id"].(int)) })
		w.WriteHeader(http.StatusAccepted)
	}
}

// TestEnsureWebhook: there is always one, never two, and it does not end unseen.
func TestEnsureWebhook(t *testing.T) {
	s := open(t, nil)
	h := &hooks{now: s.clock.Now, list: []map[string]any{}}
	server := httptest.NewServer(h)
	defer server.Close()
	c, err := jira.New(jira.Config{URL: server.URL, Email: email, Token: token, Now: s.clock.Now, HTTP: &http.Client{Transport: checked(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	steps := []struct {
		after time.Duration
		jql   string
		want  string
	}{
		{0, "project = FIN", "GET POST"},
		{19 * 24 * time.Hour, "project = FIN", "GET"},
		{2 * 24 * time.Hour, "project = FIN", "GET PUT/refresh"},
		{0, "project = OPS", "GET POST DELETE"},
		{0, "project = OPS", "GET"},
	}
	for _, step := range steps {
		s.clock.Advance(step.after)
		h.log = nil
		ends, err := c.EnsureWebhook(t.Context(), "https://trimtab.example/hook", step.jql, []string{"jira:issue_updated", "jira:issue_created"})
		if err != nil || strings.Join(h.log, " ") != step.want || ends.Sub(s.clock.Now()) <= 10*24*time.Hour {
			t.Errorf("%+v: %q, until %s, %v", step, h.log, ends, err)
		}
		if len(h.list) != 1 || h.list[0]["jqlFilter"] != step.jql {
			t.Errorf("%+v left %v", step, h.list)
		}
	}
	h.refuse = true
	_, err = c.EnsureWebhook(t.Context(), "https://trimtab.example/hook", "watchCount > 1", []string{"jira:issue_updated"})
	judged(t, err, tracker.Rejected, "watchCount is unsupported")
	if len(h.list) != 1 {
		t.Errorf("a refused one left %v", h.list)
	}
}
