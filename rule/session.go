package rule

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/rete"
)

// SessionOptions are the settings of a session.
type SessionOptions struct {
	Strategy    string // "depth" (the default) or another that rete knows
	MaxFirings  int    // of one run; 0: a million
	StopOnError bool   // end a run at the first action that fails
}

// Fact is one typed record for a session. Fields may be Go values, or the texts
// that rule files and scripts write: "30.00 USD", "2026-11-20T10:00:00Z".
type Fact struct {
	Type   string
	Fields map[string]any
}

// Session is a working memory for a set of rules. It belongs to one goroutine.
// Facts that are stated between two runs are one batch.
type Session struct {
	set    *Set
	memory *rete.Session
	tx     *rete.Tx
	clock  rete.Handle
	timed  bool // SetClock was called
	listen rete.Listener
	failed []*rete.FiringError // of the last run
	doubts map[string]string   // by rule, see Doubt
}

// NewSession makes an empty working memory.
func (s *Set) NewSession(o SessionOptions) (*Session, error) {
	if o.Strategy == "" {
		o.Strategy = "depth"
	}
	strategy, err := rete.ParseStrategy(o.Strategy)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "strategy %q: %w", o.Strategy, err)
	}
	session := &Session{set: s}
	session.memory = rete.NewSession(s.base, rete.Config{
		Groups: s.groups, Strategy: strategy, MaxFirings: o.MaxFirings, StopOnError: o.StopOnError,
		Listener: rete.ListenerFunc(session.event),
	})
	// Before the first SetClock now is a moment from which days can be taken away: a
	// condition such as x.at < now - duration("720h") would fail in the year 1.
	return session, session.memory.SetClock(time.Unix(0, 0).UTC())
}

// event passes on what happens to whoever plays a script.
func (s *Session) event(e rete.Event) {
	if s.listen != nil {
		s.listen.Event(e)
	}
}

// batch is the open batch, begun if there is none.
func (s *Session) batch() *rete.Tx {
	if s.tx == nil {
		s.tx = s.memory.Begin()
	}
	return s.tx
}

// commit closes the open batch.
func (s *Session) commit() error {
	if s.tx == nil {
		return nil
	}
	tx := s.tx
	// Before the commit, whatever it says: a batch that failed is not tried again.
	s.tx = nil
	return tx.Commit()
}

// Assert states a fact. The same key again updates that fact. The error names
// the type, the field and the value.
func (s *Session) Assert(typ string, fields map[string]any) error {
	_, err := s.assert(typ, fields)
	return err
}

// assert is Assert with the handle, for those who name facts.
func (s *Session) assert(typ string, fields map[string]any) (rete.Handle, error) {
	h, err := s.batch().Assert(typ, fields)
	if err != nil {
		return 0, s.inWords(err, typ, fields)
	}
	return h, nil
}

// fits refuses a set that declares otherwise what facts are there of: a value of
// the old type would be read as one of the new.
func (s *Session) fits(next *Set) error {
	for _, name := range sortedKeys(s.set.types) {
		t := next.types[name]
		if t == nil {
			continue // the matcher says so, if there are facts of it
		}
		how := s.set.types[name].differs(t)
		if how == "" {
			continue
		}
		// One is enough. A type without facts may change as it likes.
		for range s.memory.FactsOf(name) {
			return trimtab.Errorf(trimtab.Invalid, "there are facts of type %s, and the new rules declare it otherwise: %s", name, how)
		}
	}
	return nil
}

// Replace makes the stated facts of some types those given: they are asserted,
// and what else was stated of these types is retracted. That is what a complete
// reading of a source does, so a field that a fact does not give is absent
// afterwards, whatever it was before. The first error is returned and the facts
// before it stay.
func (s *Session) Replace(types []string, facts []Fact) error {
	if err := s.commit(); err != nil {
		return err
	}
	keep := map[rete.Handle]bool{}
	for _, f := range facts {
		h, err := s.assert(f.Type, s.whole(f))
		if err != nil {
			return err
		}
		keep[h] = true
	}
	// After all are stated: a fact that is there again keeps its handle, and what
	// rests on it does not go and come.
	for _, t := range types {
		if err := s.sweep(t, keep); err != nil {
			return err
		}
	}
	return s.commit()
}

// whole are the fields of a fact with all others said to be absent: an assert
// alone would leave them as they were.
func (s *Session) whole(f Fact) map[string]any {
	t, ok := s.set.types[f.Type]
	if !ok {
		return f.Fields
	}
	// The caller's map stays as it is.
	all := maps.Clone(f.Fields)
	if all == nil {
		all = map[string]any{}
	}
	for _, field := range t.fields {
		if _, given := all[field.name]; !given {
			all[field.name] = rete.Absent
		}
	}
	return all
}

// sweep retracts the stated facts of a type that are not kept.
func (s *Session) sweep(typ string, keep map[rete.Handle]bool) error {
	// Gathered first, since a memory must not change while it is walked.
	var gone []rete.Handle
	for f := range s.memory.FactsOf(typ) {
		if !f.Derived() && !keep[f.Handle()] && f.Handle() != s.clock {
			gone = append(gone, f.Handle())
		}
	}
	for _, h := range gone {
		if err := s.batch().Retract(h); err != nil {
			return err
		}
	}
	return nil
}

// SetClock sets now. A run's now is fixed while it lasts.
func (s *Session) SetClock(now time.Time) error {
	if err := s.commit(); err != nil {
		return err
	}
	now, s.timed = now.UTC(), true
	if err := s.memory.SetClock(now); err != nil {
		return err
	}
	// No rule matches Clock: a fact that nobody reads would only cost.
	if !s.set.clock {
		return nil
	}
	return s.stateClock(now)
}

// stateClock keeps the one Clock fact, for rules that match it.
//
// An update rather than a new fact: rules that match Clock fire again for the new
// time, and what they derived for the old one is replaced.
func (s *Session) stateClock(now time.Time) error {
	var err error
	if _, there := s.memory.Get(s.clock); there {
		err = s.batch().Update(s.clock, rete.Fields{"now": now})
	} else {
		s.clock, err = s.batch().Assert(clockType, rete.Fields{"now": now})
	}
	if err != nil {
		return err
	}
	return s.commit()
}

// Run fires rules until nothing is left to conclude and says what follows. The
// outcome is there even when the run was cut short, and then incomplete.
func (s *Session) Run(ctx context.Context) (*Outcome, error) {
	if err := s.commit(); err != nil {
		return nil, err
	}
	report, err := s.memory.Run(ctx)
	s.failed = report.Errors
	out := s.outcome(report)
	if err != nil {
		return out, fmt.Errorf("run the rules: %w", err)
	}
	return out, nil
}

// Adopt goes on with another set: matches and firing history of rules that are
// the same stay, what removed or changed rules concluded is withdrawn.
func (s *Session) Adopt(next *Set) error {
	if err := s.commit(); err != nil {
		return err
	}
	// Before anything moves: a set that is refused leaves the session as it was.
	if err := s.fits(next); err != nil {
		return err
	}
	if err := s.memory.Adopt(next.base); err != nil {
		return err
	}
	s.set = next
	// The old set may have had no use for the fact.
	if next.clock && s.timed {
		return s.stateClock(s.memory.Now())
	}
	return nil
}
