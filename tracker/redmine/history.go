package redmine

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// self is the op of what our own account did: Redmine keeps no word of which write it was.
const self = "self"

// journal is an entry of an issue's history: a note, or changed fields, or both. Their
// numbers grow.
type journal struct {
	ID      int       `json:"id"`
	User    *ref      `json:"user"` // nil if the account is gone
	Notes   string    `json:"notes"`
	Created time.Time `json:"created_on"`
	Details []detail  `json:"details"`
}

// detail is what an entry says of one field: a number where the field points at something.
type detail struct {
	Property string `json:"property"` // attr, cf, relation, attachment
	Name     string `json:"name"`
	Old      word   `json:"old_value"`
	New      word   `json:"new_value"`
}

// word is a text, or whatever else stands there, as a text.
type word string

// UnmarshalJSON implements [json.Unmarshaler].
func (w *word) UnmarshalJSON(text []byte) error {
	var plain *string
	switch {
	case json.Unmarshal(text, &plain) != nil:
		*w = word(text)
	case plain == nil:
		*w = ""
	default:
		*w = word(*plain)
	}
	return nil
}

// maxPast is how many issues' histories are kept.
const maxPast = 10_000

// past keeps the histories of issues that have not changed since: only the reading of a
// single issue shows them, and who asks what has changed asks for the same issues again and
// again.
type past struct {
	mu   sync.Mutex
	kept map[int]remembered
}

type remembered struct {
	updated   time.Time
	journals  []journal
	relations []relation
}

// keep remembers the history of an issue that was read at a time or later. Times are whole
// seconds: within that of its last change it may change once more.
func (p *past) keep(i *issue, at time.Time) {
	if at.Before(i.Updated.Add(time.Second)) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil || len(p.kept) >= maxPast {
		p.kept = map[int]remembered{}
	}
	p.kept[i.ID] = remembered{updated: i.Updated, journals: i.Journals, relations: i.Relations}
}

// recall gives an issue its history, if that is known.
func (p *past) recall(i *issue) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.kept[i.ID]
	if !ok || !known.updated.Equal(i.Updated) {
		return false
	}
	i.Journals, i.Relations, i.whole = known.journals, known.relations, true
	return true
}

// whole gives issues of a list their histories, one read for each that has changed. What is
// gone meanwhile is left out.
func (c *Client) whole(ctx context.Context, issues []issue) ([]issue, error) {
	all := make([]issue, 0, len(issues))
	for _, i := range issues {
		if c.past.recall(&i) {
			all = append(all, i)
			continue
		}
		read, err := c.one(ctx, strconv.Itoa(i.ID))
		switch {
		case err == nil:
			all = append(all, *read)
		case tracker.KindOf(err) != tracker.Missing:
			return nil, err
		}
	}
	return all, nil
}

// account is who we are.
type account struct {
	ID      int       `json:"id"`
	Created time.Time `json:"created_on"`
}

func (c *Client) me(ctx context.Context) (account, error) {
	return recall(ctx, c, "me", func(ctx context.Context) (account, error) {
		var answer struct {
			User account `json:"user"`
		}
		_, err := c.do(ctx, get("/users/current.json", url.Values{}), &answer)
		return answer.User, err
	})
}

// tell adds the edits and comments of an issue, in their order.
func (c *Client) tell(ctx context.Context, i *issue, p *project, shown *tracker.Issue) error {
	if len(i.Journals) == 0 {
		return nil
	}
	me, err := c.me(ctx)
	if err != nil {
		return err
	}
	for _, j := range slices.SortedFunc(slices.Values(i.Journals), func(a, b journal) int { return cmp.Compare(a.ID, b.ID) }) {
		t := telling{client: c, issue: i, project: p, id: strconv.Itoa(j.ID), at: j.Created.UTC()}
		if t.author, err = c.ownerName(ctx, j.User); err != nil {
			return err
		}
		if j.User != nil && j.User.ID == me.ID {
			t.op = self
		}
		for _, d := range j.Details {
			if err := t.edit(ctx, d, shown); err != nil {
				return err
			}
		}
		t.comment(j.Notes, shown)
	}
	return nil
}

// telling is an entry of a history on its way into the words of all trackers.
type telling struct {
	client         *Client
	issue          *issue
	project        *project
	id, author, op string
	at             time.Time
}

func (t *telling) comment(notes string, shown *tracker.Issue) {
	text, op := unsigned(tidy(notes))
	if text == "" {
		return
	}
	shown.Comments = append(shown.Comments, tracker.Comment{ID: t.id, At: t.at, Author: t.author, Op: cmp.Or(op, t.op), Text: t.client.text.read(text)})
}

// canonicalFields are the fields that all trackers share.
var canonicalFields = map[string]string{
	"status_id": "status", "assigned_to_id": "assignee", "priority_id": "priority", "subject": "summary", "description": "description", "due_date": "due",
}

func (t *telling) edit(ctx context.Context, d detail, shown *tracker.Issue) (err error) {
	e := tracker.Edit{ID: t.id, At: t.at, Author: t.author, Op: t.op, Field: d.Name, From: string(d.Old), To: string(d.New)}
	switch d.Property {
	case "attr":
		e.Field = cmp.Or(canonicalFields[d.Name], d.Name)
		for _, value := range []*string{&e.From, &e.To} {
			if *value, err = t.name(ctx, d.Name, *value); err != nil {
				return err
			}
		}
	case "cf":
		err = t.custom(ctx, d, &e)
	default:
		e.Field = d.Property + " " + d.Name
	}
	shown.Edits = append(shown.Edits, e)
	return err
}

// custom tells the edit of a custom field. What people change in our second one are the
// labels.
func (t *telling) custom(ctx context.Context, d detail, e *tracker.Edit) error {
	e.Field = "custom field " + d.Name
	for _, f := range t.issue.Fields {
		if strconv.Itoa(f.ID) == d.Name && canonicalName(f.Name) {
			e.Field = f.Name
		}
	}
	ours, err := t.client.ourFields(ctx)
	if err != nil || d.Name != strconv.Itoa(ours.origin) {
		return err
	}
	was, is := readOrigin(e.From).labels, readOrigin(e.To).labels
	if !slices.Equal(was, is) {
		e.Field, e.From, e.To = "labels", strings.Join(was, " "), strings.Join(is, " ")
	}
	return nil
}

// canonicalName reports whether a custom field can be told by its own name, which may be
// that of a field which all trackers share.
func canonicalName(name string) bool {
	for _, shared := range canonicalFields {
		if strings.EqualFold(shared, name) {
			return false
		}
	}
	return name != "" && name != "labels"
}

// name is what people see where a history has a number.
func (t *telling) name(ctx context.Context, field, value string) (string, error) {
	id := number(value)
	if id == 0 {
		return value, nil
	}
	switch c := t.client; field {
	case "status_id":
		all, err := c.statuses(ctx)
		for _, s := range all {
			if s.ID == id {
				return s.Name, err
			}
		}
		return value, err
	case "priority_id":
		all, err := c.priorities(ctx)
		return cmp.Or(nameOf(id, all), value), err
	case "assigned_to_id":
		return t.owner(ctx, id)
	}
	return value, nil
}

// owner is how somebody is called to whom an issue was assigned once; a group has a name
// among the members alone.
func (t *telling) owner(ctx context.Context, id int) (string, error) {
	c := t.client
	p, err := c.person(ctx, id)
	if err != nil {
		return "", err
	}
	is := &ref{ID: id}
	if p.Login == "" {
		people, groups, err := c.members(ctx, t.project)
		if err != nil && !refusedToShow(err) {
			return "", err
		}
		is.Name = nameOf(id, slices.Concat(people, groups))
	}
	return c.ownerName(ctx, is)
}

// nameOf is the name of a number; "" if none of the list has it.
func nameOf(id int, all []ref) string {
	for _, one := range all {
		if one.ID == id {
			return one.Name
		}
	}
	return ""
}
