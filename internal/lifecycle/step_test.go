package lifecycle

import (
	"reflect"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

var day0 = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)

func day(n int) time.Time { return day0.AddDate(0, 0, n) }

func usd(n int64) trimtab.Money {
	return trimtab.Money{Amount: decimal.NewFromInt(n), Currency: "USD"}
}

// play feeds events to a fresh episode and gives its state and all effects.
func play(events ...Event) (State, []Effect) {
	var s State
	var all []Effect
	for _, e := range events {
		var effects []Effect
		s, effects = Step(s, e, DefaultPolicy())
		all = append(all, effects...)
	}
	return s, all
}

func seenOn(n int, savings int64) Seen {
	return Seen{At: day(n), Savings: usd(savings), Cost: usd(100), Fingerprint: "a"}
}

func kinds(effects []Effect) []EffectKind {
	var ks []EffectKind
	for _, e := range effects {
		ks = append(ks, e.Kind)
	}
	return ks
}

var (
	filed   = []Event{seenOn(0, 60), Granted{At: day(0)}}
	working = append(filed[:2:2], Told{At: day(1), Status: tracker.InProgress})
	claim   = append(working[:3:3], Told{At: day(2), Status: tracker.Done})
	over    = Measurement{Days: 20, Window: 14, RunRate: usd(10), HasCost: true}
	early   = Measurement{Days: 5, Window: 14, RunRate: usd(10), HasCost: true}
)

// TestTable is lifecycle.md's table, a case a sentence.
func TestTable(t *testing.T) {
	with := func(base []Event, more ...Event) []Event { return append(base[:len(base):len(base)], more...) }
	cases := []struct {
		name      string
		events    []Event
		workflow  trimtab.Workflow
		condition trimtab.Condition
		last      []EffectKind // of all effects after the base
	}{
		{"matches, key unseen", []Event{seenOn(0, 60)}, trimtab.New, trimtab.Present, nil},
		{"policy met", filed, trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
		{"policy not met", []Event{seenOn(0, 6), Denied{At: day(0), Why: "small"}}, trimtab.Held, trimtab.Present, nil},
		{"held, then policy met", []Event{seenOn(0, 6), Denied{At: day(0)}, seenOn(1, 60), Granted{At: day(1)}}, trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
		{"matches again, little changed", with(filed, seenOn(1, 63)), trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
		{"matches again, savings moved", with(filed, seenOn(1, 80)), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Refresh}},
		{"matches again, another proposal", with(filed, Seen{At: day(1), Savings: usd(60), Proposal: "m5.xlarge"}, Seen{At: day(2), Savings: usd(60), Proposal: "m5.large"}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Refresh}},
		{"matches again, the same other proposal", with(filed, Seen{At: day(1), Savings: usd(60), Proposal: "m5.large"}, Seen{At: day(2), Savings: usd(60), Proposal: "m5.large"}), trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
		{"in progress", working, trimtab.InProgress, trimtab.Present, []EffectKind{File}},
		{"done", claim, trimtab.DoneClaimed, trimtab.Present, []EffectKind{File}},
		{"absent before the window is over", with(claim, Missed{At: day(9), After: early}), trimtab.DoneClaimed, trimtab.Absent, []EffectKind{File}},
		{"absent, window over", with(claim, Missed{At: day(22), After: over}), trimtab.Verified, trimtab.Absent, []EffectKind{File, Record, Comment}},
		{"present, window not over", with(claim, Seen{At: day(9), Savings: usd(60), After: early}), trimtab.DoneClaimed, trimtab.Present, []EffectKind{File}},
		{"present, window over", with(claim, Seen{At: day(22), Savings: usd(60), After: over}), trimtab.InProgress, trimtab.Present, []EffectKind{File, Reopen}},
		{"present, claimed again: not a second time", with(claim, Seen{At: day(22), After: over}, Told{At: day(23), Status: tracker.Done}, Seen{At: day(50), After: over}), trimtab.DoneClaimed, trimtab.Present, []EffectKind{File, Reopen}},
		{"the board cannot tell fixed from won't do", with(working, Told{At: day(2), Status: tracker.Done, CannotTell: true}, Seen{At: day(40), After: over}), trimtab.DoneClaimed, trimtab.Present, []EffectKind{File}},
		{"verified, again within 30 days", with(claim, Missed{At: day(22), After: over}, seenOn(30, 60)), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Record, Comment, Record, Reopen}},
		{"verified, again later", with(claim, Missed{At: day(22), After: over}, seenOn(90, 60)), trimtab.Verified, trimtab.Present, []EffectKind{File, Record, Comment}},
		{"dismissed in Trimtab", with(filed, Dismissed{At: day(1)}), trimtab.Dismissed, trimtab.Present, []EffectKind{File, Dismiss}},
		{"dismissed in Trimtab, in progress", with(working, Dismissed{At: day(3)}), trimtab.Dismissed, trimtab.Present, []EffectKind{File, Dismiss}},
		{"dismissed in Trimtab, claimed", with(claim, Dismissed{At: day(3)}), trimtab.Dismissed, trimtab.Present, []EffectKind{File, Dismiss}},
		{"dismissed in Trimtab, snoozed", with(filed, Snoozed{At: day(1), Until: day(9)}, Dismissed{At: day(3)}), trimtab.Dismissed, trimtab.Present, []EffectKind{File, Dismiss}},
		{"dismissed in Trimtab, superseded", with(filed, Outranked{At: day(1), By: "k"}, Dismissed{At: day(3)}), trimtab.Dismissed, trimtab.Present, []EffectKind{File, Close, Dismiss}},
		{"dismissed before it had a ticket", []Event{seenOn(0, 60), Dismissed{At: day(1)}}, trimtab.Dismissed, trimtab.Present, nil},
		{"dismissed after it was verified", with(claim, Missed{At: day(22), After: over}, Dismissed{At: day(23)}), trimtab.Verified, trimtab.Absent, []EffectKind{File, Record, Comment}},
		{"dismissed in Trimtab, reopened in the tracker", with(filed, Dismissed{At: day(1)}, Told{At: day(2), Status: tracker.Open}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Dismiss}},
		{"won't do", with(filed, Told{At: day(1), Status: tracker.WontDo}), trimtab.Dismissed, trimtab.Present, []EffectKind{File}},
		{"dismissed, still there", with(filed, Told{At: day(1), Status: tracker.WontDo}, seenOn(7, 60)), trimtab.Dismissed, trimtab.Present, []EffectKind{File}},
		{"dismissed, savings double", with(filed, Told{At: day(1), Status: tracker.WontDo}, seenOn(7, 120)), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Reopen}},
		{"dismissed, configuration changes", with(filed, Told{At: day(1), Status: tracker.WontDo}, Seen{At: day(7), Savings: usd(60), Fingerprint: "b"}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Reopen}},
		{"dismissed, its configuration not shown", with(filed, Told{At: day(1), Status: tracker.WontDo}, Seen{At: day(7), Savings: usd(60)}), trimtab.Dismissed, trimtab.Present, []EffectKind{File}},
		{"dismissed, another configuration than last shown", with(filed, Told{At: day(1), Status: tracker.WontDo}, Seen{At: day(7), Savings: usd(60)}, Seen{At: day(8), Savings: usd(60), Fingerprint: "b"}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Reopen}},
		{"dismissed as it was after the work on it", with(working, Seen{At: day(2), Savings: usd(200), Fingerprint: "b"}, Told{At: day(3), Status: tracker.WontDo}, Seen{At: day(7), Savings: usd(200), Fingerprint: "b"}), trimtab.Dismissed, trimtab.Present, []EffectKind{File}},
		{"dismissal expires, present", with(filed, Told{At: day(1), Status: tracker.WontDo}, Tick{At: day(200)}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Reopen}},
		{"dismissal expires, absent", with(filed, Told{At: day(1), Status: tracker.WontDo}, Missed{At: day(9)}, Tick{At: day(200)}), trimtab.AutoResolved, trimtab.Absent, []EffectKind{File}},
		{"dismissal expires, unknown", with(filed, Told{At: day(1), Status: tracker.WontDo}, Untold{At: day(9)}, Tick{At: day(200)}), trimtab.Dismissed, trimtab.Unknown, []EffectKind{File}},
		{"snoozed", with(filed, Snoozed{At: day(1), Until: day(9)}, seenOn(5, 900)), trimtab.Snoozed, trimtab.Present, []EffectKind{File}},
		{"snooze expires", with(filed, Snoozed{At: day(1), Until: day(9)}, Tick{At: day(9)}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Reopen}},
		{"snooze expires, absent", with(filed, Snoozed{At: day(1), Until: day(9)}, Missed{At: day(5)}, Tick{At: day(9)}), trimtab.AutoResolved, trimtab.Absent, []EffectKind{File, Close}},
		{"snooze expires, unknown", with(filed, Snoozed{At: day(1), Until: day(9)}, Untold{At: day(5)}, Tick{At: day(9)}), trimtab.Snoozed, trimtab.Unknown, []EffectKind{File}},
		{"snoozed for longer", with(filed, Snoozed{At: day(1), Until: day(9)}, Snoozed{At: day(2), Until: day(20)}, Tick{At: day(9)}), trimtab.Snoozed, trimtab.Present, []EffectKind{File}},
		{"absent once", with(filed, Missed{At: day(1), Reason: "condition_cleared"}), trimtab.Ticketed, trimtab.Absent, []EffectKind{File}},
		{"absent twice", with(filed, Missed{At: day(1)}, Missed{At: day(2), Reason: "condition_cleared"}), trimtab.AutoResolved, trimtab.Absent, []EffectKind{File, Close}},
		{"absent, unknown, absent", with(filed, Missed{At: day(1)}, Untold{At: day(2)}, Missed{At: day(3)}), trimtab.AutoResolved, trimtab.Absent, []EffectKind{File, Close}},
		{"absent twice before it had a ticket", []Event{seenOn(0, 60), Missed{At: day(1)}, Missed{At: day(2)}}, trimtab.AutoResolved, trimtab.Absent, nil},
		{"absent while somebody works on it", with(working, Missed{At: day(3)}, Missed{At: day(4)}, Missed{At: day(5)}), trimtab.InProgress, trimtab.Absent, []EffectKind{File, Comment}},
		{"absent while somebody worked on it, closed in time", with(working, Missed{At: day(3)}, Missed{At: day(20), After: over}, Told{At: day(21), Status: tracker.Done}), trimtab.Verified, trimtab.Absent, []EffectKind{File, Comment, Record, Comment}},
		{"absent while somebody worked on it, closed early", with(working, Missed{At: day(3)}, Missed{At: day(9), After: early}, Told{At: day(10), Status: tracker.Done}), trimtab.DoneClaimed, trimtab.Absent, []EffectKind{File, Comment}},
		{"absent while somebody worked on it, unknown when closed", with(working, Missed{At: day(3)}, Missed{At: day(20), After: over}, Untold{At: day(21)}, Told{At: day(22), Status: tracker.Done}), trimtab.DoneClaimed, trimtab.Unknown, []EffectKind{File, Comment}},
		{"absent while somebody worked on it, there again when closed", with(working, Missed{At: day(3)}, Missed{At: day(20), After: over}, seenOn(21, 60), Told{At: day(22), Status: tracker.Done}), trimtab.DoneClaimed, trimtab.Present, []EffectKind{File, Comment}},
		{"verified, opened and closed by a person", with(claim, Missed{At: day(22), After: over}, Told{At: day(23), Status: tracker.InProgress}, Missed{At: day(24), After: over}, Told{At: day(25), Status: tracker.Done}), trimtab.Verified, trimtab.Absent, []EffectKind{File, Record, Comment, Comment, Comment}},
		{"verified, opened by a person, there again", with(claim, Missed{At: day(22), After: over}, Told{At: day(23), Status: tracker.InProgress}, seenOn(24, 60)), trimtab.InProgress, trimtab.Present, []EffectKind{File, Record, Comment, Record}},
		{"resolved, opened by a person, absent once more", with(filed, Missed{At: day(1)}, Missed{At: day(2)}, Told{At: day(3), Status: tracker.Open}, Missed{At: day(4)}), trimtab.Ticketed, trimtab.Absent, []EffectKind{File, Close}},
		{"resolved, opened by a person, absent twice more", with(filed, Missed{At: day(1)}, Missed{At: day(2)}, Told{At: day(3), Status: tracker.Open}, Missed{At: day(4)}, Missed{At: day(5)}), trimtab.AutoResolved, trimtab.Absent, []EffectKind{File, Close, Close}},
		{"reopened by a person", with(claim, Told{At: day(3), Status: tracker.Open}), trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
		{"taken up again by a person", with(claim, Told{At: day(3), Status: tracker.InProgress}), trimtab.InProgress, trimtab.Present, []EffectKind{File}},
		{"outranked", with(filed, Outranked{At: day(1), By: "k"}), trimtab.Superseded, trimtab.Present, []EffectKind{File, Close}},
		{"outranked before it had a ticket", []Event{seenOn(0, 60), Outranked{At: day(0), By: "k"}}, trimtab.Superseded, trimtab.Present, nil},
		{"the better one has gone", with(filed, Outranked{At: day(1), By: "k"}, Unrivalled{At: day(2)}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, Close, Reopen}},
		{"its ticket is gone", with(filed, Unlinked{At: day(1)}), trimtab.Held, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone, policy leaves it", with(filed, Unlinked{At: day(1)}, seenOn(2, 60), Granted{At: day(2)}), trimtab.Held, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone, left, and somebody wants another", with(filed, Unlinked{At: day(1)}, Refile{At: day(2)}, Granted{At: day(2)}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, File}},
		{"its ticket is gone, policy makes another", with(working, Unlinked{At: day(3), Policy: GoneRecreate}), trimtab.New, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone, another is made", with(working, Unlinked{At: day(3), Policy: GoneRecreate}, Granted{At: day(3)}), trimtab.Ticketed, trimtab.Present, []EffectKind{File, File}},
		{"its ticket is gone, policy dismisses it", with(filed, Unlinked{At: day(1), Policy: GoneDismiss}), trimtab.Dismissed, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone, dismissed for the span", with(filed, Unlinked{At: day(1), Policy: GoneDismiss}, Tick{At: day(181)}), trimtab.New, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone while claimed", with(claim, Unlinked{At: day(3)}), trimtab.Held, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone while snoozed", with(filed, Snoozed{At: day(1), Until: day(9)}, Unlinked{At: day(2), Policy: GoneRecreate}, Granted{At: day(2)}), trimtab.Snoozed, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone while snoozed, over", with(filed, Snoozed{At: day(1), Until: day(9)}, Unlinked{At: day(2)}, Tick{At: day(9)}), trimtab.New, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone while dismissed", with(filed, Dismissed{At: day(1)}, Unlinked{At: day(2), Policy: GoneDismiss}), trimtab.Dismissed, trimtab.Present, []EffectKind{File, Dismiss}},
		{"its ticket is gone while superseded", with(filed, Outranked{At: day(1), By: "k"}, Unlinked{At: day(2)}, Unrivalled{At: day(3)}), trimtab.Held, trimtab.Present, []EffectKind{File, Close}},
		{"its ticket is gone, then outranked for a time", with(filed, Unlinked{At: day(1)}, Outranked{At: day(2), By: "k"}, Unrivalled{At: day(3)}), trimtab.Held, trimtab.Present, []EffectKind{File}},
		{"its ticket is gone after it was resolved, and it is there again", with(filed, Missed{At: day(1)}, Missed{At: day(2)}, Unlinked{At: day(3)}, seenOn(4, 60)), trimtab.New, trimtab.Present, []EffectKind{File, Close}},
		{"gone without a ticket", []Event{seenOn(0, 60), Unlinked{At: day(1)}}, trimtab.New, trimtab.Present, nil},
		{"refiled although it has a ticket", with(filed, Refile{At: day(1)}), trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
		{"linked while new", []Event{seenOn(0, 60), Linked{At: day(1), Status: tracker.Open}}, trimtab.Ticketed, trimtab.Present, nil},
		{"linked while held", []Event{seenOn(0, 6), Denied{At: day(0)}, Linked{At: day(1), Status: tracker.InProgress}}, trimtab.InProgress, trimtab.Present, nil},
		{"linked to what is done", []Event{seenOn(0, 60), Linked{At: day(1), Status: tracker.Done}}, trimtab.DoneClaimed, trimtab.Present, nil},
		{"linked to what won't be done", []Event{seenOn(0, 60), Linked{At: day(1), Status: tracker.WontDo}}, trimtab.Dismissed, trimtab.Present, nil},
		{"linked after its ticket was gone", with(filed, Unlinked{At: day(1)}, Linked{At: day(2), Status: tracker.Unclear}), trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
		{"linked while snoozed", []Event{seenOn(0, 60), Snoozed{At: day(1), Until: day(9)}, Linked{At: day(2), Status: tracker.Open}, Tick{At: day(9)}}, trimtab.Ticketed, trimtab.Present, []EffectKind{Reopen}},
		{"linked although it has a ticket", with(filed, Linked{At: day(1), Status: tracker.Done}), trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
		{"recalled", with(filed, Recalled{At: day(1)}), trimtab.AutoResolved, trimtab.Present, []EffectKind{File, Recall}},
		{"recalled, and there again", with(filed, Recalled{At: day(1)}, seenOn(2, 60)), trimtab.AutoResolved, trimtab.Present, []EffectKind{File, Recall}},
		{"recalled after a person ended it", with(filed, Told{At: day(1), Status: tracker.WontDo}, Recalled{At: day(2)}), trimtab.Dismissed, trimtab.Present, []EffectKind{File}},
		{"recalled before it had a ticket", []Event{seenOn(0, 60), Recalled{At: day(0)}}, trimtab.New, trimtab.Present, nil},
		{"an unmapped status", with(filed, Told{At: day(1), Status: tracker.Unclear}), trimtab.Ticketed, trimtab.Present, []EffectKind{File}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, effects := play(c.events...)
			if s.Workflow != c.workflow || s.Condition != c.condition {
				t.Errorf("%s/%s, want %s/%s", s.Workflow, s.Condition, c.workflow, c.condition)
			}
			if got := kinds(effects); !reflect.DeepEqual(got, c.last) {
				t.Errorf("effects %v, want %v", got, c.last)
			}
		})
	}
}

// Comments are said also where the status is left alone: they tell what the data say, not
// that the ticket was closed.
func TestTextsClaimNoStatus(t *testing.T) {
	_, went := play(append(filed[:2:2], Missed{At: day(1)}, Missed{At: day(2), Reason: "condition_cleared"})...)
	_, lost := play(append(filed[:2:2], Outranked{At: day(1), By: "k"})...)
	want := []string{
		"2 complete scans in a row no longer show this (condition cleared).",
		"A better proposal for the same resource takes the place of this one.",
	}
	for i, e := range []Effect{went[1], lost[1]} {
		if e.Kind != Close || e.Text != want[i] {
			t.Errorf("%s %q, want %q", e.Kind, e.Text, want[i])
		}
	}
}

// Whoever meets what was put off sees who did so, why and until when, and no more of it once
// it is over.
func TestAuthorAndReason(t *testing.T) {
	put := Dismissed{At: day(1), Until: day(40), Reason: "moves next quarter", Author: "ann"}
	s, effects := play(append(filed[:2:2], put)...)
	if want := "Dismissed by ann until 2026-10-11: moves next quarter"; effects[1].Text != want {
		t.Errorf("%q, want %q", effects[1].Text, want)
	}
	if want := "moves next quarter (by ann until 2026-10-11)"; s.Why() != want {
		t.Errorf("%q, want %q", s.Why(), want)
	}
	snoozed, _ := play(append(filed[:2:2], Snoozed{At: day(1), Until: day(9), Author: "ben"})...)
	if want := "by ben until 2026-09-10"; snoozed.Why() != want {
		t.Errorf("%q, want %q", snoozed.Why(), want)
	}
	for name, e := range map[string]Event{
		"savings double": seenOn(7, 120), "another configuration": Seen{At: day(7), Savings: usd(60), Fingerprint: "b"},
		"reopened": Told{At: day(7), Status: tracker.Open}, "over": Tick{At: day(40)},
	} {
		if s, _ := Step(s, e, DefaultPolicy()); s.Author != "" || s.Why() != "" || !s.Until.IsZero() {
			t.Errorf("%s: still %q of %q until %s", name, s.Why(), s.Author, s.Until)
		}
	}
}

func TestLedgerEntry(t *testing.T) {
	s, effects := play(append(claim[:4:4], Missed{At: day(22), After: over})...)
	entry := effects[1].Entry
	if entry.Realised.String() != "90.00 USD" || entry.Basis != "gross" || entry.Observed.String() != "10.00 USD" {
		t.Errorf("%+v: the baseline of 100 less the observed 10 is wanted", entry)
	}
	if s.Baseline.String() != "100.00 USD" || !s.BaselineAt.Equal(day(1)) {
		t.Errorf("baseline %s of %s: frozen when work began", s.Baseline, s.BaselineAt)
	}
	_, effects = play(append(claim[:4:4], Missed{At: day(22), After: Measurement{Days: 20, Window: 3}})...)
	if entry := effects[1].Entry; entry.Basis != "estimated" || entry.Realised.String() != "60.00 USD" {
		t.Errorf("without cost data: %+v", entry)
	}
}

// What somebody works on is measured against what there was when they began, whatever scans
// see meanwhile; the sighting itself is noted.
func TestFrozen(t *testing.T) {
	later := Seen{At: day(5), Savings: usd(300), Cost: usd(500), Fingerprint: "b", Proposal: "other"}
	for name, base := range map[string][]Event{"in progress": working, "claimed": claim} {
		was, _ := play(base...)
		s, effects := Step(was, later, DefaultPolicy())
		if !s.Savings.Equal(usd(60)) || !s.Cost.Equal(usd(100)) || !s.Baseline.Equal(usd(100)) || s.Fingerprint != "a" || s.Proposal != was.Proposal {
			t.Errorf("%s: %+v", name, s)
		}
		if len(effects) > 0 || !s.LastSeen.Equal(day(5)) || s.Seen != was.Seen+1 {
			t.Errorf("%s: %v, last seen %s, %d times", name, effects, s.LastSeen, s.Seen)
		}
	}
}

func TestOutrankedByAnother(t *testing.T) {
	s, _ := play(append(filed[:2:2], Outranked{At: day(1), By: "k"}, Outranked{At: day(2), By: "l"})...)
	if s.By != "l" {
		t.Errorf("by %q: the best one now is wanted", s.By)
	}
}

func TestClaimAfterItWent(t *testing.T) {
	s, _ := play(append(working[:3:3], Missed{At: day(5)}, Missed{At: day(7)}, Told{At: day(9), Status: tracker.Done})...)
	if !s.ClaimedAt.Equal(day(5)) {
		t.Errorf("claimed at %s: the window counts from when it went", s.ClaimedAt)
	}
	// States of before know the newest scan without it only.
	old, _ := Step(State{Workflow: trimtab.InProgress, Condition: trimtab.Absent, Missed: 2, MissedAt: day(7)}, Told{At: day(9), Status: tracker.Done}, DefaultPolicy())
	if !old.ClaimedAt.Equal(day(7)) {
		t.Errorf("claimed at %s", old.ClaimedAt)
	}
}

// What is held since its ticket is gone says so, whatever policy says of it, and keeps what
// its fix is measured against.
func TestGone(t *testing.T) {
	s, _ := play(append(working[:3:3], Unlinked{At: day(3)}, seenOn(4, 60), Denied{At: day(4), Why: "small"})...)
	if s.Reason != reasonGone || !s.Gone || s.Filed {
		t.Errorf("held because %q, gone %v, filed %v", s.Reason, s.Gone, s.Filed)
	}
	if s.Baseline.String() != "100.00 USD" || !s.BaselineAt.Equal(day(1)) {
		t.Errorf("baseline %s of %s", s.Baseline, s.BaselineAt)
	}
	s, _ = Step(s, Refile{At: day(5)}, DefaultPolicy())
	if s.Workflow != trimtab.New || s.Reason != "" || s.Gone {
		t.Errorf("%s because %q, gone %v", s.Workflow, s.Reason, s.Gone)
	}
	s, _ = play(seenOn(0, 60), Linked{At: day(1), Status: tracker.Open})
	if !s.Filed || !s.Shown.Equal(usd(60)) {
		t.Errorf("filed %v, its ticket shows %s", s.Filed, s.Shown)
	}
}
