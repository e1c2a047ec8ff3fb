// Package storetest is the suite that the state passes on every database.
package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/source"
)

// Open opens the same, at first empty, database each time that it is called.
type Open func() (*store.Store, error)

// Run runs the suite; fresh gives an Open of an empty database.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	tests := []struct {
		name string
		test func(*testing.T, *state)
	}{
		{"keeps its installation id", testInstallation},
		{"writes all of a transaction or nothing", testAtomic},
		{"refuses a second open episode of a key", testOneOpenEpisode},
		{"keeps an episode as it was", testEpisode},
		{"folds repeats onto the first and its ticket", testMap},
		{"advances the last good scan only when complete", testScans},
		{"hands out what is due, in order", testOutbox},
		{"files at most one creation of a link", testOneCreation},
		{"hands out what is wanted, released and not stopped", testQueue},
		{"keeps what has to wait", testQueueWaits},
		{"knows what was filed before", testKeysBefore},
		{"keeps what was gathered, exactly", testGathered},
		{"keeps watermarks", testWatermark},
		{"adds the ledger up in decimals", testLedger},
		{"tells what became of savings", testSavings},
		{"keeps texts that no database can hold as near as it can", testOddTexts},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			s := &state{T: t, open: fresh(t)}
			s.reopen()
			t.Cleanup(func() { _ = s.Close() })
			c.test(t, s)
		})
	}
}

// state is the store under test.
type state struct {
	*testing.T
	*store.Store
	open Open
}

func (s *state) reopen() {
	s.Helper()
	if s.Store != nil {
		s.check(s.Close())
	}
	var err error
	s.Store, err = s.open()
	s.check(err)
}

func (s *state) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *state) write(fn func(tx *store.Tx) error) {
	s.Helper()
	s.check(s.Write(context.Background(), fn))
}

func (s *state) read(fn func(tx *store.Tx) error) {
	s.Helper()
	s.check(s.Read(context.Background(), fn))
}

func at(n int64) time.Time { return time.UnixMilli(n).UTC() }

func usd(text string) trimtab.Money {
	return trimtab.Money{Amount: decimal.RequireFromString(text), Currency: "USD"}
}

func episode(key string) *store.Episode {
	return &store.Episode{
		Key: trimtab.Key(key), Number: 1, Action: "stop", Resource: "vm", Owner: "ann", Board: "fin", Rules: []string{"p/a", "p/b"},
		State: lifecycle.State{Condition: trimtab.Present, Workflow: trimtab.New, FirstSeen: at(10), LastSeen: at(20), Seen: 2, Savings: usd("12.345678901234567890")},
	}
}

func testInstallation(t *testing.T, s *state) {
	first := s.Installation()
	s.reopen()
	if first == "" || s.Installation() != first {
		t.Errorf("%q became %q", first, s.Installation())
	}
}

// A kill in the middle is a rollback to whoever opens the state next.
func testAtomic(t *testing.T, s *state) {
	// Any error of the function is the caller's own and ends the transaction.
	broken := errors.New("broken")
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		if err := tx.SaveEpisode(episode("k")); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	s.read(func(tx *store.Tx) error {
		open, err := tx.OpenEpisodes()
		if len(open) != 0 {
			t.Errorf("half a transaction was kept: %v", open)
		}
		return err
	})
}

// The unique index, not the code, is what keeps a key from being filed twice.
func testOneOpenEpisode(t *testing.T, s *state) {
	s.write(func(tx *store.Tx) error { return tx.SaveEpisode(episode("k")) })
	second := episode("k")
	second.Number = 2
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.SaveEpisode(second) }); err == nil {
		t.Error("two open episodes of one key")
	}
	s.write(func(tx *store.Tx) error {
		first, err := tx.LatestEpisode("k")
		if err != nil {
			return err
		}
		first.State.Workflow = trimtab.Verified
		second.ID = 0
		return errors.Join(tx.SaveEpisode(first), tx.SaveEpisode(second))
	})
}

func testEpisode(t *testing.T, s *state) {
	e := episode("k")
	s.write(func(tx *store.Tx) error { return tx.SaveEpisode(e) })
	s.reopen()
	s.read(func(tx *store.Tx) error {
		got, err := tx.Episode(e.ID)
		if err == nil && !reflect.DeepEqual(normal(got), normal(e)) {
			t.Errorf("got %+v\nwant %+v", got, e)
		}
		return err
	})
}

// normal makes equal decimals deeply equal.
func normal(e *store.Episode) store.Episode {
	c := *e
	c.State.Savings.Amount = decimal.RequireFromString(c.State.Savings.Amount.String())
	for _, m := range []*trimtab.Money{&c.State.Cost, &c.State.Shown, &c.State.Baseline, &c.State.At} {
		*m = trimtab.Money{}
	}
	return c
}

// Everyone's SQL joins over the map: each repeat must lead to the first's ticket.
func testMap(t *testing.T, s *state) {
	e := episode("k")
	rec := func(n int64) *trimtab.Recommendation {
		return &trimtab.Recommendation{CreatedAt: at(n), Action: "stop", Subject: trimtab.Subject{Resource: "vm"}, Savings: usd("1")}
	}
	s.write(func(tx *store.Tx) error {
		if err := tx.SaveEpisode(e); err != nil {
			return err
		}
		_, first := tx.AddRecommendation(rec(10), 1, e)
		_, again := tx.AddRecommendation(rec(20), 2, e)
		link := &store.Link{Episode: e.ID, Marker: "tt-1", Tracker: "b", Board: "fin"}
		ticket := &store.Ticket{CreatedAt: at(30), Status: trimtab.TicketCreated, Tracker: "b", Board: "fin", RemoteID: "7", Key: "FIN-7"}
		errs := errors.Join(first, again, tx.SaveEpisode(e), tx.SaveLink(link), tx.AddTicket(ticket, link))
		e.Ticket = ticket.ID
		_, third := tx.AddRecommendation(rec(40), 3, e)
		return errors.Join(errs, third)
	})
	s.read(func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT recommendation_id, first_recommendation_id, ticket_id FROM recommendation_ticket_map ORDER BY 1`)
		want := [][]any{{int64(1), int64(1), int64(1)}, {int64(2), int64(1), int64(1)}, {int64(3), int64(1), int64(1)}}
		if !reflect.DeepEqual(rows, want) {
			t.Errorf("map %v, want %v", rows, want)
		}
		return err
	})
}

func testScans(t *testing.T, s *state) {
	for _, scan := range []struct {
		end      int64
		complete bool
	}{{16, true}, {20, false}, {30, true}} {
		s.write(func(tx *store.Tx) error {
			id, err := tx.BeginScan(at(scan.end-5), "rules")
			if err != nil {
				return err
			}
			return tx.EndScan(id, at(scan.end), scan.complete, store.ScanDetail{Repeats: 3})
		})
	}
	s.read(func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT last_successful_recommendation_generated, complete FROM recommendations_generated ORDER BY id`)
		want := [][]any{{int64(16), int64(1)}, {int64(16), int64(0)}, {int64(30), int64(1)}}
		if !reflect.DeepEqual(rows, want) {
			t.Errorf("scans %v, want %v", rows, want)
		}
		scans, listed := tx.Scans(1)
		if len(scans) != 1 || scans[0].Detail.Repeats != 3 || !scans[0].LastGood.Equal(at(30)) {
			t.Errorf("newest scan %+v", scans)
		}
		return errors.Join(err, listed)
	})
}

// linked makes an episode with a link.
func linked(tx *store.Tx, key string) (*store.Link, error) {
	e := episode(key)
	if err := tx.SaveEpisode(e); err != nil {
		return nil, err
	}
	link := &store.Link{Episode: e.ID, Marker: trimtab.Marker("tt-" + key), Tracker: "b", Board: "fin", State: store.LinkWanted}
	return link, tx.SaveLink(link)
}

// What is due comes in the order in which it was planned: a comment before the
// closing that it explains.
func testOutbox(t *testing.T, s *state) {
	s.write(func(tx *store.Tx) error {
		link, err := linked(tx, "k")
		if err != nil {
			return err
		}
		return errors.Join(
			tx.Plan(link.ID, store.OpCreate, store.OpPayload{Summary: "s"}, at(1)), tx.Plan(link.ID, store.OpComment, store.OpPayload{Comment: "c"}, at(2)))
	})
	s.write(func(tx *store.Tx) error {
		ops, err := tx.Ops("b", store.OpPlanned, at(100))
		if err != nil || len(ops) != 2 || ops[0].Payload.Summary != "s" || ops[1].Kind != store.OpComment {
			t.Fatalf("%v, %v", ops, err)
		}
		ops[0].State, ops[1].NotBefore = store.OpSent, at(200)
		return errors.Join(tx.SaveOp(ops[0]), tx.SaveOp(ops[1]))
	})
	s.read(func(tx *store.Tx) error {
		due, err := tx.Ops("b", store.OpPlanned, at(100))
		later, err2 := tx.Ops("b", store.OpPlanned, at(200))
		if len(due) != 0 || len(later) != 1 {
			t.Errorf("due at 100: %d, at 200: %d", len(due), len(later))
		}
		return errors.Join(err, err2)
	})
}

// Two creations of one link would be two tickets of one marker.
func testOneCreation(t *testing.T, s *state) {
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		link, err := linked(tx, "k")
		if err != nil {
			return err
		}
		return errors.Join(tx.Plan(link.ID, store.OpCreate, store.OpPayload{}, at(1)), tx.Plan(link.ID, store.OpCreate, store.OpPayload{}, at(1)))
	})
	if err == nil {
		t.Error("two creations of one link")
	}
}

func testGathered(t *testing.T, s *state) {
	facts := []source.Fact{{Type: "ResourceCost", Fields: map[string]any{
		"resource": "vm", "monthly_cost": usd("0.1234567890123456789"), "first": at(5), "tags": map[string]string{"a": "b"},
	}}}
	s.write(func(tx *store.Tx) error {
		return errors.Join(
			tx.SaveGathered(store.Gathered{Source: "a", At: at(1)}), tx.SaveGathered(store.Gathered{Source: "a", At: at(2), Until: at(9), Facts: facts}))
	})
	s.read(func(tx *store.Tx) error {
		all, err := tx.Gathered()
		if err != nil || len(all) != 1 || len(all[0].Facts) != 1 || !all[0].Until.Equal(at(9)) {
			t.Fatalf("%+v, %v", all, err)
		}
		if got := all[0].Facts[0].Fields["monthly_cost"]; got != "0.1234567890123456789 USD" {
			t.Errorf("money came back as %v", got)
		}
		return nil
	})
}

// A scope without a watermark is read from the beginning, not an error.
func testWatermark(t *testing.T, s *state) {
	want := store.Watermark{At: at(7), Seen: map[string]string{"1": "v"}}
	s.write(func(tx *store.Tx) error {
		return errors.Join(tx.SaveWatermark("b", store.Watermark{At: at(3)}), tx.SaveWatermark("b", want))
	})
	s.read(func(tx *store.Tx) error {
		got, err := tx.Watermark("b")
		none, err2 := tx.Watermark("c")
		if !reflect.DeepEqual(got, want) || !none.At.IsZero() {
			t.Errorf("%+v, %+v", got, none)
		}
		return errors.Join(err, err2)
	})
}

// 0.3 less 0.1 is 0.2 only in decimals.
func testLedger(t *testing.T, s *state) {
	entry := lifecycle.Entry{Kind: "verified", At: at(1), Baseline: usd("0.3"), Observed: usd("0.1"), Realised: usd("0.2"), Basis: "gross"}
	s.write(func(tx *store.Tx) error {
		e := episode("k")
		return errors.Join(tx.SaveEpisode(e), tx.AddLedger(e.ID, entry))
	})
	s.read(func(tx *store.Tx) error {
		rows, err := tx.Ledger()
		if len(rows) != 1 || !rows[0].Realised.Equal(usd("0.2")) || rows[0].Basis != "gross" {
			t.Errorf("%+v", rows)
		}
		return err
	})
}

// What became of a recommendation stands in several tables; one of them may say nothing yet.
func testSavings(t *testing.T, s *state) {
	filed, fresh := episode("k"), episode("l")
	filed.State.ClaimedAt, filed.State.By = at(50), "l"
	s.write(func(tx *store.Tx) error {
		if err := errors.Join(tx.SaveEpisode(filed), tx.SaveEpisode(fresh)); err != nil {
			return err
		}
		rec := &trimtab.Recommendation{CreatedAt: at(10), Action: "stop", Subject: trimtab.Subject{Resource: "vm", Account: "shop"}}
		_, err := tx.AddRecommendation(rec, 1, filed)
		link := &store.Link{Episode: filed.ID, Marker: "tt-1", Tracker: "b", Board: "fin"}
		ticket := &store.Ticket{CreatedAt: at(30), Status: trimtab.TicketCreated, Tracker: "b", Board: "fin", RemoteID: "7", Key: "FIN-7"}
		err = errors.Join(err, tx.SaveEpisode(filed), tx.SaveLink(link), tx.AddTicket(ticket, link))
		return errors.Join(err, tx.AddLedger(filed.ID, lifecycle.Entry{Kind: "verified", At: at(60), Realised: usd("0.2")}))
	})
	s.read(func(tx *store.Tx) error {
		lives, err := tx.SavingsLives()
		if err != nil || len(lives) != 2 {
			t.Fatalf("%+v, %v", lives, err)
		}
		l := lives[0]
		if l.Rule != "p/a" || l.Board != "fin" || l.Owner != "ann" || l.Account != "shop" || !l.Superseded || !l.Savings.Equal(usd("12.345678901234567890")) {
			t.Errorf("%+v", l)
		}
		if !l.Seen.Equal(at(10)) || !l.Ticketed.Equal(at(30)) || !l.Claimed.Equal(at(50)) || len(l.Booked) != 1 || !l.Booked[0].Realised.Equal(usd("0.2")) {
			t.Errorf("%+v", l)
		}
		if l := lives[1]; !l.Ticketed.IsZero() || !l.Claimed.IsZero() || l.Superseded || len(l.Booked) != 0 || l.Account != "" {
			t.Errorf("%+v", l)
		}
		return nil
	})
}

// An answer of a tracker with a zero byte in it must not stop the outbox.
func testOddTexts(t *testing.T, s *state) {
	s.write(func(tx *store.Tx) error {
		link, err := linked(tx, "k")
		if err != nil {
			return err
		}
		if err := tx.Plan(link.ID, store.OpCreate, store.OpPayload{Summary: "a\x00b\xff"}, at(1)); err != nil {
			return err
		}
		ops, err := tx.Ops("b", store.OpPlanned, at(100))
		if err != nil || len(ops) != 1 {
			t.Fatalf("%v, %v", ops, err)
		}
		ops[0].Error = "a\x00b\xffc ü"
		return tx.SaveOp(ops[0])
	})
	s.read(func(tx *store.Tx) error {
		ops, err := tx.Unfinished()
		if err == nil && ops[0].Error != "a\uFFFDb\uFFFDc ü" {
			t.Errorf("%q", ops[0].Error)
		}
		return err
	})
}
