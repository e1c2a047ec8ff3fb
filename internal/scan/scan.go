// Package scan is the job that finds out what to recommend: it gathers facts
// from the sources, has the rules judge them, and reconciles what they conclude
// with what was known before.
//
// Gathering and judging change nothing; reconciling is one transaction. So a
// scan that is killed has either happened or not, and the next one starts from
// the same state. A source that fails makes what rests on it unknown, never
// absent: nothing is closed because of it.
package scan

import (
	"context"
	"fmt"
	"log/slog"
	"sort"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
)

// Job is a configured scan.
type Job struct {
	Store   *store.Store
	Sources []source.Source
	Rules   *rule.Set
	Assign  Assign
	Policy  lifecycle.Policy
	Verify  Windows
	Clock   clock.Clock
	Log     *slog.Logger
}

// Windows are the days of data after a claim that a verification needs.
type Windows struct {
	State float64 // for rules that read states only; lifecycle.md: 3
	Cost  float64 // for rules that read cost or metrics; lifecycle.md: 14 to 30
}

// Report says what a scan did.
type Report struct {
	ID              int64
	Complete        bool
	Recommendations []*trimtab.Recommendation
	Detail          store.ScanDetail
	Gross, Net      map[string]trimtab.Money // savings a month by currency; net counts the best of each resource's proposals
	Spend           map[string]trimtab.Money // run-rate a month by currency
}

// Run makes one scan. It returns a report also when sources failed; the error
// is then of code Partial and names them.
func (j *Job) Run(ctx context.Context) (*Report, error) {
	started := j.Clock.Now()
	var id int64
	err := j.Store.Write(ctx, func(tx *store.Tx) (err error) {
		id, err = tx.BeginScan(started, Fingerprint(j.Rules))
		return err
	})
	if err != nil {
		return nil, err
	}
	log := j.Log.With("run", fmt.Sprintf("scan-%d", id))
	batches := gather(ctx, j.Sources, started, log)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	verdict, err := judge(ctx, j.Rules, started, batches)
	if err != nil {
		return nil, err
	}
	j.Assign.apply(verdict.Recommendations, verdict.Assignments, batches)
	report := &Report{ID: id, Recommendations: verdict.Recommendations, Detail: verdict.detail(batches)}
	report.Complete = complete(batches) && len(report.Detail.RuleErrors) == 0
	report.total(batches)
	if err := j.reconcile(ctx, report, verdict, batches); err != nil {
		return nil, err
	}
	log.Info("scan ended", "complete", report.Complete, "recommendations", len(report.Recommendations),
		"repeats", report.Detail.Repeats, "unknown", report.Detail.Unknown)
	return report, report.failure()
}

// complete reports whether every source delivered.
func complete(batches []batch) bool {
	for _, b := range batches {
		if b.err != nil {
			return false
		}
	}
	return true
}

// failure is what the caller must be told although the scan is over.
func (r *Report) failure() error {
	var failed []string
	for _, s := range r.Detail.Sources {
		if s.Error != "" {
			failed = append(failed, fmt.Sprintf("source %s: %s", s.Source, s.Error))
		}
	}
	failed = append(failed, r.Detail.RuleErrors...)
	if len(failed) == 0 {
		return nil
	}
	e := trimtab.Errorf(trimtab.Partial, "the scan is incomplete; what rests on this is unknown and nothing was closed because of it")
	for _, f := range failed {
		e.Err = fmt.Errorf("%w\n  %s", e.Err, f)
	}
	return e.WithNext("mend it and run `trimtab scan` again")
}

// reconcile writes the scan's outcome in one transaction.
func (j *Job) reconcile(ctx context.Context, report *Report, v *Verdict, batches []batch) error {
	measure, err := j.measure(ctx, batches)
	if err != nil {
		return err
	}
	return j.Store.Write(ctx, func(tx *store.Tx) error {
		for _, b := range batches {
			if b.err != nil {
				continue
			}
			g := store.Gathered{Source: b.source.Name(), At: b.at, Until: b.Until, Facts: b.Facts}
			if err := tx.SaveGathered(g); err != nil {
				return err
			}
		}
		r := &reconciler{tx: tx, scan: report.ID, job: j, verdict: v, measure: measure}
		if err := r.run(); err != nil {
			return err
		}
		report.Detail.Repeats, report.Detail.Unknown = r.repeats, r.unknown
		return tx.EndScan(report.ID, j.Clock.Now(), report.Complete, report.Detail)
	})
}

// total adds up savings and spend. Gross counts every proposal, net the best
// one of each resource, since only one of "stop it" and "shrink it" can be had.
func (r *Report) total(batches []batch) {
	r.Gross, r.Net, r.Spend = map[string]trimtab.Money{}, map[string]trimtab.Money{}, map[string]trimtab.Money{}
	best := map[string]trimtab.Money{}
	for _, rec := range r.Recommendations {
		add(r.Gross, rec.Savings)
		name := rec.Subject.Resource + " " + rec.Savings.Currency
		if old, ok := best[name]; !ok || rec.Savings.Amount.GreaterThan(old.Amount) {
			best[name] = rec.Savings
		}
	}
	for _, m := range best {
		add(r.Net, m)
	}
	for _, b := range batches {
		for _, f := range b.Facts {
			if f.Type != "ResourceCost" {
				continue
			}
			if m, ok := f.Fields["monthly_cost"].(trimtab.Money); ok {
				add(r.Spend, m)
			}
		}
	}
}

func add(sums map[string]trimtab.Money, m trimtab.Money) {
	if m.Currency == "" {
		return
	}
	sum := sums[m.Currency]
	sums[m.Currency] = trimtab.Money{Amount: sum.Amount.Add(m.Amount), Currency: m.Currency}
}

// byResource groups recommendations, resources in order.
func byResource(recs []*trimtab.Recommendation) [][]*trimtab.Recommendation {
	groups := map[string][]*trimtab.Recommendation{}
	for _, r := range recs {
		groups[r.Subject.Resource] = append(groups[r.Subject.Resource], r)
	}
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	sort.Strings(names)
	sorted := make([][]*trimtab.Recommendation, len(names))
	for i, name := range names {
		sorted[i] = groups[name]
	}
	return sorted
}

// batch is what a source gave, or why it could not.
type batch struct {
	source source.Source
	at     time.Time
	*source.Batch
	err error
}
