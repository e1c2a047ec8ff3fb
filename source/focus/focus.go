// Package focus reads cost files in the FOCUS format (FinOps Open Cost and
// Usage Specification, 1.0 to 1.4), CSV or Parquet, and turns their lines into
// facts: what each resource costs a month, and by which SKUs.
//
// A line is not a fact. Lines are aggregated in DuckDB over a window at the end
// of the data; money is DECIMAL from the file to the fact, so a sum is the same
// whatever the order. A resource whose last charge is long before the end of
// the data has gone and gives no fact.
package focus

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/internal/duck"
)

// Config configures one set of cost files.
type Config struct {
	Name    string
	Path    string        // file or wildcard, absolute
	Window  time.Duration // how much of the end of the data makes the run-rate; default 30 days
	Current time.Duration // a resource without a charge in this last span has gone; default 3 days
}

// Source is one set of cost files.
type Source struct{ cfg Config }

var (
	_ source.Source   = (*Source)(nil)
	_ source.Observer = (*Source)(nil)
	_ source.Typed    = (*Source)(nil)
)

// New makes a source; it opens nothing yet.
func New(cfg Config) *Source {
	if cfg.Window == 0 {
		cfg.Window = 30 * 24 * time.Hour
	}
	if cfg.Current == 0 {
		cfg.Current = 3 * 24 * time.Hour
	}
	return &Source{cfg}
}

// Name implements [source.Source].
func (s *Source) Name() string { return s.cfg.Name }

// Facts implements [source.Source].
func (s *Source) Facts() []string {
	var names []string
	for _, t := range s.Types() {
		names = append(names, t.Name)
	}
	return names
}

// reading is one look at the files.
type reading struct {
	db     *duck.DB
	table  string
	layout layout
	rows   int64
	until  time.Time
}

// open starts a sandbox over the files, recognises their columns and checks
// every number and time in them.
func (s *Source) open(ctx context.Context, now time.Time) (*reading, error) {
	db, err := duck.Open(ctx, duck.Config{Folders: []string{duck.Folder(s.cfg.Path)}, Now: now})
	if err != nil {
		return nil, err
	}
	r := &reading{db: db}
	if err := r.prepare(ctx, s.cfg.Path); err != nil {
		return nil, errors.Join(s.failed(err), db.Close())
	}
	return r, nil
}

// failed names the file in an error and keeps its code and next step.
func (s *Source) failed(err error) error {
	return &trimtab.Error{Code: trimtab.CodeOf(err), Op: s.cfg.Path, Err: err, Next: trimtab.NextOf(err)}
}

// prepare recognises the columns before it reads a value, so that a file of another
// format is told by its header and not by its first odd number.
func (r *reading) prepare(ctx context.Context, path string) (err error) {
	if r.table, err = duck.Table(path, false); err != nil {
		return err
	}
	names, types, err := r.db.Columns(ctx, r.table)
	if err != nil {
		return err
	}
	if r.layout, err = findLayout(names, types); err != nil {
		return err
	}
	if err := r.check(ctx); err != nil {
		return err
	}
	_, err = r.db.ExecContext(ctx, "CREATE TEMP VIEW lines AS "+r.layout.lines(r.table))
	return duck.Readable(err)
}

// check refuses files in which a number or a time cannot be read, and files
// without lines.
func (r *reading) check(ctx context.Context) error {
	query, checked := r.layout.profile(r.table)
	var until sql.NullTime
	broken := make([]int64, len(checked))
	into := []any{&r.rows, &until}
	for i := range broken {
		into = append(into, &broken[i])
	}
	if err := r.db.QueryRowContext(ctx, query).Scan(into...); err != nil {
		return duck.Readable(err)
	}
	var errs []error
	for i, c := range checked {
		if broken[i] > 0 {
			errs = append(errs, r.explainBroken(ctx, c, broken[i]))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if r.rows == 0 || !until.Valid {
		return trimtab.Errorf(trimtab.Outside, "it has no lines").WithNext("export it again")
	}
	r.until = until.Time.UTC()
	return nil
}

// explainBroken names the first place and the number of all: one to look at, one to
// judge by.
func (r *reading) explainBroken(ctx context.Context, c column, n int64) error {
	what := map[kind]string{number: "no number", moment: "no time"}[c.kind]
	var row int64
	var value sql.NullString
	if err := r.db.QueryRowContext(ctx, r.layout.firstBroken(r.table, c)).Scan(&row, &value); err != nil {
		return duck.Readable(err)
	}
	return trimtab.Errorf(trimtab.Outside, "row %d, column %s: %q is %s (%d rows have this)", row, r.layout.found[c.name], value.String, what, n).
		WithNext("mend or export the file again; nothing of it was used")
}

// Gather implements [source.Source].
func (s *Source) Gather(ctx context.Context, now time.Time) (*source.Batch, error) {
	r, err := s.open(ctx, now)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.db.Close() }()
	batch, err := s.gather(ctx, r)
	if err != nil {
		return nil, s.failed(err)
	}
	return batch, nil
}

// gather aggregates once by SKU; both kinds of facts are made of that table, so
// that their costs add up to the same.
func (s *Source) gather(ctx context.Context, r *reading) (*source.Batch, error) {
	begin, current := r.until.Add(-s.cfg.Window), r.until.Add(-s.cfg.Current)
	if _, err := r.db.ExecContext(ctx, usage, stamp(begin), stamp(r.until)); err != nil {
		return nil, duck.Readable(err)
	}
	batch := &source.Batch{Until: r.until, Rows: r.rows}
	if err := r.collect(ctx, batch, perResource, current, resourceCost); err != nil {
		return nil, err
	}
	if err := r.collect(ctx, batch, perSku, current, skuUsage); err != nil {
		return nil, err
	}
	return batch, nil
}

// stamp writes a moment as DuckDB reads it: microseconds, no zone, UTC by setting.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999") }

// collect runs an aggregation and makes a fact of each row.
func (r *reading) collect(ctx context.Context, batch *source.Batch, query string, current time.Time, make func(*sql.Rows) (source.Fact, error)) error {
	rows, err := r.db.QueryContext(ctx, query, stamp(current))
	if err != nil {
		return duck.Readable(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		fact, err := make(rows)
		if err != nil {
			return fmt.Errorf("read the aggregate: %w", err)
		}
		batch.Facts = append(batch.Facts, fact)
	}
	return duck.Readable(rows.Err())
}
