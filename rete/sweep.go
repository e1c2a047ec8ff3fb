package rete

// sweep frees the symbols that nothing uses any more, when there are twice as many
// as the last sweep left: that costs a constant for each symbol made, and nothing
// while values repeat. It runs between batches, when nothing is in flight.
func (s *Session) sweep() {
	syms := &s.store.syms
	if live := syms.values.live(); live < 4096 || live < 2*syms.kept {
		return
	}
	used := make([]bool, syms.values.next)
	mark := func(sym symbol) {
		if sym&smallInt == 0 {
			used[sym&symbolBit] = true
		}
		if c := syms.canon(sym); c&smallInt == 0 {
			used[c&symbolBit] = true
		}
	}
	s.markFacts(mark)
	s.markNetwork(mark)
	syms.free(used)
	syms.kept = syms.values.live()
}

// markFacts marks what facts and supports say.
func (s *Session) markFacts(mark func(symbol)) {
	for _, t := range s.store.tables {
		for i := range t.rows.next {
			for _, sym := range t.rows.at(i) {
				mark(sym)
			}
		}
	}
	for _, g := range s.store.grounds {
		for _, sup := range g.supports {
			for _, sym := range sup.values {
				mark(sym)
			}
		}
	}
	for name := range s.locks {
		mark(name.per)
	}
	for _, name := range s.lockOf {
		mark(name.per)
	}
}

// markNetwork marks constants, computed values, and what aggregates hold.
func (s *Session) markNetwork(mark func(symbol)) {
	n := s.net
	constants := func(tests []constTest) {
		for i := range tests {
			mark(tests[i].sym)
			for _, sym := range tests[i].syms {
				mark(sym)
			}
		}
	}
	for _, m := range n.alphas.list {
		if m != nil {
			constants(m.tests)
		}
	}
	for _, tests := range n.consts {
		constants(tests)
	}
	for _, m := range n.memories.list {
		if m == nil {
			continue
		}
		for t := m.head; t != 0; t = n.tokens.at(t).mate {
			mark(n.tokens.at(t).value)
		}
		if m.acc != nil {
			m.acc.mark(mark)
		}
	}
}

// mark marks the groups, and what their members added.
func (n *accNode) mark(mark func(symbol)) {
	for _, g := range n.groups.list {
		if g != nil {
			for _, sym := range g.by {
				mark(sym)
			}
		}
	}
	for i := range n.rows.next {
		for _, sym := range n.rows.at(i)[1:] {
			mark(sym)
		}
	}
}

// free gives the symbols back that are not used.
func (s *symbols) free(used []bool) {
	for i := range symFirst {
		used[i] = true
	}
	for _, id := range s.values.free {
		used[id] = true // free already
	}
	old := s.index
	s.index = table{}
	old.each2(func(hash, id uint32) {
		if used[symbol(id)&symbolBit] {
			s.index.insert(hash, id)
			return
		}
		s.forget(symbol(id))
	})
	for k, forms := range s.rare {
		kept := forms[:0]
		for _, sym := range forms {
			if used[sym&symbolBit] {
				kept = append(kept, sym)
			} else {
				s.forget(sym)
			}
		}
		if s.rare[k] = kept; len(kept) == 0 {
			delete(s.rare, k)
		}
	}
}

// forget frees one symbol.
func (s *symbols) forget(sym symbol) {
	delete(s.canons, sym)
	s.values.release(sym & symbolBit)
}
