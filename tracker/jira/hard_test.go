package jira_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

// TestSuiteOnAHardSite: an index that is half a minute late, and limits that bite.
func TestSuiteOnAHardSite(t *testing.T) {
	editions := map[string]func(*sandbox.Config, *jira.Config){
		"cloud": func(sc *sandbox.Config, _ *jira.Config) { sc.Limits = sandbox.CloudLimits() },
		"data center": func(sc *sandbox.Config, jc *jira.Config) {
			dataCenter(sc, jc)
			sc.Limits.Server = sandbox.Bucket{Size: 5, Fill: 5, Every: time.Second}
		},
	}
	for name, edition := range editions {
		t.Run(name, func(t *testing.T) {
			trackertest.Run(t, func(t *testing.T) trackertest.Site {
				s := open(t, func(sc *sandbox.Config, jc *jira.Config) {
					edition(sc, jc)
					sc.Lag = sandbox.ConstantLag(30 * time.Second)
				})
				site := s.suite()
				site.Settle = func() { s.clock.Advance(31 * time.Second) }
				return site
			})
		})
	}
}

// TestLostCreation: the answer to a creation is lost and the index is late; all of
// its tickets are found at once, so that none is filed again.
func TestLostCreation(t *testing.T) {
	for api, edition := range map[string]func(*sandbox.Config, *jira.Config){"3": func(*sandbox.Config, *jira.Config) {}, "2": dataCenter} {
		s := open(t, func(sc *sandbox.Config, jc *jira.Config) {
			edition(sc, jc)
			sc.Lag = sandbox.ConstantLag(5 * time.Minute)
		})
		first, err := s.client.Create(t.Context(), []tracker.Draft{draft(0)})
		if err != nil {
			t.Fatal(err)
		}
		s.sandbox.Inject(sandbox.Fault{Kind: sandbox.LoseAnswer, Method: http.MethodPost, Path: "/rest/api/" + api + "/issue/bulk"})
		drafts, sought := make([]tracker.Draft, 50), make([]tracker.Sought, 50)
		for i := range drafts {
			drafts[i] = draft(i + 1)
			sought[i] = tracker.Sought{Marker: drafts[i].Marker, Project: "FIN", After: first[0].Issue.Key}
		}
		_, err = s.client.Create(t.Context(), drafts)
		judged(t, err, tracker.Ambiguous)
		found, err := s.client.Find(t.Context(), sought)
		if err != nil || len(found) != 50 {
			t.Errorf("%d found, %v", len(found), err)
		}
		// With no ticket known, the search shows the project as empty: the same numbers.
		for i := range sought {
			sought[i].After = ""
		}
		if found, err = s.client.Find(t.Context(), sought); err != nil || len(found) != 50 {
			t.Errorf("with none known: %d found, %v", len(found), err)
		}
	}
}
