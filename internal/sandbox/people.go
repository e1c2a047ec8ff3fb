package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Edited is what a person changes by hand; nil fields stay.
type Edited struct {
	Summary     *string
	Description *string         // plain text
	Document    json.RawMessage // a description as the API takes it: an Atlassian document, or wiki markup in quotes
	Priority    *string
	Due         *string  // a date, as 2026-09-30
	Labels      []string // replaces all labels, ours among them; nil leaves them
	Add, Remove []string // labels
}

// Issues lists the live issues of a project, oldest first; "" is every project.
func (j *Jira) Issues(project string) []Issue {
	return j.where(func(i *Issue) bool { return project == "" || i.Project == project })
}

// FindBySummary lists the live issues whose summary contains a text.
func (j *Jira) FindBySummary(text string) []Issue {
	return j.where(func(i *Issue) bool { return strings.Contains(i.Summary, text) })
}

// ByLabel lists the live issues with a label.
func (j *Jira) ByLabel(label string) []Issue {
	return j.where(func(i *Issue) bool { return slices.Contains(i.Labels, label) })
}

// Get gives a live issue by id or key.
func (j *Jira) Get(idOrKey string) (Issue, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i := j.find(idOrKey); i != nil {
		return *i.clone(), true
	}
	return Issue{}, false
}

// where gives copies: callers may keep them while the sandbox goes on.
func (j *Jira) where(keep func(*Issue) bool) []Issue {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []Issue
	for _, i := range j.live() {
		if keep(i) {
			found = append(found, *i.clone())
		}
	}
	return found
}

// File makes a ticket with a description of plain text, and gives its key.
func (j *Jira) File(project, summary, description, author string) (string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.project(project)
	if p == nil {
		return "", fmt.Errorf("there is no project %s", project)
	}
	e, _ := j.newIssue(&scope{account: author}, &update{Fields: map[string]json.RawMessage{
		"project": encoded(map[string]string{"key": project}), "issuetype": encoded(map[string]string{"name": p.Types[0]}),
		"summary": quoted(summary), "description": plainDocument(description),
	}}, nil)
	if e.any() {
		return "", fmt.Errorf("%s: %v %v", project, e.Messages, e.Errors)
	}
	e.issue.Key = fmt.Sprintf("%s-%d", project, j.numbers[project]+1)
	return e.issue.Key, j.commit(e.issue)
}

// BeforeWrite calls a hook with the key of each issue that a request is about to change,
// after the caller has read it: for somebody who is quicker. nil ends it. The hook may
// change the site as people do.
func (j *Jira) BeforeWrite(hook func(key string)) { j.beforeWrite.Store(&hook) }

// hooked calls the hook of writes.
func (j *Jira) hooked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hook := j.beforeWrite.Load(); hook != nil && *hook != nil && writes(r) {
			_, rest, _ := strings.Cut(r.URL.Path, "/issue/")
			id, _, _ := strings.Cut(rest, "/")
			if i, ok := j.Get(id); ok {
				(*hook)(i.Key)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Transition moves an issue to a status by one transition of its workflow, with
// a resolution ("" is the workflow's first) where it closes the issue. author
// is an account id.
func (j *Jira) Transition(idOrKey, status, resolution, author string) error {
	return j.byHand(idOrKey, author, func(i *Issue, c *Change) error {
		w := &j.project(i.Project).Workflow
		if resolution != "" && w.resolution(resolution, "") == "" {
			return fmt.Errorf("there is no resolution %q", resolution)
		}
		for _, e := range w.from(i.Status) {
			if strings.EqualFold(e.To, status) {
				w.enter(i, e.Transition, w.resolution(resolution, ""), c)
				return nil
			}
		}
		return fmt.Errorf("no transition leads from %q to %q", i.Status, status)
	})
}

// moveAlong moves an issue along one edge of its workflow, by the edge's id.
func (j *Jira) moveAlong(idOrKey, id, resolution, author string) error {
	return j.byHand(idOrKey, author, func(i *Issue, c *Change) error {
		w := &j.project(i.Project).Workflow
		for _, e := range w.from(i.Status) {
			if e.ID == id {
				w.enter(i, e.Transition, w.resolution(resolution, ""), c)
				return nil
			}
		}
		return fmt.Errorf("this way does not lead on from %q", i.Status)
	})
}

// Assign gives an issue to an account; "" takes it from everybody.
func (j *Jira) Assign(idOrKey, accountID, author string) error {
	return j.byHand(idOrKey, author, func(i *Issue, c *Change) error {
		if accountID != "" && j.user(accountID) == nil {
			return fmt.Errorf("there is no account %q", accountID)
		}
		c.set("assignee", &i.Assignee, accountID)
		return nil
	})
}

// Comment adds a comment of plain text.
func (j *Jira) Comment(idOrKey, text, author string) error {
	return j.byHand(idOrKey, author, func(i *Issue, _ *Change) error {
		i.Comments = append(i.Comments, Comment{ID: j.nextID(), Author: author, Body: plainDocument(text), Created: j.now()})
		// A comment changes no field, so the changelog would not move the issue on.
		i.Updated = j.now()
		return nil
	})
}

// Edit changes fields of an issue.
func (j *Jira) Edit(idOrKey string, e Edited, author string) error {
	return j.byHand(idOrKey, author, func(i *Issue, c *Change) error {
		if e.Summary != nil {
			c.set("summary", &i.Summary, *e.Summary)
		}
		if e.Priority != nil {
			c.set("priority", &i.Priority, *e.Priority)
		}
		if e.Description != nil {
			setDescription(i, plainDocument(*e.Description), c)
		}
		if e.Document != nil {
			setDescription(i, compact(e.Document), c)
		}
		if e.Due != nil {
			c.set("duedate", &i.Due, *e.Due)
		}
		labels := slices.Concat(i.Labels, e.Add)
		if e.Labels != nil {
			labels = e.Labels
		}
		labels = slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(e.Remove, l) })
		setSorted("labels", &i.Labels, labels, c)
		return nil
	})
}

// Delete removes an issue for good.
func (j *Jira) Delete(idOrKey string) error {
	return j.byHand(idOrKey, "", func(i *Issue, _ *Change) error {
		// Kept with a mark: the journal must say so, and the key is never given out
		// again. No changelog tells of it; watchers only find that it is missing.
		i.Deleted = true
		return nil
	})
}

// byHand changes an issue as one step: checked, recorded, committed.
func (j *Jira) byHand(idOrKey, author string, act func(*Issue, *Change) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	old := j.find(idOrKey)
	if old == nil {
		return fmt.Errorf("there is no issue %s", idOrKey)
	}
	// The old one stays current until the commit, whatever fails before.
	i, c := old.clone(), Change{Author: author}
	if err := act(i, &c); err != nil {
		return fmt.Errorf("%s: %w", i.Key, err)
	}
	j.record(i, c)
	return j.commit(i)
}

// setDescription notes the plain text in the changelog, as Jira does.
func setDescription(i *Issue, doc json.RawMessage, c *Change) {
	from, to := plainText(i.Description), plainText(doc)
	// Documents are compared, not texts: new marks on old words are a change.
	if string(i.Description) == string(doc) {
		return
	}
	i.Description = doc
	c.Items = append(c.Items, ChangedField{Field: "description", From: from, To: to})
}
