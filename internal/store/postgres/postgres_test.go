package postgres_test

import (
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/trimtab/trimtab/internal/durable/durabletest"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/postgres"
	"github.com/trimtab/trimtab/internal/store/postgrestest"
	"github.com/trimtab/trimtab/internal/store/storetest"
	"github.com/trimtab/trimtab/tracker/board/boardtest"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"), goleak.Cleanup(func(code int) {
		postgrestest.Stop()
		os.Exit(code)
	}))
}

// migrated gives a database with the schema in it and nothing else.
func migrated(t *testing.T) string {
	t.Helper()
	s := postgrestest.Start(t)
	s.Template(t, func(dsn string) error {
		s, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			return err
		}
		// No two states have the same installation id.
		postgrestest.Exec(t, dsn, `DELETE FROM installation`)
		return s.Close()
	})
	return s.Database(t)
}

func open(t *testing.T, dsn string) *store.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		dsn := migrated(t)
		return func() (*store.Store, error) { return postgres.Open(t.Context(), dsn) }
	})
}

func TestDurable(t *testing.T) {
	var used databases
	storetest.Durable(t, func(t *testing.T) storetest.Open {
		dsn := used.of(t)
		return func() (*store.Store, error) { return postgres.Open(t.Context(), dsn) }
	})
	t.Logf("%d boundaries", durabletest.Boundaries.Tried)
}

// databases gives each test one database, emptied each time that the test asks for another:
// to make and drop one takes longer than all else that a boundary needs.
type databases struct {
	mu     sync.Mutex
	byTest map[string]string
}

func (d *databases) of(t *testing.T) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if dsn, ok := d.byTest[t.Name()]; ok {
		empty(t, dsn)
		return dsn
	}
	if d.byTest == nil {
		d.byTest = map[string]string{}
	}
	d.byTest[t.Name()] = migrated(t)
	return d.byTest[t.Name()]
}

// empty deletes every row but the notes of migrations.
func empty(t *testing.T, dsn string) {
	t.Helper()
	postgrestest.Exec(t, dsn, `DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'schema_migrations' LOOP
			EXECUTE 'DELETE FROM ' || quote_ident(name);
		END LOOP; END $$`)
}

// The embedded board is as good on the state as it is in memory.
func TestBoard(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Site { return boardtest.Site(t, open(t, migrated(t)).BoardRows()) })
}
