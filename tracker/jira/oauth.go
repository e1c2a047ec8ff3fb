package jira

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// OAuth is an app's access to a Cloud site, by the consent of a person (3LO) or
// of a service account. ClientID, ClientSecret and Config.CloudID are required.
type OAuth struct {
	ClientID     string
	ClientSecret string
	// Service asks for tokens as a service account, whose client secret is enough.
	// Else Tokens must hold a grant that a person gave.
	Service bool
	// Tokens keep the grant for all processes; nil keeps it in this one, which is
	// enough for a service account only.
	Tokens Tokens
	// TokenURL gives tokens; "" is https://auth.atlassian.com/oauth/token.
	TokenURL string
}

// Format writes it without its secret, whatever the verb.
func (o OAuth) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "OAuth app %s", o.ClientID) }

// Tokens keep the grant of a site where all workers see it.
type Tokens interface {
	// Load gives the grant; a zero one if there is none.
	Load(ctx context.Context) (Grant, error)
	// Swap replaces old by next, if old is still what is kept, and says whether it
	// did.
	Swap(ctx context.Context, old, next Grant) (bool, error)
}

// Grant is what lets an app act: an access token for about an hour, and a refresh
// token that is good for one use.
type Grant struct {
	Access, Refresh string
	Expires         time.Time // of the access token
	// Claimed is when a worker set out to use the refresh token; zero if none has.
	// Two that use it at once would lose the grant.
	Claimed time.Time
}

// String tells nothing of the tokens.
func (g Grant) String() string { return "grant until " + g.Expires.UTC().Format(time.RFC3339) }

// Format writes a grant without its tokens, whatever the verb.
func (g Grant) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(g.String())) }

const (
	earlier   = time.Minute // an access token is renewed so long before its end
	claimPoll = time.Second // between two looks at somebody else's claim
	maxPolls  = 300
)

// oauth renews tokens, one renewal at a time, in the process and over processes.
type oauth struct {
	client *Client
	cfg    OAuth
	turn   chan struct{} // holds one token: whoever takes it renews
	// unsaved is a grant that could not be kept after the old one was used up: it is
	// all there is, and is saved at the next chance.
	unsaved *struct{ old, next Grant }
}

func newOAuth(c *Client) (*oauth, error) {
	cfg := *c.cfg.OAuth
	if cfg.ClientID == "" || cfg.ClientSecret == "" || c.cfg.CloudID == "" || c.cfg.Edition != Cloud {
		return nil, trimtab.Errorf(trimtab.Invalid, "jira %s: OAuth needs the client id and secret of an app, and the cloud id of a Cloud site", c.base.Host).
			WithNext("see https://developer.atlassian.com/console/myapps, and %s for the cloud id", c.base.JoinPath("_edge", "tenant_info"))
	}
	if cfg.Tokens == nil {
		if !cfg.Service {
			return nil, trimtab.Errorf(trimtab.Invalid, "jira %s: OAuth needs a store for its tokens", c.base.Host)
		}
		cfg.Tokens = &memory{}
	}
	cfg.TokenURL = cmp.Or(cfg.TokenURL, "https://auth.atlassian.com/oauth/token")
	if _, err := site.Address(cfg.TokenURL); err != nil {
		return nil, err
	}
	c.secrets.add(cfg.ClientSecret)
	o := &oauth{client: c, cfg: cfg, turn: make(chan struct{}, 1)}
	o.turn <- struct{}{}
	return o, nil
}

// memory keeps a grant in the process.
type memory struct {
	mu    sync.Mutex
	grant Grant
}

func (m *memory) Load(context.Context) (Grant, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.grant, nil
}

func (m *memory) Swap(_ context.Context, old, next Grant) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.grant != old {
		return false, nil
	}
	m.grant = next
	return true, nil
}

func (o *oauth) header(ctx context.Context) (string, error) {
	g, err := o.valid(ctx, "")
	return "Bearer " + g.Access, err
}

func (o *oauth) renew(ctx context.Context, refused string) (bool, error) {
	g, err := o.valid(ctx, refused)
	return err == nil && "Bearer "+g.Access != refused, err
}

// valid gives a grant whose access token is not the refused one and not about to
// end.
func (o *oauth) valid(ctx context.Context, refused string) (Grant, error) {
	// Held over the calls: whoever comes meanwhile wants the same answer.
	select {
	case <-o.turn:
		defer func() { o.turn <- struct{}{} }()
	case <-ctx.Done():
		return Grant{}, o.failed(tracker.Retry, 0, "it is being renewed", ctx.Err())
	}
	for range maxPolls {
		g, err := o.load(ctx)
		if err != nil {
			return Grant{}, o.failed(tracker.Retry, 0, "the tokens cannot be read", err)
		}
		now := o.client.cfg.Now()
		o.client.secrets.replace(g.Access, g.Refresh)
		switch {
		case g.Access != "" && "Bearer "+g.Access != refused && now.Before(g.Expires.Add(-earlier)):
			return g, nil
		case g.Refresh == "" && !o.cfg.Service:
			return Grant{}, o.lost("there is no grant")
		// A claim lasts as long as its two requests may; then its worker has died.
		case now.Sub(g.Claimed) < 3*o.client.cfg.Timeout:
			if err := o.client.cfg.Sleep(ctx, claimPoll); err != nil {
				return Grant{}, o.failed(tracker.Retry, 0, "waiting for another worker's renewal", err)
			}
			continue
		}
		// The claim is written before the token is used: a worker that loses the swap has
		// not used it.
		claimed := g
		claimed.Claimed = stored(now)
		if won, err := o.cfg.Tokens.Swap(ctx, g, claimed); err != nil {
			return Grant{}, o.failed(tracker.Retry, 0, "the tokens cannot be claimed", err)
		} else if won {
			return o.exchange(ctx, claimed)
		}
	}
	return Grant{}, o.failed(tracker.Retry, 0, "another worker renews the tokens and does not end", nil)
}

// load gives the grant as it is kept, after what could not be kept before.
func (o *oauth) load(ctx context.Context) (Grant, error) {
	if o.unsaved == nil {
		return o.cfg.Tokens.Load(ctx)
	}
	next := o.unsaved.next
	swapped, err := o.cfg.Tokens.Swap(ctx, o.unsaved.old, next)
	if err != nil {
		return next, nil // still good in this process
	}
	o.unsaved = nil
	if swapped {
		return next, nil
	}
	return o.cfg.Tokens.Load(ctx)
}

// exchange uses the refresh token and keeps what comes of it.
func (o *oauth) exchange(ctx context.Context, claimed Grant) (Grant, error) {
	next, err := o.ask(ctx, claimed)
	// An answer that was lost may have used the token up. Atlassian takes the same one
	// again for some minutes, so that asking at once is the best chance there is.
	if tracker.KindOf(err) == tracker.Ambiguous {
		next, err = o.ask(ctx, claimed)
	}
	if tracker.KindOf(err) == tracker.Unauthorized {
		// Perhaps another worker was quicker: then the token was used, but not lost.
		if g, failed := o.cfg.Tokens.Load(ctx); failed == nil && g.Refresh != claimed.Refresh {
			return g, nil
		}
	}
	if err != nil {
		released := claimed
		released.Claimed = time.Time{}
		_, _ = o.cfg.Tokens.Swap(ctx, claimed, released) // else the claim ends by itself
		var e *tracker.Error
		if errors.As(err, &e) && e.Kind == tracker.Ambiguous {
			e.Kind = tracker.Retry // of the request that needs the token, nothing was sent
		}
		return Grant{}, err
	}
	o.client.secrets.replace(next.Access, next.Refresh)
	swapped, err := o.cfg.Tokens.Swap(ctx, claimed, next)
	switch {
	// The old token is used up by now; the new one must not be lost with this answer.
	case err != nil:
		o.unsaved = &struct{ old, next Grant }{claimed, next}
	case !swapped: // our claim had ended, and another worker has renewed
		return o.cfg.Tokens.Load(ctx)
	}
	return next, nil
}

// ask sends the request for new tokens.
func (o *oauth) ask(ctx context.Context, g Grant) (Grant, error) {
	body := map[string]string{"grant_type": "refresh_token", "client_id": o.cfg.ClientID, "client_secret": o.cfg.ClientSecret, "refresh_token": g.Refresh}
	if o.cfg.Service {
		body["grant_type"] = "client_credentials"
		delete(body, "refresh_token")
	}
	status, text, err := o.post(ctx, body)
	if err != nil {
		return Grant{}, o.failed(tracker.Ambiguous, status, "no answer", err)
	}
	var answer struct {
		Access  string  `json:"access_token"`
		Refresh string  `json:"refresh_token"`
		Seconds float64 `json:"expires_in"`
		Error   string  `json:"error"`
	}
	decoded := json.Unmarshal(text, &answer)
	switch {
	case status >= 500:
		return Grant{}, o.failed(tracker.Ambiguous, status, http.StatusText(status), nil)
	case status == http.StatusTooManyRequests:
		return Grant{}, o.failed(tracker.Retry, status, http.StatusText(status), nil)
	// Its description may repeat the token, its code does not.
	case status/100 != 2:
		return Grant{}, o.lost(fmt.Sprintf("HTTP %d %s", status, answer.Error))
	case decoded != nil || answer.Access == "" || answer.Refresh == "" && !o.cfg.Service:
		return Grant{}, o.failed(tracker.Ambiguous, status, "the answer holds no tokens", nil)
	}
	// Bounded, so that no answer makes us ask all the time or never again.
	life := time.Duration(min(max(answer.Seconds, 120), 86400)) * time.Second
	return Grant{Access: answer.Access, Refresh: answer.Refresh, Expires: stored(o.client.cfg.Now().Add(life))}, nil
}

// stored is a time as every store can keep it, so that a grant that was read back is
// the one that was written.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// post sends JSON to the token endpoint, which follows no redirect either.
func (o *oauth) post(ctx context.Context, body map[string]string) (int, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.client.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.cfg.TokenURL, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := o.client.http.Do(req)
	if err != nil {
		return 0, nil, bare(err)
	}
	defer resp.Body.Close()
	answer, err := o.client.readBody(resp.Body)
	return resp.StatusCode, answer, err
}

// failed makes an error of the renewal.
func (o *oauth) failed(kind tracker.Kind, status int, message string, err error) error {
	return o.client.failed(call{method: http.MethodPost, path: "/oauth/token"}, kind, status, "the access token could not be renewed: "+message, err)
}

// lost is the error of a grant that is gone: only a person can give a new one.
func (o *oauth) lost(why string) error {
	next := "; authorize Trimtab for this site once more"
	if o.cfg.Service {
		next = "; check the client id and secret of the service account"
	}
	return o.failed(tracker.Unauthorized, 0, why+next, nil)
}
