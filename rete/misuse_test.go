package rete_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/rete"
)

// TestHandlesOfNobody: whatever number a caller comes with, it names a fact that
// stands or none.
func TestHandlesOfNobody(t *testing.T) {
	s := newRules(t, rete.Config{}, transcriptRules(t, []string{"untagged"})...)
	gone := state(t, s, "item", rete.Fields{"id": 1})
	change(t, s, func(tx *rete.Tx) error { return tx.Retract(gone) })
	there := state(t, s, "item", rete.Fields{"id": 2})
	shape, err := s.Base().Shape("item", "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []rete.Handle{0, 1, gone, there + 1, there - 1, there ^ 1<<40, 1<<28 - 1, ^rete.Handle(0)} {
		if f, ok := s.Get(h); ok || f.Valid() || s.Why(h) != nil || s.Supports(h) != nil {
			t.Errorf("handle %d names %v", h, f)
		}
		tx := s.Begin()
		for what, err := range map[string]error{
			"update": tx.Update(h, rete.Fields{"x": 1}), "retract": tx.Retract(h), "row": tx.UpdateRow(h, shape, rete.Int(1)),
		} {
			if !errors.Is(err, rete.ErrNoFact) {
				t.Errorf("%s of %d: %v", what, h, err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
		var qe *rete.QueryError
		if _, err := s.WhyNot("untagged", rete.Bind{"i": h}); !errors.As(err, &qe) {
			t.Errorf("why not with %d: %v", h, err)
		}
	}
}

// TestShapesOfOthers: a shape fits its type, also in bases made from its own.
func TestShapesOfOthers(t *testing.T) {
	s := newRules(t, rete.Config{})
	base := s.Base()
	for want, fields := range map[error][]string{rete.ErrUnknownField: {"item", "nothing"}, rete.ErrUnknownType: {"nothing"}} {
		if _, err := base.Shape(fields[0], fields[1:]...); !errors.Is(err, want) {
			t.Error(fields, err)
		}
	}
	item, _ := base.Shape("item", "id", "x")
	flag, _ := base.Shape("flag", "name")
	next, err := base.With(nil, transcriptRules(t, []string{"untagged"}))
	if err := errors.Join(err, s.Adopt(next)); err != nil {
		t.Fatal(err)
	}
	other, err := rete.Compile([]rete.Type{
		{Name: "item", Key: []string{"id"}, Fields: []rete.Field{{Name: "id"}, {Name: "x"}}},
		{Name: "alien", Fields: []rete.Field{{Name: "id"}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _ := other.Shape("item", "id", "x")
	alien, _ := other.Shape("alien", "id")
	tx := s.Begin()
	h, err := tx.AssertRow(item, rete.Int(1), rete.Int(2))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]error{
		"too few": tx.UpdateRow(h, item, rete.Int(1)), "of another type": tx.UpdateRow(h, flag, rete.String("a")),
		"no shape": tx.UpdateRow(h, nil), "of another base": tx.UpdateRow(h, stranger, rete.Int(1), rete.Int(2)),
	}
	_, rows["too many"] = tx.AssertRow(item, rete.Int(1), rete.Int(2), rete.Int(3))
	_, rows["assert without"] = tx.AssertRow(nil)
	_, rows["assert a stranger"] = tx.AssertRow(stranger, rete.Int(1), rete.Int(2))
	for what, err := range rows {
		if !errors.Is(err, rete.ErrShape) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := tx.AssertRow(alien, rete.Int(1)); !errors.Is(err, rete.ErrUnknownType) {
		t.Error("alien:", err)
	}
	if _, err := tx.AssertRow(item, rete.Value{}, rete.Int(1)); !errors.Is(err, rete.ErrMissingField) {
		t.Error("without a key:", err)
	}
	if err := tx.UpdateRow(h, item, rete.Int(1), rete.Of(func() {})); !errors.Is(err, rete.ErrKind) {
		t.Error("a function:", err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	if f, _ := s.Get(h); f.Fields()["x"] != int64(2) {
		t.Errorf("refused rows left %v", f)
	}
}

// TestUnknownProductions are errors, or nothing.
func TestUnknownProductions(t *testing.T) {
	s := newRules(t, rete.Config{}, transcriptRules(t, []string{"of"})...)
	var qe *rete.QueryError
	_, query := s.Query("nothing")
	_, few := s.Query("of")
	_, kind := s.Query("of", make(chan int))
	_, why := s.WhyNot("nothing", nil)
	_, name := s.WhyNot("of", rete.Bind{"nobody": 1})
	for what, err := range map[string]error{
		"query": query, "few": few, "kind": kind, "why not": why, "name": name,
		"DOT": s.WriteDOT(io.Discard, "of", "nothing"), "SVG": s.WriteSVG(io.Discard, "nothing"),
	} {
		if !errors.As(err, &qe) || qe.Production == "" || !strings.Contains(err.Error(), qe.Production) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s.Levels("nothing") != nil || len(slices.Collect(s.Matches("nothing"))) != 0 {
		t.Error("an unknown production matches")
	}
	if partials := slices.Collect((rete.Level{}).Partials()); len(partials) != 0 {
		t.Error("the zero level has partial matches")
	}
}

// TestChangesWhileLooking: matches and answers that go while the caller looks at
// others are left out.
func TestChangesWhileLooking(t *testing.T) {
	s := newRules(t, rete.Config{}, transcriptRules(t, []string{"of", "untagged"})...)
	fill := func() {
		for id := range 4 {
			state(t, s, "item", rete.Fields{"id": id})
			state(t, s, "owner", rete.Fields{"id": id, "who": "ann"})
		}
	}
	empty := func() {
		change(t, s, func(tx *rete.Tx) error {
			var err error
			for f := range s.Facts() {
				err = errors.Join(err, tx.Retract(f.Handle()))
			}
			return err
		})
	}
	looks := map[string]func() int{
		"matches": func() (n int) {
			for range s.Matches("untagged") {
				n++
				empty()
			}
			return n
		},
		"query": func() (n int) {
			answer, err := s.Query("of", "ann")
			if err != nil {
				t.Fatal(err)
			}
			for range answer {
				n++
				empty()
			}
			return n
		},
		"facts": func() (n int) {
			for range s.Facts() {
				n++
				empty()
			}
			return n
		},
		"levels": func() int {
			for _, l := range s.Levels("of") {
				for range l.Partials() {
					empty()
				}
			}
			return 1
		},
	}
	for what, look := range looks {
		fill()
		if n := look(); n != 1 {
			t.Errorf("%s: %d after the first was the last", what, n)
		}
	}
}

// TestCompilingNewElements: every mistake is told.
func TestCompilingNewElements(t *testing.T) {
	item := rete.Match("item", "i")
	count := []rete.Aggregate{{Name: "n", Op: rete.Count}}
	for want, when := range map[string][]rete.Element{
		"an empty negation never holds":            {item, rete.Exists()},
		"an empty branch always holds":             {item, rete.Not(rete.Any([]rete.Element{item}, nil))},
		"an empty branch always holds ":            {rete.Accumulate(rete.Accumulation{From: []rete.Element{rete.Any([]rete.Element{item}, nil)}, Let: count})},
		"an accumulation needs elements in From":   {rete.Accumulate(rete.Accumulation{Let: count})},
		"an accumulation needs elements in From ":  {rete.Accumulate(rete.Accumulation{From: []rete.Element{item}})},
		"the aggregate n needs a Value in Of":      {rete.Accumulate(rete.Accumulation{From: []rete.Element{item}, Let: []rete.Aggregate{{Name: "n", Op: rete.Sum}}})},
		"the aggregate n has no known Op":          {rete.Accumulate(rete.Accumulation{From: []rete.Element{item}, Let: []rete.Aggregate{{Name: "n", Op: 99}}})},
		"the group g needs a Value in Of":          {rete.Accumulate(rete.Accumulation{From: []rete.Element{item}, By: []rete.Group{{Name: "g"}}, Let: count})},
		`the value "n" is nameless or bound twice`: {rete.Accumulate(rete.Accumulation{From: []rete.Element{item}, Let: slices.Concat(count, count)})},
		`"i" is not bound here`:                    {rete.Accumulate(rete.Accumulation{From: []rete.Element{item}, Let: count}), rete.Having("i", rete.Eq("x", 1))},
		`"t" is not bound here`:                    {rete.Any([]rete.Element{rete.Match("tag", "t")}, []rete.Element{item}), rete.Having("t", rete.Eq("id", 1))},
		"n is a value and has no field x":          {rete.Accumulate(rete.Accumulation{From: []rete.Element{item}, Let: count}), rete.Having("n", rete.Eq("x", 1))},
		"i: a whole fact cannot be compared":       {item, rete.Having("i", rete.Eq("", 1))},
		"i: a function in Having":                  {item, rete.Having("i", rete.Check(atLeast2))},
		"x > i: a field cannot equal a whole fact": {item, rete.Match("item", "j", rete.JoinGreater("x", "i", ""))},
		`unknown fact type "nothing"`:              {rete.ForAll(rete.Match("nothing", "i"), item)},
		"an element is nil":                        {item, nil},
	} {
		_, err := rete.Compile(transcriptTypes, []rete.Production{{ID: "p", When: when, Then: nothing}})
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
	_, err := rete.Compile(transcriptTypes, []rete.Production{{ID: "p", When: anyItem, Params: []rete.Ref{{Name: "i"}}}})
	if err == nil || !strings.Contains(err.Error(), "the parameter i needs a field") {
		t.Error(err)
	}
}

// TestBagTypes: a bag has no key, and is another type than a set.
func TestBagTypes(t *testing.T) {
	fields := []rete.Field{{Name: "x"}}
	if _, err := rete.Compile([]rete.Type{{Name: "T", Bag: true, Key: []string{"x"}, Fields: fields}}, nil); err == nil {
		t.Error("a bag has a key")
	}
	set, err := rete.Compile([]rete.Type{{Name: "T", Fields: fields}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	bag := rete.Type{Name: "T", Bag: true, Fields: fields}
	if _, err := set.With([]rete.Type{bag}, nil); err == nil {
		t.Error("a set became a bag")
	}
	other, err := rete.Compile([]rete.Type{bag}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := rete.NewSession(set, rete.Config{})
	state(t, s, "T", rete.Fields{"x": 1})
	if err := s.Adopt(other); err == nil {
		t.Error("facts of a set were adopted as those of a bag")
	}
}

// TestEmptyBranch: at the top a branch without elements always holds.
func TestEmptyBranch(t *testing.T) {
	s := newRules(t, rete.Config{}, rete.Production{ID: "p", Then: nothing, When: []rete.Element{
		rete.Any(nil, []rete.Element{rete.Match("flag", "f")}),
	}}, rete.Production{ID: "q", Then: nothing, When: []rete.Element{
		rete.Match("flag", "g"), rete.Any(nil, []rete.Element{rete.Match("flag", "f")}),
	}})
	for n, want := range map[int]string{0: "1 0", 1: "2 2", 2: "3 6"} {
		for i := range n {
			state(t, s, "flag", rete.Fields{"name": fmt.Sprint(n, i)})
		}
		got := fmt.Sprint(len(slices.Collect(s.Matches("p"))), " ", len(slices.Collect(s.Matches("q"))))
		if err := s.CheckInvariants(); err != nil || got != want {
			t.Errorf("with %d flags: %s matches, want %s; %v", n, got, want, err)
		}
		change(t, s, func(tx *rete.Tx) error {
			var err error
			for f := range s.Facts() {
				err = errors.Join(err, tx.Retract(f.Handle()))
			}
			return err
		})
	}
}
