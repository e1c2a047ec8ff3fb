package rule

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func seed(f *testing.F, patterns ...string) {
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil || len(files) == 0 {
			f.Fatal("no seeds", p, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// FuzzLoad: whatever a pack holds, it loads or is refused with diagnostics.
func FuzzLoad(f *testing.F) {
	seed(f, "testdata/good/*.yaml", "testdata/bad/*.yaml", "testdata/script/*.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		s, err := Load(Options{Files: []File{{"fuzz.yaml", data}}})
		if (s == nil) == (err == nil) {
			t.Fatal("neither a set nor an error")
		}
		if err != nil {
			_ = err.Error()
		}
	})
}

// FuzzEval: whatever a script says, there is a line about it and no panic.
func FuzzEval(f *testing.F) {
	seed(f, "testdata/script/*.jsonl")
	pack, err := os.ReadFile("testdata/good/more.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"assert": {"type": "Gauge", "as": "g", "fields": {"resource": "a", "name": "x", "value": 1, "rate": "1.5"}}}
{"clock": "2026-11-20T10:00:00Z"}
{"assert": {"type": "Resource", "as": "r", "fields": {"id": "a", "kind": "vm", "account": "1", "monthly_cost": "1 USD", "created": "2026-01-01T00:00:00Z", "tags": {"env": "dev"}}}}
{"run": {}}`))
	s, err := Load(Options{Files: []File{{"more.yaml", pack}}})
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 1<<12 || bytes.Contains(script, []byte("add_rules")) {
			return
		}
		var out bytes.Buffer
		_, err := Eval(t.Context(), s, EvalOptions{
			SessionOptions: SessionOptions{MaxFirings: 100},
			Script:         bytes.NewReader(script), Dir: dir, Out: &out,
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
