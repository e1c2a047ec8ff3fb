package sandbox

import "time"

// Bucket is a token bucket: Size calls at once, and Fill more in each interval
// of Every.
type Bucket struct {
	Size, Fill int
	Every      time.Duration
}

// level is how full a bucket is, and since when.
type level struct {
	missing time.Duration // in time that it takes to fill up again
	at      time.Time
}

// one is the time in which one token comes back.
func (b Bucket) one() time.Duration { return b.Every / time.Duration(b.Fill) }

// take takes a token; if there is none it says how long until there is.
func (b Bucket) take(l *level, now time.Time) (wait time.Duration) {
	// Counted in time, not in tokens: nothing is rounded on the way.
	l.missing = max(0, l.missing-now.Sub(l.at))
	l.at = now
	full := b.one() * time.Duration(b.Size)
	if l.missing+b.one() > full {
		return l.missing + b.one() - full
	}
	l.missing += b.one()
	return 0
}

// left is how many tokens there are.
func (b Bucket) left(l level) int { return b.Size - int((l.missing+b.one()-1)/b.one()) }

// pastEvents counts events in the time just past.
type pastEvents []time.Time

// in counts the events of the last d before now, and says when the oldest of
// them is no longer among them.
func (p pastEvents) in(d time.Duration, now time.Time) (n int, until time.Time) {
	for _, at := range p {
		if at.After(now.Add(-d)) {
			if n == 0 {
				until = at.Add(d)
			}
			n++
		}
	}
	return n, until
}
