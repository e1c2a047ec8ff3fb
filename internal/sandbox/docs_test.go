package sandbox

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var renew = flag.Bool("update", false, "renew the table of faults in docs/sandbox.md")

// TestDocs: the documentation has every fault, as the code describes it.
func TestDocs(t *testing.T) {
	const file, head = "../../docs/sandbox.md", "| fault | what happens | odds |\n| --- | --- | --- |\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(text), head)
	if !ok {
		t.Fatal("there is no table of faults")
	}
	want := before + head
	for _, info := range Faults() {
		want += fmt.Sprintf("| `%s` | %s | %d |\n", info.Name, info.Does, info.odds)
	}
	if *renew {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Error("docs/sandbox.md has other faults than the code: go test ./internal/sandbox -run TestDocs -update")
	}
}
