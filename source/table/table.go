// Package table reads anything with rows and columns (CSV, Parquet, JSON) and
// makes one fact of each row: an inventory, a list of owners, metrics.
//
// Which column becomes which field is said in expressions that the caller
// compiles; this package knows no expression language. With a query, the rows
// are those of one SELECT over the file as the table `data`, so that hourly
// metrics become one fact a resource without a line of code.
package table

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/internal/duck"
)

// Config configures one table.
type Config struct {
	Name  string
	Path  string // file or wildcard, absolute
	Fact  string // type of the facts
	Query string // one SELECT over `data`; "" for all rows and columns. getvariable('now') is the run's time
	Until string // column whose greatest value is how far the data reach; "" for data that are true as of the reading
	Map   []Field
	// Compile makes a function of an expression over the named columns.
	Compile func(expr string, columns []string) (Value, error)
}

// Field says what one field of the fact is made of.
type Field struct{ Name, Expr string }

// Value computes a field from a row; columns that are NULL are nil.
type Value func(row map[string]any) (any, error)

// Source is one table.
type Source struct{ cfg Config }

var _ source.Source = (*Source)(nil)

// New makes a source; it opens nothing yet.
func New(cfg Config) *Source { return &Source{cfg} }

// Name implements [source.Source].
func (s *Source) Name() string { return s.cfg.Name }

// Facts implements [source.Source].
func (s *Source) Facts() []string { return []string{s.cfg.Fact} }

// Gather implements [source.Source].
func (s *Source) Gather(ctx context.Context, now time.Time) (*source.Batch, error) {
	db, err := duck.Open(ctx, duck.Config{Folders: []string{duck.Folder(s.cfg.Path)}, Now: now})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	batch, err := s.gather(ctx, db)
	if err != nil {
		return nil, &trimtab.Error{Code: trimtab.CodeOf(err), Op: s.cfg.Path, Err: err, Next: trimtab.NextOf(err)}
	}
	return batch, nil
}

// gather compiles before it reads, so that a mistake in the map is told even when
// the file has no rows.
func (s *Source) gather(ctx context.Context, db *duck.DB) (*source.Batch, error) {
	from, err := s.prepare(ctx, db)
	if err != nil {
		return nil, err
	}
	names, _, err := db.Columns(ctx, from)
	if err != nil {
		return nil, err
	}
	fields, err := s.compile(names)
	if err != nil {
		return nil, err
	}
	batch := &source.Batch{}
	if batch.Until, err = s.until(ctx, db); err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+from)
	if err != nil {
		return nil, duck.Readable(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		// Rows are counted from 1 and without the header, as people count them.
		row, err := scan(rows, names)
		if err != nil {
			return nil, duck.Readable(err)
		}
		batch.Rows++
		fact, err := s.fact(fields, row)
		if err != nil {
			return nil, trimtab.Errorf(trimtab.Outside, "row %d: %w", batch.Rows, err).WithNext("mend the row, or the source's `map:`")
		}
		batch.Facts = append(batch.Facts, fact)
	}
	return batch, duck.Readable(rows.Err())
}

// prepare makes the view `data`, and `picked` of a query, and gives which of
// them is to be read.
func (s *Source) prepare(ctx context.Context, db *duck.DB) (string, error) {
	table, err := duck.Table(s.cfg.Path, s.cfg.Query != "")
	if err != nil {
		return "", err
	}
	if _, err := db.ExecContext(ctx, "CREATE TEMP VIEW data AS SELECT * FROM "+table); err != nil {
		return "", duck.Readable(err)
	}
	if s.cfg.Query == "" {
		return "data", nil
	}
	if err := db.CheckSelect(ctx, s.cfg.Query); err != nil {
		return "", err
	}
	// A view, not a pair of brackets: the query may end in a semicolon or a comment.
	_, err = db.ExecContext(ctx, "CREATE TEMP VIEW picked AS "+s.cfg.Query)
	return "picked", duck.Readable(err)
}

// compile makes the functions of all fields; all mistakes come at once.
func (s *Source) compile(columns []string) ([]Value, error) {
	values := make([]Value, len(s.cfg.Map))
	var errs []error
	for i, f := range s.cfg.Map {
		// A column's name wins over an expression: "Cost/h" is a name before it is a division.
		if slices.Contains(columns, f.Expr) {
			values[i] = func(row map[string]any) (any, error) { return row[f.Expr], nil }
			continue
		}
		var err error
		if values[i], err = s.cfg.Compile(f.Expr, columns); err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", f.Name, err))
		}
	}
	if len(errs) > 0 {
		return nil, &trimtab.Error{
			Code: trimtab.Invalid, Err: errors.Join(errs...),
			Next: fmt.Sprintf("mend the source's `map:`; the columns are %v", columns),
		}
	}
	return values, nil
}

// until asks the data themselves how far they reach.
func (s *Source) until(ctx context.Context, db *duck.DB) (time.Time, error) {
	if s.cfg.Until == "" {
		return time.Time{}, nil
	}
	var until sql.NullTime
	query := "SELECT max(CAST(TRY_CAST(" + duck.Ident(s.cfg.Until) + " AS TIMESTAMPTZ) AS TIMESTAMP)) FROM data"
	if err := db.QueryRowContext(ctx, query).Scan(&until); err != nil {
		return time.Time{}, duck.Readable(err)
	}
	if !until.Valid {
		return time.Time{}, trimtab.Errorf(trimtab.Outside, "column %s has no time in any row", s.cfg.Until).
			WithNext("name the column with the times as the source's `until:`")
	}
	return until.Time.UTC(), nil
}

// scan reads a row by its columns' names; what the driver gives is made a value of
// the rule language here and nowhere else.
func scan(rows *sql.Rows, names []string) (map[string]any, error) {
	values := make([]any, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	row := make(map[string]any, len(names))
	for i, name := range names {
		row[name] = duck.Value(values[i])
	}
	return row, nil
}

// fact computes the fields of a row. An absent value gives no field.
func (s *Source) fact(fields []Value, row map[string]any) (source.Fact, error) {
	made := make(map[string]any, len(fields))
	for i, value := range fields {
		v, err := value(row)
		if err != nil {
			return source.Fact{}, fmt.Errorf("field %s: %w", s.cfg.Map[i].Name, err)
		}
		if v != nil {
			made[s.cfg.Map[i].Name] = v
		}
	}
	return source.Fact{Type: s.cfg.Fact, Fields: made}, nil
}
