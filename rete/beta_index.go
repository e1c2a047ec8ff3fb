package rete

import "slices"

// tokenIndex is an index of a memory by what some references name.
type tokenIndex struct {
	number uint32
	up     int32 // of the first reference: levels above the token
	field  int32
	users  int32
	refs   []ref
}

// smallMemory is how many tokens a memory holds before it files them: so few are
// looked through sooner than one is filed and taken out again, and most memories of
// most rule sets never hold more.
const smallMemory = 8

// hash files the tokens that are there.
func (m *memory) hash() {
	m.hashed = true
	for _, x := range m.indexes {
		m.fileAll(x)
	}
}

// fileAll files the tokens in one index.
func (m *memory) fileAll(x *tokenIndex) {
	for t := m.head; t != 0; {
		tok := m.net.tokens.at(t)
		m.file(t, tok, x)
		t = tok.mate
	}
}

// withKey appends the tokens that have a key to a list.
func (m *memory) withKey(x *tokenIndex, key uint32, list []tokenID) []tokenID {
	n := m.net
	if m.hashed {
		in := n.find(x.number, key)
		if in == 0 {
			return list
		}
		for l := n.buckets.at(in).head; l != 0; {
			f := n.filings.at(l)
			list = append(list, tokenID(f.member))
			l = f.next
		}
		return list
	}
	for t := m.head; t != 0; t = n.tokens.at(t).mate {
		if k, ok := n.keyOfToken(x, t, false); ok && k == key {
			list = append(list, t)
		}
	}
	return list
}

// keyOfRow is the key of some values of a fact; false if it joins nothing, or, make
// being false, if nothing has that key.
func (n *network) keyOfRow(fields []int, row []symbol, make bool) (uint32, bool) {
	key := uint32(0)
	for _, f := range fields { // all before the first pair is made, which nobody might use
		if !row[f].joins() {
			return 0, false
		}
	}
	for i, f := range fields {
		if key = n.extend(key, i, row[f], make); key == 0 {
			return 0, false
		}
	}
	return key, true
}

// keyOfToken is the key of what the references of an index name.
func (n *network) keyOfToken(x *tokenIndex, t tokenID, make bool) (uint32, bool) {
	if x.number&ofPairs == 0 {
		tok := n.tokens.at(n.up(t, x.up))
		sym := tok.value
		if x.field >= 0 {
			sym = n.store.get(tok.fact, int(x.field))
		}
		return uint32(n.store.syms.canon(sym)), sym.joins()
	}
	var space [4]symbol
	syms := space[:0]
	for _, r := range x.refs { // as in keyOfRow
		sym := n.read(r, t)
		if !sym.joins() {
			return 0, false
		}
		syms = append(syms, sym)
	}
	key := uint32(0)
	for i, sym := range syms {
		if key = n.extend(key, i, sym, make); key == 0 {
			return 0, false
		}
	}
	return key, true
}

// extend adds the i-th value to a key; 0 if there is no such key.
func (n *network) extend(key uint32, i int, sym symbol, make bool) uint32 {
	sym = n.store.syms.canon(sym)
	if i == 0 {
		return uint32(sym)
	}
	return n.pair(key, uint32(sym), i > 1, make)
}

// index shares the index of the memory by what some references name.
func (m *memory) index(refs []ref) *tokenIndex {
	for _, x := range m.indexes {
		if slices.Equal(x.refs, refs) {
			x.users++
			return x
		}
	}
	x := &m.index1
	if x.users > 0 {
		x = &tokenIndex{}
	}
	*x = tokenIndex{
		number: m.net.number(len(refs)), refs: refs, users: 1,
		up: m.depth - int32(refs[0].depth), field: int32(refs[0].field),
	}
	m.indexes = append(m.indexes, x)
	switch {
	case m.hashed:
		m.fileAll(x)
	case m.size > smallMemory:
		m.hash()
	}
	return x
}

// file files a token in an index; what joins nothing is not filed.
func (m *memory) file(t tokenID, tok *token, x *tokenIndex) {
	if key, ok := m.net.keyOfToken(x, t, true); ok {
		tok.filings = m.net.file(uint32(t), m.net.ensure(x.number, key), tok.filings)
	}
}

// filedIn is the bucket of an index that holds a token, or 0.
func (n *network) filedIn(number uint32, filings linkID) bucketID {
	for l := filings; l != 0; {
		f := n.filings.at(l)
		if n.buckets.at(f.bucket).index == number {
			return f.bucket
		}
		l = f.more
	}
	return 0
}

// unfileFrom takes a member out of one index and gives its other filings.
func (n *network) unfileFrom(number uint32, filings linkID) linkID {
	var before linkID
	for l := filings; l != 0; {
		f := n.filings.at(l)
		if n.buckets.at(f.bucket).index != number {
			before, l = l, f.more
			continue
		}
		more, in := n.unfile(l)
		n.emptied(in)
		if before == 0 {
			return more
		}
		n.filings.at(before).more = more
		return filings
	}
	return filings
}

// releaseIndex drops an index that no join uses any more.
func (m *memory) releaseIndex(x *tokenIndex) {
	if x.users--; x.users > 0 {
		return
	}
	m.indexes = without(m.indexes, x)
	for t := m.head; t != 0; {
		tok := m.net.tokens.at(t)
		tok.filings = m.net.unfileFrom(x.number, tok.filings)
		t = tok.mate
	}
	m.net.give(x.number)
}
