package durabletest

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/durable"
)

// testRows: what is written comes back as it was.
func testRows(t *testing.T, site *Site) {
	b := newBench(t, site, nil)
	now := site.Clock.Now()
	run := durable.Run{
		Workflow: "w", Version: 3, Key: "k", Queue: "q", Input: json.RawMessage(`{"a":1}`), Status: durable.Waiting, Reason: "why", Awaits: "s",
		WakeAt: now.Add(time.Hour), Cancel: true, Epoch: 7, Owner: "me", Lease: now.Add(time.Minute), Crashes: 2,
		Progress: durable.Progress{"tickets": {Done: 1, Total: 3}}, CreatedAt: now, StartedAt: now.Add(time.Second), EndedAt: now.Add(time.Hour),
		Output: json.RawMessage(`[1]`), Error: &durable.Failure{Code: "outside", Text: "t", Next: "n"},
	}
	b.write(func(tx durable.Tx) error {
		_, err := tx.Insert(&run)
		return err
	})
	records := []*durable.Record{
		{Run: run.ID, Name: "a", Kind: durable.KindStep, Outcome: durable.StepDone, Shape: "s", Hash: "h", Input: json.RawMessage(`1`), Output: json.RawMessage(`{"b":null}`), Attempts: 2, StartedAt: now, EndedAt: now.Add(time.Second)},
		{Run: run.ID, Name: "j", Kind: durable.KindJob, Outcome: durable.StepPending, After: []string{"x", "y/z"}},
		{Run: run.ID, Name: "b", Kind: durable.KindStep, Outcome: durable.StepRetrying, Error: run.Error, NextAt: now.Add(time.Hour)},
	}
	b.write(func(tx durable.Tx) error {
		for _, r := range records {
			if err := tx.SaveRecord(r); err != nil {
				return err
			}
		}
		return nil
	})
	b.read(func(tx durable.Tx) error {
		got, err := tx.Run(run.ID)
		if err != nil || !reflect.DeepEqual(*got, run) {
			t.Errorf("%v\n got %+v\nwant %+v", err, *got, run)
		}
		all, err := tx.Records(run.ID)
		for i, r := range all {
			if !reflect.DeepEqual(r, records[i]) {
				t.Errorf("%d:\n got %+v\nwant %+v", i, r, records[i])
			}
		}
		if len(all) != len(records) {
			t.Errorf("%d records", len(all))
		}
		return err
	})
	testReplaced(t, b, run.ID, records)
}

// testReplaced: a record that is written again keeps its place.
func testReplaced(t *testing.T, b *bench, run int64, records []*durable.Record) {
	t.Helper()
	records[0].Attempts = 9
	b.write(func(tx durable.Tx) error {
		if err := tx.SaveRecord(records[0]); err != nil {
			return err
		}
		return tx.DropRecords(run, []string{"j", "unknown"})
	})
	b.read(func(tx durable.Tx) error {
		all, err := tx.Records(run)
		var names []string
		for _, r := range all {
			names = append(names, r.Name)
		}
		if !slices.Equal(names, []string{"a", "b"}) || all[0].Attempts != 9 {
			t.Errorf("%v, %+v", names, all[0])
		}
		return err
	})
	if _, err := b.List(context.Background(), durable.Filter{}); err != nil {
		t.Error(err)
	}
	if _, _, err := b.Show(context.Background(), 99); !errors.Is(err, durable.ErrNoRun) {
		t.Errorf("%v", err)
	}
}

// testKeys: one run that has not ended has a key.
func testKeys(t *testing.T, site *Site) {
	b := newBench(t, site, nil)
	insert := func(r *durable.Run) (added bool) {
		b.write(func(tx durable.Tx) (err error) {
			added, err = tx.Insert(r)
			return err
		})
		return added
	}
	first, second, free := &durable.Run{Workflow: "w", Key: "k", Status: durable.Pending}, &durable.Run{Workflow: "w", Key: "k", Status: durable.Pending}, &durable.Run{Workflow: "w", Status: durable.Pending}
	if !insert(first) || insert(second) || second.ID != first.ID || !insert(free) || !insert(&durable.Run{Workflow: "w", Status: durable.Pending}) {
		t.Errorf("first %d, second %d", first.ID, second.ID)
	}
	first.Status = durable.Failed
	b.write(func(tx durable.Tx) error { return tx.Save(first) })
	third := &durable.Run{Workflow: "w", Key: "k", Status: durable.Pending}
	if !insert(third) || third.ID == first.ID {
		t.Error("a key is free when its run has ended")
	}
	first.Status = durable.Pending
	err := b.log.Write(context.Background(), func(tx durable.Tx) error { return tx.Save(first) })
	if !errors.Is(err, durable.ErrKeyTaken) {
		t.Errorf("a second run of the key came back: %v", err)
	}
}

// testDue: which runs may be claimed, and in which order.
func testDue(t *testing.T, site *Site) {
	b := newBench(t, site, nil)
	now := site.Clock.Now()
	add := func(r durable.Run) int64 {
		r.Workflow = "w"
		b.write(func(tx durable.Tx) error {
			_, err := tx.Insert(&r)
			return err
		})
		return r.ID
	}
	late := add(durable.Run{Status: durable.Pending, WakeAt: now})
	early := add(durable.Run{Status: durable.Waiting, WakeAt: now.Add(-time.Minute)})
	add(durable.Run{Status: durable.Waiting, WakeAt: now.Add(time.Millisecond)})
	lapsed := add(durable.Run{Status: durable.Running, Owner: "other", Lease: now, WakeAt: now.Add(-time.Hour)})
	held := add(durable.Run{Status: durable.Running, Owner: "other", Lease: now.Add(time.Minute), WakeAt: now.Add(-2 * time.Hour)})
	mine := add(durable.Run{Status: durable.Running, Owner: "me", Lease: now.Add(time.Minute), WakeAt: now.Add(-3 * time.Hour)})
	for _, s := range []durable.Status{durable.Done, durable.Partial, durable.Failed, durable.Cancelled, durable.Parked} {
		add(durable.Run{Status: s, EndedAt: now.Add(-time.Hour)})
	}
	add(durable.Run{Status: durable.Pending, Version: 4})
	full := add(durable.Run{Status: durable.Pending, Queue: "full", WakeAt: now})
	ask := func(q durable.DueQuery) (ids []int64) {
		q.Now, q.Worker = now, "me"
		if q.Known == nil {
			q.Known = []durable.Known{{Workflow: "v", Version: 9}, {Workflow: "w", Version: 3}}
		}
		b.write(func(tx durable.Tx) error {
			due, err := tx.Due(q)
			for _, r := range due {
				ids = append(ids, r.ID)
			}
			return err
		})
		return ids
	}
	for _, c := range []struct {
		q    durable.DueQuery
		want []int64
	}{
		{durable.DueQuery{Limit: 9}, []int64{mine, lapsed, early, late, full}},
		{durable.DueQuery{Limit: 9, Full: []string{"full", "other"}}, []int64{mine, lapsed, early, late}},
		{durable.DueQuery{Limit: 2}, []int64{mine, lapsed}},
		{durable.DueQuery{Limit: 9, Only: late}, []int64{late}},
		{durable.DueQuery{Limit: 9, Known: []durable.Known{{Workflow: "v", Version: 9}}}, nil},
		{durable.DueQuery{Limit: 9, Void: true, Except: []int64{mine}}, []int64{held, lapsed, early, late, full}},
	} {
		if got := ask(c.q); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, got, c.want)
		}
	}
	b.write(func(tx durable.Tx) error {
		n, err := tx.Prune(now)
		if n != 4 { // a parked run has not ended
			t.Errorf("%d pruned", n)
		}
		return err
	})
	parked, err := b.List(context.Background(), durable.Filter{Statuses: []durable.Status{durable.Parked, durable.Done}})
	if err != nil || len(parked) != 1 {
		t.Errorf("%v, %v", parked, err)
	}
}

// testMarks: numbers by name.
func testMarks(t *testing.T, site *Site) {
	b := newBench(t, site, nil)
	b.write(func(tx durable.Tx) error {
		if n, err := tx.Mark("a"); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		return errors.Join(tx.SetMark("a", 1<<60), tx.SetMark("b", -1), tx.SetMark("a", 7))
	})
	b.read(func(tx durable.Tx) error {
		a, err := tx.Mark("a")
		if a != 7 {
			t.Errorf("%d", a)
		}
		return err
	})
}

// testUndone: a transaction that fails leaves nothing.
func testUndone(t *testing.T, site *Site) {
	b := newBench(t, site, nil)
	kept := &durable.Run{Workflow: "w", Status: durable.Pending}
	b.write(func(tx durable.Tx) error {
		_, err := tx.Insert(kept)
		return err
	})
	err := b.log.Write(context.Background(), func(tx durable.Tx) error {
		changed := *kept
		changed.Status = durable.Done
		_, err := tx.Insert(&durable.Run{Workflow: "w", Status: durable.Pending})
		return errors.Join(err, tx.Save(&changed), tx.SaveRecord(&durable.Record{Run: kept.ID, Name: "a"}), tx.SetMark("m", 1), site.Record(tx.Domain(), "x"), errBroken)
	})
	if !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	b.read(func(tx durable.Tx) error {
		all, err := tx.Find(durable.Filter{})
		records, _ := tx.Records(kept.ID)
		mark, _ := tx.Mark("m")
		if len(all) != 1 || all[0].Status != durable.Pending || len(records) != 0 || mark != 0 {
			t.Errorf("%+v, %v, %d", all, records, mark)
		}
		return err
	})
	if len(site.Rows()) != 0 {
		t.Error("a row stayed")
	}
	if err := b.log.Read(context.Background(), func(tx durable.Tx) error { return tx.SetMark("m", 1) }); err == nil {
		t.Error("a reading transaction wrote")
	}
}

// testFence: a worker that lost the run writes nothing, not even rows of its own.
func testFence(t *testing.T, site *Site) {
	var b *bench
	step := durable.NewStep("step", func(ctx context.Context, _ int) (int, error) {
		b.write(func(tx durable.Tx) error { // another worker had the run, and ended it
			run, err := tx.Run(durable.RunOf(ctx))
			run.Epoch++
			run.Owner, run.Status = "thief", durable.Done
			return errors.Join(err, tx.Save(run))
		})
		check := durable.FenceOf(ctx)
		err := b.log.Write(ctx, func(tx durable.Tx) error { return errors.Join(site.Record(tx.Domain(), "late"), check(tx)) })
		if !errors.Is(err, durable.ErrFenced) {
			t.Errorf("a write of the step itself: %v", err)
		}
		return 1, nil
	})
	b = newBench(t, site, nil, durable.NewWorkflow("w", 1, func(f *durable.Flow, n int) (int, error) { return step.Do(f, n) }, step))
	id := b.submit(durable.Request{Workflow: "w", Input: 1})
	b.drain()
	if run, records := b.show(id); run.Owner != "thief" || len(records) != 0 || len(site.Rows()) != 0 {
		t.Errorf("%+v, %v, %v", run, records, site.Rows())
	}
}
