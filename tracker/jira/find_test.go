package jira_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// blind is a search whose index has not got to anything yet.
type blind struct {
	below http.RoundTripper
	calls []string
}

func (b *blind) RoundTrip(r *http.Request) (*http.Response, error) {
	b.calls = append(b.calls, r.Method+" "+r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
	if !strings.Contains(r.URL.Path, "/search") {
		return b.below.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(bytes.NewBufferString(`{"issues":[],"isLast":true}`))}, nil
}

// TestFindPastTheSearch: a ticket that no search shows yet is found by its key.
func TestFindPastTheSearch(t *testing.T) {
	b := &blind{}
	s := open(t, func(_ *sandbox.Config, c *jira.Config) {
		b.below = checked(t)
		c.HTTP = &http.Client{Transport: b}
	})
	drafts := make([]tracker.Draft, 30)
	for i := range drafts {
		drafts[i] = draft(i)
	}
	results, err := s.client.Create(t.Context(), drafts)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, project, after string
		found, calls         int
	}{
		{"after the last known one", "FIN", results[27].Issue.Key, 1, 1},
		{"with none known, in what the search takes for an empty project", "FIN", "", 1, 2},
		{"in no project", "", "", 0, 1},
		{"with a last one of another project", "FIN", "OPS-99", 1, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b.calls = nil
			found, err := s.client.Find(t.Context(), []tracker.Sought{{Marker: draft(29).Marker, Project: test.project, After: test.after}})
			if err != nil || len(found) != test.found || len(b.calls) != test.calls {
				t.Errorf("%d issues by %q, %v", len(found), b.calls, err)
			}
			if len(found) == 1 && (found[0].ID != results[29].Issue.ID || found[0].Op != "op-29") {
				t.Errorf("%+v", found[0])
			}
		})
	}
}

// TestFindHidden: what cannot be seen is not said to be missing, and it is when it can be.
func TestFindHidden(t *testing.T) {
	s := open(t, nil)
	s.filed(t)
	self := s.sandbox.Issues("FIN")[0].Reporter
	for _, project := range []string{"FIN", "NOSUCH"} {
		s.sandbox.Deny("FIN", self, sandbox.Browse)
		sought := []tracker.Sought{{Marker: draft(1).Marker, Project: project}, {Marker: draft(2).Marker, Project: project}}
		_, err := s.client.Find(t.Context(), sought)
		judged(t, err, tracker.Forbidden, "may not browse project "+project)
		s.sandbox.Allow("FIN", self, sandbox.Browse)
		found, err := s.client.Find(t.Context(), sought)
		if project == "FIN" && (err != nil || len(found) != 1) {
			t.Errorf("%d found, %v", len(found), err)
		}
	}
}

// TestFindCopies: a copy has the labels of its original, but not its property; and a
// label that people take off does not hide a ticket.
func TestFindCopies(t *testing.T) {
	s := open(t, nil)
	id, d := s.filed(t), draft(1)
	labels := s.issue(t, id).Labels
	if err := s.sandbox.Edit(id, sandbox.Edited{Labels: []string{"finops"}}, "acc-ann"); err != nil {
		t.Fatal(err)
	}
	sought := []tracker.Sought{{Marker: d.Marker, Project: "FIN", After: "FIN-0"}}
	if found, err := s.client.Find(t.Context(), sought); err != nil || len(found) != 1 || found[0].ID != id || found[0].Marker != d.Marker {
		t.Errorf("without its label: %+v, %v", found, err)
	}
	if found, err := s.client.Fetch(t.Context(), []string{id}); err != nil || found[0].Marker != d.Marker {
		t.Errorf("fetched: %+v, %v", found, err)
	}
	if err := s.sandbox.Edit(id, sandbox.Edited{Labels: labels}, "acc-ann"); err != nil {
		t.Fatal(err)
	}
	// The copy is made by hand: it is another draft's ticket with these labels.
	other := draft(2)
	s.clock.Advance(time.Minute)
	results, err := s.client.Create(t.Context(), []tracker.Draft{other})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sandbox.Edit(results[0].Issue.ID, sandbox.Edited{Labels: labels}, "acc-ann"); err != nil {
		t.Fatal(err)
	}
	if found, err := s.client.Find(t.Context(), []tracker.Sought{{Marker: d.Marker}}); err != nil || len(found) != 1 || found[0].ID != id {
		t.Errorf("with a copy: %+v, %v", found, err)
	}
}

// TestProbeFails: what could not be looked at is not said to be missing.
func TestProbeFails(t *testing.T) {
	s := open(t, func(_ *sandbox.Config, c *jira.Config) { c.MaxWait = -1 })
	s.filed(t)
	for _, kind := range []sandbox.Kind{sandbox.Refuse5xx, sandbox.HTML, sandbox.Reset, sandbox.Truncate} {
		s.sandbox.Inject(sandbox.Fault{Kind: kind, Path: "/rest/api/3/issue/bulkfetch"})
		_, err := s.client.Find(t.Context(), []tracker.Sought{{Marker: draft(1).Marker, Project: "FIN", After: "FIN-0"}})
		judged(t, err, tracker.Retry)
	}
}

// everyCall is what the client does, by name.
func everyCall(c *jira.Client, t *testing.T) map[string]func() error {
	ctx := t.Context()
	summary := "x"
	return map[string]func() error{
		"check":  func() error { return second(c.Check(ctx, []tracker.Draft{draft(1)})) },
		"create": func() error { return second(c.Create(ctx, []tracker.Draft{draft(1)})) },
		"find":   func() error { return second(c.Find(ctx, []tracker.Sought{{Marker: draft(1).Marker}})) },
		"probe": func() error {
			return second(c.Find(ctx, []tracker.Sought{{Marker: draft(1).Marker, Project: "FIN", After: "FIN-1"}}))
		},
		"newest":  func() error { return second(c.Newest(ctx, "here")) },
		"fetch":   func() error { return second(c.Fetch(ctx, []string{"1", "2"})) },
		"changed": func() error { return second(c.Changed(ctx, "here", time.Time{})) },
		"update": func() error {
			return second(c.Update(ctx, "1", tracker.Set(tracker.Change{Op: "a", Summary: &summary})))
		},
		"now":     func() error { return second(c.Now(ctx)) },
		"webhook": func() error { return second(c.EnsureWebhook(ctx, "https://x.example", "project = FIN", nil)) },
	}
}

// TestBadAnswers: whatever is asked, an answer that is none is an error that names
// the request, and never success.
func TestBadAnswers(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>Log in</html>")
		},
		"half":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"issues":[`) },
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"flood":   flood,
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/SECRET?x", http.StatusFound)
		},
		"text": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "OK")
		},
		"list for object": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `["a"]`) },
	}
	for name, answer := range answers {
		for _, edition := range []jira.Edition{jira.Cloud, jira.DataCenter} {
			s := open(t, nil)
			server := newServer(t, answer)
			c, err := jira.New(jira.Config{URL: server, Edition: edition, Email: email, Token: token, MaxBody: 1 << 20, Now: s.clock.Now, Sleep: s.clock.Sleep})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			for call, do := range everyCall(c, t) {
				if name == "list for object" && call == "check" { // of whoever asks who it is, any JSON will do
					continue
				}
				s.clock.Advance(time.Hour)
				err := do()
				kind := tracker.KindOf(err)
				if !slices.Contains([]tracker.Kind{tracker.Retry, tracker.Rejected}, kind) || !strings.Contains(err.Error(), "/rest/api/") {
					t.Errorf("%s, %s, %s: %s %v", edition, name, call, kind, err)
				}
				if name != "redirect" {
					noSecrets(t, err)
				}
			}
		}
	}
}

// TestLinks: a link is written once, by the words that the site has for it.
func TestLinks(t *testing.T) {
	tests := []struct {
		name, types, links string
		relation           tracker.Relation
		want               string // the type that is written; "" if none is
		words              string // of the refusal
	}{
		{"duplicate", `{"id":"1","name":"Duplicate","outward":"duplicates"},{"id":"2","name":"Relates","outward":"relates to"}`, ``, tracker.Duplicates, "Duplicate", ""},
		{"relates", `{"id":"1","name":"Duplicate","outward":"duplicates"},{"id":"2","name":"Relates","outward":"relates to"}`, ``, tracker.Relates, "Relates", ""},
		{"by what it says", `{"id":"1","name":"Doppelt","outward":"duplicates"}`, ``, tracker.Duplicates, "Doppelt", ""},
		{"no duplicate", `{"id":"2","name":"Relates","outward":"relates to"}`, ``, tracker.Duplicates, "Relates", ""},
		{"neither", `{"id":"3","name":"Blocks","outward":"blocks"}`, ``, tracker.Duplicates, "", "it has: Blocks"},
		{"there", `{"id":"1","name":"Duplicate","outward":"duplicates"}`, `{"id":"7","type":{"name":"Duplicate"},"outwardIssue":{"id":"2","key":"FIN-2"}}`, tracker.Duplicates, "", ""},
		{"there, drawn from the other side", `{"id":"1","name":"Duplicate","outward":"duplicates"}`, `{"id":"7","type":{"name":"Duplicate"},"inwardIssue":{"id":"2","key":"FIN-2"}}`, tracker.Duplicates, "", ""},
		{"there, of another kind", `{"id":"1","name":"Duplicate","outward":"duplicates"}`, `{"id":"7","type":{"name":"Blocks"},"outwardIssue":{"id":"2","key":"FIN-2"}}`, tracker.Duplicates, "Duplicate", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, nil)
			var posted map[string]any
			remote := ""
			server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch path := strings.TrimPrefix(r.URL.Path, "/rest/api/3/"); {
				case path == "issueLinkType":
					_, _ = io.WriteString(w, `{"issueLinkTypes":[`+test.types+`]}`)
				case path == "issueLink":
					_ = json.NewDecoder(r.Body).Decode(&posted)
					w.WriteHeader(http.StatusCreated)
				case strings.HasSuffix(path, "/remotelink") && r.Method == http.MethodGet && remote == "":
					w.WriteHeader(http.StatusNotFound)
					_, _ = io.WriteString(w, `{"errorMessages":[],"errors":{}}`)
				case strings.HasSuffix(path, "/remotelink") && r.Method == http.MethodGet:
					_, _ = io.WriteString(w, remote)
				case strings.HasSuffix(path, "/remotelink"):
					body, _ := io.ReadAll(r.Body)
					remote = string(body)
					_, _ = io.WriteString(w, `{"id":10000,"self":"http://x/1"}`)
				default:
					_, _ = io.WriteString(w, `{"issues":[{"id":"1","key":"FIN-1","fields":{"issuelinks":[`+test.links+`]}}],"issueErrors":[]}`)
				}
			})
			c, err := jira.New(jira.Config{URL: server, Email: email, Token: token, Now: s.clock.Now, HTTP: &http.Client{Transport: checked(t)}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			_, err = c.Update(t.Context(), "1", tracker.Set(tracker.Change{Op: "a", Link: tracker.Link{Relation: test.relation, To: "2"}}))
			if test.words != "" {
				judged(t, err, tracker.Rejected, test.words)
			} else if err != nil {
				t.Error(err)
			}
			got := ""
			if posted != nil {
				got = posted["type"].(map[string]any)["name"].(string)
			}
			if got != test.want {
				t.Errorf("wrote %q", got)
			}
			back := tracker.Change{Op: "b", Backlink: tracker.Backlink{ID: "tt-1", URL: "https://t.example/1", Title: "One"}}
			for range 2 {
				if _, err := c.Update(t.Context(), "1", tracker.Set(back)); err != nil {
					t.Error(err)
				}
			}
			if !strings.Contains(remote, `"globalId":"tt-1"`) {
				t.Errorf("back link %s", remote)
			}
		})
	}
}
