package rete

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// equality says that a field of the pattern equals something bound before.
type equality struct {
	field int
	with  ref
	test  *Test // as it was written
}

// comparison is a test of a field of the pattern against something bound before
// that no index decides.
type comparison struct {
	op    op
	field int
	with  ref
	label string
}

// joinSpec is a pattern with what ties it to the elements before.
type joinSpec struct {
	alpha   *alphaSpec
	reads   *fieldSet // fields of the pattern that the production reads anywhere
	equal   []equality
	compare []comparison
	checks  []call
	depth   int // of the candidate fact
	sig     string
}

// sign orders the equalities and names the join independently of how the
// production wrote it.
//
// Equalities are sorted, tests already are: a.x == b.x && a.y == b.y is the same
// join the other way round.
func (s *joinSpec) sign() {
	if len(s.equal) > 1 {
		slices.SortFunc(s.equal, func(a, b equality) int {
			return cmp.Or(a.field-b.field, a.with.depth-b.with.depth, a.with.field-b.with.field)
		})
		s.equal = slices.CompactFunc(s.equal, func(a, b equality) bool { return a.field == b.field && a.with == b.with })
	}
	buf := binary.AppendUvarint(nil, uint64(len(s.alpha.sig)))
	buf = append(buf, s.alpha.sig...)
	for _, e := range s.equal {
		buf = appendTest(buf, opJoinEq, e.field, e.with)
	}
	for _, c := range s.compare {
		buf = appendTest(buf, c.op, c.field, c.with)
	}
	for i := range s.checks {
		buf = append(append(buf, byte(opFunc)), s.checks[i].sig...)
	}
	s.sig = string(buf)
}

// appendTest writes a test for a signature.
func appendTest(buf []byte, o op, field int, with ref) []byte {
	buf = append(buf, byte(o))
	buf = binary.AppendVarint(buf, int64(field))
	buf = binary.AppendVarint(buf, int64(with.depth))
	return binary.AppendVarint(buf, int64(with.field))
}

// hinge is the hash join of a left memory with an alpha memory: both indexed by
// the fields that must be equal. Joins and negations hang on one.
//
// Hashing both sides makes a join proportional to its results, whichever side the
// change comes from (CMU-CS-95-113, section 2.3); without it, each new fact would
// be compared with every token.
type hinge struct {
	*part
	net         *network
	left        *memory
	right       *alphaMemory
	leftIndex   *tokenIndex
	rightIndex  *factIndex
	spec        *joinSpec
	try         pairer
	rightNumber uint32 // of the index; 0 for none
	place       int32  // in right.linked; -1 while unlinked
	waste       int32  // visits that found nothing, see unlink.go
	keyed       bool
	bare        bool // there is nothing to test that the index does not decide
	patient     bool // a negation: it passes tokens on also while the facts are none
	id          uint32
}

// pairer is a node that does something with a token and a fact that goes with it.
// enough tells that it needs no other fact for the token.
type pairer interface {
	pair(t tokenID, id itemID) (enough bool)
}

// hang shares the alpha memory and the two indexes of a join.
func (h *hinge) hang(p *part, spec *joinSpec, left *memory, try pairer) {
	*h = hinge{part: p, net: left.net, spec: spec, left: left, try: try, place: -1}
	h.bare = len(spec.compare)+len(spec.checks) == 0
	h.id = h.net.hinges.add(h)
	h.right = h.net.alpha(spec.alpha)
	if len(spec.equal) == 0 {
		return
	}
	fields, refs := make([]int, len(spec.equal)), make([]ref, len(spec.equal))
	for i, e := range spec.equal {
		fields[i], refs[i] = e.field, e.with
	}
	h.rightIndex, h.leftIndex = h.right.index(fields), left.index(refs)
	h.rightNumber = h.rightIndex.number
}

// close gives indexes and alpha memory up.
func (h *hinge) close() {
	h.unkey()
	h.unlinkRight()
	if h.leftIndex != nil {
		h.left.releaseIndex(h.leftIndex)
		h.right.releaseIndex(h.rightIndex)
	}
	h.net.hinges.remove(h.id)
	h.right.release()
}

// facts is where the facts that go with a token begin: a bucket, or with none the
// whole memory. An absent field of the token is noted here, one of a fact when the
// index files it.
func (h *hinge) facts(t tokenID) (in bucketID, all bool) {
	if h.rightNumber == 0 {
		return 0, true
	}
	if h.left.hashed { // then the token's bucket has its key
		if b := h.net.filedIn(h.leftIndex.number, h.net.tokens.at(t).filings); b != 0 {
			return h.net.find(h.rightNumber, h.net.buckets.at(b).key), false
		}
	}
	key, ok := h.net.keyOfToken(h.leftIndex, t, false)
	if !ok {
		for _, r := range h.leftIndex.refs {
			if h.net.read(r, t) == symAbsent {
				h.net.noteAt(&h.tally, "", ErrAbsent)
			}
		}
		return 0, false
	}
	return h.net.find(h.rightNumber, key), false
}

// eachFact tries a token with every fact that goes with it by the index.
func (h *hinge) eachFact(t tokenID) {
	n := h.net
	in, all := h.facts(t)
	if all {
		for id := h.right.head; id != 0; id = n.items.at(id).next {
			if h.try.pair(t, id) {
				return
			}
		}
		return
	}
	if in == 0 {
		return
	}
	for l := n.buckets.at(in).head; l != 0; {
		f := n.filings.at(l)
		if h.try.pair(t, itemID(f.member)) {
			return
		}
		l = f.next
	}
}

// passes runs the tests that no index can decide.
func (h *hinge) passes(t tokenID, fact factID) bool {
	h.work.Tests++
	if h.bare {
		return true
	}
	for i := range h.spec.compare {
		c := &h.spec.compare[i]
		ok, err := h.net.store.syms.holds(c.op.plain(), h.net.store.get(fact, c.field), h.net.read(c.with, t))
		if err != nil {
			h.net.noteAt(&h.tally, c.label, err)
		}
		if !ok || err != nil {
			return false
		}
	}
	return len(h.spec.checks) == 0 || h.net.passAll(&h.tally, h.spec.checks, t, fact, h.spec.depth)
}

// joinNode extends each token by each fact that goes with it.
type joinNode struct {
	part
	hinge hinge
	out   memory
}

// attach implements [step].
func (s *joinSpec) attach(b *builder, in *memory) *memory {
	n := in.join(b, s.sig, func(p part) (node, *part) {
		n := &joinNode{part: p}
		n.node = n
		in.net.initMemory(&n.out, in.depth+1)
		n.hinge.hang(&n.part, s, in, n)
		return n, &n.part
	}).(*joinNode)
	return b.took(n.hinge.right, s.reads, &n.out)
}

func (s *joinSpec) signature() string { return s.sig }

// leftAdd implements [node]: the left activation of the literature.
func (n *joinNode) leftAdd(t tokenID) {
	if n.hinge.hears(t) {
		n.hinge.eachFact(t)
	}
}

// pair joins a token with a fact if the tests hold.
func (n *joinNode) pair(t tokenID, id itemID) (enough bool) {
	fact := n.hinge.net.items.at(id).fact
	if n.hinge.passes(t, fact) {
		n.work.Tokens++
		n.out.add(t, id, fact, 0)
	}
	return false
}

// detach clears out before the alpha memory goes: tokens hang on its items.
func (n *joinNode) detach() {
	n.out.close()
	n.hinge.close()
	n.in.leave(&n.part)
}
