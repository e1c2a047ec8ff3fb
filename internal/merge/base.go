package merge

import (
	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// Base is the state of an issue that both sides have seen, by field: what a
// later change is compared with.
func Base(issue tracker.Issue) map[string]string {
	return map[string]string{
		"status": string(issue.Status), "assignee": issue.Assignee, "priority": issue.Priority, "summary": issue.Summary,
	}
}

// StatusOf is the ticket status that a workflow stands for.
func StatusOf(w trimtab.Workflow) tracker.Status {
	switch w {
	case trimtab.InProgress:
		return tracker.InProgress
	case trimtab.DoneClaimed, trimtab.Verified, trimtab.AutoResolved, trimtab.Superseded:
		return tracker.Done
	case trimtab.Dismissed:
		return tracker.WontDo
	}
	return tracker.Open
}
