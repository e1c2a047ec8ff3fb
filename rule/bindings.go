package rule

import (
	"time"

	"github.com/trimtab/trimtab/rete"
)

// noBindings is what constants are computed against.
type noBindings struct{}

// Fact is none.
func (noBindings) Fact(string) (rete.Fact, bool) { return rete.Fact{}, false }

// Value is none.
func (noBindings) Value(string) (any, bool) { return nil, false }

// Now is no time.
func (noBindings) Now() time.Time { return time.Time{} }
