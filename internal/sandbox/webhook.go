package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Webhook is one that an administrator has set up: events go to a URL, each
// with a signature if there is a secret.
type Webhook struct {
	URL, Secret string
	JQL         string   // only of issues that fit; "" is all
	Events      []string // as jira:issue_updated; nil is all
}

// The events of webhooks, in Jira's words.
const (
	issueCreated    = "jira:issue_created"
	issueUpdated    = "jira:issue_updated"
	issueDeleted    = "jira:issue_deleted"
	commentCreated  = "comment_created"
	propertySet     = "issue_property_set"
	propertyDeleted = "issue_property_deleted"
)

// hook is a webhook in use: an administrator's, or an app's, which has a number,
// an owner and an end.
type hook struct {
	Webhook
	id           int64
	app, account string
	expires      time.Time
	query        *query // nil fits all
}

// delivery is one message that is to be sent, now or later.
type delivery struct {
	hook   *hook
	id     string // the same for each try
	body   []byte
	flow   string // Primary, or Secondary for what falls out of bulk changes
	due    time.Time
	tries  int
	forged bool
}

// hooks are the webhooks and what is on its way to them.
type hooks struct {
	all    []*hook
	queue  []*delivery
	made   uint64        // deliveries so far
	lastID int64         // of apps' webhooks
	wake   chan struct{} // has room for one: there may be something to do
}

// newHook reads the filter of a webhook.
func (j *Jira) newHook(w Webhook) (*hook, error) {
	h := &hook{Webhook: w}
	if w.JQL == "" {
		return h, nil
	}
	q, err := parseJQL(w.JQL)
	if err != nil {
		return nil, err
	}
	h.query = q
	return h, j.bind(&scope{account: j.self}, q.conditions, false)
}

// wants reports whether a webhook is to be told of an event.
func (h *hook) wants(event string, i *Issue, now time.Time) bool {
	live := h.expires.IsZero() || now.Before(h.expires)
	return live && (h.Events == nil || slices.Contains(h.Events, event)) && (h.query == nil || h.query.fits(i))
}

// announce tells the webhooks what a commit has changed; bulk is set where it
// has changed more than one issue.
func (j *Jira) announce(old, i *Issue, bulk bool) {
	if len(j.hooks.all) == 0 {
		return
	}
	if old == nil {
		j.tell(issueCreated, i, bulk, nil)
		return
	}
	if i.Deleted {
		j.tell(issueDeleted, i, bulk, nil)
		return
	}
	s := j.outside()
	for _, c := range i.Changes[min(len(old.Changes), len(i.Changes)):] {
		shown := j.shownChange(s, c).(map[string]any)
		j.tell(issueUpdated, i, bulk, map[string]any{"changelog": map[string]any{"id": shown["id"], "items": shown["items"]}, "user": j.shownUser(s, c.Author)})
	}
	for _, c := range i.Comments[min(len(old.Comments), len(i.Comments)):] {
		j.tell(commentCreated, i, bulk, map[string]any{"comment": j.shownComment(s, i, c, false), "user": j.shownUser(s, c.Author)})
	}
	for key, value := range i.Properties {
		if string(old.Properties[key]) != string(value) {
			j.tell(propertySet, i, bulk, map[string]any{"property": prop{key, value}})
		}
	}
	for key := range old.Properties {
		if _, kept := i.Properties[key]; !kept {
			j.tell(propertyDeleted, i, bulk, map[string]any{"property": map[string]string{"key": key}})
		}
	}
}

// outside is a scope for what no request asks for.
func (j *Jira) outside() *scope {
	base := "http://sandbox.invalid"
	if j.listener != nil {
		base = "http://" + j.listener.Addr().String()
	}
	s := &scope{account: j.self, base: base + cloudAPI}
	if j.cfg.Server {
		s.server, s.base = true, base+serverAPI
	}
	return s
}

// tell makes a message for each webhook that wants it.
func (j *Jira) tell(event string, i *Issue, bulk bool, more map[string]any) {
	now := j.clock()
	var body []byte
	for _, h := range j.hooks.all {
		if !h.wants(event, i, now) {
			continue
		}
		if body == nil {
			body = j.message(event, i, more)
		}
		d := &delivery{hook: h, body: body, flow: "Primary", due: now}
		if bulk {
			d.flow = "Secondary"
		}
		j.post(d)
	}
}

// message is the body of an event.
func (j *Jira) message(event string, i *Issue, more map[string]any) []byte {
	s := j.outside()
	m := map[string]any{"timestamp": j.now().UnixMilli(), "webhookEvent": event, "user": j.shownUser(s, i.Reporter), "issue": j.shownIssue(s, i, wish{fields: []string{"*all"}})}
	for key, value := range more {
		m[key] = value
	}
	text, err := json.Marshal(m)
	if err != nil { // it is made of what answers are made of
		return nil
	}
	return text
}

// post puts a message on its way, unless a fault has it otherwise.
func (j *Jira) post(d *delivery) {
	j.hooks.made++
	d.id = fmt.Sprintf("%016x", j.draws("webhook", j.hooks.made).Uint64())
	f := j.faults.next(j.clock(), func(f *Fault) bool { return f.Kind >= HookTwice })
	if f == nil {
		f = &Fault{}
	}
	switch f.Kind {
	case HookLost:
		return
	case HookLater:
		d.due = d.due.Add(30 * time.Minute)
	case HookSwapped:
		d.due = d.due.Add(time.Minute)
	case HookForged:
		d.forged = true
	case HookTwice:
		again := *d
		j.hooks.queue = append(j.hooks.queue, &again)
	}
	j.hooks.queue = append(j.hooks.queue, d)
	j.wakeUp()
}

// wakeUp tells whoever delivers that there may be something to do.
func (j *Jira) wakeUp() {
	select {
	case j.hooks.wake <- struct{}{}:
	default: // it has been told
	}
}
