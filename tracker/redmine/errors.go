package redmine

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/internal/rest"
)

// failed makes the error of a call, with every trace of the key removed.
func (c *Client) failed(k call, kind tracker.Kind, status int, message string, err error) *tracker.Error {
	e := &tracker.Error{Kind: kind, Request: c.redact(k.String()), Status: status, Message: c.redact(message), Err: err}
	// Only then, since a bare text cannot be unwrapped any more.
	if err != nil && c.redact(err.Error()) != err.Error() {
		e.Err = errors.New(c.redact(err.Error()))
	}
	return e
}

// redact takes the key out of a text, as it is and as it would stand in an address.
func (c *Client) redact(text string) string {
	for _, secret := range []string{c.cfg.Key, url.QueryEscape(c.cfg.Key), url.PathEscape(c.cfg.Key)} {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// unanswered judges a call without an answer: refused at the door it may be sent
// again; once it was on its way nobody knows.
func (c *Client) unanswered(k call, sent bool, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // its text repeats the query
		err = wrapped.Err
	}
	if !sent {
		return c.failed(k, tracker.Retry, 0, "not reached", err)
	}
	return c.failed(k, k.doubt(), 0, "no answer", err)
}

// refused judges an answer that is no success.
func (c *Client) refused(k call, a *answer) error {
	// A 5xx is also of a database that was locked, after which nothing is there: the answer
	// does not tell it from a failure that came after the write.
	kind := rest.Refusal(a.status, a.head, k.doubt())
	e := c.failed(k, kind, a.status, reason(a), nil)
	pause, said := rest.RetryAfter(a.head, c.cfg.Now())
	if kind == tracker.Retry && (said || a.status == http.StatusTooManyRequests) {
		e.RetryAfter = min(max(pause, rest.MinPause), rest.MaxPause)
	}
	return e
}

// reason is what an answer says about its refusal; a page of HTML says nothing.
func reason(a *answer) string {
	var complaint struct {
		Errors []string `json:"errors"`
	}
	text := ""
	if json.Unmarshal(a.body, &complaint) == nil {
		text = cut(strings.Join(complaint.Errors, "; "), 1000)
	}
	switch where, err := url.Parse(a.head.Get("Location")); {
	// Its host and path alone: the query of a redirect to a login may hold secrets.
	case err == nil && a.status/100 == 3:
		text = "it points to " + where.Host + where.Path + " instead: is the URL right?"
	case text != "":
	// A field of its own errors is empty when the version that was sent is old.
	case a.status == http.StatusUnprocessableEntity:
		text = "Redmine gives no reason"
	// With the REST API switched off every key is refused.
	case a.status == http.StatusUnauthorized:
		text = "the key is wrong, the account is locked, or the REST API is switched off (Administration, Settings, API)"
	default:
		text = http.StatusText(a.status)
	}
	return text
}
