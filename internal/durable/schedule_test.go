package durable

import (
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
)

// TestOneStarts: of workers that find a schedule due at the same time one starts the run.
func TestOneStarts(t *testing.T) {
	manual := clock.At(at(3600))
	log := &Memory{Clock: manual, Shared: true}
	flow := NewWorkflow("w", 1, func(*Flow, int) (int, error) { return 0, nil })
	s := Schedule{
		Name: "s", Spec: "hourly", AtOnce: true, Next: func(now time.Time) time.Time { return now.Add(time.Hour) },
		Make: func(time.Time) Request { return Request{Workflow: "w"} },
	}
	for range 3 {
		e, err := New(Config{Log: log, Clock: manual, Worker: Name()}, flow)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Write(t.Context(), func(tx Tx) error { return e.fire(tx, s, manual.Now()) }); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := Operator{Log: log}.List(t.Context(), Filter{})
	if len(runs) != 1 || err != nil {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}
