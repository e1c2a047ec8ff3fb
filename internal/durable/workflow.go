package durable

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Workflow is a function whose runs survive their process; made by [NewWorkflow].
type Workflow struct {
	name    string
	version int
	fn      func(*Flow, json.RawMessage) (any, error)
	steps   map[string]string // name → shape
}

// NewWorkflow makes a workflow of a function and the steps that it uses. The function
// must not change anything but by steps, and must use the same steps with the same
// inputs whenever they gave it the same results; their order is free. The time of day
// and chance are results of steps, too ([Flow.Now]).
//
// Raise the version when the function changes. A run of another version goes on if every
// step that it has done is still there with the same types; otherwise it is parked and
// says why.
func NewWorkflow[In, Out any](name string, version int, fn func(*Flow, In) (Out, error), steps ...Registered) Workflow {
	w := Workflow{name: name, version: version, steps: map[string]string{}}
	for _, s := range slices.Concat(steps, []Registered{clockStep}) {
		w.steps[s.registered().name] = s.registered().shape
	}
	w.fn = func(f *Flow, raw json.RawMessage) (any, error) {
		var in In
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &in); err != nil {
				return nil, f.stop(&misfitError{fmt.Sprintf("its input cannot be read any more: %v", err)})
			}
		}
		return fn(f, in)
	}
	return w
}

// fits says why what a run has done cannot be gone on from with this code; "" if it can.
func (w Workflow) fits(records []*Record) string {
	for _, r := range records {
		if r.Kind != KindStep {
			continue
		}
		base := baseOf(r.Name)
		shape, known := w.steps[base]
		if !known {
			return fmt.Sprintf("it has done step %q, which version %d of workflow %s does not have", r.Name, w.version, w.name)
		}
		if shape != r.Shape {
			return fmt.Sprintf("it has done step %q, whose input or output has other types in version %d of workflow %s", r.Name, w.version, w.name)
		}
	}
	return ""
}

// baseOf is the name of the step that a record is of: without the job before it and
// the item after it.
func baseOf(name string) string {
	base, _, _ := strings.Cut(name, "[")
	return base[strings.LastIndex(base, "/")+1:]
}

// changed is the advice for a run whose code has changed.
func changed(why string) string {
	return "the code has changed: " + why + "; go on with the trimtab that began it, `runs retry --from STEP`, or `runs cancel`"
}

// checkNames refuses names that could not be told from jobs and items.
func (w Workflow) checkNames() error {
	for name := range w.steps {
		if name == "" || strings.ContainsAny(name, "/[]") {
			return trimtab.Errorf(trimtab.Internal, "workflow %s: a step cannot be called %q", w.name, name)
		}
	}
	return nil
}
