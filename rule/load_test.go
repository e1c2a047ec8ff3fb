package rule

import (
	"os"
	"path/filepath"
	"testing"
)

// load loads packs given as text.
func load(t testing.TB, packs ...string) *Set {
	t.Helper()
	s, err := tryLoad(packs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryLoad(packs ...string) (*Set, error) {
	var o Options
	for i, p := range packs {
		o.Files = append(o.Files, File{Name: string(rune('a'+i)) + ".yaml", Data: []byte(p)})
	}
	return Load(o)
}

// TestGoodPacks holds every pack of testdata/good to loading without a warning
// and passing its own tests.
func TestGoodPacks(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no packs", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Load(Options{Files: []File{{filepath.Base(name), data}}})
			if err != nil {
				t.Fatal(err)
			}
			if w := s.Warnings(); len(w) > 0 {
				t.Errorf("warnings:\n%s", w.Error())
			}
			runTests(t, s)
		})
	}
}

func runTests(t *testing.T, s *Set) {
	t.Helper()
	results, err := s.Test(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(results) == 0 {
		t.Error("the pack has no tests")
	}
	for _, r := range results {
		for _, f := range r.Failures {
			t.Errorf("%s:%d: %s: %s: %s", r.File, r.Line, r.Rule, r.Name, f)
		}
	}
}
