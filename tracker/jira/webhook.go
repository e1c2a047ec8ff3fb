package jira

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// Delivery is a webhook that has been verified. It is a hint that something
// changed, not the change: Jira sends them late, twice, out of order or not at all.
type Delivery struct {
	ID       string    // the same over all tries; "" if Jira did not say
	Event    string    // as jira:issue_updated
	IssueID  string    // "" if the event is not about an issue
	IssueKey string    // of that issue
	At       time.Time // when it happened, by Jira's clock
}

// hashes are the methods of X-Hub-Signature that are safe to rely on.
var hashes = map[string]func() hash.Hash{"sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

// VerifyWebhook checks a webhook that an administrator has set up with a secret
// (X-Hub-Signature over the body as it came). The size of the body is for the
// caller to bound. An error tells why the webhook is not to be believed.
func VerifyWebhook(secret string, header http.Header, body []byte) (Delivery, error) {
	if secret == "" { // anybody can sign with nothing
		return Delivery{}, trimtab.Errorf(trimtab.Invalid, "webhook: no secret is configured to verify it with")
	}
	method, text, found := strings.Cut(header.Get("X-Hub-Signature"), "=")
	made := hashes[method]
	if !found || made == nil {
		return Delivery{}, trimtab.Errorf(trimtab.Invalid, "webhook: it has no signature by sha256").WithNext("give the webhook a secret in Jira")
	}
	given, err := hex.DecodeString(text)
	mac := hmac.New(made, []byte(secret))
	mac.Write(body)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return Delivery{}, trimtab.Errorf(trimtab.Invalid, "webhook: its signature is not made with our secret")
	}
	return delivery(header, body)
}

// VerifyAppWebhook checks a webhook that an app has registered: a token (JWT,
// HS256) signed with the app's client secret, good at the time now.
func VerifyAppWebhook(clientSecret string, now time.Time, header http.Header, body []byte) (Delivery, error) {
	token, found := bearer(header.Get("Authorization"))
	if !found {
		return Delivery{}, trimtab.Errorf(trimtab.Invalid, "webhook: it has no token")
	}
	if err := verifyToken(clientSecret, now, token); err != nil {
		return Delivery{}, err
	}
	return delivery(header, body)
}

// bearer takes the token out of a header; Jira has called its scheme both names.
func bearer(text string) (string, bool) {
	scheme, token, _ := strings.Cut(text, " ")
	return token, token != "" && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "JWT"))
}

const (
	skew     = 2 * time.Minute // by which two clocks may differ
	maxToken = 8 << 10
)

// verifyToken checks a token's signature and times. The method is pinned: a token
// that names its own could name none.
func verifyToken(secret string, now time.Time, token string) error {
	bad := func(why string) error { return trimtab.Errorf(trimtab.Invalid, "webhook: its token %s", why) }
	parts := strings.Split(token, ".")
	if secret == "" || len(token) > maxToken || len(parts) != 3 {
		return bad("is none")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	given, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return bad("is not signed with the secret of our app")
	}
	var head struct {
		Method string `json:"alg"`
	}
	var claims struct {
		Issued  *float64 `json:"iat"`
		Expires *float64 `json:"exp"`
	}
	if !decodePart(parts[0], &head) || !decodePart(parts[1], &claims) || head.Method != "HS256" {
		return bad("is not one by HS256")
	}
	at := float64(now.Unix())
	switch {
	case claims.Expires == nil || claims.Issued == nil:
		return bad("does not say how long it is good")
	case at > *claims.Expires+skew.Seconds():
		return bad("has expired")
	case at < *claims.Issued-skew.Seconds():
		return bad("is from the future")
	}
	return nil
}

// decodePart reads a part of a token.
func decodePart(text string, into any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(raw, into) == nil
}

// delivery reads what a verified webhook is about.
func delivery(header http.Header, body []byte) (Delivery, error) {
	var event struct {
		Name  string `json:"webhookEvent"`
		At    int64  `json:"timestamp"`
		Issue ref    `json:"issue"`
	}
	if err := json.Unmarshal(body, &event); err != nil || event.Name == "" {
		return Delivery{}, trimtab.Errorf(trimtab.Invalid, "webhook: its body is not what Jira sends")
	}
	d := Delivery{ID: header.Get("X-Atlassian-Webhook-Identifier"), Event: event.Name, IssueID: event.Issue.ID, IssueKey: event.Issue.Key}
	if event.At > 0 {
		d.At = time.UnixMilli(event.At).UTC()
	}
	return d, nil
}

// sameEvents compares two lists of events, whatever their order.
func sameEvents(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
