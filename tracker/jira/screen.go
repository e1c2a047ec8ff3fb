package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// screen is what Jira asks and allows of a new issue of a type in a project.
type screen struct {
	target   tracker.Target
	fields   []field
	known    bool     // false: Jira does not tell, and the creation itself will
	problem  *problem // why nothing can be created here
	required map[string]bool
}

// problem is what stands in a draft's way, or in that of one of its fields.
type problem struct {
	fatal         bool // the draft cannot be filed; else a field of it is left out
	message, next string
}

// field is one that a screen has.
type field struct {
	ID         string   `json:"fieldId"`
	Name       string   `json:"name"`
	Required   bool     `json:"required"`
	HasDefault bool     `json:"hasDefaultValue"`
	Schema     schema   `json:"schema"`
	Allowed    []option `json:"allowedValues"`
}

// schema is the kind of a field's value.
type schema struct {
	Type   string `json:"type"`
	Items  string `json:"items"`
	System string `json:"system"`
	Custom string `json:"custom"`
}

// option is a value that a field allows; components and versions have names,
// choices have values.
type option struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (o option) label() string {
	if o.Name != "" {
		return o.Name
	}
	return o.Value
}

// metaPage is a page of create metadata: Cloud and Data Center name its list
// differently.
type metaPage struct {
	Types  []option `json:"issueTypes"`
	Fields []field  `json:"fields"`
	Total  int      `json:"total"`
}

// dataCenterPage is the same from Data Center.
type dataCenterPage[T any] struct {
	Values []T `json:"values"`
}

// screen reads what a target asks for: two calls, believed for a quarter of an hour.
func (c *Client) screen(ctx context.Context, target tracker.Target) (*screen, error) {
	target.Type = typeOf(target)
	now := c.cfg.Now()
	if s, ok := c.screens.get(screenKey(target), now); ok {
		return s, nil
	}
	s, err := c.readScreen(ctx, target)
	var e *tracker.Error
	// Any other failure is none of the project's.
	if errors.As(err, &e) && slices.Contains([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}, e.Status) && e.Kind != tracker.Unauthorized {
		s, err = &screen{target: target, problem: &problem{
			true, fmt.Sprintf("there is no project %q in which this account can create tickets (%s)", target.Project, e.Message),
			"check the project's key, and that the account may browse it and create issues in it",
		}}, nil
	}
	if err != nil {
		return nil, err
	}
	// A batch of fifty must not ask fifty times for what is not there either.
	until := now.Add(cacheTTL)
	if s.problem != nil {
		until = now.Add(absenceTTL)
	}
	c.screens.put(screenKey(target), s, until)
	return s, nil
}

// screenKey names a target in the cache.
func screenKey(t tracker.Target) string { return t.Project + "/" + strings.ToLower(typeOf(t)) }

// readScreen asks for the types of the project, once for all of them, and for the
// fields of the one that is wanted.
func (c *Client) readScreen(ctx context.Context, target tracker.Target) (*screen, error) {
	types, err := c.issueTypes(ctx, target.Project)
	if err != nil {
		return nil, err
	}
	s := &screen{target: target, required: map[string]bool{}}
	at := slices.IndexFunc(types, func(t option) bool { return strings.EqualFold(t.Name, target.Type) })
	if at < 0 {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.Name
		}
		s.problem = &problem{
			true, fmt.Sprintf("project %s has no issue type %q that this account can create", target.Project, target.Type),
			"its types are: " + strings.Join(names, ", "),
		}
		// Whoever adds the type wants to see it within a minute, not a quarter of an hour.
		c.known.drop("types/" + target.Project)
		return s, nil
	}
	s.fields, err = readMeta(ctx, c, c.metaPath(target.Project, types[at].ID), func(p metaPage) []field { return p.Fields })
	// No field at all is an answer of a site that does not show them.
	s.known = len(s.fields) > 0
	for _, f := range s.fields {
		s.required[f.ID] = f.Required
	}
	return s, err
}

// issueTypes are those that the account can create in a project.
func (c *Client) issueTypes(ctx context.Context, project string) ([]option, error) {
	now, name := c.cfg.Now(), "types/"+project
	if kept, ok := c.known.get(name, now); ok {
		return kept.([]option), nil
	}
	types, err := readMeta(ctx, c, c.metaPath(project), func(p metaPage) []option { return p.Types })
	if err == nil {
		c.known.put(name, types, now.Add(cacheTTL))
	}
	return types, err
}

func (c *Client) metaPath(project string, below ...string) string {
	parts := []string{"issue/createmeta", url.PathEscape(project), "issuetypes"}
	for _, part := range below {
		parts = append(parts, url.PathEscape(part))
	}
	return c.path(parts...)
}

// metaSize is more than what a screen has; one that has more takes another page.
const metaSize = 200

// readMeta reads all pages of one kind of create metadata.
func readMeta[T any](ctx context.Context, c *Client, path string, list func(metaPage) []T) ([]T, error) {
	var all []T
	for range 10 {
		var page struct {
			metaPage
			dataCenterPage[T]
		}
		query := url.Values{"maxResults": {fmt.Sprint(metaSize)}, "startAt": {fmt.Sprint(len(all))}}
		if err := c.do(ctx, call{method: http.MethodGet, path: path, query: query, reads: true}, &page); err != nil {
			return nil, err
		}
		some := append(list(page.metaPage), page.Values...)
		all = append(all, some...)
		// What came counts, not what was asked for: a site may give smaller pages.
		if len(some) == 0 || len(all) >= page.Total {
			break
		}
	}
	return all, nil
}

// typeOf is the issue type of a target; boards that name none want the one
// that every project has.
func typeOf(t tracker.Target) string {
	if t.Type == "" {
		return "Task"
	}
	return t.Type
}

// byID finds a field of the screen; nil if it has none.
func (s *screen) byID(id string) *field {
	for i := range s.fields {
		if s.fields[i].ID == id {
			return &s.fields[i]
		}
	}
	return nil
}

// byName finds a field by the name that people see, or by its id; twice reports
// that the name is that of several.
func (s *screen) byName(name string) (found *field, twice bool) {
	if f := s.byID(name); f != nil {
		return f, false
	}
	for i := range s.fields {
		if strings.EqualFold(s.fields[i].Name, name) {
			found, twice = &s.fields[i], found != nil
		}
	}
	return found, twice
}

// where says which screen it is, for people.
func (s *screen) where() string {
	return fmt.Sprintf("the create screen of %s in project %s", s.target.Type, s.target.Project)
}

// siteFields are the fields of a site, by the names that people see.
func (c *Client) siteFields(ctx context.Context) ([]field, error) {
	now := c.cfg.Now()
	if kept, ok := c.known.get("fields", now); ok {
		return kept.([]field), nil
	}
	var all []struct {
		field
		Plain string `json:"id"` // this answer calls it otherwise
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: c.path("field"), reads: true}, &all); err != nil {
		return nil, err
	}
	fields := make([]field, len(all))
	for i, f := range all {
		f.field.ID = f.Plain
		fields[i] = f.field
	}
	c.known.put("fields", fields, now.Add(cacheTTL))
	return fields, nil
}
