package lifecycle

import (
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// Event is something that happened to a recommendation.
type Event interface{ event() }

// Seen: a scan concluded it.
type Seen struct {
	At          time.Time
	Savings     trimtab.Money
	Cost        trimtab.Money
	Fingerprint string
	Proposal    string      // what is proposed, in words
	After       Measurement // since [State.MeasuredSince]
}

// Missed: a scan on complete data did not conclude it.
type Missed struct {
	At     time.Time
	Reason string // why, as far as can be told: condition_cleared, resource_deleted …
	After  Measurement
}

// Untold: the scan cannot tell.
type Untold struct {
	At  time.Time
	Why string
}

// Granted: policy allows a ticket. Denied: it does not, yet.
type (
	Granted struct{ At time.Time }
	// Denied keeps a new recommendation back; Why names the rule of policy.
	Denied struct {
		At  time.Time
		Why string
	}
)

// Told: the tracker's status changed.
type Told struct {
	At     time.Time
	Status tracker.Status
	// CannotTell: the board has no way to say "won't do".
	CannotTell bool
	Author     string // who changed it; "" where the tracker does not say
}

// Dismissed and Snoozed: a person said so in Trimtab.
type (
	Dismissed struct {
		At     time.Time
		Until  time.Time // zero: the policy's span
		Reason string
		Author string
	}
	// Snoozed puts it off until a date; said again, until another.
	Snoozed struct {
		At, Until time.Time
		Author    string
	}
)

// Recalled: a person takes back what a bad rule has filed. The episode ends for good: what
// is there again later is a new one.
type Recalled struct {
	At  time.Time
	Why string
}

// Tick: time has passed; dismissals and snoozes may be over.
type Tick struct{ At time.Time }

// Outranked: a better proposal for the same resource won. Unrivalled: that one
// has gone.
type (
	Outranked struct {
		At time.Time
		By trimtab.Key
	}
	// Unrivalled brings a superseded proposal back.
	Unrivalled struct{ At time.Time }
)

// WhenGone is what to do about a recommendation whose ticket is gone.
type WhenGone string

// What to do when a ticket is gone.
const (
	GoneLeave    WhenGone = "leave"    // hold it, and file it no more by itself; the default
	GoneRecreate WhenGone = "recreate" // let policy file it again
	GoneDismiss  WhenGone = "dismiss"  // as if somebody had closed it as not to be done
)

// Unlinked: the ticket is proved to be deleted, or was unlinked by a person.
type Unlinked struct {
	At     time.Time
	Policy WhenGone // "" is [GoneLeave]
}

// Refile: a person lets what is held since its ticket is gone be filed again.
type Refile struct{ At time.Time }

// Linked: a person ties a ticket that exists to it; Status is that ticket's.
type Linked struct {
	At         time.Time
	Status     tracker.Status
	CannotTell bool // as in [Told]
}

func (Seen) event()       {}
func (Missed) event()     {}
func (Untold) event()     {}
func (Granted) event()    {}
func (Denied) event()     {}
func (Told) event()       {}
func (Dismissed) event()  {}
func (Snoozed) event()    {}
func (Recalled) event()   {}
func (Tick) event()       {}
func (Outranked) event()  {}
func (Unrivalled) event() {}
func (Unlinked) event()   {}
func (Refile) event()     {}
func (Linked) event()     {}
