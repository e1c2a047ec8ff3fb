package table

import (
	"errors"
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
