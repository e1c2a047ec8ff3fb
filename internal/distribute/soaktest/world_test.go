// Package soaktest runs the distributor and the monitor with the real Jira client and a
// real state against the fake Jira, in virtual time, while everything goes wrong that the
// fake Jira knows of.
package soaktest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/monitor"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
)

const (
	account = "trimtab@example.com"
	token   = "tok-SECRET-5f1e"
	secret  = "app-SECRET-77aa"
	cloudID = "c10d0000-0000-4000-8000-000000000001"
	self    = "acc-trimtab"
)

// edition is a way to reach a Jira.
type edition string

const (
	cloud      edition = "cloud"
	dataCenter edition = "data center"
	app        edition = "app"
)

var beginning = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)

// world is a fake Jira, a state, and the jobs between them.
type world struct {
	t       testing.TB
	name    string // says how to make it again
	edition edition
	clock   *clock.Manual
	site    *sandbox.Jira
	wire    *wire
	store   *store.Store
	vault   *vault
	dist    *distribute.Job
	mon     *monitor.Job
	draws   *rand.Rand
	logs    *lines
	made    *made
	mortal  mortal
	things  int // recommendations so far
	runs    int
	deadly  int // doors at one of which a process may die; 0 is none
	kills   int
	drawn   string // the faults that have come
}

func newWorld(t testing.TB, name string, kind edition, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, name: name, edition: kind, clock: clock.At(beginning),
		draws: rand.New(rand.NewPCG(seed, 1)), logs: &lines{}, made: &made{of: map[string][]string{}},
	}
	w.open(seed)
	var err error
	if w.store, err = sqlite.Open(t.Context(), filepath.Join(quickDir(t), "trimtab.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.wire.settle(w.clock.Now().Add(time.Hour))
		_ = w.store.Close()
	})
	w.start()
	return w
}

// quickDir is a directory in memory where there is one: what is proved here does not
// depend on the disk, and a soak commits very often.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "trimtab-soak")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// open makes the site.
func (w *world) open(seed uint64) {
	w.t.Helper()
	field := sandbox.Field{ID: "customfield_10050", Name: "Cost centre", Kind: sandbox.Option, Options: []string{"CC-1", "CC-2"}}
	config := sandbox.Config{
		Projects: []sandbox.Project{{Key: "FIN", Fields: []sandbox.Field{field}}, {Key: "OPS", Fields: []sandbox.Field{field}}},
		Users: []sandbox.User{
			{AccountID: self, Email: account, Name: "Trimtab", Token: token},
			{AccountID: "acc-ann", Email: "ann@example.com", Name: "Ann"},
			{AccountID: "acc-ben", Email: "ben@example.com", Name: "Ben"},
		},
		Email: account, Token: token, Server: w.edition == dataCenter, Lag: sandbox.TypicalLag, Limits: sandbox.CloudLimits(), Seed: seed,
		Apps: []sandbox.App{{ID: "app", Secret: secret}}, CloudID: cloudID, Now: w.clock.Now,
		OnCommit: func(r sandbox.Request) { w.made.note(w.site, r.Keys) },
	}
	var err error
	if w.site, err = sandbox.New(config); err != nil {
		w.t.Fatal(err)
	}
	w.wire = &wire{site: w.site.Handler(), clock: w.clock, door: w.mortal.cross}
	w.authorize()
}

// authorize gives the app a grant, as a person would.
func (w *world) authorize() {
	if w.edition != app {
		return
	}
	tokens, err := w.site.Authorize("app", self)
	if err != nil {
		w.t.Fatal(err)
	}
	w.vault = &vault{grant: jira.Grant{Access: tokens.Access, Refresh: tokens.Refresh, Expires: w.clock.Now().Add(time.Hour)}}
	w.vault.seen = append(w.vault.seen, tokens.Access, tokens.Refresh)
}

// client is Jira as a process sees it that has just begun.
func (w *world) client() *jira.Client {
	config := jira.Config{
		URL: "http://127.0.0.1:1", Edition: jira.Cloud, Email: account, Token: token, HTTP: &http.Client{Transport: w.wire}, MaxBody: largest,
		Timeout: time.Hour, // the wire gives up, in its own time
		Now:     w.clock.Now, Sleep: w.clock.Sleep,
	}
	switch w.edition {
	case dataCenter:
		config.Edition, config.Email = jira.DataCenter, ""
	case app:
		config.Email, config.Token, config.CloudID, config.APIURL = "", "", cloudID, config.URL
		config.OAuth = &jira.OAuth{ClientID: "app", ClientSecret: secret, Tokens: w.vault, TokenURL: config.URL + "/oauth/token"}
	}
	client, err := jira.New(config)
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// start is a fresh process over what the last one left.
func (w *world) start() {
	w.mortal.reset()
	w.store.Jam(func(d store.Door) error { return w.mortal.cross(string(d)) })
	log := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	trackers := map[string]tracker.Tracker{"jira": w.client()}
	field := map[string]any{"Cost centre": "CC-1"}
	w.dist = &distribute.Job{
		Store: w.store, Trackers: trackers, Clock: w.clock, Log: log, Life: lifecycle.DefaultPolicy(),
		Boards: map[string]distribute.Board{
			"fin": {Name: "fin", Tracker: "jira", Project: "FIN", Type: "Task", Labels: []string{"saving"}, Fields: field},
			"ops": {Name: "ops", Tracker: "jira", Project: "OPS", Type: "Task", Labels: []string{"saving"}, Fields: field},
		},
		Policy: distribute.Policy{Sightings: 1, MaxAttempts: 5, MaxWait: 30 * time.Second, CloseTickets: true},
		Settle: map[string]time.Duration{"jira": 5 * time.Minute},
	}
	w.mon = &monitor.Job{
		Store: w.store, Trackers: trackers, Overlap: 5 * time.Minute, Clock: w.clock, Log: log, Life: lifecycle.DefaultPolicy(),
		Sayings: w.dist.Sayings,
		Boards:  map[string]monitor.Board{"fin": {Tracker: "jira", Project: "FIN"}, "ops": {Tracker: "jira", Project: "OPS"}},
	}
}

var errKilled = errors.New("killed")

// mortal counts the places at which a process may die: before and after each call and
// each commit. From its last one on nothing gets through.
type mortal struct {
	mu     sync.Mutex
	passed int
	last   int // at which it dies; 0 is never
	dead   bool
	stop   context.CancelFunc // if set, it is told to stop in good order instead
}

func (m *mortal) cross(string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errKilled
	}
	if m.passed++; m.passed != m.last {
		return nil
	}
	if m.stop != nil {
		m.stop()
		return nil
	}
	m.dead = true
	return errKilled
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed, m.last, m.dead, m.stop = 0, 0, false, nil
}

func (m *mortal) dieAt(n int, stop context.CancelFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed, m.last, m.stop = 0, n, stop
}

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// made knows which issues were ever made for a marker, whatever became of their labels.
type made struct {
	mu sync.Mutex
	of map[string][]string // ids
}

func (m *made) note(site *sandbox.Jira, keys []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		issue, ok := site.Get(key)
		if marker := markerOf(issue); ok && marker != "" {
			m.of[marker] = append(m.of[marker], fmt.Sprint(issue.ID))
		}
	}
}

// vault keeps the app's grant.
type vault struct {
	mu    sync.Mutex
	grant jira.Grant
	seen  []string // every token there was
}

func (v *vault) Load(context.Context) (jira.Grant, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.grant, nil
}

func (v *vault) Swap(_ context.Context, old, next jira.Grant) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.grant != old {
		return false, nil
	}
	v.grant, v.seen = next, append(v.seen, next.Access, next.Refresh)
	return true, nil
}

// secrets are what must stand nowhere.
func (w *world) secrets() []string {
	all := []string{token, secret, base64.StdEncoding.EncodeToString([]byte(account + ":" + token))}
	if w.vault != nil {
		all = append(all, w.vault.seen...)
	}
	return all
}
