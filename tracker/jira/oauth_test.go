package jira_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

// atlassian gives tokens out and checks them: each refresh token is good once.
type atlassian struct {
	mu        sync.Mutex
	now       func() time.Time
	access    string
	refresh   string
	previous  string // good again while reuse is on
	reuse     bool
	renewals  int
	requests  []string
	lose      int // answers of renewals to lose after they count
	refuse    int // answers of renewals to refuse with 503, not counted
	revoked   bool
	expiresIn int
	url       string
}

func (a *atlassian) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.URL.Path == "/oauth/token" {
		a.token(w, r)
		return
	}
	a.requests = append(a.requests, r.Method+" "+r.URL.Path)
	if r.Header.Get("Authorization") != "Bearer "+a.access {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"errorMessages":["Unauthorized: `+r.Header.Get("Authorization")+`"]}`)
		return
	}
	_, _ = io.WriteString(w, `{"serverTime":"2026-09-01T08:00:00.000+0000"}`)
}

func (a *atlassian) token(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	_ = json.NewDecoder(r.Body).Decode(&body)
	if a.refuse > 0 {
		a.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	known := body["refresh_token"] == a.refresh || a.reuse && body["refresh_token"] == a.previous || body["grant_type"] == "client_credentials"
	if a.revoked || !known || body["client_secret"] != clientSecret {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"Unknown or invalid refresh token: `+body["refresh_token"]+`"}`)
		return
	}
	a.renewals++
	a.previous, a.refresh, a.access = a.refresh, fmt.Sprintf("refresh-SECRET-%d", a.renewals), fmt.Sprintf("access-SECRET-%d", a.renewals)
	if a.lose > 0 {
		a.lose--
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": a.access, "refresh_token": a.refresh, "expires_in": a.expiresIn})
}

// vault keeps a grant as the store does.
type vault struct {
	mu    sync.Mutex
	grant jira.Grant
	fail  int // swaps to fail from now on, after the claim
	swaps int
	renew chan struct{} // closed when a new token is kept; nil if nobody waits
}

func (v *vault) Load(context.Context) (jira.Grant, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.grant, nil
}

func (v *vault) Swap(_ context.Context, old, next jira.Grant) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.swaps++; v.fail > 0 && v.swaps > 1 {
		v.fail--
		return false, errors.New("the store is closed")
	}
	if v.grant != old {
		return false, nil
	}
	if v.renew != nil && next.Access != v.grant.Access {
		close(v.renew)
		v.renew = nil
	}
	v.grant = next
	return true, nil
}

const clientSecret = "client-SECRET-/+="

// app opens clients of one site, each as of another process.
func app(t *testing.T, n int) (*atlassian, *vault, *clock.Manual, []*jira.Client) {
	now := clock.At(time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC))
	a := &atlassian{now: now.Now, access: "access-SECRET-0", refresh: "refresh-SECRET-0", expiresIn: 3600}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	v := &vault{grant: jira.Grant{Access: a.access, Refresh: a.refresh, Expires: now.Now().Add(time.Hour)}}
	var clients []*jira.Client
	for range n {
		clients = append(clients, appClient(t, server.URL, now, &jira.OAuth{ClientID: "id", ClientSecret: clientSecret, Tokens: v, TokenURL: server.URL + "/oauth/token"}))
	}
	return a, v, now, clients
}

func appClient(t *testing.T, url string, now *clock.Manual, o *jira.OAuth, edit ...func(*jira.Config)) *jira.Client {
	cfg := jira.Config{
		URL: "https://company.atlassian.net", APIURL: url, CloudID: "cloud-1", OAuth: o, Now: now.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			now.Advance(d)
			return ctx.Err()
		},
	}
	for _, e := range edit {
		e(&cfg)
	}
	c, err := jira.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestOAuth: calls go through the gateway, and a token is renewed before its end.
func TestOAuth(t *testing.T) {
	a, v, now, clients := app(t, 1)
	for range 3 {
		if _, err := clients[0].Now(t.Context()); err != nil {
			t.Fatal(err)
		}
		now.Advance(25 * time.Minute)
	}
	now.Advance(time.Hour)
	if _, err := clients[0].Now(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a.renewals != 1 || v.grant.Access != a.access || v.grant.Refresh != a.refresh || !v.grant.Claimed.IsZero() {
		t.Errorf("%d renewals", a.renewals)
	}
	if slices.ContainsFunc(a.requests, func(r string) bool { return r != "GET /ex/jira/cloud-1/rest/api/3/serverInfo" }) {
		t.Errorf("%q", a.requests)
	}
}

// TestOneRenewal: many calls of several workers use a refresh token once.
func TestOneRenewal(t *testing.T) {
	a, v, now, _ := app(t, 0)
	renewed := make(chan struct{})
	v.renew = renewed
	clients := make([]*jira.Client, 3)
	for i := range clients {
		clients[i] = appClient(t, a.url, now, &jira.OAuth{ClientID: "id", ClientSecret: clientSecret, Tokens: v, TokenURL: a.url + "/oauth/token"}, func(c *jira.Config) {
			c.Sleep = func(context.Context, time.Duration) error {
				<-renewed
				return nil
			}
		})
	}
	now.Advance(2 * time.Hour)
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			if _, err := clients[i%3].Now(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if a.renewals != 1 {
		t.Errorf("%d renewals", a.renewals)
	}
}

// TestRefusedMidRun: a token that ends early is renewed once, and the call goes on,
// a write too.
func TestRefusedMidRun(t *testing.T) {
	a, _, _, clients := app(t, 1)
	a.access = "access-SECRET-x" // ours was revoked
	if _, err := clients[0].Now(t.Context()); err != nil || a.renewals != 1 {
		t.Errorf("%d renewals, %v", a.renewals, err)
	}
	// Where even a new one is refused, it is not tried for ever.
	a.expiresIn = 7200
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/token" {
			a.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	before := a.renewals
	c := appClient(t, server.URL, clock.At(time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)), &jira.OAuth{
		ClientID: "id", ClientSecret: clientSecret, TokenURL: server.URL + "/oauth/token", Service: true,
	})
	_, err := c.Now(t.Context())
	judged(t, err, tracker.Unauthorized)
	if a.renewals != before+2 { // the first token, and one after the refusal
		t.Errorf("%d renewals", a.renewals-before)
	}
}

// TestLostRenewal: an answer that is lost has used the token up.
func TestLostRenewal(t *testing.T) {
	// Within the time in which Atlassian takes it again, nothing is lost.
	a, _, now, clients := app(t, 1)
	a.lose, a.reuse = 1, true
	now.Advance(2 * time.Hour)
	if _, err := clients[0].Now(t.Context()); err != nil || a.renewals != 2 {
		t.Errorf("%d renewals, %v", a.renewals, err)
	}
	// Else only a person can give a new grant, and is told so.
	a, _, now, clients = app(t, 1)
	a.lose = 1
	now.Advance(2 * time.Hour)
	_, err := clients[0].Now(t.Context())
	if tracker.KindOf(err) != tracker.Unauthorized || !strings.Contains(err.Error(), "authorize Trimtab for this site once more") {
		t.Error(err)
	}
	noSecrets(t, err)
	// A refusal for the moment is none for ever: the claim is let go.
	a, v, now, clients := app(t, 1)
	a.refuse = 2
	now.Advance(2 * time.Hour)
	if _, err = clients[0].Now(t.Context()); tracker.KindOf(err) != tracker.Retry || !v.grant.Claimed.IsZero() {
		t.Error(err)
	}
	if _, err = clients[0].Now(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestUnsavedGrant: a new grant that cannot be kept is not lost while the process
// lives, and is kept as soon as it can be.
func TestUnsavedGrant(t *testing.T) {
	a, v, now, clients := app(t, 1)
	v.fail = 2
	now.Advance(2 * time.Hour)
	for range 3 {
		if _, err := clients[0].Now(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if a.renewals != 1 || v.grant.Refresh != a.refresh {
		t.Errorf("%d renewals, kept %v", a.renewals, v.grant.Refresh == a.refresh)
	}
}

// asApp makes the client of a site one of an app with a person's consent, kept in v.
func asApp(t *testing.T, v *vault, edit func(*jira.Config)) *site {
	s := open(t, func(sc *sandbox.Config, jc *jira.Config) {
		sc.Apps, sc.CloudID = []sandbox.App{{ID: "id", Secret: clientSecret}}, "cloud-1"
		jc.Email, jc.Token, jc.HTTP = "", "", nil
		jc.OAuth = &jira.OAuth{ClientID: "id", ClientSecret: clientSecret, Tokens: v}
		edit(jc)
	})
	given, err := s.sandbox.Authorize("id", "acc-ann")
	if err != nil {
		t.Fatal(err)
	}
	v.grant = jira.Grant{Access: given.Access, Refresh: given.Refresh, Expires: s.clock.Now().Add(time.Hour)}
	return s
}

func TestOAuthSuite(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Site { return asApp(t, &vault{}, func(*jira.Config) {}).suite() })
}

// TestExpiryMidRun: the token ends while two workers file tickets; both go on, the
// refresh token is used once (a second use would end the grant), and no ticket is
// filed twice.
func TestExpiryMidRun(t *testing.T) {
	renewed := make(chan struct{})
	v := &vault{renew: renewed}
	var second jira.Config
	s := asApp(t, v, func(jc *jira.Config) {
		jc.Sleep = func(context.Context, time.Duration) error {
			<-renewed
			return nil
		}
		second = *jc
	})
	second.URL, second.APIURL, second.CloudID = s.url, s.url, "cloud-1"
	other, err := jira.New(second)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s.sandbox.ExpireAccess()
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			c := []*jira.Client{s.client, other}[i%2]
			if results, err := c.Create(t.Context(), []tracker.Draft{draft(i)}); err != nil || results[0].Err != nil {
				t.Error(err, results)
			}
		})
	}
	all.Wait()
	if n := len(s.sandbox.Issues("FIN")); n != 6 {
		t.Errorf("%d tickets", n)
	}
	s.sandbox.RevokeGrants("id", "acc-ann")
	_, err = s.client.Now(t.Context())
	if tracker.KindOf(err) != tracker.Unauthorized || !strings.Contains(err.Error(), "authorize Trimtab for this site once more") {
		t.Error(err)
	}
}

// TestDeadClaim: a worker that died while it renewed does not stop the others.
func TestDeadClaim(t *testing.T) {
	a, v, now, clients := app(t, 1)
	now.Advance(2 * time.Hour)
	v.grant.Claimed = now.Now()
	if _, err := clients[0].Now(t.Context()); err != nil || a.renewals != 1 {
		t.Errorf("%d renewals, %v", a.renewals, err)
	}
}

// noSecrets looks for every secret of the tests in every way of writing a value.
func noSecrets(t *testing.T, values ...any) {
	t.Helper()
	for _, v := range values {
		for _, text := range []string{fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v), fmt.Sprintf("%q", v)} {
			if strings.Contains(text, "SECRET") || strings.Contains(text, "U0VDUkVU") {
				t.Errorf("a secret shows: %s", text)
			}
		}
	}
}

// TestNoSecretShows: not in a configuration, a client, a grant, nor in any failure.
func TestNoSecretShows(t *testing.T) {
	cfg := jira.Config{URL: "https://me:SECRET@company.atlassian.net", Email: email, Token: token, OAuth: &jira.OAuth{ClientSecret: clientSecret}}
	_, err := jira.New(cfg)
	noSecrets(t, cfg, &cfg, err, jira.Grant{Access: "a-SECRET", Refresh: "r-SECRET"}, *cfg.OAuth, cfg.OAuth)
	_, _, now, clients := app(t, 1)
	noSecrets(t, clients[0])
	echoing := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(status)
			text, _ := json.Marshal(r.Header.Get("Authorization") + " " + string(body))
			_, _ = fmt.Fprintf(w, `{"error":%s,"errorMessages":[%s]}`, text, text)
		}
	}
	for _, status := range []int{200, 400, 401, 403, 404, 409, 429, 500, 503} {
		server := httptest.NewServer(echoing(status))
		o := &jira.OAuth{ClientID: "id", ClientSecret: clientSecret, TokenURL: server.URL, Tokens: &vault{grant: jira.Grant{Refresh: "refresh-SECRET"}}}
		_, err := appClient(t, server.URL, now, o).Now(t.Context())
		noSecrets(t, err)
		o.Tokens = &vault{grant: jira.Grant{Access: "access-SECRET", Refresh: "refresh-SECRET", Expires: now.Now().Add(time.Hour)}}
		_, err = appClient(t, server.URL, now, o).Create(t.Context(), []tracker.Draft{draft(1)})
		noSecrets(t, err)
		_, err = raw(t, server.URL).Find(t.Context(), []tracker.Sought{{Marker: draft(1).Marker}})
		noSecrets(t, err)
		server.Close()
	}
}
