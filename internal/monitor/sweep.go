package monitor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trimtab/trimtab/internal/store"
)

const (
	sweepEvery = 24 * time.Hour
	// sweepClosed is how long after its last change a closed ticket is still looked at.
	sweepClosed = 30 * 24 * time.Hour
	sweepBatch  = 100
)

// sweep reads once a day every ticket by its id. A search does not show what has lost its
// label, was archived or could not be seen for a while, and the watermark has passed what
// happened meanwhile. What is not there any more is told once and stays as it is: a ticket
// that is gone and one that is hidden look alike.
func (j *Job) sweep(ctx context.Context, name string, report *Report) error {
	scope, now := "sweep "+name, j.Clock.Now()
	var mark store.Watermark
	var ids []string
	err := j.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if mark, err = tx.Watermark(scope); err != nil || now.Sub(mark.At) < sweepEvery {
			return err
		}
		ids, err = tx.Followed(name, now.Add(-sweepClosed))
		return err
	})
	if err != nil || now.Sub(mark.At) < sweepEvery {
		return err
	}
	next := store.Watermark{At: now, Seen: map[string]string{}}
	// The first sweep of an installation would find what was read a moment ago.
	if mark.At.IsZero() {
		ids = nil
	}
	for batch := range slices.Chunk(ids, sweepBatch) {
		if err := j.sweepSome(ctx, name, batch, mark, next, report); err != nil {
			return fmt.Errorf("look every ticket up: %w", err)
		}
	}
	return j.Store.Write(ctx, func(tx *store.Tx) error { return tx.SaveWatermark(scope, next) })
}

// sweepSome takes in some tickets, and notes which of them are not there.
func (j *Job) sweepSome(ctx context.Context, name string, ids []string, mark, next store.Watermark, report *Report) error {
	issues, err := j.Trackers[name].Fetch(ctx, ids)
	if err != nil {
		return err
	}
	return j.Store.Write(ctx, func(tx *store.Tx) error {
		there := map[string]bool{}
		for _, issue := range issues {
			there[issue.ID] = true
			if _, err := j.take(tx, name, issue, report); err != nil {
				return fmt.Errorf("ticket %s: %w", issue.Key, err)
			}
		}
		for _, id := range ids {
			if there[id] {
				continue
			}
			next.Seen[id] = "missing"
			if mark.Seen[id] != "" {
				continue
			}
			if err := j.missing(tx, name, id, report); err != nil {
				return err
			}
		}
		return nil
	})
}

// missing tells of a ticket that is deleted, or hidden from us.
func (j *Job) missing(tx *store.Tx, name, id string, report *Report) error {
	link, err := tx.LinkByRemote(name, id)
	if err != nil || link == nil {
		return err
	}
	ticket, err := tx.Ticket(link.Ticket)
	if err != nil {
		return err
	}
	report.Missing++
	report.Events = append(report.Events, ticket.Key+": it is not there any more, or hidden from us")
	return tx.Note(link.Episode, j.Clock.Now(), "monitor", "its ticket is not there, or hidden", ticket.Key)
}
