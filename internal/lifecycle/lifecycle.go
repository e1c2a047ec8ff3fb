// Package lifecycle is the life of a recommendation as a pure state machine:
// a state and an event go in, the next state and what must be done about it
// come out. It reads no clock and no database; the jobs feed it what scans and
// trackers said and carry its effects out.
//
// Two axes are kept apart. The condition (present, absent, unknown) is what the
// data say; only scans set it. The workflow (new … verified) is what people and
// Trimtab did. Unknown never closes anything, a person's word is never
// overwritten by a scan, and an event that no rule names changes nothing.
package lifecycle

import (
	"time"

	"github.com/trimtab/trimtab"
)

// State is everything the machine knows of one episode of a recommendation.
type State struct {
	Condition trimtab.Condition
	Workflow  trimtab.Workflow

	FirstSeen time.Time
	LastSeen  time.Time
	Seen      int // sightings in all
	Streak    int // sightings in a row
	Missed    int // complete scans in a row without it
	MissedAt  time.Time
	GoneAt    time.Time // the first of those; zero while it is there

	Savings     trimtab.Money // estimated a month; frozen while somebody works on it
	Cost        trimtab.Money // the resource's run-rate a month; frozen likewise
	Fingerprint string        // of the resource's configuration; frozen likewise
	Proposal    string        // what is proposed, in words
	LastSavings trimtab.Money // of the newest sighting, frozen or not
	LastPrint   string        // likewise the configuration

	Filed      bool          // a ticket exists or is on its way
	Gone       bool          // its ticket is gone: it is not filed again by itself
	Shown      trimtab.Money // the savings that the ticket shows
	ShownWords string        // and the proposal
	Baseline   trimtab.Money // run-rate that a fix is measured against
	BaselineAt time.Time
	ClaimedAt  time.Time   // when somebody said it was fixed, or when it went if that was before
	Measured   Measurement // what the data said last of the time since it went, while somebody works on it
	Booked     bool        // a saving stands in the ledger although somebody opened the ticket again
	CannotTell bool        // the board cannot tell "fixed" from "won't do"
	Reopened   bool        // an unproved claim has reopened the ticket once
	Noted      bool        // the ticket says that the condition has gone

	Until    time.Time     // end of a dismissal or snooze
	Author   string        // whose dismissal or snooze it is; "" where the tracker told it
	At       trimtab.Money // savings when it was dismissed
	ClosedAt time.Time
	Reason   string
	By       trimtab.Key // the proposal that superseded this one
}

// Why is the reason of the present workflow as people read it: what was put off says by whom
// and until when.
func (s State) Why() string {
	if s.Workflow != trimtab.Dismissed && s.Workflow != trimtab.Snoozed {
		return s.Reason
	}
	until := "until " + s.Until.Format(time.DateOnly)
	if s.Author != "" {
		until = "by " + s.Author + " " + until
	}
	if s.Reason == "" {
		return until
	}
	return s.Reason + " (" + until + ")"
}

// Policy holds the numbers of the machine.
type Policy struct {
	MissedToResolve int           // complete scans without it before it resolves; default 2
	ReopenWithin    time.Duration // after closing, the same ticket reopens; default 30 days
	DismissFor      time.Duration // default 180 days
	MaterialShare   string        // share of savings whose change edits the ticket; default 0.10
	MaterialAmount  string        // and the least amount; default 5.00
}

// DefaultPolicy is what a deployment gets that says nothing.
func DefaultPolicy() Policy {
	const day = 24 * time.Hour
	return Policy{
		MissedToResolve: 2, ReopenWithin: 30 * day, DismissFor: 180 * day,
		MaterialShare: "0.10", MaterialAmount: "5.00",
	}
}

// EffectKind says what is to be done after an event.
type EffectKind string

// The effects.
const (
	File    EffectKind = "file"    // create the ticket
	Reopen  EffectKind = "reopen"  // bring the ticket back to its open status
	Close   EffectKind = "close"   // move the ticket to its end status
	Comment EffectKind = "comment" // say something in the ticket
	Refresh EffectKind = "refresh" // write our part of the ticket anew
	Record  EffectKind = "record"  // write a ledger row
	Recall  EffectKind = "recall"  // close the ticket as not to be done, whatever policy says of closing
	Dismiss EffectKind = "dismiss" // likewise, since a person said so in Trimtab
)

// Effect is one thing to be done; Text is the comment that goes with it. It is said also
// where policy leaves the ticket's status alone, so it claims nothing of that.
type Effect struct {
	Kind  EffectKind
	Text  string
	Entry Entry // of Record
}

// Entry is a row of the savings ledger.
type Entry struct {
	Kind     string // "verified" or "regressed"
	At       time.Time
	Baseline trimtab.Money
	Observed trimtab.Money
	Realised trimtab.Money
	// Basis is "gross" when measured in cost data (replacements and commitments
	// are not netted), "estimated" when no cost data cover the resource.
	Basis string
}

// Currency is the one currency of the entry's amounts.
func (e Entry) Currency() string {
	for _, m := range []trimtab.Money{e.Realised, e.Observed, e.Baseline} {
		if m.Currency != "" {
			return m.Currency
		}
	}
	return ""
}

// Measurement is what the data say about the time after a claim, or after it went.
type Measurement struct {
	Days    float64       // of data that lie after that
	Window  float64       // days that must be covered before a judgement
	RunRate trimtab.Money // observed cost a month in those days
	HasCost bool          // cost data cover the resource
}

func (m Measurement) over() bool { return m.Days >= m.Window && m.Window > 0 }

// MeasuredSince is from when on an episode is to be measured; zero if it is not. What somebody
// works on is measured from when it went, so that their word finds the data's answer.
func (s State) MeasuredSince() time.Time {
	switch s.Workflow {
	case trimtab.DoneClaimed:
		return s.ClaimedAt
	case trimtab.InProgress:
		return s.wentAt()
	}
	return time.Time{}
}

// wentAt is when it went; zero while it is there. States of a version that did not note it
// know only the newest scan without it.
func (s State) wentAt() time.Time {
	if s.GoneAt.IsZero() && s.Missed > 0 {
		return s.MissedAt
	}
	return s.GoneAt
}
