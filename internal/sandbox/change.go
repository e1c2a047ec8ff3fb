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
	c, p := Change{Author: j.self.AccountID, History: compact(u.History)}, &problems{}
	// Dropped, not refused: a client that believes it has set a status here must
	// find out by reading back.
	delete(u.Fields, "status")
	// The issue is a copy: what was applied before a field was refused goes with it.
	j.apply(i, &u, &c, p)
	if p.any() {
		reply(w, http.StatusBadRequest, p.shown())
		return
	}
	j.record(i, c)
	if !j.store(w, i) {
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// listTransitions shows the edges out of the status where the issue is, with
// their screens if asked.
func (j *Jira) listTransitions(w http.ResponseWriter, r *http.Request, i *Issue) {
	flow := &j.project(i.Project).Workflow
	// Without the word Jira leaves the fields out altogether.
	withFields := strings.Contains(r.URL.Query().Get("expand"), "transitions.fields")
	all := []any{}
	for _, e := range flow.from(i.Status) {
		// Only the ways into closed statuses have a screen, with the resolution alone.
		screen := flow.closes(e.Transition) && !e.NoScreen
		shown := map[string]any{
			"id": e.ID, "name": e.Name, "to": j.shownStatus(r, flow, e.To), "hasScreen": screen, "isGlobal": e.From == "", "isInitial": false,
			"isAvailable": true, "isConditional": false, "looped": false,
		}
		if withFields {
			fields := map[string]any{}
			if screen {
				fields["resolution"] = map[string]any{
					"required": e.NeedsResolution, "schema": map[string]any{"type": "resolution", "system": "resolution"}, "name": "Resolution",
					"key": "resolution", "operations": []string{"set"}, "allowedValues": shownResolutions(r, flow.Resolutions),
				}
			}
			shown["fields"] = fields
		}
		all = append(all, shown)
	}
	reply(w, http.StatusOK, map[string]any{"expand": "transitions", "transitions": all})
}

// transition moves an issue along an edge that is open to it now.
func (j *Jira) transition(w http.ResponseWriter, r *http.Request, i *Issue) {
	var u update
	if !ask(w, r, &u) {
		return
	}
	flow := &j.project(i.Project).Workflow
	edges := flow.from(i.Status)
	// By id and only from here: Jira refuses an edge that leads from another status.
	at := slices.IndexFunc(edges, func(e edge) bool { return e.ID == u.Transition.ID })
	if at < 0 {
		refuse(w, http.StatusBadRequest, "It seems that you have tried to perform an illegal workflow operation.")
		return
	}
	p := &problems{}
	resolution := edges[at].chosen(flow, u.Fields, p)
	if p.any() {
		reply(w, http.StatusBadRequest, p.shown())
		return
	}
	c := Change{Author: j.self.AccountID, History: compact(u.History)}
	flow.enter(i, edges[at].Transition, resolution, &c)
	j.record(i, c)
	if !j.store(w, i) {
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// chosen reads the resolution of a transition, the one field on its screen.
func (e edge) chosen(flow *Workflow, fields map[string]json.RawMessage, p *problems) string {
	resolution := ""
	for name, value := range fields {
		var given struct{ Name string }
		if name != "resolution" || e.NoScreen || !flow.closes(e.Transition) {
			p.field(name, "Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", name)
		} else if json.Unmarshal(value, &given) != nil || flow.resolution(given.Name) == "" {
			p.field(name, "Resolution name '%s' is not valid", given.Name)
		} else {
			resolution = flow.resolution(given.Name)
		}
	}
	// An invalid one has been complained of already.
	if e.NeedsResolution && resolution == "" && !p.any() {
		p.field("resolution", "Resolution is required.")
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
		shown = append(shown, j.shownComment(r, i, c, strings.Contains(q.Get("expand"), "properties")))
	}
	reply(w, http.StatusOK, map[string]any{"startAt": start, "maxResults": size, "total": len(i.Comments), "comments": shown})
}

// addComment adds a comment. Comments stand in no changelog, as on the real
// site, but move the issue on.
func (j *Jira) addComment(w http.ResponseWriter, r *http.Request, i *Issue) {
	var body struct {
		Body       json.RawMessage `json:"body"`
		Properties []prop          `json:"properties"`
	}
	if !ask(w, r, &body) {
		return
	}
	p := &problems{}
	if why := checkDocument(body.Body); why != "" || plainText(body.Body) == "" {
		p.field("comment", "%s", "Comment body is not valid! "+why)
	}
	c := Comment{Author: j.self.AccountID, Body: compact(body.Body), Created: j.now()}
	setProperties(&c.Properties, body.Properties, p)
	if p.any() {
		reply(w, http.StatusBadRequest, p.shown())
		return
	}
	// Only now, so that a refused comment uses up no id.
	c.ID = j.nextID()
	i.Comments, i.Updated = append(i.Comments, c), c.Created
	if !j.store(w, i) {
		return
	}
	reply(w, http.StatusCreated, j.shownComment(r, i, c, true))
}

// changelog pages through the history, oldest first.
func (j *Jira) changelog(w http.ResponseWriter, r *http.Request, i *Issue) {
	start, size := pageOf(r.URL.Query(), 100)
	shown := []any{}
	for _, c := range window(i.Changes, start, size) {
		shown = append(shown, j.shownChange(r, c))
	}
	reply(w, http.StatusOK, map[string]any{
		"self": self(r, "issue", i.id(), "changelog"), "startAt": start, "maxResults": size, "total": len(i.Changes),
		"isLast": start+size >= len(i.Changes), "values": shown,
	})
}
