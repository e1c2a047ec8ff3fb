package rete

// tokenID numbers a token.
type tokenID uint32

// token is a partial match: the chain of its parents holds one token for each
// element matched so far.
//
// A token is what Forgy calls a token and Doorenbos too (CMU-CS-95-113, section
// 2.3): it is linked to its parent rather than copied, so that a match of ten
// elements costs ten small nodes that other matches share. Removal goes by the tree
// of tokens (section 2.5): what rests on a token is among its kids, so that nothing
// has to be matched again to find what must go.
type token struct {
	parent tokenID
	fact   factID // what a pattern matched
	value  symbol // what a Let computed
	memory uint32
	kids   tokenID // those that extend it
	kin    tokenID // the parent's next kid
	elder  tokenID // and the one before

	item       itemID  // the membership that holds the fact
	next, prev tokenID // among the tokens of the item
	mate       tokenID // the next in the memory
	mateBefore tokenID

	filings linkID
	extra   uint32  // what the memory's user keeps for it: an owner, a match, a contribution
	depth   uint16  // that of the memory
	dead    bool    // gone; its record is free when the batch ends
	_       [5]byte // a token fills one line of a cache
}

// memory holds the tokens that one node lets through, and knows the nodes below.
//
// It is the beta memory of the literature. There a node without a join below needs
// none; here every node fills one, also a condition that merely passes tokens on:
// that costs a token per level and spares each node from knowing what kind of node
// stands above it.
type memory struct {
	net        *network
	id         uint32
	depth      int32 // of its tokens: the length of their chain
	size       int32
	head       tokenID
	linked     []*part  // nodes below that hear of each token, see unlink.go
	space      [1]*part // of linked: most memories feed one node
	ends       []end    // what the tokens are complete matches for
	indexes    []*tokenIndex
	endsSpace  [1]end
	indexSpace [1]*tokenIndex
	index1     tokenIndex // the first of indexes
	gate       *gate      // of which these are the owner tokens
	acc        *accNode   // of which these are
	static     bool       // the top: its token never goes
	hashed     bool       // the indexes are kept up, see smallMemory
	keyed      int32      // joins that need them, see unlink.go
}

// end is what complete chains are for: a production, a negation, an aggregate.
type end interface {
	added(t tokenID)
	dropped(t tokenID)
}

// node is a part of the network below a memory.
//
// Nodes know nothing of productions. They are shared by signature: two productions
// that begin with the same elements use the same nodes up to where they part
// (CMU-CS-95-113, section 2.6).
type node interface {
	leftAdd(t tokenID) // a token came into the memory above
	detach()           // nothing uses the node any more
}

// part is what every node has.
//
// A node can be used by several productions, and by one of them at several places,
// in a negation and outside of it; users counts all of them.
type part struct {
	node  node
	in    *memory
	place int32 // in in.linked; -1 while unlinked
	users int32
	sig   string
	tally *tally
	work  work
}

// work counts what a node did since it was made, for those who ask what a rule
// costs.
type work struct {
	Tokens uint64 // tokens that it made
	Tests  uint64 // pairs and tokens that it tried
}

// newMemory makes a memory for tokens of a depth.
func (n *network) newMemory(depth int32) *memory {
	m := &memory{}
	n.initMemory(m, depth)
	return m
}

// initMemory makes a memory that lies in its node: what is used together is found
// together.
func (n *network) initMemory(m *memory, depth int32) {
	m.net, m.depth, m.id = n, depth, n.memories.add(m)
	m.linked, m.ends, m.indexes = m.space[:0], m.endsSpace[:0], m.indexSpace[:0]
}

// join finds the node of a signature below the memory, or takes the new one that
// make builds and lets it see the tokens that are there.
func (m *memory) join(b *builder, sig string, make func(p part) (node, *part)) node {
	name := shareName{m.id, sig}
	p := m.net.shared[name]
	if p == nil {
		_, p = make(part{in: m, sig: sig, place: -1})
		m.net.shared[name] = p
		m.net.nodes++
		m.link(p)
		for t := m.head; t != 0; t = m.net.tokens.at(t).mate {
			p.node.leftAdd(t)
		}
	}
	p.users++
	b.parts = append(b.parts, p)
	return p.node
}

// leave takes a node out from below the memory.
func (m *memory) leave(p *part) {
	delete(m.net.shared, shareName{m.id, p.sig})
	m.unlink(p)
	m.net.nodes--
}

// link lets a node hear of each token.
func (m *memory) link(p *part) {
	if p.place < 0 {
		p.place = int32(len(m.linked))
		m.linked = append(m.linked, p)
	}
}

// unlink keeps a node from hearing of tokens.
func (m *memory) unlink(p *part) {
	if p.place < 0 {
		return
	}
	last := len(m.linked) - 1
	m.linked[p.place] = m.linked[last]
	m.linked[p.place].place = p.place
	m.linked[last] = nil
	m.linked = m.linked[:last]
	p.place = -1
}

// add makes a token and lets the nodes below see it.
func (m *memory) add(parent tokenID, id itemID, fact factID, value symbol) tokenID {
	n := m.net
	t, tok := n.tokens.alloc()
	*tok = token{parent: parent, fact: fact, value: value, memory: m.id, item: id, mate: m.head, depth: uint16(m.depth)}
	if m.head != 0 {
		n.tokens.at(m.head).mateBefore = t
	}
	m.head = t
	m.size++
	if parent != 0 {
		up := n.tokens.at(parent)
		tok.kin = up.kids
		if up.kids != 0 {
			n.tokens.at(up.kids).elder = t
		}
		up.kids = t
	}
	if id != 0 {
		item := n.items.at(id)
		tok.next = item.tokens
		if item.tokens != 0 {
			n.tokens.at(item.tokens).prev = t
		}
		item.tokens = t
	}
	switch {
	case m.hashed:
		for _, x := range m.indexes {
			m.file(t, tok, x)
		}
	case m.size > smallMemory && len(m.indexes) > 0:
		m.hash()
	}
	switch {
	case m.gate != nil:
		tok.extra = n.newOwner()
	case m.acc != nil:
		tok.extra = m.acc.newOwner(t)
	}
	n.made(m)
	for _, e := range m.ends {
		e.added(t)
	}
	// From the last: a node that unlinks itself puts one in its place that was asked
	// already.
	for i := len(m.linked) - 1; i >= 0; i-- {
		m.linked[i].node.leftAdd(t)
	}
	return t
}

// drop removes a token and all that rests on it. It goes as deep as the longest
// production, never as deep as a chain of derivations.
func (n *network) drop(t tokenID) {
	tok := n.tokens.at(t)
	if tok.dead {
		return
	}
	// Set before the kids go: what they free must not wake this token up again.
	tok.dead = true
	for tok.kids != 0 {
		n.drop(tok.kids)
	}
	n.unhookToken(t, tok)
	m := n.memories.at(tok.memory)
	for _, e := range m.ends {
		e.dropped(t)
	}
	switch {
	case m.gate != nil:
		n.dropOwner(tok.extra)
	case m.acc != nil:
		m.acc.dropOwner(tok.extra)
	}
	n.dead = append(n.dead, t)
	if m.size--; m.size == 0 {
		m.hashed = m.keyed > 0
		m.unlinkRight()
	}
}

// unhookToken takes a token out of every list.
func (n *network) unhookToken(t tokenID, tok *token) {
	for tok.filings != 0 {
		more, in := n.unfile(tok.filings)
		tok.filings = more
		n.emptied(in)
	}
	if tok.mate != 0 {
		n.tokens.at(tok.mate).mateBefore = tok.mateBefore
	}
	if tok.mateBefore != 0 {
		n.tokens.at(tok.mateBefore).mate = tok.mate
	} else {
		n.memories.at(tok.memory).head = tok.mate
	}
	if tok.kin != 0 {
		n.tokens.at(tok.kin).elder = tok.elder
	}
	if tok.elder != 0 {
		n.tokens.at(tok.elder).kin = tok.kin
	} else if tok.parent != 0 {
		n.tokens.at(tok.parent).kids = tok.kin
	}
	if tok.item == 0 {
		return
	}
	if tok.next != 0 {
		n.tokens.at(tok.next).prev = tok.prev
	}
	if tok.prev != 0 {
		n.tokens.at(tok.prev).next = tok.next
	} else {
		n.items.at(tok.item).tokens = tok.next
	}
}

// clear drops all tokens of a memory.
func (m *memory) clear() {
	for m.head != 0 {
		m.net.drop(m.head)
	}
}

// close gives the memory's number back; nothing uses it any more.
func (m *memory) close() {
	m.clear()
	m.net.memories.remove(m.id)
}

// up is the token so many levels above.
func (n *network) up(t tokenID, levels int32) tokenID {
	for ; levels > 0; levels-- {
		t = n.tokens.at(t).parent
	}
	return t
}

// depthOf is the length of a token's chain.
func (n *network) depthOf(t tokenID) int32 { return int32(n.tokens.at(t).depth) }

// at is the token of a chain that has a depth.
func (n *network) at(t tokenID, depth int) tokenID { return n.up(t, n.depthOf(t)-int32(depth)) }

// ref is a compiled [Ref]: a field of the fact at a depth, or with field -1 the
// value there.
type ref struct{ depth, field int }

// read gives what a reference names in a chain.
func (n *network) read(r ref, t tokenID) symbol {
	tok := n.tokens.at(n.at(t, r.depth))
	if r.field < 0 {
		return tok.value
	}
	return n.store.get(tok.fact, r.field)
}
