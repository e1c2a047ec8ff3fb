package sandbox

import (
	"encoding/json"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// self is the address of a thing in the API.
func self(r *http.Request, path ...string) string {
	u := url.URL{Scheme: "http", Host: r.Host, Path: "/rest/api/3/"}
	return u.JoinPath(path...).String()
}

// when writes a time as Jira does: milliseconds, the offset without a colon.
func when(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

// number makes a stable id of a name, for things that have names only.
func number(kind, name string) string {
	// Five digits, as Jira's ids look. A hash needs no keeping: after a restart the
	// ids are the same.
	h := fnv.New32a()
	_, _ = h.Write([]byte(kind + "\x00" + strings.ToLower(name)))
	return strconv.Itoa(int(h.Sum32()%90000) + 10000)
}

// shownUser shows an account, without the e-mail that it hides; nobody is
// null.
func (j *Jira) shownUser(r *http.Request, accountID string) any {
	u := j.user(accountID)
	if u == nil {
		return nil
	}
	shown := map[string]any{
		"self": self(r, "user") + "?accountId=" + url.QueryEscape(u.AccountID), "accountId": u.AccountID, "accountType": "atlassian",
		"displayName": u.Name, "active": !u.Inactive, "timeZone": "Etc/UTC",
	}
	// Left out, not empty: that is how Jira hides it.
	if !u.HideEmail {
		shown["emailAddress"] = u.Email
	}
	return shown
}

// categories are the three status categories with Jira's ids and names.
var categories = map[string]map[string]any{
	"new":           {"id": 2, "key": "new", "name": "To Do", "colorName": "blue-gray"},
	"indeterminate": {"id": 4, "key": "indeterminate", "name": "In Progress", "colorName": "yellow"},
	"done":          {"id": 3, "key": "done", "name": "Done", "colorName": "green"},
}

// shownStatus shows a status of a workflow with its category.
func (j *Jira) shownStatus(r *http.Request, w *Workflow, name string) any {
	id := number("status", name)
	return map[string]any{
		"self": self(r, "status", id), "id": id, "name": name, "description": "", "statusCategory": categories[w.status(name).Category],
	}
}

// shownNamed shows a thing that has only a name; no name is null.
func shownNamed(r *http.Request, kind, name string) any {
	if name == "" {
		return nil
	}
	id := number(kind, name)
	return map[string]any{"self": self(r, kind, id), "id": id, "name": name}
}

func shownResolutions(r *http.Request, names []string) []any {
	all := []any{}
	for _, name := range names {
		all = append(all, shownNamed(r, "resolution", name))
	}
	return all
}

// shownType shows an issue type. All are plain ones, neither epics nor subtasks.
func (j *Jira) shownType(r *http.Request, name string) map[string]any {
	id := number("issuetype", name)
	return map[string]any{"self": self(r, "issuetype", id), "id": id, "name": name, "description": "", "subtask": false, "hierarchyLevel": 0}
}

// shownProjectRef is a project as other answers mention it; showProject says more.
func (j *Jira) shownProjectRef(r *http.Request, p *Project) map[string]any {
	id := number("project", p.Key)
	return map[string]any{"self": self(r, "project", id), "id": id, "key": p.Key, "name": p.Name, "projectTypeKey": "software", "simplified": false}
}

// fieldsOf is every field of an issue by its name.
func (j *Jira) fieldsOf(r *http.Request, i *Issue) map[string]any {
	p := j.project(i.Project)
	labels := i.Labels
	// No labels are [] in JSON, never null.
	if labels == nil {
		labels = []string{}
	}
	return map[string]any{
		"summary": i.Summary, "description": i.Description, "status": j.shownStatus(r, &p.Workflow, i.Status),
		"resolution": shownNamed(r, "resolution", i.Resolution), "priority": shownNamed(r, "priority", i.Priority),
		"assignee": j.shownUser(r, i.Assignee), "reporter": j.shownUser(r, i.Reporter), "creator": j.shownUser(r, i.Reporter),
		"labels": labels, "project": j.shownProjectRef(r, p), "issuetype": j.shownType(r, i.Type), "created": when(i.Created), "updated": when(i.Updated),
	}
}

// wish is what a reader asks to see of issues.
type wish struct{ fields, properties []string }

// shownIssue shows an issue. "*all" and "*navigable" are every field.
func (j *Jira) shownIssue(r *http.Request, i *Issue, wanted wish) any {
	shown := map[string]any{"id": i.id(), "key": i.Key, "self": self(r, "issue", i.id())}
	fields := map[string]any{}
	for name, value := range j.fieldsOf(r, i) {
		if slices.Contains(wanted.fields, name) || slices.Contains(wanted.fields, "*all") || slices.Contains(wanted.fields, "*navigable") {
			fields[name] = value
		}
	}
	// A search for bare ids has no fields, not even empty ones.
	if len(fields) > 0 {
		shown["fields"] = fields
	}
	if len(wanted.properties) > 0 {
		properties := map[string]json.RawMessage{}
		for _, key := range wanted.properties {
			if value, ok := i.Properties[key]; ok {
				properties[key] = value
			}
		}
		shown["properties"] = properties
	}
	return shown
}

// shownComment shows a comment, with its properties if they are asked for.
func (j *Jira) shownComment(r *http.Request, i *Issue, c Comment, properties bool) any {
	id := strconv.FormatInt(c.ID, 10)
	shown := map[string]any{
		"self": self(r, "issue", i.id(), "comment", id), "id": id, "author": j.shownUser(r, c.Author), "updateAuthor": j.shownUser(r, c.Author),
		"body": c.Body, "created": when(c.Created), "updated": when(c.Created),
	}
	if properties {
		all := []prop{}
		for key, value := range c.Properties {
			all = append(all, prop{Key: key, Value: value})
		}
		shown["properties"] = all
	}
	return shown
}

// shownChange shows an entry of the changelog. What the writer said of itself
// in historyMetadata comes back word for word.
func (j *Jira) shownChange(r *http.Request, c Change) any {
	items := []any{}
	// The real site has ids in from and to where there are some; here both pairs are
	// the words.
	for _, f := range c.Items {
		items = append(items, map[string]any{
			"field": f.Field, "fieldId": f.Field, "fieldtype": "jira", "from": f.From, "fromString": f.From, "to": f.To, "toString": f.To,
		})
	}
	shown := map[string]any{"id": strconv.FormatInt(c.ID, 10), "created": when(c.At), "items": items}
	// An entry of an account that is gone has no author at all.
	if author := j.shownUser(r, c.Author); author != nil {
		shown["author"] = author
	}
	if c.History != nil {
		shown["historyMetadata"] = c.History
	}
	return shown
}

// pageOf reads startAt and maxResults.
func pageOf(q url.Values, most int) (start, size int) {
	start, size = 0, most
	if n, err := strconv.Atoi(q.Get("startAt")); err == nil && n > 0 {
		start = n
	}
	// Too many is cut down, nonsense is the default: neither is refused.
	if n, err := strconv.Atoi(q.Get("maxResults")); err == nil && n > 0 {
		size = min(n, most)
	}
	return start, size
}

// window is a page of a list; past its end it is empty.
func window[T any](all []T, start, size int) []T {
	start = min(start, len(all))
	return all[start:min(start+size, len(all))]
}
