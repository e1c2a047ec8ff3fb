package rete

import (
	"iter"
	"slices"
	"time"
)

// Config are the settings of a session.
type Config struct {
	Strategy    Strategy // default Depth
	MaxFirings  int      // of one run; default 1,000,000
	StopOnError bool     // end the run at the first firing that fails; default go on
	Listener    Listener // told every event in order; default none
	// Groups are the agenda groups that take their turns, the first that has a match
	// first; "" is the group of productions without one and comes first unless it is
	// named. Matches of a group that is not named wait until a firing gives it the
	// focus.
	Groups []string
	Seed   uint64 // of the strategy Random
	Limits Limits // default none
	// DecodeValue makes values of kinds that the engine does not know out of what
	// their MarshalBinary gave [Session.Snapshot]. typ is the Go type as the verb %T
	// writes it. Only [Restore] asks, and only where there are such values.
	DecodeValue func(typ string, data []byte) (any, error)
}

// Limits keep a session from eating up the machine: passing one ends the run, or
// the batch, with a [LimitError]. 0 is no limit.
type Limits struct {
	Facts  int // that stand
	Tokens int // partial and complete matches
	Bytes  int // of [Session.Memory], looked at after each wave of changes
}

// Session is one working memory: facts, matches and agenda. It belongs to one
// goroutine.
type Session struct {
	base    *Base
	cfg     Config
	store   store
	net     *network
	nodes   map[string]*prodNode
	agenda  agenda
	matches int

	batch    batch
	open     uint64  // the number of the batch that changes facts now, or 0
	firing   *Firing // whose firing the batch is
	firingOf Firing  // the one there is
	run      *run    // the run that goes on
	running  run
	report   Report      // of what happened since the last one
	counted  []*prodNode // that fired since

	deltas []delta
	fresh  []matchID
	passed []matchID // matches that went in this batch
	went   []matchID // and are not in gone yet
	gone   table     // and can come back, by the hash of their facts

	conclusions map[matchID]*conclusion
	locks       map[lockName]*lock
	lockOf      map[matchID]lockName
	changes     uint64   // of facts, for Lex and Mea
	lastChange  []uint64 // of each fact
	expiries    expiries
	closed      error // why the session is of no use any more
}

// NewSession makes an empty working memory for a base.
func NewSession(base *Base, cfg Config) *Session {
	s := newSession(base, cfg)
	if s.attachAll() != nil {
		return s // it refuses everything
	}
	_ = s.settle() // a production without patterns matches the empty memory
	s.endBatch()
	return s
}

// newSession makes a session without a network.
func newSession(base *Base, cfg Config) *Session {
	if cfg.MaxFirings <= 0 {
		cfg.MaxFirings = 1_000_000
	}
	s := &Session{
		base: base, cfg: cfg, store: newStore(), nodes: make(map[string]*prodNode, len(base.programs)),
		conclusions: map[matchID]*conclusion{}, locks: map[lockName]*lock{}, lockOf: map[matchID]lockName{},
	}
	s.batch.s = s
	s.net = newNetwork(&s.store)
	s.net.limits = cfg.Limits
	s.agenda = agenda{net: s.net, order: strategies[Depth].order}
	if int(cfg.Strategy) < len(strategies) { // Run refuses any other
		s.agenda.order = strategies[cfg.Strategy].order
	}
	if len(cfg.Groups) > 0 {
		s.agenda.turns = slices.Clone(cfg.Groups)
		if !slices.Contains(cfg.Groups, "") {
			s.agenda.turns = slices.Insert(s.agenda.turns, 0, "")
		}
	}
	return s
}

// attachAll makes the network of the base.
func (s *Session) attachAll() error {
	for _, p := range s.base.programs {
		if err := s.attach(p); err != nil {
			return err
		}
	}
	return nil
}

// idle tells why the session cannot be changed or run now: [ErrBusy], the error
// that broke it, or nil.
func (s *Session) idle() error {
	if s.closed != nil {
		return s.closed
	}
	if s.open != 0 {
		return ErrBusy
	}
	return nil
}

// Close gives up what the session holds. Everything afterwards fails with
// [ErrSessionClosed].
func (s *Session) Close() error {
	if s.open != 0 {
		return ErrBusy
	}
	if s.closed == ErrSessionClosed {
		return nil
	}
	*s = *NewSession(&Base{}, Config{})
	s.batch.s = s
	s.closed = ErrSessionClosed
	return nil
}

// Begin opens a batch. One can be open at a time: a second one, and everything
// that changes or runs the session meanwhile, fails with [ErrBusy].
func (s *Session) Begin() *Tx {
	// Small enough to be inlined, so that the Tx lies on the caller's stack.
	number, err := s.tryBegin()
	return &Tx{s: s, number: number, err: err}
}

// tryBegin opens a batch if none is open.
//
//go:noinline
func (s *Session) tryBegin() (uint64, error) {
	if err := s.idle(); err != nil {
		return 0, err
	}
	return s.begin(), nil
}

// begin opens a batch. Its number is the age of the matches that it makes.
func (s *Session) begin() uint64 {
	b := &s.batch
	b.number++
	b.stated = false
	b.merged, b.conflicts, b.ends = b.merged[:0], b.conflicts[:0], b.ends[:0]
	s.open = b.number
	return b.number
}

// commit brings a batch to the network and settles what follows from it.
func (s *Session) commit() error {
	s.report.Conflicts = append(s.report.Conflicts, s.batch.conflicts...)
	err := s.settle()
	s.endBatch()
	return err
}

// endBatch forgets the batch: what it touched is what it is now.
func (s *Session) endBatch() {
	s.open = 0
	if len(s.store.touches)+len(s.net.dead)+len(s.passed) == 0 {
		return
	}
	s.forgetGone()
	s.net.endBatch()
	s.store.end()
	s.deltas, s.fresh, s.passed, s.went = reuse(s.deltas), reuse(s.fresh), reuse(s.passed), reuse(s.went)
	s.sweep()
}

// settle brings changes to the network in waves until nothing follows: facts
// change, so matches vanish, so facts lose their supports and fall. What falls
// with a statement does so before the network hears of either.
//
// It ends: a wave after the first removes facts or matches, or reinstates values of
// another support, and nothing in it fires. What fires is a batch of its own. The
// error is that of a limit, which breaks the session.
func (s *Session) settle() error {
	for s.unsettled() {
		s.maintain()
		s.deltas = s.store.deltas(s.deltas[:0])
		s.tellFacts(s.deltas)
		if err := s.apply(); err != nil {
			return err
		}
		s.revise()
	}
	return nil
}

// unsettled tells whether there is news: of facts for the network, or of matches
// for the agenda.
func (s *Session) unsettled() bool {
	st, n := &s.store, s.net
	return len(st.touches) > st.wave || len(st.lost) > 0 || len(n.appeared)+len(n.vanished)+len(n.freed)+len(n.groups) > 0
}

// SetClock sets the time that [Env.Now] gives, retracts facts that expire, and
// evaluates Timed functions again. A match that stays fires again only if a value
// that [Let] named changed.
func (s *Session) SetClock(now time.Time) error {
	if err := s.idle(); err != nil {
		return err
	}
	s.begin()
	err := s.limited(func() { s.net.setClock(now) })
	if err == nil {
		s.expire(now)
		err = s.settle()
	}
	s.endBatch()
	return err
}

// Now is the session's clock.
func (s *Session) Now() time.Time { return s.net.now }

// Base is the base that the session runs.
func (s *Session) Base() *Base { return s.base }

// Facts gives all facts in the order of their handles.
func (s *Session) Facts() iter.Seq[Fact] {
	var list []factID
	for _, t := range s.store.tables {
		list = append(list, s.store.sorted(t)...)
	}
	slices.SortFunc(list, s.store.byHandle)
	return s.factSeq(list)
}

// FactsOf gives all facts of a type in the order of their handles.
func (s *Session) FactsOf(typ string) iter.Seq[Fact] {
	return s.factSeq(s.store.sorted(s.store.byName[typ]))
}

// factSeq gives the facts of a list that stand.
func (s *Session) factSeq(list []factID) iter.Seq[Fact] {
	handles := make([]Handle, len(list))
	for i, id := range list {
		handles[i] = s.store.handle(id)
	}
	return func(yield func(Fact) bool) {
		for _, h := range handles {
			if id := s.store.find(h); id != 0 && !yield(Fact{s.store.version(id)}) {
				return
			}
		}
	}
}

// Lookup finds a fact by its key, or for a type without one by all its fields.
func (s *Session) Lookup(typ string, key Fields) (Fact, bool) {
	t := s.store.byName[typ]
	if t == nil {
		return Fact{}, false
	}
	row := make([]symbol, len(t.typ.Fields))
	for _, i := range t.typ.key {
		f := t.typ.Fields[i]
		given, ok := key[f.Name]
		if !ok && !f.Optional {
			return Fact{}, false
		}
		if !ok {
			continue
		}
		if err := s.batch.set(t, row, i, given); err != nil {
			return Fact{}, false
		}
	}
	id, _ := s.store.existing(t, row)
	return Fact{s.store.version(id)}, id != 0
}

// Get finds a fact by its handle.
func (s *Session) Get(h Handle) (Fact, bool) {
	id := s.store.find(h)
	return Fact{s.store.version(id)}, id != 0
}

// Size counts what a session holds.
type Size struct {
	Facts   int
	Matches int
	Nodes   int // of the network, shared ones once
	Tokens  int // partial and complete matches
}

// Size counts what the session holds now.
func (s *Session) Size() Size {
	return Size{Facts: s.store.size, Matches: s.matches, Nodes: s.net.nodes, Tokens: s.net.size()}
}
