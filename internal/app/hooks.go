package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker/jira"
)

// hook verifies a webhook, keeps it as a hint that an issue may have changed, and has the
// trackers pulled.
func (a *App) hook(ctx context.Context, name string, header http.Header, body []byte) error {
	t, ok := a.tracker(name)
	if !ok || t.Webhook == (deploy.Webhook{}) {
		return trimtab.Errorf(trimtab.NotFound, "no webhooks are taken for a tracker %q", name)
	}
	d, err := a.verify(t, header, body)
	if err != nil {
		a.Log.Warn("a webhook was refused", "tracker", name, "error", err)
		return err
	}
	if d.IssueID == "" {
		return nil // of no issue
	}
	fresh := false
	err = a.Store.Write(ctx, func(tx *store.Tx) (err error) {
		fresh, err = tx.Receive(name, deliveryID(d, body), d.IssueID, a.Clock.Now())
		return err
	})
	if err != nil || !fresh {
		return err
	}
	_, _, err = a.Engine.Submit(ctx, pull(name)(a.Clock.Now()))
	return err
}

// tracker finds a tracker of the deployment.
func (a *App) tracker(name string) (deploy.Tracker, bool) {
	i := slices.IndexFunc(a.Deployment.Trackers, func(t deploy.Tracker) bool { return t.Name == name })
	if i < 0 {
		return deploy.Tracker{}, false
	}
	return a.Deployment.Trackers[i], true
}

// verify goes by who has set the webhook up: an administrator with a secret, or the app.
func (a *App) verify(t deploy.Tracker, header http.Header, body []byte) (jira.Delivery, error) {
	if t.Webhook.Secret != "" {
		return jira.VerifyWebhook(t.Webhook.Secret, header, body)
	}
	return jira.VerifyAppWebhook(t.Auth.ClientSecret, a.Clock.Now(), header, body)
}

// deliveryID is the same for all tries of one webhook.
func deliveryID(d jira.Delivery, body []byte) string {
	if d.ID != "" {
		return d.ID
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// hookEvents are what a ticket's life is made of.
var hookEvents = []string{"jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted"}

// renewHooks is how often registrations are looked at. They end after 30 days, and may be
// removed by hand.
const renewHooks = 12 * time.Hour

// followHooks keeps the webhooks of apps registered until ctx ends.
func (a *App) followHooks(ctx context.Context) {
	for {
		for _, t := range a.Deployment.Trackers {
			if err := a.ensureHook(ctx, t); err != nil {
				a.Log.Error("the webhook is not registered: changes are heard of at the next pull", "tracker", t.Name, "error", err)
			}
		}
		if a.Clock.Sleep(ctx, renewHooks) != nil {
			return
		}
	}
}

// ensureHook registers the webhook of an app, renews it, or makes it anew when it is gone.
func (a *App) ensureHook(ctx context.Context, t deploy.Tracker) error {
	client, ok := a.Trackers[t.Name].(*jira.Client)
	if !ok || t.Webhook.URL == "" {
		return nil
	}
	var keys []string
	for _, b := range a.Deployment.Boards {
		if b.Tracker == t.Name && !slices.Contains(keys, b.Project) {
			keys = append(keys, b.Project)
		}
	}
	ends, err := client.EnsureWebhook(ctx, t.Webhook.URL, "project in ("+strings.Join(keys, ", ")+")", hookEvents)
	if err == nil {
		a.Log.Info("the webhook is registered", "tracker", t.Name, "until", ends)
	}
	return err
}
