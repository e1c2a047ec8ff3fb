package durable_test

import (
	"testing"

	"github.com/trimtab/trimtab/internal/durable/durabletest"
)

func TestMemory(t *testing.T) {
	durabletest.Run(t, func(*testing.T) *durabletest.Site { return durabletest.NewMemory() })
	t.Logf("%d boundaries", durabletest.Boundaries.Tried)
}

func TestSharedMemory(t *testing.T) {
	durabletest.Run(t, func(*testing.T) *durabletest.Site { return durabletest.NewSharedMemory() })
}
