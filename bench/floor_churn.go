package main

// The floors are the joins of a workload by hand: what is left when there is
// no engine, and so the limit of any. Values come from outside, so each is
// interned once; all else is flat slices indexed by symbol.

// symbols give values numbers that are dense.
type symbols map[int]int32

func (s symbols) intern(value int) int32 {
	n, known := s[value]
	if !known {
		n = int32(len(s))
		s[value] = n
	}
	return n
}

// grown is a slice with room for a symbol.
func grown[T any](list []T, symbol int32) []T {
	for int(symbol) >= len(list) {
		var none T
		list = append(list, none)
	}
	return list
}

// floorFact is a fact of two symbols and the firing that waits for it.
type floorFact struct{ a, b, rule int32 }

// churnFloor is the field of b1 and b2: rules by kind, and what stays by id.
type churnFloor struct {
	symbols symbols
	rules   []int32   // by the symbol of their kind, from 1
	on      []bool    // ids that have an attribute that is on
	items   [][]int32 // kinds of the items of an id
	moving  floorFact
}

func newChurnFloor(c churn) *churnFloor {
	f := &churnFloor{symbols: symbols{}}
	for i := range c.rules {
		kind := f.symbols.intern(i)
		f.rules = grown(f.rules, kind)
		f.rules[kind] = int32(i) + 1
	}
	for id := range max(1000, c.rules) {
		symbol := f.symbols.intern(id)
		f.on, f.items = grown(f.on, symbol), grown(f.items, symbol)
	}
	one := f.symbols.intern(1)
	for _, fact := range c.facts(c.rules) {
		a, b := f.symbols.intern(fact.a), f.symbols.intern(fact.b)
		if fact.typ == "attr" {
			f.on[a] = b == one
		} else {
			f.items[a] = append(f.items[a], b)
		}
	}
	return f
}

// floorB1 looks up, for each new item, its rule by kind and its attribute by id.
func floorB1(c churn) func(changes int) int {
	f := newChurnFloor(c)
	return func(changes int) (fired int) {
		random := start
		for s := range changes {
			id, kind := c.next(s, c.rules, &random)
			f.moving = floorFact{a: f.symbols.intern(id), b: f.symbols.intern(kind)}
			if f.on[f.moving.a] {
				f.moving.rule = f.rules[f.moving.b]
			}
			if f.moving.rule > 0 {
				fired++
			}
		}
		return fired
	}
}

// floorB2 looks up, for each new attribute, the items of its id and their rules.
func floorB2(c churn) func(changes int) int {
	f := newChurnFloor(c)
	one := f.symbols.intern(1)
	return func(changes int) (fired int) {
		random := start
		for s := range changes {
			id, on := c.next(s, c.rules, &random)
			f.moving = floorFact{a: f.symbols.intern(id), b: f.symbols.intern(on)}
			if f.moving.b != one {
				continue
			}
			for _, kind := range f.items[f.moving.a] {
				if f.moving.rule = f.rules[kind]; f.moving.rule > 0 {
					fired++
				}
			}
		}
		return fired
	}
}
