package ordered

import "slices"

// count changes the total of a chunk.
func (m *Multiset[T]) count(c, by int) {
	m.chunks[c].total += by
	for i := c; i < len(m.tree); i |= i + 1 {
		m.tree[i] += by
	}
}

// descend is the chunk of the i-th member and its rank within. It halves the
// range of chunks and steps over what lies before i.
func (m *Multiset[T]) descend(i int) (c, within int) {
	step := 1
	for step*2 <= len(m.tree) {
		step *= 2
	}
	for ; step > 0; step /= 2 {
		if next := c + step; next <= len(m.tree) && m.tree[next-1] <= i {
			c, i = next, i-m.tree[next-1]
		}
	}
	return c, i
}

// rebuild makes the tree anew: chunks came or went.
func (m *Multiset[T]) rebuild() {
	m.tree = m.tree[:0]
	for _, c := range m.chunks {
		m.tree = append(m.tree, c.total)
	}
	for i := range m.tree {
		if above := i | (i + 1); above < len(m.tree) {
			m.tree[above] += m.tree[i]
		}
	}
}

func (m *Multiset[T]) insertChunk(at int, c chunk[T]) {
	m.chunks = slices.Insert(m.chunks, at, c)
	m.rebuild()
}

// deleteChunk keeps its memory for later ones, up to an eighth of what is in use.
func (m *Multiset[T]) deleteChunk(at int) {
	m.spare = append(m.spare, m.chunks[at].entries[:0])
	m.chunks = slices.Delete(m.chunks, at, at+1)
	if keep := len(m.chunks)/8 + 1; len(m.spare) > keep {
		m.spare = slices.Delete(m.spare, keep, len(m.spare))
	}
	m.rebuild()
}

// memory is for a chunk's entries, and nil at the beginning, so that small
// multisets stay small.
func (m *Multiset[T]) memory() []entry[T] {
	last := len(m.spare) - 1
	if last < 0 {
		return nil
	}
	memory := m.spare[last]
	m.spare = m.spare[:last]
	return memory
}

// split gives a full chunk's upper half to a new one.
func (m *Multiset[T]) split(c int) {
	entries := m.chunks[c].entries
	memory := m.memory()
	if cap(memory) < full {
		memory = make([]entry[T], 0, full)
	}
	upper := chunk[T]{entries: append(memory, entries[full/2:]...)}
	clear(entries[full/2:])
	m.chunks[c].entries = entries[:full/2]
	for _, e := range upper.entries {
		upper.total += int(e.count)
	}
	m.chunks[c].total -= upper.total
	m.insertChunk(c+1, upper)
}

// shrink drops a chunk that became empty and joins one that became sparse with a
// neighbour, if there is room.
func (m *Multiset[T]) shrink(c int) {
	n := m.size(c)
	switch {
	case n == 0:
		m.deleteChunk(c)
	case n >= sparse:
	case c > 0 && m.size(c-1)+n <= joined:
		m.join(c - 1)
	case c+1 < len(m.chunks) && m.size(c+1)+n <= joined:
		m.join(c)
	}
}

func (m *Multiset[T]) size(c int) int { return len(m.chunks[c].entries) }

// join appends the next chunk to c.
func (m *Multiset[T]) join(c int) {
	next := m.chunks[c+1]
	m.chunks[c].entries = append(m.chunks[c].entries, next.entries...)
	m.chunks[c].total += next.total
	clear(next.entries)
	m.deleteChunk(c + 1)
}
