package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
)

// asTrimtab makes this test binary the program when it starts itself.
const asTrimtab = "TRIMTAB_TEST_AS_TRIMTAB"

// program is the real program, as a process that can be killed.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = append(os.Environ(), asTrimtab+"=1")
	return c
}

// trap stands between the program and its Jira, and kills the program with
// SIGKILL at one request: before Jira sees it, or after Jira has carried it out
// and before the answer leaves.
type trap struct {
	jira   http.Handler
	at     int
	after  bool
	victim *exec.Cmd
	ready  chan struct{} // closed once the victim runs

	mu       sync.Mutex
	requests int
	sprung   bool
}

// ServeHTTP implements [http.Handler].
func (x *trap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	x.requests++
	mine := x.requests == x.at
	x.sprung = x.sprung || mine
	x.mu.Unlock()
	if !mine {
		x.jira.ServeHTTP(w, r)
		return
	}
	if x.after {
		x.jira.ServeHTTP(httptest.NewRecorder(), r)
	}
	<-x.ready
	_ = x.victim.Process.Kill()
	panic(http.ErrAbortHandler) // the connection breaks, as it does when a process dies
}

const wanted = 55 // tickets: more than one call's worth

// scanned is a folder with a deployment and a state in which 55 tickets wait.
func scanned(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "billing.csv"), addresses(wanted))
	write(t, filepath.Join(dir, "trimtab.yaml"), deployment("http://127.0.0.1:1"))
	if out, err := program(t, "scan", "-c", filepath.Join(dir, "trimtab.yaml")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func deployment(url string) string {
	return strings.Replace(`
apiVersion: trimtab/v1
packs: [builtin:aws]
sources: [{name: billing, kind: focus, path: billing.csv}]
trackers: [{name: corp, kind: jira, url: 'URL', settle: 1ms, auth: {email: t@example.com, token: token}}]
boards: [{name: fin, tracker: corp, project: FIN}, {name: ops, tracker: corp, project: OPS}]
owners: [{fallback: ann@example.com}]
routes: [{when: 'rec.resource < "eip-0020"', board: ops}, {board: fin}]
policy: {min_savings: 0.00 USD, destructive: {sightings: 1}, open_per_owner: 0, new_per_board_week: 0, brake: {tickets: 100}}
`, "URL", url, 1)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKillNine kills the real program with SIGKILL at every request that it
// makes to its tracker, before and after each, starts it again, and counts.
func TestKillNine(t *testing.T) {
	base := scanned(t)
	kills := 0
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			if !killAt(t, base, at, after) {
				break
			}
			kills++
		}
	}
	if kills < 10 {
		t.Errorf("only %d kills: the requests are not counted", kills)
	}
	t.Logf("%d kills survived, %d tickets each", kills, wanted)
}

// killAt reports whether the program came so far as to be killed.
func killAt(t *testing.T, base string, at int, after bool) bool {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
		t.Fatal(err)
	}
	jira, err := sandbox.New(sandbox.Config{
		Projects: []sandbox.Project{{Key: "FIN"}, {Key: "OPS"}}, Email: "t@example.com", Token: "token", Now: time.Now,
		Users: []sandbox.User{{AccountID: "acc-ann", Email: "ann@example.com", Name: "Ann"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "trimtab.yaml")
	x := &trap{jira: jira.Handler(), at: at, after: after, victim: program(t, "distribute", "-c", file), ready: make(chan struct{})}
	server := httptest.NewServer(x)
	defer server.Close()
	write(t, file, deployment(server.URL))
	x.victim.Stdout, x.victim.Stderr = io.Discard, io.Discard
	if err := x.victim.Start(); err != nil {
		t.Fatal(err)
	}
	close(x.ready)
	_ = x.victim.Wait() // it was killed, or it came to its end
	if out, err := program(t, "distribute", "-c", file).CombinedOutput(); err != nil {
		t.Fatalf("after a kill at request %d (after: %v): %v\n%s", at, after, err, out)
	}
	count(t, jira, file, at, after)
	return x.sprung
}

// count holds what Jira has against what the state says.
func count(t *testing.T, jira *sandbox.Jira, file string, at int, after bool) {
	t.Helper()
	perSummary := map[string]int{}
	for _, issue := range jira.Issues("") {
		perSummary[issue.Summary]++
	}
	if len(jira.Issues("")) != wanted || len(perSummary) != wanted {
		t.Errorf("killed at request %d (after: %v): %d tickets about %d things, want %d", at, after, len(jira.Issues("")), len(perSummary), wanted)
	}
	out, err := program(t, "tickets", "list", "-c", file, "-o", "csv").CombinedOutput()
	if lines := strings.Count(string(out), "\n"); err != nil || lines != wanted+1 {
		t.Errorf("killed at request %d (after: %v): the state knows %d tickets (%v)", at, after, lines-1, err)
	}
}
