package jira

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/internal/rest"
	"github.com/trimtab/trimtab/tracker/jira/markup"
)

// failed makes the error of a call, with every trace of a secret removed.
func (c *Client) failed(k call, kind tracker.Kind, status int, message string, err error) *tracker.Error {
	e := &tracker.Error{Kind: kind, Request: c.secrets.redact(k.String()), Status: status, Message: c.secrets.redact(message), Err: err}
	// Only then, since a bare text cannot be unwrapped any more.
	if err != nil && c.secrets.redact(err.Error()) != err.Error() {
		e.Err = errors.New(c.secrets.redact(err.Error()))
	}
	return e
}

// unanswered judges a call without an answer: refused at the door it may be
// sent again; once it was on its way nobody knows.
func (c *Client) unanswered(k call, sent bool, err error) error {
	err = bare(err)
	if !sent {
		return c.failed(k, tracker.Retry, 0, "not reached", err)
	}
	return c.failed(k, k.doubt(), 0, "no answer", err)
}

// bare takes an error out of the one whose text repeats the query.
func bare(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// refused judges an answer that is no success.
func (c *Client) refused(k call, a *answer) error {
	kind := refusal(k, a)
	e := c.failed(k, kind, a.status, reason(a), nil)
	// A 429 without a header still asks for a pause; a 409 without one does not.
	pause, said := retryAfter(a.head, c.cfg.Now())
	if kind == tracker.Retry && (said || a.status == http.StatusTooManyRequests) {
		e.RetryAfter = min(max(pause, rest.MinPause), rest.MaxPause)
	}
	return e
}

// refusal is the kind of an answer that is no success. What Jira refused it
// did not do; of a 5xx nobody knows.
func refusal(k call, a *answer) tracker.Kind {
	// Jira may let a failed login through as a stranger, who then sees nothing.
	switch a.head.Get("X-Seraph-LoginReason") {
	case "AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED":
		return tracker.Unauthorized
	}
	return rest.Refusal(a.status, a.head, k.doubt())
}

// retryAfter reads the pause that an answer asks for.
func retryAfter(head http.Header, now time.Time) (time.Duration, bool) {
	if pause, said := rest.RetryAfter(head, now); said {
		return pause, true
	}
	// Some of Jira's limits say the end of the pause in a header of their own.
	if at, err := time.Parse(time.RFC3339, head.Get("X-RateLimit-Reset")); err == nil {
		return at.Sub(now), true
	}
	return 0, false
}

// complaint is how Jira words its refusals.
type complaint struct {
	Messages []string          `json:"errorMessages"`
	Errors   map[string]string `json:"errors"`
}

func (f complaint) String() string {
	parts := slices.Clone(f.Messages)
	// Sorted, so that the same refusal reads the same and can be counted.
	for _, field := range slices.Sorted(maps.Keys(f.Errors)) {
		parts = append(parts, field+": "+f.Errors[field])
	}
	return markup.Cut(strings.Join(parts, "; "), 1000)
}

// reason is what an answer says about its refusal; a page of HTML says nothing.
func reason(a *answer) string {
	var f complaint
	text := ""
	if json.Unmarshal(a.body, &f) == nil {
		text = f.String()
	}
	// Its host and path alone: the query of a redirect to a login may hold secrets.
	if where, err := url.Parse(a.head.Get("Location")); err == nil && a.status/100 == 3 {
		text = "it points to " + where.Host + where.Path + " instead: is the URL of the site right?"
	}
	// It tells which of Jira's limits was hit, a burst or the hour's.
	if limit := a.head.Get("RateLimit-Reason"); limit != "" {
		text = strings.TrimSpace(text + " (" + limit + ")")
	}
	if text == "" {
		text = http.StatusText(a.status)
	}
	return text
}
