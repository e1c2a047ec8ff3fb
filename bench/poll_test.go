package main

import (
	"io"
	"testing"
)

// TestPoll follows a few tickets: all that changes is taken, and nothing is written.
func TestPoll(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: it plays two days")
	}
	if err := pollTable(t.Context(), io.Discard, 120); err != nil {
		t.Fatal(err)
	}
}
