package trimtab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Key is the identity of a recommendation: what is proposed for which resource.
// The rule, its version, the date and the amount are not part of it, so a
// repeat is recognised whatever found it.
type Key string

// KeyOf makes the key of an action on a resource; installation separates
// deployments that share a tracker, variant two different proposals of one
// action ("" is the usual one).
func KeyOf(installation, action, resource, variant string) Key {
	h := sha256.New()
	for _, part := range []string{installation, action, CanonicalResource(resource), variant} {
		h.Write([]byte(strconv.Itoa(len(part))))
		h.Write([]byte{':'})
		h.Write([]byte(part))
	}
	return Key(hex.EncodeToString(h.Sum(nil)[:16]))
}

// CanonicalResource brings the spellings of one resource id together: space
// around it and, for Azure ids, which are case-insensitive, the case.
func CanonicalResource(id string) string {
	id = strings.TrimSpace(id)
	if strings.HasPrefix(strings.ToLower(id), "/subscriptions/") {
		return strings.ToLower(id)
	}
	return id
}

// Marker is the text that a ticket carries so that it can be found again:
// "tt-" and 26 base32 characters, fit for a label. It differs between
// installations, so a test site never finds the tickets of the real one.
type Marker string

var markerEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// MarkerOf makes the marker of a key's episode (1 for the first).
func MarkerOf(installation string, key Key, episode int) Marker {
	mac := hmac.New(sha256.New, []byte(installation))
	mac.Write([]byte(string(key) + "/" + strconv.Itoa(episode)))
	text := markerEncoding.EncodeToString(mac.Sum(nil))
	return Marker("tt-" + strings.ToLower(text[:26]))
}

// Reason is one rule's conclusion that a recommendation should be made.
type Reason struct {
	Rule     string     `json:"rule"` // pack-qualified id
	Hash     string     `json:"hash"` // of the rule's text and parameters
	Priority int        `json:"priority"`
	Title    string     `json:"title,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence is one fact that a rule matched.
type Evidence struct {
	Name   string         `json:"name"` // the rule's name for it
	Type   string         `json:"type"`
	Fields map[string]any `json:"fields"`
}

// Subject is the resource that a recommendation is about.
type Subject struct {
	Resource    string            `json:"resource"` // canonical id
	Raw         string            `json:"raw,omitempty"`
	Name        string            `json:"name,omitempty"`
	Provider    string            `json:"provider,omitempty"`
	Account     string            `json:"account,omitempty"`
	Region      string            `json:"region,omitempty"`
	Service     string            `json:"service,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	// State fingerprints the resource's configuration: a change breaks a
	// dismissal early.
	State string `json:"state,omitempty"`
}

// Owner is whom a ticket is for, and how that was found out.
type Owner struct {
	Name   string `json:"name"`
	Source string `json:"source"` // "tag owner", "fact Owner by account", "fallback", "missing"
}

// Recommendation is one proposal about one resource, as one scan concluded it.
type Recommendation struct {
	ID        int64     `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Key       Key       `json:"key"`
	Action    string    `json:"recommendation"` // stop, delete, resize, upgrade, tag …
	Variant   string    `json:"variant,omitempty"`
	Subject   Subject   `json:"subject"`
	Title     string    `json:"title"`
	Fix       string    `json:"fix,omitempty"`
	Doc       string    `json:"doc,omitempty"`
	Runbook   string    `json:"runbook,omitempty"`
	// Current and Proposed describe the configuration before and after.
	Current  string `json:"current,omitempty"`
	Proposed string `json:"proposed,omitempty"`
	// MonthlyCost is the run-rate of the resource, Savings what the proposal
	// would take off it, both for a month of 30.4375 days.
	MonthlyCost Money    `json:"monthly_cost"`
	Savings     Money    `json:"savings"`
	Confidence  string   `json:"confidence,omitempty"`
	Effort      string   `json:"effort,omitempty"`
	Risk        string   `json:"risk,omitempty"`
	Blockers    string   `json:"blockers,omitempty"` // what must be settled before it can be done
	Labels      []string `json:"labels,omitempty"`
	// Priority is what a rule asked for by assign, in the tracker's words; "" leaves
	// it to the board.
	Priority string   `json:"priority,omitempty"`
	Reasons  []Reason `json:"reasons"` // best first; its rule words the rest
	Owner    Owner    `json:"owner"`
	Board    string   `json:"board"`
}

// Rule is the id of the rule that words the recommendation.
func (r *Recommendation) Rule() string {
	if len(r.Reasons) == 0 {
		return ""
	}
	return r.Reasons[0].Rule
}
