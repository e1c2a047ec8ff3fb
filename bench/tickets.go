package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/sandbox"
)

// volumes writes one FOCUS line for each of n volumes that are worth a ticket, of ten
// owners.
func volumes(ctx context.Context, path string, n int) error {
	return duck(ctx, fmt.Sprintf(`COPY (SELECT 'AWS' AS ProviderName, 'acc-1' AS SubAccountId, 'vol-' || r AS ResourceId, 'Amazon Elastic Block Store' AS ServiceName,
		'Storage' AS ServiceCategory, 'eu-west-1' AS RegionId, 'Usage' AS ChargeCategory,
		'$0.10 per GB-month of General Purpose SSD (gp2) provisioned storage' AS ChargeDescription, 'GB-Months' AS PricingUnit, 'USD' AS BillingCurrency,
		CAST(10 AS DECIMAL(18, 6)) AS PricingQuantity, CAST(5 AS DECIMAL(18, 6)) AS BilledCost, CAST(5 AS DECIMAL(18, 6)) AS EffectiveCost,
		TIMESTAMP '2026-09-01' AS ChargePeriodStart, TIMESTAMP '2026-09-02' AS ChargePeriodEnd, '{"owner": "o-' || (r %% 10) || '@example.com"}' AS Tags
		FROM range(%d) t(r)) TO '%s' (FORMAT parquet, COMPRESSION zstd)`, n, path))
}

// callCounts are calls by what they are for.
type callCounts struct{ creating, preflight, readBack, other int }

func (c callCounts) total() int { return c.creating + c.preflight + c.readBack + c.other }

// sorted sorts the calls that a site has had.
func sorted(calls map[string]int) (c callCounts) {
	for name, n := range calls {
		switch {
		case strings.HasSuffix(name, "/issue/bulk"):
			c.creating += n
		case strings.HasSuffix(name, "/issue/bulkfetch"):
			c.readBack += n
		case strings.Contains(name, "createmeta"), strings.HasSuffix(name, "/assignable/search"):
			c.preflight += n
		default:
			c.other += n
		}
	}
	return c
}

// lossy carries requests out and drops a part of the answers.
type lossy struct {
	jira  http.Handler
	share float64

	mu    sync.Mutex
	draws *rand.Rand
	lost  int
}

// ServeHTTP implements [http.Handler].
func (l *lossy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	lost := l.draws.Float64() < l.share
	if lost {
		l.lost++
	}
	l.mu.Unlock()
	if !lost {
		l.jira.ServeHTTP(w, r)
		return
	}
	l.jira.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// filing is what filing into one site came to.
type filing struct {
	calls                     callCounts
	tickets, duplicates, lost int
	took                      time.Duration
}

// ticketsTable files n tickets twice, without trouble and with a tenth of the answers lost.
func ticketsTable(ctx context.Context, out io.Writer, n int) error {
	least := (n + 49) / 50
	calm, err := fileMany(ctx, n, 0)
	if err != nil {
		return err
	}
	rough, err := fileMany(ctx, n, 0.1)
	if err != nil {
		return err
	}
	ratio := float64(rough.calls.total()) / float64(calm.calls.total())
	fmt.Fprintln(out, "| answers lost | tickets | duplicates | creating calls | preflight | read back | other | total | seconds |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, f := range []filing{calm, rough} {
		c := f.calls
		fmt.Fprintf(out, "| %d | %d | %d | %d | %d | %d | %d | %d | %.1f |\n", f.lost, f.tickets, f.duplicates, c.creating, c.preflight, c.readBack, c.other, c.total(), f.took.Seconds())
	}
	fmt.Fprintf(out, "anchor: %d creating calls; calls with a tenth of the answers lost to calls without: %.2f (wanted: at most 1.2)\n", least, ratio)
	return errors.Join(calm.wrong(n), rough.wrong(n), exactly(calm.calls.creating, least))
}

// wrong is an error if not every ticket is there just once.
func (f filing) wrong(n int) error {
	if f.tickets != n || f.duplicates != 0 {
		return fmt.Errorf("%d tickets and %d duplicates, want %d", f.tickets, f.duplicates, n)
	}
	return nil
}

func exactly(creating, least int) error {
	if creating != least {
		return fmt.Errorf("%d creating calls, want %d", creating, least)
	}
	return nil
}

// fileMany scans n volumes and files them, in as many runs as it takes.
func fileMany(ctx context.Context, n int, share float64) (f filing, err error) {
	dir, err := os.MkdirTemp("", "trimtab-bench")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := volumes(ctx, filepath.Join(dir, "lines.parquet"), n); err != nil {
		return f, err
	}
	jira, err := sandbox.New(sandbox.Config{Projects: []sandbox.Project{{Key: "FIN"}}, Users: owners(10), Email: "t@example.com", Token: "t", Now: time.Now})
	if err != nil {
		return f, err
	}
	way := &lossy{jira: jira.Handler(), draws: rand.New(rand.NewPCG(1, 1))}
	server := httptest.NewServer(way)
	defer server.Close()
	a, err := open(ctx, dir, "{name: t, kind: jira, url: '"+server.URL+"', auth: {email: t@example.com, token: t}}")
	if err != nil {
		return f, err
	}
	defer func() { _ = a.Close() }()
	if _, err := a.RunScan(ctx); err != nil {
		return f, err
	}
	way.share = share
	began := time.Now()
	if err := fileAll(ctx, a); err != nil {
		return f, err
	}
	f.took, f.calls, f.lost = time.Since(began), sorted(jira.Calls()), way.lost
	f.count(jira)
	return f, nil
}

// fileAll distributes until nothing is left. A run may end early where an answer that it
// cannot do without is lost; the next goes on.
func fileAll(ctx context.Context, a *app.App) error {
	for range 50 {
		report, err := a.Distribute.Run(ctx, true)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && report.Waiting == 0 {
			return nil
		}
	}
	return errors.New("not all is filed after 50 runs")
}

// count counts what is there.
func (f *filing) count(jira *sandbox.Jira) {
	about := map[string]int{}
	for _, issue := range jira.Issues("") {
		about[issue.Summary]++ // it names the volume
		f.duplicates += min(1, about[issue.Summary]-1)
	}
	f.tickets = len(about)
}

// owners are accounts that tickets can be assigned to.
func owners(n int) (all []sandbox.User) {
	for i := range n {
		all = append(all, sandbox.User{AccountID: fmt.Sprint("acc-", i), Email: fmt.Sprintf("o-%d@example.com", i), Name: fmt.Sprint("Owner ", i)})
	}
	return all
}
