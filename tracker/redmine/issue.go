package redmine

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// ref is how Redmine points at a thing.
type ref struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// issue is an issue as Redmine shows it; the last three only where they are asked for.
type issue struct {
	ID          int          `json:"id"`
	Project     ref          `json:"project"`
	Type        ref          `json:"tracker"`
	Status      status       `json:"status"`
	Priority    *ref         `json:"priority"`
	Assignee    *ref         `json:"assigned_to"`
	Category    *ref         `json:"category"`
	Parent      *ref         `json:"parent"`
	Subject     string       `json:"subject"`
	Description string       `json:"description"`
	Due         string       `json:"due_date"`
	Fields      []fieldValue `json:"custom_fields"`
	Created     time.Time    `json:"created_on"`
	Updated     time.Time    `json:"updated_on"`

	Relations []relation `json:"relations"`
	Journals  []journal  `json:"journals"`
	Allowed   []status   `json:"allowed_statuses"`
	whole     bool       // the first two of these are there
}

// fieldValue is a custom field of an issue: a text, or a list of texts.
type fieldValue struct {
	ID    int             `json:"id"`
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// relation ties two issues.
type relation struct {
	From int    `json:"issue_id"`
	To   int    `json:"issue_to_id"`
	Type string `json:"relation_type"`
}

// has reports whether an issue shows a custom field.
func (i *issue) has(field int) bool {
	return slices.ContainsFunc(i.Fields, func(f fieldValue) bool { return f.ID == field })
}

// values are those of a custom field.
func (i *issue) values(field int) []string {
	at := slices.IndexFunc(i.Fields, func(f fieldValue) bool { return f.ID == field })
	if at < 0 {
		return nil
	}
	var one string
	if json.Unmarshal(i.Fields[at].Value, &one) == nil {
		return []string{one}
	}
	var several []string
	_ = json.Unmarshal(i.Fields[at].Value, &several) // anything else is no value
	return several
}

// value is the one of a custom field.
func (i *issue) value(field int) string {
	return strings.TrimSpace(strings.Join(i.values(field), " "))
}

// marker is what an issue is found by; a text that is none is none.
func (c *Client) marker(i *issue, field int) trimtab.Marker {
	if v := i.value(field); markerShape.MatchString(v) {
		return trimtab.Marker(v)
	}
	return ""
}

// one reads an issue with its history, its relations and where it may go.
func (c *Client) one(ctx context.Context, id string) (*issue, error) {
	k := get("/issues/"+id+".json", map[string][]string{"include": {"journals,relations,allowed_statuses"}})
	if _, err := strconv.ParseUint(id, 10, 31); err != nil {
		return nil, c.failed(k, tracker.Missing, 0, fmt.Sprintf("%q is the id of no issue", id), nil)
	}
	var answer struct {
		Issue issue `json:"issue"`
	}
	at, err := c.timed(ctx, k, &answer)
	switch kind := tracker.KindOf(err); {
	// Of an issue that is there and hidden Redmine says 403.
	case kind == tracker.Missing || kind == tracker.Forbidden:
		return nil, c.failed(k, tracker.Missing, http.StatusNotFound, "issue "+id+" is deleted or hidden from this account", nil)
	case err != nil:
		return nil, err
	}
	answer.Issue.whole = true
	c.past.keep(&answer.Issue, at)
	return &answer.Issue, nil
}

// show translates issues into the words of all trackers.
func (c *Client) show(ctx context.Context, issues []issue) ([]tracker.Issue, error) {
	shown := make([]tracker.Issue, len(issues))
	for n := range issues {
		var err error
		if shown[n], err = c.showOne(ctx, &issues[n]); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

func (c *Client) showOne(ctx context.Context, i *issue) (tracker.Issue, error) {
	ours, err := c.ourFields(ctx)
	if err != nil {
		return tracker.Issue{}, err
	}
	all, err := c.statuses(ctx)
	if err != nil {
		return tracker.Issue{}, err
	}
	p, err := c.projectOf(ctx, i.Project.ID)
	if err != nil {
		return tracker.Issue{}, err
	}
	id, o := strconv.Itoa(i.ID), readOrigin(i.value(ours.origin))
	shown := tracker.Issue{
		ID: id, Key: "#" + id, URL: c.base.JoinPath("issues", id).String(), Project: p.Identifier, Marker: c.marker(i, ours.marker), Op: o.op,
		Status: c.statusOf(p.Identifier, i.Status, all), StatusName: i.Status.Name, Summary: i.Subject, Description: c.text.read(i.Description),
		Block: c.text.block(i.Description), Labels: o.labels, Created: i.Created.UTC(), Updated: i.Updated.UTC(),
	}
	shown.Stamped = shown.Marker != "" && o.installation != ""
	// Which a copy of a ticket has too, and nobody made it for us.
	if i.isCopy() {
		shown.Op = ""
	}
	if due, err := time.Parse(time.DateOnly, i.Due); err == nil {
		shown.Due = due
	}
	if i.Priority != nil {
		shown.Priority = i.Priority.Name
	}
	if shown.Assignee, err = c.ownerName(ctx, i.Assignee); err != nil {
		return tracker.Issue{}, err
	}
	return shown, c.tell(ctx, i, p, &shown)
}

// isCopy reports whether Redmine has tied an issue to the one that it was copied from.
func (i *issue) isCopy() bool {
	return slices.ContainsFunc(i.Relations, func(r relation) bool { return r.Type == "copied_to" && r.To == i.ID })
}
