package table

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source/sourcetest"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// constants compiles expressions of one kind: a quoted text.
func constants(expr string, _ []string) (Value, error) {
	text, ok := strings.CutPrefix(expr, `"`)
	if !ok {
		return nil, errors.New("no such column " + expr)
	}
	return func(map[string]any) (any, error) { return strings.TrimSuffix(text, `"`), nil }, nil
}

const vms = "InstanceId,State,Cost\ni-1,running,1.10\ni-2,NULL,\n"

func config(path string) Config {
	return Config{
		Name: "vms", Path: path, Fact: "Resource", Compile: constants,
		Map: []Field{{"id", "InstanceId"}, {"state", "State"}, {"cost", "Cost"}, {"kind", `"vm"`}},
	}
}

func TestSuite(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{
		Good: New(config(write(t, "vms.csv", vms))), Bad: New(config(filepath.Join(t.TempDir(), "none.csv"))), Now: time.Unix(0, 0),
	})
}

func TestRows(t *testing.T) {
	batch, err := New(config(write(t, "vms.csv", vms))).Gather(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	first, second := batch.Facts[0].Fields, batch.Facts[1].Fields
	if first["id"] != "i-1" || first["kind"] != "vm" || first["cost"] != "1.10" {
		t.Errorf("first row: %v; numbers of a CSV stay text, so that they are exact", first)
	}
	if _, ok := second["state"]; ok {
		t.Errorf("second row: %v; NULL is an absent field", second)
	}
}

func TestQuery(t *testing.T) {
	cfg := config(write(t, "cpu.csv", "vm,hour,cpu\nv1,2026-09-01 10:00:00,10\nv1,2026-09-01 11:00:00,30\nv1,2026-08-01 11:00:00,99\n"))
	cfg.Query = "SELECT vm, max(cpu) AS high, count(*) AS n FROM data WHERE hour >= getvariable('now') - INTERVAL 1 DAY GROUP BY vm"
	cfg.Map, cfg.Until = []Field{{"id", "vm"}, {"max", "high"}, {"points", "n"}}, "hour"
	batch, err := New(cfg).Gather(t.Context(), time.Date(2026, 9, 2, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if f := batch.Facts[0].Fields; len(batch.Facts) != 1 || f["max"] != int64(30) || f["points"] != int64(2) {
		t.Errorf("%v", batch.Facts)
	}
	if want := time.Date(2026, 9, 1, 11, 0, 0, 0, time.UTC); !batch.Until.Equal(want) {
		t.Errorf("until %s", batch.Until)
	}
}

// A query may read its own file and do nothing else.
func TestQueryIsConfined(t *testing.T) {
	outside := write(t, "secret.csv", "a\n1\n")
	path := write(t, "vms.csv", vms)
	for _, query := range []string{
		"COPY (SELECT 1) TO '" + filepath.Join(filepath.Dir(path), "x.csv") + "'",
		"SELECT 1; COPY (SELECT 1) TO '" + filepath.Join(filepath.Dir(path), "x.csv") + "'",
		"SELECT * FROM read_csv('" + outside + "')",
		"SELECT 1 AS a) ; DROP VIEW data; SELECT (1",
		"SET enable_external_access = true",
		"INSTALL httpfs",
		"SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
	} {
		cfg := config(path)
		cfg.Query, cfg.Map = query, nil
		if _, err := New(cfg).Gather(t.Context(), time.Now()); err == nil {
			t.Errorf("%s: was carried out", query)
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "x.csv")); err == nil {
			t.Errorf("%s: wrote a file", query)
		}
	}
}

func TestUnknownColumn(t *testing.T) {
	cfg := config(write(t, "vms.csv", vms))
	cfg.Map = append(cfg.Map, Field{"a", "Instance"}, Field{"b", "Stat"})
	_, err := New(cfg).Gather(t.Context(), time.Now())
	if err == nil || !strings.Contains(err.Error(), "field a") || !strings.Contains(err.Error(), "field b") {
		t.Fatalf("both mistakes are wanted at once: %v", err)
	}
	if !strings.Contains(trimtab.NextOf(err), "InstanceId") {
		t.Errorf("the next step does not name the columns: %s", trimtab.NextOf(err))
	}
}

// A Parquet or JSON file keeps its types: numbers stay exact, maps become maps
// of text.
func TestTypedFiles(t *testing.T) {
	made := filepath.Join(t.TempDir(), "vms.parquet")
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	query := "COPY (SELECT 'i-1' AS InstanceId, 'running' AS State, 1.10::DECIMAL(10,2) AS Cost, MAP {'owner': 'ann'} AS Tags, " +
		"TIMESTAMP '2026-09-01' AS At UNION ALL SELECT 'i-2', NULL, NULL, NULL, NULL) TO '" + made + "' (FORMAT parquet)"
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	lines := `{"InstanceId": "i-1", "State": "running", "Cost": "1.10", "Tags": {"owner": "ann"}, "At": "2026-09-01T00:00:00"}` + "\n" + `{"InstanceId": "i-2"}` + "\n"
	array := "[" + strings.Replace(strings.TrimSpace(lines), "\n", ",", 1) + "]"
	for _, path := range []string{made, write(t, "vms.ndjson", lines), write(t, "vms.json", array), write(t, "vms.jsonl", lines)} {
		cfg := config(path)
		cfg.Map, cfg.Until = append(cfg.Map, Field{"tags", "Tags"}), "At"
		batch, err := New(cfg).Gather(t.Context(), time.Now())
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		first, second := batch.Facts[0].Fields, batch.Facts[1].Fields
		if cost := fmt.Sprint(first["cost"]); first["id"] != "i-1" || strings.TrimSuffix(cost, "0") != "1.1" {
			t.Errorf("%s: %v", path, first)
		}
		if tags, ok := first["tags"].(map[string]string); !ok || tags["owner"] != "ann" {
			t.Errorf("%s: tags %T %v", path, first["tags"], first["tags"])
		}
		if len(second) != 2 || second["id"] != "i-2" {
			t.Errorf("%s: %v; what is absent gives no field", path, second)
		}
		if want := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC); !batch.Until.Equal(want) || batch.Rows != 2 {
			t.Errorf("%s: until %s, %d rows", path, batch.Until, batch.Rows)
		}
	}
}

func TestFailures(t *testing.T) {
	cases := map[string]struct {
		change func(*Config)
		code   trimtab.Code
		want   string
	}{
		"no such column in the query": {func(c *Config) { c.Query = "SELECT nothing FROM data" }, trimtab.Outside, "nothing"},
		"no such table":               {func(c *Config) { c.Query = "SELECT * FROM other" }, trimtab.Outside, "other"},
		"no SQL":                      {func(c *Config) { c.Query = "SELEC 1" }, trimtab.Invalid, "cannot be used"},
		"two statements":              {func(c *Config) { c.Query = "SELECT 1; SELECT 2" }, trimtab.Invalid, "2 statements"},
		"fails while it runs": {func(c *Config) {
			c.Query = "SELECT CAST(State AS INTEGER) AS InstanceId, 1 AS State, 1 AS Cost FROM data"
		}, trimtab.Outside, "running"},
		"until without a time":   {func(c *Config) { c.Until = "State" }, trimtab.Outside, "no time in any row"},
		"until without a column": {func(c *Config) { c.Until = "When" }, trimtab.Outside, "When"},
		"a row that cannot be told": {func(c *Config) {
			c.Map = []Field{{"id", "fails"}}
			c.Compile = func(string, []string) (Value, error) {
				return func(row map[string]any) (any, error) {
					if row["InstanceId"] == "i-2" {
						return nil, errors.New("no such thing")
					}
					return row["InstanceId"], nil
				}, nil
			}
		}, trimtab.Outside, "row 2: field id: no such thing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := config(write(t, "vms.csv", vms))
			c.change(&cfg)
			batch, err := New(cfg).Gather(t.Context(), time.Now())
			if err == nil {
				t.Fatalf("gathered %v", batch)
			}
			if trimtab.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), cfg.Path) {
				t.Errorf("%v is %v, want %v with %q and the path", err, trimtab.CodeOf(err), c.code, c.want)
			}
			if trimtab.NextOf(err) == "" {
				t.Errorf("%v names no next step", err)
			}
		})
	}
}

// A query is often written with the semicolon that a shell wants.
func TestQueryWithSemicolon(t *testing.T) {
	cfg := config(write(t, "vms.csv", vms))
	cfg.Query = "SELECT * FROM data WHERE State IS NOT NULL; -- the rest is gone\n"
	if batch, err := New(cfg).Gather(t.Context(), time.Now()); err != nil || len(batch.Facts) != 1 {
		t.Errorf("%v, %v", batch, err)
	}
}
