package distribute

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// pushing is a write on its way to a ticket that exists. What it brings is merged, field by
// field, with what the ticket says when it is read for the write: an edit that nobody had
// heard of until then is not overwritten without a word.
type pushing struct {
	job    *Job
	op     *store.Op
	link   *store.Link
	about  []*store.Episode
	ours   map[string]string // what the write is to say, by field
	block  string            // the text that the digest in ours stands for
	insist bool              // a person has decided
	frozen map[string]*store.Conflict
	change tracker.Change    // what does not depend on how the ticket is
	not    map[string]string // fields that the tracker refuses, and why

	seen      tracker.Issue
	decisions map[string]merge.Decision
}

// prepare reads what an op writes, made of the newest state.
func (s *sender) prepare(ctx context.Context, op *store.Op) (*pushing, error) {
	p := &pushing{
		job: s.job, op: op, ours: map[string]string{}, not: map[string]string{},
		change: tracker.Change{Op: s.opID(op), Comment: op.Payload.Comment},
	}
	if s.job.rule(merge.Comments).Direction == merge.In {
		p.change.Comment = ""
	}
	return p, s.job.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if p.link, err = tx.Link(op.Link); err != nil {
			return err
		}
		if p.about, err = tx.About(p.link); err != nil {
			return err
		}
		if p.frozen, err = tx.Asked(p.link.ID); err != nil {
			return err
		}
		return s.fill(tx, p)
	})
}

// fill puts into a write what its kind brings.
func (s *sender) fill(tx *store.Tx, p *pushing) error {
	switch op, link := p.op, p.link; op.Kind {
	case store.OpReopen, store.OpClose:
		if status := s.statusFor(op.Kind, store.WorkflowOf(p.about)); status != tracker.NoStatus {
			p.ours[merge.Status] = string(status)
		}
		better, err := outranker(tx, p.about[0])
		if err != nil {
			return err
		}
		if better != nil && better.RemoteID != "" && better.Tracker == link.Tracker && better.RemoteID != link.RemoteID {
			p.change.Link = tracker.Link{Relation: tracker.Relates, To: better.RemoteID}
		}
	case store.OpRecall, store.OpDismiss:
		// Unless somebody has taken it up again since, or has ended it in another way.
		if w := store.WorkflowOf(p.about); w == trimtab.Dismissed || w == trimtab.AutoResolved {
			p.ours[merge.Status], p.insist = string(tracker.WontDo), true
		}
	case store.OpLink:
		s.linked(op, link, p.about[0], &p.change)
	case store.OpStamp:
		p.change.Stamp = &tracker.Stamp{Marker: link.Marker, Installation: s.job.Store.Installation()}
	case store.OpRelease:
		p.change.Stamp = &tracker.Stamp{}
	case store.OpRefresh:
		return p.refresh(tx, merge.Fields)
	case store.OpForce:
		p.insist = true
		if slices.Contains(op.Payload.Only, merge.Status) {
			p.ours[merge.Status] = string(merge.StatusOf(store.WorkflowOf(p.about)))
		}
		return p.refresh(tx, op.Payload.Only)
	}
	return nil
}

// refresh says the newest recommendations anew in some fields.
func (p *pushing) refresh(tx *store.Tx, fields []string) error {
	payload, err := wanted(tx, p.about, p.job.Boards[p.link.Board])
	if err != nil {
		return err
	}
	p.block = payload.Description
	for field, value := range sayings(payload) {
		if slices.Contains(fields, field) {
			p.ours[field] = value
		}
	}
	return nil
}

// wanted is the ticket that a board should have about some recommendations.
func wanted(tx *store.Tx, about []*store.Episode, board Board) (store.OpPayload, error) {
	if board.Checklist {
		return renderChecklist(tx, about, board)
	}
	rec, err := tx.Recommendation(about[0].Last)
	if err != nil {
		return store.OpPayload{}, err
	}
	return render(rec, board)
}

// sayings are what a ticket should say, by field.
func sayings(p store.OpPayload) map[string]string {
	return map[string]string{
		merge.Assignee: p.Assignee, merge.Priority: p.Priority, merge.Summary: p.Summary, merge.Description: merge.Digest(p.Description),
		merge.Labels: merge.SetOf(p.Labels),
	}
}

// Sayings are what the ticket of a link should say by the newest recommendations, by field.
func (j *Job) Sayings(tx *store.Tx, link *store.Link, about []*store.Episode) (map[string]string, error) {
	payload, err := wanted(tx, about, j.Boards[link.Board])
	return sayings(payload), err
}

// rule is how a field is merged.
func (p *pushing) rule(field string) merge.Rule {
	if p.insist {
		return merge.Rule{Direction: merge.Both, Conflict: merge.TrimtabWins}
	}
	return p.job.rule(field)
}

func (j *Job) rule(field string) merge.Rule { return merge.RuleOf(j.Fields, field) }

// decide merges what the write brings with the ticket as it is, and says what is left to be
// written.
func (p *pushing) decide(now tracker.Issue) tracker.Change {
	p.seen, p.decisions = now, map[string]merge.Decision{}
	change, theirs := p.change, merge.Theirs(now)
	for _, field := range merge.Fields {
		ours, ok := p.ours[field]
		if _, refused := p.not[field]; !ok || refused {
			continue
		}
		d := p.merge(field, ours, theirs[field])
		p.decisions[field] = d
		if d.Write {
			p.put(&change, field, d)
		}
	}
	return change
}

// merge decides about one field.
func (p *pushing) merge(field, ours, theirs string) merge.Decision {
	base := p.base(field, theirs)
	if p.op.Kind == store.OpForce && ours != theirs {
		return merge.Decision{Write: true, Base: merge.Agreed{Ours: ours, Theirs: ours}}
	}
	_, frozen := p.frozen[field]
	d := merge.Field(field, merge.Sides{
		Base: base, Ours: ours, Theirs: theirs, OursAt: p.op.CreatedAt, TheirsAt: merge.ChangedAt(p.seen, field),
		Person: merge.ByPerson(p.seen, field), Reverted: merge.Reverted(p.seen, field, p.link.Sync.Edit), Frozen: frozen && !p.insist,
	}, p.rule(field))
	if d.Write && !p.insist && p.quarrels(field) {
		return merge.Decision{Conflict: true, Winner: merge.Ask, Drift: true, Base: base}
	}
	return d
}

// base is what both sides agreed on. What was never looked at is taken as it is.
func (p *pushing) base(field, theirs string) merge.Agreed {
	if base, ok := p.link.Base[field]; ok {
		return base
	}
	return merge.Agreed{Ours: theirs, Theirs: theirs}
}

const (
	maxFlips = 4 // writes to one field of a ticket in [flipsIn]; more is a quarrel with somebody who answers each
	flipsIn  = time.Hour
	quarrel  = "it was changed back every time"
)

// quarrels reports whether a field was written so often lately that somebody must be
// answering each write with another: an automation, or Trimtab elsewhere.
func (p *pushing) quarrels(field string) bool {
	flips := max(len(lately(p.link.Sync.Wrote[field], p.job.Clock.Now())), p.flips(field))
	return flips >= maxFlips && (len(p.seen.Edits) == 0 || p.answered(field))
}

// flips counts our writes of a field in the last hour of the ticket's history, which knows of
// those too that seemed to fail.
func (p *pushing) flips(field string) (n int) {
	for _, e := range p.seen.Edits {
		if e.Field == field && e.Op != "" && p.seen.Updated.Sub(e.At) < flipsIn {
			n++
		}
	}
	return n
}

// answered reports whether somebody has changed a field after a write of ours.
func (p *pushing) answered(field string) bool {
	ours := false
	for _, e := range p.seen.Edits {
		if e.Field == field && e.Op == "" && ours {
			return true
		}
		ours = ours || e.Field == field && e.Op != ""
	}
	return false
}

func lately(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return now.Sub(t) >= flipsIn })
}

// put adds a field to a change.
func (p *pushing) put(change *tracker.Change, field string, d merge.Decision) {
	value := p.ours[field]
	switch field {
	case merge.Status:
		change.Status = tracker.Status(value)
	case merge.Summary:
		change.Summary = &value
	case merge.Assignee:
		change.Assignee = &value
	case merge.Priority:
		change.Priority = &value
	case merge.Description:
		change.Block = &p.block
	case merge.Labels:
		change.AddLabels, change.RemoveLabels = d.Add, d.Remove
	}
}

func (p *pushing) writes(field string) bool { return p.decisions[field].Write }

// refuse leaves a field out that the tracker does not take.
func (p *pushing) refuse(field string, cause error) { p.not[field] = cause.Error() }

// settle notes what came of a write: the base of each field, conflicts, and a line for
// people.
func (p *pushing) settle(tx *store.Tx, after tracker.Issue) error {
	ticket, err := tx.Ticket(p.link.Ticket)
	if err != nil {
		return err
	}
	var wrote []string
	for _, field := range merge.Fields {
		d, ok := p.decisions[field]
		if !ok {
			continue
		}
		if d.Write {
			wrote = append(wrote, p.told(field, d))
		}
		if err := p.settleField(tx, field, d, after); err != nil {
			return err
		}
	}
	for field, why := range p.not {
		// It is said, and not said again before it is another value.
		p.link.Base[field] = merge.Agreed{Ours: p.ours[field], Theirs: p.base(field, "").Theirs}
		wrote = append(wrote, field+" was refused: "+why)
	}
	if p.change.Comment != "" {
		wrote = append(wrote, "commented: "+p.change.Comment)
	}
	p.leaveUnheard(after)
	ticket.UpdatedAt, p.link.Updated = after.Updated, after.Updated
	p.op.State, p.op.Error = store.OpDone, ""
	err = errors.Join(tx.SaveTicket(ticket), tx.SaveLink(p.link), tx.SaveOp(p.op))
	if err != nil || len(wrote) == 0 {
		return err
	}
	return tx.Note(p.about[0].ID, p.job.Clock.Now(), "distribute", "wrote to the ticket", strings.Join(wrote, "; "))
}

// leaveUnheard marks where the monitor has to go on listening to a ticket from before that
// was noted: the time of our write must not make what people said before it old.
func (p *pushing) leaveUnheard(after tracker.Issue) {
	sync, last := &p.link.Sync, p.link.Updated
	if sync.Edit == "" {
		sync.Edit = store.Unheard
		for _, e := range after.Edits {
			if e.At.Before(last) {
				sync.Edit = e.ID
			}
		}
	}
	if sync.Comment != "" {
		return
	}
	sync.Comment = store.Unheard
	for _, c := range after.Comments {
		if c.At.Before(last) {
			sync.Comment = c.ID
		}
	}
}

// told says what was written, and by which rule.
func (p *pushing) told(field string, d merge.Decision) string {
	text := fmt.Sprintf("%s: %q → %q", field, p.shown(field), p.says(field))
	switch {
	case field == merge.Description:
		text = "description: our part"
	case merge.IsSet(field):
		text = fmt.Sprintf("%s: +%v −%v", field, d.Add, d.Remove)
	}
	if p.insist {
		return text + " (a person's decision)"
	}
	return text + " (" + p.rule(field).String() + ")"
}

// settleField moves the base of a field on, and keeps a conflict.
func (p *pushing) settleField(tx *store.Tx, field string, d merge.Decision, after tracker.Issue) error {
	now := p.job.Clock.Now()
	old := p.base(field, merge.Theirs(p.seen)[field])
	switch {
	case d.Write:
		theirs := p.written(field, after)
		// Whoever says the same in that very moment has said it: it stays theirs.
		said := theirs == merge.Theirs(after)[field] && field != merge.Status && !merge.IsSet(field) && raced(p.seen, after, field)
		p.link.Base[field] = merge.Agreed{Ours: p.ours[field], Theirs: theirs, Taken: said}
		p.wrote(field, now)
	case d.Take: // the monitor takes it, with all that follows
		p.link.Base[field] = merge.Agreed{Ours: p.ours[field], Theirs: old.Theirs, Taken: old.Taken}
	default:
		p.link.Base[field] = d.Base
	}
	open := p.frozen[field]
	p.link.Sync.SetDrift(field, d.Drift || open != nil && !d.Write && p.ours[field] != merge.Theirs(p.seen)[field], p.shown(field))
	if d.Conflict {
		return p.conflict(tx, field, old, d)
	}
	if open != nil && (d.Write || p.ours[field] == merge.Theirs(p.seen)[field]) {
		return tx.Agreed(open, now)
	}
	return nil
}

// written is what the tracker made of what was written. What a person has set since is not
// that: it is to be found as a change.
func (p *pushing) written(field string, after tracker.Issue) string {
	theirs := merge.Theirs(after)[field]
	status := field == merge.Status && tracker.Status(theirs).Closed() != tracker.Status(p.ours[field]).Closed()
	if status || !merge.IsSet(field) && raced(p.seen, after, field) {
		return p.ours[field]
	}
	return theirs
}

// raced reports whether the last edit of a field is somebody else's, and came after it was
// read for a write.
func raced(before, after tracker.Issue, field string) bool {
	for i := len(after.Edits) - 1; i >= 0; i-- {
		e := after.Edits[i]
		if e.Field != field {
			continue
		}
		return e.Op == "" && !slices.Contains(before.Edits, e)
	}
	return false
}

func (p *pushing) wrote(field string, now time.Time) {
	if p.link.Sync.Wrote == nil {
		p.link.Sync.Wrote = map[string][]time.Time{}
	}
	p.link.Sync.Wrote[field] = append(lately(p.link.Sync.Wrote[field], now), now)
}

// conflict keeps what both sides said, and who won.
func (p *pushing) conflict(tx *store.Tx, field string, base merge.Agreed, d merge.Decision) error {
	now := p.job.Clock.Now()
	c := &store.Conflict{
		Link: p.link.ID, Field: field, At: now, Base: base.Theirs, Ours: p.says(field), Theirs: p.shown(field),
		Author: merge.AuthorOf(p.seen, field), Why: store.BothChanged,
	}
	if p.quarrels(field) && !p.insist {
		c.Why = quarrel
	}
	if d.Winner != merge.Ask {
		c.Decide(string(d.Winner), "sync.fields."+field+": "+p.rule(field).String(), now)
	}
	if p.insist {
		c.DecidedBy = "a person"
	}
	return tx.SaveConflict(c)
}

// shown and says are a field's values for people: of the description the text.
func (p *pushing) shown(field string) string { return merge.Shown(p.seen, field) }

func (p *pushing) says(field string) string {
	if field == merge.Description {
		return merge.Cut(p.block)
	}
	return p.ours[field]
}
