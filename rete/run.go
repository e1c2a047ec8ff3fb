package rete

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// run is the state of one run.
//
// Most of it serves one question: is this a long run, or one without end? A
// production that concludes what it denies shows itself by matches that lose their
// conclusions over and over while nobody states anything new.
type run struct {
	firings int
	defeats map[string]*defeat // by name of the match, since a statement last changed
	most    *defeat            // the first to have been counted most often
	doubt   int                // how many defeats of one match are too many to be chance
	undone  matchID            // the last firing undid its own reason
	end     error
}

// defeat counts how often a match lost its conclusions because its condition
// went.
//
// That alone is no crime: where priorities let a rule conclude before another says
// that it should not, conclusions come and go, finitely often. See selfDenying for
// what must be there too.
type defeat struct {
	node  *prodNode
	name  string
	bind  Bind
	times int
}

// Run fires matches until none is left, and reports. The error is that of ctx,
// a [MaxFiringsError], an [UnstratifiedError], a [LimitError], or with
// Config.StopOnError a [FiringError]; the report is there in any case.
func (s *Session) Run(ctx context.Context) (Report, error) { return s.RunLimit(ctx, math.MaxInt) }

// RunLimit is Run for at most n firings.
func (s *Session) RunLimit(ctx context.Context, n int) (Report, error) {
	if err := s.idle(); err != nil {
		return Report{}, err
	}
	if int(s.cfg.Strategy) >= len(strategies) {
		return Report{}, fmt.Errorf("%w %d", ErrStrategy, s.cfg.Strategy)
	}
	s.running = run{doubt: 100}
	s.run = &s.running
	defer s.stop() // whatever way the run ends, a panic of Then among them
	err := s.fireAll(ctx, n)
	return s.takeReport(), err
}

// stop ends a run.
func (s *Session) stop() { s.run = nil }

// fireAll fires up to n matches. The limit of the configuration is an error only
// if there is more to fire.
func (s *Session) fireAll(ctx context.Context, n int) error {
	for r := s.run; r.firings < n && !s.report.Halted; r.firings++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := s.next()
		if id == 0 {
			return nil
		}
		if r.firings >= s.cfg.MaxFirings {
			s.activate(id)
			return s.exhausted()
		}
		s.fire(id)
		if r.end != nil {
			r.firings++
			return r.end
		}
	}
	return nil
}

// next takes the match that fires next, or gives 0. A match whose exclusive group
// another one holds by now is parked.
func (s *Session) next() matchID {
	for {
		id := s.agenda.next()
		if id == 0 {
			return 0
		}
		m := s.net.matches.at(id)
		m.state &^= waiting
		if e := s.net.endOf(m); e.simple || !s.holds(id, e) {
			return id
		}
	}
}

// fire runs a match's Then as one batch.
func (s *Session) fire(id matchID) {
	m := s.net.matches.at(id)
	e := s.net.endOf(m)
	m.state |= fired
	if !e.simple {
		s.lock(id, e)
	}
	f := &s.firingOf
	*f = Firing{s: s, match: id, end: e, token: m.token, logs: f.logs[:0]}
	s.begin()
	s.firing = f
	s.report.Firings++
	s.countFiring(e.node)
	if err := s.act(f); err != nil {
		s.fail(f, &FiringError{Production: e.prog.ID, Bind: e.bindings(f.token), Facts: e.factList(f.token), Err: err})
	} else {
		s.succeed(f)
	}
	s.firing = nil
}

// act calls Then. When Then panics the firing is undone as one that failed, so
// that whoever recovers further up has a session that is as sound as before; the
// panic itself goes on, since it tells of a mistake in the program.
func (s *Session) act(f *Firing) error {
	returned := false
	defer func() {
		f.done = true
		if !returned {
			s.undo(f)
			s.firing = nil
		}
	}()
	err := f.end.then(f)
	returned = true
	return err
}

// undo takes back what a firing changed. What the match concluded before rested
// on values that are no more, so that goes too.
func (s *Session) undo(f *Firing) {
	s.batch.undo()
	if c := s.conclusions[f.match]; c != nil {
		s.releaseAll(c)
	}
	s.judge(f, s.settle())
	s.endBatch()
}

// fail reports the firing, then undoes it: what falls with it is told after what
// it fell for.
func (s *Session) fail(f *Firing, err *FiringError) {
	s.report.Errors = append(s.report.Errors, err)
	if s.cfg.Listener != nil {
		s.cfg.Listener.Event(Event{Kind: Failed, Production: err.Production, Bind: err.Bind, Err: err})
	}
	s.undo(f)
	if s.cfg.StopOnError {
		s.run.end = err
	}
}

// succeed replaces the match's old conclusions by the new and commits.
func (s *Session) succeed(f *Firing) {
	e := f.end
	if len(f.logs) > 0 || s.cfg.Listener != nil {
		s.tellFiring(f, e.bindings(f.token))
	}
	s.report.Halted = f.halt
	if len(f.focus) > 0 {
		s.agenda.focus = append(s.agenda.focus, f.focus...)
	}
	if c := s.conclusions[f.match]; c != nil {
		s.conclude(c)
	}
	s.report.Conflicts = append(s.report.Conflicts, s.batch.conflicts...)
	if s.batch.stated {
		s.run.defeats, s.run.most = nil, nil
	}
	s.judge(f, s.settle())
	s.endBatch()
}

// tellFiring reports what a firing logged.
func (s *Session) tellFiring(f *Firing, bind Bind) {
	logs := slices.Clone(f.logs)
	for _, line := range logs {
		s.report.Logs = append(s.report.Logs, LogLine{f.end.prog.ID, bind, line})
	}
	if s.cfg.Listener != nil {
		s.cfg.Listener.Event(Event{Kind: Fired, Production: f.end.prog.ID, Bind: bind, Logs: logs})
	}
}

// judge ends the run when a firing undid its own reason twice in a row: the match
// went because of what it concluded, came back when that fell, and will do so for
// ever. NoLoop keeps it from firing again, which leaves no more truth in it. A
// limit that was passed ends it too.
func (s *Session) judge(f *Firing, err error) {
	r := s.run
	if err != nil {
		r.end = err
		return
	}
	m := s.net.matches.at(f.match)
	undone := m.state.has(listed) && s.wasCut(f.match) && !s.batch.stated
	switch {
	case undone && (r.undone == f.match || f.end.prog.NoLoop):
		r.end = cmp.Or(r.end, error(&UnstratifiedError{f.end.prog.ID, f.end.bindings(m.token)}))
	case undone:
		r.undone = f.match
	default:
		r.undone = 0
	}
	if r.most != nil && r.most.times > r.doubt+s.matches {
		r.doubt *= 2 // looking is dear
		if s.selfDenying(r.most.node) {
			r.end = cmp.Or(r.end, error(&UnstratifiedError{r.most.node.prog.ID, r.most.bind}))
		}
	}
}

// countDefeat notes that a match vanished with what it supported.
func (s *Session) countDefeat(id matchID) {
	if s.run == nil {
		return
	}
	m := s.net.matches.at(id)
	e := s.net.endOf(m)
	name := e.name(m.token)
	d := s.run.defeats[name]
	if d == nil {
		d = &defeat{node: e.node, name: name, bind: e.bindings(m.token)}
		if s.run.defeats == nil {
			s.run.defeats = map[string]*defeat{}
		}
		s.run.defeats[name] = d
	}
	d.times++
	if s.run.most == nil || d.times > s.run.most.times {
		s.run.most = d
	}
}

// worst is the most defeated match.
func (r *run) worst() *defeat {
	var worst *defeat
	for _, d := range r.defeats {
		if worst == nil || d.times > worst.times || d.times == worst.times && d.name < worst.name {
			worst = d
		}
	}
	return worst
}

// selfDenying tells whether a production is part of a ring of conclusions of
// which one is denied by another.
//
// It looks at what was derived in fact and not at what could be: types say too
// little when one rule derives a type for some facts and denies it for others, and
// only the two together accuse.
func (s *Session) selfDenying(p *prodNode) bool {
	var ring []*prodNode
	for q := range s.following(p) {
		if s.following(q)[p] {
			ring = append(ring, q)
		}
	}
	return slices.ContainsFunc(ring, func(q *prodNode) bool {
		return slices.ContainsFunc(ring, func(r *prodNode) bool { return r.meets(q.prog.negates) })
	})
}

// following are the productions that what p derives can concern.
func (s *Session) following(p *prodNode) map[*prodNode]bool {
	found := map[*prodNode]bool{}
	list := []*prodNode{p}
	for i := 0; i < len(list); i++ {
		for _, q := range s.nodes {
			if !found[q] && (list[i].meets(q.prog.reads) || list[i].meets(q.prog.negates)) {
				found[q] = true
				list = append(list, q)
			}
		}
	}
	return found
}

// meets tells whether a production has derived a fact of one of the types.
func (p *prodNode) meets(types []string) bool {
	for typ := range p.derives {
		if slices.Contains(types, typ) {
			return true
		}
	}
	return false
}

// exhausted is the error of a run without end: that of a production that defeats
// itself, if there is one.
func (s *Session) exhausted() error {
	if worst := s.run.worst(); worst != nil && worst.times > 2 && s.selfDenying(worst.node) {
		return &UnstratifiedError{worst.node.prog.ID, worst.bind}
	}
	return &MaxFiringsError{Limit: s.cfg.MaxFirings, Busiest: s.busiest()}
}

// busiest are the productions that fired most in this run, at most five.
func (s *Session) busiest() []string {
	list := slices.SortedFunc(slices.Values(s.counted), func(a, b *prodNode) int {
		return cmp.Or(cmp.Compare(b.fired, a.fired), cmp.Compare(a.prog.ID, b.prog.ID))
	})
	var ids []string
	for _, p := range list[:min(len(list), 5)] {
		ids = append(ids, p.prog.ID)
	}
	return ids
}

// countFiring counts a firing of a production.
func (s *Session) countFiring(p *prodNode) {
	if p.fired == 0 {
		s.counted = append(s.counted, p)
	}
	p.fired++
	p.total++
}
