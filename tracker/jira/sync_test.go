package jira_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

// editions are those that everything here is tried on.
var editions = map[string]func(*sandbox.Config, *jira.Config){"cloud": func(*sandbox.Config, *jira.Config) {}, "data center": dataCenter}

// dateless is a proxy that takes the time off the answers.
type dateless struct{ below http.RoundTripper }

func (d dateless) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.below.RoundTrip(r)
	if err == nil {
		resp.Header.Del("Date")
	}
	return resp, err
}

// TestPollIsOneCall: edits and comments cost no call of their own, nor does the time.
func TestPollIsOneCall(t *testing.T) {
	for name, edition := range editions {
		t.Run(name, func(t *testing.T) {
			s := open(t, edition)
			id := s.filed(t)
			poll := func() (changes tracker.Changes, calls int) {
				s.sandbox.ForgetCalls()
				changes, err := s.client.Changed(t.Context(), "here", s.clock.Now().Add(-time.Second))
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range s.sandbox.Calls() {
					calls += n
				}
				return changes, calls
			}
			s.clock.Advance(time.Minute)
			if changes, calls := poll(); calls != 1 || len(changes.Issues) != 0 || s.clock.Now().Sub(changes.At) > 2*time.Second {
				t.Errorf("idle: %d calls, %+v", calls, changes)
			}
			s.person(t, id, tracker.Change{Status: tracker.InProgress, Comment: "I am on it."})
			// Who we are is asked once.
			for n, want := range []int{2, 1} {
				if changes, calls := poll(); calls != want || len(changes.Issues) != 1 || len(changes.Issues[0].Edits) != 1 || len(changes.Issues[0].Comments) != 1 {
					t.Errorf("poll %d: %d calls, %+v", n, calls, changes)
				}
			}
		})
	}
}

// TestWithoutDate: the time is asked for, and lies before the search all the same.
func TestWithoutDate(t *testing.T) {
	s := open(t, func(_ *sandbox.Config, c *jira.Config) { c.HTTP = &http.Client{Transport: dateless{checked(t)}} })
	s.sandbox.Skew(time.Hour)
	changes, err := s.client.Changed(t.Context(), "here", time.Time{})
	if back := s.clock.Now().Add(time.Hour).Sub(changes.At); err != nil || back != time.Second {
		t.Errorf("%s before, %v", back, err)
	}
	if problems, err := s.client.Check(t.Context(), nil); err != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "clock skew") {
		t.Errorf("%+v, %v", problems, err)
	}
}

// TestNewestComments: of many comments the newest count, and only then they cost a call.
func TestNewestComments(t *testing.T) {
	for name, edition := range editions {
		t.Run(name, func(t *testing.T) {
			s := open(t, edition)
			id := s.filed(t)
			for n := range 130 {
				s.person(t, id, tracker.Change{Comment: fmt.Sprint("comment ", n)})
			}
			if _, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "op-1", Comment: "The last."})); err != nil {
				t.Fatal(err)
			}
			issues, err := s.client.Fetch(t.Context(), []string{id})
			if err != nil {
				t.Fatal(err)
			}
			all := issues[0].Comments
			last := all[len(all)-1]
			if last.Text != "The last." || last.Op == "" || all[len(all)-2].Text != "comment 129" || all[len(all)-2].Op != "" || !slices.IsSortedFunc(all, func(a, b tracker.Comment) int { return a.At.Compare(b.At) }) {
				t.Errorf("%d comments, the last ones %+v", len(all), all[len(all)-2:])
			}
		})
	}
}

// TestEditsOfFields: every field has the name that all trackers share, and links that we
// make are ours.
func TestEditsOfFields(t *testing.T) {
	for name, edition := range editions {
		t.Run(name, func(t *testing.T) {
			s := open(t, func(sc *sandbox.Config, jc *jira.Config) {
				edition(sc, jc)
				sc.Projects[0].Fields = []sandbox.Field{{ID: "customfield_10001", Name: "status", Kind: sandbox.Text}}
			})
			id, other := s.filed(t), s.filed(t)
			high, due, text := "High", "2026-10-01", "Other"
			if err := s.sandbox.Edit(id, sandbox.Edited{Priority: &high, Due: &due, Description: &text, Add: []string{"x"}}, "acc-ben"); err != nil {
				t.Fatal(err)
			}
			if err := s.sandbox.Assign(id, "acc-ben", "acc-ben"); err != nil {
				t.Fatal(err)
			}
			s.write(t, id, `{"fields":{"customfield_10001":"mine"}}`)
			change := tracker.Change{Op: "op-1", Link: tracker.Link{Relation: tracker.Duplicates, To: other}, Backlink: tracker.Backlink{ID: "tt-1", URL: "https://trimtab.example/1", Title: "One"}}
			got, err := s.client.Update(t.Context(), id, tracker.Set(change))
			if err != nil {
				t.Fatal(err)
			}
			ops := map[string]string{}
			for _, e := range got.Edits {
				ops[e.Field] = e.Op
			}
			custom := "customfield_10001"
			if name != "cloud" {
				custom = "custom status"
			}
			want := map[string]string{"priority": "", "due": "", "description": "", "labels": "", "assignee": "", custom: "", "Link": "self", "RemoteIssueLink": "self"}
			if !maps.Equal(ops, want) {
				t.Errorf("%v, want %v", ops, want)
			}
		})
	}
}

// write sends an edit of our account that does not say whose it is, as another program
// with the same token does.
func (s *site) write(t *testing.T, id, body string) {
	t.Helper()
	for _, api := range []string{"3", "2"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url+"/rest/api/"+api+"/issue/"+id, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		if api == "3" {
			r.SetBasicAuth(email, token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusNoContent {
			return
		}
	}
	t.Fatal("refused")
}

// rich is what a person writes with Jira's editor: a mention, a picture, a panel and
// attributes that Markdown does not have, around our part and in its first line.
const rich = `{"type":"doc","version":1,"content":[
	{"type":"paragraph","attrs":{"localId":"a1"},"content":[{"type":"text","text":"Ask "},{"type":"mention","attrs":{"id":"acc-ann","text":"@Ann","accessLevel":""}},{"type":"text","text":" & Ben <first>"}]},
	{"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"id":"6e7","type":"file","collection":"c","width":12.50}}]},
	{"type":"paragraph","content":[{"type":"text","text":"Trimtab keeps what ","marks":[{"type":"em"}]},{"type":"text","text":"follows up to date.","marks":[{"type":"em"},{"type":"strong"}]},{"type":"text","text":" Kim reads this."}]},
	{"type":"paragraph","content":[{"type":"text","text":"Saves 30 USD."}]},
	{"type":"paragraph","content":[{"type":"text","text":"Trimtab keeps what stands above up to date; write below."}]},
	{"type":"panel","attrs":{"panelType":"warning"},"content":[{"type":"paragraph","content":[{"type":"text","text":"Wait.","marks":[{"type":"textColor","attrs":{"color":"#ff0000"}}]}]}]}]}`

// nodes are the parts of a document as they are kept.
func nodes(t *testing.T, doc json.RawMessage) []string {
	t.Helper()
	var kept struct{ Content []any }
	if err := json.Unmarshal(doc, &kept); err != nil {
		t.Fatal(err)
	}
	all := make([]string, len(kept.Content))
	for i, n := range kept.Content {
		text, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = string(text)
	}
	return all
}

// TestRichDescription: what no Markdown could hold survives a change of our part.
func TestRichDescription(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	if err := s.sandbox.Edit(id, sandbox.Edited{Document: json.RawMessage(rich)}, "acc-ann"); err != nil {
		t.Fatal(err)
	}
	block := "Saves **40 USD**.\n\n- i-1"
	got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Block: &block}))
	if err != nil || got.Block != block {
		t.Fatalf("%q, %v", got.Block, err)
	}
	before, after := nodes(t, json.RawMessage(rich)), nodes(t, s.issue(t, id).Description)
	if len(after) != 7 || !slices.Equal(after[:3], before[:3]) || !slices.Equal(after[5:], before[4:]) {
		t.Errorf("became\n%s", strings.Join(after, "\n"))
	}
	again, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "b", Block: &block}))
	if err != nil || !again.Updated.Equal(got.Updated) || len(again.Edits) != 2 {
		t.Errorf("the same again: %+v, %v", again.Edits, err)
	}
}

// TestWikiDescription: the lines of people stay as they are.
func TestWikiDescription(t *testing.T) {
	s := open(t, dataCenter)
	id := s.filed(t)
	theirs := "{panel:title=Wait}\r\n[~ann] !picture.png|thumbnail!\r\n{panel}\r\n"
	below := "\r\n{color:red}Friday{color}"
	text, err := json.Marshal(theirs + "_" + tracker.BlockBegin + "_ (Kim reads this)\r\n\r\nSaves 30 USD.\r\n\r\n_" + tracker.BlockEnd + "_" + below)
	if err == nil {
		err = s.sandbox.Edit(id, sandbox.Edited{Document: text}, "acc-ann")
	}
	if err != nil {
		t.Fatal(err)
	}
	block := "Saves **40 USD**."
	got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Block: &block}))
	if err != nil || got.Block != block {
		t.Fatalf("%q, %v", got.Block, err)
	}
	var kept string
	if err := json.Unmarshal(s.issue(t, id).Description, &kept); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kept, theirs+"_"+tracker.BlockBegin+"_ (Kim reads this)\r\n") || !strings.HasSuffix(kept, below) || strings.Contains(kept, "30 USD") {
		t.Errorf("became %q", kept)
	}
	again, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "b", Block: &block}))
	if err != nil || !again.Updated.Equal(got.Updated) {
		t.Errorf("the same again: %v, %v", again.Updated, err)
	}
}

// TestDamagedBlock: where people have broken a line of ours, nothing of theirs is lost.
func TestDamagedBlock(t *testing.T) {
	first, last := tracker.BlockBegin, tracker.BlockEnd
	for name, text := range map[string]string{
		"no end":           first + "\nold\nTheirs.",
		"no begin":         "Theirs.\nold\n" + last,
		"turned round":     last + "\nTheirs.\n" + first,
		"both in one line": first + " " + last + "\nTheirs.",
		"a copy below":     first + "\nold\n" + last + "\nTheirs.\n" + first + "\ncopied\n" + last,
	} {
		for _, edition := range editions {
			s := open(t, edition)
			id := s.filed(t)
			if err := s.sandbox.Edit(id, sandbox.Edited{Description: &text}, "acc-ann"); err != nil {
				t.Fatal(err)
			}
			for _, block := range []string{"Saves 40 USD.", "Saves 50 USD."} {
				got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: block, Block: &block}))
				if err != nil || got.Block != block || !strings.Contains(got.Description, "Theirs.") || strings.Count(got.Description, "USD") != 1 {
					t.Errorf("%s: %q, %v", name, got.Description, err)
				}
			}
		}
	}
}

// TestLongBlock: a text that is cut keeps the line at its end, or it would be added again.
func TestLongBlock(t *testing.T) {
	for name, edition := range editions {
		t.Run(name, func(t *testing.T) {
			s := open(t, edition)
			d := draft(1)
			d.Description = tracker.Managed(strings.Repeat("*a* 🙂 [x] "+strings.Repeat("words ", 10)+"\n\n", 1200))
			results, err := s.client.Create(t.Context(), []tracker.Draft{d})
			if err != nil || results[0].Err != nil || results[0].Issue.Block == "" {
				t.Fatalf("%v, %v, block of %d", err, results[0].Err, len(results[0].Issue.Block))
			}
			long := strings.Repeat("word ", 10000)
			for _, block := range []string{long, "Short."} {
				got, err := s.client.Update(t.Context(), results[0].Issue.ID, tracker.Set(tracker.Change{Op: "a", Block: &block}))
				if err != nil || !strings.HasPrefix(block, strings.Trim(got.Block, "…")) || strings.Count(got.Description, tracker.BlockEnd) != 1 {
					t.Errorf("%v, %d characters, %.40q", err, len(got.Description), got.Block)
				}
			}
		})
	}
}

// TestPersonInBetween: what somebody changes after our read and before our write stands in
// the history that comes back.
func TestPersonInBetween(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	theirs, ours := "Theirs", "Ours"
	s.sandbox.BeforeWrite(func(string) { s.person(t, id, tracker.Change{Summary: &theirs}) })
	got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Summary: &ours}))
	if err != nil || got.Summary != ours || len(got.Edits) != 2 || got.Edits[0].To != theirs || got.Edits[0].Op != "" || got.Edits[1].From != theirs || got.Edits[1].Op != "a" {
		t.Errorf("%+v, %v", got.Edits, err)
	}
}

// TestDescriptionWhileMoving: what somebody writes while we move the ticket is kept.
func TestDescriptionWhileMoving(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	wrote := false
	s.sandbox.BeforeWrite(func(key string) {
		if !wrote {
			s.describe(t, key, "Theirs.")
		}
		wrote = true
	})
	block := "Ours."
	got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Status: tracker.Done, Block: &block}))
	if err != nil || got.Block != block || !strings.HasPrefix(got.Description, "Theirs.") || got.Status != tracker.Done {
		t.Errorf("%q, %v", got.Description, err)
	}
}

// TestStampOfOthers: a ticket has one marker and one installation; a stamp that Jira
// swallows is no success.
func TestStampOfOthers(t *testing.T) {
	s := open(t, nil)
	id := s.filed(t)
	other := tracker.Stamp{Marker: draft(2).Marker, Installation: "another"}
	got, err := s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "a", Stamp: &other}))
	if err != nil || got.Marker != other.Marker || !got.Stamped || got.Op != "a" {
		t.Errorf("%+v, %v", got, err)
	}
	if labels := strings.Join(s.issue(t, id).Labels, " "); labels != "finops tt-inst-another "+string(other.Marker) {
		t.Errorf("labels %s", labels)
	}
	s = s.swallowing(t, "labels")
	_, err = s.client.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "b", Stamp: &tracker.Stamp{}}))
	judged(t, err, tracker.Rejected, "did not make it", "tt-inst-another")
}

// TestMentioningMuch: signs are escaped, many words are several searches, and none that
// the index cannot know spoils the others.
func TestMentioningMuch(t *testing.T) {
	s := open(t, nil)
	odd := `a+b-c&d|e!f(g)h{i}j[k]l^m"n~o*p?q\r:s/t_u`
	key, err := s.sandbox.File("FIN", "Odd "+odd, "", "acc-ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.sandbox.File("FIN", "Even", "a b c d e f g h i j k l m n o p q r s t u", "acc-ann"); err != nil {
		t.Fatal(err)
	}
	said, err := s.sandbox.File("FIN", "Another", "", "acc-ann")
	if err == nil {
		err = s.sandbox.Comment(said, odd, "acc-ann")
	}
	if err != nil {
		t.Fatal(err)
	}
	words := []string{odd, "", "--", `"`, "Odd"}
	for n := range 40 {
		words = append(words, fmt.Sprint("i-", n))
	}
	s.sandbox.ForgetCalls()
	issues, err := s.client.Mentioning(t.Context(), "FIN", words)
	if err != nil || len(issues) != 1 || issues[0].Key != key {
		t.Errorf("%+v, %v", issues, err)
	}
	if n := s.sandbox.Calls()["POST /rest/api/3/search/jql"]; n != 3 {
		t.Errorf("%d searches", n)
	}
	_, err = s.client.Mentioning(t.Context(), "NOSUCH", words)
	judged(t, err, tracker.Rejected, "NOSUCH")
}
