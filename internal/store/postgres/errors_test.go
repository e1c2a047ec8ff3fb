package postgres_test

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/postgres"
	"github.com/trimtab/trimtab/internal/store/postgrestest"
)

// changed is an address with one part replaced.
func changed(t *testing.T, dsn string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

// Every way in which a state cannot be opened says what to do, and none repeats a secret.
func TestCannotOpen(t *testing.T) {
	server := postgrestest.Start(t)
	empty := server.Empty(t)
	query := func(text string) func(*url.URL) { return func(u *url.URL) { u.RawQuery += text } }
	for name, c := range map[string]struct {
		dsn  string
		code trimtab.Code
	}{
		"wrong password": {changed(t, empty, func(u *url.URL) { u.User = url.UserPassword("trimtab", "hush-wrong") }), trimtab.Invalid},
		"no database":    {changed(t, empty, func(u *url.URL) { u.Path = "/none" }), trimtab.NotFound},
		"no server":      {changed(t, empty, func(u *url.URL) { u.Host = "127.0.0.1:1" }), trimtab.Outside},
		"no file":        {changed(t, empty, query("&sslmode=verify-full&sslrootcert="+filepath.Join(t.TempDir(), "none.pem"))), trimtab.Invalid},
		"no schema":      {changed(t, empty, query("&search_path=nowhere")), trimtab.Invalid},
		"not its own":    {changed(t, empty, func(u *url.URL) { u.Path = "/postgres" }), trimtab.Invalid},
		"not flushed":    {changed(t, empty, query("&synchronous_commit=off")), trimtab.Invalid},
		"slash":          {"postgres://trimtab:hush/hush@127.0.0.1/db", trimtab.Invalid},
		"number, slash":  {"postgres://trimtab:12/hush@127.0.0.1/db", trimtab.Invalid},
		"percent":        {"postgres://trimtab:hush%zz@127.0.0.1/db", trimtab.Invalid},
		"two at":         {"postgres://trimtab:12@hush@127.0.0.1/db", trimtab.Invalid},
		"mode":           {changed(t, empty, query("&sslmode=hush")), trimtab.Invalid},
	} {
		s, err := postgres.Open(t.Context(), c.dsn)
		if err == nil {
			t.Errorf("%s: opened, %v", name, s.Close())
			continue
		}
		if trimtab.CodeOf(err) != c.code || trimtab.NextOf(err) == "" {
			t.Errorf("%s: %s: %v, next %q", name, trimtab.CodeOf(err), err, trimtab.NextOf(err))
		}
		if strings.Contains(err.Error()+trimtab.NextOf(err), "hush") {
			t.Errorf("%s: it repeats the password: %v", name, err)
		}
	}
	_, err := postgres.OpenRead(t.Context(), empty)
	if trimtab.CodeOf(err) != trimtab.NotFound || !errors.Is(err, store.ErrNoState) || trimtab.NextOf(err) == "" {
		t.Errorf("a database without tables, for reading: %v", err)
	}
}

// A state that a newer Trimtab has migrated is left alone.
func TestNewerSchema(t *testing.T) {
	dsn := migrated(t)
	open(t, dsn)
	postgrestest.Exec(t, dsn, `INSERT INTO schema_migrations VALUES ('schema/999_from_the_future.sql')`)
	_, writing := postgres.Open(t.Context(), dsn)
	_, reading := postgres.OpenRead(t.Context(), dsn)
	for _, err := range []error{writing, reading} {
		if trimtab.CodeOf(err) != trimtab.Invalid || !strings.Contains(err.Error(), "newer version") {
			t.Errorf("%v", err)
		}
	}
}

// All of it is in the schema that the address names.
func TestSearchPath(t *testing.T) {
	dsn := postgrestest.Start(t).Empty(t)
	postgrestest.Exec(t, dsn, `CREATE SCHEMA apart`)
	s := open(t, changed(t, dsn, func(u *url.URL) { u.RawQuery += "&search_path=apart" }))
	err := s.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT COUNT(*) FROM pg_tables WHERE tableowner = 'trimtab' AND schemaname <> 'apart'`)
		if err == nil && rows[0][0] != int64(0) {
			t.Errorf("%v tables elsewhere", rows[0][0])
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What is opened for reading writes nothing, and people's own SQL neither.
func TestReadsOnly(t *testing.T) {
	dsn := migrated(t)
	writer := open(t, dsn)
	reader, err := postgres.OpenRead(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	if err := reader.Write(t.Context(), func(tx *store.Tx) error { return tx.SaveWatermark("x", store.Watermark{}) }); err == nil {
		t.Error("a reader wrote")
	}
	for _, s := range []*store.Store{writer, reader} {
		for _, query := range []string{"DELETE FROM installation", "DROP TABLE ops", "INSERT INTO watermarks VALUES ('x', 1, '')"} {
			err := s.Read(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Query(query)
				return err
			})
			if err == nil {
				t.Errorf("%s: was carried out", query)
			}
		}
	}
}
