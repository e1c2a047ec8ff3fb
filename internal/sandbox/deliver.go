package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Atlassian's rules of delivery, as its documentation of webhooks and its
// community have them: up to 5 tries, 5 to 15 minutes apart, 5 s to connect and 20 s to
// answer.
const (
	maxTries    = 5
	leastPause  = 5 * time.Minute
	pauseSpread = 10 * time.Minute
	connectTime = 5 * time.Second
	answerTime  = 20 * time.Second
)

// courier sends messages to loopback only.
func courier() *http.Client {
	dialer := &net.Dialer{Timeout: connectTime, Control: func(_, address string, _ syscall.RawConn) error {
		// Asked of the address itself, since a name may lead anywhere.
		if host, _, err := net.SplitHostPort(address); err != nil || !net.ParseIP(host).IsLoopback() {
			return fmt.Errorf("a sandbox sends to loopback only, not to %s", address)
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		Timeout:       answerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Deliver sends every message that is due and gives the number of tries. One
// that fails in a way that may pass is tried again later, five times in all.
func (j *Jira) Deliver(ctx context.Context) int {
	tries := 0
	for ctx.Err() == nil {
		d := j.nextDue()
		if d == nil {
			break
		}
		tries++
		if j.send(ctx, d) {
			continue
		}
		j.mu.Lock()
		if d.tries++; d.tries < maxTries {
			pause := leastPause + time.Duration(j.draws("pause "+d.id, uint64(d.tries)).Int64N(int64(pauseSpread)))
			d.due = j.clock().Add(pause)
			j.hooks.queue = append(j.hooks.queue, d)
		}
		j.mu.Unlock()
	}
	return tries
}

// nextDue takes the message that has been due the longest; nil if none is.
func (j *Jira) nextDue() *delivery {
	j.mu.Lock()
	defer j.mu.Unlock()
	slices.SortStableFunc(j.hooks.queue, func(a, b *delivery) int { return a.due.Compare(b.due) })
	if len(j.hooks.queue) == 0 || j.hooks.queue[0].due.After(j.clock()) {
		return nil
	}
	d := j.hooks.queue[0]
	j.hooks.queue = j.hooks.queue[1:]
	return d
}

// send tries one delivery; false means that it is to be tried again.
func (j *Jira) send(ctx context.Context, d *delivery) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.hook.URL, bytes.NewReader(d.body))
	if err != nil {
		return true // an address that is none will be none later
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Atlassian-Webhook-Identifier", d.id)
	r.Header.Set("X-Atlassian-Webhook-Flow", d.flow)
	if d.tries > 0 {
		r.Header.Set("X-Atlassian-Webhook-Retry", strconv.Itoa(d.tries))
	}
	j.sign(r, d)
	resp, err := j.courier.Do(r)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // nobody reads what a receiver says
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return resp.StatusCode < http.StatusInternalServerError
}

// sign proves where a message comes from: with a signature of the body for an
// administrator's webhook, with a token for an app's.
func (j *Jira) sign(r *http.Request, d *delivery) {
	secret := d.hook.Secret
	if app := j.app(d.hook.app); app != nil {
		secret = app.Secret
	}
	if d.forged {
		secret = "not " + secret
	}
	switch {
	case d.hook.app != "":
		r.Header.Set("Authorization", "Bearer "+webToken(d.hook.app, secret, j.clock()))
	case secret != "":
		r.Header.Set("X-Hub-Signature", "sha256="+hex.EncodeToString(hmacOf(secret, d.body)))
	}
}

// hmacOf is the keyed sum that proves who has sent a text.
func hmacOf(secret string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return h.Sum(nil)
}

// webToken is a JSON web token of an app, good for three minutes.
func webToken(app, secret string, now time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	claims := encoded(map[string]any{"iss": app, "iat": now.Unix(), "exp": now.Add(3 * time.Minute).Unix()})
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	return text + "." + encode(hmacOf(secret, []byte(text)))
}

// Waiting tells how many messages are still to be sent, due or not.
func (j *Jira) Waiting() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.hooks.queue)
}

// untilStopped is a context that ends when the server stops.
type untilStopped struct{ stopped chan struct{} }

func (c untilStopped) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c untilStopped) Done() <-chan struct{}       { return c.stopped }
func (c untilStopped) Value(any) any               { return nil }

func (c untilStopped) Err() error {
	select {
	case <-c.stopped:
		return context.Canceled
	default:
		return nil
	}
}

// longestRest is how long whoever delivers rests at most: the site's clock may
// be one that nobody announces.
const longestRest = 10 * time.Second

// pump delivers until the server stops.
func (j *Jira) pump() {
	ctx := untilStopped{j.faults.stop()}
	for ctx.Err() == nil {
		j.Deliver(ctx)
		rest := time.NewTimer(j.rest())
		select {
		case <-ctx.Done():
		case <-j.hooks.wake:
		case <-rest.C:
		}
		rest.Stop()
	}
}

// rest is how long there is nothing to do.
func (j *Jira) rest() time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	least := longestRest
	for _, d := range j.hooks.queue {
		least = min(least, max(d.due.Sub(j.clock()), 0))
	}
	return least
}
