package lifecycle

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

var (
	workflows = []trimtab.Workflow{
		trimtab.New, trimtab.Held, trimtab.Ticketed, trimtab.InProgress, trimtab.DoneClaimed, trimtab.Verified,
		trimtab.Dismissed, trimtab.Snoozed, trimtab.AutoResolved, trimtab.Superseded,
	}
	conditions = []trimtab.Condition{trimtab.Present, trimtab.Absent, trimtab.Unknown}
	statuses   = []tracker.Status{tracker.Open, tracker.InProgress, tracker.Done, tracker.WontDo, tracker.Unclear}
)

// drawEvents draws one event of each kind at a time.
func drawEvents(t *rapid.T, at time.Time) []Event {
	m := rapid.SampledFrom([]Measurement{{}, early, over}).Draw(t, "after")
	savings := usd(rapid.Int64Range(0, 300).Draw(t, "savings"))
	status := rapid.SampledFrom(statuses).Draw(t, "status")
	return []Event{
		Seen{At: at, Savings: savings, Cost: usd(100), Fingerprint: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "print"), After: m},
		Missed{At: at, Reason: "condition_cleared", After: m},
		Untold{At: at, Why: "source failed"},
		Granted{At: at},
		Denied{At: at, Why: "small"},
		Told{At: at, Status: status, CannotTell: rapid.Bool().Draw(t, "cannot tell")},
		Dismissed{At: at, Author: "ann"},
		Snoozed{At: at, Until: at.AddDate(0, 0, 10), Author: "ann"},
		Recalled{At: at},
		Tick{At: at},
		Outranked{At: at, By: "k"},
		Unrivalled{At: at},
		Unlinked{At: at, Policy: rapid.SampledFrom([]WhenGone{"", GoneLeave, GoneRecreate, GoneDismiss}).Draw(t, "policy")},
		Refile{At: at},
		Linked{At: at, Status: status},
	}
}

// anyEvent draws an event, what moves a claim on more often than the rest.
func anyEvent(t *rapid.T, at time.Time) Event {
	often := []Event{
		Missed{At: at, After: over},
		Missed{At: at, After: over},
		Untold{At: at},
		Tick{At: at},
		Told{At: at, Status: tracker.InProgress},
		Told{At: at, Status: tracker.InProgress},
		Told{At: at, Status: tracker.Done},
		Told{At: at, Status: tracker.Done},
	}
	return rapid.SampledFrom(append(often, drawEvents(t, at)...)).Draw(t, "event")
}

// beginnings are where a walk may begin: by chance alone it seldom comes so far.
var beginnings = [][]Event{
	{seenOn(0, 60)},
	filed, working, claim,
	append(claim[:4:4], Missed{At: day(22), After: over}),
	append(filed[:2:2], Dismissed{At: day(1), Until: day(30)}),
	append(filed[:2:2], Snoozed{At: day(1), Until: day(30)}),
	append(filed[:2:2], Missed{At: day(1)}, Missed{At: day(2)}),
}

// walk feeds events at random to an episode and shows each step.
func walk(t *rapid.T, look func(was State, e Event, is State, effects []Effect)) {
	var s State
	step := func(e Event) {
		next, effects := Step(s, e, DefaultPolicy())
		look(s, e, next, effects)
		s = next
	}
	for _, e := range rapid.SampledFrom(beginnings).Draw(t, "beginning") {
		step(e)
	}
	for n := range rapid.IntRange(20, 40).Draw(t, "steps") {
		step(anyEvent(t, day(n+23)))
	}
}

// moves are the changes of the workflow that lifecycle.md's table names, by kind of event.
// What it does not name changes nothing.
var moves = map[string]map[trimtab.Workflow][]trimtab.Workflow{
	"Seen": {
		"":                   {trimtab.New},
		trimtab.DoneClaimed:  {trimtab.InProgress},
		trimtab.Verified:     {trimtab.Ticketed, trimtab.New, trimtab.Held},
		trimtab.AutoResolved: {trimtab.Ticketed, trimtab.New, trimtab.Held},
		trimtab.Dismissed:    {trimtab.Ticketed, trimtab.New, trimtab.Held},
	},
	"Missed": {
		trimtab.New: {trimtab.AutoResolved}, trimtab.Held: {trimtab.AutoResolved}, trimtab.Ticketed: {trimtab.AutoResolved},
		trimtab.Superseded: {trimtab.AutoResolved}, trimtab.DoneClaimed: {trimtab.Verified},
	},
	"Untold":  {},
	"Granted": {trimtab.New: {trimtab.Ticketed}, trimtab.Held: {trimtab.Ticketed}},
	"Denied":  {trimtab.New: {trimtab.Held}},
	"Told": {
		trimtab.New: {trimtab.Dismissed}, trimtab.Held: {trimtab.Dismissed}, trimtab.Snoozed: {trimtab.Dismissed}, trimtab.Superseded: {trimtab.Dismissed},
		trimtab.Ticketed:     {trimtab.InProgress, trimtab.DoneClaimed, trimtab.Dismissed, trimtab.Verified},
		trimtab.InProgress:   {trimtab.DoneClaimed, trimtab.Dismissed, trimtab.Verified},
		trimtab.DoneClaimed:  {trimtab.InProgress, trimtab.Ticketed, trimtab.Dismissed},
		trimtab.Verified:     {trimtab.InProgress, trimtab.Ticketed},
		trimtab.Dismissed:    {trimtab.InProgress, trimtab.Ticketed},
		trimtab.AutoResolved: {trimtab.InProgress, trimtab.Ticketed},
	},
	"Dismissed": {
		trimtab.New: {trimtab.Dismissed}, trimtab.Held: {trimtab.Dismissed}, trimtab.Ticketed: {trimtab.Dismissed}, trimtab.InProgress: {trimtab.Dismissed},
		trimtab.DoneClaimed: {trimtab.Dismissed}, trimtab.Snoozed: {trimtab.Dismissed}, trimtab.Superseded: {trimtab.Dismissed},
	},
	"Snoozed": {
		trimtab.New: {trimtab.Snoozed}, trimtab.Held: {trimtab.Snoozed}, trimtab.Ticketed: {trimtab.Snoozed}, trimtab.InProgress: {trimtab.Snoozed},
	},
	"Recalled": {trimtab.Ticketed: {trimtab.AutoResolved}, trimtab.InProgress: {trimtab.AutoResolved}, trimtab.Snoozed: {trimtab.AutoResolved}},
	"Tick": {
		trimtab.Dismissed: {trimtab.Ticketed, trimtab.New, trimtab.Held, trimtab.AutoResolved},
		trimtab.Snoozed:   {trimtab.Ticketed, trimtab.New, trimtab.Held, trimtab.AutoResolved},
	},
	"Outranked": {
		trimtab.New: {trimtab.Superseded}, trimtab.Held: {trimtab.Superseded}, trimtab.Ticketed: {trimtab.Superseded}, trimtab.InProgress: {trimtab.Superseded},
	},
	"Unrivalled": {trimtab.Superseded: {trimtab.Ticketed, trimtab.New, trimtab.Held}},
	"Unlinked": {
		trimtab.New: {trimtab.Held, trimtab.Dismissed}, trimtab.Held: {trimtab.New, trimtab.Dismissed},
		trimtab.Ticketed: {trimtab.Held, trimtab.New, trimtab.Dismissed}, trimtab.InProgress: {trimtab.Held, trimtab.New, trimtab.Dismissed},
		trimtab.DoneClaimed: {trimtab.Held, trimtab.New, trimtab.Dismissed}, trimtab.Superseded: {trimtab.Dismissed},
	},
	"Refile": {trimtab.Held: {trimtab.New}},
	"Linked": {
		trimtab.New:  {trimtab.Ticketed, trimtab.InProgress, trimtab.DoneClaimed, trimtab.Dismissed, trimtab.Verified},
		trimtab.Held: {trimtab.Ticketed, trimtab.InProgress, trimtab.DoneClaimed, trimtab.Dismissed, trimtab.Verified},
	},
}

func kindOf(e Event) string { return reflect.TypeOf(e).Name() }

// TestTotal: every event is allowed in every state, whatever else the state says, and moves
// the workflow only where the table says so.
func TestTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := State{
			FirstSeen: day(0), LastSeen: day(1), MissedAt: day(1), Fingerprint: "a", Savings: usd(60), Cost: usd(100), At: usd(60), LastSavings: usd(60),
			Missed: rapid.IntRange(0, 3).Draw(t, "missed"), Filed: rapid.Bool().Draw(t, "filed"), Gone: rapid.Bool().Draw(t, "gone"),
			Booked: rapid.Bool().Draw(t, "booked"), Reopened: rapid.Bool().Draw(t, "reopened"), ClosedAt: day(rapid.IntRange(0, 2).Draw(t, "closed")),
			Until: day(rapid.IntRange(1, 80).Draw(t, "until")), Measured: rapid.SampledFrom([]Measurement{{}, early, over}).Draw(t, "measured"),
		}
		for _, e := range drawEvents(t, day(rapid.IntRange(2, 60).Draw(t, "day"))) {
			for _, s.Workflow = range append([]trimtab.Workflow{""}, workflows...) {
				for _, s.Condition = range conditions {
					next, _ := Step(s, e, DefaultPolicy())
					if next.Workflow != s.Workflow && !slices.Contains(moves[kindOf(e)][s.Workflow], next.Workflow) {
						t.Fatalf("%s moved %q/%s to %q", kindOf(e), s.Workflow, s.Condition, next.Workflow)
					}
				}
			}
		}
	})
}

// TestEveryEventIsDrawn: an event that is added is walked with and has its moves.
func TestEveryEventIsDrawn(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "event" {
			declared[fmt.Sprint(f.Recv.List[0].Type)] = true
		}
	}
	drawn := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		for _, e := range drawEvents(t, day(1)) {
			drawn[kindOf(e)] = true
		}
	})
	for name := range declared {
		if _, named := moves[name]; !named || !drawn[name] {
			t.Errorf("%s: drawn %v, moves %v", name, drawn[name], named)
		}
	}
}

// TestUnknownClosesNothing: what cannot be told ends nothing, and while it cannot be told
// neither time nor policy does. Only a person's word and a better proposal do.
func TestUnknownClosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, func(was State, e Event, is State, effects []Effect) {
			if _, untold := e.(Untold); untold && (is.Workflow != was.Workflow || len(effects) > 0) {
				t.Fatalf("unknown moved %s to %s with %v", was.Workflow, is.Workflow, effects)
			}
			if is.Condition != trimtab.Unknown {
				return
			}
			_, recalled := e.(Recalled)
			if was.Workflow.Open() && !is.Workflow.Open() && !recalled {
				t.Fatalf("%s ended %s as %s while unknown", kindOf(e), was.Workflow, is.Workflow)
			}
			_, outranked := e.(Outranked)
			for _, effect := range effects {
				if (effect.Kind == Close || effect.Kind == Record) && !outranked {
					t.Fatalf("%s asked for %s while unknown", kindOf(e), effect.Kind)
				}
			}
		})
	})
}

// TestReplay: an event that is heard twice changes nothing more, and an old scan changes
// nothing however much has happened since.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var scans []Event
		walk(t, func(_ State, e Event, is State, _ []Effect) {
			switch e.(type) {
			case Seen, Missed:
				scans = append(scans, e)
			}
			for _, again := range append(scans[:len(scans):len(scans)], e) {
				next, effects := Step(is, again, DefaultPolicy())
				if len(effects) > 0 || !reflect.DeepEqual(next, is) {
					t.Fatalf("replaying %T made\n%+v of\n%+v with %v", again, next, is, effects)
				}
			}
		})
	})
}

// TestRestGetsNoTicket: from a dismissal or a snooze to its end nothing is filed or reopened,
// whatever policy grants, however time passes and whatever becomes of its ticket. What would
// break it early (other savings, another configuration, a person) is not among the events.
func TestRestGetsNoTicket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var until time.Time
		var s State
		for n := range rapid.IntRange(10, 60).Draw(t, "steps") {
			at := day(n)
			until2 := day(n + rapid.IntRange(1, 20).Draw(t, "span"))
			e := rapid.SampledFrom([]Event{
				seenOn(n, 60), seenOn(n, 60),
				Missed{At: at},
				Untold{At: at},
				Granted{At: at},
				Granted{At: at},
				Denied{At: at},
				Tick{At: at},
				Tick{At: at},
				Dismissed{At: at, Until: until2},
				Snoozed{At: at, Until: until2},
				Outranked{At: at, By: "k"},
				Unrivalled{At: at},
				Unlinked{At: at, Policy: GoneRecreate},
				Unlinked{At: at, Policy: GoneLeave},
				Refile{At: at},
			}).Draw(t, "event")
			next, effects := Step(s, e, DefaultPolicy())
			for _, effect := range effects {
				if (effect.Kind == File || effect.Kind == Reopen) && at.Before(until) {
					t.Fatalf("%s on day %d while it rests until %s", effect.Kind, n, until)
				}
				if effect.Kind == File && s.Filed {
					t.Fatalf("%s asked for a second ticket of %s", kindOf(e), s.Workflow)
				}
			}
			s = next
			until = restsUntil(s, e, until)
		}
	})
}

// restsUntil is what a person said last, told by the events and not by the machine's own
// dates; it knows of the state only whether the word was taken.
func restsUntil(s State, e Event, until time.Time) time.Time {
	switch e := e.(type) {
	case Dismissed:
		if s.Workflow == trimtab.Dismissed && s.Until.Equal(e.Until) {
			return e.Until
		}
	case Snoozed:
		if s.Workflow == trimtab.Snoozed {
			return e.Until
		}
	}
	return until
}

// TestVerifiedIsAbsent: nothing is verified that is not seen to be gone, and the ledger
// never has two savings of one fix.
func TestVerifiedIsAbsent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		booked := 0
		walk(t, func(was State, e Event, is State, effects []Effect) {
			if is.Workflow == trimtab.Verified && was.Workflow != trimtab.Verified && is.Condition != trimtab.Absent {
				t.Fatalf("%s verified what is %s", kindOf(e), is.Condition)
			}
			for _, effect := range effects {
				if effect.Kind != Record {
					continue
				}
				if booked++; effect.Entry.Kind == "regressed" {
					booked -= 2
				}
			}
			if booked < 0 || booked > 1 {
				t.Fatalf("%s: %d savings of one fix stand in the ledger", kindOf(e), booked)
			}
		})
	})
}
