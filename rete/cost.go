package rete

// Cost is what a production has cost a session since it was attached. What several
// productions share counts for each of them.
type Cost struct {
	Production string
	Firings    int
	Matches    int    // live ones
	Tests      uint64 // pairs and tokens that its nodes tried
	Tokens     uint64 // partial matches that they made
}

// Costs gives what each production has cost, by ID.
func (s *Session) Costs() []Cost {
	list := make([]Cost, 0, len(s.base.programs))
	for _, prog := range s.base.programs {
		p := s.nodes[prog.ID]
		if p == nil {
			continue // it passed a limit when it came
		}
		c := Cost{Production: prog.ID, Firings: p.total, Matches: p.size}
		for _, x := range p.built.parts {
			c.Tests += x.work.Tests
			c.Tokens += x.work.Tokens
		}
		list = append(list, c)
	}
	return list
}
