package monitor

import (
	"context"

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
