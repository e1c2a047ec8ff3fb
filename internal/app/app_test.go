package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/postgrestest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"), goleak.Cleanup(func(code int) {
		postgrestest.Stop()
		os.Exit(code)
	}))
}

func countWorkflow(t *testing.T, s *store.Store, w trimtab.Workflow) int {
	t.Helper()
	n := 0
	err := s.Read(t.Context(), func(tx *store.Tx) error {
		counts, err := tx.WorkflowCounts()
		n = counts[string(w)]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const small = `
apiVersion: trimtab/v1
packs: [pack.yaml]
sources:
  - {name: vms, kind: table, path: vms.csv, fact: Resource, map: {id: Id, state: State, account: Account, cost: Cost}}
  - {name: exempt, kind: table, path: exempt.csv, fact: Exemption, map: {resource: Id}}
trackers: [{name: local, kind: board}]
boards: [{name: fin, tracker: local, project: FIN}, {name: plat, tracker: local, project: PLAT}]
owners: [{fallback: ann@example.com}]
routes: [{when: 'rec.account.startsWith("plat-")', board: plat}, {board: fin}]
policy: {min_savings: 0.00 USD}
listen: 127.0.0.1:0
`

const pack = `
apiVersion: trimtab/v1
pack: p
facts:
  Resource:
    key: [id]
    fields: {id: string, state: string, account: string?, cost: money}
  Exemption:
    key: [resource]
    fields: {resource: string}
rules:
  - id: idle
    subject: r
    when:
      - {match: Resource, as: r, where: 'r.state == "idle"'}
      - not: [{match: Exemption, as: x, where: 'x.resource == r.id'}]
    then:
      - recommend: {action: stop, resource: r.id, savings: r.cost, title: '"Stop " + r.id'}
    tests:
      - name: idle
        given: [{Resource: {id: a, state: idle, cost: 1.00 USD}}]
        expect: [{recommend: {action: stop, resource: a, savings: 1.00 USD}}]
`

// site is a deployment in a folder of its own.
type site struct {
	t     *testing.T
	dir   string
	clock *clock.Manual
	dsn   string // of its database; "" where the state is a file
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), clock: clock.At(time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC))}
	s.write("trimtab.yaml", small)
	s.write("pack.yaml", pack)
	s.write("vms.csv", "Id,State,Account,Cost\nvm-1,idle,plat-dev,60.00 USD\nvm-2,idle,shop,70.00 USD\nvm-3,busy,shop,80.00 USD\nvm-4,idle,shop,90.00 USD\n")
	s.write("exempt.csv", "Id\nvm-4\n")
	return s
}

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) open() *App {
	s.t.Helper()
	plan, err := Load(filepath.Join(s.dir, "trimtab.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := Open(s.t.Context(), plan, s.clock, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// serve is the deployment at work in this process until the test ends.
func (s *site) serve() *App {
	s.t.Helper()
	a := s.open()
	a.Clock = waiting{s.clock}
	if err := a.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := errors.Join(a.Stop(context.Background()), a.Close()); err != nil {
			s.t.Error(err)
		}
	})
	return a
}

// run walks once through all jobs a week later.
func (s *site) run() (*Result, error) {
	s.t.Helper()
	a := s.open()
	defer func() { _ = a.Close() }()
	s.clock.Advance(7 * 24 * time.Hour)
	return a.Run(context.Background(), false)
}

// conditions gives condition/workflow of each resource.
func (s *site) conditions() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	s.look(func(tx *store.Tx) error {
		views, err := tx.RecommendationViews(true)
		for _, v := range views {
			all[v.Resource] = string(v.Condition) + "/" + string(v.Workflow) + "@" + v.Board
		}
		return err
	})
	return all
}

func TestRunTwice(t *testing.T) {
	s := newSite(t)
	r, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	if r.Distribute.Filed != 2 || r.Scan.Gross["USD"].String() != "130.00 USD" {
		t.Errorf("filed %d, gross %v", r.Distribute.Filed, r.Scan.Gross)
	}
	want := map[string]string{"vm-1": "present/ticketed@plat", "vm-2": "present/ticketed@fin"}
	if got := s.conditions(); len(got) != 2 || got["vm-1"] != want["vm-1"] || got["vm-2"] != want["vm-2"] {
		t.Errorf("%v, want %v", got, want)
	}
	if r, err = s.run(); err != nil || r.Distribute.Filed != 0 || r.Scan.Detail.Repeats != 2 {
		t.Errorf("a repeat: %+v, %+v, %v", r.Distribute, r.Scan, err)
	}
}

// TestFailedSource is what must hold when a source fails: nothing that rests
// on it is closed, and what is only kept back by it is not filed.
func TestFailedSource(t *testing.T) {
	for name, breakIt := range map[string]func(*site){
		"missing":     func(s *site) { _ = os.Remove(filepath.Join(s.dir, "vms.csv")) },
		"no column":   func(s *site) { s.write("vms.csv", "Identity,State,Account,Cost\nvm-9,idle,a,1 USD\n") },
		"no number":   func(s *site) { s.write("vms.csv", "Id,State,Account,Cost\nvm-9,idle,a,lots of money\n") },
		"no value":    func(s *site) { s.write("vms.csv", "Id,State,Account,Cost\nvm-9,,a,1.00 USD\n") },
		"cut in line": func(s *site) { s.write("vms.csv", "Id,State,Account,Cost\n\"vm-9,idle") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			if _, err := s.run(); err != nil {
				t.Fatal(err)
			}
			before := s.conditions()
			breakIt(s)
			for range 3 {
				_, err := s.run()
				if trimtab.CodeOf(err) != trimtab.Partial || !strings.Contains(err.Error(), "source vms") || trimtab.NextOf(err) == "" {
					t.Fatalf("%v; next: %s", err, trimtab.NextOf(err))
				}
			}
			for resource, was := range before {
				if is := s.conditions()[resource]; is != strings.Replace(was, "present", "unknown", 1) {
					t.Errorf("%s was %s and is %s", resource, was, is)
				}
			}
		})
	}
}

func TestUnreadExemptionsFileNothing(t *testing.T) {
	s := newSite(t)
	if _, err := s.run(); err != nil {
		t.Fatal(err)
	}
	s.write("exempt.csv", "")
	r, err := s.run()
	if trimtab.CodeOf(err) != trimtab.Partial || r.Distribute.Filed != 0 {
		t.Fatalf("%v, filed %d: an exemption that could not be read became a ticket", err, r.Distribute.Filed)
	}
	if _, ok := s.conditions()["vm-4"]; ok {
		t.Error("vm-4 was recommended")
	}
}

func TestResolves(t *testing.T) {
	s := newSite(t)
	if _, err := s.run(); err != nil {
		t.Fatal(err)
	}
	s.write("vms.csv", "Id,State,Account,Cost\nvm-1,busy,plat-dev,60.00 USD\n")
	for range 2 {
		if _, err := s.run(); err != nil {
			t.Fatal(err)
		}
	}
	for _, resource := range []string{"vm-1", "vm-2"} {
		if is := s.conditions()[resource]; !strings.HasPrefix(is, "absent/auto_resolved") {
			t.Errorf("%s is %s", resource, is)
		}
	}
}

func TestServe(t *testing.T) {
	s := newSite(t)
	a := s.open()
	defer func() { _ = a.Close() }()
	if _, err := a.RunScan(t.Context()); err != nil {
		t.Fatal(err)
	}
	filed := make(chan distribute.Event, 2)
	a.Notify = func(e distribute.Event) { filed <- e }
	a.Clock = waiting{s.clock}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first round files what the scan found
		<-filed
	}
	for path, want := range map[string]string{
		"/healthz": `"alive"`, "/readyz": `"ready"`, "/metrics": `trimtab_recommendations{workflow="ticketed"} 2`,
	} {
		code, body := get(t, "http://"+a.Addr()+path)
		if code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if err := a.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, "http://"+a.Addr()+"/readyz"); code != http.StatusServiceUnavailable || !json.Valid([]byte(body)) {
		t.Errorf("without its state: %d %s", code, body)
	}
	for range 2 {
		if err := a.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting is a clock whose sleeps last until they are cancelled.
type waiting struct{ *clock.Manual }

func (waiting) Sleep(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
