package redmine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// knowTTL is how long what a Redmine has is believed.
const knowTTL = 15 * time.Minute

// knowledge is what is known of a Redmine: its statuses, projects, fields, people.
type knowledge struct {
	mu   sync.Mutex
	kept map[string]known
}

type known struct {
	what  any
	until time.Time
}

// recall gives what is known under a name, and learns it where it is not. Failures are
// not kept, so that a repair shows at once.
func recall[T any](ctx context.Context, c *Client, name string, learn func(context.Context) (T, error)) (T, error) {
	c.know.mu.Lock()
	k, ok := c.know.kept[name]
	c.know.mu.Unlock()
	if what, is := k.what.(T); ok && is && c.cfg.Now().Before(k.until) {
		return what, nil
	}
	what, err := learn(ctx)
	if err != nil {
		return what, err
	}
	c.know.mu.Lock()
	defer c.know.mu.Unlock()
	if c.know.kept == nil {
		c.know.kept = map[string]known{}
	}
	c.know.kept[name] = known{what: what, until: c.cfg.Now().Add(knowTTL)}
	return what, nil
}

// forget lets what is known under names be learnt again.
func (c *Client) forget(names ...string) {
	c.know.mu.Lock()
	defer c.know.mu.Unlock()
	for _, name := range names {
		delete(c.know.kept, name)
	}
}

// refused reports whether Redmine will not show something, which is an answer.
func refusedToShow(err error) bool {
	var e *tracker.Error
	return errors.As(err, &e) && (e.Kind == tracker.Missing || e.Kind == tracker.Forbidden || e.Kind == tracker.Rejected)
}

func (c *Client) statuses(ctx context.Context) ([]status, error) {
	return recall(ctx, c, "statuses", func(ctx context.Context) ([]status, error) {
		var answer struct {
			Statuses []status `json:"issue_statuses"`
		}
		_, err := c.do(ctx, get("/issue_statuses.json", nil), &answer)
		return answer.Statuses, err
	})
}

func (c *Client) priorities(ctx context.Context) ([]ref, error) {
	return recall(ctx, c, "priorities", func(ctx context.Context) ([]ref, error) {
		var answer struct {
			Priorities []ref `json:"issue_priorities"`
		}
		_, err := c.do(ctx, get("/enumerations/issue_priorities.json", nil), &answer)
		return answer.Priorities, err
	})
}

// project is a project with what its issues can have. Fields are those that are
// assigned to it, not those for all projects.
type project struct {
	ID         int    `json:"id"`
	Identifier string `json:"identifier"`
	Status     int    `json:"status"` // 1 is active
	Types      []ref  `json:"trackers"`
	Categories []ref  `json:"issue_categories"`
	Fields     []ref  `json:"issue_custom_fields"`
}

// parts are what a project is read with.
const parts = "trackers,issue_categories,issue_custom_fields"

// project reads a project by its identifier.
func (c *Client) project(ctx context.Context, identifier string) (*project, error) {
	return recall(ctx, c, "project/"+identifier, func(ctx context.Context) (*project, error) {
		var answer struct {
			Project project `json:"project"`
		}
		_, err := c.do(ctx, get("/projects/"+url.PathEscape(identifier)+".json", url.Values{"include": {parts}}), &answer)
		return &answer.Project, err
	})
}

// projectOf reads the project that an issue points to. Its issue was shown, so it is
// there; only its number is known where it was closed to this account meanwhile.
func (c *Client) projectOf(ctx context.Context, id int) (*project, error) {
	p, err := c.project(ctx, strconv.Itoa(id))
	if refusedToShow(err) {
		return &project{ID: id, Identifier: strconv.Itoa(id)}, nil
	}
	return p, err
}

// field is a custom field of issues, as only administrators are shown it.
type field struct {
	ref
	Kind     string `json:"customized_type"`
	Format   string `json:"field_format"`
	Filter   bool   `json:"is_filter"`
	Multiple bool   `json:"multiple"`
	Visible  bool   `json:"visible"`
	Types    []ref  `json:"trackers"`
}

// fields are all custom fields of issues; nil for an account that is no administrator's.
func (c *Client) fields(ctx context.Context) ([]field, error) {
	return recall(ctx, c, "fields", func(ctx context.Context) ([]field, error) {
		var answer struct {
			Fields []field `json:"custom_fields"`
		}
		_, err := c.do(ctx, get("/custom_fields.json", nil), &answer)
		if tracker.KindOf(err) == tracker.Forbidden {
			return nil, nil
		}
		var all []field
		for _, f := range answer.Fields {
			if f.Kind == "issue" {
				all = append(all, f)
			}
		}
		return all, err
	})
}

// named is the number of the thing that is called so; 0 if none of the lists has it.
func named(name string, lists ...[]ref) int {
	for _, list := range lists {
		for _, one := range list {
			if strings.EqualFold(one.Name, name) {
				return one.ID
			}
		}
	}
	return 0
}

// number reads the number of a field that goes by it; 0 if it is none.
func number(name string) int {
	n, err := strconv.ParseUint(name, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// ours are the numbers of our own fields.
type ours struct{ marker, origin, backlink int }

// ourFields finds them. Without the first two nothing can be filed or found.
func (c *Client) ourFields(ctx context.Context) (ours, error) {
	return recall(ctx, c, "ours", func(ctx context.Context) (o ours, err error) {
		for _, want := range []struct {
			to   *int
			name string
		}{{&o.marker, c.cfg.Marker}, {&o.origin, c.cfg.Origin}, {&o.backlink, c.cfg.Backlink}} {
			if want.name == "" {
				continue
			}
			if *want.to, err = c.ourField(ctx, want.name); err != nil {
				return o, err
			}
			if *want.to == 0 {
				return o, c.failed(get("/custom_fields.json", nil), tracker.Rejected, 0,
					fmt.Sprintf("no custom field %q can be seen; if it is there, configure its number, from /custom_fields/NUMBER/edit", want.name), nil)
			}
		}
		return o, nil
	})
}

// ourField looks for a field where it may be seen: among all, in projects, on issues.
func (c *Client) ourField(ctx context.Context, name string) (int, error) {
	if n := number(name); n > 0 {
		return n, nil
	}
	for _, look := range []func(context.Context) ([]ref, error){c.allFields, c.projectFields, c.issueFields} {
		some, err := look(ctx)
		if n := named(name, some); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}
