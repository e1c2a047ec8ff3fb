package sandbox

import (
	"crypto/subtle"
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
	// The most specific pattern wins, in whatever order they are added.
	api := http.NewServeMux()
	for pattern, answer := range map[string]http.HandlerFunc{
		"GET /rest/api/3/serverInfo":                                     j.serverInfo,
		"GET /rest/api/3/myself":                                         j.myself,
		"GET /rest/api/3/mypermissions":                                  j.myPermissions,
		"GET /rest/api/3/user/assignable/search":                         j.assignable,
		"GET /rest/api/3/priority":                                       j.listPriorities,
		"GET /rest/api/3/resolution":                                     j.listResolutions,
		"GET /rest/api/3/project/{project}":                              j.showProject,
		"GET /rest/api/3/project/{project}/statuses":                     j.projectStatuses,
		"GET /rest/api/3/issue/createmeta/{project}/issuetypes":          j.issueTypes,
		"GET /rest/api/3/issue/createmeta/{project}/issuetypes/{typeID}": j.createFields,
		"POST /rest/api/3/issue/bulk":                                    j.bulkCreate,
		"POST /rest/api/3/issue/bulkfetch":                               j.bulkFetch,
		"GET /rest/api/3/issue/{issue}":                                  j.onIssue(j.showIssue),
		"PUT /rest/api/3/issue/{issue}":                                  j.onIssue(j.editIssue),
		"GET /rest/api/3/issue/{issue}/transitions":                      j.onIssue(j.listTransitions),
		"POST /rest/api/3/issue/{issue}/transitions":                     j.onIssue(j.transition),
		"GET /rest/api/3/issue/{issue}/comment":                          j.onIssue(j.listComments),
		"POST /rest/api/3/issue/{issue}/comment":                         j.onIssue(j.addComment),
		"GET /rest/api/3/issue/{issue}/changelog":                        j.onIssue(j.changelog),
		"GET /rest/api/3/search/jql":                                     j.search,
		"POST /rest/api/3/search/jql":                                    j.search,
	} {
		api.HandleFunc(pattern, answer)
	}
	all := http.NewServeMux()
	// Faults come before credentials, as a broken proxy does. People's pages need
	// neither: a browser has no token, and the listener is on loopback.
	all.Handle("/rest/api/3/", j.faulty(j.known(api)))
	all.HandleFunc("GET /browse/{key}", j.browse)
	return all
}

// known lets requests through that bring the right credentials.
func (j *Jira) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		email, token, _ := r.BasicAuth()
		// The case of an e-mail does not matter to Jira, that of a token does.
		right := subtle.ConstantTimeCompare([]byte(strings.ToLower(email)+"\x00"+token), []byte(strings.ToLower(j.cfg.Email)+"\x00"+j.cfg.Token))
		if right != 1 {
			// Jira marks a failed login with it, also where it goes on as with a stranger.
			w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
			refuse(w, http.StatusUnauthorized, "Client must be authenticated to access this resource.")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		next.ServeHTTP(w, r)
	})
}

// onIssue finds the issue that a path names and holds the lock while it is
// worked on; it gets a copy.
func (j *Jira) onIssue(act func(http.ResponseWriter, *http.Request, *Issue)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // before the lock: a slow caller keeps nobody else waiting
		if err != nil {
			refuse(w, http.StatusBadRequest, "Cannot read the request: "+err.Error())
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		j.mu.Lock()
		defer j.mu.Unlock()
		i := j.find(r.PathValue("issue"))
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
