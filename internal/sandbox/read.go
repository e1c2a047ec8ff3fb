package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	q := r.URL.Query()
	wanted := wish{list(q, "fields"), list(q, "properties"), slices.Contains(list(q, "expand"), "changelog")}
	if len(wanted.fields) == 0 {
		wanted.fields = []string{"*all"}
	}
	reply(w, http.StatusOK, j.shownIssue(of(r), i, wanted))
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
		Expand     []string `json:"expand"`
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
	issues, missing, seen, s := []any{}, []any{}, map[int64]bool{}, of(r)
	wanted := wish{body.Fields, body.Properties, slices.Contains(body.Expand, "changelog")}
	for _, id := range body.IDs {
		i := j.see(s, id)
		if i == nil {
			missing = append(missing, map[string]any{"id": id, "errorMessage": "Issue does not exist or you do not have permission to see it."})
		} else if !seen[i.ID] {
			issues, seen[i.ID] = append(issues, j.shownIssue(s, i, wanted)), true
		}
	}
	reply(w, http.StatusOK, map[string]any{"issues": issues, "issueErrors": missing})
}
