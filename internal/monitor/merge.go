package monitor

import (
	"errors"
	"fmt"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// merger brings one changed issue and what we know of it together.
type merger struct {
	job     *Job
	tx      *store.Tx
	issue   tracker.Issue
	link    *store.Link
	about   []*store.Episode // mostly one; several share a ticket with a checklist
	ticket  *store.Ticket
	report  *Report
	pending bool // a status write of ours is on its way
}

// run merges field by field and writes the link and the ticket, whatever was
// found: the base must move on also when nothing is taken.
func (m *merger) run() error {
	before := store.WorkflowOf(m.about)
	changed := false
	remote := merge.Base(m.issue)
	if err := m.findLocal(); err != nil {
		return err
	}
	for _, field := range []string{"status", "assignee", "priority", "summary"} {
		if remote[field] == string(tracker.Unclear) {
			continue // a status that nobody has mapped says nothing
		}
		d := merge.Field(m.link.Base[field], m.local(field), remote[field], m.job.Fields[field])
		if d.Conflict {
			m.report.Conflicts++
			if err := m.note("conflict", fmt.Sprintf("%s: base %q, ours %q, tracker %q", field, m.link.Base[field], m.local(field), remote[field])); err != nil {
				return err
			}
		}
		if !d.Write { // the distributor moves the base once it has written
			m.link.Base[field] = d.Base
		}
		if !d.Take {
			continue
		}
		changed = true
		if err := m.take(field, remote[field]); err != nil {
			return err
		}
	}
	if changed {
		m.report.Changed++
	}
	if after := store.WorkflowOf(m.about); after != before {
		m.job.Log.Info("ticket moved", "ticket", m.issue.Key, "recommendation", m.about[0].First, "from", before, "to", after)
		m.report.Events = append(m.report.Events, fmt.Sprintf("%s: %s → %s", m.issue.Key, before, after))
	}
	m.link.Updated = m.issue.Updated
	m.ticket.Key, m.ticket.URL, m.ticket.Assignee, m.ticket.UpdatedAt = m.issue.Key, m.issue.URL, m.issue.Assignee, m.issue.Updated
	return errors.Join(m.tx.SaveLink(m.link), m.tx.SaveTicket(m.ticket))
}

// local is our value of a field: what both sides last agreed on, unless a write
// of ours is on its way.
func (m *merger) local(field string) string {
	if field == "status" && m.pending {
		return string(m.localStatus())
	}
	return m.link.Base[field]
}

// findLocal asks whether a status of ours is still on its way out. Only then do we
// have a value of our own; otherwise the tracker's word is the last.
func (m *merger) findLocal() (err error) {
	m.pending, err = m.tx.StatusPending(m.link.ID)
	return err
}

// localStatus is what the workflow stands for; where the board cannot say
// "won't do" a dismissed ticket is simply done.
func (m *merger) localStatus() tracker.Status {
	status := merge.StatusOf(store.WorkflowOf(m.about))
	if status == tracker.WontDo && m.job.CannotTell[m.link.Board] {
		return tracker.Done
	}
	return status
}

// take makes the tracker's value ours.
func (m *merger) take(field, value string) error {
	if field != "status" {
		if field == "assignee" {
			m.report.Events = append(m.report.Events, fmt.Sprintf("%s: assigned to %s", m.issue.Key, value))
		}
		return m.note(field+" changed", value)
	}
	step := store.Step{Actor: "tracker", At: m.job.Clock.Now(), Policy: m.job.Life}
	told := lifecycle.Told{At: m.issue.Updated, Status: tracker.Status(value), CannotTell: m.job.CannotTell[m.link.Board]}
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

func (m *merger) note(what, detail string) error {
	return m.tx.Note(m.about[0].ID, m.job.Clock.Now(), "tracker", what, detail)
}
