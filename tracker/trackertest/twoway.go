package trackertest

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// needs skips a test of a site that lacks what it plays with.
func needs(t *testing.T, has bool, what string) {
	t.Helper()
	if !has {
		t.Skipf("SKIPPED: this site has no %s", what)
	}
}

// A time that is too late would leave changes out for ever.
func testChangedAt(t *testing.T, s Site) {
	s.file(t, 1)
	s.Advance(time.Hour)
	began := s.Clock()
	changes, err := s.Tracker.Changed(t.Context(), installation, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	// Some trackers tell whole seconds, and their answer may have taken a while.
	if changes.At.After(s.Clock()) || changes.At.Before(began.Add(-10*time.Second)) {
		t.Errorf("at %s, between %s and %s", changes.At, began, s.Clock())
	}
}

// What is decided rests on the newest state: an older one would undo what a person has
// just done.
func testDecide(t *testing.T, s Site) {
	needs(t, s.Person != nil, "people")
	id := s.file(t, 1)[0].ID
	theirs := "Theirs"
	s.Person(t, id, tracker.Change{Summary: &theirs})
	var seen []tracker.Issue
	got, err := s.Tracker.Update(t.Context(), id, func(now tracker.Issue) tracker.Change {
		seen = append(seen, now)
		return tracker.Change{Op: "a", AddLabels: []string{"seen"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || seen[0].ID != id || seen[0].Summary != theirs || len(seen[0].Edits) != 1 || seen[0].Edits[0].To != theirs {
		t.Errorf("decided on %+v", seen)
	}
	if got.Summary != theirs || !slices.Contains(got.Labels, "seen") {
		t.Errorf("came out as %+v", got)
	}
}

// managed files one ticket with a block in its description, and with more around it if said.
func (s Site) managed(t *testing.T, description string) tracker.Issue {
	t.Helper()
	d := s.draft(1)
	d.Description = description
	results, err := s.Tracker.Create(t.Context(), []tracker.Draft{d})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	s.settle()
	return s.fetch(t, results[0].Issue.ID)
}

// What people write into a description is theirs.
func testBlock(t *testing.T, s Site) {
	needs(t, s.Describe != nil, "people who describe")
	made := s.managed(t, tracker.Managed("Saves **30 USD**.\n\n- i-1\n- i-2"))
	if !strings.Contains(made.Block, "**30 USD**") || !strings.Contains(made.Block, "i-2") || strings.Contains(made.Block, "Trimtab keeps") {
		t.Fatalf("block %q of %q", made.Block, made.Description)
	}
	s.Describe(t, made.ID, "Ask **Kim** first.\n\n"+tracker.Managed(made.Block)+"\nWe wait for Friday.\n\n- and for Ben")
	s.Advance(time.Minute)
	block := "Saves **40 USD**.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"
	got := s.update(t, made.ID, tracker.Change{Op: "a", Block: &block})
	for _, text := range []string{got.Description, s.fetch(t, made.ID).Description} {
		at := -1
		for _, word := range []string{"Ask", "Kim", "first.", "40 USD", "We wait for Friday.", "and for Ben"} {
			next := strings.Index(text, word)
			if next <= at {
				t.Errorf("%q is lost or stands elsewhere: %s", word, text)
			}
			at = next
		}
		if strings.Contains(text, "30 USD") || strings.Count(text, tracker.BlockBegin) != 1 || strings.Count(text, tracker.BlockEnd) != 1 {
			t.Errorf("described as %s", text)
		}
	}
	if !strings.Contains(got.Block, "40 USD") || strings.Contains(got.Block, "Friday") {
		t.Errorf("block %q", got.Block)
	}
	s.Advance(time.Minute)
	if again := s.update(t, made.ID, tracker.Change{Op: "b", Block: &block}); !again.Updated.Equal(got.Updated) {
		t.Errorf("the same block was written again at %s, first at %s", again.Updated, got.Updated)
	}
}

func testNewBlock(t *testing.T, s Site) {
	needs(t, s.Describe != nil, "people who describe")
	for _, text := range []string{"Only **their** words.", ""} {
		made := s.managed(t, text)
		if made.Block != "" {
			t.Errorf("%q has the block %q", text, made.Block)
		}
		s.Describe(t, made.ID, text)
		block := "Saves 40 USD."
		got := s.update(t, made.ID, tracker.Change{Op: "a", Block: &block})
		if got.Block != block || !strings.HasPrefix(got.Description, text) {
			t.Errorf("block %q in %q", got.Block, got.Description)
		}
		s.Advance(time.Minute)
		if again := s.update(t, made.ID, tracker.Change{Op: "b", Block: &block}); !again.Updated.Equal(got.Updated) {
			t.Error("the same block was written again")
		}
		if s.Delete != nil { // the next one has the same marker
			s.Delete(made.ID)
		}
	}
}

// edited is an edit without what differs by site.
type edited struct{ field, op, author, to string }

// The history tells an echo of our own from what a person wants.
func testEdits(t *testing.T, s Site) {
	needs(t, s.Person != nil, "people")
	id := s.file(t, 1)[0].ID
	ours, theirs := "Ours", "Theirs"
	s.Advance(time.Minute)
	s.update(t, id, tracker.Change{Op: "op-a", Summary: &ours})
	s.Advance(time.Minute)
	s.Person(t, id, tracker.Change{Summary: &theirs})
	s.Advance(time.Minute)
	s.Person(t, id, tracker.Change{Status: tracker.InProgress})
	s.Advance(time.Minute)
	s.update(t, id, tracker.Change{Op: "op-b", AddLabels: []string{"later"}})
	s.settle()
	want := []edited{{"summary", "op-a", "", ours}, {"summary", "", s.Name, theirs}, {"status", "", s.Name, ""}, {"labels", "op-b", "", ""}}
	shown := map[string][]tracker.Issue{"fetch": {s.fetch(t, id)}, "changed": s.changed(t, time.Time{})}
	for name, issues := range shown {
		if len(issues) != 1 || len(issues[0].Edits) != len(want) {
			t.Errorf("%s: %+v", name, issues)
			continue
		}
		for i, e := range issues[0].Edits {
			// Our own account and the words of a status have other names on each site.
			got := edited{e.Field, e.Op, e.Author, e.To}
			if want[i].author == "" {
				got.author = ""
			}
			if want[i].to == "" {
				got.to = ""
			}
			if s.Anonymous && got.op != "" && want[i].op != "" {
				got.op = want[i].op
			}
			if got != want[i] {
				t.Errorf("%s: edit %d is %+v, want %+v", name, i, e, want[i])
			}
			if i > 0 && (compareIDs(issues[0].Edits[i-1].ID, e.ID) > 0 || e.At.Before(issues[0].Edits[i-1].At)) {
				t.Errorf("%s: edit %d is older than the one before: %+v", name, i, e)
			}
		}
		if e := issues[0].Edits[1]; e.From != ours {
			t.Errorf("%s: changed from %q", name, e.From)
		}
	}
}

// compareIDs compares numbers in text.
func compareIDs(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// By comments people speak to us; what we said ourselves must not be obeyed.
func testComments(t *testing.T, s Site) {
	needs(t, s.Person != nil, "people")
	id := s.file(t, 1)[0].ID
	s.Advance(time.Minute)
	s.update(t, id, tracker.Change{Op: "op-a", Comment: "It is **idle**."})
	s.Advance(time.Minute)
	s.Person(t, id, tracker.Change{Comment: "Wait until Friday."})
	s.Advance(time.Minute)
	s.update(t, id, tracker.Change{Op: "op-b", Comment: "Waiting."})
	s.settle()
	want := []string{"It is **idle**.", "Wait until Friday.", "Waiting."}
	shown := map[string][]tracker.Issue{"fetch": {s.fetch(t, id)}, "changed": s.changed(t, time.Time{})}
	for name, issues := range shown {
		if len(issues) != 1 || len(issues[0].Comments) != len(want) {
			t.Errorf("%s: %+v", name, issues)
			continue
		}
		for i, c := range issues[0].Comments {
			if theirs := i == 1; c.Text != want[i] || (c.Op == "") != theirs || theirs && c.Author != s.Name || c.At.IsZero() {
				t.Errorf("%s: comment %d is %+v", name, i, c)
			}
			if i > 0 && compareIDs(issues[0].Comments[i-1].ID, c.ID) >= 0 {
				t.Errorf("%s: comment %d is not after the one before", name, i)
			}
		}
	}
}

func testPlan(t *testing.T, s Site) {
	d := s.draft(1)
	d.Due = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	results, err := s.Tracker.Create(t.Context(), []tracker.Draft{d})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	id := results[0].Issue.ID
	if got := s.fetch(t, id).Due; !got.Equal(d.Due) {
		t.Errorf("due on %s", got)
	}
	s.Advance(time.Minute)
	high := "High"
	first := s.update(t, id, tracker.Change{Op: "a", Priority: &high})
	if first.Priority != high || s.fetch(t, id).Priority != high {
		t.Errorf("priority %q", first.Priority)
	}
	s.Advance(time.Minute)
	if again := s.update(t, id, tracker.Change{Op: "b", Priority: &high}); !again.Updated.Equal(first.Updated) {
		t.Error("the same priority was written again")
	}
}

// found says by which of the searches an issue is found, and that both agree.
func (s Site) found(t *testing.T, id string, marker trimtab.Marker) bool {
	t.Helper()
	s.settle()
	issues, err := s.Tracker.Find(t.Context(), []tracker.Sought{{Marker: marker}})
	if err != nil {
		t.Fatal(err)
	}
	is := func(i tracker.Issue) bool { return i.ID == id }
	byMarker, byLabel := slices.ContainsFunc(issues, is), slices.ContainsFunc(s.changed(t, time.Time{}), is)
	if byMarker != byLabel {
		t.Errorf("found by marker: %v, by installation: %v", byMarker, byLabel)
	}
	return byMarker
}

// A ticket that a person has made already needs no second one.
func testStamp(t *testing.T, s Site) {
	needs(t, s.Foreign != nil && s.Person != nil, "people")
	s.file(t, 2)
	id := s.Foreign(t, s.Target.Project, "Look at i-77", "It is idle.")
	s.Person(t, id, tracker.Change{AddLabels: []string{"theirs"}})
	stamp := tracker.Stamp{Marker: trimtab.MarkerOf(installation, "adopted", 1), Installation: installation}
	if is := s.fetch(t, id); is.Stamped || is.Marker != "" || s.found(t, id, stamp.Marker) {
		t.Errorf("before: %+v", is)
	}
	s.Advance(time.Minute)
	got := s.update(t, id, tracker.Change{Op: "a", Stamp: &stamp})
	if !got.Stamped || got.Marker != stamp.Marker || got.Op != "a" || !slices.Equal(got.Labels, []string{"theirs"}) || !s.found(t, id, stamp.Marker) {
		t.Errorf("stamped: %+v", got)
	}
	s.Advance(time.Minute)
	if again := s.update(t, id, tracker.Change{Op: "b", Stamp: &stamp}); !again.Updated.Equal(got.Updated) || again.Op != "a" {
		t.Errorf("stamped twice: %+v", again)
	}
	got = s.update(t, id, tracker.Change{Op: "c", Stamp: &tracker.Stamp{}})
	if got.Stamped || got.Marker != "" || !slices.Equal(got.Labels, []string{"theirs"}) || s.found(t, id, stamp.Marker) {
		t.Errorf("let go: %+v", got)
	}
	s.Advance(time.Minute)
	if again := s.update(t, id, tracker.Change{Op: "d", Stamp: &tracker.Stamp{}}); !again.Updated.Equal(got.Updated) {
		t.Error("let go twice")
	}
}

// People tidy labels up.
func testStrip(t *testing.T, s Site) {
	needs(t, s.Strip != nil, "stamp that a person could take off")
	made := s.file(t, 1)[0]
	if !made.Stamped || !s.fetch(t, made.ID).Stamped {
		t.Error("a new ticket is not stamped")
	}
	s.Strip(t, made.ID)
	if s.fetch(t, made.ID).Stamped {
		t.Error("what was stripped passes for stamped")
	}
	got := s.update(t, made.ID, tracker.Change{Op: "a", Stamp: &tracker.Stamp{Marker: made.Marker, Installation: installation}})
	if !got.Stamped || !s.fetch(t, made.ID).Stamped || !s.found(t, made.ID, made.Marker) {
		t.Errorf("not healed: %+v", got)
	}
}

func testMentioning(t *testing.T, s Site) {
	needs(t, s.Foreign != nil && s.Person != nil && s.Elsewhere != "", "people or second project")
	here := s.Target.Project
	bySummary := s.Foreign(t, here, "Look at i-0abc123", "")
	byText := s.Foreign(t, here, "Look at this", "The machine i-0abc123 (in eu-west-1) is idle.")
	closed := s.Foreign(t, here, "Old: i-0abc123", "")
	s.Person(t, closed, tracker.Change{Status: tracker.Done})
	s.Foreign(t, s.Elsewhere, "Elsewhere: i-0abc123", "")
	s.Foreign(t, here, "Look at i-0def456", "")
	odd := s.Foreign(t, here, "Disk", `The disk arn:aws:ec2:eu-west-1:1:volume/vol-1 "data" is full.`)
	s.settle()
	for _, test := range []struct {
		words []string
		want  []string
	}{
		{[]string{"i-0abc123"}, []string{bySummary, byText}},
		{[]string{"nothing", "i-0abc123", "arn:aws:ec2:eu-west-1:1:volume/vol-1"}, []string{bySummary, byText, odd}},
		{[]string{`vol-1 "data"`}, []string{odd}},
		{[]string{"i-0abc12345"}, nil},
		{nil, nil},
	} {
		issues, err := s.Tracker.Mentioning(t.Context(), here, test.words)
		var got []string
		for _, i := range issues {
			got = append(got, i.ID)
		}
		slices.SortFunc(got, compareIDs)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: %v, want %v, %v", test.words, got, test.want, err)
		}
	}
}
