package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/sqlite"
)

// site is the pages over a fresh state.
type site struct {
	*testing.T
	store   *store.Store
	metrics *Metrics
	broken  error // what Ready says
	handler http.Handler
}

func newSite(t *testing.T) *site {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir()+"/trimtab.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	registry := prometheus.NewPedanticRegistry()
	w := &site{T: t, store: s, metrics: NewMetrics(t.Context(), registry, s)}
	w.handler = New(Config{Store: s, Registry: registry, Ready: func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("readiness may wait for ever")
		}
		return w.broken
	}})
	return w
}

func (w *site) get(method, path string) *httptest.ResponseRecorder {
	w.Helper()
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, httptest.NewRequestWithContext(w.Context(), method, path, nil))
	return answer
}

// says holds a page against a code and the fields of its JSON.
func (w *site) says(path string, code int, want map[string]string) {
	w.Helper()
	answer := w.get(http.MethodGet, path)
	var got map[string]string
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		w.Fatalf("%s: %v: %s", path, err, answer.Body)
	}
	if answer.Code != code || answer.Header().Get("Content-Type") != "application/json" || len(got) != len(want) {
		w.Errorf("%s: %d %v, want %d %v", path, answer.Code, got, code, want)
	}
	for k, v := range want {
		if got[k] != v {
			w.Errorf("%s: %s is %q, want %q", path, k, got[k], v)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	w := newSite(t)
	w.says("/healthz", http.StatusOK, map[string]string{"status": "alive"})
	w.says("/readyz", http.StatusOK, map[string]string{"status": "ready"})
	w.broken = errors.New("the scan has not run yet")
	w.says("/readyz", http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": "the scan has not run yet"})
	// Being unable to work is no reason to be killed.
	w.says("/healthz", http.StatusOK, map[string]string{"status": "alive"})
}

func TestNothingElse(t *testing.T) {
	w := newSite(t)
	for path, code := range map[string]int{"/": http.StatusNotFound, "/debug/pprof/": http.StatusNotFound, "/healthz/x": http.StatusNotFound} {
		if got := w.get(http.MethodGet, path).Code; got != code {
			t.Errorf("GET %s: %d, want %d", path, got, code)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if got := w.get(http.MethodPost, path).Code; got != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, got)
		}
	}
}

// fill writes two episodes, one planned write and a scan that ended well.
func (w *site) fill() {
	w.Helper()
	err := w.store.Write(w.Context(), func(tx *store.Tx) error {
		for i, workflow := range []trimtab.Workflow{trimtab.New, trimtab.Ticketed} {
			e := &store.Episode{Key: trimtab.Key(workflow), Number: i + 1, State: lifecycle.State{Workflow: workflow}}
			if err := tx.SaveEpisode(e); err != nil {
				return err
			}
			if workflow == trimtab.New {
				continue
			}
			link := &store.Link{Episode: e.ID, Marker: "tt-1", State: store.LinkWanted}
			if err := errors.Join(tx.SaveLink(link)); err != nil {
				return err
			}
			if err := tx.Plan(link.ID, store.OpCreate, store.OpPayload{}, time.UnixMilli(1)); err != nil {
				return err
			}
		}
		id, err := tx.BeginScan(time.UnixMilli(1000), "")
		return errors.Join(err, tx.EndScan(id, time.UnixMilli(2500), true, store.ScanDetail{}))
	})
	if err != nil {
		w.Fatal(err)
	}
}

// shows holds the metrics page against lines that it must, or must not, have.
func (w *site) shows(want bool, lines ...string) {
	w.Helper()
	page := w.get(http.MethodGet, "/metrics")
	if page.Code != http.StatusOK {
		w.Fatalf("%d: %s", page.Code, page.Body)
	}
	for _, line := range lines {
		if has := strings.Contains("\n"+page.Body.String(), "\n"+line); has != want {
			w.Errorf("%q: shown %t, want %t in\n%s", line, has, want, page.Body)
		}
	}
}

func TestMetrics(t *testing.T) {
	w := newSite(t)
	w.shows(true, "trimtab_state_up 1\n")
	w.shows(false, "trimtab_last_successful_scan_timestamp_seconds", "trimtab_recommendations{")
	w.fill()
	w.metrics.Ran("scan", "ok", 400*time.Millisecond)
	w.metrics.Ran("scan", "failed", 20*time.Second)
	w.metrics.Ticket("fin", "filed")
	w.shows(true,
		"trimtab_state_up 1\n",
		`trimtab_recommendations{workflow="new"} 1`+"\n", `trimtab_recommendations{workflow="ticketed"} 1`+"\n",
		`trimtab_outbox_writes{state="planned"} 1`+"\n",
		"trimtab_last_successful_scan_timestamp_seconds 2.5\n",
		`trimtab_job_runs_total{job="scan",outcome="ok"} 1`+"\n", `trimtab_job_runs_total{job="scan",outcome="failed"} 1`+"\n",
		`trimtab_job_duration_seconds_bucket{job="scan",le="0.25"} 0`+"\n", `trimtab_job_duration_seconds_bucket{job="scan",le="0.5"} 1`+"\n",
		`trimtab_job_duration_seconds_sum{job="scan"} 20.4`+"\n", `trimtab_tickets_total{board="fin",how="filed"} 1`+"\n",
	)
}

// A state that cannot be read is said to be down; the counters are still shown.
func TestMetricsWithoutState(t *testing.T) {
	w := newSite(t)
	w.fill()
	w.metrics.Ran("scan", "ok", time.Second)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.shows(true, "trimtab_state_up 0\n", `trimtab_job_runs_total{job="scan",outcome="ok"} 1`+"\n")
	w.shows(false, "trimtab_recommendations{", "trimtab_outbox_writes{")
}

// TestHookAnswers: what was kept is answered with success, what could not be is asked for
// again, and what is not to be believed is not.
func TestHookAnswers(t *testing.T) {
	for err, want := range map[error]int{
		nil: 200, trimtab.Errorf(trimtab.Invalid, "forged"): 401, trimtab.Errorf(trimtab.NotFound, "none"): 404, trimtab.Errorf(trimtab.Outside, "away"): 503,
		errors.New("whatever"): 503,
	} {
		h := hook(func(_ context.Context, _ string, _ http.Header, body []byte) error {
			if string(body) != "x" {
				t.Errorf("body %q", body)
			}
			return err
		})
		w := httptest.NewRecorder()
		h(w, httptest.NewRequest(http.MethodPost, "/webhooks/corp", strings.NewReader("x")))
		if w.Code != want {
			t.Errorf("%v: %d, want %d", err, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	hook(nil)(w, httptest.NewRequest(http.MethodPost, "/webhooks/corp", strings.NewReader(strings.Repeat("x", maxHook+1))))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that goes on: %d", w.Code)
	}
}
