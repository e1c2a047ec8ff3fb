package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// editIssue changes fields. The status is none of them: Jira ignores it here.
func (j *Jira) editIssue(w http.ResponseWriter, r *http.Request, i *Issue) {
	var u update
	if !ask(w, r, &u) {
		return
	}
	s, p := of(r), j.project(i.Project)
	if !p.may(s.account, EditIssues) || p.Archived || i.Archived {
		refuse(w, http.StatusForbidden, "You do not have permission to edit issues in this project.")
		return
	}
	e := j.edits(s, i, onEdit)
	e.change.History = compact(u.History)
	// Dropped, not refused: a client that believes it has set a status here must
	// find out by reading back.
	delete(u.Fields, "status")
	// The issue is a copy: what was applied before a field was refused goes with it.
	e.apply(&u)
	if !e.done(w) {
		return
	}
	// Data Center does not know the parameter.
	if !s.server && r.URL.Query().Get("returnIssue") == "true" {
		reply(w, http.StatusOK, j.shownIssue(s, i, wish{fields: []string{"*all"}}))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// done commits what a request has changed, if all of it was in order; false
// means that the request has been refused.
func (e *edit) done(w http.ResponseWriter) bool {
	if e.any() {
		reply(w, http.StatusBadRequest, e.shown())
		return false
	}
	e.j.record(e.issue, e.change)
	return e.j.store(w, append(e.others, e.issue)...)
}

// onlyResolution is what the screen into a closed status has.
var onlyResolution = described{"resolution", "Resolution", "resolution", "", nil, onlySet}

// screen lists the fields that a transition lets one set.
func (e edge) screen(p *Project) []described {
	var all []described
	// Only the ways into closed statuses have a resolution.
	if p.Workflow.closes(e.Transition) && !e.NoScreen {
		all = append(all, onlyResolution)
	}
	for _, d := range p.fieldsOn(onEdit) {
		if slices.Contains(e.Fields, d.id) || slices.Contains(e.Required, d.id) {
			all = append(all, d)
		}
	}
	return all
}

// listTransitions shows the edges out of the status where the issue is, with
// their screens if asked. Who may not move issues sees none.
func (j *Jira) listTransitions(w http.ResponseWriter, r *http.Request, i *Issue) {
	p, s := j.project(i.Project), of(r)
	flow := &p.Workflow
	all := []any{}
	for _, e := range j.open(s, i) {
		screen := e.screen(p)
		shown := map[string]any{
			"id": e.ID, "name": e.Name, "to": j.shownStatus(s, flow, e.To), "hasScreen": len(screen) > 0, "isGlobal": e.From == "", "isInitial": false,
			"isAvailable": true, "isConditional": false, "looped": false,
		}
		// Without the word Jira leaves the fields out altogether.
		if strings.Contains(r.URL.Query().Get("expand"), "transitions.fields") {
			fields := map[string]any{}
			for _, d := range screen {
				fields[d.id] = j.shownOn(s, p, e, d)
			}
			shown["fields"] = fields
		}
		all = append(all, shown)
	}
	reply(w, http.StatusOK, map[string]any{"expand": "transitions", "transitions": all})
}

// shownOn describes a field of a transition's screen.
func (j *Jira) shownOn(s *scope, p *Project, e edge, d described) any {
	if d.id != "resolution" {
		return j.shownField(s, p, d, slices.Contains(e.Required, d.id))
	}
	shown := j.shownField(s, p, d, e.NeedsResolution)
	shown["allowedValues"] = shownResolutions(s, p.Workflow.Resolutions)
	return shown
}

// open lists the transitions that an account can take from where an issue is.
func (j *Jira) open(s *scope, i *Issue) []edge {
	p := j.project(i.Project)
	if !p.may(s.account, Move) || p.Archived || i.Archived {
		return nil
	}
	return p.Workflow.from(i.Status)
}

// transition moves an issue along an edge that is open to it now.
func (j *Jira) transition(w http.ResponseWriter, r *http.Request, i *Issue) {
	var u update
	if !ask(w, r, &u) {
		return
	}
	e := j.edits(of(r), i, onEdit)
	e.change.History = compact(u.History)
	e.move(u.Transition.ID, &u)
	if e.done(w) {
		w.WriteHeader(http.StatusNoContent)
	}
}

// move takes an edge by its id, and sets the fields of its screen.
func (e *edit) move(id string, u *update) {
	edges := e.j.open(e.s, e.issue)
	// By id and only from here: Jira refuses an edge that leads from another status.
	at := slices.IndexFunc(edges, func(e edge) bool { return e.ID == id })
	if at < 0 {
		e.Messages = append(e.Messages, "It seems that you have tried to perform an illegal workflow operation.")
		return
	}
	along, flow := edges[at], &e.project.Workflow
	resolution := e.resolution(along, u.Fields)
	screen := along.screen(e.project)
	was := e.on
	e.on = func(field string) bool {
		return slices.ContainsFunc(screen, func(d described) bool { return d.id == field })
	}
	defer func() { e.on = was }()
	for _, id := range along.Required {
		if e.lacks(u, id) {
			e.field(id, "%s is required.", e.project.name(id))
		}
	}
	e.apply(u)
	flow.enter(e.issue, along.Transition, resolution, &e.change)
}

// resolution takes the resolution out of a transition's fields.
func (e *edit) resolution(along edge, fields map[string]json.RawMessage) string {
	value, brought := fields["resolution"]
	delete(fields, "resolution")
	flow, resolution := &e.project.Workflow, ""
	var given struct{ Name, ID string }
	switch {
	case brought && (along.NoScreen || !flow.closes(along.Transition)):
		e.unknown("resolution")
	case brought:
		if json.Unmarshal(value, &given) == nil {
			resolution = flow.resolution(given.Name, given.ID)
		}
		if resolution == "" {
			e.field("resolution", "Resolution name '%s' is not valid", given.Name)
		}
	case along.NeedsResolution:
		e.field("resolution", "Resolution is required.")
	}
	return resolution
}

// listComments pages through the comments, newest first if asked.
func (j *Jira) listComments(w http.ResponseWriter, r *http.Request, i *Issue) {
	q := r.URL.Query()
	if q.Get("orderBy") == "-created" {
		// In place, since the issue is a copy and is not stored again.
		slices.Reverse(i.Comments)
	}
	start, size := pageOf(q, 100)
	shown := []any{}
	for _, c := range window(i.Comments, start, size) {
		shown = append(shown, j.shownComment(of(r), i, c, strings.Contains(q.Get("expand"), "properties")))
	}
	reply(w, http.StatusOK, map[string]any{"startAt": start, "maxResults": size, "total": len(i.Comments), "comments": shown})
}

// addComment adds a comment.
func (j *Jira) addComment(w http.ResponseWriter, r *http.Request, i *Issue) {
	var body comment
	if !ask(w, r, &body) {
		return
	}
	s := of(r)
	if !j.project(i.Project).may(s.account, Say) || i.Archived {
		refuse(w, http.StatusBadRequest, "You do not have the permission to comment on this issue.")
		return
	}
	e := j.edits(s, i, onEdit)
	c := e.comment(body)
	if e.done(w) {
		reply(w, http.StatusCreated, j.shownComment(s, i, c, true))
	}
}
