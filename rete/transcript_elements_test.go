package rete_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/rete"
)

// logValues logs what Let and aggregates named.
func logValues(names ...string) func(*rete.Firing) error {
	return func(c *rete.Firing) error {
		var words []string
		for _, name := range names {
			v, _ := c.Value(name)
			words = append(words, fmt.Sprintf("%s=%v", name, v))
		}
		c.Log(strings.Join(words, " "))
		return nil
	}
}

// overLines aggregates over the lines of everybody.
func overLines(ops map[string]rete.AggregateOp) rete.Accumulation {
	a := rete.Accumulation{From: []rete.Element{rete.Match("line", "l")}}
	for _, name := range slices.Sorted(maps.Keys(ops)) {
		a.Let = append(a.Let, rete.Aggregate{Name: name, Op: ops[name], Of: rete.Read("l", "n")})
	}
	return a
}

// whoOf are the lines of each.
func byWho(a rete.Accumulation) rete.Accumulation {
	a.By = []rete.Group{{Name: "who", Of: rete.Read("l", "who")}}
	return a
}

var (
	tagOf    = rete.Match("tag", "t", rete.JoinEq("id", "i", "id"))
	lineSum  = overLines(map[string]rete.AggregateOp{"sum": rete.Sum})
	atLeast2 = rete.Func{Label: "l.n >= 2", Reads: []rete.Ref{{Name: "l", Field: "n"}}, Test: func(env rete.Env) (bool, error) {
		l, _ := env.Fact("l")
		n, ok := l.Get("n")
		if !ok {
			return false, rete.ErrAbsent
		}
		return n.(int64) >= 2, nil
	}}
)

// newElements are productions with every element beyond patterns and negations.
var newElements = []rete.Production{
	{ID: "tagged", When: []rete.Element{rete.Match("item", "i"), rete.Exists(tagOf)}, Then: logIt},
	{ID: "tagged-and-owned", When: []rete.Element{
		rete.Match("item", "i"), rete.Exists(tagOf, rete.Match("owner", "o", rete.JoinEq("id", "t", "id"))),
	}, Then: logIt},
	{ID: "none-tagged", When: []rete.Element{rete.Not(rete.Match("item", "i"), rete.Exists(tagOf))}, Then: logIt},
	{ID: "all-big-tagged", When: []rete.Element{
		rete.ForAll(rete.Match("item", "i", rete.Greater("x", 10)), tagOf),
	}, Then: logIt},
	{ID: "owner-all-tagged", When: []rete.Element{
		rete.Match("owner", "o"),
		rete.ForAll(rete.Match("item", "i", rete.JoinEq("y", "o", "id")), tagOf),
	}, Then: logIt},
	{ID: "tagged-or-owned", When: []rete.Element{
		rete.Match("item", "i"),
		rete.Any([]rete.Element{rete.Exists(tagOf)}, []rete.Element{rete.Exists(rete.Match("owner", "o", rete.JoinEq("id", "i", "id")))}),
	}, Then: logIt},
	{ID: "word-of", When: []rete.Element{
		rete.Any(
			[]rete.Element{rete.Match("tag", "t"), rete.Let("word", rete.Read("t", "text"))},
			[]rete.Element{rete.Match("owner", "o"), rete.Let("word", rete.Read("o", "who"))},
		),
		rete.Match("flag", "f", rete.JoinEq("name", "word", "")),
	}, Then: logValues("word")},
	{ID: "not-any", When: []rete.Element{
		rete.Not(rete.Any([]rete.Element{rete.Match("tag", "")}, []rete.Element{rete.Match("flag", "")})),
	}, Then: logIt},
	{ID: "count-and-sum", When: []rete.Element{rete.Accumulate(overLines(map[string]rete.AggregateOp{
		"count": rete.Count, "distinct": rete.Distinct, "list": rete.Collect, "sum": rete.Sum,
	}))}, Then: logValues("count", "sum", "distinct", "list")},
	{ID: "least-and-most", When: []rete.Element{rete.Accumulate(overLines(map[string]rete.AggregateOp{
		"avg": rete.Avg, "max": rete.Max, "min": rete.Min, "p50": rete.P50,
	}))}, Then: logValues("min", "max", "avg", "p50")},
	{ID: "sum-by-who", When: []rete.Element{rete.Accumulate(byWho(lineSum))}, Then: logValues("who", "sum")},
	{ID: "sum-if", When: []rete.Element{rete.Accumulate(rete.Accumulation{
		From: []rete.Element{rete.Match("line", "l")},
		Let: []rete.Aggregate{
			{Name: "all", Op: rete.Count},
			{Name: "big", Op: rete.Count, If: atLeast2},
			{Name: "sum", Op: rete.Sum, Of: rete.Read("l", "n"), If: atLeast2},
		},
	})}, Then: logValues("all", "big", "sum")},
	{ID: "per-owner", When: []rete.Element{rete.Match("owner", "o"), rete.Accumulate(rete.Accumulation{
		From: []rete.Element{rete.Match("line", "l", rete.JoinEq("who", "o", "who"))},
		Let:  []rete.Aggregate{{Name: "sum", Op: rete.Sum, Of: rete.Read("l", "n")}},
	})}, Then: logValues("sum")},
	{ID: "over-five", When: []rete.Element{
		rete.Accumulate(byWho(lineSum)), rete.Having("sum", rete.Greater("", 5)),
	}, Then: logValues("who", "sum")},
	{ID: "is-total", When: []rete.Element{
		rete.Accumulate(lineSum), rete.Match("item", "i", rete.JoinEq("x", "sum", "")),
	}, Then: logValues("sum")},
	{ID: "most-of-sums", When: []rete.Element{rete.Accumulate(rete.Accumulation{
		From: []rete.Element{rete.Accumulate(byWho(lineSum))},
		Let:  []rete.Aggregate{{Name: "most", Op: rete.Max, Of: rete.Read("sum", "")}, {Name: "groups", Op: rete.Count}},
	})}, Then: logValues("groups", "most")},
	{ID: "fewer-than-two", When: []rete.Element{
		rete.Match("owner", "o"),
		rete.Not(
			rete.Accumulate(rete.Accumulation{
				From: []rete.Element{rete.Match("line", "l", rete.JoinEq("who", "o", "who"))},
				Let:  []rete.Aggregate{{Name: "n", Op: rete.Count}},
			}),
			rete.Having("n", rete.GreaterEq("", 2)),
		),
	}, Then: logIt},
	{ID: "derive-total", When: []rete.Element{rete.Accumulate(byWho(lineSum))}, Then: func(c *rete.Firing) error {
		who, _ := c.Value("who")
		sum, _ := c.Value("sum")
		_, err := c.Derive("total", rete.Fields{"who": who, "n": sum})
		return err
	}},
	{ID: "x-over-y", When: []rete.Element{
		rete.Match("item", "i"), rete.Having("i", rete.JoinGreater("x", "i", "y"), rete.Less("y", 100)),
	}, Then: logIt},
	{ID: "smaller", When: []rete.Element{
		rete.Match("item", "i"), rete.Match("item", "j", rete.JoinLess("x", "i", "x"), rete.JoinNe("y", "i", "y")),
	}, Then: logIt},
	{ID: "of", When: []rete.Element{rete.Match("owner", "o"), rete.Match("item", "i", rete.JoinEq("id", "o", "id"))}, Params: []rete.Ref{{Name: "o", Field: "who"}}},
	{ID: "sums-of", When: []rete.Element{rete.Accumulate(byWho(lineSum))}, Params: []rete.Ref{{Name: "who"}, {Name: "sum"}}},
	{ID: "joined-late", When: []rete.Element{
		rete.Match("item", "i"), rete.Match("tag", "t", rete.JoinEq("id", "i", "id"), rete.Check(rete.Func{
			Label: "now is past t.id + i.id", Timed: true, Reads: []rete.Ref{{Name: "t", Field: "id"}, {Name: "i", Field: "id"}},
			Test: func(env rete.Env) (bool, error) { return env.Now().Year() > 2000, nil },
		})),
	}, Then: logIt},
	{ID: "see-lines", When: []rete.Element{rete.Match("line", "l")}, Then: logIt},
	{ID: "derive-lines", When: anyItem, Reads: []rete.Ref{{Name: "i", Field: "y"}}, Then: func(c *rete.Firing) error {
		_, err := c.Derive("line", rete.Fields{"who": "rule", "n": get(c, "i", "x")})
		return err
	}},
}

// in gives a production a group; see logs when it fires.
func in(group string, p rete.Production) rete.Production {
	p.Group, p.Then = group, logIt
	if p.When == nil {
		p.When = anyItem
	}
	return p
}

// one lets one match of the group x fire for each value of i.y.
func one(id string, priority int, tests ...rete.Test) rete.Production {
	return rete.Production{
		ID: id, Priority: priority, When: []rete.Element{rete.Match("item", "i", tests...)}, Then: logIt,
		Exclusive: rete.Exclusive{Group: "x", Per: rete.Read("i", "y")},
	}
}

// agendaRules show the order of firings.
var agendaRules = []rete.Production{
	{ID: "by-x", Salience: rete.Read("i", "x"), When: anyItem, Then: logIt},
	{ID: "at-five", Priority: 5, When: anyItem, Then: logIt},
	{ID: "s1", When: []rete.Element{rete.Match("item", "i")}, Then: logIt},
	{ID: "s2", When: []rete.Element{rete.Match("item", "i", rete.GreaterEq("x", 0))}, Then: logIt},
	{ID: "s3", When: []rete.Element{rete.Match("item", "i", rete.GreaterEq("x", 0), rete.Less("x", 100))}, Then: logIt},
	{ID: "pair", When: []rete.Element{rete.Match("item", "i"), rete.Match("tag", "t")}, Then: logIt},
	in("a", rete.Production{ID: "in-a"}),
	in("b", rete.Production{ID: "in-b"}),
	in("", rete.Production{ID: "in-main", Priority: -1}),
	{ID: "ask-for-b", Priority: 9, When: anyItem, Then: func(c *rete.Firing) error {
		c.Focus("b")
		c.Log("b goes first")
		return nil
	}},
	{ID: "ask-for-both", Priority: 9, When: []rete.Element{rete.Match("item", "i", rete.Eq("id", 1))}, Then: func(c *rete.Firing) error {
		c.Focus("a")
		c.Focus("b")
		c.Log("b goes first, then a")
		return nil
	}},
	one("low", 0), one("high", 7, rete.Eq("x", 1)),
	{ID: "alone-1", When: anyItem, Then: logIt, Exclusive: rete.Exclusive{Group: "whole"}},
	{ID: "alone-2", When: anyItem, Then: logIt, Exclusive: rete.Exclusive{Group: "whole"}},
	{ID: "unflagged", Then: logIt, When: []rete.Element{
		rete.Match("item", "i"), rete.Not(flagged("stop")),
	}, Exclusive: rete.Exclusive{Group: "whole"}, Priority: 3},
	{ID: "stop-for-a-moment", Priority: 9, When: []rete.Element{rete.Match("flag", "f", rete.Eq("name", "go"))}, Then: func(c *rete.Firing) error {
		if _, err := c.Derive("flag", rete.Fields{"name": "stop"}); err != nil {
			return err
		}
		f, _ := c.Fact("f")
		return c.Retract(f.Handle())
	}},
}
