package distribute

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// resolve looks unknown creations up by marker: found is done; not found is
// planned again once it has settled. Other writes say the same however often
// they are made, so they are planned again at once. It tells how many wait.
func (s *sender) resolve(ctx context.Context) (waiting int, err error) {
	unknown, err := s.unknown(ctx)
	if err != nil || len(unknown) == 0 {
		return 0, err
	}
	links, err := s.linksOf(ctx, unknown)
	if err != nil {
		return 0, err
	}
	found, err := s.findAll(ctx, unknown, links)
	if err != nil {
		return 0, err
	}
	for _, op := range unknown {
		issue, ok := found[links[op.ID].Marker]
		switch {
		case op.Kind == store.OpCreate && ok:
			s.sent.Adopted++
			err = s.filed(ctx, op, links[op.ID], issue, foundAgain, nil)
		case op.Kind == store.OpCreate && s.hidden(op):
		case op.Kind == store.OpCreate && s.job.Clock.Now().Before(op.SettledAt.Add(s.job.Settle[s.name])):
			waiting++
		default:
			s.again(op)
			err = s.save(ctx, op)
		}
		if err != nil {
			return waiting, err
		}
	}
	return waiting, nil
}

// hidden reports whether nobody can tell if a ticket is there: its project does not let us
// look.
func (s *sender) hidden(op *store.Op) bool { return s.refused[op.Payload.Project] != nil }

// again plans a write anew, unless it has failed too often already.
func (s *sender) again(op *store.Op) {
	op.State = store.OpPlanned
	if op.Attempts >= s.job.Policy.MaxAttempts {
		op.State = store.OpBlocked
	}
}

// findAll looks for the tickets of creations and gives the oldest of each marker.
func (s *sender) findAll(ctx context.Context, ops []*store.Op, links map[int64]*store.Link) (map[trimtab.Marker]tracker.Issue, error) {
	found := map[trimtab.Marker]tracker.Issue{}
	if len(ops) == 0 {
		return found, nil
	}
	newest, err := s.newestKeys(ctx, ops[0].ID)
	if err != nil {
		return nil, err
	}
	sought := map[string][]tracker.Sought{}
	for _, op := range ops {
		if project := op.Payload.Project; op.Kind == store.OpCreate && !s.hidden(op) {
			sought[project] = append(sought[project], tracker.Sought{Marker: links[op.ID].Marker, Project: project, After: newest[project]})
		}
	}
	for _, project := range slices.Sorted(maps.Keys(sought)) {
		if err := s.findIn(ctx, project, sought[project], found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// findIn looks in one project. One that does not let us look keeps its creations as they
// are, and stops no other.
func (s *sender) findIn(ctx context.Context, project string, sought []tracker.Sought, found map[trimtab.Marker]tracker.Issue) error {
	issues, err := s.tracker.Find(ctx, sought)
	for _, issue := range issues {
		if _, ok := found[issue.Marker]; !ok {
			found[issue.Marker] = issue
		}
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("look tickets up by marker: %w", err)
	if tracker.KindOf(err) == tracker.Forbidden {
		s.refused[project] = err
		return nil
	}
	return err
}

// newestKeys are the keys of the newest tickets that were filed before an op, by project:
// what was filed with it and not heard of comes after them.
func (s *sender) newestKeys(ctx context.Context, before int64) (keys map[string]string, err error) {
	err = s.job.Store.Read(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.NewestKeys(s.name, before)
		return err
	})
	return keys, err
}

func (s *sender) linksOf(ctx context.Context, ops []*store.Op) (map[int64]*store.Link, error) {
	links := make(map[int64]*store.Link, len(ops))
	err := s.job.Store.Read(ctx, func(tx *store.Tx) error {
		for _, op := range ops {
			link, err := tx.Link(op.Link)
			if err != nil {
				return err
			}
			links[op.ID] = link
		}
		return nil
	})
	return links, err
}
