package governor

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the transcripts anew")

var epoch = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

// TestTranscripts runs the stories in testdata. A line is a command; below it
// stands what the governor did:
//
//	ask METHOD [issue] [project] [create]      tell METHOD STATUS key=value…      after DURATION
func TestTranscripts(t *testing.T) {
	for _, name := range []string{"throttled", "lanes", "breaker", "projects"} {
		t.Run(name, func(t *testing.T) {
			file := "testdata/" + name + ".txt"
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, now := New(), epoch
			var out strings.Builder
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				if strings.HasPrefix(line, "→") {
					continue
				}
				out.WriteString(line + "\n")
				if line == "" || line[0] == '#' {
					continue
				}
				for _, answer := range play(t, s, &now, strings.Fields(line)) {
					out.WriteString("→ " + answer + "\n")
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if out.String() != string(text) {
				t.Errorf("got\n%s", out.String())
			}
		})
	}
}

// play carries out one command.
func play(t *testing.T, s *State, now *time.Time, words []string) []string {
	switch words[0] {
	case "after":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		*now = now.Add(d)
		return nil
	case "ask":
		d := s.Ask(*now, callOf(words[1:]))
		if d.Wait == 0 {
			return []string{"go"}
		}
		text := fmt.Sprintf("wait %s: %s", d.Wait, d.Why)
		if d.Forbidden {
			text = "forbidden, " + text
		}
		return []string{text}
	}
	c, o := callOf(words[1:]), Outcome{Jitter: 1}
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "reason":
			o.Reason = value
		case "pause", "reset":
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			if key == "pause" {
				o.Pause = d
			} else {
				o.Reset = now.Add(d)
			}
		case "near":
			o.Near = true
		case "rejected":
			o.Rejected = append(o.Rejected, value)
		case "unsent":
			o.Unsent = true
		default:
			_, _ = fmt.Sscan(word, &o.Status)
		}
	}
	var answers []string
	for _, h := range s.Tell(*now, c, o) {
		answers = append(answers, fmt.Sprintf("hold %s for %s: %s", h.Scope, h.Until.Sub(*now), h.Why))
	}
	return answers
}

func callOf(words []string) Call {
	c := Call{Method: words[0], Write: words[0] != "GET"}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "issue":
			c.Issue = value
		case "project":
			c.Project = value
		case "create":
			c.Create = true
		}
	}
	return c
}

// twin is the governor as one would write it without a thought for cost: it keeps
// all that ever happened and counts anew each time.
type twin struct {
	went  []sentCall
	holds []Hold
}

type sentCall struct {
	at time.Time
	c  Call
}

// may reports whether the rules that can be counted allow a call.
func (w *twin) may(now time.Time, c Call) bool {
	for _, h := range w.holds {
		for _, scope := range c.Scopes() {
			if h.Scope == scope && now.Before(h.Until) {
				return false
			}
		}
	}
	lane := 0
	for _, s := range w.went {
		if c.Write && c.Issue != "" && s.c.Write && s.c.Issue == c.Issue && now.Sub(s.at) < laneSpan {
			lane++
		}
	}
	// A bucket of n with n a second never lets more than n plus n a second through,
	// over any time up to now.
	for i := range w.went {
		from, n := w.went[i].at, 1.0
		for _, s := range w.went[i:] {
			if s.c.Method == c.Method {
				n++
			}
		}
		if n > fullRate(c.Method)*(1+now.Sub(from).Seconds())+1e-6 && w.went[i].c.Method == c.Method {
			return false
		}
	}
	return lane < laneWrites
}

// TestTwin: whatever happens, the governor lets go what the twin would, and asks
// to wait only as long as there is a reason.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, w, now := New(), &twin{}, epoch
		for range rapid.IntRange(1, 250).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "ms")) * time.Millisecond)
			c := Call{
				Method: rapid.SampledFrom([]string{"GET", "PUT"}).Draw(t, "method"), Issue: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "issue"),
				Project: rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "project"),
			}
			c.Write = c.Method == "PUT"
			d := s.Ask(now, c)
			if (d.Wait == 0) != w.may(now, c) {
				t.Fatalf("at %s %+v: %+v, the twin says %v", now.Sub(epoch), c, d, w.may(now, c))
			}
			if d.Wait > 0 {
				if !d.Forbidden && d.Wait < time.Second { // after the wait it goes
					now = now.Add(d.Wait)
				}
				continue
			}
			w.went = append(w.went, sentCall{now, c})
			o := Outcome{
				Status: rapid.SampledFrom([]int{200, 200, 200, 200, 403, 429, 404}).Draw(t, "status"), Jitter: 1,
				Reason: rapid.SampledFrom([]string{"", "jira-burst-based", "jira-per-issue-on-write"}).Draw(t, "reason"),
			}
			w.holds = append(w.holds, s.Tell(now, c, o)...)
		}
	})
}

// TestPausesAreBounded: no answer stops a site for ever, and none for no time.
func TestPausesAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		for range 20 {
			o := Outcome{
				Status: 429, Pause: time.Duration(rapid.Int64().Draw(t, "pause")), Reason: rapid.SampledFrom([]string{"", "x", "jira-quota-tenant-based"}).Draw(t, "reason"),
				Jitter: rapid.Float64Range(0.7, 1.3).Draw(t, "jitter"), Reset: epoch.Add(time.Duration(rapid.Int64().Draw(t, "reset"))),
			}
			for _, h := range s.Tell(epoch, Call{Method: "GET"}, o) {
				if wait := h.Until.Sub(epoch); wait < MinPause || wait > MaxPause {
					t.Fatalf("%+v holds for %s", o, wait)
				}
			}
		}
	})
}
