package store

import (
	"database/sql"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/trimtab/trimtab"
)

// rebind writes ? placeholders the database's way. No statement here has a
// question mark in a literal.
func (d Dialect) rebind(query string) string {
	if !d.Dollar {
		return query
	}
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

// clean makes texts what every database takes: PostgreSQL refuses a zero byte and what is
// not UTF-8, and one such answer of a tracker must not stop its outbox.
func clean(args []any) []any {
	for i, a := range args {
		if s, ok := a.(string); ok && (strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s)) {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

// exec runs a statement without rows; its error names the statement's first line.
func (t *Tx) exec(query string, args ...any) error {
	_, err := t.tx.ExecContext(t.ctx, t.dialect.rebind(query), clean(args)...)
	return wrapSQL(query, err)
}

// insert runs an INSERT … RETURNING id.
func (t *Tx) insert(query string, args ...any) (int64, error) {
	var id int64
	err := t.tx.QueryRowContext(t.ctx, t.dialect.rebind(query), clean(args)...).Scan(&id)
	return id, wrapSQL(query, err)
}

// row reads one row. Its error comes with Scan, unwrapped, so that callers can
// tell sql.ErrNoRows.
func (t *Tx) row(query string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(t.ctx, t.dialect.rebind(query), clean(args)...)
}

// scanner is a row to be read, the current one of many or the only one.
type scanner interface{ Scan(dest ...any) error }

// list reads all rows of a query.
func list[T any](t *Tx, read func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.tx.QueryContext(t.ctx, t.dialect.rebind(query), clean(args)...)
	if err != nil {
		return nil, wrapSQL(query, err)
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := read(rows)
		if err != nil {
			return nil, wrapSQL(query, err)
		}
		all = append(all, one)
	}
	return all, wrapSQL(query, rows.Err())
}

// wrapSQL says which statement failed: a bare "constraint failed" helps nobody.
func wrapSQL(query string, err error) error {
	if err == nil {
		return nil
	}
	return trimtab.Errorf(trimtab.Outside, "state: %s: %w", firstLine(query), err)
}

func firstLine(query string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(query), "\n")
	return line
}
