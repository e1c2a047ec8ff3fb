// Package duck runs DuckDB in this process as the reader behind the sources:
// CSV, Parquet and JSON files as SQL tables.
//
// Each database is a sandbox: it sees the folders that it was opened for and
// nothing else, loads no extension, reaches no network, and its settings are
// locked. What it may not do, it cannot do; what a deployment's own SQL asks is
// checked to be a SELECT besides ([DB.CheckSelect]), because a folder that may
// be read could otherwise be written.
package duck

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the driver

	"github.com/trimtab/trimtab"
)

// DB is one sandboxed database in memory.
type DB struct{ *sql.DB }

// Config says what a database may see.
type Config struct {
	Folders []string  // the only folders whose files it reads
	Now     time.Time // getvariable('now') in SQL, UTC
	Memory  string    // DuckDB's own limit; default "2GB"
}

// Open makes a database.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Outside, "start DuckDB: %w", err)
	}
	db.SetMaxOpenConns(1) // variables belong to a connection
	for _, statement := range cfg.statements() {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(trimtab.Errorf(trimtab.Outside, "start DuckDB: %s: %w", statement, err), db.Close())
		}
	}
	return &DB{db}, nil
}

// statements are in this order for a reason: folders are named while that is still
// allowed, and the lock comes last (DuckDB docs, "Securing DuckDB").
func (c Config) statements() []string {
	folders := make([]string, len(c.Folders))
	for i, f := range c.Folders {
		folders[i] = Quote(strings.TrimRight(f, "/") + "/")
	}
	memory := c.Memory
	if memory == "" {
		memory = "2GB"
	}
	return []string{
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET TimeZone = 'UTC'",
		"SET temp_directory = ''", // nothing is spilled beside the user's files
		"SET memory_limit = " + Quote(memory),
		"SET allowed_directories = [" + strings.Join(folders, ", ") + "]",
		"SET enable_external_access = false",
		"SET VARIABLE now = TIMESTAMP " + Quote(c.Now.UTC().Format("2006-01-02 15:04:05")),
		"SET lock_configuration = true",
	}
}

// Quote makes a SQL string literal.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Ident makes a SQL identifier.
func Ident(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// Folder is the folder that must be readable for a path with wildcards: all of
// it up to the first part with one.
func Folder(path string) string {
	dir := filepath.Dir(path)
	for strings.ContainsAny(dir, "*?[") {
		dir = filepath.Dir(dir)
	}
	return dir
}

// Table is the SQL that reads the files of a path: its ending says how. With
// typed set, CSV columns get the types that their values have; otherwise they
// are text, so that every number is read exactly and judged by us.
func Table(path string, typed bool) (string, error) {
	if _, err := Files(path); err != nil {
		return "", err
	}
	name := strings.ToLower(strings.TrimSuffix(path, ".gz"))
	switch filepath.Ext(name) {
	case ".parquet":
		return "read_parquet(" + Quote(path) + ", union_by_name = true)", nil
	case ".csv", ".tsv", ".txt":
		text := ", all_varchar = true"
		if typed {
			text = ", sample_size = -1"
		}
		// Quotes are said, not guessed: DuckDB guesses from the first 20,480 lines,
		// and when none of them has a quote in a quoted text, it takes later
		// doubled quotes for two.
		return "read_csv(" + Quote(path) + `, header = true, union_by_name = true, quote = '"', escape = '"', nullstr = ['', 'NULL', 'NaN']` + text + ")", nil
	case ".json", ".ndjson", ".jsonl":
		return "read_json(" + Quote(path) + ", union_by_name = true)", nil
	}
	return "", trimtab.Errorf(trimtab.Invalid, "%s: the ending says nothing about what the file is", path).
		WithNext("there are .csv, .csv.gz, .tsv, .parquet, .json, .ndjson")
}

// Files lists the files of a path with wildcards; none is an error.
func Files(path string) ([]string, error) {
	files, err := filepath.Glob(path)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "%s: %w", path, err)
	}
	if len(files) == 0 {
		return nil, trimtab.Errorf(trimtab.Outside, "there is no file %s", path).WithNext("put it there, or mend the source's `path:`")
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return nil, trimtab.Errorf(trimtab.Outside, "%w", err)
		}
		if info.Size() == 0 {
			return nil, trimtab.Errorf(trimtab.Outside, "%s is empty", f).WithNext("export it again")
		}
	}
	return files, nil
}

// Columns gives the names and types of a table's columns.
func (db *DB) Columns(ctx context.Context, table string) (names []string, types map[string]string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "+table+")")
	if err != nil {
		return nil, nil, Readable(err)
	}
	defer func() { _ = rows.Close() }()
	types = map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, nil, Readable(err)
		}
		names = append(names, name)
		types[name] = kind
	}
	return names, types, Readable(rows.Err())
}

// CheckSelect refuses SQL that is anything but one SELECT.
func (db *DB) CheckSelect(ctx context.Context, query string) error {
	var text string
	if err := db.QueryRowContext(ctx, "SELECT CAST(json_serialize_sql("+Quote(query)+") AS VARCHAR)").Scan(&text); err != nil {
		return Readable(err)
	}
	// json_serialize_sql takes SELECT statements only and says so in its answer; the
	// query is parsed and never run.
	var parsed struct {
		Error        bool              `json:"error"`
		ErrorMessage string            `json:"error_message"`
		Statements   []json.RawMessage `json:"statements"`
	}
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		return fmt.Errorf("check the query: %w", err)
	}
	if parsed.Error {
		return trimtab.Errorf(trimtab.Invalid, "the query cannot be used: %s", parsed.ErrorMessage).
			WithNext("write one SELECT over the table `data`")
	}
	if len(parsed.Statements) != 1 {
		return trimtab.Errorf(trimtab.Invalid, "the query has %d statements", len(parsed.Statements)).WithNext("write one SELECT over the table `data`")
	}
	return nil
}

// Readable makes a DuckDB error one that people read: its first paragraph,
// with what to do where it is about a file.
func Readable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	text, _, _ := strings.Cut(err.Error(), "\n\n")
	e := trimtab.Errorf(trimtab.Outside, "%s", strings.TrimSpace(text))
	switch {
	case strings.Contains(text, "magic bytes"), strings.Contains(text, "Parquet"), strings.Contains(text, "footer"):
		return e.WithNext("the file is damaged or cut short: export it again")
	case strings.Contains(text, "CSV Error"):
		return e.WithNext("mend the line that the message names, or export the file again")
	case strings.HasPrefix(text, "Binder Error"), strings.HasPrefix(text, "Catalog Error"), strings.HasPrefix(text, "Parser Error"),
		strings.HasPrefix(text, "Conversion Error"):
		return e.WithNext("mend the source's `query:` or `until:`, which the files do not fit")
	}
	return e
}
