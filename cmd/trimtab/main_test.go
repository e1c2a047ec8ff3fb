package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
)

var update = flag.Bool("update", false, "renew the golden files of the scripts")

func TestMain(m *testing.M) {
	if os.Getenv(asTrimtab) != "" {
		os.Exit(Main())
	}
	testscript.Main(m, map[string]func(){"trimtab": func() { os.Exit(Main()) }})
}

// TestScripts plays the command line as it is typed: one story a file.
func TestScripts(t *testing.T) {
	sample, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "focus", "focus_sample_1.0_1000.csv"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("SAMPLE", sample)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "sample" {
				return false, errors.New("no such condition")
			}
			_, err := os.Stat(sample)
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "person": person},
	})
}

// exits runs a command that must end with an exit code: exits 2 trimtab run.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s\n%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// person works on the embedded board, as people do between two commands: person STATE NAME
// TICKET FIELD VALUE, or person STATE NAME new PROJECT SUMMARY.
func person(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 5 {
		ts.Fatalf("usage: person STATE NAME TICKET FIELD VALUE")
	}
	ctx := context.Background()
	s, err := sqlite.Open(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(s.Close()) }()
	if args[2] == "new" {
		_, err := s.BoardRows().Insert(ctx, board.Row{Project: args[3], Status: tracker.Open, Summary: args[4], Created: time.Now(), Updated: time.Now()})
		ts.Check(err)
		return
	}
	change := tracker.Change{}
	switch value := &args[4]; args[3] {
	case "status":
		change.Status = tracker.Status(*value)
	case "summary":
		change.Summary = value
	case "block":
		change.Block = value
	case "comment":
		change.Comment = *value
	default:
		ts.Fatalf("people do not change %s here", args[3])
	}
	at := board.New(board.Config{Now: time.Now}, s.BoardRows()).By(args[1])
	_, err = at.Update(ctx, args[2], tracker.Set(change))
	ts.Check(err)
}
