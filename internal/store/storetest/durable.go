package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/durable/durabletest"
	"github.com/trimtab/trimtab/internal/store"
)

// Durable runs the suite of durable runs on a database.
func Durable(t *testing.T, fresh func(t *testing.T) Open) {
	durabletest.Run(t, func(t *testing.T) *durabletest.Site {
		s, err := fresh(t)()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return Site(t, s)
	})
}

// Site shows a state as the suite wants it. A process that dies is one that is told at
// every door that it is dead; the next one works on the same open database.
func Site(t *testing.T, s *store.Store) *durabletest.Site {
	manual := clock.At(time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC))
	return &durabletest.Site{
		Open: func() durable.Log {
			log := s.Runs()
			log.Clock = manual.Now
			return log
		},
		Clock: manual,
		Jam: func(fn func(string) error) {
			s.Jam(func(d store.Door) error { return fn(string(d)) })
		},
		Record: func(domain any, what string) error {
			tx := domain.(*store.Tx) //nolint:forcetypeassert // what the log promises
			row, err := tx.Watermark("row " + what)
			if err != nil {
				return err
			}
			count := 1
			if !row.At.IsZero() {
				count = int(row.At.UnixMilli()) + 1
			}
			return tx.SaveWatermark("row "+what, store.Watermark{At: time.UnixMilli(int64(count))})
		},
		Rows:  func() map[string]int { return rowsOf(t, s) },
		Close: func() { _ = s.Close() },
	}
}

func rowsOf(t *testing.T, s *store.Store) map[string]int {
	rows := map[string]int{}
	err := s.Read(context.Background(), func(tx *store.Tx) error {
		found, err := tx.Query(`SELECT scope, at FROM watermarks WHERE scope LIKE 'row %'`)
		for _, r := range found {
			scope, _ := r[0].(string)
			n, _ := r[1].(int64)
			rows[strings.TrimPrefix(scope, "row ")] = int(n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return rows
}
