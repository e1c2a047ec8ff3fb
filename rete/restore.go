package rete

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
	"time"
)

// Restore makes a session that goes on where another was when [Session.Snapshot] wrote
// it down: nothing fires twice, what is to fire does so in the same order, and facts
// keep their handles. It reads no further than the snapshot. The settings are those
// given, of which Strategy and Seed must be what they were; the Listener is told what
// happens afterwards.
//
// The base may have changed as for [Session.Adopt]: what removed and changed
// productions derived is withdrawn, changed and new ones match the facts that are
// there, and types of which there are facts must be as they were. Productions are the
// same if ID, Version and what can be seen of them from outside agree: the types of
// their patterns, their priority, groups and NoLoop. So, unlike there, one without a
// Version is taken for the same; give Versions to productions that may change.
//
// The error wraps [ErrDamaged] or [ErrVersion] for what is no snapshot or of another
// format, [ErrStrategy] for another strategy, a [CompileError] for each type that does
// not fit, [ErrKind] for a value that Config.DecodeValue does not make, and is a
// [LimitError] if the settings have a limit that the facts pass.
func Restore(base *Base, cfg Config, r io.Reader) (*Session, error) {
	data, err := readSnapshot(r)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	told := cfg.Listener
	cfg.Listener = nil
	s := newSession(base, cfg)
	in := restorer{s: s, st: &s.store}
	in.data, in.syms, in.decode = data, &s.store.syms, cfg.DecodeValue
	if err := in.restore(); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	s.cfg.Listener = told
	return s, nil
}

// restorer builds a session from a snapshot.
type restorer struct {
	snapshotReader
	s  *Session
	st *store

	number, sequence, ranks uint64
	report                  Report
	tables                  []*factTable
	past                    []pastMatch
	index                   table    // of past, by what tells matches apart
	facts                   []factID // of the patterns of past matches
	groups                  []string // and their groups
	changed                 bool     // the base is another one
	fresh                   []matchID
}

// restore reads the parts in the order in which they were written.
//
// First everything is put in place as one batch: facts, and the matches that the
// network makes of them, which get their history back. Then, if the base changed,
// what follows from that happens as a batch of its own.
func (r *restorer) restore() error {
	r.session()
	r.types()
	r.s.batch.number, r.s.open = r.number, r.number
	r.readFacts()
	r.aliases()
	r.expiries()
	if r.err != nil {
		return r.err
	}
	if err := r.s.attachAll(); err != nil {
		return err
	}
	r.productions()
	r.match()
	r.conclusions()
	r.check(len(r.data) == 0, "there is more than there should be")
	if r.err != nil {
		return r.err
	}
	r.st.sequence, r.st.ranks = r.sequence, max(r.st.ranks, r.ranks)
	r.s.endBatch()
	r.s.net.forgetNotes()
	r.s.report = r.report
	return r.follow()
}

// session reads what there is once.
func (r *restorer) session() {
	s := r.s
	if n := r.num(); n != uint64(s.cfg.Strategy) && r.err == nil {
		r.fail(fmt.Errorf("%w: the snapshot is of %s, the settings say %s", ErrStrategy, Strategy(n), s.cfg.Strategy))
	}
	s.net.now = r.time()
	r.number = r.atMost(1 << 62)
	r.sequence = r.atMost(1<<(64-handleBits) - 1)
	r.ranks, s.changes = r.num(), r.num()
	s.agenda.focus = r.texts()
	r.report.Derived, r.report.Withdrawn = int(r.num()), int(r.num())
	r.report.Conflicts = readList(&r.snapshotReader, func() Conflict {
		return Conflict{r.text(), Handle(r.num()), r.text(), r.text()}
	})
}

// types reads the types, which must be as the base has them. All that are not are
// told at once.
func (r *restorer) types() {
	var errs []error
	for n := r.count(4); n > 0 && r.err == nil; n-- {
		t := Type{Name: r.text(), Key: r.texts()}
		flags := r.flags(2)
		t.Contested, t.Bag = flags&1 != 0, flags&2 != 0
		t.Fields = readList(&r.snapshotReader, func() Field { return Field{Name: r.text(), Optional: r.flags(1) != 0} })
		info, wrong := newTypeInfo(t)
		if !r.check(len(wrong) == 0 && r.st.byName[t.Name] == nil, "a type that cannot be") {
			return
		}
		now := r.s.base.types[t.Name]
		if now == nil || !now.same(info) {
			errs = append(errs, &CompileError{Type: t.Name, Text: "there are facts of it, and the base lacks it or declares it otherwise"})
			now = info
		}
		r.tables = append(r.tables, r.st.table(now))
	}
	if len(errs) > 0 && r.err == nil {
		r.fail(errors.Join(errs...))
	}
}

// readFacts reads the facts into the records that their handles name.
func (r *restorer) readFacts() {
	total := r.count(1)
	free := readList(&r.snapshotReader, func() factID { return factID(r.atMost(1<<handleBits - 1)) })
	if !r.check(total+len(free) < 1<<handleBits, "too many facts") {
		return
	}
	r.st.facts.reserve(total + len(free))
	for _, t := range r.tables {
		n := r.count(2)
		for total -= n; n > 0 && r.err == nil; n-- {
			r.fact(t)
		}
	}
	r.check(total == 0, "facts are missing")
	seen := make([]bool, r.st.facts.next)
	for _, id := range free {
		if !r.check(id != 0 && uint32(id) < r.st.facts.next && r.st.handle(id) == 0 && !seen[id], "a record twice") {
			return
		}
		seen[id] = true
	}
	r.st.facts.free = free
}

// reserve makes room for records up to a number.
func (s *slab[I, T]) reserve(n int) {
	if n == 0 {
		return
	}
	s.next = uint32(n + 1)
	for len(s.chunks) <= n>>slabBits {
		s.chunks = append(s.chunks, new([slabSize]T))
	}
}

// fact reads one fact. To the network it is new.
func (r *restorer) fact(t *factTable) {
	st := r.st
	h := Handle(r.num())
	id := factID(h & (1<<handleBits - 1))
	if !r.named(h) || !r.check(uint32(id) < st.facts.next && st.handle(id) == 0, "a fact twice") {
		return
	}
	flags := r.flags(2)
	f := st.facts.at(id)
	f.handle, f.table, f.row, f.touched = h, t.number, t.rows.alloc(), ^uint32(0)
	st.touch(id)
	if f.state |= live; flags&1 != 0 {
		f.state |= stated
	} else {
		st.ground(id).rank = r.num()
	}
	if r.s.aging() {
		r.s.changedAt(id, r.num())
	}
	r.row(t.typ, st.row(id))
	st.file(id)
	if flags&2 != 0 {
		st.ground(id).aliases = readList(&r.snapshotReader, func() Handle { return Handle(r.num()) })
	}
}

// named tells whether a handle was given out.
func (r *restorer) named(h Handle) bool {
	return r.check(h&(1<<handleBits-1) != 0 && h>>handleBits != 0 && uint64(h>>handleBits) <= r.sequence, "no handle")
}

// aliases lets facts be found by their other names, none of which is that of a fact.
func (r *restorer) aliases() {
	for id, g := range r.st.grounds {
		for _, h := range g.aliases {
			if !r.named(h) || !r.check(r.st.alias[h] == 0 && r.st.find(h) == 0, "a name twice") {
				return
			}
			r.st.alias[h] = r.st.handle(id)
		}
	}
}

// expiries reads when facts end.
func (r *restorer) expiries() {
	x := &r.s.expiries
	for n := r.count(4); n > 0 && r.err == nil; n-- {
		h, at := Handle(r.num()), r.time()
		if !r.check(r.st.find(h) != 0, "the end of no fact") {
			return
		}
		if x.ends == nil {
			x.ends = map[Handle]time.Time{}
		}
		x.ends[h] = at
		heap.Push(&x.heap, expiry{at, h})
	}
}
