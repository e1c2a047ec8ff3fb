package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
)

var errKilled = errors.New("killed")

// killer dies at the at-th door of the state that a process passes; from then
// on nothing gets through.
type killer struct {
	mu         sync.Mutex // on PostgreSQL, several commits come to their doors at once
	passed, at int
	dead       bool
}

func (k *killer) door(store.Door) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.passed++; k.passed == k.at || k.dead {
		k.dead = true
		return errKilled
	}
	return nil
}

// walk plays two months: found, filed, worked on, fixed, gone; each run is a
// process that may be killed once and is started again.
func (s *site) walk(at int) (most int) {
	s.t.Helper()
	run := func() {
		k := &killer{at: at}
		err := s.process(k)
		most = max(most, k.passed)
		if k.dead {
			s.lapse()
			err = s.process(&killer{})
		}
		if err != nil {
			s.t.Fatalf("killed at door %d: %v", at, err)
		}
	}
	run()
	s.person(func(ctx context.Context, b *board.Board) error {
		_, err := b.Update(ctx, s.firstIssue(), tracker.Set(tracker.Change{Status: tracker.Done}))
		return err
	})
	run()
	s.clock.Advance(30 * 24 * time.Hour)
	s.write("vms.csv", "Id,State,Account,Cost\nvm-5,idle,shop,70.00 USD\n")
	run()
	s.clock.Advance(24 * time.Hour)
	run()
	return most
}

// process is one run of the program; the killer may end it.
func (s *site) process(k *killer) error {
	a := s.open()
	a.Store.Jam(k.door)
	_, err := a.Run(context.Background(), false)
	a.Store.Jam(nil)
	return errors.Join(err, a.Close())
}

// firstIssue is the number of the oldest ticket on the embedded board. It need not be 1:
// PostgreSQL does not give a number out again that a killed process had.
func (s *site) firstIssue() (id string) {
	s.t.Helper()
	s.look(func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT MIN(id) FROM board_issues`)
		if err == nil {
			id = fmt.Sprint(rows[0][0])
		}
		return err
	})
	return id
}

// look reads the state.
func (s *site) look(fn func(*store.Tx) error) {
	s.t.Helper()
	st, err := OpenState(context.Background(), filepath.Join(s.dir, "trimtab.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	if err := st.Read(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// person works on the embedded board as somebody would in a browser.
func (s *site) person(do func(context.Context, *board.Board) error) {
	s.t.Helper()
	a := s.open()
	defer func() { _ = a.Close() }()
	s.clock.Advance(time.Hour)
	if err := do(context.Background(), a.Trackers["local"].(*board.Board)); err != nil {
		s.t.Fatal(err)
	}
}

// picture is what every walk must come to, however often it was killed. Scans
// that were killed leave a row without an end; ids and times may differ.
func (s *site) picture() map[string][][]any {
	s.t.Helper()
	picture := map[string][][]any{}
	for _, query := range []string{
		`SELECT e.resource, e.number, e.condition, e.workflow, t.status, t.board FROM episodes e LEFT JOIN tickets t ON t.id = e.ticket_id ORDER BY 1, 2`,
		`SELECT e.resource, m.first_recommendation_id = e.first_recommendation_id, m.ticket_id = e.ticket_id, COUNT(*) > 0 FROM recommendation_ticket_map m
			JOIN recommendations r ON r.id = m.recommendation_id JOIN episodes e ON e.id = r.episode_id GROUP BY 1, 2, 3 ORDER BY 1`,
		`SELECT marker, COUNT(*) FROM board_issues GROUP BY marker HAVING COUNT(*) > 1`,
		`SELECT summary, status, (LENGTH(comments) - LENGTH(REPLACE(comments, '"text":', ''))) / 7 FROM board_issues ORDER BY 1`,
		`SELECT kind, state, COUNT(*) FROM ops GROUP BY 1, 2 ORDER BY 1, 2`,
		`SELECT e.resource, l.kind, l.realised, l.basis FROM savings_ledger l JOIN episodes e ON e.id = l.episode_id ORDER BY 1`,
	} {
		s.look(func(tx *store.Tx) (err error) {
			picture[query], err = tx.Query(query)
			return err
		})
	}
	return picture
}

// TestKilledAtEveryDoor kills the whole walk (scan, distribute, monitor) before
// and after every commit there is, each time in each of its runs, and holds the
// end against the walk that was never killed.
func TestKilledAtEveryDoor(t *testing.T) {
	calm := newSite(t)
	doors := calm.walk(0)
	want := calm.picture()
	if doors < 12 {
		t.Fatalf("only %d doors were passed", doors)
	}
	killAtEach(t, doors, newSite, want)
}

// killAtEach walks once for each door, killed there, and holds the end.
func killAtEach(t *testing.T, doors int, fresh func(*testing.T) *site, want map[string][][]any) {
	t.Helper()
	for at := 1; at <= doors; at++ {
		t.Run(fmt.Sprintf("door %d", at), func(t *testing.T) {
			t.Parallel()
			s := fresh(t)
			s.walk(at)
			if got := s.picture(); !reflect.DeepEqual(got, want) {
				t.Errorf("killed at door %d:\n got %v\nwant %v", at, got, want)
			}
		})
	}
	t.Logf("%d doors", doors)
}

// TestJira files on a Jira over HTTP: wrong credentials lose nothing, and the
// answer that is lost makes nothing twice.
func TestJira(t *testing.T) {
	s := newSite(t)
	jira, err := sandbox.New(sandbox.Config{
		Projects: []sandbox.Project{{Key: "FIN"}, {Key: "PLAT"}}, Email: "trimtab@example.com", Token: "right-token", Now: s.clock.Now,
		Users: []sandbox.User{{AccountID: "acc-ann", Email: "ann@example.com", Name: "Ann"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(jira.Handler())
	defer server.Close()
	deployment := func(token string) {
		s.write("trimtab.yaml", strings.Replace(small, "{name: local, kind: board}",
			"{name: local, kind: jira, url: '"+server.URL+"', settle: 1s, auth: {email: trimtab@example.com, token: "+token+"}}", 1))
	}
	deployment("wrong-token")
	_, err = s.run()
	if trimtab.CodeOf(err) != trimtab.Outside || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "wrong-token") {
		t.Fatalf("401: %v", err)
	}
	deployment("right-token")
	jira.Inject(sandbox.Fault{Method: http.MethodPost, Path: "/rest/api/3/issue/bulk", Kind: sandbox.LoseAnswer, Times: 1})
	r, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	if r.Distribute.Adopted != 2 || len(jira.Issues("")) != 2 {
		t.Errorf("found again %d, in Jira %d", r.Distribute.Adopted, len(jira.Issues("")))
	}
	for _, issue := range jira.Issues("") {
		if issue.Assignee != "acc-ann" {
			t.Errorf("%s is assigned to %q", issue.Key, issue.Assignee)
		}
	}
	plan, err := Load(filepath.Join(s.dir, "trimtab.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	findings, err := Check(t.Context(), plan, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if !f.OK {
			t.Errorf("check: %+v", f)
		}
	}
}

// TestNothingLogsASecret walks with every log on and looks for the token.
func TestNothingLogsASecret(t *testing.T) {
	var log strings.Builder
	s := newSite(t)
	s.write("trimtab.yaml", strings.Replace(small, "{name: local, kind: board}",
		"{name: local, kind: jira, url: 'http://127.0.0.1:1', auth: {email: trimtab@example.com, token: hush-hush}}", 1))
	plan, err := Load(filepath.Join(s.dir, "trimtab.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), plan, s.clock, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	_, err = a.Run(t.Context(), false)
	if err == nil || strings.Contains(log.String()+err.Error(), "hush-hush") {
		t.Errorf("%v\n%s", err, log.String())
	}
	for _, word := range []string{"run=scan-1", "source=vms", "tracker=local"} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("the log lacks %s:\n%s", word, log.String())
		}
	}
}
