package scan

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/source"
)

// gather asks every source at once; one that fails does not stop the others.
func gather(ctx context.Context, sources []source.Source, now time.Time, log *slog.Logger) []batch {
	batches := make([]batch, len(sources))
	var wg sync.WaitGroup
	for i, s := range sources {
		wg.Go(func() {
			b, err := s.Gather(ctx, now)
			batches[i] = batch{source: s, at: now, Batch: b, err: err}
			if err == nil {
				log.Info("source gathered", "source", s.Name(), "rows", b.Rows, "facts", len(b.Facts), "until", b.Until)
			}
		})
	}
	wg.Wait()
	setAside(batches, log)
	return batches
}

// setAside gives nothing of the sources that failed.
func setAside(batches []batch, log *slog.Logger) {
	for i, b := range batches {
		if b.err != nil {
			batches[i].Batch = &source.Batch{}
			log.Error("source failed", "source", b.source.Name(), "error", b.err)
		}
	}
}

// measure asks the cost sources what happened since each claim of a fix, and since what
// somebody works on went.
func (j *Job) measure(ctx context.Context, batches []batch) (map[int64]lifecycle.Measurement, error) {
	var claimed []*store.Episode
	err := j.Store.Read(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenEpisodes()
		for _, e := range open {
			if !e.State.MeasuredSince().IsZero() {
				claimed = append(claimed, e)
			}
		}
		return err
	})
	if err != nil || len(claimed) == 0 {
		return nil, err
	}
	measured := make(map[int64]lifecycle.Measurement, len(claimed))
	for _, e := range claimed {
		measured[e.ID] = j.stateMeasurement(e, batches)
	}
	for _, b := range batches {
		observer, ok := b.source.(source.Observer)
		if !ok || b.err != nil {
			continue
		}
		if err := j.observe(ctx, observer, claimed, measured); err != nil {
			return nil, trimtab.Errorf(trimtab.Outside, "source %s: measure what was claimed: %w", b.source.Name(), err)
		}
	}
	return measured, nil
}

// stateMeasurement counts the days by the clock for rules that read states
// only; for rules that read periods of data none have passed until a source
// says so.
func (j *Job) stateMeasurement(e *store.Episode, batches []batch) lifecycle.Measurement {
	if j.readsPeriods(e.Rules, batches) {
		return lifecycle.Measurement{Window: j.Verify.Cost}
	}
	return lifecycle.Measurement{Days: j.Clock.Now().Sub(e.State.MeasuredSince()).Hours() / 24, Window: j.Verify.State}
}

// readsPeriods reports whether one of the rules reads facts that are made of
// periods of data.
func (j *Job) readsPeriods(rules []string, batches []batch) bool {
	periodic := map[string]bool{}
	for _, b := range batches {
		for _, t := range b.source.Facts() {
			periodic[t] = periodic[t] || !b.Until.IsZero()
		}
	}
	for _, id := range rules {
		r, ok := j.Rules.Rule(id)
		if ok && slices.ContainsFunc(r.Reads(), func(t string) bool { return periodic[t] }) {
			return true
		}
	}
	return false
}

// observe adds one cost source's answers up: a resource may be billed in several
// files. Amounts in another currency than the baseline's are left out, since they
// cannot be subtracted from it.
func (j *Job) observe(ctx context.Context, o source.Observer, claimed []*store.Episode, measured map[int64]lifecycle.Measurement) error {
	claims := make([]source.Claim, len(claimed))
	for i, e := range claimed {
		claims[i] = source.Claim{Resource: e.Resource, Since: e.State.MeasuredSince(), Currency: e.State.Baseline.Currency}
	}
	seen, err := o.Observe(ctx, claims)
	if err != nil {
		return err
	}
	for i, e := range claimed {
		m := measured[e.ID]
		if m.Window == j.Verify.Cost {
			m.Days = max(m.Days, seen[i].Days)
		}
		sameCurrency := seen[i].RunRate.IsZero() || seen[i].RunRate.Currency == e.State.Baseline.Currency
		if seen[i].Days > 0 && e.State.Baseline.Amount.IsPositive() && sameCurrency {
			rate := trimtab.Money{Amount: m.RunRate.Amount.Add(seen[i].RunRate.Amount), Currency: e.State.Baseline.Currency}
			m.RunRate, m.HasCost = rate, true
		}
		measured[e.ID] = m
	}
	return nil
}
