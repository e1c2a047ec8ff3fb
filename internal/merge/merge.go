// Package merge decides, field by field, what two sides that were changed
// apart should both say: the three-way merge of a ticket. It is pure: the value
// both sides last agreed on (base), ours (local) and the tracker's (remote) go
// in, a decision comes out.
package merge

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
	Ask         Winner = "ask" // nobody: a person decides
)

// Rule is how one field is merged.
type Rule struct {
	Direction Direction
	Conflict  Winner
}

// Decision is what is to be done about one field.
type Decision struct {
	Take     bool   // the tracker's value becomes ours
	Write    bool   // our value goes to the tracker
	Conflict bool   // both sides changed it, to different values
	Base     string // what both sides have agreed on once the above is done
}

// Field merges one field. Equal values are agreement, whoever wrote them: so
// the echo of our own write is no change.
func Field(base, local, remote string, r Rule) Decision {
	switch {
	case local == remote:
		return Decision{Base: remote}
	case local == base:
		return r.changedThere(base, remote)
	case remote == base:
		return r.changedHere(base, local)
	}
	return r.clash(base, local, remote)
}

func (r Rule) changedThere(base, remote string) Decision {
	if r.Direction == Out {
		return Decision{Base: base} // drift: shown, not overwritten
	}
	return Decision{Take: true, Base: remote}
}

func (r Rule) changedHere(base, local string) Decision {
	if r.Direction == In {
		return Decision{Base: base}
	}
	return Decision{Write: true, Base: local}
}

func (r Rule) clash(base, local, remote string) Decision {
	switch {
	case r.Direction == In, r.Direction == Both && r.Conflict == TrackerWins:
		return Decision{Take: true, Conflict: true, Base: remote}
	case r.Direction == Out, r.Conflict == TrimtabWins:
		return Decision{Write: true, Conflict: true, Base: local}
	}
	return Decision{Conflict: true, Base: base}
}
