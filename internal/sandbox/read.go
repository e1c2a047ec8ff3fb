package sandbox

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Jira's limits. maxFetch is for one fetch, and for a page of a search that
// shows more than ids.
const (
	maxFetch = 100
	maxIDs   = 5000 // issues on a page of ids
)

// showIssue shows one issue, with all its fields unless some are asked for.
func (j *Jira) showIssue(w http.ResponseWriter, r *http.Request, i *Issue) {
	wanted := wish{fields: list(r.URL.Query(), "fields"), properties: list(r.URL.Query(), "properties")}
	if len(wanted.fields) == 0 {
		wanted.fields = []string{"*all"}
	}
	reply(w, http.StatusOK, j.shownIssue(r, i, wanted))
}

// list reads a query parameter that may be repeated or joined by commas.
func list(q url.Values, name string) []string {
	var all []string
	for _, value := range q[name] {
		all = append(all, strings.Split(value, ",")...)
	}
	return all
}

// bulkFetch reads up to 100 issues, past the search index. What is missing is
// named in issueErrors.
func (j *Jira) bulkFetch(w http.ResponseWriter, r *http.Request) {
	var body struct {
		IDs        []string `json:"issueIdsOrKeys"`
		Fields     []string `json:"fields"`
		Properties []string `json:"properties"`
	}
	if !ask(w, r, &body) {
		return
	}
	if len(body.IDs) == 0 || len(body.IDs) > maxFetch || len(body.Properties) > 5 {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Between 1 and %d issues and at most 5 properties can be fetched at once.", maxFetch))
		return
	}
	if len(body.Fields) == 0 {
		body.Fields = []string{"*navigable"}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	issues, missing, seen := []any{}, []any{}, map[int64]bool{}
	for _, id := range body.IDs {
		i := j.find(id)
		if i == nil {
			missing = append(missing, map[string]any{"id": id, "errorMessage": "Issue does not exist or you do not have permission to see it."})
		} else if !seen[i.ID] {
			issues, seen[i.ID] = append(issues, j.shownIssue(r, i, wish{body.Fields, body.Properties})), true
		}
	}
	reply(w, http.StatusOK, map[string]any{"issues": issues, "issueErrors": missing})
}

// question is a search, from a body or a query string.
type question struct {
	JQL        string   `json:"jql"`
	Token      string   `json:"nextPageToken"`
	Size       int      `json:"maxResults"`
	Fields     []string `json:"fields"`
	Properties []string `json:"properties"`
}

// readQuestion reads a search; false means that it has been refused.
func readQuestion(w http.ResponseWriter, r *http.Request) (q question, ok bool) {
	// Jira's own, for those who ask for no size.
	q.Size = 50
	if r.Method == http.MethodPost {
		return q, ask(w, r, &q)
	}
	given := r.URL.Query()
	q.JQL, q.Token = given.Get("jql"), given.Get("nextPageToken")
	q.Fields, q.Properties = list(given, "fields"), list(given, "properties")
	if n, err := strconv.Atoi(given.Get("maxResults")); err == nil {
		q.Size = n
	}
	return q, true
}

// search answers a JQL search in pages: no total, the id alone unless more is
// asked for, and no token on the last page.
func (j *Jira) search(w http.ResponseWriter, r *http.Request) {
	q, ok := readQuestion(w, r)
	if !ok {
		return
	}
	query, err := parseJQL(q.JQL)
	start, tokenOK := q.start()
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, err.Error())
		return
	case !tokenOK:
		refuse(w, http.StatusBadRequest, "The provided next page token is invalid or expired.")
		return
	case len(q.Properties) > 5:
		refuse(w, http.StatusBadRequest, "At most 5 properties can be asked for.")
		return
	}
	// Bare ids are cheap, and come by the thousand.
	most := maxFetch
	if !slices.ContainsFunc(q.Fields, func(f string) bool { return f != "id" && f != "key" }) {
		most = maxIDs
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	// What was written is found at once. The real index is minutes late, which is
	// why a client may not rest on a search alone.
	found := slices.DeleteFunc(j.live(), func(i *Issue) bool { return !query.fits(i) })
	query.sort(found)
	// Asking for too many is no mistake, one only gets fewer: the token says whether
	// there is more, not the count.
	size := min(max(q.Size, 1), most)
	issues := []any{}
	for _, i := range window(found, start, size) {
		issues = append(issues, j.shownIssue(r, i, wish{q.Fields, q.Properties}))
	}
	answer := map[string]any{"issues": issues, "isLast": start+size >= len(found)}
	if start+size < len(found) {
		answer["nextPageToken"] = q.token(start + size)
	}
	reply(w, http.StatusOK, answer)
}

// place is what a page token says: a position in one search.
// It is a mere count: what changes between two pages moves the rest, so that an
// issue may come twice. Clients have to bear that on the real site too.
type place struct {
	Start  int
	Search uint64
}

// sum tells searches apart: a token is good for the one that it came from.
func (q question) sum() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(q.JQL))
	return h.Sum64()
}

// token leads to the next page. It needs no memory, so that it outlives a
// restart.
func (q question) token(start int) string {
	text, err := json.Marshal(place{Start: start, Search: q.sum()})
	if err != nil { // two numbers always have a JSON form
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// start reads the token; one of another search is not valid.
func (q question) start() (int, bool) {
	if q.Token == "" {
		return 0, true
	}
	var p place
	text, err := base64.RawURLEncoding.DecodeString(q.Token)
	if err != nil || json.Unmarshal(text, &p) != nil || p.Search != q.sum() || p.Start < 0 {
		return 0, false
	}
	return p.Start, true
}

// ticketPage needs neither script nor network: a demo may run offline. The
// template escapes what people wrote.
var ticketPage = template.Must(template.New("ticket").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{{.Key}} {{.Summary}}</title>
<style>body{font:16px/1.5 system-ui;max-width:48rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap}</style>
<p>{{.Project}} / {{.Key}}</p><h1>{{.Summary}}</h1>
<p><b>{{.Status}}</b>{{with .Resolution}} ({{.}}){{end}} · {{.Assignee}} · {{range .Labels}}<code>{{.}}</code> {{end}}</p>
<pre>{{.Text}}</pre>{{range .Said}}<hr><pre>{{.}}</pre>{{end}}
`))

// browse shows a ticket to people who follow its address.
func (j *Jira) browse(w http.ResponseWriter, r *http.Request) {
	i, ok := j.Get(r.PathValue("key"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	view := struct {
		Issue
		Text string
		Said []string
	}{Issue: i, Text: plainText(i.Description)}
	if u := j.user(i.Assignee); u != nil {
		view.Assignee = u.Name
	}
	view.Assignee = cmp.Or(view.Assignee, "unassigned")
	for _, c := range i.Comments {
		view.Said = append(view.Said, plainText(c.Body))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = ticketPage.Execute(w, view) // who hung up does not want it
}
