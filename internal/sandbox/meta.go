package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// serverInfo tells what the site is, and its time, by which a client should
// go.
func (j *Jira) serverInfo(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"baseUrl": "http://" + r.Host, "version": "1001.0.0-SNAPSHOT", "versionNumbers": []int{1001, 0, 0}, "deploymentType": "Cloud",
		"buildNumber": 100000, "serverTime": when(j.now()), "serverTitle": "Sandbox", "serverTimeZone": "Etc/UTC",
	})
}

// myself is the cheapest question that needs credentials: clients try theirs on it.
func (j *Jira) myself(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, j.shownUser(r, j.self.AccountID))
}

// myPermissions: whoever has the token may do everything.
func (j *Jira) myPermissions(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if key := q.Get("projectKey"); key != "" && j.project(key) == nil {
		refuse(w, http.StatusNotFound, "No project could be found with key '"+key+"'.")
		return
	}
	have := map[string]any{}
	for _, name := range list(q, "permissions") {
		have[name] = map[string]any{"id": number("permission", name), "key": name, "name": name, "type": "PROJECT", "havePermission": true}
	}
	reply(w, http.StatusOK, map[string]any{"permissions": have})
}

// assignable finds users by the beginning of a name's word or of the e-mail,
// if the profile shows it.
func (j *Jira) assignable(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if j.project(q.Get("project")) == nil {
		refuse(w, http.StatusNotFound, "No project could be found with key '"+q.Get("project")+"'.")
		return
	}
	start, size := pageOf(q, 1000)
	found := []any{}
	for _, u := range j.cfg.Users {
		if !u.Inactive && u.matches(q) {
			found = append(found, j.shownUser(r, u.AccountID))
		}
	}
	reply(w, http.StatusOK, window(found, start, size))
}

// matches is how Jira finds people: by beginnings, without regard to case. An
// account id is found whole only.
func (u User) matches(q url.Values) bool {
	if id := q.Get("accountId"); id != "" {
		return u.AccountID == id
	}
	text := strings.ToLower(q.Get("query"))
	name, email := strings.ToLower(u.Name), strings.ToLower(u.Email)
	// A query of nothing is the beginning of every name and finds everybody.
	byWord := slices.ContainsFunc(strings.Fields(name), func(w string) bool { return strings.HasPrefix(w, text) })
	return strings.HasPrefix(name, text) || byWord || !u.HideEmail && strings.HasPrefix(email, text)
}

// listPriorities has no pages: it answers with the bare list, as the real one.
func (j *Jira) listPriorities(w http.ResponseWriter, r *http.Request) {
	all := []any{}
	for _, name := range priorities {
		all = append(all, shownNamed(r, "priority", name))
	}
	reply(w, http.StatusOK, all)
}

// listResolutions lists the resolutions of all workflows, each once.
func (j *Jira) listResolutions(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, p := range j.cfg.Projects {
		for _, name := range p.Workflow.Resolutions {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	reply(w, http.StatusOK, shownResolutions(r, names))
}

// asked is the project that a path names; nil means that it has been refused.
func (j *Jira) asked(w http.ResponseWriter, r *http.Request) *Project {
	key := r.PathValue("project")
	p := j.project(key)
	if p == nil {
		refuse(w, http.StatusNotFound, "No project could be found with key '"+key+"'.")
	}
	return p
}

func (j *Jira) showProject(w http.ResponseWriter, r *http.Request) {
	p := j.asked(w, r)
	if p == nil {
		return
	}
	shown := j.shownProjectRef(r, p)
	// An archived project can still be looked at; only creating in it is refused.
	shown["archived"], shown["description"], shown["lead"] = p.Archived, "", j.shownUser(r, j.self.AccountID)
	shown["issueTypes"] = j.shownTypes(r, p)
	reply(w, http.StatusOK, shown)
}

func (j *Jira) shownTypes(r *http.Request, p *Project) []map[string]any {
	all := make([]map[string]any, len(p.Types))
	for i, name := range p.Types {
		all[i] = j.shownType(r, name)
	}
	return all
}

// projectStatuses lists a project's statuses for each of its issue types,
// which share one workflow here.
func (j *Jira) projectStatuses(w http.ResponseWriter, r *http.Request) {
	p := j.asked(w, r)
	if p == nil {
		return
	}
	statuses := []any{}
	for _, s := range p.Workflow.Statuses {
		statuses = append(statuses, j.shownStatus(r, &p.Workflow, s.Name))
	}
	all := []any{}
	for _, name := range p.Types {
		id := number("issuetype", name)
		all = append(all, map[string]any{"self": self(r, "issuetype", id), "id": id, "name": name, "subtask": false, "statuses": statuses})
	}
	reply(w, http.StatusOK, all)
}

// issueTypes lists what can be created. On this page the list is called
// issueTypes, where others say values.
func (j *Jira) issueTypes(w http.ResponseWriter, r *http.Request) {
	p := j.asked(w, r)
	if p == nil {
		return
	}
	start, size := pageOf(r.URL.Query(), 200)
	reply(w, http.StatusOK, map[string]any{
		"startAt": start, "maxResults": size, "total": len(p.Types), "issueTypes": window(j.shownTypes(r, p), start, size),
	})
}

// screen lists the fields of a new issue with the types of their values.
var screen = []struct{ id, name, kind string }{
	{"project", "Project", "project"},
	{"issuetype", "Issue Type", "issuetype"},
	{"summary", "Summary", "string"},
	{"description", "Description", "string"},
	{"labels", "Labels", "array"},
	{"assignee", "Assignee", "user"},
	{"priority", "Priority", "priority"},
}

// createFields shows the screen on which an issue is created. The first three
// fields are required.
func (j *Jira) createFields(w http.ResponseWriter, r *http.Request) {
	p := j.asked(w, r)
	if p == nil {
		return
	}
	if !slices.ContainsFunc(p.Types, func(t string) bool { return number("issuetype", t) == r.PathValue("typeID") }) {
		refuse(w, http.StatusNotFound, "The issue type was not found.")
		return
	}
	fields := []any{}
	for i, f := range screen {
		// Clients see beforehand what a creation would refuse.
		if slices.Contains(p.Hidden, f.id) {
			continue
		}
		fields = append(fields, map[string]any{
			"fieldId": f.id, "key": f.id, "name": f.name, "required": i < 3, "hasDefaultValue": false, "operations": []string{"set"},
			"schema": map[string]any{"type": f.kind, "system": f.id},
		})
	}
	reply(w, http.StatusOK, map[string]any{"startAt": 0, "maxResults": 200, "total": len(fields), "fields": fields})
}
