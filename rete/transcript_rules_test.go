package rete_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/rete"
)

// The types and productions that transcripts name.

func opt(name string) rete.Field { return rete.Field{Name: name, Optional: true} }

var transcriptTypes = []rete.Type{
	{Name: "item", Key: []string{"id"}, Fields: []rete.Field{{Name: "id"}, opt("x"), opt("y"), opt("at")}},
	{Name: "tag", Fields: []rete.Field{{Name: "id"}, opt("text")}},
	{Name: "owner", Key: []string{"id"}, Fields: []rete.Field{{Name: "id"}, opt("who")}},
	{Name: "flag", Fields: []rete.Field{{Name: "name"}}},
	{Name: "vote", Key: []string{"id"}, Contested: true, Fields: []rete.Field{{Name: "id"}, opt("who")}},
	{Name: "line", Bag: true, Fields: []rete.Field{opt("who"), opt("n")}},
	{Name: "total", Key: []string{"who"}, Fields: []rete.Field{{Name: "who"}, {Name: "n"}}},
}

// get reads a field of a bound fact.
func get(c *rete.Firing, name, field string) any {
	f, _ := c.Fact(name)
	v, _ := f.Get(field)
	return v
}

func flagged(name string) rete.Element { return rete.Match("flag", "", rete.Eq("name", name)) }

func deriveFlag(name string) func(*rete.Firing) error {
	return func(c *rete.Firing) error {
		_, err := c.Derive("flag", rete.Fields{"name": name})
		return err
	}
}

// owning derives an owner for the item i.
func owning(typ, who string) func(*rete.Firing) error {
	return func(c *rete.Firing) error {
		_, err := c.Derive(typ, rete.Fields{"id": get(c, "i", "id"), "who": who})
		return err
	}
}

func logIt(c *rete.Firing) error { c.Log("seen"); return nil }

var anyItem = []rete.Element{rete.Match("item", "i")}

var expired = rete.Func{
	Label: "i.at <= now", Timed: true, Reads: []rete.Ref{{Name: "i", Field: "at"}},
	Test: func(env rete.Env) (bool, error) {
		i, _ := env.Fact("i")
		at, ok := i.Get("at")
		if !ok {
			return false, rete.ErrAbsent
		}
		return !at.(time.Time).After(env.Now()), nil
	},
}

var increment = func(c *rete.Firing) error {
	i, _ := c.Fact("i")
	return c.Update(i.Handle(), rete.Fields{"x": get(c, "i", "x").(int64) + 1})
}

var rulebook = []rete.Production{
	{ID: "see-x", When: []rete.Element{rete.Match("item", "i", rete.GreaterEq("x", 0))}, Then: logIt},
	{ID: "see-y", When: anyItem, Reads: []rete.Ref{{Name: "i", Field: "y"}}, Then: logIt},
	{ID: "see-first", Priority: 5, When: anyItem, Then: logIt},
	{ID: "untagged", When: []rete.Element{
		rete.Match("item", "i"),
		rete.Not(rete.Match("tag", "t", rete.JoinEq("id", "i", "id"))),
	}, Then: logIt},
	{ID: "no-items", When: []rete.Element{rete.Not(rete.Match("item", ""))}, Then: logIt},
	{ID: "all-tagged", When: []rete.Element{rete.Not(
		rete.Match("item", "i"),
		rete.Not(rete.Match("tag", "t", rete.JoinEq("id", "i", "id"))),
	)}, Then: logIt},
	{ID: "count-to-three", When: []rete.Element{rete.Match("item", "i", rete.Less("x", 3))}, Then: increment},
	{ID: "count-once", NoLoop: true, When: []rete.Element{rete.Match("item", "i", rete.Less("x", 3))}, Then: increment},
	{ID: "count-for-ever", When: []rete.Element{rete.Match("item", "i", rete.GreaterEq("x", 0))}, Then: increment},
	{ID: "seed", When: []rete.Element{flagged("s")}, Then: deriveFlag("a")},
	{ID: "a-gives-b", When: []rete.Element{flagged("a")}, Then: deriveFlag("b")},
	{ID: "b-gives-a", When: []rete.Element{flagged("b")}, Then: deriveFlag("a")},
	{ID: "not-b-gives-b", When: []rete.Element{rete.Not(flagged("b"))}, Then: deriveFlag("b")},
	{ID: "not-a-gives-b", When: []rete.Element{rete.Not(flagged("a"))}, Then: deriveFlag("b")},
	{ID: "not-b-gives-c", When: []rete.Element{rete.Not(flagged("b"))}, Then: deriveFlag("c")},
	{ID: "not-c-gives-a", When: []rete.Element{rete.Not(flagged("c"))}, Then: deriveFlag("a")},
	{ID: "not-b-once", NoLoop: true, When: []rete.Element{rete.Not(flagged("b"))}, Then: deriveFlag("b")},
	{ID: "own-low", When: anyItem, Then: owning("owner", "low")},
	{ID: "own-high", Priority: 7, When: []rete.Element{rete.Match("item", "i", rete.Eq("x", 1))}, Then: owning("owner", "high")},
	{ID: "own-aaa", When: anyItem, Then: owning("owner", "aaa")},
	{ID: "vote-low", When: anyItem, Then: owning("vote", "low")},
	{ID: "vote-high", Priority: 7, When: []rete.Element{rete.Match("item", "i", rete.Eq("x", 1))}, Then: owning("vote", "high")},
	{ID: "own-x", When: []rete.Element{rete.Match("item", "i", rete.GreaterEq("x", 0))}, Then: func(c *rete.Firing) error {
		_, err := c.Derive("owner", rete.Fields{"id": get(c, "i", "id"), "who": get(c, "i", "x")})
		return err
	}},
	{ID: "see-owner", When: []rete.Element{rete.Match("owner", "o")}, Reads: []rete.Ref{{Name: "o", Field: "who"}}, Then: logIt},
	{ID: "fail", When: anyItem, Then: func(c *rete.Firing) error {
		if _, err := c.Assert("tag", rete.Fields{"id": "half done"}); err != nil {
			return err
		}
		return errors.New("out of luck")
	}},
	{ID: "halt", Priority: 1, When: anyItem, Then: func(c *rete.Firing) error { c.Halt(); return nil }},
	{ID: "expire", When: []rete.Element{rete.Match("item", "i", rete.Check(expired))}, Then: logIt},
	{ID: "not-expired", When: []rete.Element{rete.Match("item", "i"), rete.Not(rete.Where(expired))}, Then: logIt},
	{ID: "undo", When: anyItem, Then: func(c *rete.Firing) error {
		i, _ := c.Fact("i")
		fields := i.Fields()
		if err := c.Retract(i.Handle()); err != nil {
			return err
		}
		_, err := c.Assert("item", fields)
		return err
	}},
	{ID: "double", When: []rete.Element{
		rete.Match("item", "i"),
		rete.Let("twice", rete.Func{
			Label: "i.x * 2", Reads: []rete.Ref{{Name: "i", Field: "x"}},
			Value: func(env rete.Env) (any, error) {
				i, _ := env.Fact("i")
				x, ok := i.Get("x")
				if !ok {
					return nil, rete.ErrAbsent
				}
				n, ok := x.(int64)
				if !ok {
					return nil, fmt.Errorf("%v is no number", x)
				}
				return n * 2, nil
			},
		}),
		rete.Match("item", "j", rete.JoinEq("x", "twice", "")),
	}, Then: func(c *rete.Firing) error {
		v, _ := c.Value("twice")
		c.Log(fmt.Sprint("twice is ", v))
		return nil
	}},
	{ID: "touch-owner", When: []rete.Element{rete.Match("owner", "o")}, Then: func(c *rete.Firing) error {
		o, _ := c.Fact("o")
		return c.Update(o.Handle(), rete.Fields{"who": "me"})
	}},
}

func transcriptRules(t *testing.T, ids []string) []rete.Production {
	rulebook := slices.Concat(rulebook, newElements, agendaRules)
	var list []rete.Production
	for _, id := range ids {
		i := slices.IndexFunc(rulebook, func(p rete.Production) bool { return p.ID == id })
		if i < 0 {
			t.Fatalf("no rule %s in the rulebook", id)
		}
		list = append(list, rulebook[i])
	}
	return list
}
