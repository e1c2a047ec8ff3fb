package lifecycle

import (
	"fmt"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// told takes in what a person did on the tracker.
func told(s State, e Told, p Policy) (State, []Effect) {
	switch e.Status {
	case tracker.InProgress:
		return begun(s, e), nil
	case tracker.Open:
		return reopenedByPerson(s, trimtab.Ticketed), nil
	case tracker.Done:
		return claimed(s, e)
	case tracker.WontDo:
		return putOff(s, Dismissed{At: e.At, Reason: "closed as won't do in the tracker", Author: e.Author}, p), nil
	}
	return s, nil
}

// begun freezes the baseline: from here on somebody may change the resource.
func begun(s State, e Told) State {
	if s.Workflow != trimtab.Ticketed {
		return reopenedByPerson(s, trimtab.InProgress)
	}
	s.Workflow = trimtab.InProgress
	return s.freeze(e.At)
}

// freeze fixes what a fix will be measured against, once an episode.
func (s State) freeze(at time.Time) State {
	if s.BaselineAt.IsZero() {
		s.Baseline, s.BaselineAt = s.Cost, at
	}
	return s
}

// reopenedByPerson takes a person's word over ours. The baseline stays: it is
// still the same fix that is measured; and scans are counted anew, or the next one would
// close what a person has just opened.
func reopenedByPerson(s State, to trimtab.Workflow) State {
	switch s.Workflow {
	case trimtab.DoneClaimed, trimtab.Verified, trimtab.Dismissed, trimtab.AutoResolved:
		s.GoneAt, s.Missed = s.wentAt(), 0
		s.Booked = s.Booked || s.Workflow == trimtab.Verified
		s = s.wake()
		s.Workflow, s.ClaimedAt = to, time.Time{}
	}
	return s
}

// claimed opens the verification. Where the condition went before somebody said so, the
// window counts from then, and it may be over already: then the word is verified at once.
func claimed(s State, e Told) (State, []Effect) {
	if s.Workflow != trimtab.Ticketed && s.Workflow != trimtab.InProgress {
		return s, nil
	}
	s = s.freeze(e.At)
	s.Workflow, s.ClaimedAt, s.CannotTell = trimtab.DoneClaimed, e.At, e.CannotTell
	measured := s.Measured
	s.Measured = Measurement{}
	if went := s.wentAt(); s.Condition != trimtab.Absent || went.IsZero() || !went.Before(e.At) {
		return s, nil
	}
	s.ClaimedAt = s.wentAt()
	return verify(s, e.At, measured)
}

// wake forgets how it was put off or ended.
func (s State) wake() State {
	s.Until, s.ClosedAt, s.Reason, s.Author, s.By = time.Time{}, time.Time{}, "", "", ""
	return s
}

// dismissed leaves it alone for a time, and its ticket ends: whoever reads that must see
// who decided, why and for how long.
func dismissed(s State, e Dismissed, p Policy) (State, []Effect) {
	next := putOff(s, e, p)
	if next.Workflow == s.Workflow || !s.Filed {
		return next, nil
	}
	by := ""
	if e.Author != "" {
		by = " by " + e.Author
	}
	text := fmt.Sprintf("Dismissed%s until %s", by, next.Until.Format(time.DateOnly))
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return next, []Effect{{Kind: Dismiss, Text: text}}
}

// putOff is a dismissal, wherever it was said. The savings are remembered, because a
// dismissal of little is none of much.
func putOff(s State, e Dismissed, p Policy) State {
	if !s.Workflow.Open() || s.Workflow == trimtab.Dismissed {
		return s
	}
	s = s.wake()
	s.Workflow, s.At, s.Reason, s.Author, s.Until = trimtab.Dismissed, s.Savings, e.Reason, e.Author, e.Until
	// What is frozen is older than what the person has seen.
	if s.LastSavings.Currency != "" {
		s.At = s.LastSavings
	}
	if s.LastPrint != "" {
		s.Fingerprint = s.LastPrint
	}
	if s.Until.IsZero() {
		s.Until = e.At.Add(p.DismissFor)
	}
	return s
}

func snoozed(s State, e Snoozed) (State, []Effect) {
	switch s.Workflow {
	case trimtab.New, trimtab.Held, trimtab.Ticketed, trimtab.InProgress, trimtab.Snoozed:
		s.Workflow, s.Until, s.Author, s.Reason = trimtab.Snoozed, e.Until, e.Author, ""
	}
	return s, nil
}

// reasonRecalled marks an end that nothing reopens.
const reasonRecalled = "recalled"

// recalled ends what has an open ticket or is to have one. What a person has ended stays
// ended as they said.
func recalled(s State, e Recalled) (State, []Effect) {
	working := s.Workflow == trimtab.Ticketed || s.Workflow == trimtab.InProgress || s.Workflow == trimtab.Snoozed
	if !s.Filed || !working {
		return s, nil
	}
	s = s.wake()
	s.Workflow, s.ClosedAt, s.Reason = trimtab.AutoResolved, e.At, reasonRecalled
	text := "Recalled: the rule that filed this was wrong. Nothing has to be done."
	if e.Why != "" {
		text += " " + e.Why
	}
	return s, []Effect{{Kind: Recall, Text: text}}
}

// reasonGone is shown beside what is held since its ticket is gone.
const reasonGone = "its ticket is gone"

// unlinked says what becomes of it without its ticket. The baseline stays: it is still the
// same fix that is measured. What rests or has ended stays as it is, and is filed anew, if at
// all, when it comes back.
func unlinked(s State, e Unlinked, p Policy) State {
	if !s.Filed {
		return s
	}
	s.Filed, s.Noted = false, false
	if !s.Workflow.Open() || s.Workflow == trimtab.Dismissed || s.Workflow == trimtab.Snoozed {
		return s
	}
	s.ClaimedAt, s.Measured = time.Time{}, Measurement{}
	if e.Policy == GoneDismiss {
		return putOff(s, Dismissed{At: e.At, Reason: reasonGone}, p)
	}
	s.Gone = e.Policy != GoneRecreate
	if s.Workflow == trimtab.Superseded {
		return s
	}
	return s.waiting()
}

// refiled takes a person's word that it is to have a ticket all the same.
func refiled(s State) State {
	if !s.Gone {
		return s
	}
	s.Gone = false
	if s.Workflow == trimtab.Held {
		return s.waiting()
	}
	return s
}

// linked gives it a ticket that exists, and hears what that says. What rests or has ended
// only gets the ticket: when it comes back, that one reopens.
func linked(s State, e Linked, p Policy) (State, []Effect) {
	if s.Workflow == trimtab.New || s.Workflow == trimtab.Held {
		s.Gone = false
		return told(s.filed(), Told{At: e.At, Status: e.Status, CannotTell: e.CannotTell}, p)
	}
	if !s.Filed {
		s.Filed, s.Gone, s.Shown, s.ShownWords = true, false, s.Savings, s.Proposal
	}
	return s, nil
}
