package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Workflow is what the statuses of a project are and how one gets from each to
// the next.
type Workflow struct {
	Statuses    []Status // the first is that of a new issue
	Transitions []Transition
	// Resolutions are what a closing transition can set; nil is Done, Won't Do,
	// Duplicate and Cannot Reproduce.
	Resolutions []string
}

// Status is a status and its category: new, indeterminate or done.
type Status struct{ Name, Category string }

// Transition leads from a status, or from any other one if From is "".
type Transition struct {
	Name, From, To string
	// NoScreen: the resolution cannot be chosen on the way.
	NoScreen bool
	// NeedsResolution: the transition is refused without one.
	NeedsResolution bool
	// Fields can be set on the way, beside the resolution; those in Required must be.
	Fields, Required []string
}

// priorities are the same on all projects.
var priorities = []string{"Highest", "High", "Medium", "Low", "Lowest"}

// defaultResolutions begin with what a closing transition sets by itself.
var defaultResolutions = []string{"Done", "Won't Do", "Duplicate", "Cannot Reproduce"}

// defaultWorkflow is Jira's simplest with an order: what is done may be reopened.
func defaultWorkflow() Workflow {
	return Workflow{
		Statuses: []Status{{"To Do", "new"}, {"In Progress", "indeterminate"}, {"Done", "done"}},
		Transitions: []Transition{
			{Name: "Start", From: "To Do", To: "In Progress"},
			{Name: "Stop", From: "In Progress", To: "To Do"},
			{Name: "Close", From: "To Do", To: "Done"},
			{Name: "Finish", From: "In Progress", To: "Done"},
			{Name: "Reopen", From: "Done", To: "To Do"},
		},
	}
}

// setUp fills in the default workflow and refuses one that does not hold
// together.
func (w *Workflow) setUp() error {
	if len(w.Statuses) == 0 {
		// A project may have words of its own for the end and leave the way to us.
		resolutions := w.Resolutions
		*w = defaultWorkflow()
		w.Resolutions = resolutions
	}
	if w.Resolutions == nil {
		w.Resolutions = defaultResolutions
	}
	for _, s := range w.Statuses {
		if !slices.Contains([]string{"new", "indeterminate", "done"}, s.Category) {
			return fmt.Errorf("status %q: %q is not a category", s.Name, s.Category)
		}
	}
	for _, t := range w.Transitions {
		if w.status(t.To) == nil || t.From != "" && w.status(t.From) == nil {
			return fmt.Errorf("transition %q joins %q and %q, which are not both statuses", t.Name, t.From, t.To)
		}
	}
	return nil
}

// status finds a status by its name; nil if there is none.
func (w *Workflow) status(name string) *Status {
	i := slices.IndexFunc(w.Statuses, func(s Status) bool { return strings.EqualFold(s.Name, name) })
	if i < 0 {
		return nil
	}
	return &w.Statuses[i]
}

// edge is a transition that is open to an issue now.
type edge struct {
	Transition
	ID string
}

// from lists the transitions out of a status. Ids belong to a workflow's
// edges; nothing else may be read out of them.
func (w *Workflow) from(status string) []edge {
	var all []edge
	for i, t := range w.Transitions {
		// One from anywhere does not lead back to where the issue is. The ids look like
		// Jira's (11, 21, 31) and are no index.
		if t.From == status || t.From == "" && t.To != status {
			all = append(all, edge{Transition: t, ID: strconv.Itoa(11 + 10*i)})
		}
	}
	return all
}

// closes reports whether a transition ends in a closed status, where an issue
// has a resolution.
// It rests on setUp, which has refused transitions into nowhere.
func (w *Workflow) closes(t Transition) bool { return w.status(t.To).Category == "done" }

// enter moves an issue along; a closed issue has a resolution, an open one none.
func (w *Workflow) enter(i *Issue, t Transition, resolution string, c *Change) {
	c.set("status", &i.Status, t.To)
	// Reopening clears it: Jira takes any issue with a resolution for resolved.
	if !w.closes(t) {
		resolution = ""
	} else if resolution == "" && len(w.Resolutions) > 0 {
		resolution = w.Resolutions[0]
	}
	c.set("resolution", &i.Resolution, resolution)
}

// resolution finds a resolution's own spelling by its name, or by its id where
// there is no name; "" if there is none.
func (w *Workflow) resolution(name, id string) string {
	i := slices.IndexFunc(w.Resolutions, func(r string) bool {
		return strings.EqualFold(r, name) || name == "" && number("resolution", r) == id
	})
	if i < 0 {
		return ""
	}
	return w.Resolutions[i]
}
