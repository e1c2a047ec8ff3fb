package jira_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// filed creates one ticket and gives its id.
func (s *site) filed(t *testing.T) string {
	t.Helper()
	results, err := s.client.Create(t.Context(), []tracker.Draft{draft(1)})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	return results[0].Issue.ID
}

func (s *site) issue(t *testing.T, id string) sandbox.Issue {
	t.Helper()
	i, ok := s.sandbox.Get(id)
	if !ok {
		t.Fatalf("no issue %s", id)
	}
	return i
}

// TestHistory: every write of ours names itself in the ticket's own history.
func TestHistory(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	text := "New *text*."
	_, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "op-9", Status: tracker.Done, Block: &text, AddLabels: []string{"urgent"}}))
	if err != nil {
		t.Fatal(err)
	}
	changes := s.issue(t, id).Changes
	if len(changes) != 2 {
		t.Fatalf("%d entries", len(changes))
	}
	for _, c := range changes {
		var history struct {
			Type  string
			Extra map[string]string `json:"extraData"`
		}
		if err := json.Unmarshal(c.History, &history); err != nil || history.Type != "trimtab" || history.Extra["op"] != "op-9" {
			t.Errorf("history %s", c.History)
		}
	}
}

// TestWorkflows: the ways that projects have of getting somewhere.
func TestWorkflows(t *testing.T) {
	long := sandbox.Workflow{
		Statuses: []sandbox.Status{
			{Name: "Backlog", Category: "new"},
			{Name: "Doing", Category: "indeterminate"},
			{Name: "Review", Category: "indeterminate"},
			{Name: "Shipped", Category: "done"},
			{Name: "Rejected", Category: "done"},
		},
		Transitions: []sandbox.Transition{
			{Name: "a", From: "Backlog", To: "Doing"},
			{Name: "b", From: "Doing", To: "Review"},
			{Name: "c", From: "Review", To: "Shipped", NeedsResolution: true},
			{Name: "d", From: "Review", To: "Rejected", NoScreen: true},
			{Name: "e", From: "Shipped", To: "Doing"},
			{Name: "f", From: "Rejected", To: "Backlog"},
			{Name: "g", From: "Doing", To: "Backlog"},
		},
		Resolutions: []string{"Fixed", "Won’t Fix"},
	}
	short := long
	short.Transitions = append([]sandbox.Transition{{Name: "z", From: "Backlog", To: "Rejected"}}, long.Transitions...)
	mapped := map[string]string{"open": "Backlog", "in_progress": "Review", "done": "Shipped", "wont_do": "Shipped/Won’t Fix"}
	tests := []struct {
		name     string
		flow     sandbox.Workflow
		mapping  map[string]string
		statuses []tracker.Status
		ends     string // status and resolution
	}{
		{"one hop", sandbox.Workflow{}, nil, []tracker.Status{tracker.Done}, "Done Done"},
		{"with a resolution", sandbox.Workflow{}, nil, []tracker.Status{tracker.WontDo}, "Done Won't Do"},
		{"reopened", sandbox.Workflow{}, nil, []tracker.Status{tracker.Done, tracker.Open}, "To Do "},
		{"reopened into work", sandbox.Workflow{}, nil, []tracker.Status{tracker.WontDo, tracker.InProgress}, "In Progress "},
		{"closed otherwise", sandbox.Workflow{}, nil, []tracker.Status{tracker.WontDo, tracker.Done}, "Done Done"},
		{"a site without resolutions", sandbox.Workflow{Resolutions: []string{}}, nil, []tracker.Status{tracker.WontDo}, "Done "},
		{"three hops, resolution required", long, nil, []tracker.Status{tracker.Done}, "Shipped Fixed"},
		{"three hops, not by one that says otherwise", short, mapped, []tracker.Status{tracker.Done}, "Shipped Fixed"},
		{"three hops, a status that says it", long, nil, []tracker.Status{tracker.WontDo}, "Rejected Fixed"},
		{"three hops, mapped resolution", long, mapped, []tracker.Status{tracker.WontDo}, "Shipped Won’t Fix"},
		{"mapped name", long, mapped, []tracker.Status{tracker.InProgress}, "Review "},
		{"and back", long, mapped, []tracker.Status{tracker.Done, tracker.Open}, "Backlog "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, func(sc *sandbox.Config, jc *jira.Config) {
				sc.Projects[0].Workflow = test.flow
				jc.Status = map[string]map[string]string{"FIN": test.mapping}
			})
			id := s.filed(t)
			for i, status := range test.statuses {
				if _, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: fmt.Sprint(i), Status: status})); err != nil {
					t.Fatal(err)
				}
			}
			i := s.issue(t, id)
			if got := i.Status + " " + i.Resolution; got != test.ends {
				t.Errorf("ends in %q, want %q", got, test.ends)
			}
			n := len(i.Changes)
			if _, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "again", Status: test.statuses[len(test.statuses)-1]})); err != nil {
				t.Fatal(err)
			}
			if len(s.issue(t, id).Changes) != n {
				t.Error("the same again was a write")
			}
		})
	}
}

// TestNoWay: a workflow that does not lead there is a reason for a person.
func TestNoWay(t *testing.T) {
	s := open(t, func(c *sandbox.Config, _ *jira.Config) {
		c.Projects[0].Workflow = sandbox.Workflow{
			Statuses:    []sandbox.Status{{Name: "New", Category: "new"}, {Name: "Doing", Category: "indeterminate"}, {Name: "End", Category: "done"}},
			Transitions: []sandbox.Transition{{Name: "Go", From: "New", To: "Doing"}},
		}
	})
	_, err := s.client.Update(t.Context(), s.filed(t), tracker.Set(tracker.Change{Op: "a", Status: tracker.Done}))
	judged(t, err, tracker.Rejected, `"Doing"`, "done")
}

// TestMappedResolutionRefused: a mapping that asks for a resolution means it.
func TestMappedResolutionRefused(t *testing.T) {
	s := open(t, func(_ *sandbox.Config, c *jira.Config) {
		c.Status = map[string]map[string]string{"FIN": {"wont_do": "Done/Never Heard Of"}}
	})
	id := s.filed(t)
	_, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Status: tracker.WontDo}))
	judged(t, err, tracker.Rejected, "Never Heard Of")
	if i := s.issue(t, id); i.Status != "To Do" {
		t.Errorf("closed nevertheless: %s", i.Status)
	}
}

// TestPeoplesStatuses: what people do shows as canonical statuses.
func TestPeoplesStatuses(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	for _, step := range []struct {
		to, resolution string
		want           tracker.Status
	}{
		{"In Progress", "", tracker.InProgress},
		{"Done", "Done", tracker.Done},
		{"To Do", "", tracker.Open},
		{"Done", "Duplicate", tracker.WontDo},
		{"To Do", "", tracker.Open},
		{"Done", "Cannot Reproduce", tracker.WontDo},
	} {
		if err := s.sandbox.Transition(id, step.to, step.resolution, "acc-ann"); err != nil {
			t.Fatal(err)
		}
		issues, err := s.client.Fetch(t.Context(), []string{id})
		if err != nil || len(issues) != 1 || issues[0].Status != step.want || issues[0].StatusName != step.to {
			t.Errorf("%+v: %+v, %v", step, issues, err)
		}
	}
}

// TestSwallowed: Jira answers 204 and does nothing; that is not success.
func TestSwallowed(t *testing.T) {
	summary, text, owner, high := "Other", "Other text", "ben@example.com", "Highest"
	tests := map[string]tracker.Change{
		"summary": {Summary: &summary}, "description": {Block: &text}, "assignee": {Assignee: &owner}, "priority": {Priority: &high},
		"labels": {AddLabels: []string{"new"}, RemoveLabels: []string{"finops"}},
	}
	for field, change := range tests {
		t.Run(field, func(t *testing.T) {
			s := open(t, nil)
			id := s.filed(t)
			s = s.swallowing(t, field)
			change.Op = "a"
			_, err := s.client.Update(t.Context(), id, tracker.Set(change))
			judged(t, err, tracker.Rejected, "did not make it", strings.TrimSuffix(field, "s"))
		})
	}
}

// TestLabelsOfOthersSurvive: labels go as verbs; an edit of ours does not undo
// what a person did in between.
func TestLabelsOfOthersSurvive(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	if err := s.sandbox.Edit(id, sandbox.Edited{Labels: append(s.issue(t, id).Labels, "theirs")}, "acc-ann"); err != nil {
		t.Fatal(err)
	}
	got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", AddLabels: []string{"ours"}, RemoveLabels: []string{"finops"}}))
	if err != nil || !slices.Equal(got.Labels, []string{"ours", "theirs"}) {
		t.Errorf("%v, %v", got.Labels, err)
	}
}

// TestUnassign and who cannot be assigned.
func TestUnassign(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	for _, owner := range []string{"ann@example.com", "", "acc-eve"} {
		got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Assignee: &owner}))
		if err != nil || got.Assignee != owner {
			t.Errorf("%q: %q, %v", owner, got.Assignee, err)
		}
	}
	nobody := "nobody"
	_, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Assignee: &nobody}))
	judged(t, err, tracker.Rejected, `"nobody"`)
}

// TestLostAnswers: a write whose answer is lost is Ambiguous; the same again
// completes it and repeats nothing.
func TestLostAnswers(t *testing.T) {
	summary := "Other"
	change := tracker.Change{Op: "op-5", Status: tracker.Done, Summary: &summary, Comment: "Closed *automatically*."}
	for _, path := range []string{"/transitions", "", "/comment"} {
		t.Run("path "+path, func(t *testing.T) {
			s := open(t, nil)
			id := s.filed(t)
			method := "POST"
			if path == "" {
				method = "PUT"
			}
			s.sandbox.Inject(sandbox.Fault{Kind: sandbox.LoseAnswer, Method: method, Path: "/rest/api/3/issue/" + id + path})
			_, err := s.client.Update(t.Context(), id, tracker.Set(change))
			judged(t, err, tracker.Ambiguous)
			got, err := s.client.Update(t.Context(), id, tracker.Set(change))
			if err != nil || got.Status != tracker.Done || got.Summary != summary {
				t.Fatalf("%+v, %v", got, err)
			}
			if i := s.issue(t, id); len(i.Comments) != 1 || len(i.Changes) != 2 {
				t.Errorf("%d comments, %d changes", len(i.Comments), len(i.Changes))
			}
		})
	}
}

// TestReadBackLost: what was written stays written, but nobody has seen it.
func TestReadBackLost(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	s.sandbox.Inject(sandbox.Fault{Kind: sandbox.Refuse5xx, Path: "/rest/api/3/issue/bulkfetch", After: 1})
	_, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Status: tracker.Done}))
	judged(t, err, tracker.Ambiguous, "not read back")
}

// TestManyComments: our comment is found behind those of others.
func TestManyComments(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	change := tracker.Change{Op: "op-1", Comment: "Once."}
	if _, err := s.client.Update(t.Context(), id, tracker.Set(change)); err != nil {
		t.Fatal(err)
	}
	for range 250 {
		if err := s.sandbox.Comment(id, "chatter", "acc-ann"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.client.Update(t.Context(), id, tracker.Set(change)); err != nil {
		t.Fatal(err)
	}
	if n := len(s.issue(t, id).Comments); n != 251 {
		t.Errorf("%d comments", n)
	}
}

func TestCheck(t *testing.T) {
	s := open(t, func(sc *sandbox.Config, jc *jira.Config) {
		sc.Projects = append(sc.Projects, sandbox.Project{Key: "OLD", Archived: true}, sandbox.Project{Key: "BARE", Hidden: []string{"labels"}})
		jc.Status = map[string]map[string]string{"FIN": {"done": "Shipped", "wont_do": "Done/Won't Do"}}
	})
	var targets []tracker.Draft
	for _, t := range []tracker.Target{{Project: "FIN"}, {Project: "FIN", Type: "Epic"}, {Project: "OLD"}, {Project: "BARE"}, {Project: "NOSUCH"}} {
		targets = append(targets, tracker.Draft{Target: t})
	}
	problems, err := s.client.Check(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%v %s/%s %s → %s", p.Fatal, p.Target.Project, p.Target.Type, p.Message, p.Next))
	}
	want := []string{
		`false FIN/ project FIN has no status "Shipped", to which done is mapped → its statuses are Done, In Progress, To Do`,
		`true FIN/Epic project FIN has no issue type "Epic" that this account can create → its types are: Task, Bug`,
		`true OLD/ the project OLD is archived → restore it or route to another board`,
		`true BARE/ the field labels is not on the create screen of Task in project BARE → add it to the project's create screen`,
		`true NOSUCH/ there is no project "NOSUCH" that this account can see → check the key, and that trimtab@example.com may browse the project`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	s.sandbox.Inject(sandbox.Fault{Kind: sandbox.Unauthorized})
	if problems, err = s.client.Check(t.Context(), targets); err != nil || len(problems) != 1 || !problems[0].Fatal {
		t.Errorf("wrong token: %v, %v", problems, err)
	}
	s.sandbox.Inject(sandbox.Fault{Kind: sandbox.Refuse5xx, After: 2})
	_, err = s.client.Check(t.Context(), targets)
	judged(t, err, tracker.Retry)
}

// quick is a person who edits a ticket right after each edit of ours.
type quick struct {
	below http.RoundTripper
	edit  func()
}

func (q *quick) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := q.below.RoundTrip(r)
	if r.Method == http.MethodPut {
		q.edit()
	}
	return resp, err
}

// TestAPersonIsQuicker: what somebody changed between our write and our look
// at it is no failure of the write.
func TestAPersonIsQuicker(t *testing.T) {
	person := &quick{below: checked(t)}
	s := open(t, func(_ *sandbox.Config, c *jira.Config) { c.HTTP = &http.Client{Transport: person} })
	id := s.filed(t)
	theirs, ours := "Theirs", "Ours"
	person.edit = func() {
		if err := s.sandbox.Edit(id, sandbox.Edited{Summary: &theirs}, "acc-ann"); err != nil {
			t.Error(err)
		}
	}
	got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Summary: &ours}))
	if err != nil || got.Summary != theirs {
		t.Errorf("%q, %v", got.Summary, err)
	}
}

// TestOneTicketRefuses: an archived ticket does not stop the writes to others of its
// project, and a project that has become read-only does.
func TestOneTicketRefuses(t *testing.T) {
	s := open(t, nil)
	archived, other := s.filed(t), s.filed(t)
	if err := s.sandbox.Archive(archived); err != nil {
		t.Fatal(err)
	}
	say := tracker.Change{Op: "op-1", AddLabels: []string{"said"}}
	_, err := s.client.Update(t.Context(), archived, tracker.Set(say))
	judged(t, err, tracker.Retry, "HTTP 403", "this ticket alone")
	if _, err := s.client.Update(t.Context(), other, tracker.Set(say)); err != nil {
		t.Fatal(err)
	}
	self := s.issue(t, other).Reporter
	s.sandbox.Deny("FIN", self, sandbox.EditIssues)
	say.AddLabels = []string{"again"}
	_, err = s.client.Update(t.Context(), other, tracker.Set(say))
	judged(t, err, tracker.Forbidden, "HTTP 403")
	_, err = s.client.Update(t.Context(), other, tracker.Set(say))
	judged(t, err, tracker.Forbidden, "not sent", "project FIN has refused")
}
