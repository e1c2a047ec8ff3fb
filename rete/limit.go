package rete

import "slices"

// passedLimit is what a network panics with that made too many tokens: it cannot
// stop halfway and stay whole. [Session.apply] catches it.
type passedLimit struct{ err *LimitError }

// made counts a token against the limit.
func (n *network) made(m *memory) {
	if n.limits.Tokens > 0 && n.size() > n.limits.Tokens {
		panic(passedLimit{&LimitError{What: "tokens", Limit: n.limits.Tokens, memory: m}})
	}
}

// apply brings the changes of a wave to the network, within the limits.
func (s *Session) apply() (err error) {
	if s.cfg.Limits.Facts > 0 && s.store.size > s.cfg.Limits.Facts {
		e := &LimitError{What: "facts", Limit: s.cfg.Limits.Facts}
		if s.firing != nil {
			e.Productions = []string{s.firing.end.prog.ID}
		}
		s.closed = e
		return e
	}
	if s.cfg.Limits.Tokens > 0 {
		defer s.catch(&err)
	}
	s.net.apply(s.deltas)
	return s.memoryLimit()
}

// memoryLimit tells when the session holds too much. Whoever fires then is named.
func (s *Session) memoryLimit() error {
	limit := s.cfg.Limits.Bytes
	if limit <= 0 || s.Memory() <= limit {
		return nil
	}
	e := &LimitError{What: "bytes", Limit: limit}
	if s.firing != nil {
		e.Productions = []string{s.firing.end.prog.ID}
	}
	s.closed = e
	return e
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
		if s.nodes[prog.ID].uses(p.err.memory) {
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
