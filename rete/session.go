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

	open   *batch  // the batch that changes facts now
	firing *match  // whose firing the batch is
	batch  uint64  // the number of the last batch begun
	run    *run    // the run that goes on
	report *Report // of what happened since the last one

	gone    map[matchID]*match         // matches that went in this batch
	derives map[string]map[string]bool // types derived, by production
}

// NewSession makes an empty working memory for a base.
func NewSession(base *Base, cfg Config) *Session {
	if cfg.MaxFirings <= 0 {
		cfg.MaxFirings = 1_000_000
	}
	s := &Session{
		base: base, cfg: cfg, store: newStore(), nodes: map[string]*prodNode{},
		gone: map[matchID]*match{}, derives: map[string]map[string]bool{},
	}
	s.report = newReport()
	s.agenda.order = strategies[Depth].order
	if int(cfg.Strategy) < len(strategies) { // Run refuses any other
		s.agenda.order = strategies[cfg.Strategy].order
	}
	s.net = newNetwork(s.store.shownOf)
	for _, p := range base.programs {
		s.nodes[p.ID] = s.net.attach(p)
	}
	s.settle() // a production without patterns matches the empty memory
	return s
}

// Begin opens a batch. One can be open at a time: a second one, and everything
// that changes or runs the session meanwhile, fails with [ErrBusy].
func (s *Session) Begin() *Tx {
	if s.open != nil {
		return &Tx{err: ErrBusy}
	}
	return &Tx{batch: s.begin()}
}

// begin opens a batch. Its number is the age of the matches that it makes.
func (s *Session) begin() *batch {
	s.batch++
	s.open = &batch{s: s, number: s.batch, gone: map[identity]*entry{}}
	return s.open
}

// commit brings a batch to the network and settles what follows from it.
func (s *Session) commit(b *batch) {
	s.report.Conflicts = append(s.report.Conflicts, b.conflicts...)
	if b.stated && s.run != nil {
		clear(s.run.defeats)
		s.run.most = nil
	}
	s.settle()
	s.open = nil
}

// settle brings changes to the network in waves until nothing follows: facts
// change, so matches vanish, so facts lose their supports and fall. What falls
// with a statement does so before the network hears of either.
//
// It ends: a wave after the first removes facts or matches, or reinstates values of
// another support, and nothing in it fires. What fires is a batch of its own.
func (s *Session) settle() {
	for wave := 0; wave == 0 || len(s.store.dirty)+len(s.store.lost) > 0; wave++ {
		s.maintain()
		deltas := s.store.deltas()
		s.tellFacts(deltas)
		s.net.apply(deltas)
		s.revise()
	}
	// A new map: clear would keep the size of the largest batch for ever.
	if len(s.gone) > 0 {
		s.gone = map[matchID]*match{}
	}
}

// SetClock sets the time that [Env.Now] gives and evaluates Timed functions
// again. A match that stays fires again only if a value that [Let] named changed.
func (s *Session) SetClock(now time.Time) error {
	if s.open != nil {
		return ErrBusy
	}
	s.batch++
	s.net.setClock(now)
	s.settle()
	return nil
}

// Now is the session's clock.
func (s *Session) Now() time.Time { return s.net.now }

// Base is the base that the session runs.
func (s *Session) Base() *Base { return s.base }

// Facts gives all facts in the order of their handles.
func (s *Session) Facts() iter.Seq[Fact] {
	list := make([]*entry, 0, len(s.store.facts))
	for _, e := range s.store.facts {
		list = append(list, e)
	}
	slices.SortFunc(list, byHandle)
	return factSeq(list)
}

// FactsOf gives all facts of a type in the order of their handles.
func (s *Session) FactsOf(typ string) iter.Seq[Fact] { return factSeq(s.store.sorted(typ)) }

// factSeq gives the facts of a list that stand.
func factSeq(list []*entry) iter.Seq[Fact] {
	return func(yield func(Fact) bool) {
		for _, e := range list {
			if e.cur != nil && !yield(Fact{e.cur}) {
				return
			}
		}
	}
}

// Lookup finds a fact by its key, or for a type without one by all its fields.
func (s *Session) Lookup(typ string, key Fields) (Fact, bool) {
	t := s.base.types[typ]
	if t == nil {
		return Fact{}, false
	}
	id, err := t.identity(key)
	if err != nil {
		return Fact{}, false
	}
	e := s.store.table(t).byID[id]
	if e == nil {
		return Fact{}, false
	}
	return Fact{e.cur}, true
}

// Get finds a fact by its handle.
func (s *Session) Get(h Handle) (Fact, bool) {
	e := s.store.find(h)
	if e == nil {
		return Fact{}, false
	}
	return Fact{e.cur}, true
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
	return Size{Facts: len(s.store.facts), Matches: s.matches, Nodes: s.net.nodes, Tokens: s.net.tokens}
}
