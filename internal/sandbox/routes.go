package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxRequest bounds what is read of a request.
const maxRequest = 8 << 20

// routes are the paths that the sandbox answers; all others are 404.
func (j *Jira) routes() http.Handler {
	all := http.NewServeMux()
	all.Handle(serverAPI+"/", scoped(true, j.guarded(j.serverRoutes())))
	if !j.cfg.Server {
		cloud := j.guarded(j.cloudRoutes())
		all.Handle(cloudAPI+"/", scoped(false, cloud))
		all.Handle("/ex/jira/", scoped(false, j.gateway(cloud)))
		all.HandleFunc("POST /oauth/token", j.token)
		all.HandleFunc("GET /oauth/token/accessible-resources", j.resources)
	}
	j.adminRoutes(all)
	return j.dated(all)
}

// dated tells with every answer what time it is on the site.
func (j *Jira) dated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", j.now().Format(http.TimeFormat))
		next.ServeHTTP(w, r)
	})
}

// guarded puts before an API what each request has to pass. Faults come before
// credentials, as a broken proxy does. People's pages need neither: a browser
// has no token, and the listener is on loopback.
func (j *Jira) guarded(api http.Handler) http.Handler {
	return j.counted(whole(j.faulty(j.known(j.limited(j.hooked(api))))))
}

// sharedRoutes are the paths that both dialects have.
func (j *Jira) sharedRoutes(prefix string) *http.ServeMux {
	// The most specific pattern wins, in whatever order they are added.
	api := http.NewServeMux()
	for pattern, answer := range map[string]http.HandlerFunc{
		"GET serverInfo":                        j.serverInfo,
		"GET myself":                            j.myself,
		"GET mypermissions":                     j.myPermissions,
		"GET user":                              j.showUser,
		"GET user/search":                       j.searchUsers,
		"GET user/assignable/search":            j.assignable,
		"GET field":                             j.listFields,
		"GET priority":                          j.listPriorities,
		"GET resolution":                        j.listResolutions,
		"GET project/{project}":                 j.showProject,
		"GET project/{project}/statuses":        j.projectStatuses,
		"GET project/{project}/components":      j.listComponents,
		"GET issue/{issue}":                     j.onIssue(j.showIssue),
		"PUT issue/{issue}":                     j.onIssue(j.editIssue),
		"GET issue/{issue}/editmeta":            j.onIssue(j.editMeta),
		"GET issue/{issue}/transitions":         j.onIssue(j.listTransitions),
		"POST issue/{issue}/transitions":        j.onIssue(j.transition),
		"GET issue/{issue}/comment":             j.onIssue(j.listComments),
		"POST issue/{issue}/comment":            j.onIssue(j.addComment),
		"GET issue/{issue}/remotelink":          j.onIssue(j.listRemoteLinks),
		"POST issue/{issue}/remotelink":         j.onIssue(j.addRemoteLink),
		"GET issue/{issue}/properties/{key}":    j.onIssue(j.showProperty),
		"PUT issue/{issue}/properties/{key}":    j.onIssue(j.setProperty),
		"DELETE issue/{issue}/properties/{key}": j.onIssue(j.deleteProperty),
		"POST issueLink":                        j.linkIssues,
		"GET issueLinkType":                     j.listLinkTypes,
	} {
		j.route(api, prefix, pattern, j.locked(answer))
	}
	// These two let go of the lock before the hook that they call.
	j.route(api, prefix, "POST issue", j.createOne)
	j.route(api, prefix, "POST issue/bulk", j.bulkCreate)
	return api
}

// withMeta serves the descriptions of creations beside an API. They have a
// table of their own: createmeta stands where others have the key of an issue,
// and neither pattern would be the more specific one.
func (j *Jira) withMeta(prefix string, api http.Handler) http.Handler {
	meta := http.NewServeMux()
	j.route(meta, prefix, "GET issue/createmeta/{project}/issuetypes", j.locked(j.issueTypes))
	j.route(meta, prefix, "GET issue/createmeta/{project}/issuetypes/{typeID}", j.locked(j.createFields))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix+"/issue/createmeta/") {
			meta.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// route adds a path below the API's prefix.
func (j *Jira) route(api *http.ServeMux, prefix, pattern string, answer http.HandlerFunc) {
	method, path, _ := strings.Cut(pattern, " ")
	api.HandleFunc(method+" "+prefix+"/"+path, answer)
}

// cloudRoutes are those of Cloud, version 3 of the API.
func (j *Jira) cloudRoutes() http.Handler {
	api := j.sharedRoutes(cloudAPI)
	for pattern, answer := range map[string]http.HandlerFunc{
		"GET project/search":            j.searchProjects,
		"GET issue/{issue}/changelog":   j.onIssue(j.changelog),
		"POST issue/bulkfetch":          j.bulkFetch,
		"POST changelog/bulkfetch":      j.bulkHistory,
		"GET search/jql":                j.search,
		"POST search/jql":               j.search,
		"POST search/approximate-count": j.count,
		"POST webhook":                  j.registerHooks,
		"GET webhook":                   j.listHooks,
		"DELETE webhook":                j.deleteHooks,
		"PUT webhook/refresh":           j.refreshHooks,
		"GET search":                    gone,
		"POST search":                   gone,
	} {
		j.route(api, cloudAPI, pattern, j.locked(answer))
	}
	return j.withMeta(cloudAPI, api)
}

// gone is where Cloud's old search was.
func gone(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusGone, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")
}

// whole reads a request before anything is locked for it: a slow caller keeps
// nobody else waiting.
func whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			refuse(w, http.StatusBadRequest, "Cannot read the request: "+err.Error())
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// locked holds the lock while a request is worked on.
func (j *Jira) locked(act http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		j.mu.Lock()
		defer j.mu.Unlock()
		act(w, r)
	}
}

// onIssue finds the issue that a path names; the handler gets a copy.
func (j *Jira) onIssue(act func(http.ResponseWriter, *http.Request, *Issue)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := j.see(of(r), r.PathValue("issue"))
		if i == nil {
			// What is missing and what is hidden sound the same: keys cannot be probed for.
			refuse(w, http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
			return
		}
		act(w, r, i.clone())
	}
}

// problems is how Jira explains a refusal: messages, and a reason per field.
type problems struct {
	Messages []string          `json:"errorMessages"`
	Errors   map[string]string `json:"errors"`
}

// field notes what is wrong with a field.
func (p *problems) field(name, format string, args ...any) {
	if p.Errors == nil {
		p.Errors = map[string]string{}
	}
	p.Errors[name] = fmt.Sprintf(format, args...)
}

func (p *problems) any() bool { return len(p.Messages)+len(p.Errors) > 0 }

// shown has both parts, empty or not, as Jira's answers do.
func (p *problems) shown() problems {
	s := problems{Messages: p.Messages, Errors: p.Errors}
	if s.Messages == nil {
		s.Messages = []string{}
	}
	if s.Errors == nil {
		s.Errors = map[string]string{}
	}
	return s
}

// refuse answers with one message.
func refuse(w http.ResponseWriter, status int, message string) {
	p := problems{Messages: []string{message}}
	reply(w, status, p.shown())
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(text) // who hung up does not want it
}

// ask reads the body of a request; false means that it has been refused.
func ask(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, "Invalid request payload. Refer to the REST API documentation and try again.")
		return false
	}
	return true
}

// store commits what a request changed; false means that it has been refused.
func (j *Jira) store(w http.ResponseWriter, issues ...*Issue) bool {
	// Nothing has changed then, in memory or on disk.
	if err := j.commit(issues...); err != nil {
		refuse(w, http.StatusInternalServerError, "The change could not be stored: "+err.Error())
		return false
	}
	return true
}
