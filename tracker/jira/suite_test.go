package jira_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira/markup"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

// suite is the site as the suite of all trackers plays it.
func (s *site) suite() trackertest.Site {
	return trackertest.Site{
		Tracker: s.client, Target: tracker.Target{Project: "FIN", Type: "Task"}, Elsewhere: "OPS", Advance: s.clock.Advance, Clock: s.clock.Now,
		Owner: "ann@example.com", Other: "ben@example.com", Name: "ben@example.com", Person: s.person, Describe: s.describe,
		Foreign: func(t *testing.T, project, summary, description string) string {
			t.Helper()
			key, err := s.sandbox.File(project, summary, description, "acc-ben")
			if err != nil {
				t.Fatal(err)
			}
			return s.id(t, key)
		},
		Strip: s.strip,
		Delete: func(id string) {
			if err := s.sandbox.Delete(id); err != nil {
				panic(err)
			}
		},
	}
}

// id is the id of a key.
func (s *site) id(t *testing.T, key string) string {
	t.Helper()
	issues, err := s.client.Fetch(t.Context(), []string{key})
	if err != nil || len(issues) != 1 {
		t.Fatal(err, issues)
	}
	return issues[0].ID
}

// person lets Ben change a ticket.
func (s *site) person(t *testing.T, id string, c tracker.Change) {
	t.Helper()
	e := sandbox.Edited{Summary: c.Summary, Priority: c.Priority, Add: c.AddLabels, Remove: c.RemoveLabels}
	err := s.sandbox.Edit(id, e, "acc-ben")
	if to := map[tracker.Status]string{tracker.InProgress: "In Progress", tracker.Done: "Done"}[c.Status]; err == nil && to != "" {
		err = s.sandbox.Transition(id, to, "", "acc-ben")
	}
	if err == nil && c.Comment != "" {
		err = s.sandbox.Comment(id, c.Comment, "acc-ben")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// describe lets Ben write a description with the editor of the edition.
func (s *site) describe(t *testing.T, id, md string) {
	t.Helper()
	var written any = markup.Document(md)
	if strings.Contains(s.client.String(), "datacenter") {
		written = markup.WikiOf(md)
	}
	text, err := json.Marshal(written)
	if err == nil {
		err = s.sandbox.Edit(id, sandbox.Edited{Document: text}, "acc-ben")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// strip lets Ben take the marker's label off, and an app the property.
func (s *site) strip(t *testing.T, id string) {
	t.Helper()
	labels := slices.DeleteFunc(s.issue(t, id).Labels, func(l string) bool { return !strings.HasPrefix(l, "tt-") || strings.HasPrefix(l, "tt-inst-") })
	err := s.sandbox.Edit(id, sandbox.Edited{Remove: labels}, "acc-ben")
	if err == nil {
		err = s.sandbox.DropProperty(id, "trimtab")
	}
	if err != nil {
		t.Fatal(err)
	}
}
