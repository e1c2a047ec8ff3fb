// Package redmine is the adapter for Redmine 5, over its REST API.
//
// A ticket carries its marker in a custom field of its own, which Redmine finds
// at once and exactly; a second field holds the installation, the write that made
// the ticket and its labels, which Redmine does not have (origin.go). Redmine says
// that a write went well even when it has ignored it, and a write that changes
// nothing makes a ticket look changed: so each issue is read before it is written,
// only differences are sent, and what was sent is read back and compared
// (update.go). Filters that it does not know it ignores as well, so every answer is
// filtered again (read.go). Its times are whole seconds: two changes within one
// look alike in Issue.Updated, and only the history, whose entries have growing
// numbers, tells them apart (history.go). It has no webhooks: changes are asked for.
package redmine

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/internal/rest"
)

// Config is what one Redmine needs: URL and Key. The two custom fields are made by an
// administrator, as docs/redmine.md tells.
type Config struct {
	URL string // https://redmine.company.example, with the path that it lies below; plain http only on loopback
	Key string // API access key of the account, from its "My account" page; it appears in no error
	// Marker and Origin are custom fields of issues, by name or by number (of
	// /custom_fields/NUMBER/edit); "" is "Trimtab marker" and "Trimtab". An account that
	// is no administrator's sees names only of fields that are assigned to projects:
	// fields "for all projects" then go by number.
	Marker, Origin string
	// Backlink is a custom field for the address of the recommendation, by name or
	// number; "" says the address in a note.
	Backlink string
	Markup   Markup // how Redmine formats text (Administration, Settings, General); "" is Textile
	// Status maps, for each project, canonical statuses (open, in_progress, done,
	// wont_do) to names of Redmine's; what is not mapped goes by whether a status is closed.
	Status map[string]map[string]string
	// Users are accounts of owners whom Redmine does not tell: the name or e-mail of an
	// owner to a login, an id, or the name of a person or group.
	Users map[string]string
	// HTTP sends the requests; nil is a client of its own, with TLS verified.
	// Redirects are never followed, whichever it is.
	HTTP    *http.Client
	Timeout time.Duration    // of one request with its answer; 0 is 30 s
	MaxBody int64            // largest answer that is read, in bytes; 0 is 32 MiB
	Now     func() time.Time // nil is the system's clock
}

// String tells where a configuration leads, and none of its secrets.
func (c Config) String() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return "redmine"
	}
	return "redmine " + u.Host
}

// Format writes a configuration without its secrets, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// Client is one Redmine, seen by one account.
type Client struct {
	cfg  Config
	base *url.URL
	http *http.Client
	text format
	know knowledge
	past past
}

// String tells which Redmine it is.
func (c *Client) String() string { return c.cfg.String() }

// Format writes a client without its secrets, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

var _ tracker.Tracker = (*Client)(nil)

// New makes a client. It asks nothing of Redmine yet.
func New(cfg Config) (*Client, error) {
	base, err := site.Address(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Key == "" || strings.ContainsFunc(cfg.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, trimtab.Errorf(trimtab.Invalid, "redmine %s: the key of the account is missing or is none", base.Host).
			WithNext("copy the API access key from \"My account\" in Redmine")
	}
	cfg.Markup = cmp.Or(cfg.Markup, Textile)
	text, ok := formats[cfg.Markup]
	if !ok {
		return nil, trimtab.Errorf(trimtab.Invalid, "redmine %s: there is no markup %q", base.Host, cfg.Markup).WithNext("use textile or markdown")
	}
	if err := rest.CheckStatuses(cfg.Status); err != nil {
		return nil, err
	}
	cfg.Marker, cfg.Origin = cmp.Or(cfg.Marker, "Trimtab marker"), cmp.Or(cfg.Origin, "Trimtab")
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 32 << 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Client{cfg: cfg, base: base, http: rest.Client(cfg.HTTP), text: text}, nil
}

// site words mistakes in an address.
var site = rest.Site{Kind: "redmine", Name: "a Redmine", Example: "https://redmine.company.example", Secret: "key"}

// Close lets go of idle connections. The client can be used again.
func (c *Client) Close() { c.http.CloseIdleConnections() }
