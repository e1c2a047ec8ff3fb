package jira

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// propertyKey is the issue and comment property that names our writes.
const propertyKey = "trimtab"

// property is its value.
type property struct {
	Marker trimtab.Marker `json:"marker,omitempty"`
	Op     string         `json:"op,omitempty"`
}

// issueFields are the fields that are read of every issue.
var issueFields = []string{
	"summary", "description", "status", "resolution", "assignee", "priority", "labels", "project", "issuetype", "created", "updated",
	"components", "duedate", "parent", "issuelinks",
}

// named is a thing that Jira lets us name: a type, a priority, a resolution.
type named struct {
	Name string `json:"name"`
}

// user is an account. Its e-mail is empty where the profile hides it; an
// account that does not say whether it is active counts as active.
type user struct {
	AccountID string `json:"accountId"` // on Cloud
	Login     string `json:"name"`      // on Data Center
	Email     string `json:"emailAddress"`
	Name      string `json:"displayName"`
	Active    *bool  `json:"active"`
}

// status is a step of a workflow; only the category means the same everywhere.
type status struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Category struct {
		Key string `json:"key"`
	} `json:"statusCategory"`
}

// issue is an issue as Jira shows it.
type issue struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Fields struct {
		Summary     string          `json:"summary"`
		Description json.RawMessage `json:"description"`
		Status      status          `json:"status"`
		Resolution  *named          `json:"resolution"`
		Assignee    *user           `json:"assignee"`
		Priority    *named          `json:"priority"`
		Labels      []string        `json:"labels"`
		Components  []named         `json:"components"`
		Due         string          `json:"duedate"`
		Parent      *ref            `json:"parent"`
		Links       []issueLink     `json:"issuelinks"`
		Project     struct {
			Key string `json:"key"`
		} `json:"project"`
		Created stamp    `json:"created"`
		Updated stamp    `json:"updated"`
		Comment comments `json:"comment"`
	} `json:"fields"`
	Properties map[string]json.RawMessage `json:"properties"`
	Changelog  struct {
		Histories []entry `json:"histories"`
	} `json:"changelog"`
	bare bool // read by a search that gives no properties
}

// stamp is a time in one of the two ways in which Jira writes it.
type stamp struct{ time.Time }

// UnmarshalJSON reads an offset with or without its colon; null is no time.
func (s *stamp) UnmarshalJSON(text []byte) error {
	var word string
	if err := json.Unmarshal(text, &word); err != nil || word == "" {
		return err
	}
	// Fields have no colon in the offset, some other answers do.
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, word); err == nil {
			s.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%q is not a time", word)
}

// project is the key of the project where the issue is now. It may have been
// moved.
func (i *issue) project() string {
	if i.Fields.Project.Key != "" {
		return i.Fields.Project.Key
	}
	project, _, _ := strings.Cut(i.Key, "-")
	return project
}

// property reads what we wrote beside the labels.
func (i *issue) property() property {
	var p property
	if json.Unmarshal(i.Properties[propertyKey], &p) != nil {
		return property{} // somebody else's value: the label decides
	}
	return p
}

// priority is its name, "" without one.
func (i *issue) priority() string {
	if i.Fields.Priority == nil {
		return ""
	}
	return i.Fields.Priority.Name
}

// assignee is the id of the account that has an issue, "" of nobody.
func (c *Client) assignee(i *issue) string {
	if i.Fields.Assignee == nil {
		return ""
	}
	return c.edition.users.id(i.Fields.Assignee)
}

// browse is the address at which people open an issue.
func (c *Client) browse(key string) string { return c.base.JoinPath("browse", key).String() }

// nameOf is what an account is called in all trackers: by its e-mail, since owners in rules
// are named by it, or by its id where the profile hides that; "" of nobody.
func (c *Client) nameOf(u *user) string {
	if u == nil {
		return ""
	}
	return cmp.Or(u.Email, c.edition.users.id(u))
}

// shown translates an issue into the words of all trackers.
func (c *Client) shown(i *issue) tracker.Issue {
	// Our own labels stay out: nobody's rule or report should see them as a team's.
	made, text := i.property(), c.edition.text
	marker, labels := splitLabels(i.Fields.Labels, made.Marker)
	shown := tracker.Issue{
		ID: i.ID, Key: i.Key, URL: c.browse(i.Key), Project: i.project(), Marker: marker, Op: made.Op, Status: c.statusOf(i),
		StatusName: i.Fields.Status.Name, Summary: i.Fields.Summary, Priority: i.priority(), Description: text.shown(i.Fields.Description), Block: text.block(i.Fields.Description),
		Labels: labels, Stamped: i.stamped(marker), Created: i.Fields.Created.Time, Updated: i.Fields.Updated.Time,
	}
	shown.Due, _ = time.Parse(time.DateOnly, i.Fields.Due) // zero without one
	shown.Assignee = c.nameOf(i.Fields.Assignee)
	return shown
}
