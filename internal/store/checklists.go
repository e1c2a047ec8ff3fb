package store

import (
	"slices"

	"github.com/trimtab/trimtab"
)

// A ticket with a checklist is about several episodes. The link of the first of them
// leads: it has the marker, the ticket's id and all writes; the others name it.

// Members are the links that share the ticket of a lead, the lead's first.
func (t *Tx) Members(lead *Link) ([]*Link, error) {
	return list(t, readLink, `SELECT `+linkColumns+` FROM links WHERE id = ? OR lead_id = ? AND lead_id <> 0 ORDER BY id`, lead.ID, lead.ID)
}

// LeadOf is the link that leads the ticket of a link: mostly the link itself.
func (t *Tx) LeadOf(link *Link) (*Link, error) {
	if link.Lead == 0 {
		return link, nil
	}
	return t.Link(link.Lead)
}

// OpenLead is the newest lead of a group whose ticket is not closed; nil without one.
func (t *Tx) OpenLead(group string) (*Link, error) {
	return maybe(readLink(t.row(`SELECT `+linkColumns+` FROM links WHERE group_key = ? AND group_key <> '' AND lead_id = 0 AND state IN ('wanted', 'filed')
		AND (ticket_id IS NULL OR ticket_id IN (SELECT id FROM tickets WHERE status <> 'closed')) ORDER BY id DESC LIMIT 1`, group)))
}

// Join lets an episode's link share the ticket of a lead.
func (t *Tx) Join(link, lead *Link) error {
	link.Lead, link.Group, link.State, link.Tracker, link.Board = lead.ID, lead.Group, lead.State, lead.Tracker, lead.Board
	if err := t.SaveLink(link); err != nil || lead.Ticket == 0 {
		return err
	}
	return t.share(link, lead.Ticket)
}

// About are the episodes that a ticket is about, in the order in which they came to it.
func (t *Tx) About(lead *Link) ([]*Episode, error) {
	members, err := t.Members(lead)
	episodes := make([]*Episode, 0, len(members))
	for _, m := range members {
		e, failed := t.Episode(m.Episode)
		if failed != nil {
			return nil, failed
		}
		episodes = append(episodes, e)
	}
	return episodes, err
}

// openness orders workflows by how much there is to do: a ticket is as its most open part.
var openness = []trimtab.Workflow{
	trimtab.InProgress, trimtab.Ticketed, trimtab.Snoozed, trimtab.Held, trimtab.New, trimtab.DoneClaimed, trimtab.Dismissed,
	trimtab.Verified, trimtab.AutoResolved, trimtab.Superseded,
}

// WorkflowOf is the workflow of a ticket: that of its episode, or the most open one.
func WorkflowOf(about []*Episode) trimtab.Workflow {
	best := about[0].State.Workflow
	for _, e := range about[1:] {
		if slices.Index(openness, e.State.Workflow) < slices.Index(openness, best) {
			best = e.State.Workflow
		}
	}
	return best
}

// refreshPlanned reports whether a write of a ticket's text waits already.
func (t *Tx) refreshPlanned(lead int64) (bool, error) {
	ops, err := t.OpsOf(lead)
	return slices.ContainsFunc(ops, func(o *Op) bool { return o.Kind == OpRefresh && o.State == OpPlanned }), err
}

// RefreshOnce plans to write a ticket's text anew, unless that is planned.
func (t *Tx) RefreshOnce(o *Op) error {
	planned, err := t.refreshPlanned(o.Link)
	if err != nil || planned {
		return err
	}
	o.Kind = OpRefresh
	return t.PlanOp(o)
}
