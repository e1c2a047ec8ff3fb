package jira_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// TestPartialErrors: Jira's list of issues has no gaps, its errors name their
// elements; whoever is refused, every result is of its own draft.
func TestPartialErrors(t *testing.T) {
	for _, refused := range [][]int{{0}, {2}, {4}, {0, 1, 2, 3}, {1, 3}, {0, 4}, {0, 1, 2, 3, 4}, {}} {
		t.Run(fmt.Sprint(refused), func(t *testing.T) {
			s := open(t, nil)
			drafts := make([]tracker.Draft, 5)
			for i := range drafts {
				drafts[i] = draft(i)
				// Only Jira itself looks at a summary.
				if slices.Contains(refused, i) {
					drafts[i].Summary = ""
				}
			}
			results, err := s.client.Create(t.Context(), drafts)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				if slices.Contains(refused, i) {
					judged(t, r.Err, tracker.Rejected, "summary: You must specify a summary")
				} else if r.Err != nil || r.Issue.Marker != drafts[i].Marker || r.Issue.Summary != drafts[i].Summary {
					t.Errorf("result %d: %+v", i, r)
				}
			}
			if n := len(s.sandbox.Issues("FIN")); n != 5-len(refused) {
				t.Errorf("%d tickets", n)
			}
		})
	}
}

// TestCreationLeavesItsName: marker and write in the ticket, the property and
// the address.
func TestCreationLeavesItsName(t *testing.T) {
	s := open(t, nil)
	d := draft(1)
	d.Installation, d.Labels, d.Priority = "ein Büro", []string{"two words", "two words", ""}, "High"
	results, err := s.client.Create(t.Context(), []tracker.Draft{d})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	made := s.sandbox.ByLabel(string(d.Marker))
	if len(made) != 1 {
		t.Fatalf("%d tickets with the marker", len(made))
	}
	if want := fmt.Sprintf(`{"marker":%q,"op":"op-1"}`, d.Marker); string(made[0].Properties["trimtab"]) != want {
		t.Errorf("property %s", made[0].Properties["trimtab"])
	}
	if !slices.ContainsFunc(made[0].Labels, func(l string) bool { return strings.HasPrefix(l, "tt-inst-ein-B-ro-") }) {
		t.Errorf("labels %q", made[0].Labels)
	}
	got := results[0].Issue
	if !slices.Equal(got.Labels, []string{"two-words"}) || got.Priority != "High" || got.URL != s.url+"/browse/FIN-1" {
		t.Errorf("%+v", got)
	}
	if n, err := s.client.Changed(t.Context(), d.Installation, got.Created); err != nil || len(n.Issues) != 1 {
		t.Errorf("changed: %v, %v", n, err)
	}
}

// TestOwners: the right account or none, and never a lost ticket.
func TestOwners(t *testing.T) {
	tests := []struct{ owner, account, note string }{
		{"ANN@example.com", "acc-ann", ""},
		{"Ben Baker", "acc-ben", ""},
		{"acc-eve", "acc-eve", ""},        // what an issue shows of a hidden profile
		{"Ben", "", "no single account"},  // half a name
		{"ann@", "", "no single account"}, // half an address
		{"team-platform", "", `no single account for the owner "team-platform"`},
		{"gone@example.com", "", "no single account"},
	}
	s := open(t, func(c *sandbox.Config, _ *jira.Config) {
		c.Users = append(c.Users, sandbox.User{AccountID: "acc-gone", Email: "gone@example.com", Name: "Gone", Inactive: true})
	})
	for i, test := range tests {
		d := draft(i)
		d.Assignee = test.owner
		results, err := s.client.Create(t.Context(), []tracker.Draft{d})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		made, _ := s.sandbox.Get(results[0].Issue.ID)
		if made.Assignee != test.account || !strings.Contains(strings.Join(results[0].Notes, "; "), test.note) || (test.note == "") != (len(results[0].Notes) == 0) {
			t.Errorf("%s: account %q, notes %q", test.owner, made.Assignee, results[0].Notes)
		}
	}
}

// TestOwnersAreRemembered: one look-up for an owner, not one a ticket.
func TestOwnersAreRemembered(t *testing.T) {
	s := open(t, nil)
	var calls counter
	c, err := jira.New(jira.Config{URL: s.url, Email: email, Token: token, Now: s.clock.Now, HTTP: &http.Client{Transport: &calls}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	drafts := make([]tracker.Draft, tracker.MaxBatch)
	for i := range drafts {
		drafts[i] = draft(i)
		drafts[i].Assignee = "ann@example.com"
	}
	if _, err := c.Create(t.Context(), drafts); err != nil {
		t.Fatal(err)
	}
	want := counter{"GET /rest/api/3/issue/createmeta/FIN/issuetypes", calls[1], "GET /rest/api/3/user/assignable/search", "POST /rest/api/3/issue/bulk", "POST /rest/api/3/issue/bulkfetch"}
	if !slices.Equal(calls, want) {
		t.Errorf("calls: %q", calls)
	}
}

// counter notes the requests of a client that makes one at a time.
type counter []string

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	*c = append(*c, r.Method+" "+r.URL.Path)
	return http.DefaultTransport.RoundTrip(r)
}

// TestRefusedFields: an assignee that a project has no field for and a priority that it
// does not know are left out with a note; one draft's refusal does not touch the others.
func TestRefusedFields(t *testing.T) {
	s := open(t, func(c *sandbox.Config, _ *jira.Config) { c.Projects[0].Hidden = []string{"assignee"} })
	drafts := []tracker.Draft{draft(0), draft(1), draft(2), draft(3)}
	drafts[1].Assignee, drafts[2].Priority, drafts[3].Type = "ann@example.com", "Urgent!!", "Nonsense"
	results, err := s.client.Create(t.Context(), drafts)
	if err != nil {
		t.Fatal(err)
	}
	for i, note := range []string{"", "the assignee could not be set", `"Urgent!!" is not allowed`} {
		if results[i].Err != nil || results[i].Issue.Marker != drafts[i].Marker || !strings.Contains(strings.Join(results[i].Notes, ""), note) {
			t.Errorf("result %d: %+v", i, results[i])
		}
	}
	judged(t, results[3].Err, tracker.Rejected, `no issue type "Nonsense"`)
	if n := len(s.sandbox.Issues("FIN")); n != 3 {
		t.Errorf("%d tickets", n)
	}
}

// TestCalls: what it costs to file many tickets of one project undisturbed.
func TestCalls(t *testing.T) {
	var calls atomic.Int32
	s := open(t, func(_ *sandbox.Config, c *jira.Config) {
		c.HTTP = &http.Client{Transport: counting{checked(t), &calls}}
	})
	const batches = 8
	for b := range batches {
		drafts := make([]tracker.Draft, tracker.MaxBatch)
		for i := range drafts {
			drafts[i] = draft(b*tracker.MaxBatch + i)
			drafts[i].Assignee, drafts[i].Priority = "ann@example.com", "High"
		}
		if _, err := s.client.Create(t.Context(), drafts); err != nil {
			t.Fatal(err)
		}
	}
	// Two for the screen, one for the owner; of each batch one to file and one to read back.
	if n := int(calls.Load()); n != 3+2*batches {
		t.Errorf("%d calls for %d tickets", n, batches*tracker.MaxBatch)
	}
}

// TestNoLabels: without labels a ticket could not be found again.
func TestNoLabels(t *testing.T) {
	s := open(t, func(c *sandbox.Config, _ *jira.Config) { c.Projects[0].Hidden = []string{"labels"} })
	results, err := s.client.Create(t.Context(), []tracker.Draft{draft(1)})
	if err != nil {
		t.Fatal(err)
	}
	judged(t, results[0].Err, tracker.Rejected, "the field labels is not on the create screen", "add it to the project's create screen")
}

// TestReadBackFails: the tickets exist, so the creation has not failed.
func TestReadBackFails(t *testing.T) {
	for _, kind := range []sandbox.Kind{sandbox.Refuse5xx, sandbox.LoseAnswer, sandbox.TooMany, sandbox.HTML} {
		s := open(t, func(_ *sandbox.Config, c *jira.Config) { c.MaxWait = -1 })
		s.sandbox.Inject(sandbox.Fault{Kind: kind, Path: "/rest/api/3/issue/bulkfetch"})
		results, err := s.client.Create(t.Context(), []tracker.Draft{draft(1)})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		made := results[0].Issue
		if made.ID == "" || made.Key != "FIN-1" || made.Marker != draft(1).Marker || made.Status != tracker.Open || !made.Updated.IsZero() || made.Assignee != draft(1).Assignee || len(results[0].Notes) != 1 {
			t.Errorf("%+v", results[0])
		}
	}
}

// TestNonsenseAfterCreation: an answer of success that does not add up leaves
// everything open.
func TestNonsenseAfterCreation(t *testing.T) {
	for _, answer := range []string{
		`{"issues":[],"errors":[]}`, `{"issues":[{"id":"1","key":"FIN-1"},{"id":"2","key":"FIN-2"}]}`, `{"issues":[],"errors":[{"status":400}]}`,
		`{"issues":[],"errors":[{"failedElementNumber":7,"status":400}]}`, `{}`, `{"issues":[{}],"errors":[]}`,
	} {
		server := httptest.NewServer(screened(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, answer)
		}))
		_, err := raw(t, server.URL).Create(t.Context(), []tracker.Draft{draft(1)})
		judged(t, err, tracker.Ambiguous)
		server.Close()
	}
}

// TestBulkRefusals: what an element's status means.
func TestBulkRefusals(t *testing.T) {
	for status, kind := range map[int]tracker.Kind{400: tracker.Rejected, 403: tracker.Forbidden, 429: tracker.Retry, 500: tracker.Ambiguous} {
		server := httptest.NewServer(screened(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"issues": []any{}, "errors": []any{map[string]any{"status": status, "failedElementNumber": 0}}})
		}))
		results, err := raw(t, server.URL).Create(t.Context(), []tracker.Draft{draft(1)})
		if err != nil {
			t.Fatal(err)
		}
		judged(t, results[0].Err, kind)
		server.Close()
	}
}

func TestBatches(t *testing.T) {
	s := open(t, nil)
	if results, err := s.client.Create(t.Context(), nil); err != nil || len(results) != 0 {
		t.Errorf("none: %v, %v", results, err)
	}
	_, err := s.client.Create(t.Context(), make([]tracker.Draft, tracker.MaxBatch+1))
	judged(t, err, tracker.Rejected, "51 drafts")
}

// TestAnyTextIsFiled: one wrong node refuses a ticket, so none may be made,
// whatever the text.
func TestAnyTextIsFiled(t *testing.T) {
	s := open(t, nil)
	pieces := rapid.SampledFrom([]string{
		"word", " ", "\n", "\n\n", "- ", "1. ", "> ", "# ", "```", "`", "**", "*", "~~", "[a](https://e.com)", "[", "](", "| a | b |\n| - | - |\n", "|", "<b>",
		"<!-- x -->", "---\n", "    ", "\\", "\\\n", "&amp;", "![i](http://e.com/i.png)", "<https://e.com>", "\x00", "\xff", "🙂", "\t",
	})
	filed := 0
	rapid.Check(t, func(rt *rapid.T) {
		drafts := make([]tracker.Draft, 10)
		for i := range drafts {
			filed++
			drafts[i] = draft(filed)
			drafts[i].Description = strings.Join(rapid.SliceOfN(pieces, 0, 30).Draw(rt, "text"), "")
			drafts[i].Summary = "S " + rapid.String().Draw(rt, "summary")
			drafts[i].Labels = rapid.SliceOfN(rapid.String(), 0, 3).Draw(rt, "labels")
		}
		results, err := s.client.Create(t.Context(), drafts)
		if err != nil {
			rt.Fatal(err)
		}
		for i, r := range results {
			if r.Err != nil {
				rt.Fatalf("%q, labels %q: %v", drafts[i].Description, drafts[i].Labels, r.Err)
			}
		}
	})
	deep := draft(0)
	deep.Description = strings.Repeat("1. ", 10000)
	if results, err := s.client.Create(t.Context(), []tracker.Draft{deep}); err != nil || results[0].Err != nil {
		t.Error(err, results)
	}
}
