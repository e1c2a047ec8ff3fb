package jira

import (
	"sync"
	"time"
)

// cacheTTL is how long what a site says of itself is believed; what it does not
// have is asked for again sooner, since people mend it.
const (
	cacheTTL   = 15 * time.Minute
	absenceTTL = time.Minute
)

// cache remembers answers by name until a time. Its zero value is ready.
type cache[V any] struct {
	mu    sync.Mutex
	known map[string]kept[V]
}

type kept[V any] struct {
	value V
	until time.Time
}

func (c *cache[V]) get(name string, now time.Time) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.known[name]
	return found.value, now.Before(found.until)
}

func (c *cache[V]) put(name string, value V, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]kept[V]{}
	}
	c.known[name] = kept[V]{value, until}
}

// drop forgets an answer that has turned out to be old.
func (c *cache[V]) drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, name)
}
