package redminetest

import (
	"testing"
	"time"
)

// What the other tests stand on: the door, the clock and an end.
func TestServer(t *testing.T) {
	s := Start(t)
	t.Cleanup(Stop)
	var before, after time.Time
	s.Ruby(t, `Time.now.utc`, &before)
	s.Advance(t, time.Hour)
	s.Ruby(t, `Time.now.utc`, &after)
	if ahead := after.Sub(before); ahead < time.Hour {
		t.Errorf("the clock is %s ahead", ahead)
	}
	if err := s.ruby(`raise "no"`, nil); err == nil {
		t.Error("a failure was no error")
	}
	s.Empty(t)
	Stop()
	if err := s.ruby(`1`, nil); err == nil {
		t.Error("it answers after its end")
	}
}
