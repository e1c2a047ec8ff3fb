package rete

// Unlinking. A join has work only when both its sides have members. While one is
// empty, the join hears nothing of the other: with no token it is taken out of the
// list of joins of its alpha memory (right unlinking, CMU-CS-95-113, chapter 3),
// with no fact out of the list of nodes of its beta memory (left unlinking, chapter
// 4). It is never taken out of both, or nobody would tell it that a side filled:
// the first side to run empty decides, as in the thesis's section 4.2.
//
// One step beyond: a join whose sides are both full can still be visited for each of
// a million facts whose keys no token of it has. When such visits have cost as much
// as it would take to note the join under the key of each token that it holds, that
// is done: a keyed join stands in no list, and a fact visits it by its key or not at
// all. When the facts run out and tokens keep coming in vain, it goes back. Renting
// until the rent has cost the price, then buying, costs at most twice the best that
// can be done without knowledge of the future (Karlin, Manasse, Rudolph and Sleator,
// "Competitive snoopy caching", 1988).

// visitID numbers a visit.
type visitID uint32

// visit notes a keyed join at the bucket of facts for the key of one of its buckets
// of tokens.
type visit struct {
	hinge      uint32
	facts      bucketID
	tokens     bucketID
	next, prev visitID // of the bucket of facts
	more       visitID // of the bucket of tokens
}

// patience is how many visits in vain a join forgives beyond the number of its
// tokens.
const patience = 8

// hears is asked when a token came into the left memory. It links the join to its
// facts and tells whether it has to look at them.
func (h *hinge) hears(t tokenID) bool {
	switch {
	case h.keyed:
		h.note(t)
	case h.place < 0:
		h.linkRight()
	}
	if h.right.size > 0 || h.patient || h.left.static {
		return h.right.size > 0
	}
	if h.keyed {
		if h.waste++; h.waste <= h.left.size+patience {
			return false
		}
		h.unkey()
		h.linkRight()
	}
	h.left.unlink(h.part)
	return false
}

// linkRight lets the join hear of facts.
func (h *hinge) linkRight() {
	if h.place < 0 {
		h.place = int32(len(h.right.linked))
		h.right.linked = append(h.right.linked, h)
	}
}

// unlinkRight keeps the join from hearing of facts.
func (h *hinge) unlinkRight() {
	if h.place < 0 {
		return
	}
	list := h.right.linked
	last := len(list) - 1
	list[h.place] = list[last]
	list[h.place].place = h.place
	list[last] = nil
	h.right.linked = list[:last]
	h.place = -1
}

// unlinkRight unlinks the joins of a memory that ran empty from their facts; those
// that are unlinked from the memory itself stay.
func (m *memory) unlinkRight() {
	for _, p := range m.linked {
		if j, ok := p.node.(*joinNode); ok {
			j.hinge.unlinkRight()
		}
	}
	if m.gate != nil && m.gate.hinge != nil {
		m.gate.hinge.unlinkRight()
	}
}

// unlinkLeft unlinks the joins of an alpha memory that ran empty from their tokens;
// those that are unlinked from the memory itself stay.
func (m *alphaMemory) unlinkLeft() {
	for _, h := range m.linked {
		if !h.patient && !h.left.static {
			h.left.unlink(h.part)
		}
	}
}

// candidate is a pair of a join and a token that a fact goes with.
type candidate struct {
	hinge *hinge
	token tokenID
}

// gatherLinked collects what the joins that hear of every fact hold with its key.
// From the last: a join that unlinks itself puts one in its place that was asked.
func (m *alphaMemory) gatherLinked(id itemID) {
	n := m.net
	for i := len(m.linked) - 1; i >= 0; i-- {
		h := m.linked[i]
		if !h.patient {
			h.left.link(h.part)
		}
		if h.left.size == 0 {
			h.unlinkRight()
			continue
		}
		if h.rightNumber == 0 {
			for t := h.left.head; t != 0; {
				tok := n.tokens.at(t)
				if !h.patient || n.owners.at(ownerID(tok.extra)).block == 0 {
					n.active = append(n.active, candidate{h, t})
				}
				t = tok.mate
			}
			continue
		}
		if h.gatherTokens(id) {
			h.waste = 0
		} else if h.waste++; h.waste > h.left.size+patience {
			h.key()
		}
	}
}

// gatherTokens collects the tokens that have a fact's key, and tells whether there
// are any.
func (h *hinge) gatherTokens(id itemID) bool {
	n := h.net
	in := n.filedIn(h.rightNumber, n.items.at(id).filings)
	if in == 0 {
		return false
	}
	n.found = h.left.withKey(h.leftIndex, n.buckets.at(in).key, n.found[:0])
	for _, t := range n.found {
		n.active = append(n.active, candidate{h, t})
	}
	return len(n.found) > 0
}

// gather collects the tokens of a bucket.
func (n *network) gather(h *hinge, in bucketID) {
	for l := n.buckets.at(in).head; l != 0; {
		f := n.filings.at(l)
		n.active = append(n.active, candidate{h, tokenID(f.member)})
		l = f.next
	}
}

// gatherKeyed collects what keyed joins hold with the key under which a fact was
// filed.
func (n *network) gatherKeyed(l linkID) {
	for v := n.buckets.at(n.filings.at(l).bucket).visits; v != 0; {
		at := n.visits.at(v)
		n.gather(n.hinges.at(at.hinge), at.tokens)
		v = at.next
	}
}

// activate tries what was collected since a place: the right activation of the
// literature. What an earlier pair removed is dead, and its record not yet used
// again.
func (n *network) activate(from int, id itemID) {
	for i := from; i < len(n.active); i++ {
		a := n.active[i]
		if !n.tokens.at(a.token).dead {
			a.hinge.try.pair(a.token, id)
		}
	}
	n.active = n.active[:from]
}

// key makes the join a keyed one.
func (h *hinge) key() {
	h.keyed, h.waste = true, 0
	h.unlinkRight()
	if h.left.keyed++; !h.left.hashed {
		h.left.hash()
	}
	for t := h.left.head; t != 0; t = h.net.tokens.at(t).mate {
		h.note(t)
	}
}

// note notes the join at the facts that have a token's key, once for each key.
func (h *hinge) note(t tokenID) {
	n := h.net
	tokens := n.filedIn(h.leftIndex.number, n.tokens.at(t).filings)
	if tokens == 0 || h.noted(tokens) != 0 {
		return
	}
	b := n.buckets.at(tokens)
	facts := n.ensure(h.rightNumber, b.key)
	id, v := n.visits.alloc()
	f := n.buckets.at(facts)
	*v = visit{hinge: h.id, facts: facts, tokens: tokens, next: f.visits, more: b.visits}
	if f.visits != 0 {
		n.visits.at(f.visits).prev = id
	}
	f.visits, b.visits = id, id
}

// noted is the join's visit of a bucket of tokens, or 0.
func (h *hinge) noted(tokens bucketID) visitID {
	v := h.net.buckets.at(tokens).visits
	for v != 0 && h.net.visits.at(v).hinge != h.id {
		v = h.net.visits.at(v).more
	}
	return v
}

// unkey takes the join out of every bucket.
func (h *hinge) unkey() {
	if !h.keyed {
		return
	}
	h.keyed, h.waste = false, 0
	h.left.keyed--
	n := h.net
	for t := h.left.head; t != 0; t = n.tokens.at(t).mate {
		tokens := n.filedIn(h.leftIndex.number, n.tokens.at(t).filings)
		if tokens == 0 {
			continue
		}
		v := h.noted(tokens)
		if v == 0 {
			continue
		}
		if b := n.buckets.at(tokens); b.visits == v {
			b.visits = n.visits.at(v).more
		} else {
			before := b.visits
			for n.visits.at(before).more != v {
				before = n.visits.at(before).more
			}
			n.visits.at(before).more = n.visits.at(v).more
		}
		n.dropVisit(v)
	}
}

// dropVisit takes a visit from the bucket of facts.
func (n *network) dropVisit(id visitID) {
	v := *n.visits.at(id)
	if v.next != 0 {
		n.visits.at(v.next).prev = v.prev
	}
	if v.prev != 0 {
		n.visits.at(v.prev).next = v.next
	} else {
		n.buckets.at(v.facts).visits = v.next
	}
	n.visits.release(id)
	n.emptied(v.facts)
}

// emptied lets a bucket go that may hold nothing any more: of tokens, with the
// visits that it made.
func (n *network) emptied(id bucketID) {
	b := n.buckets.at(id)
	if b.head != 0 {
		return
	}
	if b.visits != 0 {
		if n.visits.at(b.visits).tokens != id {
			return // facts will find the joins by it
		}
		for v := b.visits; v != 0; {
			more := n.visits.at(v).more
			n.dropVisit(v)
			v = more
		}
	}
	n.indexes.drop(id)
}
