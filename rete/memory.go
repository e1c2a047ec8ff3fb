package rete

import "unsafe"

// Memory is about how many bytes the session holds for facts, partial matches and
// the indexes over both, records kept for use again included. What it does not count
// is the network itself, derivations, aggregates, and what long texts take.
func (s *Session) Memory() int {
	n, st := s.net, &s.store
	total := st.facts.bytes() + n.items.bytes() + n.tokens.bytes() + n.owners.bytes() + n.blocks.bytes() +
		n.visits.bytes() + n.matches.bytes() + n.filings.bytes() + n.buckets.bytes() + n.pairs.bytes() +
		st.syms.values.bytes() + st.syms.index.bytes() + n.byKey.bytes() + n.byPair.bytes()
	for _, t := range st.tables {
		total += len(t.rows.chunks)*slabSize*int(t.rows.width)*int(unsafe.Sizeof(symbol(0))) + t.index.bytes()
	}
	return total
}

// bytes is what the chunks take.
func (s *slab[I, T]) bytes() int {
	var zero T
	return len(s.chunks) * slabSize * int(unsafe.Sizeof(zero))
}

// bytes is what the places take.
func (t *table) bytes() int { return len(t.slots) * int(unsafe.Sizeof(slot{})) }
