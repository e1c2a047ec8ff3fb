// Package series reads metrics as monitoring exports them, one sample a row
// (CSV, Parquet, JSON), and makes of each resource's samples in a window one
// Metric fact: what its hours were like.
//
// Samples are averaged by the hour of the clock first, so that a resource that
// is sampled every minute and one that is sampled every five are judged alike. A
// rule about idleness asks for the greatest of these hours, for a machine that
// works one hour a night is not idle; the average and the percentiles stand
// beside it for those that ask how large something must be.
package series

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/internal/duck"
)

// Config configures the samples of one metric.
type Config struct {
	Name     string
	Path     string        // file or wildcard, absolute
	Metric   string        // name of the facts: cpu_30d
	Time     string        // column with the time of a sample, UTC unless it says otherwise; default "timestamp"
	Value    string        // column with its value; default "value"
	Column   string        // column with the id of the resource; "" for none
	Resource string        // id of the one resource; "" and no Column: each file is named after its resource
	Window   time.Duration // how much of the time before the run counts, in whole hours; default 32 days, in which a month always ends
}

// validate says what cannot work, before anything is opened.
func (c Config) validate() error {
	switch {
	case c.Metric == "":
		return trimtab.Errorf(trimtab.Invalid, "a series needs the name of its metric").WithNext("write `metric: cpu_30d`")
	case c.Window < time.Hour:
		return trimtab.Errorf(trimtab.Invalid, "a window of %s has no whole hour", c.Window).WithNext("write `window: 768h`")
	case c.Column != "" && c.Resource != "":
		return trimtab.Errorf(trimtab.Invalid, "the resource is given twice, as column %s and as %s", c.Column, c.Resource).
			WithNext("give one of `column:` and `resource:`")
	}
	return nil
}

// Source is one metric's samples.
type Source struct{ cfg Config }

var (
	_ source.Source = (*Source)(nil)
	_ source.Typed  = (*Source)(nil)
)

// New makes a source; it opens nothing yet.
func New(cfg Config) *Source {
	if cfg.Time == "" {
		cfg.Time = "timestamp"
	}
	if cfg.Value == "" {
		cfg.Value = "value"
	}
	if cfg.Window == 0 {
		cfg.Window = 32 * 24 * time.Hour
	}
	return &Source{cfg}
}

// Name implements [source.Source].
func (s *Source) Name() string { return s.cfg.Name }

// Facts implements [source.Source].
func (s *Source) Facts() []string { return []string{"Metric"} }

// Types implements [source.Typed].
func (s *Source) Types() []source.Type {
	return []source.Type{{
		Name: "Metric", Key: []string{"resource", "name"},
		Fields: []source.Field{
			{Name: "resource", Type: "string"},
			{Name: "name", Type: "string"},
			{Name: "max", Type: "double"},
			{Name: "avg", Type: "double?"},
			{Name: "p95", Type: "double?"},
			{Name: "p99", Type: "double?"},
			{Name: "peak", Type: "double?"},
			{Name: "coverage", Type: "double"},
			{Name: "hours", Type: "int?"},
			{Name: "from", Type: "timestamp?"},
			{Name: "until", Type: "timestamp?"},
			{Name: "month_end", Type: "bool?"},
		},
	}}
}

// Gather implements [source.Source].
func (s *Source) Gather(ctx context.Context, now time.Time) (*source.Batch, error) {
	batch, err := s.gather(ctx, now)
	if err != nil {
		return nil, &trimtab.Error{Code: trimtab.CodeOf(err), Op: s.cfg.Path, Err: err, Next: trimtab.NextOf(err)}
	}
	return batch, nil
}

func (s *Source) gather(ctx context.Context, now time.Time) (*source.Batch, error) {
	if err := s.cfg.validate(); err != nil {
		return nil, err
	}
	db, err := duck.Open(ctx, duck.Config{Folders: []string{duck.Folder(s.cfg.Path)}, Now: now})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	if err := s.prepare(ctx, db); err != nil {
		return nil, err
	}
	batch, err := s.check(ctx, db)
	if err != nil {
		return nil, err
	}
	return batch, s.collect(ctx, db, batch, now)
}

// prepare makes the view `samples`: resource, time and value of each row, read
// and as they were written.
func (s *Source) prepare(ctx context.Context, db *duck.DB) error {
	table, err := duck.Table(s.cfg.Path, false)
	if err != nil {
		return err
	}
	names, _, err := db.Columns(ctx, table)
	if err != nil {
		return err
	}
	for _, want := range []string{s.cfg.Time, s.cfg.Value, s.cfg.Column} {
		if want != "" && !hasColumn(names, want) {
			return trimtab.Errorf(trimtab.Invalid, "there is no column %s", want).
				WithNext("name it with the source's `time:`, `value:` and `column:`; the columns are %s", strings.Join(names, ", "))
		}
	}
	at, value := duck.Ident(s.cfg.Time), duck.Ident(s.cfg.Value)
	_, err = db.ExecContext(ctx, fmt.Sprintf(`CREATE TEMP VIEW samples AS SELECT %s AS resource,
		CAST(%s AS VARCHAR) AS written_at, CAST(TRY_CAST(%s AS TIMESTAMPTZ) AS TIMESTAMP) AS taken, CAST(%s AS VARCHAR) AS written, TRY_CAST(%s AS DOUBLE) AS value FROM %s`,
		s.resource(), at, at, value, value, table))
	return duck.Readable(err)
}

// hasColumn compares as SQL does, whatever the case.
func hasColumn(names []string, want string) bool {
	for _, n := range names {
		if strings.EqualFold(n, want) {
			return true
		}
	}
	return false
}

// resource is the SQL of a row's resource. A file's name counts up to its first
// point, so that i-1.csv.gz is i-1.
func (s *Source) resource() string {
	switch {
	case s.cfg.Column != "":
		return "CAST(" + duck.Ident(s.cfg.Column) + " AS VARCHAR)"
	case s.cfg.Resource != "":
		return duck.Quote(s.cfg.Resource)
	}
	return `regexp_extract(filename, '([^/\\.]+)[^/\\]*$', 1)`
}

// check counts the rows and refuses files in which a time, a value or a resource
// cannot be read. A row without a value is a gap, not a mistake.
func (s *Source) check(ctx context.Context, db *duck.DB) (*source.Batch, error) {
	batch := &source.Batch{}
	var until sql.NullTime
	var times, values, nameless int64
	const query = `SELECT count(*), max(taken) FILTER (WHERE taken <= getvariable('now') AND value IS NOT NULL), count(*) FILTER (WHERE taken IS NULL),
		count(*) FILTER (WHERE written IS NOT NULL AND (value IS NULL OR NOT isfinite(value))), count(*) FILTER (WHERE resource IS NULL OR resource = '')
		FROM samples`
	if err := db.QueryRowContext(ctx, query).Scan(&batch.Rows, &until, &times, &values, &nameless); err != nil {
		return nil, duck.Readable(err)
	}
	const again = "mend or export the file again; nothing of it was used"
	switch {
	case times > 0:
		return nil, trimtab.Errorf(trimtab.Outside, "column %s has no time in %d rows", s.cfg.Time, times).WithNext(again)
	case values > 0:
		return nil, trimtab.Errorf(trimtab.Outside, "column %s has no number in %d rows", s.cfg.Value, values).WithNext(again)
	case nameless > 0:
		return nil, trimtab.Errorf(trimtab.Outside, "%d rows name no resource", nameless).WithNext(again)
	case !until.Valid:
		return nil, trimtab.Errorf(trimtab.Outside, "it has no samples").WithNext("export it again")
	}
	batch.Until = until.Time.UTC()
	return batch, nil
}
