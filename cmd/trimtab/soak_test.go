package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/sqlite"
)

const (
	soakTickets = 2000
	soakKills   = 200
	soakSeed    = 42
)

// mob is a Jira that drops every tenth answer after having acted, and kills its caller
// at a request, or after it.
type mob struct {
	jira http.Handler

	mu       sync.Mutex
	rand     *rand.Rand
	victim   *exec.Cmd
	at       int // the request of this life at which it dies; 0 is none
	after    bool
	requests int // of this life
	dropped  int
	calls    int
	creates  int
}

// ServeHTTP implements [http.Handler].
func (m *mob) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.calls++
	m.requests++
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issue/bulk") {
		m.creates++
	}
	victim, drop, dies, after := m.victim, m.rand.IntN(10) == 0, m.requests == m.at, m.after
	if drop {
		m.dropped++
	}
	m.mu.Unlock()
	if dies && !after {
		kill(victim)
	}
	if drop || dies {
		m.jira.ServeHTTP(httptest.NewRecorder(), r)
	} else {
		m.jira.ServeHTTP(w, r)
	}
	if dies && after {
		kill(victim)
	}
	if drop || dies {
		panic(http.ErrAbortHandler)
	}
}

func kill(victim *exec.Cmd) {
	if victim != nil {
		_ = victim.Process.Kill() // it may have come to its end
	}
}

// live runs the program until it ends or is killed, and reports whether it was killed:
// when it has noted some more tickets, or at one of its requests.
func (m *mob) live(t *testing.T, file string, mortal bool) (killed bool, out string) {
	t.Helper()
	victim := program(t, "distribute", "-c", file)
	var text strings.Builder
	victim.Stdout, victim.Stderr = io.Discard, &text
	m.mu.Lock()
	if err := victim.Start(); err != nil {
		m.mu.Unlock()
		t.Fatal(err)
	}
	m.victim, m.requests, m.at = victim, 0, 0
	more := 1 + m.rand.IntN(12)
	if mortal && m.rand.IntN(5) == 0 {
		m.at, m.after = 1+m.rand.IntN(9), m.rand.IntN(2) == 0
	}
	m.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	if mortal {
		watching.Go(func() { killAfter(ctx, t, file, more, victim) })
	}
	err := victim.Wait()
	cancel()
	watching.Wait()
	return err != nil && victim.ProcessState.ExitCode() == -1, text.String()
}

// killAfter kills the program when the state has so many tickets more.
func killAfter(ctx context.Context, t *testing.T, file string, more int, victim *exec.Cmd) {
	s, err := sqlite.OpenRead(ctx, filepath.Join(filepath.Dir(file), "trimtab.db"))
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = s.Close() }()
	begun, tick := noted(ctx, s), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if noted(ctx, s) >= begun+more {
				kill(victim)
				return
			}
		}
	}
}

// noted counts the tickets in the state.
func noted(ctx context.Context, s *store.Store) (n int) {
	_ = s.Read(ctx, func(tx *store.Tx) error { // it ends with ctx
		rows, err := tx.Query(`SELECT COUNT(*) FROM tickets`)
		if err == nil {
			count, _ := rows[0][0].(int64)
			n = int(count)
		}
		return err
	})
	return n
}

// TestKilledTwoHundredTimes files 2,000 tickets into a Jira that drops a tenth of its
// answers, while the program is killed with SIGKILL 200 times.
func TestKilledTwoHundredTimes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "trimtab.yaml")
	write(t, filepath.Join(dir, "billing.csv"), addresses(soakTickets))
	write(t, file, deployment("http://127.0.0.1:1"))
	if out, err := program(t, "scan", "-c", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m, jira := newMob(t)
	server := httptest.NewServer(m)
	defer server.Close()
	write(t, file, strings.Replace(deployment(server.URL), "brake: {tickets: 100}", "brake: {tickets: 9999}", 1))
	kills, lives := 0, 0
	for ; kills < soakKills && lives < 2*soakKills; lives++ {
		killed, _ := m.live(t, file, true)
		if killed {
			kills++
		}
		if lives%20 == 0 {
			t.Logf("%d lives, %d kills: the state knows %d tickets, Jira has %d", lives, kills, known(t, file), len(jira.Issues("")))
		}
	}
	for range 20 { // answers go on being lost: a run may have to leave some for the next
		if _, out := m.live(t, file, false); !strings.Contains(out, "trimtab:") && len(jira.Issues("")) == soakTickets && known(t, file) == soakTickets {
			break
		}
	}
	judge(t, jira, file)
	t.Logf("%d kills in %d lives, %d tickets, %d calls of which %d created, %d answers dropped", kills, lives, len(jira.Issues("")), m.calls, m.creates, m.dropped)
	if kills < soakKills {
		t.Errorf("only %d kills", kills)
	}
}

func newMob(t *testing.T) (*mob, *sandbox.Jira) {
	t.Helper()
	jira, err := sandbox.New(sandbox.Config{
		Projects: []sandbox.Project{{Key: "FIN"}, {Key: "OPS"}}, Email: "t@example.com", Token: "token", Now: time.Now,
		Users: []sandbox.User{{AccountID: "acc-ann", Email: "ann@example.com", Name: "Ann"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &mob{jira: jira.Handler(), rand: rand.New(rand.NewPCG(soakSeed, soakSeed))}, jira
}

// addresses is a cost file with so many idle addresses.
func addresses(n int) string {
	var csv strings.Builder
	csv.WriteString("ProviderName,SubAccountId,ResourceId,ServiceName,ChargeCategory,ChargeDescription,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,BilledCost,EffectiveCost\n")
	for i := range n {
		fmt.Fprintf(&csv, "AWS,shop,eip-%04d,VPC,Usage,$0.005 per Idle public IPv4 address per hour,USD,2026-09-01T00:00:00Z,2026-09-02T00:00:00Z,0.12,0.12\n", i)
	}
	return csv.String()
}

// known is how many tickets the state knows.
func known(t *testing.T, file string) int {
	t.Helper()
	c := program(t, "tickets", "list", "-c", file, "-o", "csv")
	out, err := c.Output()
	if err != nil && context.Cause(t.Context()) == nil {
		return -1
	}
	return strings.Count(string(out), "\n") - 1
}

// judge holds what Jira has against what was asked for and what the state says.
func judge(t *testing.T, jira *sandbox.Jira, file string) {
	t.Helper()
	about := map[string]int{}
	for _, issue := range jira.Issues("") {
		about[issue.Summary]++
	}
	twice := 0
	for _, n := range about {
		twice += n - 1
	}
	if len(about) != soakTickets || twice != 0 {
		t.Errorf("tickets about %d things, want %d; %d too many", len(about), soakTickets, twice)
	}
	if n := known(t, file); n != soakTickets {
		t.Errorf("the state knows %d tickets", n)
	}
}
