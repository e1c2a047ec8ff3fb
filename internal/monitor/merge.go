package monitor

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// merger brings one changed issue and what we know of it together.
type merger struct {
	job    *Job
	tx     *store.Tx
	name   string // of the tracker
	issue  tracker.Issue
	link   *store.Link
	about  []*store.Episode // mostly one; several share a ticket with a checklist
	ticket *store.Ticket
	report *Report

	before  string            // the newest edit that was heard before
	waiting store.Waiting     // writes of ours that are on their way
	ours    map[string]string // what we say, where a write of it is on its way
	frozen  map[string]*store.Conflict
	asked   []tracker.Comment // what was said, in which something may be asked for
	changed bool
}

// run merges field by field and writes the link and the ticket, whatever was
// found: the base must move on also when nothing is taken.
func (m *merger) run() error {
	before := store.WorkflowOf(m.about)
	if err := m.findOurs(); err != nil {
		return err
	}
	m.follow()
	m.before = m.link.Sync.Edit
	if err := m.hear(); err != nil {
		return err
	}
	theirs := merge.Theirs(m.issue)
	for _, field := range merge.Fields {
		if err := m.field(field, theirs[field]); err != nil {
			return err
		}
	}
	// Last: a status that was set before must not undo what was asked for.
	for _, c := range m.asked {
		if err := m.obey(c); err != nil {
			return err
		}
	}
	if m.changed {
		m.report.Changed++
	}
	if after := store.WorkflowOf(m.about); after != before {
		m.job.Log.Info("ticket moved", "ticket", m.issue.Key, "recommendation", m.about[0].First, "from", before, "to", after)
		m.report.Events = append(m.report.Events, fmt.Sprintf("%s: %s → %s", m.issue.Key, before, after))
	}
	if err := m.restamp(); err != nil {
		return err
	}
	m.link.Updated = m.issue.Updated
	m.link.Sync.Missing, m.link.Sync.Hidden = 0, false
	m.ticket.Key, m.ticket.URL, m.ticket.Assignee, m.ticket.UpdatedAt = m.issue.Key, m.issue.URL, m.issue.Assignee, m.issue.Updated
	return errors.Join(m.tx.SaveLink(m.link), m.tx.SaveTicket(m.ticket))
}

// findOurs finds what we have to say. Only while a write is on its way, or a person is asked
// who is right, do we have values of our own; otherwise what was agreed on holds.
func (m *merger) findOurs() (err error) {
	m.ours = map[string]string{}
	if m.frozen, err = m.tx.Asked(m.link.ID); err != nil {
		return err
	}
	if m.waiting, err = m.tx.WaitingFor(m.link.ID); err != nil {
		return err
	}
	if (m.waiting.Text || len(m.frozen) > 0) && m.job.Sayings != nil {
		if m.ours, err = m.job.Sayings(m.tx, m.link, m.about); err != nil {
			return err
		}
	}
	maps.DeleteFunc(m.ours, func(field, _ string) bool { return !m.waiting.Text && m.frozen[field] == nil })
	if m.waiting.Status || m.frozen[merge.Status] != nil {
		m.ours[merge.Status] = string(m.ourStatus())
	}
	return nil
}

// ourStatus is what the workflow stands for; where the board cannot say
// "won't do" a dismissed ticket is simply done.
func (m *merger) ourStatus() tracker.Status {
	status := merge.StatusOf(store.WorkflowOf(m.about))
	if status == tracker.WontDo && m.job.Boards[m.link.Board].CannotTell {
		return tracker.Done
	}
	return status
}

// follow lets the link go with a ticket that was moved to another project, if that has a
// board.
func (m *merger) follow() {
	if here := m.job.Boards[m.link.Board]; here.Tracker == m.name && here.Project == m.issue.Project {
		return
	}
	for _, name := range sortedKeys(m.job.Boards) {
		if b := m.job.Boards[name]; b.Tracker == m.name && b.Project == m.issue.Project {
			m.link.Board, m.ticket.Board = name, name
			return
		}
	}
}

func (m *merger) rule(field string) merge.Rule { return merge.RuleOf(m.job.Fields, field) }

// field merges one field.
func (m *merger) field(field, theirs string) error {
	base, known := m.link.Base[field]
	switch {
	case !known: // of a ticket that an earlier version filed
		m.link.Base[field] = merge.Agreed{Ours: theirs, Theirs: theirs}
		return nil
	case theirs == string(tracker.Unclear): // a status that nobody has mapped says nothing
		return nil
	case slices.Contains(m.waiting.Forced, field): // a person has decided; it is about to be written
		return nil
	}
	ours, waits := m.ours[field]
	if !waits {
		ours = base.Ours
	}
	d := merge.Field(field, merge.Sides{
		Base: base, Ours: ours, Theirs: theirs, OursAt: m.waiting.Since, TheirsAt: merge.ChangedAt(m.issue, field),
		Person: merge.ByPerson(m.issue, field), Reverted: merge.Reverted(m.issue, field, m.before), Frozen: m.frozen[field] != nil,
	}, m.rule(field))
	if err := m.regret(field, ours, theirs); err != nil {
		return err
	}
	m.link.Sync.SetDrift(field, d.Drift || m.frozen[field] != nil && ours != theirs, merge.Shown(m.issue, field))
	m.link.Base[field] = m.next(field, base, theirs, d)
	return errors.Join(m.conflict(field, base, ours, d), m.agreed(field, ours, theirs), m.taken(field, theirs, d), m.push(field, d))
}

// regret tells of a person's value that was left alone for a while and then written over by a
// process that died before it could say so.
func (m *merger) regret(field, ours, theirs string) error {
	lost, shown := m.link.Sync.Drift[field], merge.Shown(m.issue, field)
	if lost == "" || lost == shown || ours != theirs || merge.ByPerson(m.issue, field) {
		return nil
	}
	known, err := m.tx.ConflictsOf(m.link.ID)
	if err != nil || slices.ContainsFunc(known, func(c *store.Conflict) bool { return c.Field == field && c.Theirs == lost }) {
		return err
	}
	m.report.Conflicts++
	now := m.job.Clock.Now()
	c := &store.Conflict{Link: m.link.ID, Field: field, At: now, Ours: shown, Theirs: lost, Author: merge.AuthorOf(m.issue, field), Why: store.BothChanged}
	c.Decide(string(merge.TrimtabWins), "sync.fields."+field+": "+m.rule(field).String(), now)
	return m.tx.SaveConflict(c)
}

// next is the base of a field once the decision is noted. What is to be written moves it when
// it has been; what people said is known from now on.
func (m *merger) next(field string, base merge.Agreed, theirs string, d merge.Decision) merge.Agreed {
	switch {
	case d.Write && d.Conflict: // told here, so that the write need not tell it again
		return merge.Agreed{Ours: theirs, Theirs: theirs}
	case d.Write && merge.IsSet(field):
		return merge.Agreed{Ours: base.Ours, Theirs: theirs}
	case d.Write:
		return base
	}
	return d.Base
}

// conflict keeps what both sides said of a field.
func (m *merger) conflict(field string, base merge.Agreed, ours string, d merge.Decision) error {
	if !d.Conflict {
		return nil
	}
	m.report.Conflicts++
	now := m.job.Clock.Now()
	c := &store.Conflict{
		Link: m.link.ID, Field: field, At: now, Base: base.Theirs, Ours: ours, Theirs: merge.Shown(m.issue, field),
		Author: merge.AuthorOf(m.issue, field), Why: store.BothChanged,
	}
	if d.Winner != merge.Ask {
		c.Decide(string(d.Winner), "sync.fields."+field+": "+m.rule(field).String(), now)
	}
	if err := m.tx.SaveConflict(c); err != nil {
		return err
	}
	return m.note("conflict", fmt.Sprintf("%s: was %q, ours %q, tracker %q (%s)", field, c.Base, c.Ours, c.Theirs, m.rule(field)))
}

// agreed ends an open conflict whose sides say the same by now, and else keeps what they say.
func (m *merger) agreed(field, ours, theirs string) error {
	open, shown := m.frozen[field], merge.Shown(m.issue, field)
	switch {
	case open == nil:
		return nil
	case ours == theirs:
		return m.tx.Agreed(open, m.job.Clock.Now())
	case shown == open.Theirs:
		return nil
	}
	open.Theirs, open.Author = shown, merge.AuthorOf(m.issue, field)
	return m.tx.SaveConflict(open)
}

// push plans a write that a merge asks for and nothing else has.
func (m *merger) push(field string, d merge.Decision) error {
	if _, waits := m.ours[field]; !d.Write || waits {
		return nil
	}
	op := &store.Op{Link: m.link.ID, CreatedAt: m.job.Clock.Now()}
	if field != merge.Status {
		return m.tx.RefreshOnce(op)
	}
	op.Kind, op.Payload.Only, op.Released = store.OpForce, []string{field}, true
	return m.tx.PlanOp(op)
}

// taken makes the tracker's value ours.
func (m *merger) taken(field, theirs string, d merge.Decision) error {
	if !d.Take {
		return nil
	}
	m.changed = true
	if field != merge.Status {
		if field == merge.Assignee {
			m.report.Events = append(m.report.Events, fmt.Sprintf("%s: assigned to %s", m.issue.Key, theirs))
		}
		// Where the history tells of it, it has been told.
		if merge.AuthorOf(m.issue, field) != "" {
			return nil
		}
		return m.note(field+" changed", merge.Shown(m.issue, field)+" ("+m.rule(field).String()+")")
	}
	author := merge.AuthorOf(m.issue, field)
	step := store.Step{Actor: m.actor(author), At: m.job.Clock.Now(), Policy: m.job.Life}
	told := lifecycle.Told{At: m.issue.Updated, Status: tracker.Status(theirs), CannotTell: m.job.Boards[m.link.Board].CannotTell, Author: author}
	for _, e := range m.about {
		if len(m.about) > 1 && over(e, told.Status) {
			continue
		}
		followed, err := m.followed(e)
		if err != nil {
			return err
		}
		if followed {
			continue
		}
		if _, err := m.tx.Advance(e, told, step); err != nil {
			return err
		}
	}
	return nil
}

// followed reports whether a later episode has taken an ended one's place. Whoever opens
// the old ticket again is told so in the timeline; two open episodes of one thing cannot be.
func (m *merger) followed(e *store.Episode) (bool, error) {
	if e.State.Workflow.Open() {
		return false, nil
	}
	latest, err := m.tx.LatestEpisode(e.Key)
	if err != nil || latest == nil || latest.ID == e.ID {
		return false, err
	}
	return true, m.tx.Note(e.ID, m.job.Clock.Now(), "tracker", "changed", "a later ticket is about the same")
}

// over reports whether a part of a checklist is not meant by a word about the ticket:
// whoever opens it again speaks of what they had closed, not of what the data had ended.
func over(e *store.Episode, status tracker.Status) bool {
	ended := e.State.Workflow == trimtab.Verified || e.State.Workflow == trimtab.AutoResolved
	return ended && !status.Closed()
}

// restamp puts back what a search finds a ticket by, where somebody has taken it off: once
// a week, since more would be a quarrel.
func (m *merger) restamp() error {
	now := m.job.Clock.Now()
	if m.issue.Stamped || now.Sub(m.link.Sync.Restamped) < restampEvery {
		return nil
	}
	m.link.Sync.Restamped = now
	if err := m.tx.PlanOp(&store.Op{Link: m.link.ID, Kind: store.OpStamp, CreatedAt: now, Released: true}); err != nil {
		return err
	}
	return m.note("its labels are put back", "somebody has taken off what it is found by")
}

func (m *merger) note(what, detail string) error {
	return m.tx.Note(m.about[0].ID, m.job.Clock.Now(), "tracker", what, detail)
}
