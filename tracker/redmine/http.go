package redmine

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
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// call is one request to Redmine. What is no GET writes.
type call struct {
	method, path string
	query        url.Values
	body         any // of a write, never nil there
}

// get is the call that reads a path.
func get(path string, query url.Values) call {
	return call{method: http.MethodGet, path: path, query: query}
}

// String names the call in errors; the query stays out of them.
func (k call) String() string { return k.method + " " + k.path }

func (k call) reads() bool { return k.method == http.MethodGet }

// doubt is the kind of a failure after which nobody knows what Redmine did.
func (k call) doubt() tracker.Kind {
	// Asking twice does no harm. A write must first be looked for.
	if k.reads() {
		return tracker.Retry
	}
	return tracker.Ambiguous
}

// answer is what came back of a call.
type answer struct {
	status int
	head   http.Header
	body   []byte
}

// do sends a call and decodes its answer into out, if it is not nil. Its error is
// always a [tracker.Error].
func (c *Client) do(ctx context.Context, k call, out any) (http.Header, error) {
	// The limit covers the reading of the answer too: one that trickles is no answer.
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	if err := tracker.Permitted(ctx); err != nil && !k.reads() {
		return nil, c.failed(k, tracker.Withheld, 0, "not sent", err)
	}
	var sent atomic.Bool
	// Until the headers are written Redmine has nothing that it could act on.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := c.request(ctx, k)
	if err != nil {
		return nil, c.failed(k, tracker.Rejected, 0, "the request cannot be written", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var lost *withheld
		if errors.As(err, &lost) {
			return nil, c.failed(k, tracker.Withheld, 0, "not sent", lost.error)
		}
		return nil, c.unanswered(k, sent.Load(), err)
	}
	defer resp.Body.Close()
	return resp.Header, c.read(k, resp, out)
}

// timed sends a call and gives a time on Redmine's clock at which it had not begun: by the
// Date of the answer, which is whole, or zero where no web server adds one.
func (c *Client) timed(ctx context.Context, k call, out any) (time.Time, error) {
	began := c.cfg.Now()
	head, err := c.do(ctx, k, out)
	if err != nil {
		return time.Time{}, err
	}
	at, err := http.ParseTime(head.Get("Date"))
	if err != nil {
		return time.Time{}, nil
	}
	took := max(c.cfg.Now().Sub(began), 0)
	return at.UTC().Add(-took - time.Second), nil
}

// read takes an answer in. A refusal whose text broke off is still a refusal: the
// status decides first.
func (c *Client) read(k call, resp *http.Response, out any) error {
	// One byte more than allowed, to tell a full answer from one that goes on.
	text, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody+1))
	if err == nil && int64(len(text)) > c.cfg.MaxBody {
		err = errors.New("it is larger than the limit")
	}
	a := &answer{status: resp.StatusCode, head: resp.Header, body: text}
	if a.status/100 != 2 {
		return c.refused(k, a)
	}
	if err != nil {
		return c.failed(k, k.doubt(), a.status, "the answer broke off", err)
	}
	if len(text) == 0 && out == nil {
		return nil
	}
	// Even an answer that nobody needs is read as JSON: a page of HTML with 200 is
	// somebody else's answer and says nothing about what Redmine did.
	if out == nil {
		out = new(json.RawMessage)
	}
	if err := json.Unmarshal(text, out); err != nil {
		kind := strings.SplitN(a.head.Get("Content-Type"), ";", 2)[0]
		return c.failed(k, k.doubt(), a.status, fmt.Sprintf("the answer (%d bytes, %q) is not what Redmine gives", len(text), kind), err)
	}
	return nil
}

// request writes a call as HTTP. The key travels in its header alone.
func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	to := c.base.JoinPath(k.path)
	to.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, to.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Redmine-API-Key", c.cfg.Key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "trimtab")
	if k.body == nil {
		return req, nil
	}
	text, err := json.Marshal(k.body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.ContentLength = int64(len(text))
	req.GetBody = func() (io.ReadCloser, error) {
		return &body{ctx: ctx, rest: bytes.NewReader(text)}, nil
	}
	req.Body, err = req.GetBody()
	return req, err
}

// body is what a write sends. It asks whether it may as late as can be, when the
// connection is there: getting one may take longer than the right to write lasts. A
// request without its body is none that Redmine acts on.
type body struct {
	ctx   context.Context
	rest  *bytes.Reader
	begun bool
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if !b.begun {
		if err := tracker.Permitted(b.ctx); err != nil {
			return 0, &withheld{err}
		}
		b.begun = true
	}
	return b.rest.Read(p)
}

// Close implements [io.Closer].
func (b *body) Close() error { return nil }

// withheld is why a body was not sent.
type withheld struct{ error }
