package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/postgres"
	"github.com/trimtab/trimtab/internal/store/postgrestest"
)

const (
	workersLease = 2 * time.Second
	workersLimit = 8 * time.Minute // a bound for a test that hangs, not a measure
)

// crowd is several processes that serve one state on PostgreSQL, and a Jira between which
// everything goes wrong: answers are dropped, processes are killed, and some are stopped
// while a request of theirs is on its way, which arrives when another has taken over.
type crowd struct {
	t     *testing.T
	file  string
	dsn   string
	state *store.Store
	jira  *sandbox.Jira
	site  http.Handler

	mu      sync.Mutex
	rand    *rand.Rand
	workers map[int]*exec.Cmd // by process id
	creates int
	dropped int
	pauses  int
	kills   int
	calm    bool // nothing goes wrong any more
}

// ServeHTTP implements [http.Handler].
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	create := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issue/bulk")
	c.mu.Lock()
	drop, pause, die := !c.calm && c.rand.IntN(10) == 0, false, false
	if create {
		c.creates++
		pause, die = !c.calm && c.creates%6 == 3, !c.calm && c.creates%6 == 5
	}
	if drop {
		c.dropped++
	}
	c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever sent it is gone
	}
	// Detached from the connection: what was sent arrives, whatever becomes of its sender.
	late := r.Clone(context.WithoutCancel(r.Context()))
	late.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case pause:
		c.pauseSender(func() { c.site.ServeHTTP(httptest.NewRecorder(), late) })
		panic(http.ErrAbortHandler)
	case die:
		c.killSender()
	case drop:
		c.site.ServeHTTP(httptest.NewRecorder(), late)
		panic(http.ErrAbortHandler)
	default:
		c.site.ServeHTTP(w, late)
	}
}

// sender is the process that has the distribution, by the state's word.
func (c *crowd) sender() *os.Process {
	var owner string
	err := c.state.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT owner FROM runs WHERE status = 'running' AND workflow = 'distribute'`)
		if err == nil && len(rows) > 0 {
			owner, _ = rows[0][0].(string)
		}
		return err
	})
	parts := strings.Split(owner, "/") // host, process id, when it began
	if err != nil || len(parts) != 3 {
		return nil
	}
	pid, err := strconv.Atoi(parts[1])
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd := c.workers[pid]; err == nil && cmd != nil {
		return cmd.Process
	}
	return nil
}

// pauseSender stops the process whose request has come, until another has taken over and
// sent the same; then the request arrives, and the process goes on.
func (c *crowd) pauseSender(arrive func()) {
	p := c.sender()
	if p == nil || p.Signal(syscall.SIGSTOP) != nil {
		return
	}
	before := c.count(`SELECT COUNT(*) FROM tickets`)
	c.await(func() bool { return c.count(`SELECT COUNT(*) FROM tickets`) >= before+50 || c.isCalm() })
	arrive()
	_ = p.Signal(syscall.SIGCONT)
	c.mu.Lock()
	c.pauses++
	c.mu.Unlock()
}

func (c *crowd) isCalm() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calm
}

// killSender kills the process whose request has come, and starts another.
func (c *crowd) killSender() {
	p := c.sender()
	if p == nil {
		return
	}
	_ = p.Kill()
	c.mu.Lock()
	c.kills++
	delete(c.workers, p.Pid)
	c.mu.Unlock()
	c.start()
}

// start starts a process that serves.
func (c *crowd) start() {
	w := program(c.t, "serve", "-c", c.file)
	w.Stdout, w.Stderr = io.Discard, io.Discard
	w.Cancel = func() error { return w.Process.Kill() }
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := w.Start(); err != nil {
		c.t.Error(err)
		return
	}
	c.workers[w.Process.Pid] = w
	go func() { _ = w.Wait() }() // ends with the process, which the test ends
}

// await looks again and again until something is so; the limit is for a test that hangs.
func (c *crowd) await(so func() bool) {
	limit := time.After(workersLimit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-limit:
			c.t.Error("it does not come to an end")
			return
		case <-tick.C:
		}
	}
}

// count reads one number of the state; -1 while that cannot be read.
func (c *crowd) count(query string) (n int) {
	err := c.state.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Query(query)
		if err == nil {
			one, _ := rows[0][0].(int64)
			n = int(one)
		}
		return err
	})
	if err != nil {
		return -1
	}
	return n
}

// live counts the tickets that are not closed, and the things that they are about.
func (c *crowd) live() (tickets, things int) {
	about := map[string]bool{}
	for _, issue := range c.jira.Issues("") {
		if issue.Status != "Done" {
			tickets++
			about[issue.Summary] = true
		}
	}
	return tickets, len(about)
}

// TestThreeWorkers: three processes share the work on PostgreSQL, are killed, paused past
// their leases with a request on its way, and lose the database in the middle. In the end
// there are 2,000 live tickets, and what the pauses let through was closed and counted.
func TestThreeWorkers(t *testing.T) {
	server := postgrestest.Start(t)
	c := newCrowd(t, server.Database(t))
	if out, err := program(t, "scan", "-c", c.file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var err error
	if c.state, err = postgres.OpenRead(t.Context(), c.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.state.Close() })
	t.Cleanup(c.end)
	for range 3 {
		c.start()
	}
	noted := func() int { return c.count(`SELECT COUNT(*) FROM tickets`) }
	c.await(func() bool { return noted() > soakTickets/2 })
	server.Restart(t)
	c.await(func() bool { return noted() == soakTickets })
	c.mu.Lock()
	c.calm = true
	c.mu.Unlock()
	c.await(func() bool {
		tickets, things := c.live()
		open := c.count(`SELECT COUNT(*) FROM ops WHERE state <> 'done'`)
		return tickets == soakTickets && things == soakTickets && open == 0
	})
	c.judge(server)
}

// judge holds what is left in the end.
func (c *crowd) judge(*postgrestest.Server) {
	tickets, things := c.live()
	all := len(c.jira.Issues(""))
	counted := c.count(`SELECT COUNT(*) FROM ops WHERE kind = 'withdraw'`)
	crashes := c.count(`SELECT COUNT(*) FROM runs WHERE status = 'parked'`)
	c.t.Logf("%d pauses, %d kills, %d answers dropped, %d creating calls: %d tickets, of which %d live about %d things; %d swept and counted; epochs up to %d",
		c.pauses, c.kills, c.dropped, c.creates, all, tickets, things, counted, c.count(`SELECT MAX(epoch) FROM runs`))
	if tickets != soakTickets || things != soakTickets || all-counted != soakTickets || crashes != 0 {
		c.t.Errorf("%d parked runs", crashes)
	}
	if c.pauses == 0 || c.kills == 0 || counted == 0 {
		c.t.Error("too little went wrong for this to mean anything")
	}
}

func newCrowd(t *testing.T, dsn string) *crowd {
	t.Helper()
	dir := t.TempDir()
	c := &crowd{t: t, file: filepath.Join(dir, "trimtab.yaml"), dsn: dsn, rand: rand.New(rand.NewPCG(soakSeed, soakSeed)), workers: map[int]*exec.Cmd{}}
	var err error
	c.jira, err = sandbox.New(sandbox.Config{
		Projects: []sandbox.Project{{Key: "FIN"}, {Key: "OPS"}}, Email: "t@example.com", Token: "token", Now: time.Now,
		Users: []sandbox.User{{AccountID: "acc-ann", Email: "ann@example.com", Name: "Ann"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.site = c.jira.Handler()
	web := httptest.NewServer(c)
	t.Cleanup(web.Close)
	t.Setenv("TT_STATE", dsn)
	text := strings.Replace(deployment(web.URL), "brake: {tickets: 100}", "brake: {tickets: 9999}", 1)
	write(t, c.file, text+"state: '${TT_STATE}'\nruns: {lease: "+workersLease.String()+", crashes: 1000}\nschedule: {monitor: 1s}\nlisten: 127.0.0.1:0\n")
	write(t, filepath.Join(dir, "billing.csv"), addresses(soakTickets))
	return c
}

// end ends the processes that the test started.
func (c *crowd) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.workers {
		_ = w.Process.Signal(syscall.SIGCONT)
		if err := w.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			c.t.Error(err)
		}
	}
}
