package durable

import (
	"context"
	"sync"
	"time"
)

// News wakes those who wait for changes of runs. The zero value is ready.
type News struct {
	mu   sync.Mutex
	next chan struct{}
}

// Tell wakes everybody.
func (n *News) Tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil {
		close(n.next)
		n.next = nil
	}
}

// Wait returns at the next news, after d, or with ctx.
func (n *News) Wait(ctx context.Context, d time.Duration) {
	n.mu.Lock()
	if n.next == nil {
		n.next = make(chan struct{})
	}
	next := n.next
	n.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-next:
	case <-timer.C:
	case <-ctx.Done():
	}
}
