package rete

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Adopt goes on with another base. Matches and firing history of productions
// with the same ID and Version stay, and with them what they run; what a removed
// or changed production derived is withdrawn; new productions match the facts
// that are there. A production without a Version is the same only in a base made
// from the other by [Base.With] or [Base.Without]. On an error the session is as
// it was.
func (s *Session) Adopt(next *Base) error {
	if err := s.idle(); err != nil {
		return err
	}
	if err := s.fits(next); err != nil {
		return err
	}
	s.begin()
	kept := s.kept(next)
	s.base = next
	for _, table := range s.store.tables {
		if t := next.types[table.typ.Name]; t != nil {
			table.typ = t
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.nodes)) {
		if !kept[id] {
			s.net.detach(s.nodes[id])
			s.counted = without(s.counted, s.nodes[id])
		}
	}
	// Before anything new is attached: what was withdrawn must be gone when the new
	// productions look around.
	err := s.settle()
	var removed []*prodNode
	for id, p := range s.nodes {
		if !kept[id] {
			removed = append(removed, p)
			delete(s.nodes, id)
		}
	}
	for _, p := range next.programs {
		if s.nodes[p.ID] == nil {
			s.nodes[p.ID] = s.net.attach(p)
		}
	}
	s.rankAll()
	err = errors.Join(err, s.settle())
	s.endBatch()
	s.net.dropEnds(removed)
	return err
}

// fits tells whether the session's facts are facts of the other base.
func (s *Session) fits(next *Base) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.store.byName)) {
		table := s.store.byName[name]
		if table.size == 0 {
			continue
		}
		t := next.types[name]
		if t == nil || !t.same(table.typ) {
			errs = append(errs, &CompileError{Type: name, Text: "there are facts of it, and the new base lacks it or declares it otherwise"})
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("adopt: %w", errors.Join(errs...))
	}
	return nil
}

// kept are the productions that did not change, nor the types that they match.
func (s *Session) kept(next *Base) map[string]bool {
	kept := map[string]bool{}
	for _, q := range next.programs {
		n := s.nodes[q.ID]
		if n == nil || !n.prog.same(q) {
			continue
		}
		kept[q.ID] = true
		for _, name := range slices.Concat(q.reads, q.negates) {
			kept[q.ID] = kept[q.ID] && next.types[name].same(s.base.types[name])
		}
	}
	return kept
}

// same tells whether a production did not change.
func (p *program) same(q *program) bool {
	return p == q || p.Version != "" && p.Version == q.Version
}
