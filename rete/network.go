package rete

import (
	"errors"
	"time"
)

// network is the matcher of one session. It knows facts by their shown state and
// tells which matches appeared and vanished; the session makes sense of that.
//
// Changes come in waves: a list of net changes of facts is applied, gates open, and
// the matches that appeared and vanished are read off. What follows from them, facts
// that fall, is the next wave (see Session.settle).
type network struct {
	indexes
	store  *store
	now    time.Time
	before time.Time // what the clock said before

	roots    []*alphaRoot // by number of the type's table
	alphas   numbered[*alphaMemory]
	memories numbered[*memory]
	hinges   numbered[*hinge]
	prods    numbered[*prodEnd]
	shared   map[shareName]*part
	consts   map[*havingNode][]constTest
	top      *memory // holds the empty token
	nodes    int

	items   slab[itemID, alphaItem]
	tokens  slab[tokenID, token]
	owners  slab[ownerID, owner]
	blocks  slab[blockID, block]
	visits  slab[visitID, visit]
	matches slab[matchID, match]

	timed        []retimer
	freed        []tokenID // owner tokens whose gates may change at the end of the wave
	freedBefore  []tokenID // their places, used in turn
	groups       []*group  // of aggregates that changed in this wave
	groupsBefore []*group
	dead         []tokenID // to be free when the batch ends
	active       []candidate
	found        []tokenID
	left         []itemID
	noted        []*tally
	reports      int // made of them
	env          env // of the function that runs

	appeared []matchID
	vanished []matchID
	limits   Limits
}

// shareName names a node below a memory.
type shareName struct {
	in  uint32
	sig string
}

// numbered is a list whose members keep their numbers; 0 is none.
type numbered[T any] struct {
	list []T
	free []uint32
}

// add gives a member its number.
func (x *numbered[T]) add(member T) uint32 {
	if n := len(x.free); n > 0 {
		id := x.free[n-1]
		x.free = x.free[:n-1]
		x.list[id] = member
		return id
	}
	if len(x.list) == 0 {
		x.list = make([]T, 1, 8)
	}
	x.list = append(x.list, member)
	return uint32(len(x.list) - 1)
}

// at is the member of a number.
func (x *numbered[T]) at(id uint32) T { return x.list[id] }

// remove takes a member out.
func (x *numbered[T]) remove(id uint32) {
	var zero T
	x.list[id] = zero
	x.free = append(x.free, id)
}

// retimer is a node with a function that looks at the clock.
type retimer interface{ retime() }

// newNetwork makes a network without productions. The empty token at the top is
// what the first element of every production extends.
func newNetwork(store *store) *network {
	n := &network{store: store, shared: map[shareName]*part{}, consts: map[*havingNode][]constTest{}}
	n.top = n.newMemory(0)
	n.top.static = true
	n.top.add(0, 0, 0, 0)
	return n
}

// size is how many tokens there are; the empty one is part of no match.
func (n *network) size() int { return n.tokens.live() - len(n.dead) - 1 }

// root gives the entry for a type, which stays once it is there.
func (n *network) root(t *factTable) *alphaRoot {
	for int(t.number) >= len(n.roots) {
		n.roots = append(n.roots, nil)
	}
	if n.roots[t.number] == nil {
		n.roots[t.number] = &alphaRoot{bySig: map[string]*alphaMemory{}}
	}
	return n.roots[t.number]
}

// apply brings a wave of net changes into the memories. Everything that leaves
// does so before anything comes, so that no token ever joins an old state of one
// fact with a new state of another.
func (n *network) apply(deltas []delta) {
	left := n.left[:0]
	for i := range deltas {
		if deltas[i].was {
			left = n.leave(&deltas[i], left)
		}
	}
	for _, id := range left {
		n.dropItem(id)
	}
	n.left = left[:0]
	for i := range deltas {
		if d := &deltas[i]; d.is {
			table := n.store.facts.at(d.fact).table
			if int(table) < len(n.roots) && n.roots[table] != nil {
				n.roots[table].enter(n, d)
			}
		}
	}
	n.release()
}

// leave takes a fact out of the memories that see the change: all of them when it
// goes.
func (n *network) leave(d *delta, left []itemID) []itemID {
	for id := n.store.facts.at(d.fact).items; id != 0; {
		item := n.items.at(id)
		next := item.nextOf
		if mem := n.alphas.at(item.memory); !d.is || mem.mask.meets(&d.changed) {
			mem.unhook(id)
			left = append(left, id)
		}
		id = next
	}
	return left
}

// release settles the gates and aggregates that changed. What passes may change
// others further down.
//
// Doing it at once would be right in the end and wrong on the way: between the fact
// that goes and the one that comes, both in this wave, a match would exist that no
// state of the facts has.
func (n *network) release() {
	for len(n.freed)+len(n.groups) > 0 {
		freed := n.freed
		n.freed, n.freedBefore = n.freedBefore[:0], freed
		for _, t := range freed {
			if tok := n.tokens.at(t); !tok.dead {
				n.owner(t).queued = false
				n.memories.at(tok.memory).gate.settle(t)
			}
		}
		groups := n.groups
		n.groups, n.groupsBefore = n.groupsBefore[:0], groups
		for _, g := range groups {
			g.settle()
		}
	}
}

// endBatch frees the tokens that went: until now those outside could still ask what
// they had held.
func (n *network) endBatch() {
	for _, t := range n.dead {
		n.tokens.release(t)
	}
	n.dead, n.left, n.active = reuse(n.dead), reuse(n.left), reuse(n.active)
	n.freed, n.freedBefore = reuse(n.freed), reuse(n.freedBefore)
	n.appeared, n.vanished = reuse(n.appeared), reuse(n.vanished)
}

// reuse empties a list that is used again for each batch; what one large batch made
// it grow to is given back.
func reuse[T any](list []T) []T {
	if cap(list) > 1<<16 {
		return nil
	}
	return list[:0]
}

// setClock evaluates everything again that looks at the clock.
func (n *network) setClock(now time.Time) {
	n.before, n.now = n.now, now
	for _, t := range n.timed {
		t.retime()
	}
	n.release()
}

// watch and unwatch keep the list of nodes that the clock concerns, in the order
// of creation: what is above comes first.
func (n *network) watch(r retimer, c *call) {
	if c.fn.Timed {
		n.timed = append(n.timed, r)
	}
}

// unwatch forgets a node that goes.
func (n *network) unwatch(r retimer, c *call) {
	if c.fn.Timed {
		n.timed = without(n.timed, r)
	}
}

// tally counts what goes wrong at one node. It is attributed to productions only
// when a report is made.
//
// A node does not know for whom it works: a failure in a shared node is one failure
// and is told of every production that uses the node. Counting there keeps the hot
// path free of names.
type tally struct {
	absent int
	failed []TestError
	noted  bool
}

// noteAt is note for a node that has no tally yet.
func (n *network) noteAt(t **tally, label string, err error) {
	if *t == nil {
		*t = &tally{}
	}
	n.note(*t, label, err)
}

// note counts a test or value that could not be computed.
func (n *network) note(t *tally, label string, err error) {
	if !t.noted {
		t.noted = true
		n.noted = append(n.noted, t)
	}
	if errors.Is(err, ErrAbsent) {
		t.absent++
		return
	}
	for i := range t.failed {
		if t.failed[i].Test == label && t.failed[i].Err.Error() == err.Error() {
			t.failed[i].Count++
			return
		}
	}
	t.failed = append(t.failed, TestError{Test: label, Count: 1, Err: err})
}
