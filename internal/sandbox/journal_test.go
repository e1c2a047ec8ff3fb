package sandbox

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestJournal: what was answered is there after a kill, and nothing else is.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b := openBox(t, config(path))
	one, two := b.file("FIN", "one", "a"), b.file("OPS", "two")
	three := b.file("FIN", "three")
	b.must(b.Transition(one, "Done", "Duplicate", "ann"))
	b.must(b.Assign(two, "ann", "ann"))
	b.must(b.Comment(two, "Hello.\n\nYou.", "ann"))
	b.must(b.Delete(three))
	before := b.Issues("")
	// Nobody stops the first: a kill would not either.
	again := openBox(t, config(path))
	if after := again.Issues(""); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	if key := again.file("FIN", "four"); key != "FIN-3" {
		t.Errorf("the key of a deleted issue came back, or numbers were lost: %s", key)
	}
}

// TestTornLine: a write that a kill broke off was never answered; what stands
// before it is whole, and what comes after it is not spoiled.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b := openBox(t, config(path))
	b.file("FIN", "one")
	whole, err := os.ReadFile(path)
	b.must(err)
	b.file("FIN", "two")
	both, err := os.ReadFile(path)
	b.must(err)
	for end := len(whole); end < len(both); end++ {
		b.must(os.WriteFile(path, both[:end], 0o600))
		again := openBox(t, config(path))
		if n := len(again.Issues("")); n != 1 {
			t.Fatalf("%d issues of a line cut at %d", n, end-len(whole))
		}
		again.file("FIN", "other")
		third := openBox(t, config(path))
		if got := third.Issues(""); len(got) != 2 || got[1].Summary != "other" {
			t.Fatalf("cut at %d: %v", end-len(whole), got)
		}
	}
}

func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for _, content := range []string{
		"{\"issues\":[\n", "{}\nnonsense\n{}\n", `{"issues":[{"id":1,"key":"NO-1","project":"NO","status":"To Do"}]}` + "\n",
		`{"issues":[{"id":1,"key":"FIN-1","project":"FIN","status":"Gone"}]}` + "\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if j, err := New(config(path)); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v, %v", content, j, err)
		}
	}
}

// TestFullDisk: what cannot be kept is refused and is not there.
func TestFullDisk(t *testing.T) {
	b := openBox(t, config(filepath.Join(t.TempDir(), "journal")))
	key := b.file("FIN", "one")
	b.must(b.journal.Close())
	status, _ := b.ask("PUT", "issue/"+key, `{"fields":{"summary":"two"}}`)
	if i, _ := b.Get(key); status != http.StatusInternalServerError || i.Summary != "one" {
		t.Errorf("HTTP %d, summary %q", status, i.Summary)
	}
	b.journal = nil // closed already
}
