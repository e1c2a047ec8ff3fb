package app

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/store"
)

// TestHook: a webhook is answered when it is kept, once; one that is not signed by us is
// refused, and what cannot be kept is asked for again.
func TestHook(t *testing.T) {
	s := newSite(t)
	a := s.open()
	defer func() { _ = a.Close() }()
	a.Deployment.Trackers = append(a.Deployment.Trackers, deploy.Tracker{Name: "corp", Kind: "jira", Webhook: deploy.Webhook{Secret: "hush"}})
	body := []byte(`{"timestamp":1790000000000,"webhookEvent":"jira:issue_updated","issue":{"id":"10001","key":"FIN-1"}}`)
	send := func(tracker, secret, delivery string) error {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		header := http.Header{"X-Hub-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}, "X-Atlassian-Webhook-Identifier": {delivery}}
		return a.hook(t.Context(), tracker, header, body)
	}
	for range 2 {
		if err := send("corp", "hush", "d-1"); err != nil {
			t.Fatal(err)
		}
	}
	for want, err := range map[string]error{
		"no webhooks are taken": send("none", "hush", "d-2"), "not made with our secret": send("corp", "guess", "d-3"),
		`for a tracker "local"`: send("local", "hush", "d-4"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	err := a.Store.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT tracker, delivery, issue FROM inbox`)
		if len(rows) != 1 || rows[0][2] != "10001" {
			t.Errorf("%v", rows)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	runs, err := a.Engine.List(t.Context(), durable.Filter{Workflow: "monitor"})
	if err != nil || len(runs) != 1 {
		t.Errorf("%d pulls, %v", len(runs), err)
	}
	if err := a.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := send("corp", "hush", "d-5"); err == nil || bytes.Contains([]byte(err.Error()), []byte("hush")) {
		t.Errorf("a state that is away: %v", err)
	}
}
