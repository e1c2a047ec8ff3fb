package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Jira's limits for the webhooks of apps.
const (
	maxDynamic  = 5 // of each app and account
	dynamicLife = 30 * 24 * time.Hour
)

// dynamicFields are what the filter of an app's webhook may ask for.
var dynamicFields = []string{"key", "project", "issuetype", "status", "assignee", "reporter"}

// dynamicHook is a webhook as an app registers it.
type dynamicHook struct {
	JQL    string   `json:"jqlFilter"`
	Events []string `json:"events"`
}

// ownHooks lists an app's webhooks that have not expired; nil if the caller is
// no app, which has been refused then.
func (j *Jira) ownHooks(w http.ResponseWriter, r *http.Request) []*hook {
	s := of(r)
	if s.grant == nil {
		refuse(w, http.StatusForbidden, "Only Connect and OAuth 2.0 apps can use webhooks.")
		return nil
	}
	now := j.clock()
	own := []*hook{}
	for _, h := range j.hooks.all {
		if h.app == s.grant.app && h.account == s.account && now.Before(h.expires) {
			own = append(own, h)
		}
	}
	return own
}

// registerHooks registers webhooks of an app, each for itself: an answer may
// have errors beside ids.
func (j *Jira) registerHooks(w http.ResponseWriter, r *http.Request) {
	var body struct {
		URL      string        `json:"url"`
		Webhooks []dynamicHook `json:"webhooks"`
	}
	own := j.ownHooks(w, r)
	if own == nil || !ask(w, r, &body) {
		return
	}
	results := []any{}
	for n, asked := range body.Webhooks {
		id, why := j.register(of(r), body.URL, asked, len(own)+n)
		if why != "" {
			results = append(results, map[string]any{"errors": []string{why}})
			continue
		}
		results = append(results, map[string]any{"createdWebhookId": id})
	}
	reply(w, http.StatusOK, map[string]any{"webhookRegistrationResult": results})
}

// register adds one webhook of an app, or says why not.
func (j *Jira) register(s *scope, url string, asked dynamicHook, have int) (id int64, why string) {
	h, err := j.newHook(Webhook{URL: url, JQL: asked.JQL, Events: asked.Events})
	switch {
	case err != nil:
		return 0, err.Error()
	case have >= maxDynamic:
		return 0, fmt.Sprintf("An app can have %d webhooks for each user.", maxDynamic)
	case h.query == nil || slices.ContainsFunc(h.query.conditions, func(c condition) bool { return !slices.Contains(dynamicFields, c.field) || c.empty }):
		return 0, "The filter asks for something that webhooks cannot be filtered by."
	}
	j.hooks.lastID++
	h.id, h.app, h.account, h.expires = j.hooks.lastID, s.grant.app, s.account, j.clock().Add(dynamicLife)
	j.hooks.all = append(j.hooks.all, h)
	return h.id, ""
}

// listHooks lists what an app has registered, and until when.
func (j *Jira) listHooks(w http.ResponseWriter, r *http.Request) {
	own := j.ownHooks(w, r)
	if own == nil {
		return
	}
	all := []any{}
	for _, h := range own {
		events := h.Events
		if events == nil {
			events = []string{}
		}
		all = append(all, map[string]any{"id": h.id, "jqlFilter": h.JQL, "url": h.URL, "events": events, "expirationDate": h.expires.UnixMilli()})
	}
	start, size := pageOf(r.URL.Query(), 100)
	reply(w, http.StatusOK, map[string]any{"startAt": start, "maxResults": size, "total": len(all), "isLast": start+size >= len(all), "values": window(all, start, size)})
}

// hookIDs reads which webhooks a request is about; nil means that it has been
// refused.
func (j *Jira) hookIDs(w http.ResponseWriter, r *http.Request) (own []*hook) {
	var body struct {
		IDs []int64 `json:"webhookIds"`
	}
	own = j.ownHooks(w, r)
	if own == nil {
		return nil
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || len(body.IDs) == 0 {
		refuse(w, http.StatusBadRequest, "The list of webhook ids is missing.")
		return nil
	}
	return slices.DeleteFunc(own, func(h *hook) bool { return !slices.Contains(body.IDs, h.id) })
}

// deleteHooks ends webhooks; those of others are left alone without a word.
func (j *Jira) deleteHooks(w http.ResponseWriter, r *http.Request) {
	own := j.hookIDs(w, r)
	if own == nil {
		return
	}
	j.hooks.all = slices.DeleteFunc(j.hooks.all, func(h *hook) bool { return slices.Contains(own, h) })
	w.WriteHeader(http.StatusAccepted)
}

// refreshHooks gives webhooks another 30 days. One that has expired is gone and
// cannot be refreshed.
func (j *Jira) refreshHooks(w http.ResponseWriter, r *http.Request) {
	own := j.hookIDs(w, r)
	if own == nil {
		return
	}
	end := j.clock().Add(dynamicLife)
	for _, h := range own {
		h.expires = end
	}
	reply(w, http.StatusOK, map[string]any{"expirationDate": end.UnixMilli()})
}
