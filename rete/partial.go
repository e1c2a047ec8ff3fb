package rete

import (
	"iter"
	"slices"
)

// Level is one element of a production with the partial matches that it lets
// through: the answer to "how far does it match, and where does it stop?".
type Level struct {
	Branch  int    // of the disjunctions
	Element string // in words
	Count   int    // of partial matches

	end *prodEnd
	mem *memory
}

// Levels gives the elements of a production in order, with what matches up to each;
// those of each branch after the other.
func (s *Session) Levels(production string) []Level {
	p := s.nodes[production]
	if p == nil {
		return nil
	}
	var levels []Level
	for _, e := range p.ends {
		for i, mem := range e.levels() {
			levels = append(levels, Level{
				Branch: e.chain.number, Element: describe(e.chain.elements[i]), Count: int(mem.size), end: e, mem: mem,
			})
		}
	}
	return levels
}

// levels are the memories below each element.
func (e *prodEnd) levels() []*memory {
	list := make([]*memory, len(e.chain.ends))
	for i, steps := range e.chain.ends {
		list[i] = e.net.top
		if steps > 0 {
			list[i] = e.mems[steps-1]
		}
	}
	return list
}

// Partial matches are complete matches of the first elements of a production.
func (l Level) Partials() iter.Seq[Matched] {
	if l.mem == nil {
		return func(func(Matched) bool) {}
	}
	list := l.tokens()
	return func(yield func(Matched) bool) {
		for _, t := range list {
			if !yield(l.end.partial(t, l.mem)) {
				return
			}
		}
	}
}

// tokens are those of the level, in the order of their facts.
func (l Level) tokens() []tokenID {
	var list []tokenID
	l.mem.each(func(t tokenID) { list = append(list, t) })
	slices.SortFunc(list, func(a, b tokenID) int {
		for _, f := range l.end.boundAt(l.mem) {
			x, y := l.end.factOf(a, l.mem, f), l.end.factOf(b, l.mem, f)
			if c := l.end.net.store.byHandle(x, y); c != 0 {
				return c
			}
		}
		return 0
	})
	return list
}

// boundAt are the patterns that tokens of a memory hold.
func (e *prodEnd) boundAt(m *memory) []*bound {
	n := 0
	for n < len(e.chain.facts) && e.chain.facts[n].depth <= int(m.depth) {
		n++
	}
	return e.chain.facts[:n]
}

// factOf is the fact of a pattern in a token of a memory.
func (e *prodEnd) factOf(t tokenID, m *memory, b *bound) factID {
	return e.net.tokens.at(e.net.up(t, m.depth-int32(b.depth))).fact
}

// partial copies a partial match for those outside.
func (e *prodEnd) partial(t tokenID, m *memory) Matched {
	st := e.net.store
	p := Matched{Production: e.prog.ID, Bind: Bind{}, Values: map[string]any{}}
	for _, b := range e.boundAt(m) {
		f := e.factOf(t, m, b)
		p.Facts = append(p.Facts, Fact{st.shownVersion(f)})
		if b.name != "" {
			p.Bind[b.name] = st.handle(f)
		}
	}
	for _, b := range e.chain.values {
		if b.depth <= int(m.depth) {
			p.Values[b.name] = cloneValue(st.syms.value(e.net.tokens.at(e.net.up(t, m.depth-int32(b.depth))).value))
		}
	}
	return p
}
