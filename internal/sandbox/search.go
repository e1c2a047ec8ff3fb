package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxReconciled is how many issues a search can be told to have fresh.
const maxReconciled = 50

// question is a search, from a body or a query string.
type question struct {
	JQL        string   `json:"jql"`
	Token      string   `json:"nextPageToken"`
	Size       int      `json:"maxResults"`
	Fields     []string `json:"fields"`
	Properties []string `json:"properties"`
	Reconcile  []int64  `json:"reconcileIssues"`
	// Data Center's own.
	Start    int `json:"startAt"`
	Validate any `json:"validateQuery"`
	Expand   any `json:"expand"` // a text on Cloud, a list at Data Center
}

// history reports whether the changelog is asked for with each issue.
func (q question) history() bool { return strings.Contains(fmt.Sprint(q.Expand), "changelog") }

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
	q.Expand = given.Get("expand")
	if given.Has("validateQuery") {
		q.Validate = given.Get("validateQuery")
	}
	for name, into := range map[string]*int{"maxResults": &q.Size, "startAt": &q.Start} {
		if n, err := strconv.Atoi(given.Get(name)); err == nil {
			*into = n
		}
	}
	for _, text := range list(given, "reconcileIssues") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			refuse(w, http.StatusBadRequest, "reconcileIssues takes ids of issues.")
			return q, false
		}
		q.Reconcile = append(q.Reconcile, id)
	}
	return q, true
}

// most is the largest page: bare ids are cheap, and come by the thousand.
func (q question) most() int {
	if slices.ContainsFunc(q.Fields, func(f string) bool { return f != "id" && f != "key" }) {
		return maxFetch
	}
	return maxIDs
}

// search answers a JQL search in pages: no total, the id alone unless more is
// asked for, and no token on the last page.
func (j *Jira) search(w http.ResponseWriter, r *http.Request) {
	q, ok := readQuestion(w, r)
	if !ok {
		return
	}
	s := of(r)
	start, tokenOK := q.start()
	switch {
	case !tokenOK || s.goesWrong(PageInvalid):
		refuse(w, http.StatusBadRequest, "The provided next page token is invalid or expired.")
		return
	case len(q.Properties) > 5 || len(q.Reconcile) > maxReconciled:
		refuse(w, http.StatusBadRequest, fmt.Sprintf("At most 5 properties and %d issues to reconcile can be asked for.", maxReconciled))
		return
	}
	found, err := j.matching(s, q)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	// Asking for too many is no mistake, one only gets fewer: the token says whether
	// there is more, not the count.
	size := min(max(q.Size, 1), q.most())
	next := start + size
	switch {
	case s.goesWrong(PageRepeat):
		next = start
	case s.goesWrong(PageEmpty):
		next, size = start, 0
	case s.goesWrong(PageCut):
		next = len(found)
	}
	answer := map[string]any{"issues": j.shownAll(s, window(found, start, size), wish{q.Fields, q.Properties, q.history()}), "isLast": next >= len(found)}
	if next < len(found) {
		answer["nextPageToken"] = q.token(next)
	}
	reply(w, http.StatusOK, answer)
}

// count tells about how many issues a search would find.
func (j *Jira) count(w http.ResponseWriter, r *http.Request) {
	var q question
	if !ask(w, r, &q) {
		return
	}
	found, err := j.matching(of(r), q)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]any{"count": len(found)})
}

// matching lists what a search finds, in its order, as far as the account may
// see it.
func (j *Jira) matching(s *scope, q question) ([]*Issue, error) {
	query, err := parseJQL(q.JQL)
	if err != nil {
		return nil, err
	}
	if err := j.bind(s, query.conditions, q.strict()); err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(j.indexed(q.Reconcile), func(i *Issue) bool {
		// First what leaves most of them out: a site has many thousands.
		if !query.fits(i) {
			return true
		}
		p := j.project(i.Project)
		if query.by("labels") && s.goesWrong(BlindLabels) || s.goesWrong(StaleIndex) && j.now().Sub(i.Updated) < 24*time.Hour {
			return true
		}
		return i.Archived || p.Archived || !p.may(s.account, Browse)
	})
	query.sort(found)
	return found, nil
}

// by reports whether a search asks for a field.
func (q *query) by(field string) bool {
	return slices.ContainsFunc(q.conditions, func(c condition) bool { return c.field == field })
}

// strict reports whether names that do not exist refuse the search; Data Center
// can be asked not to.
func (q question) strict() bool {
	return q.Validate == nil || fmt.Sprint(q.Validate) == "true" || q.Validate == "strict"
}

// shownAll shows the issues of a page.
func (j *Jira) shownAll(s *scope, issues []*Issue, wanted wish) []any {
	shown := []any{}
	for _, i := range issues {
		s.touch(i)
		shown = append(shown, j.shownIssue(s, i, wanted))
	}
	return shown
}

// place is what a page token says: a position in one search.
// It is a mere count: what changes between two pages moves the rest, so that an
// issue may come twice. Clients have to bear that on the real site too.
type place struct {
	Start  int
	Search uint64
}

// sum tells searches apart: a token is good for the one that it came from.
func (q question) sum() uint64 { return hash(q.JQL) }

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
