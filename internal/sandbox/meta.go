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
	info := map[string]any{
		"baseUrl": "http://" + r.Host, "version": "1001.0.0-SNAPSHOT", "versionNumbers": []int{1001, 0, 0}, "deploymentType": "Cloud",
		"buildNumber": 100000, "serverTime": when(j.now()), "serverTitle": "Sandbox", "serverTimeZone": "Etc/UTC",
	}
	if of(r).server {
		info["version"], info["versionNumbers"], info["deploymentType"] = "10.3.24", []int{10, 3, 24}, "Server"
		delete(info, "serverTimeZone")
	}
	reply(w, http.StatusOK, info)
}

// myself is the cheapest question that needs credentials: clients try theirs on it.
func (j *Jira) myself(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, j.shownUser(of(r), of(r).account))
}

// myPermissions tells what the account may do, on a project or on some project.
// Cloud wants to be asked for each permission by its key.
func (j *Jira) myPermissions(w http.ResponseWriter, r *http.Request) {
	q, s := r.URL.Query(), of(r)
	in, ok := j.askedAbout(s, q)
	names := list(q, "permissions")
	if s.server && len(names) == 0 {
		names = everyPermission
	}
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, "No project or issue could be found, or you may not see it.")
		return
	case len(names) == 0:
		refuse(w, http.StatusBadRequest, "The 'permissions' query parameter is required.")
		return
	}
	have := map[string]any{}
	for _, name := range names {
		may := slices.ContainsFunc(in, func(p *Project) bool { return p.may(s.account, name) })
		have[name] = map[string]any{"id": number("permission", name), "key": name, "name": name, "type": permissionType(name), "havePermission": may}
	}
	reply(w, http.StatusOK, map[string]any{"permissions": have})
}

// permissionType tells whether a permission is of the site or of a project.
func permissionType(name string) string {
	if name == SeeUsers {
		return "GLOBAL"
	}
	return "PROJECT"
}

// askedAbout lists the projects that a question about permissions is about;
// not ok if it names something that cannot be seen.
func (j *Jira) askedAbout(s *scope, q url.Values) (in []*Project, ok bool) {
	if key := q.Get("projectKey") + q.Get("projectId"); key != "" {
		p := j.browsable(s, key)
		return []*Project{p}, p != nil
	}
	if key := q.Get("issueKey") + q.Get("issueId"); key != "" {
		i := j.see(s, key)
		if i == nil {
			return nil, false
		}
		return []*Project{j.project(i.Project)}, true
	}
	for p := range j.cfg.Projects {
		in = append(in, &j.cfg.Projects[p])
	}
	return in, true
}

// browsable finds a project by key or id; nil if there is none that the account
// may see.
func (j *Jira) browsable(s *scope, keyOrID string) *Project {
	for i := range j.cfg.Projects {
		p := &j.cfg.Projects[i]
		if (p.Key == keyOrID || number("project", p.Key) == keyOrID) && p.may(s.account, Browse) {
			return p
		}
	}
	return nil
}

// assignable finds users by the beginning of a name's word or of the e-mail,
// if the profile shows it.
func (j *Jira) assignable(w http.ResponseWriter, r *http.Request) {
	q, s := r.URL.Query(), of(r)
	p := j.browsable(s, q.Get("project"))
	if p == nil {
		refuse(w, http.StatusNotFound, "No project could be found with key '"+q.Get("project")+"'.")
		return
	}
	j.listUsers(w, r, func(u *User) bool { return u.assignableTo(p) })
}

// searchUsers finds users of the whole site. Who may not browse users finds
// nobody.
func (j *Jira) searchUsers(w http.ResponseWriter, r *http.Request) {
	sees := slices.ContainsFunc(j.cfg.Projects, func(p Project) bool { return p.may(of(r).account, SeeUsers) })
	j.listUsers(w, r, func(*User) bool { return sees })
}

// listUsers answers with those users that a search matches.
func (j *Jira) listUsers(w http.ResponseWriter, r *http.Request, keep func(*User) bool) {
	q, s := r.URL.Query(), of(r)
	// Privacy: on Cloud nobody has a name to be found by.
	if !s.server && q.Has("username") {
		refuse(w, http.StatusBadRequest, "The query parameter 'username' is not supported in GDPR strict mode.")
		return
	}
	start, size := pageOf(q, 1000)
	if q.Get("maxResults") == "" {
		size = 50
	}
	// The window comes first: only the first 1000 users are looked at.
	found := []any{}
	for i := range j.cfg.Users {
		if u := &j.cfg.Users[i]; keep(u) && u.matches(s, q) {
			found = append(found, j.shownUser(s, u.AccountID))
		}
	}
	reply(w, http.StatusOK, window(found, start, size))
}

// showUser shows an account, which may be an inactive one.
func (j *Jira) showUser(w http.ResponseWriter, r *http.Request) {
	q, s := r.URL.Query(), of(r)
	u := j.user(q.Get("accountId"))
	if s.server {
		if u = j.called(q.Get("username")); u == nil {
			u = j.user(q.Get("key"))
		}
	}
	if u == nil {
		refuse(w, http.StatusNotFound, "Specified user does not exist or you do not have required permissions")
		return
	}
	reply(w, http.StatusOK, j.shownUser(s, u.AccountID))
}

// matches is how Jira finds people: by beginnings, without regard to case. An
// account id is found whole only.
func (u *User) matches(s *scope, q url.Values) bool {
	text := strings.ToLower(q.Get("query"))
	name, email := strings.ToLower(u.Name), strings.ToLower(u.Email)
	if s.server {
		text = strings.ToLower(q.Get("username"))
		if strings.HasPrefix(strings.ToLower(u.login()), text) {
			return true
		}
	} else if id := q.Get("accountId"); id != "" {
		return u.AccountID == id
	}
	// A query of nothing is the beginning of every name and finds everybody.
	byWord := slices.ContainsFunc(strings.Fields(name), func(w string) bool { return strings.HasPrefix(w, text) })
	return strings.HasPrefix(name, text) || byWord || !u.HideEmail && strings.HasPrefix(email, text)
}

// listPriorities has no pages: it answers with the bare list, as the real one.
func (j *Jira) listPriorities(w http.ResponseWriter, r *http.Request) {
	all, s := []any{}, of(r)
	for _, name := range priorities {
		all = append(all, shownNamed(s, "priority", name))
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
	reply(w, http.StatusOK, shownResolutions(of(r), names))
}

// asked is the project that a path names; nil means that it has been refused.
func (j *Jira) asked(w http.ResponseWriter, r *http.Request) *Project {
	key := r.PathValue("project")
	p := j.browsable(of(r), key)
	if p == nil {
		refuse(w, http.StatusNotFound, "No project could be found with key '"+key+"'.")
	}
	return p
}

// showProject shows a project.
func (j *Jira) showProject(w http.ResponseWriter, r *http.Request) {
	if p := j.asked(w, r); p != nil {
		reply(w, http.StatusOK, j.shownProject(of(r), p))
	}
}

// shownProject shows a project with its types and components. An archived one
// can still be looked at; only creating in it is refused.
func (j *Jira) shownProject(s *scope, p *Project) any {
	shown := j.shownProjectRef(s, p)
	shown["archived"], shown["description"], shown["lead"] = p.Archived, "", j.shownUser(s, j.self)
	shown["issueTypes"], shown["components"] = j.shownTypes(s, p), j.shownComponents(s, p)
	return shown
}

// shownComponents shows the components of a project.
func (j *Jira) shownComponents(s *scope, p *Project) []any {
	all := []any{}
	for _, name := range p.Components {
		all = append(all, shownComponent(s, p, name))
	}
	return all
}

// listComponents lists the components of a project.
func (j *Jira) listComponents(w http.ResponseWriter, r *http.Request) {
	if p := j.asked(w, r); p != nil {
		reply(w, http.StatusOK, j.shownComponents(of(r), p))
	}
}

// searchProjects lists the projects that the account may see.
func (j *Jira) searchProjects(w http.ResponseWriter, r *http.Request) {
	all, s, keys := []any{}, of(r), list(r.URL.Query(), "keys")
	for i := range j.cfg.Projects {
		p := &j.cfg.Projects[i]
		if p.may(s.account, Browse) && !p.Archived && (len(keys) == 0 || slices.Contains(keys, p.Key)) {
			all = append(all, j.shownProjectRef(s, p))
		}
	}
	start, size := pageOf(r.URL.Query(), 50)
	reply(w, http.StatusOK, map[string]any{
		"self": s.self("project", "search"), "startAt": start, "maxResults": size, "total": len(all), "isLast": start+size >= len(all),
		"values": window(all, start, size),
	})
}

// listProjects is how Data Center lists its projects: all of them, in a bare
// list.
func (j *Jira) listProjects(w http.ResponseWriter, r *http.Request) {
	all, s := []any{}, of(r)
	for i := range j.cfg.Projects {
		if p := &j.cfg.Projects[i]; p.may(s.account, Browse) && !p.Archived {
			all = append(all, j.shownProjectRef(s, p))
		}
	}
	reply(w, http.StatusOK, all)
}

// shownTypes shows the issue types of a project.
func (j *Jira) shownTypes(s *scope, p *Project) []map[string]any {
	all := make([]map[string]any, len(p.Types))
	for i, name := range p.Types {
		all[i] = j.shownType(s, name)
	}
	return all
}

// projectStatuses lists a project's statuses for each of its issue types,
// which share one workflow here.
func (j *Jira) projectStatuses(w http.ResponseWriter, r *http.Request) {
	p, s := j.asked(w, r), of(r)
	if p == nil {
		return
	}
	statuses := []any{}
	for _, status := range p.Workflow.Statuses {
		statuses = append(statuses, j.shownStatus(s, &p.Workflow, status.Name))
	}
	all := []any{}
	for _, name := range p.Types {
		id := number("issuetype", name)
		all = append(all, map[string]any{"self": s.self("issuetype", id), "id": id, "name": name, "subtask": name == subtask, "statuses": statuses})
	}
	reply(w, http.StatusOK, all)
}

// issueTypes lists what can be created. On this page the list is called
// issueTypes, where others say values.
func (j *Jira) issueTypes(w http.ResponseWriter, r *http.Request) {
	p, s, all := j.asked(w, r), of(r), []any{}
	if p == nil {
		return
	}
	// Who may not create has nothing to create.
	if p.may(s.account, Create) {
		for _, t := range j.shownTypes(s, p) {
			all = append(all, t)
		}
	}
	s.page(w, r, "issueTypes", all)
}
