package lifecycle

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
)

// Step is the machine: it gives the state after the event and what to do. It is
// total: every event is allowed in every state, and one that nothing names for
// a state leaves it as it is. Replaying an event changes nothing more.
func Step(s State, e Event, p Policy) (State, []Effect) {
	if seen, is := e.(Seen); is {
		return saw(s, seen, p)
	}
	if s.Workflow == "" {
		return s, nil // nothing has been seen yet
	}
	switch e := e.(type) {
	case Missed:
		return missed(s, e, p)
	case Untold:
		return untold(s, e)
	case Granted:
		return granted(s)
	case Denied:
		return denied(s, e)
	case Told:
		return told(s, e, p)
	case Dismissed:
		return dismissed(s, e, p)
	case Snoozed:
		return snoozed(s, e)
	case Recalled:
		return recalled(s, e)
	case Tick:
		return tick(s, e)
	case Outranked:
		return outranked(s, e)
	case Unrivalled:
		return unrivalled(s)
	case Unlinked:
		return unlinked(s, e, p), nil
	case Refile:
		return refiled(s), nil
	case Linked:
		return linked(s, e, p)
	}
	return s, nil
}

// replayed: scans come in order, so one that is not later than what was seen
// has been heard already.
func (s State) replayed(at time.Time) bool {
	return !s.LastSeen.IsZero() && !at.After(s.LastSeen) || !s.MissedAt.IsZero() && !at.After(s.MissedAt)
}

// saw notes a sighting. Amounts stay frozen while somebody works on it: a fix is
// measured against what was there when the work began.
func saw(s State, e Seen, p Policy) (State, []Effect) {
	if s.replayed(e.At) {
		return s, nil
	}
	if s.FirstSeen.IsZero() {
		s.FirstSeen, s.Workflow = e.At, trimtab.New
	}
	// Evidence without the configuration does not say that it has changed.
	e.Fingerprint = cmp.Or(e.Fingerprint, s.LastPrint, s.Fingerprint)
	changed := s.Fingerprint != "" && e.Fingerprint != s.Fingerprint
	s.Condition, s.LastSeen, s.LastSavings, s.LastPrint = trimtab.Present, e.At, e.Savings, e.Fingerprint
	s.Seen, s.Streak, s.Missed, s.Noted, s.GoneAt, s.Measured = s.Seen+1, s.Streak+1, 0, false, time.Time{}, Measurement{}
	if s.Workflow != trimtab.InProgress && s.Workflow != trimtab.DoneClaimed {
		s.Savings, s.Cost, s.Fingerprint, s.Proposal = e.Savings, e.Cost, e.Fingerprint, e.Proposal
	}
	if s.Booked {
		return unbooked(s, e, p)
	}
	return sighted(s, e, changed, p)
}

// unbooked takes a saving back that stands in the ledger: somebody has opened the ticket
// again, and it is there.
func unbooked(s State, e Seen, p Policy) (State, []Effect) {
	s.Booked = false
	s, effects := sighted(s, e, false, p)
	return s, append([]Effect{regressed(s, e)}, effects...)
}

func regressed(s State, e Seen) Effect {
	return Effect{Kind: Record, Entry: Entry{Kind: "regressed", At: e.At, Baseline: s.Baseline, Observed: e.Cost, Basis: "gross"}}
}

// sighted says what a sighting means for each workflow.
func sighted(s State, e Seen, changed bool, p Policy) (State, []Effect) {
	switch s.Workflow {
	case trimtab.Ticketed:
		return refresh(s, p)
	case trimtab.DoneClaimed:
		return unproved(s, e)
	case trimtab.Dismissed:
		return breakDismissal(s, changed)
	case trimtab.Verified, trimtab.AutoResolved:
		return again(s, e, p)
	}
	return s, nil
}

// refresh edits the ticket only when its savings moved materially, or something else is
// proposed now.
func refresh(s State, p Policy) (State, []Effect) {
	moved := s.Shown.Currency == s.Savings.Currency && material(s.Shown.Amount, s.Savings.Amount, p)
	if s.ShownWords == "" { // filed by a version that did not note it, or by a rule without words
		s.ShownWords = s.Proposal
	}
	if !s.Filed || !moved && s.ShownWords == s.Proposal {
		return s, nil
	}
	s.Shown, s.ShownWords = s.Savings, s.Proposal
	return s, []Effect{{Kind: Refresh}}
}

// material tells a change worth an edit from noise: people mute tickets that
// change with every run.
func material(was, is trimtab.Decimal, p Policy) bool {
	limit := was.Abs().Mul(decimal.RequireFromString(p.MaterialShare))
	if least := decimal.RequireFromString(p.MaterialAmount); limit.LessThan(least) {
		limit = least
	}
	return is.Sub(was).Abs().GreaterThan(limit)
}

// unproved reopens the ticket, once, when the data of the whole window still
// show what was said to be fixed.
func unproved(s State, e Seen) (State, []Effect) {
	if !e.After.over() || s.CannotTell || s.Reopened {
		return s, nil
	}
	s.Workflow, s.Reopened, s.ClaimedAt = trimtab.InProgress, true, time.Time{}
	text := fmt.Sprintf("%.0f days of data since this was closed still show it: the estimate is %s a month.",
		e.After.Days, e.Savings.Display())
	if e.After.HasCost {
		text += fmt.Sprintf(" The resource cost %s a month before and %s since.", s.Baseline.Display(), e.After.RunRate.Display())
	}
	return s, []Effect{{Kind: Reopen, Text: text}}
}

// breakDismissal ends a dismissal early when what was dismissed is no longer
// what there is.
func breakDismissal(s State, changed bool) (State, []Effect) {
	doubled := !s.At.IsZero() && s.At.Currency == s.Savings.Currency &&
		s.Savings.Amount.GreaterThanOrEqual(s.At.Amount.Mul(decimal.NewFromInt(2)))
	switch {
	case changed:
		return revive(s, "The resource's configuration has changed since this was dismissed.")
	case doubled:
		return revive(s, "The savings have doubled since this was dismissed: now "+s.Savings.Display()+" a month.")
	}
	return s, nil
}

// again reopens the same ticket within the window; later the caller begins a
// new episode, so nothing changes here.
func again(s State, e Seen, p Policy) (State, []Effect) {
	if !WithinReopen(s, e.At, p) {
		return s, nil
	}
	var effects []Effect
	if s.Workflow == trimtab.Verified {
		effects = []Effect{regressed(s, e)}
	}
	s.Streak = 1
	s, more := revive(s, "It is there again: the estimate is "+e.Savings.Display()+" a month.")
	return s, append(effects, more...)
}

// WithinReopen reports whether a closed episode that is seen again at a time
// is still the same one.
func WithinReopen(s State, at time.Time, p Policy) bool {
	return at.Sub(s.ClosedAt) <= p.ReopenWithin && s.Reason != reasonRecalled
}

// revive brings an ended or resting episode back: its ticket reopens if there
// is one, otherwise it waits for policy as if new.
func revive(s State, text string) (State, []Effect) {
	s = s.wake()
	if !s.Filed {
		return s.waiting(), nil
	}
	s.Workflow = trimtab.Ticketed
	return s, []Effect{{Kind: Reopen, Text: text}}
}

// waiting stands before policy, unless its ticket is gone.
func (s State) waiting() State {
	s.Workflow, s.Reason = trimtab.New, ""
	if s.Gone {
		s.Workflow, s.Reason = trimtab.Held, reasonGone
	}
	return s
}

// missed notes a complete scan without it. What a person put off stays put off;
// what is closed stays closed.
func missed(s State, e Missed, p Policy) (State, []Effect) {
	if s.replayed(e.At) {
		return s, nil
	}
	if s.GoneAt = s.wentAt(); s.GoneAt.IsZero() {
		s.GoneAt = e.At
	}
	s.Condition, s.Streak, s.MissedAt = trimtab.Absent, 0, e.At
	s.Missed++
	switch s.Workflow {
	case trimtab.DoneClaimed:
		return verify(s, e.At, e.After)
	case trimtab.InProgress:
		s.Measured = e.After
		return note(s)
	case trimtab.New, trimtab.Held, trimtab.Ticketed, trimtab.Superseded:
		return resolve(s, e, p)
	}
	return s, nil
}

// verify books a saving once the data cover the window. Without cost data the
// estimate is booked and labelled so, never as measured.
func verify(s State, at time.Time, m Measurement) (State, []Effect) {
	if !m.over() {
		return s, nil
	}
	booked := s.Booked
	s.Workflow, s.ClosedAt, s.Reason, s.Booked, s.Measured = trimtab.Verified, at, "verified", false, Measurement{}
	if booked {
		return s, []Effect{{Kind: Comment, Text: "Verified: it is still gone, and its saving was booked before."}}
	}
	entry := Entry{Kind: "verified", At: at, Baseline: s.Baseline, Realised: s.Savings, Basis: "estimated"}
	if realised, err := s.Baseline.Sub(m.RunRate); err == nil && m.HasCost {
		entry.Observed, entry.Realised, entry.Basis = m.RunRate, realised, "gross"
	}
	text := fmt.Sprintf("Verified: %s a month saved (%s), from %.0f days of data.", entry.Realised.Display(), entry.Basis, m.Days)
	return s, []Effect{{Kind: Record, Entry: entry}, {Kind: Comment, Text: text}}
}

// note says once that it has gone, and leaves closing to whoever works on it.
func note(s State) (State, []Effect) {
	if s.Noted {
		return s, nil
	}
	s.Noted = true
	return s, []Effect{{Kind: Comment, Text: "The latest data no longer show this. If it is fixed, close the ticket: the saving is verified as soon as the data reach far enough past the day on which it went."}}
}

// resolve closes what went by itself, after so many complete scans that one odd
// file cannot do it.
func resolve(s State, e Missed, p Policy) (State, []Effect) {
	if s.Missed < p.MissedToResolve {
		return s, nil
	}
	filed := s.Filed && s.Workflow != trimtab.Superseded
	s.Workflow, s.ClosedAt, s.Reason = trimtab.AutoResolved, e.At, e.Reason
	if !filed {
		return s, nil
	}
	return s, []Effect{{Kind: Close, Text: fmt.Sprintf("%d complete scans in a row no longer show this (%s).", s.Missed, strings.ReplaceAll(e.Reason, "_", " "))}}
}

// untold never closes anything, and breaks no run of misses: those stay counted.
func untold(s State, e Untold) (State, []Effect) {
	if s.Workflow.Open() && !s.replayed(e.At) {
		s.Condition = trimtab.Unknown
	}
	return s, nil
}

// granted asks for the ticket. Only what is there now is filed: the data may have
// changed since policy was asked.
func granted(s State) (State, []Effect) {
	if s.Workflow != trimtab.New && s.Workflow != trimtab.Held || s.Condition != trimtab.Present || s.Gone {
		return s, nil
	}
	return s.filed(), []Effect{{Kind: File}}
}

// filed has a ticket, which shows what is known now.
func (s State) filed() State {
	s.Workflow, s.Filed, s.Shown, s.ShownWords, s.Reason = trimtab.Ticketed, true, s.Savings, s.Proposal, ""
	return s
}

// denied keeps the reason, which people see beside the recommendation.
func denied(s State, e Denied) (State, []Effect) {
	if !s.Gone && (s.Workflow == trimtab.New || s.Workflow == trimtab.Held) {
		s.Workflow, s.Reason = trimtab.Held, e.Why
	}
	return s, nil
}

// tick ends what was put off. While nobody can tell whether it is still there it
// stays put off.
func tick(s State, e Tick) (State, []Effect) {
	resting := s.Workflow == trimtab.Dismissed || s.Workflow == trimtab.Snoozed
	if !resting || s.Until.IsZero() || e.At.Before(s.Until) {
		return s, nil
	}
	switch s.Condition {
	case trimtab.Present:
		return revive(s, "The time for which this was put off is over, and it is still there.")
	case trimtab.Absent:
		return expired(s, e)
	}
	return s, nil
}

// expired ends what is not there any more. The ticket of what was dismissed has ended; one
// that was only put off is still open.
func expired(s State, e Tick) (State, []Effect) {
	open := s.Filed && s.Workflow == trimtab.Snoozed
	s = s.wake()
	s.Workflow, s.ClosedAt, s.Reason = trimtab.AutoResolved, e.At, "condition_cleared"
	if !open {
		return s, nil
	}
	return s, []Effect{{Kind: Close, Text: "The time for which this was put off is over, and it is not there any more."}}
}

// outranked lets it wait behind a better proposal for the same resource.
func outranked(s State, e Outranked) (State, []Effect) {
	switch s.Workflow {
	case trimtab.New, trimtab.Held, trimtab.Ticketed, trimtab.InProgress:
	case trimtab.Superseded:
		s.By = e.By // the best one may be another by now
		return s, nil
	default:
		return s, nil
	}
	filed := s.Filed
	s.Workflow, s.By, s.Reason = trimtab.Superseded, e.By, "superseded"
	if !filed {
		return s, nil
	}
	return s, []Effect{{Kind: Close, Text: "A better proposal for the same resource takes the place of this one."}}
}

func unrivalled(s State) (State, []Effect) {
	if s.Workflow != trimtab.Superseded || s.Condition != trimtab.Present {
		return s, nil
	}
	return revive(s, "The better proposal for the same resource has gone; this one stands again.")
}
