package jira

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// renewBefore is how long before its end (30 days after it was made) a webhook is
// renewed.
const renewBefore = 10 * 24 * time.Hour

// webhook is one that the app has registered.
type webhook struct {
	ID      int64    `json:"id"`
	URL     string   `json:"url"`
	JQL     string   `json:"jqlFilter"`
	Events  []string `json:"events"`
	Expires int64    `json:"expirationDate"` // Unix ms
}

// EnsureWebhook sees to it that the app (OAuth on Cloud) has one webhook that sends
// these events of the issues of a query to an address, and gives its end. It is
// called again well before: Jira lets webhooks end after 30 days. A new one is made
// before old ones of the address are removed, so that there is always one.
func (c *Client) EnsureWebhook(ctx context.Context, to, jql string, events []string) (time.Time, error) {
	all, err := c.webhooks(ctx)
	if err != nil {
		return time.Time{}, err
	}
	var keep *webhook
	var old []int64
	for i := range all {
		w := &all[i]
		// The app may serve other installations, at other addresses.
		if w.URL != to {
			continue
		}
		if keep == nil && w.JQL == jql && sameEvents(w.Events, events) {
			keep = w
		} else { // of another query, or one too many
			old = append(old, w.ID)
		}
	}
	ends := time.Time{}
	// In this order: a failure leaves one too many, never none.
	if keep != nil {
		ends, err = c.prolong(ctx, keep)
	} else {
		ends, err = c.register(ctx, to, jql, events)
	}
	if err != nil || len(old) == 0 {
		return ends, err
	}
	body := map[string]any{"webhookIds": old}
	return ends, c.do(ctx, call{method: http.MethodDelete, path: c.path("webhook"), body: body}, nil)
}

// webhooks lists those of the app.
func (c *Client) webhooks(ctx context.Context) ([]webhook, error) {
	var all []webhook
	for range maxPages {
		var page struct {
			Values []webhook `json:"values"`
			Last   bool      `json:"isLast"`
		}
		query := url.Values{"startAt": {fmt.Sprint(len(all))}, "maxResults": {"100"}}
		if err := c.do(ctx, call{method: http.MethodGet, path: c.path("webhook"), query: query, reads: true}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Values...)
		if page.Last || len(page.Values) == 0 {
			break
		}
	}
	return all, nil
}

// prolong moves the end of a webhook that is near.
func (c *Client) prolong(ctx context.Context, w *webhook) (time.Time, error) {
	ends := time.UnixMilli(w.Expires)
	if ends.Sub(c.cfg.Now()) > renewBefore {
		return ends, nil
	}
	var answer struct {
		Expires int64 `json:"expirationDate"`
	}
	k := call{method: http.MethodPut, path: c.path("webhook", "refresh"), body: map[string]any{"webhookIds": []int64{w.ID}}}
	err := c.do(ctx, k, &answer)
	return time.UnixMilli(answer.Expires), err
}

// register makes a webhook. Jira says 200 even of one that it refuses.
func (c *Client) register(ctx context.Context, to, jql string, events []string) (time.Time, error) {
	var answer struct {
		Results []struct {
			ID     int64    `json:"createdWebhookId"`
			Errors []string `json:"errors"`
		} `json:"webhookRegistrationResult"`
	}
	body := map[string]any{"url": to, "webhooks": []map[string]any{{"jqlFilter": jql, "events": events}}}
	k := call{method: http.MethodPost, path: c.path("webhook"), body: body}
	if err := c.do(ctx, k, &answer); err != nil {
		return time.Time{}, err
	}
	if len(answer.Results) != 1 || answer.Results[0].ID == 0 {
		why := "Jira did not make the webhook"
		if len(answer.Results) > 0 {
			why += ": " + strings.Join(answer.Results[0].Errors, "; ")
		}
		return time.Time{}, c.failed(k, tracker.Rejected, 0, why, nil)
	}
	return c.cfg.Now().Add(30 * 24 * time.Hour), nil
}
