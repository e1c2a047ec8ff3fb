package app

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/durable"
)

// TestUpgrade opens states that earlier versions wrote (`sqlite3 trimtab.db .dump`), goes
// on with what they were doing, and holds that nothing is filed twice or lost. Add a dump
// whenever the schema or a workflow changes.
func TestUpgrade(t *testing.T) {
	dumps, err := filepath.Glob("testdata/upgrade/*.sql")
	if err != nil || len(dumps) < 2 {
		t.Fatalf("%v, %v", dumps, err)
	}
	for _, dump := range dumps {
		t.Run(filepath.Base(dump), func(t *testing.T) {
			s := newSite(t)
			restore(t, dump, filepath.Join(s.dir, "trimtab.db"))
			for range 2 {
				if _, err := s.run(); err != nil {
					t.Fatal(err)
				}
			}
			a := s.open()
			defer func() { _ = a.Close() }()
			runs, err := a.Engine.List(t.Context(), durable.Filter{})
			for _, r := range runs {
				if r.Status != durable.Done {
					t.Errorf("run %d is %s: %s", r.ID, r.Status, r.Reason)
				}
			}
			if len(runs) < 2 || err != nil {
				t.Errorf("%d runs, %v", len(runs), err)
			}
			picture := s.picture()
			for query, rows := range picture {
				if strings.Contains(query, "FROM board_issues ORDER BY") && len(rows) != 2 {
					t.Errorf("%d tickets: %v", len(rows), rows)
				}
				if strings.Contains(query, "HAVING COUNT(*) > 1") && len(rows) > 0 {
					t.Errorf("filed twice: %v", rows)
				}
			}
		})
	}
}

// restore makes a database of a dump.
func restore(t *testing.T, dump, path string) {
	t.Helper()
	text, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
		t.Fatal(err)
	}
}
