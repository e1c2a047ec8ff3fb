package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReload: rules that change are at work for the next scan, rules with a mistake
// leave the old ones there and say so, mended ones come back.
func TestReload(t *testing.T) {
	s := newSite(t)
	a := s.serve()
	r := newReloader(a)
	look := func() string {
		r.look(a.serving.Load())
		_, body := get(t, "http://"+a.Addr()+"/metrics")
		for line := range strings.Lines(body) {
			if rest, ok := strings.CutPrefix(line, "trimtab_rules_current "); ok {
				return strings.TrimSpace(rest)
			}
		}
		return "?"
	}
	old := a.Rules
	text, err := os.ReadFile(filepath.Join(s.dir, "pack.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if look(); a.Rules != old {
		t.Error("rules that did not change were loaded again")
	}
	s.write("pack.yaml", "apiVersion: trimtab/v1\npack: [")
	if current := look(); current != "0" || a.Rules != old || a.Scan.Rules != old {
		t.Errorf("with a broken pack: current %s, the old rules stay: %v", current, a.Rules == old)
	}
	s.write("pack.yaml", string(text)+"\n# changed\n")
	if current := look(); current != "1" || a.Rules == old || a.Scan.Rules != a.Rules {
		t.Errorf("mended: current %s, the old rules stay: %v", current, a.Rules == old)
	}
	if _, err := a.RunScan(t.Context()); err != nil {
		t.Error(err)
	}
}
