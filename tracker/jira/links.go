package jira

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// issueLink is a link as the issue at one of its ends shows it.
type issueLink struct {
	Type    linkType `json:"type"`
	Inward  *ref     `json:"inwardIssue"`
	Outward *ref     `json:"outwardIssue"`
}

// leadsTo reports whether an issue is at the other end.
func (l issueLink) leadsTo(id string) bool {
	return l.Outward != nil && l.Outward.ID == id || l.Inward != nil && l.Inward.ID == id
}

// linkType is a kind of link, with what it says in either direction.
type linkType struct {
	Name    string `json:"name"`
	Outward string `json:"outward"`
}

// linkWords are what sites call the relations: the name of the type or what it
// says outward.
var linkWords = map[tracker.Relation][2]string{tracker.Duplicates: {"Duplicate", "duplicates"}, tracker.Relates: {"Relates", "relates to"}}

// link ties the issue to another one and to its recommendation, as far as it is
// not so already, and reports whether it wrote anything.
func (w *writing) link(ctx context.Context) (bool, error) {
	tied, err := w.tie(ctx)
	if err != nil {
		return false, err
	}
	led, err := w.leadBack(ctx)
	return tied || led, err
}

// tie writes the link to another issue. In whichever direction it was drawn, one
// of the type is enough.
func (w *writing) tie(ctx context.Context) (bool, error) {
	to := w.change.Link
	if to.To == "" {
		return false, nil
	}
	// The name is asked for first: what is there already is told by it.
	kind, err := w.client.linkType(ctx, to.Relation)
	if err != nil {
		return false, err
	}
	for _, l := range w.before.Fields.Links {
		if l.leadsTo(to.To) && strings.EqualFold(l.Type.Name, kind) {
			return false, nil
		}
	}
	// The link runs from the inward issue, which "duplicates" the outward one.
	body := map[string]any{"type": named{kind}, "inwardIssue": map[string]string{"id": w.before.ID}, "outwardIssue": map[string]string{"id": to.To}}
	k := w.write(http.MethodPost, body)
	k.path = w.client.path("issueLink")
	return true, w.client.do(ctx, k, nil)
}

// linkType is the name of the type for a relation, or of the plain one.
func (c *Client) linkType(ctx context.Context, relation tracker.Relation) (string, error) {
	types, err := c.linkTypes(ctx)
	if err != nil {
		return "", err
	}
	for _, words := range [][2]string{linkWords[relation], linkWords[tracker.Relates]} {
		for _, t := range types {
			if strings.EqualFold(t.Name, words[0]) || strings.EqualFold(t.Outward, words[1]) {
				return t.Name, nil
			}
		}
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name
	}
	k := call{method: http.MethodPost, path: c.path("issueLink")}
	return "", c.failed(k, tracker.Rejected, 0, "not sent: the site has no type of link called Duplicate or Relates; it has: "+strings.Join(names, ", "), nil)
}

// linkTypes are the kinds of link that a site has.
func (c *Client) linkTypes(ctx context.Context) ([]linkType, error) {
	now := c.cfg.Now()
	if kept, ok := c.known.get("links", now); ok {
		return kept.([]linkType), nil
	}
	var answer struct {
		Types []linkType `json:"issueLinkTypes"`
	}
	k := call{method: http.MethodGet, path: c.path("issueLinkType"), reads: true}
	err := c.do(ctx, k, &answer)
	var e *tracker.Error
	if errors.As(err, &e) && e.Kind == tracker.Missing { // of the ticket nothing is missing
		return nil, c.failed(k, tracker.Rejected, e.Status, "links between issues are switched off on this site; an administrator can switch them on", nil)
	}
	if err != nil {
		return nil, err
	}
	c.known.put("links", answer.Types, now.Add(cacheTTL))
	return answer.Types, nil
}

// remoteLink is a link out of Jira. An issue has one of a global id.
type remoteLink struct {
	GlobalID string `json:"globalId"`
	Object   struct {
		URL   string `json:"url"`
		Title string `json:"title"`
	} `json:"object"`
}

// leadBack writes the link to the page of the recommendation.
func (w *writing) leadBack(ctx context.Context) (bool, error) {
	back := w.change.Backlink
	if back.ID == "" {
		return false, nil
	}
	want := remoteLink{GlobalID: back.ID}
	want.Object.URL, want.Object.Title = back.URL, summaryOf(back.Title)
	is, err := w.client.remoteLink(ctx, w.before.ID, back.ID)
	// Jira would write the same again, and the issue would look changed.
	if err != nil || is == want {
		return false, err
	}
	return true, w.client.do(ctx, w.write(http.MethodPost, want, "remotelink"), nil)
}

// remoteLink reads the link of a global id; a zero one if there is none.
func (c *Client) remoteLink(ctx context.Context, id, globalID string) (remoteLink, error) {
	var answer remoteLink
	// Jira says 404 both of a link that is not there and of an issue; this one was read
	// a moment ago.
	k := call{method: http.MethodGet, path: c.issuePath(id, "remotelink"), query: url.Values{"globalId": {globalID}}, reads: true}
	err := c.do(ctx, k, &answer)
	var e *tracker.Error
	if errors.As(err, &e) && e.Kind == tracker.Missing {
		return remoteLink{}, nil
	}
	return answer, err
}
