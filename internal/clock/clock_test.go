package clock

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func TestManual(t *testing.T) {
	m := At(noon)
	if first := m.Now(); !first.Equal(noon) || !m.Now().Equal(first) {
		t.Errorf("it shows %s: it must stand", m.Now())
	}
	m.Advance(time.Minute)
	if err := m.Sleep(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if want := noon.Add(61 * time.Minute); !m.Now().Equal(want) {
		t.Errorf("it shows %s, want %s", m.Now(), want)
	}
	m.Set(noon)
	if !m.Now().Equal(noon) {
		t.Errorf("it was set back and shows %s", m.Now())
	}
}

// Two workers that sleep at once move the clock by both of their sleeps.
func TestManualFromMany(t *testing.T) {
	m := At(noon)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				_ = m.Sleep(context.Background(), time.Second)
			}
		})
	}
	all.Wait()
	if want := noon.Add(8000 * time.Second); !m.Now().Equal(want) {
		t.Errorf("it shows %s, want %s", m.Now(), want)
	}
}

// Who was told to stop does not wait, and the clock does not move.
func TestSleepCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := At(noon)
	for range 100 { // a select between two ready channels would be a coin's toss
		for name, c := range map[string]Clock{"system": System{}, "as of": AsOf(noon), "manual": m} {
			for _, d := range []time.Duration{0, time.Hour} {
				if err := c.Sleep(ctx, d); !errors.Is(err, context.Canceled) {
					t.Fatalf("%s, %s: %v", name, d, err)
				}
			}
		}
	}
	if !m.Now().Equal(noon) {
		t.Errorf("the manual clock moved to %s", m.Now())
	}
}

// A sleep under way ends with the context: the clock would ring in a year.
func TestSleepInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- System{}.Sleep(ctx, 365*24*time.Hour) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestSystem(t *testing.T) {
	before := time.Now()
	now := System{}.Now()
	if now.Before(before) || now.After(time.Now()) || now.Location() != time.UTC {
		t.Errorf("%s is not now, in UTC", now)
	}
	shown := AsOf(noon).Now()
	if shown.Before(noon) || shown.Location() != time.UTC {
		t.Errorf("as of %s it shows %s", noon, shown)
	}
	c := AsOf(noon)
	if first := c.Now(); c.Now().Before(first) {
		t.Error("it runs backwards")
	}
}
