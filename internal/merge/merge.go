// Package merge decides, field by field, what two sides that were changed apart
// should both say: the three-way merge of a ticket. It is pure: what both sides last
// agreed on, what each says now and a rule go in, a decision comes out. Who carries
// decisions out asks again with what he then finds.
//
// Each side is compared with what it said itself, never with the other's words: a
// tracker shortens a summary, knows an owner by another name and arranges a text anew,
// and none of that is a change.
package merge

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Direction says which side may change a field of the other.
type Direction string

// The directions.
const (
	Both Direction = "both"
	In   Direction = "in"  // only the tracker's changes count
	Out  Direction = "out" // only ours do
)

// Winner says who wins when both sides changed a field.
type Winner string

// The winners of a conflict.
const (
	TrackerWins Winner = "tracker"
	TrimtabWins Winner = "trimtab"
	Newest      Winner = "newest" // whoever changed it later; the tracker in the same moment
	Ask         Winner = "ask"    // nobody: a person decides
	Union       Winner = "merge"  // both: of a set, where additions and removals do not meet
)

// Rule is how one field is merged.
type Rule struct {
	Direction Direction
	Conflict  Winner
}

// String is the rule as people write it.
func (r Rule) String() string { return string(r.Direction) + ", " + string(r.Conflict) }

// Agreed is what a field was when both sides last agreed, in the words of each.
type Agreed struct {
	Ours, Theirs string
	// Taken: the last word was a person's on the tracker. What Trimtab would say by
	// itself counts no more.
	Taken bool
}

// agreedJSON is an Agreed whose sides differ, as it is kept.
type agreedJSON struct {
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"`
	Taken  bool   `json:"taken,omitempty"`
}

// MarshalJSON writes one word where both sides use the same.
func (a Agreed) MarshalJSON() ([]byte, error) {
	if a.Ours == a.Theirs && !a.Taken {
		return json.Marshal(a.Ours)
	}
	return json.Marshal(agreedJSON(a))
}

// UnmarshalJSON reads both ways of writing it.
func (a *Agreed) UnmarshalJSON(text []byte) error {
	var word string
	if json.Unmarshal(text, &word) == nil {
		*a = Agreed{Ours: word, Theirs: word}
		return nil
	}
	var both agreedJSON
	err := json.Unmarshal(text, &both)
	*a = Agreed(both)
	return err
}

// Sides is a field as it is now.
type Sides struct {
	Base         Agreed
	Ours, Theirs string
	// OursAt and TheirsAt are when each side last changed it; for [Newest].
	OursAt, TheirsAt time.Time
	// Person: the tracker's value is known to be a person's, and not the echo of ours.
	Person bool
	// Reverted: a write of ours that nobody has noted was changed by a person since. Then
	// theirs is a change, even if it is what was agreed on.
	Reverted bool
	// Frozen: a person has been asked about it. Until then it stays as it is on both sides.
	Frozen bool
}

// Decision is what is to be done about one field.
type Decision struct {
	Take     bool   // the tracker's value becomes ours
	Write    bool   // our value goes to the tracker
	Conflict bool   // both sides changed it, to different values
	Winner   Winner // of a conflict: TrackerWins, TrimtabWins, or Ask
	Drift    bool   // the tracker has another value, which is left alone
	// Add and Remove are what is written of a set.
	Add, Remove []string
	// Base is what both sides have agreed on once the above is done. Of what is written
	// the tracker may keep it in words of its own: then those are Theirs.
	Base Agreed
}

// Field merges one field. Equal values are agreement, whoever wrote them: so the echo of
// our own write is no change. What a person set stays theirs, even if we would say the same.
func Field(name string, s Sides, r Rule) Decision {
	switch kinds[name] {
	case set:
		return mergeSet(s, r)
	case state:
		s.Base.Taken = false // what follows from a person's word is ours again
	}
	if s.Base.Taken {
		s.Ours = s.Base.Ours
	}
	d := scalar(s, r)
	if kinds[name] == state {
		d.Base.Taken = false
	}
	return d
}

func scalar(s Sides, r Rule) Decision {
	here, there := s.Ours != s.Base.Ours, s.Theirs != s.Base.Theirs || s.Reverted
	switch {
	case s.Ours == s.Theirs:
		return Decision{Base: Agreed{Ours: s.Ours, Theirs: s.Theirs, Taken: s.Base.Taken || there && s.Person}}
	case s.Frozen, !here && !there:
		return Decision{Base: s.Base}
	case !here:
		return r.changedThere(s)
	case !there:
		return r.changedHere(s)
	}
	return r.clash(s)
}

func (r Rule) changedThere(s Sides) Decision {
	if r.Direction != Out {
		return take(s)
	}
	if r.Conflict == TrimtabWins {
		d := write(s)
		d.Conflict, d.Winner = true, TrimtabWins
		return d
	}
	return Decision{Drift: true, Base: s.Base}
}

func (r Rule) changedHere(s Sides) Decision {
	if r.Direction == In {
		return Decision{Base: s.Base}
	}
	return write(s)
}

func (r Rule) clash(s Sides) Decision {
	if r.Direction == In {
		return take(s)
	}
	switch winner := r.winner(s); {
	case winner == TrimtabWins:
		d := write(s)
		d.Conflict, d.Winner = true, winner
		return d
	case winner == Ask:
		return Decision{Conflict: true, Winner: Ask, Drift: true, Base: s.Base}
	case r.Direction == Out: // theirs stays, and ours is said and done with
		return Decision{Conflict: true, Winner: winner, Drift: true, Base: Agreed{Ours: s.Ours, Theirs: s.Base.Theirs}}
	}
	d := take(s)
	d.Conflict, d.Winner = true, TrackerWins
	return d
}

// winner is who wins a conflict of two scalars.
func (r Rule) winner(s Sides) Winner {
	switch {
	case r.Conflict == Newest && s.OursAt.After(s.TheirsAt):
		return TrimtabWins
	case r.Conflict == TrimtabWins, r.Conflict == Ask:
		return r.Conflict
	}
	return TrackerWins
}

func take(s Sides) Decision {
	return Decision{Take: true, Base: Agreed{Ours: s.Theirs, Theirs: s.Theirs, Taken: true}}
}

func write(s Sides) Decision {
	return Decision{Write: true, Base: Agreed{Ours: s.Ours, Theirs: s.Ours}}
}

// mergeSet merges element by element: what one side has added or removed happens to the
// other, and nothing else does. Of what both did to one element, people win.
func mergeSet(s Sides, r Rule) Decision {
	ours, theirs, ourBase, theirBase := Elements(s.Ours), Elements(s.Theirs), Elements(s.Base.Ours), Elements(s.Base.Theirs)
	d := Decision{Base: s.Base}
	if s.Frozen {
		return d
	}
	d.Take = !slices.Equal(theirs, theirBase) && r.Direction != Out
	d.Base.Theirs = s.Theirs
	if r.Direction == In {
		return d
	}
	d.Base.Ours = s.Ours
	d.Add = without(without(ours, ourBase), theirs)
	for _, e := range without(ourBase, ours) {
		// Whoever puts back what was taken off wants it there.
		if slices.Contains(theirs, e) && slices.Contains(theirBase, e) {
			d.Remove = append(d.Remove, e)
		}
	}
	d.Write = len(d.Add)+len(d.Remove) > 0
	d.Base.Theirs = SetOf(append(without(theirs, d.Remove), d.Add...))
	return d
}

// SetOf writes a set as one text, whatever the order of its elements.
func SetOf(elements []string) string {
	elements = slices.Clone(elements)
	slices.Sort(elements)
	return strings.Join(slices.Compact(elements), "\n")
}

// Elements are those of a set that [SetOf] wrote.
func Elements(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// without is a set less another.
func without(a, b []string) []string {
	var rest []string
	for _, e := range a {
		if !slices.Contains(b, e) {
			rest = append(rest, e)
		}
	}
	return rest
}
