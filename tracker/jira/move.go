package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// maxHops is how many transitions may lead to a status: from a refused ticket over three
// open statuses to done.
const maxHops = 4

// transition is an edge of a workflow, out of the status where the issue is.
type transition struct {
	ID     string           `json:"id"`
	Name   string           `json:"name"`
	To     status           `json:"to"`
	Fields map[string]field `json:"fields"`
}

// move takes the issue to the wanted status and reports whether it moved.
func (w *writing) move(ctx context.Context) (bool, error) {
	if w.change.Status == tracker.NoStatus {
		return false, nil
	}
	moved, err := w.walk(ctx)
	var e *tracker.Error
	if !errors.As(err, &e) || e.Status != http.StatusBadRequest {
		return moved, err
	}
	// Somebody may have moved the issue between the look at its transitions and the
	// step: their ids are then those of another status. Whether it still is to be moved is
	// decided anew.
	now, again := w.client.one(ctx, w.before.ID, slim)
	if again != nil || now.Fields.Status.ID == w.at.ID {
		return false, err
	}
	return false, w.client.failed(w.put(), tracker.Retry, 0, "somebody has moved it to "+strconv.Quote(now.Fields.Status.Name)+" meanwhile", nil)
}

// walk goes to the wanted status. A workflow shows only the edges out of the
// current one, so the way is found step by step, through open statuses and never
// back to where it was.
func (w *writing) walk(ctx context.Context) (bool, error) {
	w.goal = w.client.goal(w.before.project(), w.change.Status)
	if w.client.reached(w.goal, w.before) {
		return false, nil
	}
	w.at = w.before.Fields.Status
	for range maxHops {
		// Kept beyond the move: when the issue is read back, a status on the way means
		// that it stuck, any other that a person moved it.
		w.been = append(w.been, w.at.Name)
		edges, err := w.transitions(ctx)
		if err != nil {
			return false, err
		}
		if last := w.goal.final(edges); last != nil {
			return true, w.enter(ctx, last)
		}
		next := w.goal.nearest(edges, w.at, w.been)
		if next == nil {
			return false, w.noWay(w.at, edges)
		}
		if err := w.take(ctx, next, ""); err != nil {
			return false, err
		}
		w.at = next.To
	}
	return false, w.noWay(w.at, nil)
}

// transitions asks which edges are open now. Their ids are not constants: they
// differ by status and by workflow.
func (w *writing) transitions(ctx context.Context) ([]transition, error) {
	var answer struct {
		Transitions []transition `json:"transitions"`
	}
	// Without the word Jira does not say which resolutions an edge allows.
	query := url.Values{"expand": {"transitions.fields"}}
	k := call{method: http.MethodGet, path: w.client.issuePath(w.before.ID, "transitions"), query: query, reads: true}
	err := w.client.do(ctx, k, &answer)
	return answer.Transitions, err
}

// final picks the edge into the goal. Among several closed statuses the one
// whose name tells the same as the goal is meant.
func (g goal) final(edges []transition) *transition {
	var found *transition
	for i := range edges {
		e := &edges[i]
		if !g.fits(e.To) {
			continue
		}
		if isNotDone(e.To.Name) == (g.status == tracker.WontDo) {
			return e
		}
		// A status called Rejected is no way to be done, however near: unless the mapping
		// names it, it is passed over.
		if found == nil && (g.name != "" || !isNotDone(e.To.Name)) {
			found = e
		}
	}
	return found
}

// rank orders the categories along the way of a ticket.
var rank = map[string]int{categoryNew: 0, categoryBusy: 1, categoryDone: 2}

// nearest picks the edge to the status whose category is nearest to the goal's.
// Closing on the way is for what ends closed and is not closed yet.
func (g goal) nearest(edges []transition, now status, been []string) *transition {
	var found *transition
	for i := range edges {
		e := &edges[i]
		closing := e.To.Category.Key == categoryDone
		if slices.Contains(been, e.To.Name) || closing && (g.category != categoryDone || now.Category.Key == categoryDone) {
			continue
		}
		// A status called Rejected is no way to be done.
		if closing && g.status == tracker.Done && isNotDone(e.To.Name) {
			continue
		}
		if found == nil || g.distance(e.To) < g.distance(found.To) {
			found = e
		}
	}
	return found
}

// distance is how many categories lie between a status and the goal.
func (g goal) distance(s status) int {
	d := rank[g.category] - rank[s.Category.Key]
	return max(d, -d)
}

// enter takes the last edge. What a transition says about its fields is not
// reliable: the resolution is tried, and left out where it is refused.
func (w *writing) enter(ctx context.Context, last *transition) error {
	resolution := w.goal.resolutionFor(last)
	err := w.take(ctx, last, resolution)
	var e *tracker.Error
	// Only a 400 is about the field. A strict goal would be missed without it.
	if resolution == "" || !errors.As(err, &e) || e.Status != http.StatusBadRequest || w.goal.strict {
		return err
	}
	return w.take(ctx, last, "")
}

// resolutionFor chooses the resolution to send: the mapped one, else one of the
// allowed that tells the same, else, where it must be something, the first.
func (g goal) resolutionFor(t *transition) string {
	field, shown := t.Fields["resolution"]
	// A field that is not shown may still be settable: Jira lists what is on the
	// screen, and not every workflow has one.
	if g.strict || !shown {
		return g.resolution
	}
	wont := g.status == tracker.WontDo
	i := slices.IndexFunc(field.Allowed, func(o option) bool { return isNotDone(o.Name) == wont })
	switch {
	// Done needs no word: the workflow sets its own unless it insists on one.
	case g.category != categoryDone || !wont && !field.Required:
		return ""
	case i >= 0:
		return cmp.Or(exact(field.Allowed, g.resolution), field.Allowed[i].Name)
	case field.Required && len(field.Allowed) > 0:
		return field.Allowed[0].Name
	}
	return g.resolution
}

// exact finds an allowed name, however it is written.
func exact(all []option, name string) string {
	for _, n := range all {
		if strings.EqualFold(n.Name, name) {
			return n.Name
		}
	}
	return ""
}

// take goes along one edge and signs it in the history.
func (w *writing) take(ctx context.Context, t *transition, resolution string) error {
	fields, err := w.demanded(ctx, t)
	if err != nil {
		return err
	}
	if resolution != "" {
		fields["resolution"] = named{resolution}
	}
	body := map[string]any{"transition": map[string]string{"id": t.ID}, "historyMetadata": signed(w.change.Op)}
	if len(fields) > 0 {
		body["fields"] = fields
	}
	return w.client.do(ctx, w.write(http.MethodPost, body, "transitions"), nil)
}

// demanded are the values that the configuration has for the screen of a
// transition. What the screen demands beyond them only a person can give.
func (w *writing) demanded(ctx context.Context, t *transition) (map[string]any, error) {
	fields, project := map[string]any{}, w.before.project()
	for _, id := range slices.Sorted(maps.Keys(t.Fields)) {
		f := t.Fields[id]
		given, ok := valueFor(w.client.cfg.Screens[project], id, f.Name)
		why := fmt.Sprintf("the transition %q of project %s: the field %q ", t.Name, project, f.Name)
		switch {
		case ok:
			value, bad, err := w.client.value(ctx, project, &f, given)
			if err != nil {
				return nil, err
			}
			if bad != nil {
				return nil, w.client.failed(w.write(http.MethodPost, nil, "transitions"), tracker.Rejected, 0, "not sent: "+why+bad.why+"; "+bad.next, nil)
			}
			fields[id] = value
		// The resolution is chosen by what the ticket is to become.
		case f.Required && !f.HasDefault && id != "resolution":
			return nil, w.client.failed(w.write(http.MethodPost, nil, "transitions"), tracker.Rejected, 0,
				"not sent: "+why+"is required; give it a value among the project's screen fields, or make it optional", nil)
		}
	}
	return fields, nil
}

// valueFor finds a configured value by the id or the name of a field.
func valueFor(values map[string]any, id, name string) (any, bool) {
	for key, value := range values {
		if key == id || strings.EqualFold(key, name) {
			return value, true
		}
	}
	return nil, false
}

// noWay tells a person what the workflow offers instead.
func (w *writing) noWay(from status, edges []transition) error {
	names := make([]string, len(edges))
	for i, e := range edges {
		names[i] = fmt.Sprintf("%s → %s", e.Name, e.To.Name)
	}
	// The edges are named, so that the mapping or the workflow can be mended without
	// a look into Jira.
	k := w.write(http.MethodPost, nil, "transitions")
	message := fmt.Sprintf("the workflow leads from %q to no status for %s within %d steps; it has: %s",
		from.Name, w.change.Status, maxHops, strings.Join(names, ", "))
	return w.client.failed(k, tracker.Rejected, 0, message, nil)
}
