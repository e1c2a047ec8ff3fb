package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Issue is a ticket as the sandbox keeps it. Callers get copies.
type Issue struct {
	ID          int64                      `json:"id"`
	Key         string                     `json:"key"`
	Project     string                     `json:"project"`
	Type        string                     `json:"type"`
	Summary     string                     `json:"summary"`
	Description json.RawMessage            `json:"description,omitempty"` // an Atlassian document
	Status      string                     `json:"status"`
	Resolution  string                     `json:"resolution,omitempty"`
	Priority    string                     `json:"priority,omitempty"`
	Assignee    string                     `json:"assignee,omitempty"` // account id
	Reporter    string                     `json:"reporter"`           // account id
	Labels      []string                   `json:"labels,omitempty"`   // sorted
	Properties  map[string]json.RawMessage `json:"properties,omitempty"`
	Comments    []Comment                  `json:"comments,omitempty"`
	Changes     []Change                   `json:"changes,omitempty"` // oldest first
	Created     time.Time                  `json:"created"`
	Updated     time.Time                  `json:"updated"`
	Deleted     bool                       `json:"deleted,omitempty"` // its key and id are never used again
}

// Comment is one comment of an issue.
type Comment struct {
	ID         int64                      `json:"id"`
	Author     string                     `json:"author"`
	Body       json.RawMessage            `json:"body"`
	Properties map[string]json.RawMessage `json:"properties,omitempty"`
	Created    time.Time                  `json:"created"`
}

// Change is one entry of an issue's changelog.
type Change struct {
	ID      int64           `json:"id"`
	Author  string          `json:"author"`
	At      time.Time       `json:"at"`
	Items   []ChangedField  `json:"items"`
	History json.RawMessage `json:"history,omitempty"` // the request's historyMetadata
}

// ChangedField is what an entry says of one field.
type ChangedField struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

func (i *Issue) id() string { return strconv.FormatInt(i.ID, 10) }

// clone copies an issue deeply enough that no part is shared that changes.
func (i *Issue) clone() *Issue {
	// Documents are replaced, never changed in place, and may be shared. So are the
	// properties of comments, which nobody edits.
	c := *i
	c.Labels, c.Changes, c.Comments = slices.Clone(i.Labels), slices.Clone(i.Changes), slices.Clone(i.Comments)
	c.Properties = maps.Clone(i.Properties)
	return &c
}

// set changes one field and notes it in the entry, if it is different.
func (c *Change) set(field string, value *string, to string) {
	if *value == to {
		return
	}
	c.Items = append(c.Items, ChangedField{Field: field, From: *value, To: to})
	*value = to
}

// record ends a change: an entry that says something moves the issue on.
func (j *Jira) record(i *Issue, c Change) {
	// What changes nothing must not move updated: whoever watches for changes would
	// take each repeated write for news.
	if len(c.Items) == 0 {
		return
	}
	c.ID, c.At = j.nextID(), j.now()
	i.Changes = append(i.Changes, c)
	i.Updated = c.At
}

// nextID counts issues, entries and comments together.
func (j *Jira) nextID() int64 {
	// Gaps do no harm; growing is what the order of issues rests on.
	j.lastID++
	return j.lastID
}

// find gives a live issue by id or key, not to be changed in place.
func (j *Jira) find(idOrKey string) *Issue {
	// A key has a dash in it, so that a number can only be an id.
	if id, err := strconv.ParseInt(idOrKey, 10, 64); err == nil {
		if i := j.issues[id]; i != nil && !i.Deleted {
			return i
		}
		return nil
	}
	for _, i := range j.issues {
		if i.Key == idOrKey && !i.Deleted {
			return i
		}
	}
	return nil
}

// live lists the issues that exist, oldest first.
func (j *Jira) live() []*Issue {
	var all []*Issue
	// The map would give another order each time.
	for _, id := range j.order {
		if i := j.issues[id]; !i.Deleted {
			all = append(all, i)
		}
	}
	return all
}
