package sandbox

import "net/http"

// serverRoutes are those of Data Center, version 2 of the API. It has neither
// bulk fetches nor searches by token; what its document lacks is 404 here.
func (j *Jira) serverRoutes() http.Handler {
	api := j.sharedRoutes(serverAPI)
	for pattern, answer := range map[string]http.HandlerFunc{
		"GET project": j.listProjects,
		"GET search":  j.serverSearch,
		"POST search": j.serverSearch,
	} {
		j.route(api, serverAPI, pattern, j.locked(answer))
	}
	return j.withMeta(serverAPI, api)
}

// maxServerPage is the default of jira.search.views.default.max.
const maxServerPage = 1000

// serverSearch answers a JQL search in pages by position, with a total, and
// with every field unless some are asked for. It gives no properties: they are
// to be read one by one.
func (j *Jira) serverSearch(w http.ResponseWriter, r *http.Request) {
	q, ok := readQuestion(w, r)
	if !ok {
		return
	}
	s := of(r)
	found, err := j.matching(s, q)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if len(q.Fields) == 0 {
		q.Fields = []string{"*navigable"}
	}
	start, size := max(q.Start, 0), min(max(q.Size, 0), maxServerPage)
	reply(w, http.StatusOK, map[string]any{
		"expand": "schema,names", "startAt": start, "maxResults": size, "total": len(found),
		"issues": j.shownAll(s, window(found, start, size), wish{fields: q.Fields, history: q.history()}),
	})
}
