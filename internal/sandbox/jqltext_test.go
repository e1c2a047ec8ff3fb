package sandbox

import (
	"fmt"
	"testing"
)

// TestMentions: words in the texts of issues that are not closed, the way that a client
// looks for tickets of people.
func TestMentions(t *testing.T) {
	b := openBox(t, config(""))
	b.file("FIN", "Look at i-0abc")
	closed := b.file("FIN", "Old: i-0abc")
	b.file("OPS", "Elsewhere: i-0abc")
	said := b.file("FIN", "Another")
	if err := b.Transition(closed, "Done", "", "ann"); err != nil {
		t.Fatal(err)
	}
	if err := b.Comment(said, "The same as i-0abc.", "ann"); err != nil {
		t.Fatal(err)
	}
	for jql, want := range map[string]string{
		`project = FIN AND statusCategory != Done AND (text ~ "\"nothing\"" OR text ~ "\"i\\-0abc\"") ORDER BY key`: "[FIN-1 FIN-3]",
		`project = FIN AND statusCategory = 3`:                    "[FIN-2]",
		`project = FIN AND statusCategory in ("To Do")`:           "[FIN-1 FIN-3]",
		`(project = OPS) AND text ~ "\"elsewhere i 0abc\""`:       "[OPS-1]",
		`(project = NOSUCH OR project = OPS) AND updated >= "-1"`: "refused",
	} {
		body := fmt.Sprintf(`{"jql":%q,"fields":["key"]}`, jql)
		status, answer := b.ask("POST", "search/jql", body)
		got := "refused"
		if status == 200 {
			keys := []any{}
			for _, i := range answer["issues"].([]any) {
				keys = append(keys, i.(map[string]any)["key"])
			}
			got = fmt.Sprint(keys)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", jql, got, want)
		}
	}
}
