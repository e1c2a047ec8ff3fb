package rete

import (
	"context"
	"iter"
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
type Session struct{ base *Base }

// NewSession makes an empty working memory for a base.
func NewSession(base *Base, cfg Config) *Session { return &Session{base: base} }

// Begin opens a batch. One can be open at a time: a second one, and everything
// that changes or runs the session meanwhile, fails with [ErrBusy].
func (s *Session) Begin() *Tx { return &Tx{s} }

// SetClock sets the time that [Env.Now] gives and evaluates Timed functions
// again. A match that stays is not fired again.
func (s *Session) SetClock(now time.Time) error { return nil }

// Now is the session's clock.
func (s *Session) Now() time.Time { return time.Time{} }

// Run fires matches until none is left, and reports. The error is that of ctx,
// a [MaxFiringsError], an [UnstratifiedError], or with Config.StopOnError a
// [FiringError]; the report is there in any case.
func (s *Session) Run(ctx context.Context) (*Report, error) { return nil, nil }

// RunLimit is Run for at most n firings.
func (s *Session) RunLimit(ctx context.Context, n int) (*Report, error) { return nil, nil }

// Adopt goes on with another base. Matches and firing history of productions
// with the same ID and Version stay; what a removed or changed production
// derived is withdrawn; new productions match the facts that are there.
func (s *Session) Adopt(next *Base) error { return nil }

// Base is the base that the session runs.
func (s *Session) Base() *Base { return s.base }

// Facts gives all facts in the order of their handles.
func (s *Session) Facts() iter.Seq[Fact] { return nil }

// FactsOf gives all facts of a type in the order of their handles.
func (s *Session) FactsOf(typ string) iter.Seq[Fact] { return nil }

// Lookup finds a fact by its key, or for a type without one by all its fields.
func (s *Session) Lookup(typ string, key Fields) (Fact, bool) { return Fact{}, false }

// Get finds a fact by its handle.
func (s *Session) Get(h Handle) (Fact, bool) { return Fact{}, false }

// Matches gives the live matches of a production in the order of their facts.
func (s *Session) Matches(production string) iter.Seq[Matched] { return nil }
