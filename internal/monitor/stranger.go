package monitor

import (
	"context"
	"fmt"

	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// identify asks who made those issues that look like tickets of ours that are not known, or
// like second ones, where a search does not say: one read each, and there are few.
func (j *Job) identify(ctx context.Context, name string, mark store.Watermark, issues []tracker.Issue) error {
	var suspects []int
	err := j.Store.Read(ctx, func(tx *store.Tx) error {
		for i, issue := range issues {
			if issue.Marker == "" || issue.Op != "" || mark.Seen[issue.ID] == versionOf(issue) {
				continue
			}
			link, err := tx.LinkByMarker(issue.Marker)
			if err != nil {
				return err
			}
			if link == nil || link.Tracker != name || link.RemoteID == issue.ID {
				continue
			}
			if link.State == store.LinkWanted || link.State == store.LinkFiled && !issue.Status.Closed() {
				suspects = append(suspects, i)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, i := range suspects {
		read, err := j.Trackers[name].Fetch(ctx, []string{issues[i].ID})
		if err != nil {
			return err
		}
		if len(read) == 1 {
			issues[i].Op = read[0].Op
		}
	}
	return nil
}

// stranger looks at an issue of the installation that no link knows. If the link of its
// marker has another issue, this is a second ticket about one thing: a process that was
// paused between its last check and the socket can still have sent it. It is closed, and
// counted.
func (j *Job) stranger(tx *store.Tx, name string, issue tracker.Issue, report *Report) (early bool, err error) {
	// What people clone carries the labels, and not what says that we made it.
	if issue.Marker == "" || issue.Op == "" {
		return false, nil
	}
	link, err := tx.LinkByMarker(issue.Marker)
	if err != nil || link == nil || link.Tracker != name {
		return false, err
	}
	if link.State != store.LinkFiled {
		return link.State == store.LinkWanted, nil
	}
	if issue.Status.Closed() {
		return false, nil
	}
	ticket, err := tx.Ticket(link.Ticket)
	if err != nil {
		return false, err
	}
	comment := fmt.Sprintf("This is a second ticket about what %s is about; it was filed by mistake and is closed.", ticket.Key)
	planned, err := tx.Withdraw(link, issue.ID, comment, j.Clock.Now())
	if err != nil || !planned {
		return false, err
	}
	report.Duplicates++
	report.Events = append(report.Events, fmt.Sprintf("%s: a second ticket of %s, to be closed", issue.Key, ticket.Key))
	return false, tx.Note(link.Episode, j.Clock.Now(), "monitor", "found a second ticket", issue.Key)
}
