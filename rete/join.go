package rete

import (
	"fmt"
	"slices"
	"strings"
)

// equality says that a field of the pattern equals something bound before.
type equality struct {
	field int
	with  ref
}

// joinSpec is a pattern with what ties it to the elements before.
type joinSpec struct {
	alpha  *alphaSpec
	reads  *fieldSet // fields of the pattern that the production reads anywhere
	equal  []equality
	checks []call
	depth  int // of the candidate fact
	sig    string
}

// fields are the joined fields of the pattern, with the name of their index.
func (s *joinSpec) fields() ([]int, string) {
	fields := make([]int, len(s.equal))
	for i, e := range s.equal {
		fields[i] = e.field
	}
	return fields, fmt.Sprint(fields)
}

// refs are what the fields must equal, with the name of their index.
func (s *joinSpec) refs() ([]ref, string) {
	refs := make([]ref, len(s.equal))
	for i, e := range s.equal {
		refs[i] = e.with
	}
	return refs, fmt.Sprint(refs)
}

// sign orders the equalities and names the join independently of how the
// production wrote it.
//
// Equalities are sorted, tests already are: a.x == b.x && a.y == b.y is the same
// join the other way round.
func (s *joinSpec) sign() {
	slices.SortFunc(s.equal, func(a, b equality) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	s.equal = slices.Compact(s.equal)
	s.sig = fmt.Sprintf("%q %v %q", s.alpha.sig, s.equal, signatures(s.checks))
}

// hinge is the hash join of a left memory with an alpha memory: both indexed by
// the fields that must be equal. Joins and negations hang on one.
//
// Hashing both sides makes a join proportional to its results, whichever side the
// change comes from (CMU-CS-95-113, section 2.3); without it, each new fact would
// be compared with every token.
type hinge struct {
	net        *network
	spec       *joinSpec
	left       *memory
	right      *alphaMemory
	leftIndex  *hashIndex[*token]
	rightIndex *hashIndex[*alphaItem]
	leftName   string
	rightName  string
	fields     []int
	refs       []ref
}

// newHinge shares the alpha memory and the two indexes of a join.
func newHinge(spec *joinSpec, left *memory) hinge {
	h := hinge{net: left.net, spec: spec, left: left, right: left.net.alpha(spec.alpha, *spec.reads)}
	if len(spec.equal) == 0 {
		return h
	}
	h.fields, h.rightName = spec.fields()
	h.refs, h.leftName = spec.refs()
	h.rightIndex = h.right.index(h.fields, h.rightName)
	h.leftIndex = left.indexes.share(h.leftName, &left.tokens, func(t *token) (key, bool) {
		return keyOfRefs(t, h.refs)
	}, func(t *token) *[]*link[*token] { return &t.filed })
	return h
}

// keyOfRefs is the key of what references name; a fact without one of the
// fields joins nothing.
func keyOfRefs(t *token, refs []ref) (key, bool) {
	if len(refs) == 1 {
		v, _ := refs[0].read(t)
		return keyOf(v)
	}
	values := make([]any, len(refs))
	for i, r := range refs {
		values[i], _ = r.read(t)
	}
	return tupleKey(kindTuple, values)
}

// facts are those that equal the token in the fields joined. An absent field of
// the token is noted here, one of a fact when the index files it.
func (h *hinge) facts(t *token, notes *tally) *bag[*alphaItem] {
	if h.rightIndex == nil {
		return &h.right.items
	}
	k, ok := keyOfRefs(t, h.refs)
	if !ok {
		for _, r := range h.refs {
			if _, there := r.read(t); !there {
				h.net.note(notes, "", ErrAbsent)
			}
		}
		return nil
	}
	return h.rightIndex.find(k)
}

// tokens are those that equal the fact in the fields joined.
func (h *hinge) tokens(item *alphaItem) *bag[*token] {
	if h.leftIndex == nil {
		return &h.left.tokens
	}
	k, ok := keyOfFields(item.entry.shown.values, h.fields)
	if !ok {
		return nil
	}
	return h.leftIndex.find(k)
}

// close gives indexes and alpha memory up.
func (h *hinge) close(n rightNode) {
	if h.leftIndex != nil {
		h.left.indexes.release(h.leftName)
		h.right.indexes.release(h.rightName)
	}
	h.right.joins = without(h.right.joins, n)
	h.right.release()
}

// joinNode extends each token by each fact that goes with it.
type joinNode struct {
	part
	hinge
	out *memory
}

// attach implements [step].
func (s *joinSpec) attach(b *builder, in *memory) *memory {
	n := in.join(s.sig, func(p part) node {
		n := &joinNode{part: p, hinge: newHinge(s, in), out: in.net.newMemory()}
		n.right.joins = append(n.right.joins, n)
		return n
	}).(*joinNode)
	return b.took(n, n.right, *s.reads, n.out)
}

func (s *joinSpec) signature() string { return s.sig }

// leftAdd implements [node]: the left activation of the literature.
func (n *joinNode) leftAdd(t *token) {
	n.facts(t, &n.tally).each(func(item *alphaItem) { n.try(t, item) })
}

// rightAdd implements [rightNode].
func (n *joinNode) rightAdd(item *alphaItem) {
	n.tokens(item).each(func(t *token) { n.try(t, item) })
}

// try runs the tests that no index can decide.
func (n *joinNode) try(t *token, item *alphaItem) {
	if n.net.passAll(&n.tally, n.spec.checks, t, item.entry, n.spec.depth) {
		n.out.add(t, item, nil)
	}
}

// detach clears out before the alpha memory goes: tokens hang on its items.
func (n *joinNode) detach() {
	n.out.clear()
	n.close(n)
	n.in.leave(n, n.sig)
}
