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
	removed, added := s.difference(next)
	s.base = next
	for _, table := range s.store.tables {
		if t := next.types[table.typ.Name]; t != nil {
			table.become(t)
		}
	}
	for _, p := range removed {
		s.net.detach(p)
		s.counted = without(s.counted, p)
	}
	// Before anything new is attached: what was withdrawn must be gone when the new
	// productions look around.
	err := s.settle()
	for _, p := range removed {
		delete(s.nodes, p.id)
	}
	for _, p := range added {
		if err == nil {
			err = s.attach(p)
		}
	}
	if err == nil {
		err = s.settle()
	}
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

// become gives the table the type that the next base has. Without facts it may have
// other fields.
func (t *factTable) become(typ *typeInfo) {
	if !typ.same(t.typ) {
		t.rows, t.index = rows{width: uint32(len(typ.Fields))}, table{}
	}
	t.typ = typ
}

// difference are the productions that go and those that come: all but those that
// did not change, nor the types that they match. Both bases are in the order of
// IDs, so that one walk along both finds it.
func (s *Session) difference(next *Base) (removed []*prodNode, added []*program) {
	changed := s.changedTypes(next)
	old, now := s.base.programs, next.programs
	for len(old)+len(now) > 0 {
		switch {
		case len(now) == 0 || len(old) > 0 && old[0].ID < now[0].ID:
			removed, old = append(removed, s.nodes[old[0].ID]), old[1:]
		case len(old) == 0 || now[0].ID < old[0].ID:
			added, now = append(added, now[0]), now[1:]
		default:
			if !old[0].same(now[0]) || len(changed) > 0 && now[0].matches(changed) {
				removed, added = append(removed, s.nodes[old[0].ID]), append(added, now[0])
			}
			old, now = old[1:], now[1:]
		}
	}
	return removed, added
}

// changedTypes are the types that the next base lacks or declares otherwise.
func (s *Session) changedTypes(next *Base) map[string]bool {
	changed := map[string]bool{}
	for name, t := range s.base.types {
		if u := next.types[name]; u != t && (u == nil || !u.same(t)) {
			changed[name] = true
		}
	}
	return changed
}

// matches tells whether the production looks at facts of one of the types.
func (p *program) matches(types map[string]bool) bool {
	return slices.ContainsFunc(slices.Concat(p.reads, p.negates), func(name string) bool { return types[name] })
}

// same tells whether a production did not change.
func (p *program) same(q *program) bool {
	return p == q || p.Version != "" && p.Version == q.Version
}
