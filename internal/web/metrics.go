package web

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/internal/store"
)

// Metrics counts what the jobs do.
type Metrics struct {
	runs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	tickets *prometheus.CounterVec
	rules   prometheus.Gauge
	loads   *prometheus.CounterVec
}

// NewMetrics registers the jobs' metrics and those that are read from the state
// whenever Prometheus asks, for as long as ctx lives.
func NewMetrics(ctx context.Context, registry *prometheus.Registry, s *store.Store) *Metrics {
	m := &Metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_job_runs_total", Help: "Runs of each job by outcome (ok, partial, failed).",
		}, []string{"job", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "trimtab_job_duration_seconds", Help: "How long each run of a job took.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}, []string{"job"}),
		tickets: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_tickets_total", Help: "Tickets by how they came to be: filed, or found again after an unknown outcome.",
		}, []string{"board", "how"}),
		rules: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trimtab_rules_current", Help: "1 if the rules at work are those of the files, 0 if those have mistakes and older ones are at work.",
		}),
		loads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_rules_loads_total", Help: "How often rules were loaded, by outcome (ok, failed).",
		}, []string{"outcome"}),
	}
	registry.MustRegister(m.runs, m.seconds, m.tickets, m.rules, m.loads, &stateCollector{ctx: ctx, store: s})
	return m
}

// Ran counts a run of a job.
func (m *Metrics) Ran(job, outcome string, took time.Duration) {
	m.runs.WithLabelValues(job, outcome).Inc()
	m.seconds.WithLabelValues(job).Observe(took.Seconds())
}

// Rules tells whether the rules of the files could be loaded.
func (m *Metrics) Rules(loaded bool) {
	value, outcome := 0.0, "failed"
	if loaded {
		value, outcome = 1, "ok"
	}
	m.rules.Set(value)
	m.loads.WithLabelValues(outcome).Inc()
}

// Ticket counts a ticket.
func (m *Metrics) Ticket(board, how string) { m.tickets.WithLabelValues(board, how).Inc() }

var (
	recommendations = prometheus.NewDesc("trimtab_recommendations", "Episodes of recommendations by workflow.", []string{"workflow"}, nil)
	outbox          = prometheus.NewDesc("trimtab_outbox_writes", "Writes to trackers by state; planned, unknown and blocked should go to 0.", []string{"state"}, nil)
	runCounts       = prometheus.NewDesc("trimtab_runs", "Durable runs by status; a parked one waits for a person.", []string{"status"}, nil)
	lastGood        = prometheus.NewDesc("trimtab_last_successful_scan_timestamp_seconds", "When a scan last finished whole and complete.", nil, nil)
	duplicates      = prometheus.NewDesc("trimtab_duplicate_tickets", "Second tickets of one marker that were ever found; they are closed. Should be 0.", nil, nil)
	conflicts       = prometheus.NewDesc("trimtab_conflicts", "Fields that were changed on both sides, by who won; those of open wait for a person.", []string{"winner"}, nil)
	missing         = prometheus.NewDesc("trimtab_missing_tickets", "Tickets that the last look did not find, or that are hidden.", nil, nil)
	stateUp         = prometheus.NewDesc("trimtab_state_up", "1 if the state could be read.", nil, nil)
)

// stateCollector reads the state when it is asked, within two seconds.
type stateCollector struct {
	ctx   context.Context //nolint:containedctx // Prometheus hands a collector none
	store *store.Store
}

// Describe implements [prometheus.Collector].
func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{recommendations, outbox, runCounts, lastGood, duplicates, conflicts, missing, stateUp} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	// Prometheus gives up after ten seconds by default; a state that is slow is told
	// well before that.
	ctx, cancel := context.WithTimeout(c.ctx, 2*time.Second)
	defer cancel()
	err := c.store.Read(ctx, func(tx *store.Tx) error {
		// One transaction for both counts: a page never shows a ticket as planned and done.
		for desc, read := range map[*prometheus.Desc]func() (map[string]int, error){
			recommendations: tx.WorkflowCounts, outbox: tx.OpCounts, runCounts: tx.RunCounts, conflicts: tx.ConflictCounts,
		} {
			counts, err := read()
			if err != nil {
				return err
			}
			for label, n := range counts {
				ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n), label)
			}
		}
		second, err := tx.Duplicates()
		if err != nil {
			return err
		}
		ch <- prometheus.MustNewConstMetric(duplicates, prometheus.GaugeValue, float64(second))
		lost, err := tx.MissingTickets()
		if err != nil {
			return err
		}
		ch <- prometheus.MustNewConstMetric(missing, prometheus.GaugeValue, float64(lost))
		scans, err := tx.Scans(1)
		if len(scans) > 0 && !scans[0].LastGood.IsZero() {
			ch <- prometheus.MustNewConstMetric(lastGood, prometheus.GaugeValue, float64(scans[0].LastGood.UnixMilli())/1000)
		}
		return err
	})
	// What was read before an error is shown; the gauge says that it is not all.
	up := 1.0
	if err != nil {
		up = 0
	}
	ch <- prometheus.MustNewConstMetric(stateUp, prometheus.GaugeValue, up)
}
