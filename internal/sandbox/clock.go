package sandbox

import "time"

// clock is the time by which the site works: what it was given, and how far it
// has been advanced. Limits, indexing, expiry and deliveries go by it.
func (j *Jira) clock() time.Time { return j.cfg.Now().UTC().Add(time.Duration(j.ahead.Load())) }

// now is the time that the site writes down and shows, in its own resolution.
// It is off by the skew.
func (j *Jira) now() time.Time {
	return j.clock().Add(time.Duration(j.skew.Load())).Truncate(time.Millisecond)
}

// Clock is the site's time.
func (j *Jira) Clock() time.Time { return j.clock() }

// Advance moves the site's clock on; what falls due on the way is due then.
func (j *Jira) Advance(d time.Duration) {
	j.ahead.Add(int64(d))
	j.wakeUp()
}

// Skew makes the times that the site writes and shows differ from its clock, as
// those of a server whose clock is wrong. It replaces an earlier skew.
func (j *Jira) Skew(d time.Duration) { j.skew.Store(int64(d)) }
