package jira_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

// dataCenter makes of a site one in a company's own rooms. Cloud's document says
// nothing of it, so that nothing is held to it.
func dataCenter(sc *sandbox.Config, jc *jira.Config) {
	sc.Server, jc.Edition, jc.Email, jc.HTTP = true, jira.DataCenter, "", &http.Client{Transport: http.DefaultTransport}
}

func TestDataCenterSuite(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Site { return open(t, dataCenter).suite() })
}

// TestDataCenterText: wiki markup arrives, and reads back as Markdown.
func TestDataCenterText(t *testing.T) {
	s := open(t, dataCenter)
	d := draft(1)
	block := "**Saves** `i-1`\n\n| a | b |\n| --- | --- |\n| 1 | 2\\|3 |\n\n```sh\nstop *\n```"
	d.Description = tracker.Managed(block)
	results, err := s.client.Create(t.Context(), []tracker.Draft{d})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	var text string
	if err := json.Unmarshal(s.issue(t, results[0].Issue.ID).Description, &text); err == nil && !strings.Contains(text, "||a||b||") {
		t.Errorf("kept as %q", text)
	}
	if results[0].Issue.Block != block {
		t.Errorf("read back as %q", results[0].Issue.Block)
	}
	// The same text again is no write.
	s.clock.Advance(time.Minute)
	again, err := s.client.Update(t.Context(), results[0].Issue.ID, tracker.Set(tracker.Change{Op: "a", Block: &block}))
	if err != nil || !again.Updated.Equal(results[0].Issue.Updated) {
		t.Errorf("written again: %v, %v", again.Updated, err)
	}
}

// TestDataCenterFind: the index lags behind there too, and one key that is gone
// fails a whole search.
func TestDataCenterFind(t *testing.T) {
	b := &blind{}
	s := open(t, func(sc *sandbox.Config, jc *jira.Config) {
		dataCenter(sc, jc)
		b.below, jc.HTTP = http.DefaultTransport, &http.Client{Transport: b}
	})
	drafts := make([]tracker.Draft, 8)
	for i := range drafts {
		drafts[i] = draft(i)
	}
	results, err := s.client.Create(t.Context(), drafts)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []int{3, 4} {
		if err := s.sandbox.Delete(results[gone].Issue.ID); err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.client.Find(t.Context(), []tracker.Sought{{Marker: drafts[7].Marker, Project: "FIN", After: results[1].Issue.Key}})
	if err != nil || len(found) != 1 || found[0].Op != "op-7" {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err = s.client.Find(t.Context(), []tracker.Sought{{Marker: draft(99).Marker, Project: "FIN", After: results[1].Issue.Key}}); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
