// Package twoway lets people and Trimtab work on the same tickets, with the distributor, the
// monitor, a real state, and a fake Jira or the embedded board, in virtual time; and holds
// what has come of it against the tracker's own history.
package twoway

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/monitor"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/tracker"
)

var beginning = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)

// world is a place, a state, and the jobs between them.
type world struct {
	t      testing.TB
	story  string // what is drawn for it
	clock  *clock.Manual
	place  place
	store  *store.Store
	fields map[string]merge.Rule
	closes bool // policy closes tickets
	dist   *distribute.Job
	mon    *monitor.Job
	draws  *rand.Rand
	logs   *bytes.Buffer
	mortal mortal
	deadly int // doors at one of which a process may die; 0 is none

	things   int
	tickets  []string // ids
	foreign  []string
	words    map[string][]deed // what people have written, by ticket: texts and labels
	asks     map[string]int    // commands, by ticket
	theirs   int               // what people did to our tickets
	strange  int               // and to others
	runs     int
	kills    int
	failures int
	before   int // answers that showed others' issues while tickets were filed: a lost one is looked for by its key
	shown    int // tickets of which was told what is wrong
}

func newWorld(t testing.TB, kind string, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, clock: clock.At(beginning), draws: rand.New(rand.NewPCG(seed, 3)), logs: &bytes.Buffer{}, fields: merge.Defaults(), closes: true,
		words: map[string][]deed{}, asks: map[string]int{},
	}
	if kind == "board" {
		w.place = newBoard(w.clock, w.mortal.cross)
	} else {
		site, err := newJira(w.clock, kind == "data center", seed, w.mortal.cross)
		w.check(err)
		w.place = site
	}
	var err error
	w.store, err = sqlite.Open(t.Context(), filepath.Join(quickDir(t), "trimtab.db"))
	w.check(err)
	t.Cleanup(func() { _ = w.store.Close() })
	return w
}

// quickDir is a directory in memory where there is one: what is proved here does not
// depend on the disk, and the jobs commit very often.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "trimtab-twoway")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// check ends the test at an error of the test's own.
func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", w.story, err)
	}
}

// start is a fresh process over what the last one left.
func (w *world) start() {
	w.mortal.reset()
	w.store.Jam(func(d store.Door) error { return w.mortal.cross(string(d)) })
	log := slog.New(slog.NewTextHandler(w.logs, nil))
	client, err := w.place.connect()
	w.check(err)
	trackers := map[string]tracker.Tracker{"t": client}
	boards, followed := map[string]distribute.Board{}, map[string]monitor.Board{}
	for _, key := range projects {
		name := strings.ToLower(key)
		boards[name] = distribute.Board{Name: name, Tracker: "t", Project: key, Type: "Task", Labels: []string{"saving"}}
		followed[name] = monitor.Board{Tracker: "t", Project: key}
	}
	w.dist = &distribute.Job{
		Store: w.store, Trackers: trackers, Clock: w.clock, Log: log, Life: lifecycle.DefaultPolicy(), Fields: w.fields, Boards: boards,
		Policy: distribute.Policy{Sightings: 1, MaxAttempts: 5, MaxWait: 30 * time.Second, CloseTickets: w.closes},
		Settle: map[string]time.Duration{"t": 5 * time.Minute},
	}
	w.mon = &monitor.Job{
		Store: w.store, Trackers: trackers, Overlap: 5 * time.Minute, Clock: w.clock, Log: log, Life: lifecycle.DefaultPolicy(), Fields: w.fields,
		Boards: followed, Sayings: w.dist.Sayings,
	}
}

// walk runs the distributor and then the monitor, as `trimtab run` does.
func (w *world) walk() {
	w.live(func(ctx context.Context) error { _, err := w.dist.Run(ctx, true); return err })
	w.live(func(ctx context.Context) error { _, err := w.mon.Run(ctx); return err })
	w.clock.Advance(10 * time.Minute)
}

// live runs a job in a process that may die in its middle.
func (w *world) live(job func(context.Context) error) {
	if w.deadly > 0 && w.draws.IntN(2) == 0 {
		w.mortal.dieAt(1 + w.draws.IntN(w.deadly))
	}
	w.runs++
	if err := job(w.t.Context()); err != nil {
		w.failures++
		w.logs.WriteString("job: " + err.Error() + "\n")
	}
	if w.mortal.isDead() {
		w.kills++
		w.start()
	}
	w.mortal.reset()
}

// rest lets everything come to rest: nothing fails any more, and everything is looked at by
// its id.
func (w *world) rest() {
	w.deadly = 0
	w.place.calm()
	_, err := w.dist.Unblock(w.t.Context())
	w.check(err)
	for range 3 {
		w.walk()
		w.clock.Advance(time.Hour)
	}
	w.clock.Advance(24 * time.Hour)
	w.walk()
	w.walk()
}

var errKilled = errors.New("killed")

// mortal counts the doors at which a process may die: before and after each call and each
// commit. From its last one on nothing gets through.
type mortal struct {
	mu           sync.Mutex
	passed, last int
	dead         bool
}

func (m *mortal) cross(string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.passed++; m.passed == m.last {
		m.dead = true
	}
	if m.dead {
		return errKilled
	}
	return nil
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) reset() { m.dieAt(0) }

func (m *mortal) dieAt(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed, m.last, m.dead = 0, n, false
}

// fetch reads issues by their ids.
func fetch(t tracker.Tracker, ids []string) ([]tracker.Issue, error) {
	return t.Fetch(context.Background(), ids)
}
