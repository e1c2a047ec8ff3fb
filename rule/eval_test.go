package rule

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScripts plays every script of testdata/script on the pack of its name and
// holds the transcript to its golden file.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			base := strings.TrimSuffix(name, ".jsonl")
			pack, err := os.ReadFile(base + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			script, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := play(t, load(t, string(pack)), string(script))
			golden(t, base+".out", got)
		})
	}
}

func play(t testing.TB, s *Set, script string) (string, bool) {
	t.Helper()
	var out bytes.Buffer
	failed, err := Eval(t.Context(), s, EvalOptions{
		SessionOptions: SessionOptions{MaxFirings: 20},
		Script:         strings.NewReader(script), Dir: "testdata/script", Out: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), failed
}

// TestEvalFailed tells a script that went through from one that did not.
func TestEvalFailed(t *testing.T) {
	s := load(t, "apiVersion: trimtab/v1\npack: p\nfacts: {a: {fields: {x: int}}}\nrules: []\n")
	if _, failed := play(t, s, `{"run": {}}`); failed {
		t.Error("a good script failed")
	}
	if _, failed := play(t, s, "\n  \n{\"retract\": \"a\"}\n{\"run\": {}}"); !failed {
		t.Error("a bad step is not told")
	}
}

// broken cannot be written to.
type broken struct{}

var errBroken = errors.New("the pipe is broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestEvalStops(t *testing.T) {
	s := load(t, "apiVersion: trimtab/v1\npack: p\nfacts: {a: {fields: {x: int}}}\nrules: []\n")
	_, err := Eval(t.Context(), s, EvalOptions{Script: strings.NewReader("{\"run\": {}}\n"), Out: broken{}})
	if !errors.Is(err, errBroken) {
		t.Errorf("err = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Eval(ctx, s, EvalOptions{Script: strings.NewReader("{\"run\": {}}\n"), Out: &bytes.Buffer{}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if _, err = Eval(ctx, s, EvalOptions{SessionOptions: SessionOptions{Strategy: "luck"}}); err == nil {
		t.Error("a strategy that does not exist is taken")
	}
}
