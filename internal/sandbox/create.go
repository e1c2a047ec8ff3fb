package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxBulk is Jira's limit for one creation.
const maxBulk = 50

// elementError is a refused element of a bulk creation. Elements count from 0,
// and only this number tells a client which of its drafts was refused.
type elementError struct {
	Status  int      `json:"status"`
	Errors  problems `json:"elementErrors"`
	Element int      `json:"failedElementNumber"`
}

// bulkCreate makes up to 50 issues. Those that fit are made, all in one line of
// the journal; the list of issues has no gaps where others were refused. Only
// if none fits is the answer 400.
func (j *Jira) bulkCreate(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Updates []*update `json:"issueUpdates"`
	}
	if !ask(w, r, &body) {
		return
	}
	// null is an element of a JSON list too, and would be followed as a pointer below.
	if len(body.Updates) == 0 || len(body.Updates) > maxBulk || slices.Contains(body.Updates, nil) {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Between 1 and %d issues can be created at once.", maxBulk))
		return
	}
	made, refused, ok := j.createAll(w, r, body.Updates)
	if !ok {
		return
	}
	refs := []any{}
	for _, i := range made {
		refs = append(refs, of(r).shownRef(i))
	}
	status := http.StatusCreated
	if len(made) == 0 {
		status = http.StatusBadRequest
	}
	reply(w, status, map[string]any{"issues": refs, "errors": refused})
}

// createOne makes one issue.
func (j *Jira) createOne(w http.ResponseWriter, r *http.Request) {
	var u update
	if !ask(w, r, &u) {
		return
	}
	made, refused, ok := j.createAll(w, r, []*update{&u})
	switch {
	case !ok:
	case len(refused) > 0:
		reply(w, refused[0].Status, refused[0].Errors)
	default:
		reply(w, http.StatusCreated, of(r).shownRef(made[0]))
	}
}

// shownRef is how a creation answers.
func (s *scope) shownRef(i *Issue) any {
	return map[string]any{"id": i.id(), "key": i.Key, "self": s.self("issue", i.id())}
}

// createAll makes what fits and commits it at once: after a kill either all of
// it is there or nothing. ok is false if the request has been refused.
func (j *Jira) createAll(w http.ResponseWriter, r *http.Request, updates []*update) (made []*Issue, refused []elementError, ok bool) {
	made, hidden, refused, ok := j.tryAll(w, of(r), updates)
	var keys []string
	for _, i := range append(hidden, made...) {
		keys = append(keys, i.Key)
	}
	// The lock is free by now: a hook may look into the sandbox, or kill the caller.
	if ok && len(keys) > 0 && j.cfg.OnCommit != nil {
		j.cfg.OnCommit(Request{Method: r.Method, Path: r.URL.Path, Keys: keys})
	}
	return made, refused, ok
}

// tryAll makes what fits under one lock; of the hidden ones nobody is told. Faults of
// single elements happen here.
func (j *Jira) tryAll(w http.ResponseWriter, s *scope, updates []*update) (made, hidden []*Issue, refused []elementError, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	refused = []elementError{}
	taken := map[string]int64{}
	var linked []*Issue // others that the new ones link to
	for n, u := range updates {
		e, status := j.newIssue(s, u, linked)
		chosen := s.goesWrong(RefuseElement, MadeElement) && s.fault.chosenElement(len(updates)) == n
		if chosen && s.fault.Kind == RefuseElement {
			status = max(s.fault.Status, http.StatusBadRequest)
			e.Messages = append(e.Messages, "The issue could not be created.")
		}
		if e.any() {
			refused = append(refused, elementError{Status: status, Errors: e.shown(), Element: n})
			continue
		}
		i := e.issue
		// Counted apart: the project's own counter moves with the commit, so that a
		// write that fails leaves no gap in the keys.
		taken[i.Project]++
		i.Key = fmt.Sprintf("%s-%d", i.Project, j.numbers[i.Project]+taken[i.Project])
		linked = e.others
		s.touch(i)
		if chosen { // made, and reported as if it were not
			hidden = append(hidden, i)
			p := problems{Messages: []string{"Internal server error"}}
			refused = append(refused, elementError{Status: max(s.fault.Status, http.StatusInternalServerError), Errors: p.shown(), Element: n})
			continue
		}
		made = append(made, i)
	}
	linked = append(linked, hidden...)
	return made, hidden, refused, len(made)+len(hidden) == 0 || j.store(w, append(linked, made...)...)
}

// newIssue makes the issue that an element asks for, or says with which status
// and why it does not. A creation has no entry in the changelog, as on the real
// site.
func (j *Jira) newIssue(s *scope, u *update, linked []*Issue) (*edit, int) {
	in, kind := j.placeFor(s, u)
	// Without a project or a type nothing else can be judged: one complaint is all.
	refused := &edit{}
	switch {
	case in == nil || in.Archived:
		refused.field("project", "valid project is required")
		return refused, http.StatusBadRequest
	case !in.may(s.account, Create):
		refused.field("project", "You do not have permission to create issues in this project.")
		return refused, http.StatusForbidden
	case kind == "":
		refused.field("issuetype", "Specify a valid issue type")
		return refused, http.StatusBadRequest
	}
	now := j.now()
	i := &Issue{
		ID: j.nextID(), Project: in.Key, Type: kind, Status: in.Workflow.Statuses[0].Name, Priority: "Medium", Reporter: s.account,
		Created: now, Updated: now,
	}
	e := j.edits(s, i, onCreate)
	for _, other := range linked { // copies, since this element may be refused
		e.others = append(e.others, other.clone())
	}
	e.missing(u)
	e.apply(u)
	if u.Transition.ID != "" {
		e.move(u.Transition.ID, &update{})
	}
	return e, http.StatusBadRequest
}

// placeFor finds the project and the type that a creation names, each by name
// or id.
func (j *Jira) placeFor(s *scope, u *update) (in *Project, kind string) {
	var project, given struct{ Key, Name, ID string }
	_, _ = json.Unmarshal(u.Fields["project"], &project), json.Unmarshal(u.Fields["issuetype"], &given) // what is wrong is empty
	if in = j.browsable(s, project.Key+project.ID); in == nil {
		return nil, ""
	}
	at := slices.IndexFunc(in.Types, func(t string) bool {
		return strings.EqualFold(t, given.Name) || given.Name == "" && number("issuetype", t) == given.ID
	})
	if at < 0 {
		return in, ""
	}
	return in, in.Types[at]
}

// missing complains of each required field that a creation does not bring, and
// fills in the defaults of others.
func (e *edit) missing(u *update) {
	if e.lacks(u, "summary") {
		e.field("summary", "You must specify a summary of the issue.")
	}
	if e.issue.Type == subtask && e.lacks(u, "parent") {
		e.field("parent", "Issue type is a sub-task but parent issue key or id not specified.")
	}
	for i := range e.project.Fields {
		if f := &e.project.Fields[i]; f.Default != "" && e.lacks(u, f.ID) {
			e.keep(f, f.initial())
		}
	}
	for _, id := range e.project.Required {
		f := e.project.field(id)
		if id != "summary" && id != "priority" && (f == nil || f.Default == "") && e.lacks(u, id) {
			e.field(id, "%s is required.", e.project.name(id))
		}
	}
}

// lacks reports whether a request leaves a field out, or empties it.
func (e *edit) lacks(u *update, id string) bool {
	value := string(u.Fields[id])
	empty := value == "" || value == "null" || value == "[]" || value == `""` && id != "summary"
	return empty && len(u.Update[id]) == 0
}
