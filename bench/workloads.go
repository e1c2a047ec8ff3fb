package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // makes the data, and is the anchor

	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/source/focus"
)

// lines writes FOCUS lines: a fiftieth as many resources, 30 days, one in ten
// resources a gp2 volume.
func lines(ctx context.Context, path string, rows int) error {
	options := "FORMAT parquet, COMPRESSION zstd"
	if filepath.Ext(path) == ".csv" {
		options = "FORMAT csv, HEADER"
	}
	return duck(ctx, fmt.Sprintf(`COPY (SELECT 'AWS' AS ProviderName, 'acc-' || (r %% 50) AS SubAccountId, 'res-' || r AS ResourceId,
		'Amazon Elastic Block Store' AS ServiceName, 'Storage' AS ServiceCategory, 'eu-west-1' AS RegionId, 'Usage' AS ChargeCategory,
		CASE WHEN r %% 10 = 0 THEN '$0.10 per GB-month of General Purpose SSD (gp2) provisioned storage' ELSE '$0.08 per GB-month (gp3)' END AS ChargeDescription,
		'GB-Months' AS PricingUnit, 'USD' AS BillingCurrency, CAST(10 AS DECIMAL(18, 6)) AS PricingQuantity,
		CAST(1 + r %% 7 AS DECIMAL(18, 6)) AS BilledCost, CAST(1 + r %% 7 AS DECIMAL(18, 6)) AS EffectiveCost,
		TIMESTAMP '2026-09-01' + INTERVAL 1 DAY * (n // %[2]d %% 30) AS ChargePeriodStart,
		TIMESTAMP '2026-09-02' + INTERVAL 1 DAY * (n // %[2]d %% 30) AS ChargePeriodEnd, '{"owner": "o-' || (r %% 100) || '"}' AS Tags
		FROM (SELECT n, n %% %[2]d AS r FROM range(%[1]d) t(n))) TO '%[3]s' (%[4]s)`, rows, resources(rows), path, options))
}

// duck lets DuckDB carry out a statement.
func duck(ctx context.Context, statement string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func resources(rows int) int { return rows / 50 }

// gatherWorkload holds gathering against DuckDB alone doing one aggregation of
// the same lines by resource.
func gatherWorkload(rows int, kind string) workload {
	return workload{
		name: "gather " + kind, size: fmt.Sprintf("%d lines, %d resources", rows, resources(rows)), anchor: "DuckDB, one GROUP BY",
		prepare: func(ctx context.Context, dir string) (run, bare step, err error) {
			path := filepath.Join(dir, "lines."+kind)
			if err := lines(ctx, path, rows); err != nil {
				return nil, nil, err
			}
			source := focus.New(focus.Config{Name: "bench", Path: path})
			run = func(ctx context.Context) (float64, error) {
				batch, err := source.Gather(ctx, time.Now())
				if err == nil && len(batch.Facts) != 2*resources(rows) {
					err = fmt.Errorf("%d facts, want %d", len(batch.Facts), 2*resources(rows))
				}
				return 0, err
			}
			return run, func(ctx context.Context) (float64, error) { return 0, aggregate(ctx, path, resources(rows)) }, nil
		},
	}
}

// aggregate is the least that could be done: read the lines, sum by resource.
func aggregate(ctx context.Context, path string, want int) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var n int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT ProviderName, SubAccountId, ResourceId, BillingCurrency,
		sum(CAST(EffectiveCost AS DECIMAL(38, 12))), sum(CAST(BilledCost AS DECIMAL(38, 12))), min(ChargePeriodStart), max(ChargePeriodEnd), max(Tags)
		FROM '`+path+`' GROUP BY ALL)`).Scan(&n)
	if err == nil && n != want {
		err = fmt.Errorf("the anchor found %d resources, want %d", n, want)
	}
	return err
}

const deployment = `
apiVersion: trimtab/v1
packs: [builtin:aws]
sources: [{name: billing, kind: focus, path: lines.parquet}]
trackers: [%s]
boards: [{name: fin, tracker: t, project: FIN}]
owners: [{tag: owner}, {fallback: ann@example.com}]
routes: [{board: fin}]
policy: {min_savings: 0.00 USD, destructive: {sightings: 1}, open_per_owner: 0, new_per_board_week: 0, brake: {tickets: 10000000}}
`

// open makes a deployment over lines that lie in dir.
func open(ctx context.Context, dir, tracker string) (*app.App, error) {
	file := filepath.Join(dir, "trimtab.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, deployment, tracker), 0o600); err != nil {
		return nil, err
	}
	plan, err := app.Load(file)
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, plan, clock.System{}, slog.New(slog.DiscardHandler))
}

// scanWorkload is a whole scan, gathering to store, against gathering alone:
// what lies above 1 is matching and keeping.
func scanWorkload(rows int) workload {
	return workload{
		name: "scan", size: fmt.Sprintf("%d lines, %d facts", rows, 2*resources(rows)), anchor: "gathering alone",
		prepare: func(ctx context.Context, dir string) (run, bare step, err error) {
			if err := lines(ctx, filepath.Join(dir, "lines.parquet"), rows); err != nil {
				return nil, nil, err
			}
			a, err := open(ctx, dir, "{name: t, kind: board}")
			if err != nil {
				return nil, nil, err
			}
			run = func(ctx context.Context) (float64, error) {
				report, err := a.RunScan(ctx)
				if err == nil && len(report.Recommendations) != resources(rows)/10 {
					err = fmt.Errorf("%d recommendations, want %d", len(report.Recommendations), resources(rows)/10)
				}
				return 0, err
			}
			bare = func(ctx context.Context) (float64, error) {
				_, err := a.Sources[0].Gather(ctx, time.Now())
				return 0, err
			}
			return run, bare, nil
		},
	}
}

// ticketWorkload files tickets into the sandbox over HTTP and counts the calls
// that create some; a perfect client makes one for every 50.
func ticketWorkload(n int) workload {
	least := (n + 49) / 50
	return workload{
		name: "tickets", size: fmt.Sprintf("%d tickets", n), anchor: fmt.Sprintf("%d creating calls; the ratio is of calls", least),
		prepare: func(ctx context.Context, dir string) (run, bare step, err error) {
			if err := lines(ctx, filepath.Join(dir, "lines.parquet"), 500*n); err != nil {
				return nil, nil, err
			}
			return func(ctx context.Context) (float64, error) {
				calls, err := fileTickets(ctx, dir, n)
				return float64(calls) / float64(least), err
			}, nil, nil
		},
	}
}

// fileTickets scans and files everything anew in a fresh state and a fresh Jira.
func fileTickets(ctx context.Context, dir string, want int) (creating int64, err error) {
	jira, err := sandbox.New(sandbox.Config{Projects: []sandbox.Project{{Key: "FIN"}}, Email: "t@example.com", Token: "t", Now: time.Now})
	if err != nil {
		return 0, err
	}
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/rest/api/3/issue/bulk" {
			calls.Add(1)
		}
		jira.Handler().ServeHTTP(w, r)
	}))
	defer server.Close()
	for _, name := range []string{"trimtab.db", "trimtab.db-wal", "trimtab.db-shm"} {
		_ = os.Remove(filepath.Join(dir, name))
	}
	a, err := open(ctx, dir, "{name: t, kind: jira, url: '"+server.URL+"', auth: {email: t@example.com, token: t}}")
	if err != nil {
		return 0, err
	}
	defer func() { _ = a.Close() }()
	if _, err := a.Run(ctx, true); err != nil {
		return 0, err
	}
	if got := len(jira.Issues("")); got != want {
		return 0, fmt.Errorf("%d tickets, want %d", got, want)
	}
	return calls.Load(), nil
}
