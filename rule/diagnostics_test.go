package rule

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

// said is everything that Load says about a file.
func said(t *testing.T, o Options) string {
	t.Helper()
	s, err := Load(o)
	var all strictyaml.Diagnostics
	switch {
	case err == nil:
		all = s.Warnings()
	case !errors.As(err, &all):
		t.Fatalf("not diagnostics: %v", err)
	}
	return all.Error() + "\n"
}

// TestDiagnostics holds what is said about each bad pack to its golden file: all
// mistakes at once, each at its place.
func TestDiagnostics(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no packs", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := said(t, Options{Files: []File{{filepath.Base(name), data}}})
			golden(t, strings.TrimSuffix(name, ".yaml")+".txt", got)
		})
	}
}
