package distribute

import (
	"fmt"

	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// planLinks plans what ties a new ticket to the rest: to the page of its recommendation,
// and to the ticket of the time before. They are no news to anybody, so that no brake
// counts them.
func (s *sender) planLinks(tx *store.Tx, e *store.Episode, link *store.Link) error {
	if s.job.Boards[link.Board].Page != "" {
		if err := s.planLink(tx, link, store.OpPayload{}); err != nil {
			return err
		}
	}
	if e.Number == 1 {
		return nil
	}
	before, err := tx.EpisodeBefore(e)
	if err != nil || before == nil {
		return err
	}
	return s.planLinkTo(tx, link, before)
}

// planLinkTo plans a link to the ticket of another episode, if that is on the same tracker.
func (s *sender) planLinkTo(tx *store.Tx, link *store.Link, other *store.Episode) error {
	to, err := tx.LinkOf(other.ID)
	if err != nil || to == nil {
		return err
	}
	if to, err = tx.LeadOf(to); err != nil || to.RemoteID == "" || to.Tracker != link.Tracker || to.RemoteID == link.RemoteID {
		return err
	}
	return s.planLink(tx, link, store.OpPayload{Remote: to.RemoteID})
}

func (s *sender) planLink(tx *store.Tx, link *store.Link, payload store.OpPayload) error {
	return tx.PlanOp(&store.Op{Link: link.ID, Kind: store.OpLink, Payload: payload, CreatedAt: s.job.Clock.Now(), Released: true})
}

// linked is what a link writes: to another ticket, or back to the recommendation.
func (s *sender) linked(op *store.Op, link *store.Link, e *store.Episode, change *tracker.Change) {
	if op.Payload.Remote != "" {
		change.Link = tracker.Link{Relation: tracker.Relates, To: op.Payload.Remote}
		return
	}
	change.Backlink = tracker.Backlink{
		ID: string(link.Marker), URL: fmt.Sprintf("%s/recommendations/%d", s.job.Boards[link.Board].Page, e.First),
		Title: fmt.Sprintf("Trimtab: %s %s", e.Action, e.Resource),
	}
}

// outranker is the ticket of the proposal that won over a superseded one.
func outranker(tx *store.Tx, e *store.Episode) (*store.Link, error) {
	if e.State.By == "" {
		return nil, nil
	}
	winner, err := tx.LatestEpisode(e.State.By)
	if err != nil || winner == nil {
		return nil, err
	}
	return tx.LinkOf(winner.ID)
}
