package rete

import (
	"fmt"
	"iter"
)

// Query gives the live matches of a production whose Params have the given values,
// in the order of their facts. It costs what it finds: the network keeps the matches
// by the values of the parameters. A production that is only asked needs no Then.
// The error is a [QueryError].
//
//	{ID: "owned", When: ..., Params: []Ref{{"vm", "owner"}}}
//	s.Query("owned", "ann")
func (s *Session) Query(production string, args ...any) (iter.Seq[Matched], error) {
	if s.closed != nil {
		return nil, s.closed
	}
	p := s.nodes[production]
	switch {
	case p == nil:
		return nil, &QueryError{production, "there is no such production"}
	case len(args) != len(p.prog.Params):
		return nil, &QueryError{production, fmt.Sprintf("it asks for %d values and was given %d", len(p.prog.Params), len(args))}
	}
	if len(args) == 0 {
		return s.Matches(production), nil
	}
	syms := make([]symbol, len(args))
	for i, arg := range args {
		v, err := normalise(arg)
		if err != nil {
			return nil, &QueryError{production, err.Error()}
		}
		syms[i] = s.store.syms.intern(v)
	}
	var list []matchID
	for _, e := range p.ends {
		list = append(list, e.ask(syms)...)
	}
	return s.matchSeq(p, list), nil
}

// ask finds the matches whose parameters have some values.
func (e *prodEnd) ask(syms []symbol) []matchID {
	var list []matchID
	for _, t := range e.asked(syms) {
		if id := e.matchOf(t); id != 0 {
			list = append(list, id)
		}
	}
	return list
}

// asked finds their tokens. A memory that is small is not filed, and then there need
// be no key of several values.
func (e *prodEnd) asked(syms []symbol) []tokenID {
	n, key := e.net, uint32(0)
	for i, sym := range syms {
		if !sym.joins() {
			return nil
		}
		if !e.mem.hashed {
			continue
		}
		if key = n.extend(key, i, sym, false); key == 0 {
			return nil
		}
	}
	if e.mem.hashed {
		return e.mem.withKey(e.params, key, nil)
	}
	var list []tokenID
	for t := e.mem.head; t != 0; t = n.tokens.at(t).mate {
		fits := true
		for i, r := range e.params.refs {
			fits = fits && n.store.syms.equal(syms[i], n.read(r, t))
		}
		if fits {
			list = append(list, t)
		}
	}
	return list
}

// matchOf is the production's match of a token.
func (e *prodEnd) matchOf(t tokenID) matchID {
	id := matchID(e.net.tokens.at(t).extra)
	for id != 0 && e.net.matches.at(id).end != e.id {
		id = e.net.matches.at(id).other
	}
	return id
}
