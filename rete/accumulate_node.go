package rete

import (
	"encoding/binary"
	"slices"
)

// accNode aggregates, for each token from above, the complete matches of the
// sub-network below its owner token. What a member adds is noted, so that the same
// is taken away when it goes, whatever its facts are by then.
type accNode struct {
	part
	spec   *accSpec
	own    *memory
	mids   []*memory // one for each value of a result; the last is what nodes below see
	rows   rows      // of what members added: the group's number, then the values
	groups numbered[*group]
	owners numbered[*accOwner]
	ends   []*accEnd // where members come from

	scratch []symbol
}

// accOwner are the groups of one owner token.
type accOwner struct {
	token  tokenID
	only   *group
	groups map[string]*group // with By
}

// group is one group of one owner: what is there, and what was made of it.
type group struct {
	node    *accNode
	owner   *accOwner
	number  uint32
	name    string
	by      []symbol
	members int
	parts   []aggregator
	out     tokenID // the first of the result's tokens
	queued  bool
	dead    bool
}

// attach implements [step].
func (s *accSpec) attach(b *builder, in *memory) *memory {
	fresh := false
	n := in.join(b, s.sig, func(p part) (node, *part) {
		fresh = true
		n := &accNode{part: p, spec: s, own: in.net.newMemory(in.depth + 1), rows: rows{width: uint32(1 + len(s.ops))}}
		n.own.acc = n
		for i := range s.by + len(s.ops) {
			n.mids = append(n.mids, in.net.newMemory(in.depth+2+int32(i)))
		}
		n.node = n
		return n, &n.part
	}).(*accNode)
	for i := range s.ways {
		mem := n.own
		for _, step := range s.ways[i].steps {
			mem = step.attach(b, mem)
		}
		if fresh {
			n.watch(mem, &s.ways[i])
		}
	}
	if fresh {
		n.begin()
	}
	return n.mids[len(n.mids)-1]
}

// timed tells whether what members add depends on the clock.
func (s *accSpec) timed() bool {
	for _, w := range s.ways {
		for _, c := range slices.Concat(w.by, w.of, w.iff) {
			if c.fn != nil && c.fn.Timed {
				return true
			}
		}
	}
	return false
}

// watch takes the complete matches of a sub-network as members. Two branches that
// say the same end at one memory, whose matches then count twice.
func (n *accNode) watch(mem *memory, way *accWay) {
	for _, e := range n.ends {
		if e.mem == mem {
			e.times++
			return
		}
	}
	e := &accEnd{node: n, mem: mem, way: way, levels: mem.depth - n.own.depth, times: 1}
	mem.ends, n.ends = append(mem.ends, e), append(n.ends, e)
}

// begin lets the members that are there count, when every branch is watched.
func (n *accNode) begin() {
	for _, e := range n.ends {
		e.mem.each(e.added)
	}
	if n.spec.timed() {
		n.in.net.timed = append(n.in.net.timed, n)
	}
	n.in.net.release()
}

// retime lets every member count anew. A result that stays the same is no event.
func (n *accNode) retime() {
	for _, e := range n.ends {
		e.mem.each(func(t tokenID) {
			e.dropped(t)
			e.added(t)
		})
	}
}

// leftAdd implements [node]: adding the owner token runs the sub-network. Without
// groups there is a result also over nothing.
func (n *accNode) leftAdd(t tokenID) {
	o := n.own.add(t, 0, 0, 0)
	if owner := n.owners.at(n.in.net.tokens.at(o).extra); owner.only != nil {
		n.queue(owner.only)
	}
}

// newOwner makes the state of an owner token.
func (n *accNode) newOwner(t tokenID) uint32 {
	o := &accOwner{token: t}
	if n.spec.by == 0 {
		o.only = n.newGroup(o, "", nil)
	}
	return n.owners.add(o)
}

// dropOwner forgets it, and its groups.
func (n *accNode) dropOwner(id uint32) {
	o := n.owners.at(id)
	if o.only != nil {
		n.dropGroup(o.only)
	}
	for _, g := range o.groups {
		n.dropGroup(g)
	}
	n.owners.remove(id)
}

// newGroup makes a group without members.
func (n *accNode) newGroup(o *accOwner, name string, by []symbol) *group {
	g := &group{node: n, owner: o, name: name, by: slices.Clone(by)}
	for _, op := range n.spec.ops {
		g.parts = append(g.parts, newAggregator(op, &n.in.net.store.syms))
	}
	g.number = n.groups.add(g)
	return g
}

// dropGroup forgets a group.
func (n *accNode) dropGroup(g *group) {
	g.dead = true
	n.groups.remove(g.number)
}

// queue lets the group be looked at when the wave ends.
func (n *accNode) queue(g *group) {
	if !g.queued {
		g.queued = true
		n.in.net.groups = append(n.in.net.groups, g)
	}
}

// accEnd is the end of ways through From.
type accEnd struct {
	node   *accNode
	mem    *memory
	way    *accWay
	levels int32
	times  int // how many ways end here
}

// added implements [end]. What the member adds is kept in a row, which begins with
// the number of the group.
func (e *accEnd) added(t tokenID) {
	n := e.node
	net := n.in.net
	n.work.Tests++
	owner := n.owners.at(net.tokens.at(net.up(t, e.levels)).extra)
	g := e.groupOf(owner, t)
	if g == nil {
		return
	}
	number := n.rows.alloc()
	row := n.rows.at(number)
	row[0] = symbol(g.number)
	net.tokens.at(t).extra = number + 1
	for i := range g.parts {
		row[1+i] = e.value(i, t)
	}
	g.change(e, row[1:], t, 1)
}

// dropped implements [end].
func (e *accEnd) dropped(t tokenID) {
	n := e.node
	net := n.in.net
	number := net.tokens.at(t).extra
	if number == 0 {
		return
	}
	row := n.rows.at(number - 1)
	if !net.tokens.at(net.up(t, e.levels)).dead { // or the groups go as a whole
		n.groups.at(uint32(row[0])).change(e, row[1:], t, -1)
	}
	n.rows.release(number - 1)
	net.tokens.at(t).extra = 0
}

// change adds a member to the aggregates, or takes it away.
func (g *group) change(e *accEnd, values []symbol, t tokenID, by int) {
	g.members += by * e.times
	var order []Handle
	if g.node.spec.collects {
		order = e.order(t)
	}
	for i, a := range g.parts {
		if values[i] == symAbsent {
			continue
		}
		for range e.times {
			a.change(values[i], order, by)
		}
	}
	g.node.queue(g)
}

// groupOf is the member's group, made if need be; nil if it belongs to none.
func (e *accEnd) groupOf(o *accOwner, t tokenID) *group {
	if o.only != nil {
		return o.only
	}
	n := e.node
	var space [8]symbol
	by := space[:0]
	var names [32]byte
	name := names[:0]
	for i := range e.way.by {
		sym, ok := n.in.net.value(&n.tally, &e.way.by[i], t)
		if !ok {
			return nil
		}
		by = append(by, sym)
		name = binary.LittleEndian.AppendUint32(name, uint32(n.in.net.store.syms.canon(sym)))
	}
	if g := o.groups[string(name)]; g != nil {
		return g
	}
	if o.groups == nil {
		o.groups = map[string]*group{}
	}
	g := n.newGroup(o, string(name), by)
	o.groups[g.name] = g
	return g
}

// value is what a member adds to an aggregate; absent if it does not count.
func (e *accEnd) value(i int, t tokenID) symbol {
	n := e.node
	if iff := &e.way.iff[i]; iff.fn != nil && !n.in.net.passes(&n.tally, iff, t, 0, 0) {
		return symAbsent
	}
	of := &e.way.of[i]
	if of.fn == nil {
		return symTrue
	}
	sym, _ := n.in.net.value(&n.tally, of, t)
	return sym
}

// order are the handles of the member's facts, by which Collect sorts.
func (e *accEnd) order(t tokenID) []Handle {
	net := e.node.in.net
	var list []Handle
	for range e.levels {
		if f := net.tokens.at(t).fact; f != 0 {
			list = append(list, net.store.handle(f))
		}
		t = net.tokens.at(t).parent
	}
	slices.Reverse(list)
	return list
}

// settle makes the group's result what its members say.
func (g *group) settle() {
	g.queued = false
	net := g.node.in.net
	if g.dead || net.tokens.at(g.owner.token).dead {
		return
	}
	values, ok := g.result()
	if ok && g.out != 0 && g.says(values) {
		return
	}
	if g.out != 0 {
		out := g.out
		g.out = 0
		net.drop(out)
	}
	switch {
	case ok:
		t := g.owner.token
		for i, v := range values {
			t = g.node.mids[i].add(t, 0, 0, v)
			if i == 0 {
				g.out = t
			}
		}
		g.node.work.Tokens++
	case g.members == 0 && g.owner.only != g:
		delete(g.owner.groups, g.name)
		g.node.dropGroup(g)
	}
}

// result computes the values; false when there is none. What fails is noted.
func (g *group) result() (values []symbol, ok bool) {
	if g.members == 0 && g.owner.only != g {
		return nil, false
	}
	n := g.node
	values = append(n.scratch[:0], g.by...)
	for i, a := range g.parts {
		sym, err := a.result()
		if err != nil {
			n.in.net.noteAt(&n.tally, n.spec.ops[i].String(), err)
		}
		if err != nil || sym == symAbsent {
			return nil, false
		}
		values = append(values, sym)
	}
	n.scratch = values
	return values, true
}

// says tells whether the result is there already.
func (g *group) says(values []symbol) bool {
	net := g.node.in.net
	t := g.out
	for i, v := range values {
		if i > 0 {
			t = net.kidIn(t, g.node.mids[i])
		}
		if !net.store.syms.identical(net.tokens.at(t).value, v) {
			return false
		}
	}
	return true
}

// detach comes last, when the parts of the sub-network are gone.
func (n *accNode) detach() {
	n.own.clear()
	for i := len(n.mids) - 1; i >= 0; i-- {
		n.mids[i].close()
	}
	n.own.close()
	if n.spec.timed() {
		n.in.net.timed = without(n.in.net.timed, retimer(n))
	}
	n.in.leave(&n.part)
}
