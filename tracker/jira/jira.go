// Package jira is the adapter for Jira: Cloud over its REST API v3, Data Center
// over v2. What differs between the two stands in edition.go.
//
// A ticket carries its marker and its installation's label, by which searches
// find it, and an issue property with the marker and the write that made it.
// Every write names itself in the history, so that Trimtab knows its
// own changes again. Jira answers a write with success even where a workflow or a
// screen has swallowed it, so each write is read back and compared. Every failure
// is judged once, in errors.go: whether Jira may have acted is all that the
// pipeline needs to know to file each ticket once. When a request may go is
// decided in governor/; text is translated in markup/.
package jira

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/internal/rest"
)

// Config is what one Jira site needs. URL is required, and one way to be known:
// Email and Token (an API token of Cloud), Token alone (a personal access token
// of Data Center), or OAuth.
type Config struct {
	URL     string  // https://company.atlassian.net; plain http only on loopback
	Edition Edition // "" is Cloud
	Email   string  // of the account that the token belongs to; a user name on Data Center
	Token   string  // it appears in no error
	OAuth   *OAuth  // instead of a token, for an app on Cloud
	// CloudID sends requests to APIURL/ex/jira/CloudID instead of URL, as OAuth and
	// the tokens of service accounts need it.
	CloudID string
	APIURL  string // "" is https://api.atlassian.com
	// Status maps, for each project, canonical statuses (open, in_progress, done,
	// wont_do) to the project's own names; wont_do may be "Name/Resolution". What
	// is not mapped goes by Jira's status categories.
	Status map[string]map[string]string
	// Screens give, for each project, values of fields that its transitions ask for, by
	// the names that people see: texts, numbers, lists of texts.
	Screens map[string]map[string]any
	// Users are accounts of owners whom Jira cannot be asked for: the name or e-mail of
	// an owner to an account id, on Data Center to a user name.
	Users map[string]string
	// HTTP sends the requests; nil is a client of its own, with TLS verified.
	// Redirects are never followed, whichever it is.
	HTTP    *http.Client
	Timeout time.Duration // of one request with its answer; 0 is 30 s
	MaxBody int64         // largest answer that is read, in bytes; 0 is 32 MiB
	// MaxWait is how long a request may wait in all for Jira's limits before it fails
	// with the time to come back; 0 is 30 s, less than 0 not at all.
	MaxWait time.Duration
	Site    *Site                                            // shared by the clients of one site; nil is one of its own
	Now     func() time.Time                                 // nil is the system's clock
	Sleep   func(ctx context.Context, d time.Duration) error // nil waits by the system's clock
}

// String tells where a configuration leads, and none of its secrets.
func (c Config) String() string { return "jira " + string(c.Edition) + " " + hostOf(c.URL) }

// Format writes a configuration without its secrets, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// hostOf is the part of an address that cannot hold a password.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

// Client is one Jira site, seen by one account.
type Client struct {
	cfg     Config
	edition *edition
	base    *url.URL // of the site, for people
	root    *url.URL // of requests
	http    *http.Client
	auth    credentials
	secrets *secrets
	site    *Site
	owners  cache[owner]
	screens cache[*screen]
	known   cache[any] // what a site has: fields, types of links
}

// String tells which site it is.
func (c *Client) String() string { return c.cfg.String() }

// Format writes a client without its secrets, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

var _ tracker.Tracker = (*Client)(nil)

// New makes a client. It asks nothing of Jira yet.
func New(cfg Config) (*Client, error) {
	cfg.Edition = cmp.Or(cfg.Edition, Cloud)
	base, err := site.Address(cfg.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, edition: editions[cfg.Edition], base: base, root: base, http: rest.Client(cfg.HTTP), secrets: &secrets{}, site: cfg.Site}
	if c.edition == nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "jira %s: there is no edition %q", base.Host, cfg.Edition).WithNext("use cloud or datacenter")
	}
	c.defaults()
	if cfg.CloudID != "" {
		api, err := site.Address(cmp.Or(cfg.APIURL, "https://api.atlassian.com"))
		if err != nil {
			return nil, err
		}
		c.root = api.JoinPath("ex", "jira", cfg.CloudID)
	}
	if c.auth, err = c.authorize(); err != nil {
		return nil, err
	}
	if err := rest.CheckStatuses(cfg.Status); err != nil {
		return nil, err
	}
	return c, nil
}

// defaults fills in what the configuration leaves out.
func (c *Client) defaults() {
	if c.cfg.Timeout <= 0 {
		c.cfg.Timeout = 30 * time.Second
	}
	if c.cfg.MaxBody <= 0 {
		c.cfg.MaxBody = 32 << 20
	}
	if c.cfg.MaxWait == 0 {
		c.cfg.MaxWait = 30 * time.Second
	}
	if c.cfg.Now == nil {
		c.cfg.Now = time.Now
	}
	if c.cfg.Sleep == nil {
		c.cfg.Sleep = wait
	}
	if c.site == nil {
		c.site = NewSite(nil)
	}
}

// site words mistakes in an address.
var site = rest.Site{Kind: "jira", Name: "a Jira site", Example: "https://company.atlassian.net", Secret: "token"}

// Close lets go of idle connections. The client can be used again.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Now is the time of Jira's server, for those who need no other answer.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	var info struct {
		ServerTime stamp `json:"serverTime"`
	}
	k := call{method: http.MethodGet, path: c.path("serverInfo"), reads: true}
	if err := c.do(ctx, k, &info); err != nil {
		return time.Time{}, err
	}
	// A zero time would set the watermark of the monitor back to the beginning.
	if info.ServerTime.IsZero() {
		return time.Time{}, &tracker.Error{Kind: tracker.Retry, Request: k.String(), Message: "the answer has no server time"}
	}
	return info.ServerTime.Time, nil
}
