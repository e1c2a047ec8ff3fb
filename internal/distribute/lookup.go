package distribute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// maxFailedLooks is how many failed looks in a row end a round of them: the tracker is down.
const maxFailedLooks = 3

// resolve looks unknown creations up by marker: found is done; not found is
// planned again once it has settled. Other writes say the same however often
// they are made, so they are planned again at once. It tells how many wait. What was
// found is noted before more is looked for: one look that fails loses nothing.
func (s *sender) resolve(ctx context.Context) (waiting int, err error) {
	unknown, err := s.unknown(ctx)
	if err != nil || len(unknown) == 0 {
		return 0, err
	}
	links, err := s.linksOf(ctx, unknown)
	if err != nil {
		return 0, err
	}
	if err := s.repeat(ctx, unknown); err != nil {
		return 0, err
	}
	looks, err := s.looks(ctx, unknown)
	failed := 0
	for _, l := range looks {
		n, err := s.settle(ctx, l, links)
		waiting += n
		if tracker.KindOf(err) != tracker.Retry {
			failed = 0
		} else if failed++; failed < maxFailedLooks && ctx.Err() == nil {
			s.log.Warn("look failed", "project", l.project, "writes", len(l.ops), "error", err)
			waiting += len(l.ops)
			continue
		}
		if err != nil {
			return waiting, err
		}
	}
	return waiting, err
}

// repeat plans those writes again that are no creations.
func (s *sender) repeat(ctx context.Context, unknown []*store.Op) error {
	var again []*store.Op
	for _, op := range unknown {
		if op.Kind != store.OpCreate {
			s.again(op)
			again = append(again, op)
		}
	}
	if len(again) == 0 {
		return nil
	}
	return s.save(ctx, again...)
}

// settle looks for some creations and decides about each; it tells how many wait.
func (s *sender) settle(ctx context.Context, l look, links map[int64]*store.Link) (waiting int, err error) {
	found := map[trimtab.Marker]tracker.Issue{}
	if err := s.findIn(ctx, l, links, found); err != nil {
		return 0, err
	}
	for _, op := range l.ops {
		issue, ok := found[links[op.ID].Marker]
		switch {
		case ok:
			s.sent.Adopted++
			err = s.filed(ctx, op, links[op.ID], issue, foundAgain, nil)
		case s.hidden(op):
		case s.job.Clock.Now().Before(op.SettledAt.Add(s.job.Settle[s.name])):
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
	looks, err := s.looks(ctx, ops)
	for _, l := range looks {
		err = errors.Join(err, s.findIn(ctx, l, links, found))
	}
	return found, err
}

// place is where to look for a ticket: in a project, after a key ("" where none is known).
type place struct{ project, after string }

func (p place) compare(other place) int {
	return cmp.Or(strings.Compare(p.project, other.project), strings.Compare(p.after, other.after))
}

// look is a search for the tickets of some creations.
type look struct {
	place
	ops []*store.Op
}

// looks sorts creations by where their tickets are, if they are. Each call is looked for
// after what there was when it was sent: keys after a common one might be too many to be
// read, and searches alone do not always show everything.
func (s *sender) looks(ctx context.Context, ops []*store.Op) ([]look, error) {
	type call struct {
		project string
		sent    int64
	}
	known, at := map[call]place{}, map[place][]*store.Op{}
	err := s.job.Store.Read(ctx, func(tx *store.Tx) error {
		for _, op := range ops {
			of := call{op.Payload.Project, op.SentAt.UnixMilli()}
			if op.Kind != store.OpCreate || s.hidden(op) {
				continue
			}
			if _, ok := known[of]; !ok {
				after, err := s.keyBefore(tx, of.project, op.SentAt)
				if err != nil {
					return err
				}
				known[of] = place{of.project, after}
			}
			at[known[of]] = append(at[known[of]], op)
		}
		return nil
	})
	var looks []look
	for _, p := range slices.SortedFunc(maps.Keys(at), place.compare) {
		looks = append(looks, look{p, at[p]})
	}
	return looks, err
}

// keyBefore is the greatest key in a project of the tickets that were sent just before a
// time; the zero time is now.
func (s *sender) keyBefore(tx *store.Tx, project string, sent time.Time) (newest string, err error) {
	if sent.IsZero() {
		sent = s.job.Clock.Now()
	}
	most := -1
	for _, name := range slices.Sorted(maps.Keys(s.job.Boards)) {
		board := s.job.Boards[name]
		if board.Project != project || board.Tracker != s.name {
			continue
		}
		keys, err := tx.KeysBefore(s.name, name, sent)
		if err != nil {
			return "", err
		}
		for _, key := range keys {
			// One that a person has moved says nothing about this project's numbers.
			number, ok := strings.CutPrefix(key, project+"-")
			if n, err := strconv.Atoi(number); ok && err == nil && n > most {
				newest, most = key, n
			}
		}
	}
	return newest, nil
}

// findIn looks in one project. One that does not let us look keeps its creations as they
// are, and stops no other.
func (s *sender) findIn(ctx context.Context, l look, links map[int64]*store.Link, found map[trimtab.Marker]tracker.Issue) error {
	if s.refused[l.project] != nil {
		return nil
	}
	var sought []tracker.Sought
	for _, op := range l.ops {
		sought = append(sought, tracker.Sought{Marker: links[op.ID].Marker, Project: l.project, After: l.after})
	}
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
		s.refused[l.project] = err
		return nil
	}
	return err
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
