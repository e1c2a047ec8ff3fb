package sandbox

import (
	"encoding/json"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

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

// hash is a number for a text.
func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// shownUser shows an account, without the e-mail that it hides; nobody is
// null. Data Center knows names and keys where Cloud has account ids.
func (j *Jira) shownUser(s *scope, accountID string) any {
	u := j.user(accountID)
	if u == nil {
		return nil
	}
	shown := map[string]any{"displayName": u.Name, "active": !u.Inactive, "timeZone": u.zone().String()}
	if s.server {
		shown["self"], shown["name"], shown["key"] = s.self("user")+"?username="+url.QueryEscape(u.login()), u.login(), u.AccountID
	} else {
		shown["self"], shown["accountId"], shown["accountType"] = s.self("user")+"?accountId="+url.QueryEscape(u.AccountID), u.AccountID, "atlassian"
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

// shownStatus shows a status of a workflow with its category. A late index may
// still have one that the workflow no longer has.
func (j *Jira) shownStatus(s *scope, w *Workflow, name string) any {
	id, category := number("status", name), "new"
	if status := w.status(name); status != nil {
		category = status.Category
	}
	return map[string]any{
		"self": s.self("status", id), "id": id, "name": name, "description": "", "statusCategory": categories[category],
	}
}

// shownNamed shows a thing that has only a name; no name is null.
func shownNamed(s *scope, kind, name string) any {
	if name == "" {
		return nil
	}
	id := number(kind, name)
	return map[string]any{"self": s.self(kind, id), "id": id, "name": name}
}

func shownResolutions(s *scope, names []string) []any {
	all := []any{}
	for _, name := range names {
		all = append(all, shownNamed(s, "resolution", name))
	}
	return all
}

// subtask is the type of issue that has to have a parent.
const subtask = "Sub-task"

// shownType shows an issue type. Epics stand a level above the others.
func (j *Jira) shownType(s *scope, name string) map[string]any {
	id := number("issuetype", name)
	shown := map[string]any{"self": s.self("issuetype", id), "id": id, "name": name, "description": "", "subtask": name == subtask}
	if !s.server {
		shown["hierarchyLevel"] = map[string]int{subtask: -1, "Epic": 1}[name]
	}
	return shown
}

// shownComponent shows a component of a project.
func shownComponent(s *scope, p *Project, name string) any {
	id := number("component"+p.Key, name)
	return map[string]any{"self": s.self("component", id), "id": id, "name": name}
}

// shownProjectRef is a project as other answers mention it; showProject says more.
func (j *Jira) shownProjectRef(s *scope, p *Project) map[string]any {
	id := number("project", p.Key)
	return map[string]any{"self": s.self("project", id), "id": id, "key": p.Key, "name": p.Name, "projectTypeKey": "software", "simplified": false}
}

// fieldsOf is every field of an issue by its name.
func (j *Jira) fieldsOf(s *scope, i *Issue) map[string]any {
	p := j.project(i.Project)
	labels, components := i.Labels, []any{}
	// No labels are [] in JSON, never null.
	if labels == nil {
		labels = []string{}
	}
	for _, name := range i.Components {
		components = append(components, shownComponent(s, p, name))
	}
	fields := map[string]any{
		"summary": i.Summary, "description": s.rich(i.Description), "status": j.shownStatus(s, &p.Workflow, i.Status),
		"resolution": shownNamed(s, "resolution", i.Resolution), "priority": shownNamed(s, "priority", i.Priority),
		"assignee": j.shownUser(s, i.Assignee), "reporter": j.shownUser(s, i.Reporter), "creator": j.shownUser(s, i.Reporter),
		"labels": labels, "components": components, "duedate": nil, "issuelinks": j.shownLinks(s, i),
		"project": j.shownProjectRef(s, p), "issuetype": j.shownType(s, i.Type), "created": when(i.Created), "updated": when(i.Updated),
	}
	if i.Due != "" {
		fields["duedate"] = i.Due
	}
	// Unlike other fields the parent is left out where there is none.
	if parent := j.issues[i.Parent]; parent != nil && !parent.Deleted {
		fields["parent"] = j.shownLinked(s, parent)
	}
	for f := range p.Fields {
		fields[p.Fields[f].ID] = j.shownValue(s, &p.Fields[f], i.Custom[p.Fields[f].ID])
	}
	return fields
}

// wish is what a reader asks to see of issues.
type wish struct {
	fields, properties []string
	history            bool
}

// sees reports whether a field is asked for. "*all" is every field, "*navigable" every one
// that lists show, and a name after a minus is none of them.
func (w wish) sees(name string) bool {
	if slices.Contains(w.fields, "-"+name) {
		return false
	}
	return slices.Contains(w.fields, name) || slices.Contains(w.fields, "*all") || name != "comment" && slices.Contains(w.fields, "*navigable")
}

// shownIssue shows an issue, as far as it is asked for.
func (j *Jira) shownIssue(s *scope, i *Issue, wanted wish) any {
	shown := map[string]any{"id": i.id(), "key": i.Key, "self": s.self("issue", i.id())}
	fields := map[string]any{}
	for name, value := range j.fieldsOf(s, i) {
		if wanted.sees(name) {
			fields[name] = value
		}
	}
	if wanted.sees("comment") {
		fields["comment"] = j.commentField(s, i)
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
	if wanted.history {
		shown["changelog"] = j.shownHistory(s, i)
	}
	return shown
}

// maxShown is how many comments come with an issue on Cloud, the oldest ones. No document
// says so; a client must bear it that the newest are missing.
const maxShown = 20

// commentField is the comments as a field of an issue. Their properties are not in it.
func (j *Jira) commentField(s *scope, i *Issue) any {
	most := len(i.Comments)
	if !s.server {
		most = min(most, maxShown)
	}
	shown := []any{}
	for _, c := range i.Comments[:most] {
		shown = append(shown, j.shownComment(s, i, c, false))
	}
	return map[string]any{"self": s.self("issue", i.id(), "comment"), "startAt": 0, "maxResults": most, "total": len(i.Comments), "comments": shown}
}

// shownComment shows a comment, with its properties if they are asked for.
func (j *Jira) shownComment(s *scope, i *Issue, c Comment, properties bool) any {
	id := strconv.FormatInt(c.ID, 10)
	shown := map[string]any{
		"self": s.self("issue", i.id(), "comment", id), "id": id, "author": j.shownUser(s, c.Author), "updateAuthor": j.shownUser(s, c.Author),
		"body": s.rich(c.Body), "created": when(c.Created), "updated": when(c.Created),
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
