package duck

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
)

var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func openOn(t *testing.T, folders ...string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Folders: folders, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func put(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever a text holds, as a literal it is that text and as a name that name.
func TestQuoteAndIdent(t *testing.T) {
	db := openOn(t)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringOf(rapid.RuneFrom([]rune("ab '\"\\;-%$\n\té€"))).Draw(t, "text")
		var got string
		if err := db.QueryRow("SELECT " + Quote(want)).Scan(&got); err != nil || got != want {
			t.Fatalf("Quote(%q) is %q, %v", want, got, err)
		}
		if want == "" {
			return // a name is never empty
		}
		rows, err := db.Query("SELECT 1 AS " + Ident(want))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		if names, err := rows.Columns(); err != nil || names[0] != want {
			t.Fatalf("Ident(%q) is %q, %v", want, names, err)
		}
	})
}

func TestFolder(t *testing.T) {
	for path, want := range map[string]string{
		"/data/a.csv": "/data", "/data/*.csv": "/data", "/data/a?.csv": "/data", "/data/[ab].csv": "/data",
		"/data/*/a.csv": "/data", "/data/20[0-9]?/*/a.csv": "/data", "/*/a.csv": "/", "/a.csv": "/", "/da ta/x/a.csv": "/da ta/x",
	} {
		if got := Folder(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	a, b := put(t, dir, "a.csv", "x\n"), put(t, dir, "b.csv", "x\n")
	if got, err := Files(dir + "/*.csv"); err != nil || strings.Join(got, " ") != a+" "+b {
		t.Errorf("%v, %v", got, err)
	}
	empty := put(t, dir, "c.csv", "")
	for path, want := range map[string]trimtab.Code{dir + "/*.parquet": trimtab.Outside, dir + "/*.csv": trimtab.Outside, "/[": trimtab.Invalid} {
		if _, err := Files(path); trimtab.CodeOf(err) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Files(dir + "/*.csv"); !strings.Contains(err.Error(), empty) {
		t.Errorf("the empty file is not named: %v", err)
	}
}

func TestTable(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"a.csv": "read_csv(", "A.CSV": "read_csv(", "a.csv.gz": "read_csv(", "a.tsv": "read_csv(", "a.txt": "read_csv(", "a.parquet": "read_parquet(",
		"a.json": "read_json(", "a.ndjson": "read_json(", "a.jsonl": "read_json(", "a.xlsx": "", "a.gz": "", "a": "",
	} {
		got, err := Table(put(t, dir, name, "x"), false)
		if want == "" {
			if trimtab.CodeOf(err) != trimtab.Invalid || trimtab.NextOf(err) == "" {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// A CSV is read as text, exactly, or with the types that all of its values have.
func TestTyped(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "a b's.csv", "n,s,d\n1.10,x,2026-09-01\nNULL,,NaN\n")
	db := openOn(t, dir)
	for typed, want := range map[bool]string{false: "VARCHAR VARCHAR VARCHAR", true: "DOUBLE VARCHAR DATE"} {
		table, err := Table(path, typed)
		if err != nil {
			t.Fatal(err)
		}
		names, types, err := db.Columns(t.Context(), table)
		if err != nil || strings.Join(names, " ") != "n s d" {
			t.Fatalf("%v, %v", names, err)
		}
		if got := types["n"] + " " + types["s"] + " " + types["d"]; got != want {
			t.Errorf("typed %t: %s, want %s", typed, got, want)
		}
		var empty int
		if err := db.QueryRow("SELECT count(*) FROM " + table + " WHERE n IS NULL AND s IS NULL AND d IS NULL").Scan(&empty); err != nil || empty != 1 {
			t.Errorf("typed %t: %d rows of nothing, %v", typed, empty, err)
		}
	}
}

func TestCheckSelect(t *testing.T) {
	db := openOn(t)
	for query, good := range map[string]bool{
		"SELECT 1": true, "SELECT * FROM data": true, "FROM data": true, "VALUES (1)": true, "WITH a AS (SELECT 1) SELECT * FROM a": true,
		"SELECT 1 -- why": true, "SELECT 'a;b'": true, "SELECT 1 UNION ALL SELECT 2": true,
		"": false, "SELECT 1; SELECT 2": false, "SELEC 1": false, "SELECT 1) ; (SELECT 2": false, "DROP TABLE data": false,
		"COPY (SELECT 1) TO 'x'": false, "CREATE TABLE x AS SELECT 1": false, "INSERT INTO data VALUES (1)": false, "DELETE FROM data": false,
		"SET memory_limit = '1GB'": false, "ATTACH 'x.db'": false, "INSTALL httpfs": false, "LOAD httpfs": false, "PRAGMA database_list": false,
		"EXPORT DATABASE 'x'": false, "CALL pragma_version()": false, "BEGIN": false, "EXPLAIN SELECT 1": false,
	} {
		err := db.CheckSelect(t.Context(), query)
		if good != (err == nil) {
			t.Errorf("%q: %v", query, err)
		}
		if err != nil && (trimtab.CodeOf(err) != trimtab.Invalid || trimtab.NextOf(err) == "") {
			t.Errorf("%q: %v has no code Invalid or no next step", query, err)
		}
	}
}

// Whoever writes the SQL reaches the folder and nothing else.
func TestSandbox(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	inside, outside := put(t, dir, "in.csv", "a\n1\n"), put(t, other, "out.csv", "a\n1\n")
	link := filepath.Join(t.TempDir(), "x.csv")
	db := openOn(t, dir)
	var n int
	if err := db.QueryRow("SELECT a FROM read_csv(" + Quote(inside) + ")").Scan(&n); err != nil || n != 1 {
		t.Fatalf("the file inside: %d, %v", n, err)
	}
	for _, statement := range []string{
		"SELECT * FROM read_csv(" + Quote(outside) + ")",
		"SELECT * FROM read_text(" + Quote(outside) + ")",
		"SELECT * FROM " + Quote(outside),
		"SELECT * FROM read_csv(" + Quote(dir+"/../"+filepath.Base(other)+"/out.csv") + ")",
		"SELECT * FROM read_csv('/etc/passwd')",
		"COPY (SELECT 1) TO " + Quote(filepath.Join(other, "new.csv")),
		"ATTACH " + Quote(filepath.Join(other, "new.db")),
		"EXPORT DATABASE " + Quote(other),
		"SELECT * FROM read_csv('http://127.0.0.1:1/a.csv')",
		"INSTALL httpfs", "LOAD httpfs", "LOAD " + Quote(link),
		"SET enable_external_access = true", "SET allowed_directories = ['/']", "SET lock_configuration = false", "RESET memory_limit",
	} {
		if _, err := db.Exec(statement); err == nil {
			t.Errorf("%s: was carried out", statement)
		}
	}
	left, err := os.ReadDir(other)
	if err != nil || len(left) != 1 {
		t.Errorf("the other folder has %v, %v", left, err)
	}
	// The folder next door whose name begins alike is another one.
	if err := os.Mkdir(dir+"2", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("SELECT * FROM read_csv(" + Quote(put(t, dir+"2", "in.csv", "a\n1\n")) + ")"); err == nil {
		t.Error("a folder whose name begins alike was read")
	}
}

func TestNow(t *testing.T) {
	db := openOn(t)
	var now time.Time
	if err := db.QueryRow("SELECT getvariable('now')").Scan(&now); err != nil || !now.Equal(noon) {
		t.Errorf("%s, %v", now, err)
	}
}

func TestReadable(t *testing.T) {
	long := errors.New("Invalid Input Error: CSV Error on Line: 3\nOriginal Line: x\n\nPossible fixes:\n* a\n* b")
	if got := Readable(long); got.Error() != "Invalid Input Error: CSV Error on Line: 3\nOriginal Line: x" || trimtab.NextOf(got) == "" {
		t.Errorf("%q, next %q", got, trimtab.NextOf(got))
	}
	cut := errors.New("Invalid Input Error: No magic bytes found at end of file 'a.parquet'")
	if got := Readable(cut); !strings.Contains(trimtab.NextOf(got), "cut short") || trimtab.CodeOf(got) != trimtab.Outside {
		t.Errorf("%v, next %q", got, trimtab.NextOf(got))
	}
	if Readable(nil) != nil || !errors.Is(Readable(context.Canceled), context.Canceled) {
		t.Error("no error and a cancelled one stay what they are")
	}
}
