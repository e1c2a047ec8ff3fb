package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestShownWithIssues: comments and history come with an issue, as many as Jira shows.
func TestShownWithIssues(t *testing.T) {
	b := openBox(t, config(""))
	key := b.file("FIN", "Stop it")
	for n := range 45 {
		text := fmt.Sprint("Stop it ", n)
		if err := b.Edit(key, Edited{Summary: &text}, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 25 {
		if err := b.Comment(key, fmt.Sprint("comment ", n), "ann"); err != nil {
			t.Fatal(err)
		}
	}
	type shown struct {
		Fields struct {
			Comment struct {
				Comments []any
				Total    int
			}
		}
		Changelog struct {
			Histories []struct{ ID, Created string }
			Total     int
		}
	}
	for path, body := range map[string]string{
		"search/jql":      `{"jql":"project = FIN","fields":["comment"],"expand":"changelog"}`,
		"issue/bulkfetch": `{"issueIdsOrKeys":["FIN-1"],"fields":["comment"],"expand":["changelog"]}`,
	} {
		var answer struct{ Issues []shown }
		w := b.send("POST", cloudAPI+"/"+path, body, nil)
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Issues) != 1 {
			t.Fatal(err, w.Body)
		}
		i := answer.Issues[0]
		if len(i.Fields.Comment.Comments) != 20 || i.Fields.Comment.Total != 25 || len(i.Changelog.Histories) != 40 || i.Changelog.Total != 45 {
			t.Errorf("%s: %d of %d comments, %d of %d entries", path, len(i.Fields.Comment.Comments), i.Fields.Comment.Total, len(i.Changelog.Histories), i.Changelog.Total)
		}
		if h := i.Changelog.Histories; h[0].Created < h[39].Created {
			t.Errorf("%s: the oldest entry comes first", path)
		}
	}
	var dc shown
	w := b.send("GET", serverAPI+"/issue/FIN-1?fields=comment&expand=changelog", "", bearing("token"))
	if err := json.Unmarshal(w.Body.Bytes(), &dc); err != nil || len(dc.Fields.Comment.Comments) != 25 || len(dc.Changelog.Histories) != 45 || dc.Changelog.Histories[0].Created > dc.Changelog.Histories[44].Created {
		t.Errorf("Data Center: %v, %+v", err, dc)
	}
	if text := b.text("POST", "issue/bulkfetch", `{"issueIdsOrKeys":["FIN-1"]}`); strings.Contains(text, `"comment"`) {
		t.Error("comments come unasked")
	}
}

// TestDate: every answer tells the site's time, right or wrong.
func TestDate(t *testing.T) {
	b := openBox(t, config(""))
	b.Skew(10 * time.Minute)
	for _, path := range []string{"/rest/api/3/serverInfo", "/rest/api/2/nowhere", "/"} {
		at, err := http.ParseTime(b.send("GET", path, "", nil).Header().Get("Date"))
		if ahead := at.Sub(b.Clock()); err != nil || ahead < 9*time.Minute || ahead > 10*time.Minute {
			t.Errorf("%s: %s ahead, %v", path, ahead, err)
		}
	}
}

// TestBeforeWrite: somebody is quicker than a request that changes an issue.
func TestBeforeWrite(t *testing.T) {
	b := openBox(t, config(""))
	key := b.file("FIN", "Stop it")
	var told []string
	b.BeforeWrite(func(key string) {
		told = append(told, key)
		theirs := "Theirs"
		if err := b.Edit(key, Edited{Summary: &theirs}, "ann"); err != nil {
			t.Error(err)
		}
	})
	id := fmt.Sprint(b.where(func(*Issue) bool { return true })[0].ID)
	b.ask("GET", "issue/"+id, "")
	b.ask("PUT", "issue/"+id, `{"fields":{"priority":{"name":"High"}}}`)
	b.BeforeWrite(nil)
	b.ask("PUT", "issue/"+id, `{"fields":{"priority":{"name":"Low"}}}`)
	i, _ := b.Get(key)
	if len(told) != 1 || told[0] != key || i.Summary != "Theirs" || i.Priority != "Low" {
		t.Errorf("%v, %+v", told, i)
	}
}

// TestPeopleFile: what a person makes and edits by hand is kept as over the API.
func TestPeopleFile(t *testing.T) {
	b := openBox(t, config(""))
	key, err := b.File("FIN", "Look at i-1", "It is idle.", "ann")
	if err != nil {
		t.Fatal(err)
	}
	due, doc := "2026-10-01", json.RawMessage(`{"type":"doc","version":1,"content":[{"type":"mediaSingle","content":[{"type":"media","attrs":{"id":"1","type":"file","collection":""}}]}]}`)
	if err := b.Edit(key, Edited{Document: doc, Due: &due, Add: []string{"x", "y"}, Remove: []string{"y"}}, "ann"); err != nil {
		t.Fatal(err)
	}
	i, _ := b.Get(key)
	if i.Reporter != "ann" || string(i.Description) != string(doc) || i.Due != due || strings.Join(i.Labels, " ") != "x" || len(i.Changes) != 1 || i.Changes[0].Author != "ann" {
		t.Errorf("%+v", i)
	}
	for _, wrong := range []string{"NOSUCH", ""} {
		if _, err := b.File(wrong, "", "", "ann"); err == nil {
			t.Errorf("filed in %q", wrong)
		}
	}
	if _, err := b.File("FIN", "", "", "ann"); err == nil {
		t.Error("filed without a summary")
	}
}

// BenchmarkIdlePoll asks a site of 10,000 tickets what has changed, which is nothing.
func BenchmarkIdlePoll(b *testing.B) {
	j, err := New(config(""))
	if err != nil {
		b.Fatal(err)
	}
	for n := range 10000 {
		if _, err := j.File("FIN", fmt.Sprint("ticket ", n), "", "ann"); err != nil {
			b.Fatal(err)
		}
		j.issues[j.order[n]].Labels = []string{"tt-inst-x"}
	}
	q := question{JQL: fmt.Sprintf(`labels = "tt-inst-x" AND updated >= %d ORDER BY updated ASC, key ASC`, j.now().Add(time.Hour).UnixMilli())}
	for b.Loop() {
		if found, err := j.matching(&scope{account: j.self}, q); err != nil || len(found) != 0 {
			b.Fatal(len(found), err)
		}
	}
}
