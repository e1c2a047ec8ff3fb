package scan

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/source"
)

// Workflow is the scan as a durable run.
func (j *Job) Workflow() durable.Workflow {
	return durable.NewWorkflow("scan", 1, func(f *durable.Flow, _ *struct{}) (*Report, error) { return j.Flow(f) }, Steps()...)
}

// Steps are the steps of a scan, for workflows that have one in them.
func Steps() []durable.Registered {
	return []durable.Registered{
		durable.Declare[time.Time, int64]("begin"),
		durable.Declare[asked, gathered]("gather"),
		durable.Declare[int64, *Report]("keep"),
	}
}

// asked is what a step that gathers is told: the source's name stands in its own.
type asked struct {
	Scan int64
	At   time.Time
}

// gathered is what is kept of a step that gathers; the facts themselves are staged.
type gathered struct {
	Rows     int64
	Facts    int
	Until    time.Time
	Warnings []string
}

// Flow is the scan: begin, gather from every source at once, judge, keep.
func (j *Job) Flow(f *durable.Flow) (*Report, error) {
	started, err := f.Now("started")
	if err != nil {
		return nil, err
	}
	begin := durable.NewStepTx("begin", func(_ context.Context, tx *store.Tx, at time.Time) (int64, error) {
		return tx.BeginScan(at, Fingerprint(j.Rules))
	})
	id, err := begin.Do(f, started)
	if err != nil {
		return nil, err
	}
	log := j.Log.With("run", fmt.Sprintf("scan-%d", id))
	batches, err := j.gather(f, id, started, log)
	if err != nil {
		return nil, err
	}
	s, err := j.look(f.Context(), started, batches)
	if err != nil {
		return nil, err
	}
	s.report.ID = id
	keep := durable.NewStepTx("keep", func(_ context.Context, tx *store.Tx, _ int64) (*Report, error) {
		if err := j.keep(tx, s); err != nil {
			return nil, err
		}
		return s.report, s.report.failure()
	})
	report, err := keep.Do(f, id)
	if report != nil {
		log.Info("scan ended", "complete", report.Complete, "recommendations", report.Recommended,
			"repeats", report.Detail.Repeats, "unknown", report.Detail.Unknown)
	}
	return report, err
}

// gather asks every source, each in a step of its own. What was gathered in this process
// is at hand; what an earlier one gathered is read back. A source that fails makes the scan
// incomplete, not impossible.
func (j *Job) gather(f *durable.Flow, scan int64, at time.Time, log *slog.Logger) ([]batch, error) {
	batches, names := make([]batch, len(j.Sources)), make([]string, len(j.Sources))
	for i, s := range j.Sources {
		batches[i], names[i] = batch{source: s, at: at}, s.Name()
	}
	done := atomic.Int64{}
	results, err := durable.Side(f, "source", names, func(f *durable.Flow, i int) (struct{}, error) {
		err := j.gatherOne(f, scan, &batches[i], log)
		f.Progress("sources", int(done.Add(1)), len(names))
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		batches[i].err = r.Err
	}
	setAside(batches, log)
	return batches, nil
}

// gatherOne asks one source and stages what it gives, then reads that back if another
// process did so before.
func (j *Job) gatherOne(f *durable.Flow, scan int64, b *batch, log *slog.Logger) error {
	name := b.source.Name()
	step := durable.NewStep("gather", func(ctx context.Context, in asked) (gathered, error) {
		got, err := b.source.Gather(ctx, in.At)
		if err != nil {
			return gathered{}, err
		}
		b.Batch = got
		staged := store.Gathered{Source: name, At: in.At, Until: got.Until, Facts: got.Facts}
		if err := j.Store.Write(ctx, func(tx *store.Tx) error { return tx.Stage(in.Scan, staged) }); err != nil {
			return gathered{}, err
		}
		log.Info("source gathered", "source", name, "rows", got.Rows, "facts", len(got.Facts), "until", got.Until)
		return gathered{Rows: got.Rows, Facts: len(got.Facts), Until: got.Until, Warnings: got.Warnings}, nil
	})
	kept, err := step.Do(f, asked{scan, b.at})
	if err != nil || b.Batch != nil {
		return err
	}
	return j.readBack(f.Context(), scan, b, kept, log)
}

// readBack gives a batch that another process staged. A scan that is done again after its
// end finds nothing staged any more, and asks the source as of the same moment.
func (j *Job) readBack(ctx context.Context, scan int64, b *batch, kept gathered, log *slog.Logger) error {
	name := b.source.Name()
	var g store.Gathered
	err := j.Store.Read(ctx, func(tx *store.Tx) (err error) {
		g, err = tx.Staged(scan, name)
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		b.Batch, err = b.source.Gather(ctx, b.at)
		return err
	case err != nil:
		return fmt.Errorf("read back what source %s gave: %w", name, err)
	}
	b.Batch = &source.Batch{Facts: g.Facts, Until: kept.Until, Rows: kept.Rows, Warnings: kept.Warnings}
	log.Info("source was gathered before", "source", name, "rows", kept.Rows, "facts", len(g.Facts))
	return nil
}
