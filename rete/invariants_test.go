package rete

import (
	"errors"
	"fmt"
	"slices"
)

// checker looks for what must hold of a session between batches, whatever happened
// before. It recomputes everything the slow way.
type checker struct {
	s    *Session
	n    *network
	errs []error
	free map[symbol]bool // symbols that stand for nothing

	filings, blocks int
	visits          map[visitID]bool
}

// CheckInvariants tells what is wrong with the inside of a session between batches.
func (s *Session) CheckInvariants() error {
	c := &checker{s: s, n: s.net, free: map[symbol]bool{}, visits: map[visitID]bool{}}
	for _, id := range s.store.syms.values.free {
		c.free[id] = true
	}
	for _, check := range []func(){
		c.store, c.symbols, c.alphas, c.memories, c.hinges, c.buckets, c.pairs,
		c.gates, c.accumulations, c.matches, c.agenda, c.exclusives, c.counts,
	} {
		check()
	}
	return errors.Join(c.errs...)
}

// fail notes what is wrong; the first few say enough.
func (c *checker) fail(format string, args ...any) {
	if len(c.errs) < 8 {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

// equal compares two numbers that must agree.
func (c *checker) equal(what string, got, want int) {
	if got != want {
		c.fail("%s: %d, want %d", what, got, want)
	}
}

// alive tells of a symbol that was swept away while something uses it.
func (c *checker) alive(what string, sym symbol) {
	syms := &c.s.store.syms
	for _, x := range []symbol{sym, syms.canon(sym)} {
		if x&smallInt != 0 {
			continue
		}
		if c.free[x&symbolBit] || uint32(x&symbolBit) >= syms.values.next {
			c.fail("%s uses symbol %x, which is free", what, x)
		}
	}
}

// store checks facts and their indexes.
func (c *checker) store() {
	st := &c.s.store
	c.equal("touches between batches", len(st.touches)+len(st.past)+len(st.lost), 0)
	total, filed := 0, 0
	for _, t := range st.tables {
		standing := 0
		t.index.each(func(id uint32) {
			f := st.facts.at(factID(id))
			filed++
			if f.table != t.number || !f.state.has(live|shown) || f.state.has(dirty) || f.state.has(lost) {
				c.fail("fact %d of %s has state %b", id, t.typ.Name, f.state)
			}
			standing++
			for _, sym := range t.rows.at(f.row) {
				c.alive("a fact", sym)
			}
			if there, _ := st.existing(t, st.row(factID(id))); !t.typ.Bag && there != factID(id) {
				c.fail("fact %d of %s is found as %d", id, t.typ.Name, there)
			}
		})
		c.equal("facts of "+t.typ.Name, t.size, standing)
		c.equal("rows of "+t.typ.Name, int(t.rows.next)-len(t.rows.free), standing)
		total += standing
	}
	c.equal("facts", st.size, total)
	c.equal("records of facts", st.facts.live(), filed)
	for id, g := range st.grounds {
		for _, sup := range g.supports {
			for _, sym := range sup.values {
				c.alive("a support", sym)
			}
		}
		if !st.facts.at(id).state.has(live) {
			c.fail("fact %d is gone and has grounds", id)
		}
	}
}

// symbols checks the table of values.
func (c *checker) symbols() {
	syms := &c.s.store.syms
	rare, other := 0, 0
	for k, forms := range syms.rare {
		rare += len(forms)
		for _, sym := range forms {
			c.alive("the table of rare values", sym)
			if got, _ := keyOf(syms.value(sym)); got != k {
				c.fail("symbol %x is filed under another key", sym)
			}
		}
	}
	syms.index.each(func(id uint32) { c.alive("the table of values", symbol(id)) })
	syms.values.each(func(id symbol, v *any) {
		if sym := syms.intern(*v); sym&symbolBit != id&symbolBit && sym&smallInt == 0 {
			c.fail("the value %v of symbol %d is symbol %x", *v, id, sym)
		} else if sym&(smallInt|otherForm) == otherForm {
			other++
		}
	})
	c.equal("canonical forms", len(syms.canons), other)
	c.equal("values", syms.values.live(), syms.index.used+rare+int(symFirst)-1)
}

// each calls f for every record in use.
func (s *slab[I, T]) each(f func(I, *T)) {
	free := make(map[I]bool, len(s.free))
	for _, i := range s.free {
		free[i] = true
	}
	for i := I(1); uint32(i) < s.next; i++ {
		if !free[i] {
			f(i, s.at(i))
		}
	}
}

// members are the live ones of a numbered list.
func members[T comparable](x *numbered[T]) []T {
	var zero T
	return slices.DeleteFunc(slices.Clone(x.list), func(m T) bool { return m == zero })
}

// alphas checks alpha memories against the facts that pass their tests.
func (c *checker) alphas() {
	n, items := c.n, 0
	for _, m := range members(&n.alphas) {
		if m.users <= 0 {
			c.fail("an alpha memory has %d users", m.users)
		}
		want := map[factID]bool{}
		for _, id := range n.store.shownOf(n.store.table(m.spec.typ)) {
			if c.passes(m, id) {
				want[id] = true
			}
		}
		size, before := 0, itemID(0)
		for id := m.head; id != 0; id = n.items.at(id).next {
			item := n.items.at(id)
			if !want[item.fact] || item.prev != before || item.memory != m.id {
				c.fail("item %d of memory %s does not belong there", id, m.spec.typ.Name)
			}
			if n.itemIn(item.fact, m) != id {
				c.fail("fact %d does not know its item %d", item.fact, id)
			}
			c.indexed("an item", item.filings, m.keysOf(item))
			size, before = size+1, id
		}
		c.equal("items of a memory", size, len(want))
		c.equal("size of a memory", int(m.size), size)
		for i, h := range m.linked {
			if h.right != m || int(h.place) != i {
				c.fail("a join at place %d of its facts believes to be at %d", i, h.place)
			}
		}
		items += size
	}
	c.equal("items", n.items.live(), items)
}

// passes runs the tests of a memory without noting what fails.
func (c *checker) passes(m *alphaMemory, id factID) bool {
	for i := range m.tests {
		if ok, err := c.n.alphaTest(&m.tests[i], id, c.n.store.row(id)); !ok || err != nil {
			return false
		}
	}
	return true
}

// keysOf are the keys under which an item must be filed, by number of the index.
func (m *alphaMemory) keysOf(item *alphaItem) map[uint32]uint32 {
	keys := map[uint32]uint32{}
	for _, x := range m.indexes {
		if key, ok := m.net.keyOfRow(x.fields, m.net.store.row(item.fact), false); ok {
			keys[x.number] = key
		}
	}
	return keys
}

// keysOf are the keys under which a token must be filed, by number of the index:
// none while the memory is small.
func (m *memory) keysOf(t tokenID) map[uint32]uint32 {
	keys := map[uint32]uint32{}
	if !m.hashed {
		return keys
	}
	for _, x := range m.indexes {
		if key, ok := m.net.keyOfToken(x, t, false); ok {
			keys[x.number] = key
		}
	}
	return keys
}

// indexed checks the filings of one member.
func (c *checker) indexed(what string, l linkID, want map[uint32]uint32) {
	n, count := c.n, 0
	for ; l != 0; l = n.filings.at(l).more {
		b := n.buckets.at(n.filings.at(l).bucket)
		if key, there := want[b.index]; !there || key != b.key {
			c.fail("%s is filed in index %d under %d, want %d %v", what, b.index, b.key, key, there)
		}
		count++
	}
	c.equal("filings of "+what, count, len(want))
	c.filings += count
}

// memories checks tokens: their places in every list that they are in.
func (c *checker) memories() {
	n := c.n
	tokens, kids, held := 0, 0, 0
	for _, m := range members(&n.memories) {
		size, before := 0, tokenID(0)
		for t := m.head; t != 0; t = n.tokens.at(t).mate {
			tok := n.tokens.at(t)
			if tok.dead || tok.memory != m.id || tok.mateBefore != before {
				c.fail("token %d does not belong in memory %d", t, m.id)
			}
			if tok.parent != 0 && n.depthOf(tok.parent) != m.depth-1 || tok.parent == 0 && m != n.top {
				c.fail("token %d has the wrong parent", t)
			}
			if tok.item != 0 {
				held++
				if n.items.at(tok.item).fact != tok.fact {
					c.fail("token %d holds fact %d through an item of another", t, tok.fact)
				}
			}
			c.alive("a token", tok.value)
			kids += c.kids(t)
			c.indexed("a token", tok.filings, m.keysOf(t))
			size, before = size+1, t
		}
		c.equal("size of a memory of tokens", int(m.size), size)
		if !m.hashed && (m.keyed > 0 || m.size > smallMemory && len(m.indexes) > 0) {
			c.fail("%d tokens for %d keyed joins are not filed", m.size, m.keyed)
		}
		for i, p := range m.linked {
			if p.in != m || int(p.place) != i {
				c.fail("a node at place %d believes to be at %d", i, p.place)
			}
		}
		tokens += size
	}
	n.items.each(func(id itemID, item *alphaItem) {
		for t, before := item.tokens, tokenID(0); t != 0; before, t = t, n.tokens.at(t).next {
			if tok := n.tokens.at(t); tok.item != id || tok.prev != before {
				c.fail("token %d is in the list of item %d", t, id)
			}
			held--
		}
	})
	c.equal("tokens that no item knows", held, 0)
	c.equal("tokens", n.tokens.live(), tokens)
	c.equal("kids", kids, tokens-1)
	c.equal("dead tokens", len(n.dead), 0)
}

// kids counts those that extend a token.
func (c *checker) kids(t tokenID) (count int) {
	n := c.n
	for kid, before := n.tokens.at(t).kids, tokenID(0); kid != 0; before, kid = kid, n.tokens.at(kid).kin {
		if k := n.tokens.at(kid); k.parent != t || k.elder != before {
			c.fail("token %d is among the kids of %d", kid, t)
		}
		count++
	}
	return count
}

// hinges checks that no join is deaf: what is unlinked from one side hears of the
// other, and a keyed one is noted at the keys of its tokens and nowhere else.
func (c *checker) hinges() {
	for _, h := range members(&c.n.hinges) {
		hearsTokens := h.part.place >= 0
		switch {
		case h.keyed && (h.place >= 0 || !hearsTokens || h.rightNumber == 0):
			c.fail("a keyed join is linked to its facts, or not to its tokens")
		case h.keyed:
		case h.place < 0 && !hearsTokens:
			c.fail("a join is unlinked on both sides")
		case h.left.size > 0 && h.place < 0:
			c.fail("a join with %d tokens is unlinked from its facts", h.left.size)
		}
		if !hearsTokens && (h.right.size > 0 || h.patient || h.left.static) {
			c.fail("a join with %d facts is unlinked from its tokens", h.right.size)
		}
		if h.keyed {
			c.keyed(h)
		}
	}
	c.equal("visits", c.n.visits.live(), len(c.visits))
}

// keyed checks the visits of a keyed join.
func (c *checker) keyed(h *hinge) {
	n := c.n
	n.buckets.each(func(id bucketID, b *bucket) {
		if b.index != h.leftIndex.number || b.head == 0 {
			return
		}
		mine := 0
		for v := b.visits; v != 0; v = n.visits.at(v).more {
			at := n.visits.at(v)
			if at.hinge != h.id {
				continue
			}
			mine++
			c.visits[v] = true
			if facts := n.buckets.at(at.facts); at.tokens != id || facts.index != h.rightNumber || facts.key != b.key {
				c.fail("a visit does not lead from facts of key %d to tokens of key %d", facts.key, b.key)
			}
		}
		c.equal("visits of a keyed join for one key", mine, 1)
	})
}

// buckets checks that filings are in the lists of their buckets, and that no bucket
// is there for nothing.
func (c *checker) buckets() {
	n, listed := c.n, 0
	n.buckets.each(func(id bucketID, b *bucket) {
		if n.find(b.index, b.key) != id {
			c.fail("bucket %d is not found by its key", id)
		}
		if b.index&ofPairs == 0 {
			c.alive("a bucket", symbol(b.key))
		}
		for l, before := b.head, linkID(0); l != 0; before, l = l, n.filings.at(l).next {
			if f := n.filings.at(l); f.bucket != id || f.prev != before {
				c.fail("filing %d is in the list of bucket %d", l, id)
			}
			listed++
		}
		ofFacts := b.visits != 0 && n.visits.at(b.visits).facts == id
		if b.head == 0 && !ofFacts {
			c.fail("bucket %d of index %d is empty", id, b.index)
		}
		for v, before := b.visits, visitID(0); ofFacts && v != 0; before, v = v, n.visits.at(v).next {
			if at := n.visits.at(v); at.facts != id || at.prev != before || !c.visits[v] {
				c.fail("visit %d is in the list of bucket %d", v, id)
			}
		}
	})
	c.equal("filings in buckets", listed, n.filings.live())
	c.equal("filings of members", c.filings, n.filings.live())
	c.equal("buckets by key", n.byKey.used, n.buckets.live())
}

// pairs checks who uses the numbers of pairs.
func (c *checker) pairs() {
	n := c.n
	users := map[uint32]int{}
	n.buckets.each(func(_ bucketID, b *bucket) {
		if b.index&ofPairs != 0 {
			users[b.key]++
		}
	})
	n.pairs.each(func(_ uint32, p *pair) {
		if p.nested {
			users[p.a]++
		}
	})
	n.pairs.each(func(id uint32, p *pair) {
		c.equal("users of a pair", int(p.users), users[id])
		if n.pair(p.a, p.b, p.nested, false) != id || users[id] == 0 {
			c.fail("pair %d is not found, or used by nobody", id)
		}
		c.alive("a pair", symbol(p.b))
		if !p.nested {
			c.alive("a pair", symbol(p.a))
		}
	})
	c.equal("pairs", n.byPair.used, n.pairs.live())
}

// gates checks that each is open or shut as the matches inside say.
func (c *checker) gates() {
	n := c.n
	inside := map[tokenID]int{}
	owners := 0
	for _, m := range members(&n.memories) {
		for _, e := range m.ends {
			if e, ok := e.(*nccEnd); ok {
				m.each(func(t tokenID) { inside[n.up(t, e.levels)]++ })
			}
		}
	}
	for _, m := range members(&n.memories) {
		if m.gate == nil {
			continue
		}
		m.each(func(t tokenID) {
			owners++
			o := n.owner(t)
			if b := o.block; b != 0 {
				if n.blocks.at(b).owner != t {
					c.fail("block %d is the witness of token %d", b, t)
				}
				inside[t]++
				c.blocks++
			}
			c.equal("matches inside of a negation", int(o.matches), inside[t])
			if open := (inside[t] > 0) == m.gate.exists; open != (o.through != 0) || o.queued {
				c.fail("a gate with %d matches is wrong", inside[t])
			}
		})
	}
	c.equal("owners", n.owners.live(), owners)
	c.equal("blocks", n.blocks.live(), c.blocks)
	c.equal("gates to be settled", len(n.freed)+len(n.groups)+len(n.active)+len(n.left), 0)
	n.items.each(func(id itemID, item *alphaItem) {
		for b := item.blocks; b != 0; b = n.blocks.at(b).next {
			if n.blocks.at(b).item != id {
				c.fail("block %d is in the list of item %d", b, id)
			}
			c.blocks--
		}
	})
	c.equal("blocks that no item knows", c.blocks, 0)
}

// accumulations checks groups against the members that are there.
func (c *checker) accumulations() {
	n := c.n
	for _, own := range members(&n.memories) {
		a := own.acc
		if a == nil {
			continue
		}
		count, rows := map[*group]int{}, 0
		for _, m := range members(&n.memories) {
			for _, e := range m.ends {
				e, ok := e.(*accEnd)
				if !ok || e.node != a {
					continue
				}
				m.each(func(t tokenID) {
					if number := n.tokens.at(t).extra; number != 0 {
						count[a.groups.at(uint32(a.rows.at(number - 1)[0]))] += e.times
						rows++
					}
				})
			}
		}
		c.equal("rows of an accumulation", int(a.rows.next)-len(a.rows.free), rows)
		c.equal("owners of an accumulation", len(members(&a.owners)), int(own.size))
		for _, g := range members(&a.groups) {
			c.equal("members of a group", g.members, count[g])
			if g.queued || g.dead || g.members == 0 && g.owner.only != g {
				c.fail("a group should be gone or settled")
			}
			if values, ok := g.result(); ok != (g.out != 0) || ok && !g.says(values) {
				c.fail("a group does not say its result")
			}
			for _, sym := range g.by {
				c.alive("a group", sym)
			}
		}
	}
}

// matches checks that every complete token has its match, and that none waits for
// nothing.
func (c *checker) matches() {
	n, total := c.n, 0
	for id, p := range c.s.nodes {
		size := 0
		for m := p.head; m != 0; m = n.matches.at(m).next {
			at := n.matches.at(m)
			size++
			e := n.endOf(at)
			if e.node != p || !at.state.has(listed) || at.state.has(gone) || n.tokens.at(at.token).dead || e.matchOf(at.token) != m {
				c.fail("match %d of %s has state %b", m, id, at.state)
			}
			here := 0
			for _, flag := range []matchState{fired, waiting, parked} {
				if at.state.has(flag) {
					here++
				}
			}
			if e.then != nil && here != 1 {
				c.fail("match %d of %s neither waits nor has fired: %b", m, id, at.state)
			}
		}
		tokens := 0
		for _, e := range p.ends {
			tokens += int(e.mem.size)
			c.equal("matches that went", int(e.gone), 0)
		}
		c.equal("matches of "+id, p.size, size)
		c.equal("complete tokens of "+id, tokens, size)
		total += size
	}
	c.equal("matches", c.s.matches, total)
	c.equal("records of matches", n.matches.live(), total)
	c.equal("news", len(n.appeared)+len(n.vanished)+len(c.s.passed)+len(c.s.went)+c.s.gone.used, 0)
	for id := range c.s.conclusions {
		if !n.matches.at(id).state.has(listed) {
			c.fail("match %d is gone and has conclusions", id)
		}
	}
}

// agenda checks that each queue holds the matches that wait, each once and in the
// order of a heap.
func (c *checker) agenda() {
	a := &c.s.agenda
	queues := map[string]*queue{"": &a.main}
	for name, q := range a.groups {
		queues[name] = q
	}
	size := 0
	seen := map[matchID]bool{}
	for name, q := range queues {
		count := 0
		for i := range q.heap {
			x := &q.heap[i]
			if a.stale(x) {
				continue
			}
			if seen[x.match] {
				c.fail("match %d is on the agenda twice", x.match)
			}
			seen[x.match] = true
			count++
			for above := i; above > 0; {
				above = (above - 1) / 2
				if y := &q.heap[above]; !a.stale(y) && a.before(x, y) {
					c.fail("the agenda of %q is out of order", name)
				}
			}
		}
		c.equal("agenda of "+name, q.size, count)
		size += count
	}
	c.equal("agenda", a.size, size)
	waits := 0
	c.n.matches.each(func(_ matchID, m *match) {
		if m.state.has(waiting) {
			waits++
		}
	})
	c.equal("matches that wait", waits, size)
}

// exclusives checks who holds which lock and who waits for it.
func (c *checker) exclusives() {
	s, n := c.s, c.n
	waits := 0
	for name, l := range s.locks {
		c.alive("a lock", name.per)
		if s.lockOf[l.holder] != name || !n.matches.at(l.holder).state.has(listed|fired) {
			c.fail("the lock of %s is held by match %d, which is none of its", name.group, l.holder)
		}
		for _, id := range l.parked {
			waits++
			if m := n.matches.at(id); !m.state.has(parked) || s.lockOf[id] != name {
				c.fail("match %d waits for a lock and does not know", id)
			}
		}
	}
	for id := range s.lockOf {
		if !n.matches.at(id).state.has(listed) {
			c.fail("match %d is gone and has a lock", id)
		}
	}
	n.matches.each(func(_ matchID, m *match) {
		if m.state.has(parked) {
			waits--
		}
	})
	c.equal("parked matches", waits, 0)
}

// counts checks the numbers that are told to those outside.
func (c *checker) counts() {
	n := c.n
	ends := 0
	for _, p := range c.s.nodes {
		ends += len(p.ends)
	}
	c.equal("ends", len(members(&n.prods)), ends)
	c.equal("nodes", n.nodes, len(n.shared)+len(members(&n.alphas))+ends)
	for name, p := range n.shared {
		if p.users <= 0 || p.in.id != name.in {
			c.fail("a node has %d users", p.users)
		}
	}
}

// CheckEmpty tells what a session without productions and facts still holds.
func (s *Session) CheckEmpty() error {
	c := &checker{s: s, n: s.net}
	n := s.net
	for what, size := range map[string]int{
		"items": n.items.live(), "tokens beside the top one": n.tokens.live() - 1, "owners": n.owners.live(),
		"blocks": n.blocks.live(), "visits": n.visits.live(), "matches": n.matches.live(),
		"filings": n.filings.live(), "buckets": n.buckets.live(), "pairs": n.pairs.live(),
		"alpha memories": len(members(&n.alphas)), "memories beside the top": len(members(&n.memories)) - 1,
		"hinges": len(members(&n.hinges)), "ends": len(members(&n.prods)), "shared nodes": len(n.shared),
		"nodes": n.nodes, "constants": len(n.consts), "timed nodes": len(n.timed),
		"nodes below the top": len(n.top.linked) + len(n.top.ends) + len(n.top.indexes),
		"facts":               s.store.facts.live(), "grounds": len(s.store.grounds), "aliases": len(s.store.alias),
		"conclusions": len(s.conclusions), "locks": len(s.locks) + len(s.lockOf), "agenda": s.agenda.size,
		"index numbers": int(n.last) - len(n.indexes.free),
	} {
		c.equal(what, size, 0)
	}
	return errors.Join(c.errs...)
}

// Keyed is how many joins are unlinked by key.
func (s *Session) Keyed() (count int) {
	for _, h := range members(&s.net.hinges) {
		if h.keyed {
			count++
		}
	}
	return count
}

// Symbols is how many values the session keeps.
func (s *Session) Symbols() int { return s.store.syms.values.live() }
