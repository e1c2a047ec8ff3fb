package durable

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "renew the golden files")

// TestTranscripts plays the core: each line that begins with "> " is an event, and below
// it stands what the run is then. Times are seconds.
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/core/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			given, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := playCore(t, string(given))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(given) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// playCore keeps comments and events, and writes what follows from each event anew.
func playCore(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	run := Run{Status: Pending, WakeAt: at(0)}
	rules := Rules{MaxCrashes: 2}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		event, isEvent := strings.CutPrefix(line, "> ")
		if !isEvent {
			if line == "" || strings.HasPrefix(line, "#") {
				fmt.Fprintln(&out, line)
			}
			continue
		}
		fmt.Fprintln(&out, line)
		next, err := rules.Step(run, parseEvent(t, event))
		if err != nil {
			fmt.Fprintln(&out, "  refused:", err)
			continue
		}
		run = next
		fmt.Fprintln(&out, "  "+describe(run))
	}
	return out.String()
}

func at(seconds int) time.Time { return time.Unix(int64(seconds), 0).UTC() }

// parseEvent reads "name key=value …".
func parseEvent(t *testing.T, line string) Event {
	t.Helper()
	words := strings.Fields(line)
	values := map[string]string{}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		values[key] = value
	}
	number := func(key string) int {
		n, err := strconv.Atoi(or(values[key], "0"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	epoch, now := int64(number("epoch")), at(number("now"))
	switch words[0] {
	case "claimed":
		return Claimed{Worker: values["by"], Version: 1, Now: now, Until: at(number("until")), Void: values["void"] != ""}
	case "renewed":
		return Renewed{Epoch: epoch, Until: at(number("until"))}
	case "held":
		return Held{Epoch: epoch}
	case "progressed":
		return Progressed{Epoch: epoch, Progress: Progress{"n": {number("n"), 10}}}
	case "slept":
		e := Slept{Epoch: epoch, Awaits: values["awaits"], Why: "rest"}
		if values["until"] != "" {
			e.Until = at(number("until"))
		}
		return e
	case "interrupted":
		return Interrupted{Epoch: epoch, Now: now}
	case "returned":
		e := Returned{Epoch: epoch, Now: now, Output: []byte(values["output"]), Partial: values["partial"] != ""}
		if values["error"] != "" {
			e.Failure = &Failure{Code: "outside", Text: values["error"]}
		}
		return e
	case "misfit":
		return Misfit{Epoch: epoch, Now: now, Why: values["why"]}
	case "signalled":
		return Signalled{Name: values["name"], Now: now}
	case "cancel":
		return CancelAsked{Now: now}
	case "revived":
		return Revived{Now: now, Again: values["again"] != ""}
	}
	t.Fatalf("no event %q", line)
	return nil
}

// describe writes what is not zero of a run.
func describe(r Run) string {
	parts := []string{string(r.Status), fmt.Sprintf("epoch=%d", r.Epoch)}
	add := func(name string, v any, there bool) {
		if there {
			parts = append(parts, fmt.Sprintf("%s=%v", name, v))
		}
	}
	add("owner", r.Owner, r.Owner != "")
	add("lease", r.Lease.Unix(), !r.Lease.IsZero())
	if r.WakeAt.Equal(never) {
		add("wake", "never", true)
	} else {
		add("wake", r.WakeAt.Unix(), !r.WakeAt.IsZero())
	}
	add("awaits", r.Awaits, r.Awaits != "")
	add("crashes", r.Crashes, r.Crashes > 0)
	add("cancel", "asked", r.Cancel)
	add("n", r.Progress["n"].Done, r.Progress != nil)
	add("output", string(r.Output), len(r.Output) > 0)
	if r.Error != nil {
		add("error", r.Error.Text, true)
	}
	add("reason", r.Reason, r.Reason != "")
	return strings.Join(parts, " ")
}

// TestCoreInvariants drives a run with random events and holds what must always be.
func TestCoreInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, run, now := Rules{MaxCrashes: 3}, Run{Status: Pending}, 0
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			now += rapid.IntRange(0, 20).Draw(t, "passes")
			e := drawEvent(t, run, now)
			next, err := rules.Step(run, e)
			if err != nil {
				if fmt.Sprint(next) != fmt.Sprint(run) {
					t.Fatalf("a refused %T changed the run: %+v, %+v", e, run, next)
				}
				continue
			}
			checkStep(t, run, e, next)
			run = next
		}
	})
}

func drawEvent(t *rapid.T, r Run, now int) Event {
	epoch := r.Epoch - int64(rapid.IntRange(0, 1).Draw(t, "late"))
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0, 1, 2:
		return Claimed{Worker: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "worker"), Now: at(now), Until: at(now + 30), Void: rapid.Bool().Draw(t, "void")}
	case 3:
		return Progressed{Epoch: epoch}
	case 4:
		return Slept{Epoch: epoch, Until: at(now + rapid.IntRange(0, 50).Draw(t, "sleeps")), Awaits: rapid.SampledFrom([]string{"", "s"}).Draw(t, "awaits")}
	case 5:
		return Interrupted{Epoch: epoch, Now: at(now)}
	case 6:
		return Returned{Epoch: epoch, Now: at(now), Failure: rapid.SampledFrom([]*Failure{nil, {Text: "f"}}).Draw(t, "failure")}
	case 7:
		return Signalled{Name: "s", Now: at(now)}
	case 8:
		return CancelAsked{Now: at(now)}
	}
	return Revived{Now: at(now), Again: rapid.Bool().Draw(t, "again")}
}

// checkStep holds one transition.
func checkStep(t *rapid.T, before Run, e Event, after Run) {
	if after.Epoch < before.Epoch {
		t.Fatalf("the epoch fell: %+v, %+v", before, after)
	}
	held := after.Status == Running
	if held != (after.Owner != "") || held != !after.Lease.IsZero() {
		t.Fatalf("an owner without a run or a run without an owner: %+v", after)
	}
	if _, claimed := e.(Claimed); !claimed && held && (before.Status != Running || before.Epoch != after.Epoch) {
		t.Fatalf("%T made it run", e)
	}
	if claimed, ok := e.(Claimed); ok && before.Status == Running && before.Owner != claimed.Worker && !claimed.Void && claimed.Now.Before(before.Lease) {
		t.Fatalf("taken away within its lease: %+v", before)
	}
	if before.Status.Ended() && !slices.Contains([]string{"durable.Revived"}, fmt.Sprintf("%T", e)) {
		t.Fatalf("%T changed a run that had ended", e)
	}
	if after.Crashes > 4 {
		t.Fatalf("%d crashes", after.Crashes)
	}
}

// TestFencedWorker: whoever lost the run is told so by everything that it tries.
func TestFencedWorker(t *testing.T) {
	run := Run{Status: Running, Epoch: 7, Owner: "b", Lease: at(9)}
	for _, e := range []Event{Renewed{Epoch: 6}, Held{Epoch: 6}, Progressed{Epoch: 6}, Slept{Epoch: 6}, Interrupted{Epoch: 6}, Returned{Epoch: 6}, Misfit{Epoch: 6}} {
		if _, err := (Rules{}).Step(run, e); !errors.Is(err, ErrFenced) {
			t.Errorf("%T: %v", e, err)
		}
	}
}

// TestRetryPauses: growing, bounded, asked for, final, and the same for the same history.
func TestRetryPauses(t *testing.T) {
	p := Retry{Attempts: 5, First: time.Second, Max: 4 * time.Second}
	f := &Failure{Code: "outside"}
	var pauses []time.Duration
	for n := 1; n <= 5; n++ {
		when, again := p.next(f, n, 0, at(0), 3, "s")
		if again != (n < 5) {
			t.Errorf("after %d failures: %t", n, again)
		}
		if again {
			pauses = append(pauses, when.Sub(at(0)))
		}
		second, _ := p.next(f, n, 0, at(0), 3, "s")
		if !when.Equal(second) {
			t.Error("the same history gives another time")
		}
	}
	for i, want := range []time.Duration{1, 2, 4, 4} {
		want *= time.Second
		if pauses[i] < want*85/100 || pauses[i] > want*115/100 {
			t.Errorf("%v", pauses)
		}
	}
	if when, _ := p.next(f, 1, time.Hour, at(0), 3, "s"); when.Before(at(3600)) {
		t.Error("a pause that was asked for is cut")
	}
	for _, final := range []*Failure{{Code: "invalid"}, {Code: "not_found"}, {Code: "internal"}, {Code: "outside", Final: true}} {
		if _, again := p.next(final, 1, 0, at(0), 3, "s"); again {
			t.Errorf("%+v is tried again", final)
		}
	}
}
