package jira

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/trimtab/trimtab/tracker"
)

// call is one request to Jira.
type call struct {
	method, path string
	query        url.Values
	body         any
	reads        bool // asks and changes nothing, whatever its method: safe to send again
	// accept, if set, takes a refusal for an answer.
	accept func(status int, body []byte) bool
}

// String names the call in errors; the query stays out of them.
func (k call) String() string { return k.method + " " + k.path }

// httpClient keeps the caller's transport but follows no redirect: Jira's API
// has none, a login page has, and a POST would arrive at its end as a GET.
func httpClient(given *http.Client) *http.Client {
	made := &http.Client{}
	if given != nil {
		*made = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		made.Transport = t.Clone()
	}
	made.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return made
}

// do sends a call and decodes its answer into out, if it is not nil. Its error
// is always a [tracker.Error].
func (c *Client) do(ctx context.Context, k call, out any) error {
	// The limit covers the reading of the answer too: one that trickles is no answer.
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var sent atomic.Bool
	// Until the headers are written Jira has nothing that it could act on.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
		// Getting a connection may have taken longer than the right to write lasts.
		GotConn: func(httptrace.GotConnInfo) {
			if !k.reads && tracker.Permitted(ctx) != nil {
				cancel()
			}
		},
	})
	if err := tracker.Permitted(ctx); err != nil && !k.reads {
		return c.failed(k, tracker.Withheld, 0, "not sent", err)
	}
	req, err := c.request(ctx, k)
	if err != nil {
		return c.failed(k, tracker.Rejected, 0, "the request cannot be written", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if lost := tracker.Permitted(ctx); lost != nil && !sent.Load() && !k.reads {
			return c.failed(k, tracker.Withheld, 0, "not sent", lost)
		}
		return c.unanswered(k, sent.Load(), err)
	}
	defer resp.Body.Close()
	// A refusal whose text broke off is still a refusal: the status decides first.
	body, err := c.readBody(resp.Body)
	if resp.StatusCode/100 != 2 && (k.accept == nil || !k.accept(resp.StatusCode, body)) {
		return c.refused(k, resp, body)
	}
	if err != nil {
		return c.failed(k, k.doubt(), resp.StatusCode, "the answer broke off", err)
	}
	return c.decode(k, resp, body, out)
}

// request writes a call as HTTP. The token travels in the header alone.
func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		text, err := json.Marshal(k.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	to := c.base.JoinPath(k.path)
	to.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, to.String(), body)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(c.cfg.Email, c.cfg.Token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "trimtab")
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

var errTooLarge = errors.New("it is larger than the limit")

// readBody reads an answer up to the limit; one that goes on is an error,
// never a shortened answer.
func (c *Client) readBody(r io.Reader) ([]byte, error) {
	// One byte more than allowed, to tell a full answer from one that goes on.
	body, err := io.ReadAll(io.LimitReader(r, c.cfg.MaxBody+1))
	if err == nil && int64(len(body)) > c.cfg.MaxBody {
		err = errTooLarge
	}
	return body, err
}

// decode reads an answer of success. A page of HTML with 200 is somebody
// else's answer (a login, a proxy): it says nothing about what Jira did.
func (c *Client) decode(k call, resp *http.Response, body []byte, out any) error {
	if out == nil && len(body) == 0 {
		return nil
	}
	// Even an answer that nobody needs is read as JSON, or a login page would pass
	// for success.
	if out == nil {
		out = new(json.RawMessage)
	}
	if err := json.Unmarshal(body, out); err != nil {
		kind := strings.SplitN(resp.Header.Get("Content-Type"), ";", 2)[0]
		return c.failed(k, k.doubt(), resp.StatusCode, fmt.Sprintf("the answer (%d bytes, %q) is not what Jira gives", len(body), kind), err)
	}
	return nil
}

// doubt is the kind of a failure after which nobody knows what Jira did.
func (k call) doubt() tracker.Kind {
	// Asking twice does no harm. A write must first be looked for.
	if k.reads {
		return tracker.Retry
	}
	return tracker.Ambiguous
}
