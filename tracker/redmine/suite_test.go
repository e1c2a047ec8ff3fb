package redmine_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine"
	"github.com/trimtab/trimtab/tracker/redmine/redminetest"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

func TestTracker(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Site { return suite(t, redmine.Textile) })
}

func TestTrackerInMarkdown(t *testing.T) {
	if testing.Short() {
		t.Skip("the other markup is tried in full")
	}
	trackertest.Run(t, func(t *testing.T) trackertest.Site { return suite(t, redmine.Markdown) })
}

// suite is the site as the suite of all trackers plays it.
func suite(t *testing.T, markup redmine.Markup) trackertest.Site {
	t.Helper()
	s := site(t)
	cfg := configOf(s)
	cfg.Markup = markup
	ben := person{s, markup}
	return trackertest.Site{
		Tracker: open(t, cfg), Target: target, Elsewhere: "ops", Owner: "ann@example.com", Other: "ben@example.com", Name: "ben@example.com", Anonymous: true,
		Advance: func(d time.Duration) { s.Advance(t, d) },
		Clock:   func() time.Time { return s.Clock(t) },
		Person:  ben.change, Describe: ben.describe, Foreign: ben.file,
		Strip: func(t *testing.T, id string) {
			t.Helper()
			ben.put(t, id, map[string]any{"custom_fields": []map[string]any{{"id": fields.Origin, "value": "finops"}}})
		},
		Delete: func(id string) { s.Ruby(t, "Issue.find("+id+").destroy; 1", nil) },
	}
}

// person is Ben, who works with a Redmine by hand.
type person struct {
	site   *redminetest.Server
	markup redmine.Markup
}

func (p person) write(md string) string {
	if p.markup == redmine.Markdown {
		return md
	}
	return redmine.TextileOf(md)
}

// put changes an issue with Ben's key.
func (p person) put(t *testing.T, id string, fields map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"issue": fields})
	if err != nil {
		t.Fatal(err)
	}
	if status := raw(t, p.site, benKey, http.MethodPut, "/issues/"+id+".json", string(body), nil); status != http.StatusNoContent {
		t.Fatalf("%s: HTTP %d", body, status)
	}
}

func (p person) change(t *testing.T, id string, c tracker.Change) {
	t.Helper()
	changed := map[string]any{}
	if to := map[tracker.Status]int{tracker.InProgress: 2, tracker.Done: 5}[c.Status]; to > 0 {
		changed["status_id"] = to
	}
	if c.Summary != nil {
		changed["subject"] = *c.Summary
	}
	if c.Priority != nil {
		changed["priority_id"] = map[string]int{"Low": 1, "Normal": 2, "High": 3}[*c.Priority]
	}
	if c.Comment != "" {
		changed["notes"] = p.write(c.Comment)
	}
	for _, label := range c.AddLabels {
		is := look(t, p.site, id).field(fields.Origin)
		changed["custom_fields"] = []map[string]any{{"id": fields.Origin, "value": is + " " + label}}
	}
	p.put(t, id, changed)
}

func (p person) describe(t *testing.T, id, md string) {
	t.Helper()
	p.put(t, id, map[string]any{"description": p.write(md)})
}

func (p person) file(t *testing.T, project, summary, description string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"issue": map[string]any{"project_id": project, "tracker_id": 2, "subject": summary, "description": p.write(description)}})
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Issue struct{ ID int } `json:"issue"`
	}
	if status := raw(t, p.site, benKey, http.MethodPost, "/issues.json", string(body), &made); status != http.StatusCreated {
		t.Fatalf("HTTP %d", status)
	}
	return fmt.Sprint(made.Issue.ID)
}
