package rete

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// What [Restore] can fail with, beside errors of reading and of limits.
var (
	// ErrDamaged means that a snapshot is cut short, altered, or none at all.
	ErrDamaged = errors.New("the snapshot is damaged")
	// ErrVersion means that a snapshot was written in a format that is not known here.
	ErrVersion = errors.New("the snapshot is of a version that is not known")
)

// A snapshot is the magic, the version, the length of what follows, the state of the
// session, and the SHA-256 of everything before.
const (
	snapshotMagic   = "trimtab rete snapshot\n"
	snapshotVersion = 1
	snapshotHead    = len(snapshotMagic) + 2 + 8
)

// Snapshot writes the state of the session: facts with their handles, what they rest
// on, the clock and expiries, which matches have fired and in which order the others
// wait. [Restore] goes on from there, in this or another process, as the session
// itself does. It fails with [ErrBusy] inside of a
// batch, and with a [FactError] for a value of a kind that the engine does not know
// and that does not implement [encoding.BinaryMarshaler].
//
// The network is not written; it follows from the facts. Nor are the settings, what
// a report would say of failed tests and absent fields since the last one, and, of
// [Session.Costs], the tests and tokens. A time keeps its instant, its offset and the
// name of its zone, not the zone's rules. Where facts write equal values differently,
// 1 and 1.0, a group or an aggregate may show the other one afterwards.
func (s *Session) Snapshot(w io.Writer) error {
	if err := s.idle(); err != nil {
		return err
	}
	out := snapshotWriter{s: s, known: map[symbol]uint64{}, numbers: make([]uint32, s.net.matches.next)}
	out.buf = make([]byte, snapshotHead, 4096)
	copy(out.buf, snapshotMagic)
	binary.BigEndian.PutUint16(out.buf[len(snapshotMagic):], snapshotVersion)
	out.session()
	out.types()
	out.facts()
	out.expiries()
	out.productions()
	out.conclusions()
	if out.err != nil {
		return fmt.Errorf("snapshot: %w", out.err)
	}
	binary.BigEndian.PutUint64(out.buf[snapshotHead-8:], uint64(len(out.buf)-snapshotHead))
	sum := sha256.Sum256(out.buf)
	_, err := w.Write(append(out.buf, sum[:]...))
	return err
}

// snapshotWriter writes the parts of a snapshot one after the other.
type snapshotWriter struct {
	s       *Session
	buf     []byte
	known   map[symbol]uint64 // values that were written, by number
	numbers []uint32          // of matches that were written, from 1
	written uint32            // how many these are
	detail  map[matchID]*activation
	err     error
}

func (w *snapshotWriter) num(n uint64)        { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *snapshotWriter) count(n int)         { w.num(uint64(n)) }
func (w *snapshotWriter) int(n int64)         { w.buf = binary.AppendVarint(w.buf, n) }
func (w *snapshotWriter) text(s string)       { w.count(len(s)); w.buf = append(w.buf, s...) }
func (w *snapshotWriter) time(t time.Time)    { w.buf = appendTime(w.buf, t) }
func (w *snapshotWriter) handle(h Handle)     { w.num(uint64(h)) }
func (w *snapshotWriter) texts(list []string) { writeList(w, list, w.text) }

// flags writes bits.
func (w *snapshotWriter) flags(bits ...bool) {
	n := byte(0)
	for i, bit := range bits {
		if bit {
			n |= 1 << i
		}
	}
	w.buf = append(w.buf, n)
}

// writeList writes how many there are, and each.
func writeList[T any](w *snapshotWriter, list []T, each func(T)) {
	w.count(len(list))
	for _, x := range list {
		each(x)
	}
}

// session writes what there is once.
func (w *snapshotWriter) session() {
	s := w.s
	w.count(int(s.cfg.Strategy))
	w.time(s.net.now)
	for _, n := range []uint64{s.batch.number, s.store.sequence, s.store.ranks, s.changes} {
		w.num(n)
	}
	w.texts(s.agenda.focus)
	w.count(s.report.Derived)
	w.count(s.report.Withdrawn)
	writeList(w, s.report.Conflicts, func(c Conflict) {
		w.text(c.Type)
		w.handle(c.Handle)
		w.text(c.Winner)
		w.text(c.Loser)
	})
}

// inUse are the tables that have facts, by name.
func (w *snapshotWriter) inUse() []*factTable {
	list := slices.DeleteFunc(slices.Clone(w.s.store.tables), func(t *factTable) bool { return t.size == 0 })
	slices.SortFunc(list, func(a, b *factTable) int { return cmp.Compare(a.typ.Name, b.typ.Name) })
	return list
}

// types writes the types that there are facts of.
func (w *snapshotWriter) types() {
	writeList(w, w.inUse(), func(t *factTable) {
		w.text(t.typ.Name)
		w.texts(t.typ.Key)
		w.flags(t.typ.Contested, t.typ.Bag)
		writeList(w, t.typ.Fields, func(f Field) {
			w.text(f.Name)
			w.flags(f.Optional)
		})
	})
}

// facts writes the facts in order of handles within their types. Their numbers are
// part of their handles, so that the numbers to use next are written too.
func (w *snapshotWriter) facts() {
	st := &w.s.store
	w.count(st.facts.live())
	writeList(w, st.facts.free, func(id factID) { w.num(uint64(id)) })
	for _, t := range w.inUse() {
		w.count(t.size)
		for _, id := range st.sorted(t) {
			w.fact(id)
		}
	}
}

// fact writes one fact.
func (w *snapshotWriter) fact(id factID) {
	st := &w.s.store
	f, g := st.facts.at(id), st.grounds[id]
	w.handle(f.handle)
	var aliases []Handle
	if g != nil {
		aliases = g.aliases
	}
	w.flags(f.state.has(stated), len(aliases) > 0)
	if f.state.derived() {
		w.num(g.rank)
	}
	if w.s.aging() {
		w.num(w.s.age(id))
	}
	w.symbols(st.row(id))
	if len(aliases) > 0 {
		writeList(w, aliases, w.handle)
	}
}

// aging tells whether the strategy looks at when facts changed.
func (s *Session) aging() bool { return s.cfg.Strategy == Lex || s.cfg.Strategy == Mea }

// expiries writes when facts end, in order of handles.
func (w *snapshotWriter) expiries() {
	ends := w.s.expiries.ends
	handles := slices.Sorted(maps.Keys(ends))
	handles = slices.DeleteFunc(handles, func(h Handle) bool { return w.s.store.find(h) == 0 })
	writeList(w, handles, func(h Handle) {
		w.handle(h)
		w.time(ends[h])
	})
}
