package redmine_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine"
	"github.com/trimtab/trimtab/tracker/redmine/redminetest"
)

// full is a draft with all that a ticket may have.
func full(parent string) tracker.Draft {
	d := draft(9)
	d.Assignee, d.Priority, d.Components, d.Due, d.Parent = "ann", "urgent", []string{"Compute"}, time.Now().AddDate(0, 1, 0), parent
	d.Fields = map[string]any{"Cost centre": 4711.0}
	return d
}

// stored is what Redmine says of an issue.
type stored struct {
	Issue struct {
		Due      string                 `json:"due_date"`
		Priority struct{ Name string }  `json:"priority"`
		Category *struct{ Name string } `json:"category"`
		Assignee *struct{ Name string } `json:"assigned_to"`
		Parent   *struct{ ID int }      `json:"parent"`
		Fields   []struct {
			ID    int
			Value string
		} `json:"custom_fields"`
		Journals  []struct{ Notes string }
		Relations []struct {
			Type string `json:"relation_type"`
		}
	} `json:"issue"`
}

func (s stored) field(id int) string {
	for _, f := range s.Issue.Fields {
		if f.ID == id {
			return f.Value
		}
	}
	return ""
}

func look(t *testing.T, s *redminetest.Server, id string) stored {
	t.Helper()
	var is stored
	raw(t, s, adminKey, http.MethodGet, "/issues/"+id+".json?include=journals,relations", "", &is)
	return is
}

func TestAllFields(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	parent := file(t, c, draft(1))
	d := full(parent.Key)
	made := file(t, c, d)
	is := look(t, s, made.ID)
	i := is.Issue
	if i.Due != d.Due.Format(time.DateOnly) || i.Priority.Name != "Urgent" || i.Category == nil || i.Category.Name != "Compute" ||
		i.Assignee == nil || i.Assignee.Name != "Ann Test" || i.Parent == nil || fmt.Sprint(i.Parent.ID) != parent.ID {
		t.Errorf("%+v", i)
	}
	if is.field(fields.Cost) != "4711" || is.field(fields.Marker) != string(d.Marker) || is.field(fields.Origin) != "tt-inst-"+installation+" op-9 finops" {
		t.Errorf("%+v", i.Fields)
	}
	if made.Key != "#"+made.ID || made.URL != s.URL+"/issues/"+made.ID || made.Priority != "Urgent" || made.Op != "op-9" {
		t.Errorf("%+v", made)
	}
}

// What is optional and wrong is left out with a note; the ticket is filed.
func TestOptionalFieldsNeverLoseATicket(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	d := draft(1)
	d.Assignee, d.Priority, d.Components, d.Parent = "nobody", "Whatever", []string{"Storage", "Compute"}, "FIN-7"
	d.Fields = map[string]any{"No such field": "x"}
	result := fileNoted(t, c, d)
	notes := strings.Join(result.Notes, "\n")
	contains(t, notes, `"nobody"`, `"Whatever"`, `"Storage"`, "one category", `"FIN-7"`, `"No such field"`)

	// Past the last look, Redmine refuses them: an owner in a role that is not assigned
	// to, a day before the beginning.
	d = full("")
	d.Assignee, d.Due = "rita@example.com", time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC)
	s.Ruby(t, `Role.find_by(name: "Reporter").update!(assignable: false); 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `Role.find_by(name: "Reporter").update!(assignable: true); 1`, nil) })
	result = fileNoted(t, c, d)
	contains(t, strings.Join(result.Notes, "\n"), "Assignee is invalid", "Due date must be greater than start date")
	if result.Issue.Marker != d.Marker || look(t, s, result.Issue.ID).Issue.Due != "" {
		t.Errorf("%+v", result.Issue)
	}
	var count int
	if s.Ruby(t, `Issue.count`, &count); count != 2 {
		t.Errorf("%d issues of 2 drafts", count)
	}

	// And what it drops without a word is told.
	s.Ruby(t, `Role.find_by(name: "Manager").remove_permission!(:manage_subtasks); 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `Role.find_by(name: "Manager").add_permission!(:manage_subtasks); 1`, nil) })
	d = draft(3)
	d.Parent = result.Issue.Key
	contains(t, strings.Join(fileNoted(t, c, d).Notes, "\n"), "accepted the parent but did not keep it")
}

// A tracker without our fields drops the marker: Check says so before, a note after.
func TestTrackerWithoutOurFields(t *testing.T) {
	s := site(t)
	s.Ruby(t, `$bare = Tracker.create!(name: "Bare", default_status_id: 1, core_fields: Tracker::CORE_FIELDS)
		$bare.workflow_rules.copy(Tracker.find(2)) rescue nil; $finops.trackers << $bare; 1`, nil)
	t.Cleanup(func() { s.Ruby(t, `Issue.delete_all; $finops.trackers.delete($bare); $bare.destroy; 1`, nil) })
	d := draft(1)
	d.Type = "Bare"
	cfg := configOf(s)
	robot := open(t, cfg)
	cfg.Key = adminKey
	problems, err := open(t, cfg).Check(t.Context(), []tracker.Draft{d})
	if err != nil || len(problems) != 2 || !problems[0].Fatal {
		t.Errorf("the administrator: %+v, %v", problems, err)
	}
	if problems, err := robot.Check(t.Context(), []tracker.Draft{d}); err != nil || len(problems) != 0 {
		t.Errorf("without an issue nobody else can see it: %+v, %v", problems, err)
	}
	result := fileNoted(t, robot, d)
	contains(t, strings.Join(result.Notes, "\n"), "did not keep it", "the tracker Bare")
	problems, err = robot.Check(t.Context(), []tracker.Draft{d})
	if err != nil || len(problems) != 2 || !problems[0].Fatal {
		t.Errorf("with an issue: %+v, %v", problems, err)
	}
}

// 255 characters are the limit, and Redmine says so in words.
func TestSubjectLimit(t *testing.T) {
	s := site(t)
	var refused struct{ Errors []string }
	body, _ := json.Marshal(map[string]any{"issue": map[string]any{"project_id": "finops", "subject": strings.Repeat("🙂", 256)}})
	if status := raw(t, s, robotKey, http.MethodPost, "/issues.json", string(body), &refused); status != http.StatusUnprocessableEntity || len(refused.Errors) != 1 {
		t.Errorf("HTTP %d, %q", status, refused.Errors)
	}
	d := draft(1)
	d.Summary = strings.Repeat("🙂", 256)
	if made := file(t, open(t, configOf(s)), d); len([]rune(made.Summary)) != 255 {
		t.Errorf("%d characters", len([]rune(made.Summary)))
	}
}

var spaces = regexp.MustCompile(` ?(</?td>) ?`)

// Redmine itself shows what we write: markup as markup, words as words.
func TestRedmineShowsOurText(t *testing.T) {
	s := site(t)
	show := func(t *testing.T, markup redmine.Markup, md string) (description, shown string) {
		t.Helper()
		cfg := configOf(s)
		cfg.Markup = markup
		d := draft(1)
		d.Description = md
		made := file(t, open(t, cfg), d)
		s.Ruby(t, fmt.Sprintf(`Redmine::WikiFormatting.to_html(%q, Issue.find(%s).description)`, markup, made.ID), &shown)
		return made.Description, html.UnescapeString(spaces.ReplaceAllString(shown, "$1"))
	}
	md := "# Head\n\n**Saves** `i-1` at [the page](https://x.example/r)\n\n- one\n- two\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```\na < b && *c*\n```\n\n> said"
	for _, markup := range []redmine.Markup{redmine.Textile, redmine.Markdown} {
		description, shown := show(t, markup, md)
		if description != md {
			t.Errorf("%s: it came back as\n%s", markup, description)
		}
		contains(t, shown, "Head<", "<strong>Saves</strong> <code>i-1</code> at <a href=\"https://x.example/r\"", "<li>two</li>", "<td>2</td>", "a < b && *c*", "<blockquote>")
	}
	words := []string{
		"so -this- is", "mail @ann and@ so", "a *b* c", "_x_", "AT&T &lt; 5 < 6", "h1. no head", "* no item", "tags</pre> <b>", `"x":http://y.example "z"`,
		"i-0a1b_c-d_e", "2 ^3^ ~4~ %5% +6+ ??7??", "!pic.png!",
	}
	md = regexp.MustCompile("[!-/:-@\\[-`{-~]").ReplaceAllString(strings.Join(words, "\n\n"), `\$0`)
	_, shown := show(t, redmine.Textile, md)
	var want strings.Builder
	for _, w := range words {
		want.WriteString("<p>" + w + "</p>")
	}
	if got := regexp.MustCompile(`\s*(</?p>)\s*`).ReplaceAllString(shown, "$1"); got != want.String() {
		t.Errorf("shown as\n%s\nwant\n%s", got, want.String())
	}
}

func TestStatuses(t *testing.T) {
	s := site(t)
	cfg := configOf(s)
	c := open(t, cfg)
	id := file(t, c, draft(1)).ID
	for status, name := range map[tracker.Status]string{tracker.InProgress: "In Progress", tracker.Done: "Closed", tracker.WontDo: "Rejected", tracker.Open: "New"} {
		if got := update(t, c, id, tracker.Change{Op: "a", Status: status}); got.Status != status || got.StatusName != name {
			t.Errorf("%s is %+v", status, got)
		}
	}
	// A status beside the one that stands for it is not moved away from.
	s.Ruby(t, `Issue.find(`+id+`).update_column(:status_id, 4); 1`, nil)
	if got := update(t, c, id, tracker.Change{Op: "b", Status: tracker.InProgress}); got.StatusName != "Feedback" {
		t.Errorf("%+v", got)
	}
	cfg.Status = map[string]map[string]string{"finops": {"done": "resolved", "wont_do": "Closed", "in_progress": "Nothing"}}
	mapped := open(t, cfg)
	for status, name := range map[tracker.Status]string{tracker.Done: "Resolved", tracker.WontDo: "Closed"} {
		if got := update(t, mapped, id, tracker.Change{Op: "c", Status: status}); got.Status != status || got.StatusName != name {
			t.Errorf("%s is %+v", status, got)
		}
	}
	_, err := mapped.Update(t.Context(), id, tracker.Set(tracker.Change{Op: "d", Status: tracker.InProgress}))
	if tracker.KindOf(err) != tracker.Rejected {
		t.Fatal(err)
	}
	contains(t, err.Error(), "no status Nothing", "In Progress, Resolved")
	problems, err := mapped.Check(t.Context(), []tracker.Draft{draft(1)})
	if err != nil || len(problems) != 1 || problems[0].Fatal || !strings.Contains(problems[0].Message, `"Nothing"`) {
		t.Errorf("%+v, %v", problems, err)
	}
}

func TestLinksAndBacklinks(t *testing.T) {
	s := site(t)
	c := open(t, configOf(s))
	first, second := file(t, c, draft(1)), file(t, c, draft(2))
	back := tracker.Backlink{ID: "tt-1", URL: "https://trimtab.example/recommendations/1", Title: "Recommendation 1"}
	change := tracker.Change{Op: "a", Link: tracker.Link{Relation: tracker.Duplicates, To: second.ID}, Backlink: back}
	for range 2 {
		update(t, c, first.ID, change)
	}
	update(t, c, second.ID, tracker.Change{Op: "b", Link: tracker.Link{Relation: tracker.Relates, To: first.ID}}) // from the other side
	is := look(t, s, first.ID).Issue
	if len(is.Relations) != 1 || is.Relations[0].Type != "duplicates" {
		t.Errorf("relations %+v", is.Relations)
	}
	var notes []string
	for _, j := range is.Journals {
		if j.Notes != "" {
			notes = append(notes, j.Notes)
		}
	}
	if len(notes) != 1 || notes[0] != "Recommendation 1: "+back.URL+"\n\n(trimtab link tt-1)" {
		t.Errorf("notes %q", notes)
	}
	_, err := c.Update(t.Context(), first.ID, tracker.Set(tracker.Change{Op: "c", Link: tracker.Link{Relation: tracker.Relates, To: "FIN-1"}}))
	if tracker.KindOf(err) != tracker.Rejected {
		t.Error(err)
	}

	cfg := configOf(s)
	cfg.Backlink = "recommendation"
	c = open(t, cfg)
	update(t, c, second.ID, tracker.Change{Op: "d", Backlink: back})
	if is := look(t, s, second.ID); is.field(fields.Back) != back.URL || slices.ContainsFunc(is.Issue.Journals, func(j struct{ Notes string }) bool { return j.Notes != "" }) {
		t.Errorf("%+v", is)
	}
}
