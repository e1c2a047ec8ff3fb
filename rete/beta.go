package rete

// token is a partial match: the chain of its parents holds one token for each
// element matched so far.
//
// A token is what Forgy calls a token and Doorenbos too (CMU-CS-95-113, section
// 2.3): it is linked to its parent rather than copied, so that a match of ten
// elements costs ten small nodes that other matches share. Removal goes by the tree
// of tokens (section 2.5): what rests on a token is among its kids, so that nothing
// has to be matched again to find what must go.
type token struct {
	parent *token
	depth  int    // length of the chain
	fact   *entry // what a pattern matched
	value  any    // what a Let computed
	mem    *memory
	kids   bag[*token]
	dead   bool

	place   *link[*token]   // in mem
	filed   []*link[*token] // in the indexes of mem
	kin     *link[*token]   // among the parent's kids
	support *link[*token]   // among the tokens of the alpha item

	owner *owner // of a token that a negation watches
	match *match // of a complete match
}

// at is the token of the chain that has a depth.
func (t *token) at(depth int) *token {
	for t.depth > depth {
		t = t.parent
	}
	return t
}

// memory holds the tokens that one node lets through, and the nodes below.
//
// It is the beta memory of the literature. There a node without a join below needs
// none; here every node fills one, also a condition that merely passes tokens on:
// that costs a token per level and spares each node from knowing what kind of node
// stands above it.
type memory struct {
	net     *network
	tokens  bag[*token]
	indexes indexSet[*token]
	below   []node
	shared  map[string]node // below, by signature
	forget  func(*token)    // told of each token that goes
	gate    *gate           // of which these are the owner tokens
}

// node is a part of the network below a memory.
//
// Nodes know nothing of productions. They are shared by signature: two productions
// that begin with the same elements use the same nodes up to where they part
// (CMU-CS-95-113, section 2.6).
type node interface {
	leftAdd(t *token) // a token came into the memory above
	detach()          // nothing uses the node any more
	use(delta int) int
	faults() *tally
}

// part is what every node has.
//
// A node can be used by several productions, and by one of them at several places,
// in a negation and outside of it; users counts all of them.
type part struct {
	users int // productions, counting each place
	in    *memory
	sig   string
	tally tally
}

// use adds to the number of users and gives it: at 0 the node can go.
func (p *part) use(delta int) int { p.users += delta; return p.users }

// faults are what the node's functions failed with since the last report.
func (p *part) faults() *tally { return &p.tally }

// join finds the node of a signature below the memory, or takes the new one that
// make builds and lets it see the tokens that are there.
func (m *memory) join(sig string, make func(p part) node) node {
	if n := m.shared[sig]; n != nil {
		n.use(1)
		return n
	}
	n := make(part{users: 1, in: m, sig: sig})
	if m.shared == nil {
		m.shared = map[string]node{}
	}
	m.shared[sig] = n
	m.below = append(m.below, n)
	m.net.nodes++
	m.tokens.each(n.leftAdd)
	return n
}

// leave takes a node out from below the memory.
func (m *memory) leave(n node, sig string) {
	delete(m.shared, sig)
	for i := range m.below {
		if m.below[i] == n {
			m.below = append(m.below[:i], m.below[i+1:]...)
			break
		}
	}
	m.net.nodes--
}

// add makes a token and lets the nodes below see it.
func (m *memory) add(parent *token, item *alphaItem, value any) *token {
	t := &token{parent: parent, value: value, mem: m}
	if parent != nil {
		t.depth = parent.depth + 1
		t.kin = parent.kids.add(t)
	}
	if m.gate != nil {
		t.owner = &owner{gate: m.gate}
	}
	if item != nil {
		t.fact = item.entry
		t.support = item.tokens.add(t)
	}
	t.place = m.tokens.add(t)
	m.indexes.fileAll(t, &t.filed)
	m.net.tokens++
	// In the order of creation: what is above was made first, and a node that feeds
	// another from the side, such as the end of a negation, finds it in place.
	for _, n := range m.below {
		n.leftAdd(t)
	}
	return t
}

// drop removes a token and all that rests on it. It goes as deep as the longest
// production, never as deep as a chain of derivations.
func (t *token) drop() {
	if t.dead {
		return
	}
	// Set before the kids go: what they free must not wake this token up again.
	t.dead = true
	t.kids.each((*token).drop)
	t.place.remove()
	for _, l := range t.filed {
		l.remove()
	}
	for _, l := range []*link[*token]{t.kin, t.support} {
		if l != nil {
			l.remove()
		}
	}
	t.mem.net.tokens--
	if t.mem.forget != nil {
		t.mem.forget(t)
	}
}

// clear drops all tokens of a memory.
func (m *memory) clear() { m.tokens.each((*token).drop) }

// ref is a compiled [Ref]: a field of the fact at a depth, or with field -1 the
// value there.
type ref struct{ depth, field int }

// read gives what a reference names in a chain; false if the field is absent.
func (r ref) read(t *token) (any, bool) {
	t = t.at(r.depth)
	if r.field < 0 {
		return t.value, true
	}
	return t.fact.shown.get(r.field)
}
