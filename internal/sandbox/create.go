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
	made, refused, ok := j.createAll(w, body.Updates)
	if !ok {
		return
	}
	refs, keys := []any{}, []string{}
	for _, i := range made {
		refs, keys = append(refs, map[string]any{"id": i.id(), "key": i.Key, "self": self(r, "issue", i.id())}), append(keys, i.Key)
	}
	// The lock is free by now: a hook may look into the sandbox, or kill the caller.
	if len(made) > 0 && j.cfg.OnCommit != nil {
		j.cfg.OnCommit(Request{Method: r.Method, Path: r.URL.Path, Keys: keys})
	}
	status := http.StatusCreated
	if len(made) == 0 {
		status = http.StatusBadRequest
	}
	reply(w, status, map[string]any{"issues": refs, "errors": refused})
}

// createAll makes what fits and commits it at once: after a kill either all of
// it is there or nothing. ok is false if the request has been refused.
func (j *Jira) createAll(w http.ResponseWriter, updates []*update) (made []*Issue, refused []elementError, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	refused = []elementError{}
	taken := map[string]int64{}
	for n, u := range updates {
		i, p := j.newIssue(u)
		if p.any() {
			refused = append(refused, elementError{Status: http.StatusBadRequest, Errors: p.shown(), Element: n})
			continue
		}
		// Counted apart: the project's own counter moves with the commit, so that a
		// write that fails leaves no gap in the keys.
		taken[i.Project]++
		i.ID, i.Key = j.nextID(), fmt.Sprintf("%s-%d", i.Project, j.numbers[i.Project]+taken[i.Project])
		made = append(made, i)
	}
	return made, refused, len(made) == 0 || j.store(w, made...)
}

// newIssue makes the issue that an element asks for. A creation has no entry in
// the changelog, as on the real site.
func (j *Jira) newIssue(u *update) (*Issue, *problems) {
	p := &problems{}
	var project struct{ Key string }
	var kind struct{ Name string }
	_, _ = json.Unmarshal(u.Fields["project"], &project), json.Unmarshal(u.Fields["issuetype"], &kind) // what is wrong is empty
	in := j.project(project.Key)
	// Without a project or a type nothing else can be judged: one complaint is all.
	if in == nil || in.Archived {
		p.field("project", "valid project is required")
		return nil, p
	}
	at := slices.IndexFunc(in.Types, func(t string) bool { return strings.EqualFold(t, kind.Name) })
	if at < 0 {
		p.field("issuetype", "Specify a valid issue type")
		return nil, p
	}
	if _, given := u.Fields["summary"]; !given {
		p.field("summary", "You must specify a summary of the issue.")
	}
	now := j.now()
	i := &Issue{
		Project: in.Key, Type: in.Types[at], Status: in.Workflow.Statuses[0].Name, Priority: "Medium", Reporter: j.self.AccountID,
		Created: now, Updated: now,
	}
	// The change is dropped; only the values are wanted of it.
	j.apply(i, u, &Change{}, p)
	return i, p
}
