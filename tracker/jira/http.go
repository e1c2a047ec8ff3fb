package jira

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/internal/rest"
	"github.com/trimtab/trimtab/tracker/jira/governor"
)

// call is one request to Jira.
type call struct {
	method, path string
	query        url.Values
	body         any
	reads        bool       // asks and changes nothing, whatever its method: safe to send again
	creates      bool       // makes tickets
	issue        string     // id of the issue that is written to
	project      string     // of that issue
	clock        *time.Time // if not nil, it is set to a time on Jira's clock before the call, where the answer has one
	// accept, if set, takes a refusal for an answer.
	accept func(status int, body []byte) bool
}

// String names the call in errors; the query stays out of them.
func (k call) String() string { return k.method + " " + k.path }

// do sends a call when its turn has come and decodes its answer into out, if it
// is not nil. Its error is always a [tracker.Error].
func (c *Client) do(ctx context.Context, k call, out any) error {
	// The lane is held over the pauses too: a later write must not overtake this one.
	leave, err := c.site.enter(ctx, k.issue)
	if err != nil {
		return c.failed(k, tracker.Retry, 0, "not sent", err)
	}
	defer leave()
	var refusal error
	t, renewed := &turn{}, false
	for {
		if err := c.admit(ctx, k, t); err != nil {
			return cmp.Or(refusal, err) // what Jira said says more than that there is a pause
		}
		began := c.cfg.Now()
		a, err := c.send(ctx, k)
		c.site.tell(ctx, c, k, a.outcome(c, err))
		t.sent++
		switch {
		case err == nil:
			if k.clock != nil {
				*k.clock = before(a.head, c.cfg.Now().Sub(began))
			}
			return c.decode(k, a, out)
		// What was refused at the door was not done: a write may go again too.
		case a.status == http.StatusUnauthorized && !renewed:
			renewed = true
			if fresh, lost := c.auth.renew(ctx, a.credential); lost != nil || !fresh {
				return cmp.Or(lost, err)
			}
		case !a.throttled() || t.sent == governor.MaxTries:
			return err
		}
		refusal = err
	}
}

// before is a time on Jira's clock at which a call had not arrived yet; zero if the answer
// has none. Date (RFC 9110) is when the answer was made, in whole seconds, so that what
// the call took and a second more lie before it.
func before(head http.Header, took time.Duration) time.Time {
	at, err := http.ParseTime(head.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return at.Add(-took - time.Second)
}

// turn is how far a call has come.
type turn struct {
	sent   int
	waited time.Duration
}

// admit waits until the governor lets a call go, or says why it will not wait.
func (c *Client) admit(ctx context.Context, k call, t *turn) error {
	for {
		d := c.site.ask(ctx, c, k)
		if d.Wait <= 0 {
			return nil
		}
		if d.Forbidden || !governor.Again(t.sent, t.waited, d.Wait, c.cfg.MaxWait) {
			e := c.failed(k, tracker.Retry, 0, "not sent: "+d.Why, nil)
			if d.Forbidden {
				e.Kind = tracker.Forbidden
			}
			e.RetryAfter = max(d.Wait, rest.MinPause)
			return e
		}
		if err := c.cfg.Sleep(ctx, d.Wait); err != nil {
			return c.failed(k, tracker.Retry, 0, "not sent: "+d.Why, err)
		}
		t.waited += d.Wait
	}
}

// answer is what came back of a call.
type answer struct {
	status     int
	head       http.Header
	body       []byte
	credential string // with which it was asked
	unsent     bool   // for reasons of the caller's own
}

// throttled reports whether Jira asked for the same call again, later.
func (a *answer) throttled() bool {
	return a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable && a.head.Get("Retry-After") != ""
}

// outcome tells the governor of an answer.
func (a *answer) outcome(c *Client, err error) governor.Outcome {
	o := governor.Outcome{Status: a.status, Unsent: a.unsent || errors.Is(err, context.Canceled)}
	if a.head == nil {
		return o
	}
	o.Reason, o.Near = a.head.Get("RateLimit-Reason"), a.head.Get("X-RateLimit-NearLimit") == "true"
	// A pause of 0 is common and none that is meant: the governor then finds its own.
	if pause, said := retryAfter(a.head, c.cfg.Now()); said && pause > 0 {
		o.Pause = pause
	} else if said && a.status == http.StatusServiceUnavailable {
		o.Pause = rest.MinPause
	}
	o.Reset, _ = time.Parse(time.RFC3339, a.head.Get("X-RateLimit-Reset")) // zero if it is no time
	return o
}

// send sends a call once. The answer is never nil; an error is a [tracker.Error].
func (c *Client) send(ctx context.Context, k call) (*answer, error) {
	// Before the time-out begins: to renew a token may take as long as a call.
	credential, err := c.auth.header(ctx)
	if err != nil {
		return &answer{unsent: true}, err
	}
	// The limit covers the reading of the answer too: one that trickles is no answer.
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	g := &gate{permitted: func() error { return tracker.Permitted(ctx) }, shut: cancel}
	if k.reads {
		g.permitted = func() error { return nil }
	}
	if err := g.permitted(); err != nil {
		return &answer{unsent: true}, c.failed(k, tracker.Withheld, 0, "not sent", err)
	}
	req, err := c.request(httptrace.WithClientTrace(ctx, g.trace()), k, credential)
	if err != nil {
		return &answer{unsent: true}, c.failed(k, tracker.Rejected, 0, "the request cannot be written", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		sent, lost := g.state()
		if lost != nil {
			return &answer{unsent: true}, c.failed(k, tracker.Withheld, 0, "not sent", lost)
		}
		return &answer{}, c.unanswered(k, sent, err)
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, head: resp.Header, credential: credential}
	return a, c.read(k, a, resp.Body)
}

// read takes an answer in and judges its status. A refusal whose text broke off is
// still a refusal: the status decides first.
func (c *Client) read(k call, a *answer, r io.Reader) error {
	var err error
	a.body, err = c.readBody(r)
	if a.status/100 != 2 && (k.accept == nil || !k.accept(a.status, a.body)) {
		return c.refused(k, a)
	}
	if err != nil {
		return c.failed(k, k.doubt(), a.status, "the answer broke off", err)
	}
	return nil
}

// request writes a call as HTTP. The credential travels in the header alone.
func (c *Client) request(ctx context.Context, k call, credential string) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		text, err := json.Marshal(k.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	to := c.root.JoinPath(k.path)
	to.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, to.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", credential)
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
func (c *Client) decode(k call, a *answer, out any) error {
	if out == nil && len(a.body) == 0 {
		return nil
	}
	// Even an answer that nobody needs is read as JSON, or a login page would pass
	// for success.
	if out == nil {
		out = new(json.RawMessage)
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		kind := strings.SplitN(a.head.Get("Content-Type"), ";", 2)[0]
		return c.failed(k, k.doubt(), a.status, fmt.Sprintf("the answer (%d bytes, %q) is not what Jira gives", len(a.body), kind), err)
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
