// Package jira is the adapter for Jira Cloud, over its REST API v3.
//
// A ticket carries its marker and its installation's label, by which searches
// find it, and an issue property with the marker and the write that made it.
// Every write names itself in the history, so that Trimtab knows its
// own changes again. Descriptions travel as Atlassian documents and are shown
// as Markdown (adf.go, markdown.go). Jira answers a write with success even
// where a workflow or a screen has swallowed it, so each write is read back and
// compared. Every failure is judged once, in errors.go: whether Jira may have
// acted is all that the pipeline needs to know to file each ticket once.
package jira

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// Config is what one Jira site needs. URL, Email and Token are required.
type Config struct {
	URL   string // https://company.atlassian.net; plain http only on loopback
	Email string // of the account that the token belongs to
	Token string // an API token; it appears in no error
	// Status maps, for each project, canonical statuses (open, in_progress, done,
	// wont_do) to the project's own names; wont_do may be "Name/Resolution". What
	// is not mapped goes by Jira's status categories.
	Status map[string]map[string]string
	// HTTP sends the requests; nil is a client of its own, with TLS verified.
	// Redirects are never followed, whichever it is.
	HTTP    *http.Client
	Timeout time.Duration    // of one request with its answer; 0 is 30 s
	MaxBody int64            // largest answer that is read, in bytes; 0 is 32 MiB
	Now     func() time.Time // the clock of caches and of Retry-After dates; nil is the system's
}

// Client is one Jira site.
type Client struct {
	cfg    Config
	base   *url.URL
	http   *http.Client
	owners owners
}

var _ tracker.Tracker = (*Client)(nil)

// New makes a client. It asks nothing of Jira yet.
func New(cfg Config) (*Client, error) {
	base, err := siteURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Email == "" || cfg.Token == "" {
		return nil, trimtab.Errorf(trimtab.Invalid, "jira %s: the e-mail of an account and an API token are needed", base.Host).
			WithNext("make a token at https://id.atlassian.com/manage-profile/security/api-tokens")
	}
	if err := checkMapping(cfg.Status); err != nil {
		return nil, err
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 32 << 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Client{cfg: cfg, base: base, http: httpClient(cfg.HTTP), owners: owners{known: map[ownerKey]owner{}}}, nil
}

// siteURL checks the address of the site: the token must not leave in clear.
func siteURL(text string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		// The text is not repeated: it may hold a password.
		return nil, trimtab.Errorf(trimtab.Invalid, "the URL of a Jira site is like https://company.atlassian.net")
	}
	// Plain HTTP is for the sandbox on this machine.
	if base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())) {
		return nil, trimtab.Errorf(trimtab.Invalid, "jira %s: the token would travel in clear over %s", base.Host, base.Scheme).
			WithNext("use https")
	}
	return base, nil
}

// loopback takes addresses and the one name that never leaves the machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkMapping refuses words that would silently map nothing. Whether a
// project has the statuses is for Check to ask.
func checkMapping(projects map[string]map[string]string) error {
	for _, project := range slices.Sorted(maps.Keys(projects)) {
		for status, name := range projects[project] {
			if !slices.Contains([]tracker.Status{tracker.Open, tracker.InProgress, tracker.Done, tracker.WontDo}, tracker.Status(status)) {
				return trimtab.Errorf(trimtab.Invalid, "status map of project %s: %q is not one of open, in_progress, done, wont_do", project, status)
			}
			if name == "" {
				return trimtab.Errorf(trimtab.Invalid, "status map of project %s: %s names no status", project, status)
			}
		}
	}
	return nil
}

// Close lets go of idle connections. The client can be used again.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Now implements [tracker.Tracker] with the time of Jira's server.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	var info struct {
		ServerTime stamp `json:"serverTime"`
	}
	k := call{method: http.MethodGet, path: "/rest/api/3/serverInfo", reads: true}
	if err := c.do(ctx, k, &info); err != nil {
		return time.Time{}, err
	}
	// A zero time would set the watermark of the monitor back to the beginning.
	if info.ServerTime.IsZero() {
		return time.Time{}, &tracker.Error{Kind: tracker.Retry, Request: k.String(), Message: "the answer has no server time"}
	}
	return info.ServerTime.Time, nil
}
