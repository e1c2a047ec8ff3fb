// Package scan is the job that finds out what to recommend: it gathers facts
// from the sources, has the rules judge them, and reconciles what they conclude
// with what was known before.
//
// A scan is a durable run: what each source gave is kept as a step, so that a scan that
// is killed does not ask again; judging is computed anew, and reconciling is one
// transaction, which has happened or not. A source that fails makes what rests on it unknown, never
// absent: nothing is closed because of it.
package scan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/durable"
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
	Recommended     int
	Recommendations []*trimtab.Recommendation `json:"-"` // kept in the state, not in the run
	Detail          store.ScanDetail
	Gross, Net      map[string]trimtab.Money // savings a month by currency; net counts the best of each resource's proposals
	Spend           map[string]trimtab.Money // run-rate a month by currency
}

// Run makes one scan, or ends one that was interrupted. It returns a report also when
// sources failed; the error is then of code Partial and names them.
func (j *Job) Run(ctx context.Context) (*Report, error) {
	report, err := durable.Once[*Report](ctx, j.Store.Runs(), j.Clock, j.Workflow(), nil)
	return j.Filled(ctx, report, err)
}

// Filled adds to a report what the run does not keep: the recommendations. It hands on
// the error that came with the report.
func (j *Job) Filled(ctx context.Context, report *Report, failed error) (*Report, error) {
	if report == nil || report.ID == 0 {
		return nil, failed
	}
	err := j.Store.Read(ctx, func(tx *store.Tx) (err error) {
		report.Recommendations, err = tx.RecommendationsOf(report.ID)
		return err
	})
	return report, errors.Join(failed, err)
}

var errRehearsed = errors.New("rehearsed")

// Rehearse makes a scan of which nothing is kept: then sees the state as the
// scan would leave it, and all of it is rolled back.
func (j *Job) Rehearse(ctx context.Context, then func(*store.Tx) error) (*Report, error) {
	started := j.Clock.Now()
	s, err := j.look(ctx, started, gather(ctx, j.Sources, started, j.Log))
	if err != nil {
		return nil, err
	}
	s.direct = true
	err = j.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if s.report.ID, err = tx.BeginScan(started, Fingerprint(j.Rules)); err != nil {
			return err
		}
		if err := j.keep(tx, s); err != nil {
			return err
		}
		if err := then(tx); err != nil {
			return err
		}
		return errRehearsed
	})
	if !errors.Is(err, errRehearsed) {
		return nil, err
	}
	return s.report, s.report.failure()
}

// sight is what a scan saw, before any of it is kept.
type sight struct {
	report  *Report
	verdict *Verdict
	batches []batch
	measure map[int64]lifecycle.Measurement
	rules   string // their fingerprint
	direct  bool   // nothing of it is staged
}

// look judges and measures; it writes nothing.
func (j *Job) look(ctx context.Context, started time.Time, batches []batch) (*sight, error) {
	rules := j.Rules // a reload may change the job's at any time
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	verdict, err := judge(ctx, rules, started, batches)
	if err != nil {
		return nil, err
	}
	j.Assign.apply(verdict.Recommendations, verdict.Assignments, batches)
	// After it, since rules assign what they concluded of a member.
	verdict.Recommendations = verdict.collapse(verdict.Recommendations)
	report := &Report{Recommended: len(verdict.Recommendations), Recommendations: verdict.Recommendations, Detail: verdict.detail(batches)}
	report.Complete = complete(batches) && len(report.Detail.RuleErrors) == 0
	report.total(batches)
	measure, err := j.measure(ctx, batches)
	return &sight{report: report, verdict: verdict, batches: batches, measure: measure, rules: Fingerprint(rules)}, err
}

// keep writes what a scan saw, in the caller's transaction.
func (j *Job) keep(tx *store.Tx, s *sight) error {
	for _, b := range s.batches {
		if b.err != nil {
			continue
		}
		if err := j.keepFacts(tx, s, b); err != nil {
			return err
		}
	}
	if err := errors.Join(tx.Unstage(), tx.JudgedBy(s.report.ID, s.rules)); err != nil {
		return err
	}
	r := &reconciler{tx: tx, scan: s.report.ID, job: j, verdict: s.verdict, measure: s.measure}
	if err := r.run(); err != nil {
		return err
	}
	s.report.Detail.Repeats, s.report.Detail.Unknown = r.repeats, r.unknown
	return tx.EndScan(s.report.ID, j.Clock.Now(), s.report.Complete, s.report.Detail)
}

// keepFacts keeps what a source gave, for comparisons and a cold start.
func (j *Job) keepFacts(tx *store.Tx, s *sight, b batch) error {
	if !s.direct {
		return tx.Promote(s.report.ID, b.source.Name())
	}
	return tx.SaveGathered(store.Gathered{Source: b.source.Name(), At: b.at, Until: b.Until, Facts: b.Facts})
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
			add(r.Spend, amountOf(f.Fields["monthly_cost"]))
		}
	}
}

// amountOf reads an amount as a source gives it, or as it is written down.
func amountOf(v any) trimtab.Money {
	switch v := v.(type) {
	case trimtab.Money:
		return v
	case string:
		if m, err := trimtab.ParseMoney(v); err == nil {
			return m
		}
	}
	return trimtab.Money{}
}

// add keeps one sum a currency: amounts of two are never added.
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
	sorted := make([][]*trimtab.Recommendation, 0, len(groups))
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		sorted = append(sorted, groups[name])
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
