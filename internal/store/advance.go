package store

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
)

// Step says who moves an episode, when, and by which numbers.
type Step struct {
	Actor  string // "scan", "distribute", "monitor", or a person
	At     time.Time
	Policy lifecycle.Policy
}

// Advance feeds an event to an episode's machine and writes, in this
// transaction, the new state, a line of the timeline and what the machine asks
// for: ledger rows, and writes to the ticket into the outbox. It gives the
// effects, of which File is left to the caller, who knows boards.
func (t *Tx) Advance(e *Episode, event lifecycle.Event, step Step) ([]lifecycle.Effect, error) {
	before := e.State
	next, effects := lifecycle.Step(before, event, step.Policy)
	if reflect.DeepEqual(before, next) && len(effects) == 0 {
		return nil, nil
	}
	e.State = next
	if err := t.SaveEpisode(e); err != nil {
		return nil, err
	}
	if err := t.noteChange(e, before, step); err != nil {
		return nil, err
	}
	for _, effect := range effects {
		if err := t.carry(e, effect, step); err != nil {
			return nil, err
		}
	}
	return effects, nil
}

// noteChange writes a line of the timeline when people would see a difference: a
// sighting that only counts up is none, another end of a snooze is one.
func (t *Tx) noteChange(e *Episode, before lifecycle.State, step Step) error {
	now := e.State
	if before.Workflow == now.Workflow && before.Condition == now.Condition && before.Until.Equal(now.Until) {
		return nil
	}
	what := fmt.Sprintf("%s/%s → %s/%s", before.Workflow, before.Condition, now.Workflow, now.Condition)
	if before.Workflow == "" {
		what = fmt.Sprintf("%s/%s", now.Workflow, now.Condition)
	}
	return t.Note(e.ID, step.At, step.Actor, what, now.Why())
}

// opOf is the write that an effect on the ticket needs.
var opOf = map[lifecycle.EffectKind]OpKind{
	lifecycle.Reopen: OpReopen, lifecycle.Close: OpClose, lifecycle.Comment: OpComment, lifecycle.Refresh: OpRefresh,
	lifecycle.Recall: OpRecall, lifecycle.Dismiss: OpDismiss,
}

// decided reports whether a write is somebody's decision, so that no brake asks again.
func decided(kind OpKind) bool { return kind == OpRecall || kind == OpDismiss }

// carry does one effect. An episode without a link has no ticket to write to:
// there is nothing to say to anybody.
func (t *Tx) carry(e *Episode, effect lifecycle.Effect, step Step) error {
	if effect.Kind == lifecycle.Record {
		return t.AddLedger(e.ID, effect.Entry)
	}
	kind, ok := opOf[effect.Kind]
	if !ok {
		return nil
	}
	link, err := t.LinkOf(e.ID)
	if err != nil || link == nil {
		return err
	}
	if link.Group != "" {
		return t.carryShared(e, link, kind, effect.Text, step)
	}
	return t.PlanOp(&Op{Link: link.ID, Kind: kind, Payload: OpPayload{Comment: effect.Text}, CreatedAt: step.At, Released: decided(kind)})
}

// carryShared does an effect on a ticket with a checklist: what ends one part of it is
// shown in its text, and the ticket ends with the last part.
func (t *Tx) carryShared(e *Episode, link *Link, kind OpKind, text string, step Step) error {
	lead, err := t.LeadOf(link)
	if err != nil {
		return err
	}
	about, err := t.About(lead)
	if err != nil {
		return err
	}
	op := &Op{Link: lead.ID, Kind: kind, CreatedAt: step.At, Released: decided(kind)}
	if text != "" {
		op.Payload.Comment = e.Resource + ": " + text
	}
	closes := kind == OpClose || decided(kind)
	if closes && WorkflowOf(about).TicketStatus() != trimtab.TicketClosed {
		op.Payload.Comment = "" // the list says it; a comment for each part would be too many
		return t.RefreshOnce(op)
	}
	if kind == OpRefresh {
		return t.RefreshOnce(op)
	}
	refresh := &Op{Link: lead.ID, CreatedAt: step.At, Released: op.Released}
	return errors.Join(t.RefreshOnce(refresh), t.PlanOp(op))
}
