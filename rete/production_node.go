package rete

import "slices"

// step is one compiled element. It builds or shares its node below a memory and
// gives the memory that the node fills: a new kind of element is a new step.
type step interface {
	attach(b *builder, in *memory) *memory
	signature() string
}

// chainSigs names chains of steps, to name what they make up.
func chainSigs(chains [][]step) string {
	var buf []byte
	for _, chain := range chains {
		for _, s := range chain {
			buf = append(append(buf, s.signature()...), ';')
		}
		buf = append(buf, '|')
	}
	return string(buf)
}

// builder collects what a production uses of the network while it is attached.
type builder struct {
	parts  []*part
	alphas []*alphaMemory
}

// took notes a node that reads an alpha memory, and widens what the memory sees. That
// only grows: a production that goes leaves its fields in, which costs an evaluation
// now and then and no mistake, since the match set follows from the values and not
// from the events.
func (b *builder) took(right *alphaMemory, reads *fieldSet, out *memory) *memory {
	right.mask.addAll(*reads)
	b.alphas = append(b.alphas, right)
	return out
}

// prodNode is a production in the network of a session.
type prodNode struct {
	first   prodEnd // of ends: most productions have one
	id      string
	head    matchID // of its matches
	size    int
	fired   int // since the last report
	total   int // since it came
	prog    *program
	built   builder
	ends    []*prodEnd
	derives map[string]struct{} // types that it derived
}

// prodEnd is the end of one chain of a production: its tokens are matches.
type prodEnd struct {
	net      *network
	id       uint32
	gone     int32   // matches that went in this batch
	up       []int32 // how many levels above the token each fact is
	upSpace  [4]int32
	then     func(*Firing) error
	priority int
	simple   bool // nothing is asked about a match before it goes on the agenda
	node     *prodNode
	prog     *program
	chain    *chain
	mem      *memory
	mems     []*memory   // below each step; the last is mem
	tally    *tally      // of its salience and key of exclusion
	params   *tokenIndex // of a query
}

// attach builds the production's chains, sharing what is there.
func (n *network) attach(p *program) *prodNode {
	node := &prodNode{prog: p, id: p.ID}
	for _, c := range p.chains {
		mem := n.top
		mems := make([]*memory, 0, len(c.steps))
		for _, s := range c.steps {
			mem = s.attach(&node.built, mem)
			mems = append(mems, mem)
		}
		e := &prodEnd{net: n, node: node, prog: p, chain: c, mem: mem, mems: mems, then: p.Then, priority: p.Priority}
		if len(node.ends) == 0 {
			node.first = *e
			e = &node.first
		}
		e.id, e.up = n.prods.add(e), e.upSpace[:0]
		e.simple = p.Group == "" && p.Exclusive.Group == "" && c.salience == nil
		for _, b := range c.facts {
			e.up = append(e.up, c.depth-int32(b.depth))
		}
		node.ends = append(node.ends, e)
		mem.ends = append(mem.ends, e)
		if len(c.params) > 0 {
			e.params = mem.index(c.params)
		}
		for t := mem.head; t != 0; t = n.tokens.at(t).mate {
			e.added(t)
		}
		n.nodes++
	}
	return node
}

// added implements [end]. The match is new until the session finds out whether it
// is an old one that came back (see Session.appear).
func (e *prodEnd) added(t tokenID) {
	id, m := e.net.matches.alloc()
	tok := e.net.tokens.at(t)
	*m = match{end: e.id, token: t, other: matchID(tok.extra)}
	tok.extra = uint32(id)
	e.net.appeared = append(e.net.appeared, id)
}

// dropped implements [end].
func (e *prodEnd) dropped(t tokenID) {
	id := e.matchOf(t)
	if id != 0 && e.net.matches.at(id).state.has(listed) {
		e.net.vanished = append(e.net.vanished, id)
	}
}

// detach takes a production out and every node that nothing else uses, the lowest
// first.
func (n *network) detach(p *prodNode) {
	for _, e := range p.ends {
		for t := e.mem.head; t != 0; t = n.tokens.at(t).mate {
			e.dropped(t)
			n.forgetMatch(t, e)
		}
		i := slices.IndexFunc(e.mem.ends, func(x end) bool { return x == end(e) })
		e.mem.ends = slices.Delete(e.mem.ends, i, i+1)
		if e.params != nil {
			e.mem.releaseIndex(e.params)
		}
		n.nodes--
	}
	parts := p.built.parts
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].users--; parts[i].users == 0 {
			parts[i].node.detach()
		}
	}
	n.release()
}

// forgetMatch takes a production's match from a token that stays for others.
func (n *network) forgetMatch(t tokenID, e *prodEnd) {
	tok := n.tokens.at(t)
	if m := n.matches.at(matchID(tok.extra)); m.end == e.id {
		tok.extra = uint32(m.other)
		return
	}
	for id := matchID(tok.extra); ; {
		m := n.matches.at(id)
		if next := n.matches.at(m.other); next.end == e.id {
			m.other = next.other
			return
		}
		id = m.other
	}
}

// dropEnds gives the numbers of detached productions' ends back, when the batch is
// over and nobody asks any more what their matches were.
func (n *network) dropEnds(removed []*prodNode) {
	for _, p := range removed {
		for _, e := range p.ends {
			n.prods.remove(e.id)
		}
	}
}
