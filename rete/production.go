package rete

import "time"

// Fields are the values of a fact by field name. Values are nil, bool, int64,
// float64, string, time.Time, time.Duration, []byte, []any, map[string]any, or
// any type that implements [Keyer]; int and other integer kinds are taken as
// int64. The engine copies what it is given.
type Fields map[string]any

// Keyer is implemented by values of kinds that the engine does not know, such
// as money: equal values, and only they, give equal keys.
type Keyer interface{ ReteKey() string }

// Orderer is implemented by values that [Less] and its kin can compare. The
// result is negative, zero or positive; an error means that the two have no
// order (two currencies, say), which is no match and reported.
type Orderer interface {
	ReteCompare(other any) (int, error)
}

// Absent as a field's value means that the field is not there: asserting or
// updating with it clears an optional field, and Convert may return it.
var Absent any = absent{}

// absent is a type of its own, so that no value from outside equals it.
type absent struct{}

// String lets explanations say so.
func (absent) String() string { return "absent" }

// Type describes the facts of one name.
type Type struct {
	Name string
	// Key names the fields that give a fact its identity: asserting the same key
	// again updates that fact. Without a key the type has set semantics: equal
	// facts are one fact.
	Key    []string
	Fields []Field
	// Contested types expect several supports with different values for one key
	// (recommendations do): the best one is shown and no conflict is reported.
	Contested bool
	// Bag types have no identity: equal facts are several facts. A bag has no key.
	Bag bool
}

// Field is one field of a fact type.
type Field struct {
	Name     string
	Optional bool // may be absent; reading it while absent is no match
	// Convert checks a value and brings it into the field's kind; nil takes it as
	// it is. It is applied on every assert and update.
	Convert func(any) (any, error)
}

// Ref names a field of a bound fact. With Field "" it names a value bound by
// [Let], or every field of a fact.
type Ref struct{ Name, Field string }

// Env is what a test, a value or an action sees: the names bound so far.
type Env interface {
	Fact(name string) (Fact, bool)
	Value(name string) (any, bool) // names bound by Let
	Now() time.Time                // the session's clock
}

// Element is one part of a production's condition; made by [Match], [Not],
// [Exists], [ForAll], [Any], [Let], [Where], [Having] and [Accumulate].
type Element interface{ element() }

// Test is one condition on a pattern. Tests that are data (made by [Eq] and its
// kin, [JoinEq]) are indexed; [Func] is for everything else.
type Test struct {
	op    op
	field string
	value any   // Eq, Ne, Less …: the constant; In: []any
	other Ref   // JoinEq
	fn    *Func // opFunc
}

// Func is a test or a value computed by Go code.
type Func struct {
	// Label is the source text. Functions with equal labels and reads are taken
	// for the same function and shared; give different functions different labels.
	Label string
	// Reads lists every field and value that Test or Value looks at. It drives
	// sharing, refraction and which changes are seen at all; the Env of the
	// function shows only the names listed here.
	Reads []Ref
	// Timed functions look at Env.Now and are evaluated again when the clock is set.
	Timed bool
	// Until tells, for a Timed function, the next instant at which its result may
	// change, and whether it ever will: setting the clock then costs what is due.
	// Without it every fact or combination is tried again. It sees what Test sees.
	Until func(Env) (at time.Time, changes bool)
	// Test is the condition; nil for a value. An error of [ErrAbsent] is no match
	// and counted; any other error is no match and reported.
	Test func(Env) (bool, error)
	// Value computes what [Let] names; an error means no match, as for Test.
	Value func(Env) (any, error)

	plain bool // made by [Read]
}

// Production is one rule: when its elements match, Then runs once for the match.
type Production struct {
	ID       string // unique in a base, as "aws.compute/idle-vm"
	Priority int    // salience: higher fires first
	// Salience computes the priority of each match, an int64, when the match comes to
	// the agenda; without a Value it is Priority, as when it fails.
	Salience Func
	When     []Element
	// Reads lists the fields that Then looks at beyond those of When: a change of
	// one of them makes the match fire again.
	Reads []Ref
	// Params make the production a query, see [Session.Query]: the fields and values
	// that are asked by. A query needs no Then; without one it does not fire.
	Params []Ref
	// NoLoop: the production's own changes never reactivate it on the same facts.
	NoLoop bool
	// Group is the agenda group, see Config.Groups and [Firing.Focus].
	Group string
	// Exclusive lets one match of several fire, see there.
	Exclusive Exclusive
	Then      func(*Firing) error
	// Version distinguishes two productions of one ID: firing history is keyed by
	// ID and Version, so that an unchanged rule never refires after a reload.
	Version string
}

// Exclusive lets, of all matches of the productions of a group, only the first on
// the agenda fire for each value of Per. While its match stands the others wait;
// when it goes the next may fire.
type Exclusive struct {
	Group string // "" is none
	Per   Func   // its Value; without one there is one match for the whole group
}
