package rete

import (
	"errors"
	"slices"
)

// passedLimit is what a network panics with that made too many tokens: it cannot
// stop halfway and stay whole. [Session.limited] catches it.
type passedLimit struct{ err *LimitError }

// made counts a token against the limit.
func (n *network) made(m *memory) {
	if n.limits.Tokens > 0 && n.size() > n.limits.Tokens {
		panic(passedLimit{&LimitError{What: "tokens", Limit: n.limits.Tokens, memory: m}})
	}
}

// apply brings the changes of a wave to the network, within the limits.
func (s *Session) apply() error {
	limits := &s.cfg.Limits
	if limits.Facts > 0 && s.store.size > limits.Facts {
		return s.breaks("facts", limits.Facts)
	}
	if err := s.limited(func() { s.net.apply(s.deltas) }); err != nil {
		return err
	}
	if limits.Bytes > 0 && s.Memory() > limits.Bytes {
		return s.breaks("bytes", limits.Bytes)
	}
	return nil
}

// breaks ends the session for a limit that was passed. Whoever fires then is named.
func (s *Session) breaks(what string, limit int) error {
	e := &LimitError{What: what, Limit: limit}
	if s.firing != nil {
		e.Productions = []string{s.firing.end.prog.ID}
	}
	s.closed = e
	return e
}

// limited does something to the network within the limits.
func (s *Session) limited(do func()) (err error) {
	if s.cfg.Limits.Tokens > 0 {
		defer s.catch(&err)
	}
	do()
	return nil
}

// attach adds a production to the network within the limits.
func (s *Session) attach(p *program) error {
	err := s.limited(func() { s.nodes[p.ID] = s.net.attach(p) })
	var passed *LimitError
	if errors.As(err, &passed) && !slices.Contains(passed.Productions, p.ID) {
		passed.Productions = append(passed.Productions, p.ID)
		slices.Sort(passed.Productions)
	}
	return err
}

// catch makes an error of a limit that was passed. The network is broken then, and
// the session with it.
func (s *Session) catch(err *error) {
	r := recover()
	if r == nil {
		return
	}
	p, ok := r.(passedLimit)
	if !ok {
		panic(r)
	}
	for _, prog := range s.base.programs {
		if n := s.nodes[prog.ID]; n != nil && n.uses(p.err.memory) {
			p.err.Productions = append(p.err.Productions, prog.ID)
		}
	}
	s.closed, *err = p.err, p.err
}

// uses tells whether tokens of a memory are matched for the production.
func (p *prodNode) uses(m *memory) bool {
	return slices.ContainsFunc(p.built.parts, func(x *part) bool { return x.in == m }) ||
		slices.ContainsFunc(p.ends, func(e *prodEnd) bool { return e.mem == m })
}
