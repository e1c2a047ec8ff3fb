package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/durable/durabletest"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/postgres"
	"github.com/trimtab/trimtab/internal/store/postgrestest"
	"github.com/trimtab/trimtab/internal/store/storetest"
)

// Whoever starts first makes the tables; the others find them.
func TestMigratedAtOnce(t *testing.T) {
	dsn := postgrestest.Start(t).Empty(t)
	const processes = 8
	var all sync.WaitGroup
	ids, errs := make([]string, processes), make([]error, processes)
	for i := range processes {
		all.Go(func() {
			s, err := postgres.Open(t.Context(), dsn)
			if err != nil {
				errs[i] = err
				return
			}
			ids[i], errs[i] = s.Installation(), s.Close()
		})
	}
	all.Wait()
	for i := range processes {
		if errs[i] != nil || ids[i] == "" || ids[i] != ids[0] {
			t.Errorf("process %d has installation %q, %v; the first has %q", i, ids[i], errs[i], ids[0])
		}
	}
}

// heard waits until one store hears of what another does. What is told before it listens
// is not heard, so the other does it again until it is.
func heard(t *testing.T, by, from *store.Store) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		by.Runs().Wait(context.Background(), time.Hour)
		close(done)
	}()
	for {
		err := from.Runs().Write(t.Context(), func(tx durable.Tx) error {
			_, err := tx.Insert(&durable.Run{Workflow: "w", Status: durable.Cancelled})
			return err
		})
		if err != nil && !from.Runs().Lost(err) {
			t.Fatal(err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// Processes hear of one another's runs, again after the server was away.
func TestNews(t *testing.T) {
	dsn := migrated(t)
	a, b := open(t, dsn), open(t, dsn)
	heard(t, a, b)
	heard(t, b, a)
	postgrestest.Start(t).Restart(t)
	heard(t, a, b)
	heard(t, b, a)
}

// fleet is several processes, each with its own connections and engine.
type fleet struct {
	t       *testing.T
	stores  []*store.Store
	engines []*durable.Engine
}

func newFleet(t *testing.T, n int, flow durable.Workflow) *fleet {
	t.Helper()
	f, dsn := &fleet{t: t}, migrated(t)
	for range n {
		s := open(t, dsn)
		e, err := durable.New(durable.Config{Log: s.Runs(), Worker: durable.Name(), Slots: 4, Poll: 20 * time.Millisecond}, flow)
		if err != nil {
			t.Fatal(err)
		}
		f.stores, f.engines = append(f.stores, s), append(f.engines, e)
	}
	return f
}

func (f *fleet) submit(n int) {
	f.t.Helper()
	for i := range n {
		if _, _, err := f.engines[0].Submit(f.t.Context(), durable.Request{Workflow: "w", Input: i}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// ended counts the runs that came to a good end; the error is the database's.
func (f *fleet) ended() (int, error) {
	runs, err := f.engines[0].List(f.t.Context(), durable.Filter{Statuses: []durable.Status{durable.Done}})
	return len(runs), err
}

// rows are the domain rows that steps have counted up.
func (f *fleet) rows() map[string]int64 {
	f.t.Helper()
	rows := map[string]int64{}
	err := f.stores[0].Read(f.t.Context(), func(tx *store.Tx) error {
		found, err := tx.Query(`SELECT scope, at FROM watermarks WHERE scope LIKE 'row %'`)
		for _, r := range found {
			rows[strings.TrimPrefix(fmt.Sprint(r[0]), "row ")], _ = r[1].(int64)
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return rows
}

// rowsOnce fails unless there are so many rows, each written once.
func (f *fleet) rowsOnce(want int) {
	f.t.Helper()
	rows := f.rows()
	for name, n := range rows {
		if n != 1 {
			f.t.Errorf("row %s was written %d times", name, n)
		}
	}
	if len(rows) != want {
		f.t.Errorf("%d rows, want %d", len(rows), want)
	}
}

// row is a step that counts a row of its name up.
func row() *durable.Step[string, string] {
	return durable.NewStepTx("row", func(_ context.Context, tx *store.Tx, name string) (string, error) {
		w, err := tx.Watermark("row " + name)
		if err != nil {
			return "", err
		}
		n := int64(0)
		if !w.At.IsZero() {
			n = w.At.UnixMilli()
		}
		return name, tx.SaveWatermark("row "+name, store.Watermark{At: time.UnixMilli(n + 1)})
	})
}

// No run is at work in two processes at once, and none is forgotten.
func TestConcurrentClaims(t *testing.T) {
	const runs = 60
	var busy [runs]atomic.Int32
	row := row()
	work := durable.NewStep("work", func(_ context.Context, run int) (int, error) {
		if busy[run].Add(1) != 1 {
			t.Errorf("run %d is at work twice", run)
		}
		defer busy[run].Add(-1)
		return run, nil
	})
	f := newFleet(t, 4, durable.NewWorkflow("w", 1, func(f *durable.Flow, run int) (string, error) {
		if _, err := work.Do(f, run); err != nil {
			return "", err
		}
		return row.Do(f, fmt.Sprint(run))
	}, work, row))
	f.submit(runs)
	var all sync.WaitGroup
	for _, e := range f.engines {
		all.Go(func() {
			if err := e.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n, err := f.ended(); n != runs || err != nil {
		t.Errorf("%d runs ended, %v", n, err)
	}
	f.rowsOnce(runs)
}

// The server dies in the middle of runs and comes back: workers go on, nothing is lost,
// every row is there once.
func TestServerRestart(t *testing.T) {
	const runs, steps = 12, 6
	row := row()
	middle := make(chan struct{}, runs)
	work := durable.NewStep("work", func(context.Context, int) (int, error) {
		middle <- struct{}{}
		return 0, nil
	})
	f := newFleet(t, 2, durable.NewWorkflow("w", 1, func(f *durable.Flow, run int) (int, error) {
		for i := range steps {
			if i == steps/2 {
				if _, err := work.Do(f, 0); err != nil {
					return 0, err
				}
			}
			if _, err := row.Item(f, fmt.Sprint(i), fmt.Sprintf("%d.%d", run, i)); err != nil {
				return 0, err
			}
		}
		return run, nil
	}, work, row))
	f.submit(runs)
	for _, e := range f.engines {
		e.Start(context.Background())
	}
	go func() {
		for range middle {
		}
	}()
	defer close(middle)
	<-middle
	postgrestest.Start(t).Restart(t)
	for n := 0; n < runs; {
		f.stores[0].Runs().Wait(t.Context(), 20*time.Millisecond)
		var err error
		if n, err = f.ended(); err != nil && !f.stores[0].Runs().Lost(err) {
			t.Fatal(err)
		}
	}
	for _, e := range f.engines {
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}
	f.rowsOnce(runs * steps)
}

// While the server is away nothing is lost, no attempt counts and no step is done twice.
func TestOutage(t *testing.T) {
	server := postgrestest.Start(t)
	durabletest.Outage(t, storetest.Site(t, open(t, migrated(t))), func() { server.Crash(t) }, func() { server.Recover(t) })
}

// A transaction whose connection is cut is one that never was, and the next one works.
func TestCutOff(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn)
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		if err := tx.SaveWatermark("b", store.Watermark{At: time.UnixMilli(7)}); err != nil {
			return err
		}
		postgrestest.Start(t).Do(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'trimtab'`)
		_, err := tx.Watermark("b")
		return err
	})
	if err == nil || !s.Runs().Lost(err) {
		t.Errorf("%v is no error of the database", err)
	}
	err = s.Write(t.Context(), func(tx *store.Tx) error {
		w, err := tx.Watermark("b")
		if !w.At.IsZero() {
			t.Error("half of a transaction was kept")
		}
		return errors.Join(err, tx.SaveWatermark("b", store.Watermark{At: time.UnixMilli(8)}))
	})
	if err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// Those who wait for their turn to change domain rows leave connections to those who keep
// leases.
func TestLeasesBesideWriters(t *testing.T) {
	dsn := migrated(t)
	s, other := open(t, dsn), open(t, dsn)
	holds, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		err := other.Write(context.Background(), func(*store.Tx) error {
			close(holds)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-holds
	const writers = 100
	begun := make(chan struct{}, writers)
	for range writers {
		all.Go(func() {
			begun <- struct{}{}
			if err := s.Write(context.Background(), func(*store.Tx) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for range writers {
		<-begun
	}
	err := s.Runs().Write(t.Context(), func(tx durable.Tx) error {
		_, err := tx.Insert(&durable.Run{Workflow: "w", Status: durable.Pending})
		return err
	})
	if err != nil {
		t.Error(err)
	}
	close(release)
	all.Wait()
}
