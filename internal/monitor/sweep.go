package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

const (
	sweepEvery = 24 * time.Hour
	// suspectEvery is how often a ticket is looked for that was not there.
	suspectEvery = 8 * time.Hour
	// So many looks in a row, over so long, prove that a ticket is deleted, if its project
	// shows the others.
	proofLooks = 3
	proofSpan  = 24 * time.Hour
	// sweepClosed is how long after its last change a closed ticket is still looked at.
	sweepClosed = 30 * 24 * time.Hour
	sweepBatch  = 100
)

// sweep reads once a day every ticket by its id. A search does not show what has lost its
// label, was archived or could not be seen for a while, and the watermark has passed what
// happened meanwhile. A ticket that is not there is looked for more often.
func (j *Job) sweep(ctx context.Context, name string, report *Report) error {
	ids, scopes, err := j.toSweep(ctx, name)
	if err != nil || len(scopes) == 0 {
		return err
	}
	for batch := range slices.Chunk(ids, sweepBatch) {
		if err := j.sweepSome(ctx, name, batch, report); err != nil {
			return fmt.Errorf("look every ticket up: %w", err)
		}
	}
	return j.Store.Write(ctx, func(tx *store.Tx) (err error) {
		for _, scope := range scopes {
			err = errors.Join(err, tx.SaveWatermark(scope, store.Watermark{At: j.Clock.Now()}))
		}
		return err
	})
}

// toSweep gives the tickets that are due to be looked up, and the scopes that are done with
// them. The first sweep of an installation would find what was read a moment ago.
func (j *Job) toSweep(ctx context.Context, name string) (ids, scopes []string, err error) {
	now, every, suspects := j.Clock.Now(), "sweep "+name, "suspects "+name
	err = j.Store.Read(ctx, func(tx *store.Tx) error {
		all, errAll := tx.Watermark(every)
		some, errSome := tx.Watermark(suspects)
		err := errors.Join(errAll, errSome)
		switch {
		case err != nil:
		case all.At.IsZero():
			scopes = []string{every, suspects}
		case now.Sub(all.At) >= sweepEvery:
			scopes = []string{every, suspects}
			ids, err = tx.Followed(name, now.Add(-sweepClosed))
		case now.Sub(some.At) >= suspectEvery:
			scopes = []string{suspects}
			ids, err = tx.Suspects(name)
		}
		return err
	})
	return ids, scopes, err
}

// sweepSome takes in some tickets, and looks into those that are not there.
func (j *Job) sweepSome(ctx context.Context, name string, ids []string, report *Report) error {
	issues, err := j.Trackers[name].Fetch(ctx, ids)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	err = j.Store.Write(ctx, func(tx *store.Tx) error {
		for _, issue := range issues {
			there[issue.ID] = true
			if _, err := j.take(tx, name, issue, report); err != nil {
				return fmt.Errorf("ticket %s: %w", issue.Key, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if there[id] {
			continue
		}
		if err := j.missing(ctx, name, id, report); err != nil {
			return err
		}
	}
	return nil
}

// missing looks into a ticket that is not there: deleted, or hidden from us. The two look
// alike, but for whether its project can be seen.
func (j *Job) missing(ctx context.Context, name, id string, report *Report) error {
	var link *store.Link
	err := j.Store.Read(ctx, func(tx *store.Tx) (err error) {
		link, err = tx.LinkByRemote(name, id)
		return err
	})
	if err != nil || link == nil {
		return err
	}
	project := j.Boards[link.Board].Project
	found, err := j.Trackers[name].Find(ctx, []tracker.Sought{{Marker: link.Marker, Project: project}})
	hidden := tracker.KindOf(err) == tracker.Forbidden
	if err != nil && !hidden {
		return err
	}
	// A search may still show it for a while; another issue with its marker is a copy.
	here := slices.ContainsFunc(found, func(i tracker.Issue) bool { return i.ID == id })
	return j.Store.Write(ctx, func(tx *store.Tx) error { return j.noteMissing(tx, link.ID, hidden || here, report) })
}

// noteMissing counts a look that did not find a ticket, tells of the first one, and ends the
// link when enough of them are a proof.
func (j *Job) noteMissing(tx *store.Tx, id int64, hidden bool, report *Report) error {
	link, err := tx.Link(id)
	if err != nil || link.State != store.LinkFiled {
		return err
	}
	ticket, err := tx.Ticket(link.Ticket)
	if err != nil {
		return err
	}
	now, sync := j.Clock.Now(), &link.Sync
	if sync.Missing == 0 || hidden {
		sync.MissingAt = now
	}
	first := sync.Missing == 0 || hidden != sync.Hidden
	sync.Missing, sync.Hidden = sync.Missing+1, hidden
	if hidden {
		sync.Missing = 1 // a proof begins when its project can be seen again
	}
	if sync.Missing >= proofLooks && now.Sub(sync.MissingAt) >= proofSpan {
		return j.bury(tx, link, ticket, report)
	}
	if err := tx.SaveLink(link); err != nil || !first {
		return err
	}
	what := "its ticket is not there"
	if hidden {
		what = "its ticket is hidden from us"
	}
	report.Missing++
	report.Events = append(report.Events, ticket.Key+": "+what)
	return tx.Note(link.Episode, now, "monitor", what, ticket.Key)
}

// bury ends the link to a ticket that is proved to be deleted.
func (j *Job) bury(tx *store.Tx, link *store.Link, ticket *store.Ticket, report *Report) error {
	about, err := tx.About(link)
	if err != nil {
		return err
	}
	report.Gone++
	report.Events = append(report.Events, ticket.Key+": it is deleted")
	now := j.Clock.Now()
	err = tx.LetGo(link, "its ticket was deleted")
	for _, e := range about {
		e.Ticket = 0
		_, moved := tx.Advance(e, lifecycle.Unlinked{At: now, Policy: j.Gone}, store.Step{Actor: "monitor", At: now, Policy: j.Life})
		err = errors.Join(err, moved, tx.Note(e.ID, now, "monitor", "its ticket is deleted", ticket.Key))
	}
	return err
}
