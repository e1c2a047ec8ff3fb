package rete

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// linkTypes: T tokens and F facts meet by one, two or three fields.
var linkTypes = []Type{
	{Name: "T", Key: []string{"id"}, Fields: []Field{{Name: "id"}, {Name: "a"}, {Name: "b"}, {Name: "c", Optional: true}}},
	{Name: "F", Key: []string{"id"}, Fields: []Field{{Name: "id"}, {Name: "a"}, {Name: "b"}, {Name: "c", Optional: true}}},
}

// onFields joins by the first n fields.
func onFields(n int) []Test {
	var tests []Test
	for _, f := range []string{"a", "b", "c"}[:n] {
		tests = append(tests, JoinEq(f, "t", f))
	}
	return tests
}

// linkRules are joins and negations of each width, some with a second join below,
// some of which share a memory of facts.
func linkRules() []Production {
	then := func(*Firing) error { return nil }
	var rules []Production
	for n := 1; n <= 3; n++ {
		t, f := Match("T", "t"), Match("F", "f", onFields(n)...)
		rules = append(rules,
			Production{ID: fmt.Sprint("join", n), Then: then, When: []Element{t, f}},
			Production{ID: fmt.Sprint("not", n), Then: then, When: []Element{t, Not(f)}},
			Production{ID: fmt.Sprint("exists", n), Then: then, When: []Element{Match("T", "t", Eq("b", 1)), Exists(f)}},
			Production{ID: fmt.Sprint("less", n), Then: then, When: []Element{t, Match("F", "f", append(onFields(n), JoinLess("id", "t", "id"))...)}},
			Production{ID: fmt.Sprint("below", n), Then: then, When: []Element{t, f, Match("F", "g", JoinEq("a", "f", "b"), JoinEq("b", "t", "a"))}},
		)
	}
	return rules
}

// linker drives a session and counts what its matches must be.
type linker struct {
	t    *testing.T
	s    *Session
	rows map[string]map[int][3]any // by type and id
}

func newLinker(t *testing.T) *linker {
	base, err := Compile(linkTypes, linkRules())
	if err != nil {
		t.Fatal(err)
	}
	return &linker{t, NewSession(base, Config{}), map[string]map[int][3]any{"T": {}, "F": {}}}
}

// put states a fact; of nil takes it back.
func (l *linker) put(typ string, id int, row ...any) {
	l.t.Helper()
	tx := l.s.Begin()
	var err error
	if len(row) == 0 {
		f, ok := l.s.Lookup(typ, Fields{"id": id})
		if !ok {
			tx.Rollback()
			return
		}
		err = tx.Retract(f.Handle())
		delete(l.rows[typ], id)
	} else {
		_, err = tx.Assert(typ, Fields{"id": id, "a": row[0], "b": row[1], "c": row[2]})
		l.rows[typ][id] = [3]any(row)
	}
	if err := errors.Join(err, tx.Commit(), l.s.CheckInvariants()); err != nil {
		l.t.Fatal(err)
	}
}

// meet tells whether two rows agree on the first n fields.
func meet(t, f [3]any, n int) bool {
	for i := range n {
		if t[i] == Absent || t[i] != f[i] { // NaN differs from itself
			return false
		}
	}
	return true
}

// count is how often a rule must match.
func (l *linker) count(kind string, n int) (count int) {
	for id, t := range l.rows["T"] {
		met, less, below := 0, 0, 0
		for other, f := range l.rows["F"] {
			if !meet(t, f, n) {
				continue
			}
			met++
			if other < id {
				less++
			}
			for _, g := range l.rows["F"] {
				if g[0] == f[1] && g[1] == t[0] {
					below++
				}
			}
		}
		switch {
		case kind == "join":
			count += met
		case kind == "less":
			count += less
		case kind == "below":
			count += below
		case kind == "not" && met == 0 || kind == "exists" && met > 0 && t[1] == 1:
			count++
		}
	}
	return count
}

func (l *linker) compare() {
	l.t.Helper()
	for _, kind := range []string{"join", "not", "exists", "less", "below"} {
		for n := 1; n <= 3; n++ {
			id := fmt.Sprint(kind, n)
			if got, want := l.s.nodes[id].size, l.count(kind, n); got != want {
				l.t.Fatalf("%s matches %d times, want %d", id, got, want)
			}
		}
	}
}

// TestKeyedJoins: facts that come in vain make joins keyed, tokens that come in vain
// make them hear of every fact again, and nothing is ever missed on the way.
func TestKeyedJoins(t *testing.T) {
	l := newLinker(t)
	for id := range 10 { // tokens, each of a key of its own
		l.put("T", id, id, 1, "x")
	}
	for id := range 40 { // facts of keys that no token has
		l.put("F", id, 100+id, 1, "x")
	}
	if l.s.Keyed() == 0 {
		t.Fatal("no join is keyed after 40 visits in vain")
	}
	l.compare()
	for id := range 10 { // those that are met, also by tokens that come later
		l.put("F", 50+id, id, 1, "x")
		l.put("T", 50+id, 100+id, 1, "x")
		l.compare()
	}
	for id := range 10 { // a key that several tokens share, and that goes
		l.put("T", 70+id, 7, 1, "x")
		l.put("T", id)
		l.compare()
	}
	for id := range 70 { // the facts run out, and tokens keep coming
		l.put("F", id)
	}
	keyed := l.s.Keyed()
	for id := range 60 { // and going, or noting each would stay the cheaper way
		l.put("T", 200, id, 1, "x")
		l.put("T", 200)
	}
	if left := l.s.Keyed(); left >= keyed || keyed == 0 {
		t.Errorf("%d joins were keyed, and %d are after the facts ran out", keyed, left)
	}
	for id := range 20 {
		l.put("F", id, id, 1, "x")
		l.compare()
	}
}

// TestLinksUnderChurn moves both sides at random through all states of linking,
// while rules that share their memories come and go.
func TestLinksUnderChurn(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			l := newLinker(t)
			all := l.s.Base()
			random := rand.New(rand.NewPCG(seed, 1))
			values := []any{0, 1, 1, 2, 3, 5, 8, "x"}
			seen := 0
			for step := range 600 {
				typ := []string{"T", "F"}[random.IntN(2)]
				if phase := step / 60 % 4; phase < 2 && random.IntN(4) > 0 {
					typ = []string{"T", "F"}[phase] // one side waxes, then the other
				}
				row := []any{values[random.IntN(8)], values[random.IntN(8)], values[random.IntN(8)]}
				if typ == "F" && step/120%2 == 0 {
					row[0] = 100 + random.IntN(30) // in vain
				}
				if random.IntN(10) == 0 {
					row[random.IntN(3)] = math.NaN()
				}
				if random.IntN(10) == 0 {
					row[2] = Absent
				}
				if random.IntN(3) == 0 {
					row = nil
				}
				l.put(typ, random.IntN(40), row...)
				if random.IntN(40) == 0 {
					l.reload(all, random)
				}
				seen = max(seen, l.s.Keyed())
				l.compare()
			}
			if seen == 0 {
				t.Error("no join was ever keyed")
			}
			l.empty()
		})
	}
}

// reload takes some rules out and puts them back.
func (l *linker) reload(all *Base, random *rand.Rand) {
	l.t.Helper()
	var out []string
	for _, id := range all.Productions() {
		if random.IntN(2) == 0 {
			out = append(out, id)
		}
	}
	some, err := all.Without(out...)
	if err := errors.Join(err, l.s.Adopt(some), l.s.CheckInvariants(), l.s.Adopt(all), l.s.CheckInvariants()); err != nil {
		l.t.Fatal(err)
	}
}

// empty takes everything out and checks that nothing is left.
func (l *linker) empty() {
	l.t.Helper()
	bare, err := l.s.Base().Without(l.s.Base().Productions()...)
	if err := errors.Join(err, l.s.Adopt(bare)); err != nil {
		l.t.Fatal(err)
	}
	for typ, rows := range l.rows {
		for id := range rows {
			l.put(typ, id)
		}
	}
	if err := l.s.CheckEmpty(); err != nil {
		l.t.Error(err)
	}
}
