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
	Components  []string                   `json:"components,omitempty"`
	Due         string                     `json:"due,omitempty"`    // a date, as 2026-09-30
	Parent      int64                      `json:"parent,omitempty"` // id of an issue
	Custom      map[string]json.RawMessage `json:"custom,omitempty"` // by field id: text, number, option, options, account id or document
	Links       []Link                     `json:"links,omitempty"`
	Remote      []RemoteLink               `json:"remote,omitempty"`
	Properties  map[string]json.RawMessage `json:"properties,omitempty"`
	Comments    []Comment                  `json:"comments,omitempty"`
	Changes     []Change                   `json:"changes,omitempty"` // oldest first
	Created     time.Time                  `json:"created"`
	Updated     time.Time                  `json:"updated"`
	OldKeys     []string                   `json:"oldKeys,omitempty"` // those that it had before it was moved
	Archived    bool                       `json:"archived,omitempty"`
	Deleted     bool                       `json:"deleted,omitempty"` // its key and id are never used again
}

// Link is one end of a link between two issues; the other issue has the other.
type Link struct {
	ID      int64  `json:"id"`
	Type    string `json:"type"`    // name of a link type
	Other   int64  `json:"other"`   // id of the issue at the other end
	Outward bool   `json:"outward"` // read from here to there: "blocks", not "is blocked by"
}

// RemoteLink is a link to something outside of the site.
type RemoteLink struct {
	ID           int64           `json:"id"`
	GlobalID     string          `json:"globalId,omitempty"`
	Relationship string          `json:"relationship,omitempty"`
	Application  json.RawMessage `json:"application,omitempty"`
	Object       json.RawMessage `json:"object"`
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
	ID    string `json:"fieldId,omitempty"` // "" is the same as Field
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
	c.Properties, c.Custom = maps.Clone(i.Properties), maps.Clone(i.Custom)
	c.Components, c.Links, c.Remote, c.OldKeys = slices.Clone(i.Components), slices.Clone(i.Links), slices.Clone(i.Remote), slices.Clone(i.OldKeys)
	return &c
}

// set changes one field and notes it in the entry, if it is different.
func (c *Change) set(field string, value *string, to string) {
	if *value == to {
		return
	}
	c.note(field, *value, to)
	*value = to
}

// note adds to the entry what became of a field, if it is different.
func (c *Change) note(field, from, to string) {
	if from != to {
		c.Items = append(c.Items, ChangedField{Field: field, From: from, To: to})
	}
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

// find gives a live issue by id or key, not to be changed in place. The keys
// that a moved issue had lead to it still.
func (j *Jira) find(idOrKey string) *Issue {
	id, ok := j.keys[idOrKey]
	// A key has a dash in it, so that a number can only be an id.
	if !ok {
		id, _ = strconv.ParseInt(idOrKey, 10, 64) // no number is the id of nobody
	}
	if i := j.issues[id]; i != nil && !i.Deleted {
		return i
	}
	return nil
}

// see is find for an account: what it may not browse is not there for it.
func (j *Jira) see(s *scope, idOrKey string) *Issue {
	i := j.find(idOrKey)
	if i == nil || !j.project(i.Project).may(s.account, Browse) {
		return nil
	}
	s.touch(i)
	return i
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
