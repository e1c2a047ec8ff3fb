package rete

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
	fired   map[string]int
	defeats map[matchID]*defeat // since a statement last changed
	most    *defeat             // the first to have been counted most often
	doubt   int                 // how many defeats of one match are too many to be chance
	undone  *match              // the last firing undid its own reason
	end     error
}

// defeat counts how often a match lost its conclusions because its condition
// went.
//
// That alone is no crime: where priorities let a rule conclude before another says
// that it should not, conclusions come and go, finitely often. See selfDenying for
// what must be there too.
type defeat struct {
	match *match
	times int
}

// Run fires matches until none is left, and reports. The error is that of ctx,
// a [MaxFiringsError], an [UnstratifiedError], or with Config.StopOnError a
// [FiringError]; the report is there in any case.
func (s *Session) Run(ctx context.Context) (*Report, error) { return s.RunLimit(ctx, math.MaxInt) }

// RunLimit is Run for at most n firings.
func (s *Session) RunLimit(ctx context.Context, n int) (*Report, error) {
	if s.open != nil {
		return newReport(), ErrBusy
	}
	if int(s.cfg.Strategy) >= len(strategies) {
		return newReport(), fmt.Errorf("%w %d", ErrStrategy, s.cfg.Strategy)
	}
	s.run = &run{fired: s.report.Fired, defeats: map[matchID]*defeat{}, doubt: 100}
	defer func() { s.run = nil }() // whatever way the run ends, a panic of Then among them
	err := s.fireAll(ctx, n)
	return s.takeReport(), err
}

// fireAll fires up to n matches. The limit of the configuration is an error only
// if there is more to fire.
func (s *Session) fireAll(ctx context.Context, n int) error {
	for r := s.run; r.firings < n && !s.report.Halted; r.firings++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(s.agenda.heap) == 0 {
			return nil
		}
		if r.firings >= s.cfg.MaxFirings {
			return s.exhausted()
		}
		s.fire(s.agenda.next())
		if r.end != nil {
			r.firings++
			return r.end
		}
	}
	return nil
}

// fire runs a match's Then as one batch.
func (s *Session) fire(m *match) {
	m.fired = true
	f := &Firing{s: s, match: m, batch: s.begin()}
	s.firing = m
	s.report.Firings++
	s.run.fired[m.node.prog.ID]++
	err := s.act(f)
	bind := m.bindings()
	if err != nil {
		s.fail(f, &FiringError{Production: m.node.prog.ID, Bind: bind, Facts: m.factList(), Err: err})
	} else {
		s.succeed(f, bind)
	}
	s.firing = nil
	s.judge(m, f.batch)
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
	err := f.match.node.prog.Then(f)
	returned = true
	return err
}

// undo takes back what a firing changed. What the match concluded before rested
// on values that are no more, so that goes too.
func (s *Session) undo(f *Firing) {
	f.batch.rollback()
	s.release(f.match, f.match.supports)
	s.settle()
}

// fail reports the firing, then undoes it: what falls with it is told after what
// it fell for.
func (s *Session) fail(f *Firing, err *FiringError) {
	s.report.Errors = append(s.report.Errors, err)
	s.tell(Event{Kind: Failed, Production: err.Production, Bind: err.Bind, Err: err})
	s.undo(f)
	if s.cfg.StopOnError {
		s.run.end = err
	}
}

// succeed replaces the match's old conclusions by the new and commits.
func (s *Session) succeed(f *Firing, bind Bind) {
	m := f.match
	for _, line := range f.logs {
		s.report.Logs = append(s.report.Logs, LogLine{m.node.prog.ID, bind, line})
	}
	s.report.Halted = f.halt
	s.tell(Event{Kind: Fired, Production: m.node.prog.ID, Bind: bind, Logs: f.logs})
	var old []*support
	for _, sup := range m.supports {
		if !slices.ContainsFunc(f.derived, func(x *support) bool { return x.entry == sup.entry }) {
			old = append(old, sup)
		}
	}
	m.supports = slices.Concat(f.derived, old)
	s.root(m)
	s.release(m, old)
	s.learn(m)
	s.commit(f.batch)
}

// learn remembers which types a production derives, to tell later whether it
// concludes what it denies.
func (s *Session) learn(m *match) {
	id := m.node.prog.ID
	for _, sup := range m.supports {
		if s.derives[id] == nil {
			s.derives[id] = map[string]bool{}
		}
		s.derives[id][sup.entry.table.typ.Name] = true
	}
}

// judge ends the run when a firing undid its own reason twice in a row: the match
// went because of what it concluded, came back when that fell, and will do so for
// ever. NoLoop keeps it from firing again, which leaves no more truth in it.
func (s *Session) judge(m *match, b *batch) {
	r := s.run
	undone := m.token != nil && m.cut == b.number && !b.stated
	switch {
	case undone && (r.undone == m || m.node.prog.NoLoop):
		r.end = cmp.Or(r.end, error(&UnstratifiedError{m.node.prog.ID, m.bindings()}))
	case undone:
		r.undone = m
	default:
		r.undone = nil
	}
	if r.most != nil && r.most.times > r.doubt+s.matches {
		r.doubt *= 2 // looking is dear
		if s.selfDenying(r.most.match.node.prog) {
			r.end = cmp.Or(r.end, error(&UnstratifiedError{r.most.match.node.prog.ID, r.most.match.bindings()}))
		}
	}
}

// countDefeat notes that a match vanished with what it supported.
func (s *Session) countDefeat(m *match) {
	if s.run == nil {
		return
	}
	id := matchID{m.node, m.id}
	if s.run.defeats[id] == nil {
		s.run.defeats[id] = &defeat{match: m}
	}
	d := s.run.defeats[id]
	d.match = m
	d.times++
	if s.run.most == nil || d.times > s.run.most.times {
		s.run.most = d
	}
}

// worst is the most defeated match.
func (r *run) worst() *defeat {
	var worst *defeat
	for _, d := range r.defeats {
		if worst == nil || d.times > worst.times ||
			d.times == worst.times && byProduction(d.match, worst.match) < 0 {
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
func (s *Session) selfDenying(p *program) bool {
	var ring []*program
	for q := range s.following(p) {
		if s.following(q)[p] {
			ring = append(ring, q)
		}
	}
	return slices.ContainsFunc(ring, func(q *program) bool {
		return slices.ContainsFunc(ring, func(r *program) bool { return s.meets(r, q.negates) })
	})
}

// following are the productions that what p derives can concern.
func (s *Session) following(p *program) map[*program]bool {
	found := map[*program]bool{}
	list := []*program{p}
	for i := 0; i < len(list); i++ {
		for _, n := range s.nodes {
			q := n.prog
			if !found[q] && (s.meets(list[i], q.reads) || s.meets(list[i], q.negates)) {
				found[q] = true
				list = append(list, q)
			}
		}
	}
	return found
}

// meets tells whether a production has derived a fact of one of the types.
func (s *Session) meets(p *program, types map[string]bool) bool {
	for typ := range s.derives[p.ID] {
		if types[typ] {
			return true
		}
	}
	return false
}

// exhausted is the error of a run without end: that of a production that defeats
// itself, if there is one.
func (s *Session) exhausted() error {
	if worst := s.run.worst(); worst != nil && worst.times > 2 && s.selfDenying(worst.match.node.prog) {
		return &UnstratifiedError{worst.match.node.prog.ID, worst.match.bindings()}
	}
	busiest := slices.SortedFunc(maps.Keys(s.run.fired), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.run.fired[b], s.run.fired[a]), cmp.Compare(a, b))
	})
	return &MaxFiringsError{Limit: s.cfg.MaxFirings, Busiest: busiest[:min(len(busiest), 5)]}
}
