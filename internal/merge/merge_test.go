package merge

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func same(v string) Agreed { return Agreed{Ours: v, Theirs: v} }

func taken(v string) Agreed { return Agreed{Ours: v, Theirs: v, Taken: true} }

func TestField(t *testing.T) {
	both := Rule{Both, TrackerWins}
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	ab := func(base, ours, theirs string) Sides { return Sides{Base: same(base), Ours: ours, Theirs: theirs} }
	cases := []struct {
		name  string
		field string
		sides Sides
		rule  Rule
		want  Decision
	}{
		{"nobody", Summary, ab("a", "a", "a"), both, Decision{Base: same("a")}},
		{"they", Summary, ab("a", "a", "b"), both, Decision{Take: true, Base: taken("b")}},
		{"they, a status", Status, ab("a", "a", "b"), both, Decision{Take: true, Base: same("b")}},
		{"we", Summary, ab("a", "b", "a"), both, Decision{Write: true, Base: same("b")}},
		{"we, after they", Summary, Sides{Base: taken("b"), Ours: "c", Theirs: "b"}, both, Decision{Base: taken("b")}},
		{"we, after they, a status", Status, Sides{Base: same("b"), Ours: "c", Theirs: "b"}, both, Decision{Write: true, Base: same("c")}},
		{"each in its own words", Summary, Sides{Base: Agreed{Ours: "abc", Theirs: "ab"}, Ours: "abc", Theirs: "ab"}, both, Decision{Base: Agreed{Ours: "abc", Theirs: "ab"}}},
		{"both, the same", Summary, ab("a", "b", "b"), both, Decision{Base: same("b")}},
		{"both, the same, and theirs is a person's", Summary, Sides{Base: same("a"), Ours: "b", Theirs: "b", Person: true}, both, Decision{Base: taken("b")}},
		{"they, back to what it was", Summary, Sides{Base: same("a"), Ours: "a", Theirs: "a", Person: true, Reverted: true}, both, Decision{Base: taken("a")}},
		{"they, back to what it was before a lost write", Summary, Sides{Base: same("a"), Ours: "b", Theirs: "a", Person: true, Reverted: true}, both, Decision{Take: true, Conflict: true, Winner: TrackerWins, Base: taken("a")}},
		{"both, tracker wins", Summary, ab("a", "b", "c"), both, Decision{Take: true, Conflict: true, Winner: TrackerWins, Base: taken("c")}},
		{"both, we win", Summary, ab("a", "b", "c"), Rule{Both, TrimtabWins}, Decision{Write: true, Conflict: true, Winner: TrimtabWins, Base: same("b")}},
		{"both, a person decides", Summary, ab("a", "b", "c"), Rule{Both, Ask}, Decision{Conflict: true, Winner: Ask, Drift: true, Base: same("a")}},
		{"both, ours is newer", Summary, Sides{Base: same("a"), Ours: "b", Theirs: "c", OursAt: noon, TheirsAt: noon.Add(-1)}, Rule{Both, Newest}, Decision{Write: true, Conflict: true, Winner: TrimtabWins, Base: same("b")}},
		{"both, at one time", Summary, Sides{Base: same("a"), Ours: "b", Theirs: "c", OursAt: noon, TheirsAt: noon}, Rule{Both, Newest}, Decision{Take: true, Conflict: true, Winner: TrackerWins, Base: taken("c")}},
		{"asked already", Summary, Sides{Base: same("a"), Ours: "b", Theirs: "c", Frozen: true}, both, Decision{Base: same("a")}},
		{"asked, and agreed meanwhile", Summary, Sides{Base: same("a"), Ours: "b", Theirs: "b", Frozen: true}, both, Decision{Base: same("b")}},
		{"they, but it is ours", Description, ab("a", "a", "b"), Rule{Out, Ask}, Decision{Drift: true, Base: same("a")}},
		{"they, but it is ours and we insist", Description, ab("a", "a", "b"), Rule{Out, TrimtabWins}, Decision{Write: true, Conflict: true, Winner: TrimtabWins, Base: same("a")}},
		{"both, and it is ours", Description, ab("a", "b", "c"), Rule{Out, Ask}, Decision{Conflict: true, Winner: Ask, Drift: true, Base: same("a")}},
		{"both, it is ours, but we yield", Description, ab("a", "b", "c"), Rule{Out, TrackerWins}, Decision{Conflict: true, Winner: TrackerWins, Drift: true, Base: Agreed{Ours: "b", Theirs: "a"}}},
		{"we, but it is theirs", Priority, ab("a", "b", "a"), Rule{In, TrackerWins}, Decision{Base: same("a")}},
		{"both, but it is theirs", Priority, ab("a", "b", "c"), Rule{In, TrackerWins}, Decision{Take: true, Base: taken("c")}},
		{"set: we add, they add", Labels, ab("x", "a\nx", "b\nx"), Rule{Both, Union}, Decision{Take: true, Write: true, Add: []string{"a"}, Base: Agreed{Ours: "a\nx", Theirs: "a\nb\nx"}}},
		{"set: they take ours off", Labels, ab("x", "x", ""), Rule{Both, Union}, Decision{Take: true, Base: Agreed{Ours: "x"}}},
		{"set: we take ours off", Labels, ab("x", "", "x"), Rule{Both, Union}, Decision{Write: true, Remove: []string{"x"}, Base: same("")}},
		{"set: they put back what we take off", Labels, Sides{Base: Agreed{Ours: "x"}, Theirs: "x"}, Rule{Both, Union}, Decision{Take: true, Base: Agreed{Theirs: "x"}}},
		{"set: only in", Labels, ab("x", "a\nx", "b"), Rule{In, Union}, Decision{Take: true, Base: Agreed{Ours: "x", Theirs: "b"}}},
		{"set: only out", Labels, ab("x", "a\nx", "b"), Rule{Out, Union}, Decision{Write: true, Add: []string{"a"}, Base: Agreed{Ours: "a\nx", Theirs: "a\nb"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Field(c.field, c.sides, c.rule); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAgreedJSON(t *testing.T) {
	for text, want := range map[string]Agreed{`"a"`: same("a"), `{"ours":"a","theirs":"b"}`: {Ours: "a", Theirs: "b"}, `{"ours":"a","theirs":"a","taken":true}`: taken("a")} {
		var got Agreed
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if back, err := json.Marshal(got); err != nil || string(back) != text {
			t.Errorf("%s came back as %s, %v", text, back, err)
		}
	}
	if err := json.Unmarshal([]byte(`7`), &Agreed{}); err == nil {
		t.Error("7 was read")
	}
}

func TestDigest(t *testing.T) {
	if Digest("**a** b\n") != Digest("a *b*") || Digest("a b") == Digest("ab") || Digest(" * ") != "" {
		t.Error("words are told apart, and nothing else")
	}
}

// world is one field of a ticket, with both sides and what people did.
type world struct {
	field        string
	rule         Rule
	base         Agreed
	ours, theirs string // what Trimtab would say, and what the tracker has
	clock        int
	oursAt       int
	theirsAt     int
	queue        int // conflicts that were told
	frozen       bool
	writes       int
}

func at(n int) time.Time { return time.Unix(int64(n), 0) }

// sync is one look with what follows from it, as the jobs do it. A tracker keeps values in
// words of its own.
func (w *world) sync() Decision {
	ours := w.ours
	d := Field(w.field, Sides{Base: w.base, Ours: ours, Theirs: w.theirs, OursAt: at(w.oursAt), TheirsAt: at(w.theirsAt), Frozen: w.frozen}, w.rule)
	if d.Conflict {
		w.queue++
		w.frozen = d.Winner == Ask
	}
	if d.Write {
		w.writes++
		if IsSet(w.field) {
			w.theirs = SetOf(append(without(Elements(w.theirs), d.Remove), d.Add...))
		} else {
			w.theirs = w.kept(ours)
			d.Base.Theirs = w.theirs
		}
	}
	if d.Take && kinds[w.field] == state {
		w.ours = w.theirs // a status: the workflow follows
	}
	w.base = d.Base
	return d
}

// kept is how the tracker keeps a value.
func (w *world) kept(v string) string {
	if w.field == Summary && len(v) > 1 {
		return v[:1]
	}
	return v
}

func (w *world) edit(v string) {
	w.clock++
	w.theirs, w.theirsAt = v, w.clock
}

func (w *world) want(v string) {
	w.clock++
	w.ours, w.oursAt = v, w.clock
}

func anyWorld(t *rapid.T) *world {
	field := rapid.SampledFrom([]string{Status, Summary, Description, Labels}).Draw(t, "field")
	rule := Rule{
		rapid.SampledFrom([]Direction{Both, In, Out}).Draw(t, "direction"),
		rapid.SampledFrom([]Winner{TrackerWins, TrimtabWins, Newest, Ask}).Draw(t, "conflict"),
	}
	w := &world{field: field, rule: rule}
	w.ours = w.value(t, "first")
	w.theirs = w.kept(w.ours)
	w.base = Agreed{Ours: w.ours, Theirs: w.theirs}
	return w
}

func (w *world) value(t *rapid.T, label string) string {
	if IsSet(w.field) {
		return SetOf(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3).Draw(t, label))
	}
	return rapid.SampledFrom([]string{"a", "b", "c", "dd", "ee"}).Draw(t, label)
}

// Whatever people and Trimtab do between looks: one look after they rest nothing is left to
// do and nothing is written (no echo), at most one write follows from a change, and what a
// person set is still there unless a conflict was told or Trimtab, which knew of it, went on.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t)
		changes := 0
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				w.edit(w.value(t, "theirs"))
				changes++
			case 1:
				w.want(w.value(t, "ours"))
				changes++
			default:
				w.look(t)
			}
		}
		w.look(t)
		writes := w.writes
		for range 3 {
			if d := w.look(t); d.Take || d.Write || d.Conflict {
				t.Fatalf("not at rest: %+v in %+v", d, w)
			}
		}
		if w.writes != writes || w.writes > changes {
			t.Fatalf("%d writes, %d of them echoes, for %d changes", w.writes, w.writes-writes, changes)
		}
		w.agrees(t)
	})
}

// look syncs and holds the result against what it may do.
func (w *world) look(t *rapid.T) Decision {
	before := *w
	d := w.sync()
	again := Field(w.field, Sides{Base: w.base, Ours: w.ours, Theirs: w.theirs, OursAt: at(w.oursAt), TheirsAt: at(w.theirsAt), Frozen: w.frozen}, w.rule)
	if again.Take || again.Write || again.Conflict {
		t.Fatalf("asked again: %+v after %+v", again, d)
	}
	unheard := before.theirs != before.base.Theirs
	if unheard && w.theirs != before.theirs && !IsSet(w.field) && w.queue == before.queue {
		t.Fatalf("the edit %q was lost without a word: %+v", before.theirs, w)
	}
	for _, e := range without(Elements(before.theirs), Elements(before.base.Theirs)) {
		if IsSet(w.field) && !slices.Contains(Elements(w.theirs), e) {
			t.Fatalf("the element %q was lost: %+v", e, w)
		}
	}
	return d
}

// agrees: both sides say the same, or people know why not.
func (w *world) agrees(t *rapid.T) {
	ours := w.ours
	if w.base.Taken {
		ours = w.base.Ours
	}
	if w.frozen || w.rule.Direction != Both || IsSet(w.field) {
		return
	}
	if w.theirs != ours && w.theirs != w.kept(ours) {
		t.Fatalf("ours %q, theirs %q: %+v", ours, w.theirs, w)
	}
}

// Which side's change of a set comes first makes no difference.
func TestSetsCommute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{field: Labels, rule: Rule{Both, Union}}
		start := w.value(t, "start")
		ours, theirs := w.value(t, "ours"), w.value(t, "theirs")
		run := func(first, second func(*world)) string {
			x := &world{field: Labels, rule: w.rule, base: same(start), ours: start, theirs: start}
			first(x)
			x.sync()
			second(x)
			x.sync()
			return x.theirs
		}
		// A person adds to and takes from what is there then.
		person := func(x *world) {
			x.theirs = SetOf(append(without(Elements(x.theirs), without(Elements(start), Elements(theirs))), without(Elements(theirs), Elements(start))...))
		}
		us := func(x *world) { x.ours = ours }
		if a, b := run(person, us), run(us, person); a != b {
			t.Fatalf("%q and %q", a, b)
		}
	})
}

func TestElements(t *testing.T) {
	if got := Elements(SetOf([]string{"b", "a", "b"})); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
	if Elements("") != nil {
		t.Error("an empty set has elements")
	}
}
