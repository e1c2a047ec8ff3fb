// Package web is what serve shows on its address: whether it lives, whether it
// can work, and what it measures; and where the commands beside it ask for changes of
// runs.
package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trimtab/trimtab/internal/store"
)

// Config says what the pages are about.
type Config struct {
	Store    *store.Store
	Registry *prometheus.Registry
	// Ready says why the process cannot work now; nil when it can.
	Ready func(context.Context) error
	// Runs is what /api/runs acts on, Act does what /api/acts asks for, for those who have
	// the token; "" lets nobody.
	Runs  Operator
	Act   func(ctx context.Context, name string, in json.RawMessage) (any, error)
	Token string
	// Hook takes the webhook of a tracker in, once it is verified and kept.
	Hook func(ctx context.Context, tracker string, header http.Header, body []byte) error
}

// New makes the handler. /healthz answers as long as the process does; /readyz
// only while the state answers and the jobs are running; /metrics is for
// Prometheus; /api/runs/ID/ACTION acts on a run, /api/acts/NAME on the rest of the state; trackers
// post to /webhooks/TRACKER.
func New(cfg Config) http.Handler {
	mux := http.NewServeMux()
	// It asks nothing: a process is restarted for failing here, which mends no database.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive", "") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := cfg.Ready(ctx); err != nil {
			answer(w, http.StatusServiceUnavailable, "not ready", err.Error())
			return
		}
		answer(w, http.StatusOK, "ready", "")
	})
	mux.HandleFunc("POST /api/runs/{id}/{action}", trusted(cfg.Token, runs(cfg.Runs)))
	mux.HandleFunc("POST /api/acts/{name}", trusted(cfg.Token, acts(cfg.Act)))
	mux.HandleFunc("POST /webhooks/{tracker}", hook(cfg.Hook))
	mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Registry, promhttp.HandlerOpts{}))
	return mux
}

// answer writes the state as JSON, with the reason that an operator needs.
func answer(w http.ResponseWriter, code int, status, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	body := map[string]string{"status": status}
	if reason != "" {
		body["reason"] = reason
	}
	_ = json.NewEncoder(w).Encode(body) // the reader has gone if this fails
}
